//! The equation of the digest: messages shown beside what became of them.

use std::collections::BTreeSet;

use super::lookup::Bureau;
use crate::digest::{self, Facts, Period};
use crate::flow::House;
use crate::screening::Outcome;
use crate::store::{self, Account, Ledger, Stored};

/// The equation: messages shown, among the sightings, beside what became of the mails.
pub(super) fn counts(
    house: House<'_>,
    bureau: &Bureau,
    office: Option<&str>,
    facts: &mut Facts,
) -> Stored<()> {
    let Period { from, to } = facts.period;
    let Ledger {
        sources,
        misfits,
        misfits_total,
    } = house.store.ledger_between(from, to)?;
    let wanted = |name: &str| office.is_none() || office == bureau.offices.get(name).map(String::as_str);
    let mut names: BTreeSet<&str> = bureau.offices.keys().map(String::as_str).collect();
    names.extend(sources.keys().map(|source| source.0.as_str()));
    for name in names.into_iter().filter(|name| wanted(name)) {
        let account = sources.iter().find(|(source, _)| source.0 == name);
        facts.sources.push(digest::SourceCounts {
            source: name.to_owned(),
            counts: account.map_or_else(digest::Counts::default, |(_, account)| counted(account)),
        });
    }
    facts.misfits = misfits
        .into_iter()
        .filter(|one| wanted(&one.source.0))
        .map(misfit)
        .collect();
    let named = facts.misfits.len() as u64;
    // Those of other offices are named in their own digests.
    facts.misfits_total = if office.is_none() { misfits_total } else { named };
    Ok(())
}

fn counted(account: &Account) -> digest::Counts {
    let mut counts = digest::Counts {
        shown: account.shown,
        awaited: account.awaited,
        ..digest::Counts::default()
    };
    for (outcome, mails) in &account.mails {
        let place = match outcome {
            Some(Outcome::Registered) => &mut counts.registered,
            Some(Outcome::Joined) => &mut counts.joined,
            Some(Outcome::Answered) => &mut counts.answered,
            Some(Outcome::Filed) => &mut counts.filed,
            Some(Outcome::Ignored) => &mut counts.ignored,
            Some(Outcome::Held) => &mut counts.held,
            None => &mut counts.undecided,
        };
        *place += mails;
    }
    counts
}

fn misfit(one: store::Misfit) -> digest::Misfit {
    digest::Misfit {
        source: one.source.0,
        key: one.key.0,
        fault: one.fault,
    }
}
