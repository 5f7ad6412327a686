//! Looks up what belongs together: links that wait for a clerk, and mails that came to two offices.

use super::lookup::Bureau;
use crate::digest::{Conexe, Copied, Period, ProposedLink};
use crate::flow::House;
use crate::store::Stored;

/// What a digest of one office, or of all, says of it.
pub(super) fn conexe(
    house: House<'_>,
    bureau: &Bureau,
    office: Option<&str>,
    period: Period,
) -> Stored<Conexe> {
    let mut found = Conexe::default();
    for proposal in house.store.links_proposed()? {
        if office.is_none_or(|office| office == proposal.office) {
            let link = &proposal.link;
            found.links.push(ProposedLink {
                number: link.later.spelled(bureau.spelling),
                earlier: link.earlier.spelled(bureau.spelling),
                why: link.why,
                office: bureau.office_name(&proposal.office),
                applicant: proposal.applicant,
            });
        }
    }
    for copy in house.store.copies_between(period.from, period.to)? {
        let of = bureau.offices.get(&copy.source.0).map(String::as_str);
        let of_first = bureau.offices.get(&copy.first_source.0).map(String::as_str);
        // Both offices are told: each may think that it alone has the mail.
        if office.is_none() || office == of || office == of_first {
            found.copies.push(Copied {
                mail_id: copy.mail_seq,
                received_at: copy.received_at,
                source: copy.source.0,
                first_source: copy.first_source.0,
                number: copy.number.spelled(bureau.spelling),
                applicant: copy.applicant,
            });
        }
    }
    Ok(found)
}
