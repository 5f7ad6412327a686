//! The clerks' digest: its facts looked up, and on its schedule written and queued.
//!
//! Each digest begins where the one before it ended, so that nothing is missed and nothing told twice; one that was not
//! made in its time, because the daemon was down, is covered by the next, which says so. The end of the period and the
//! letters are recorded in one transaction.

mod conexe;
mod equation;
mod lookup;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::calendar::hours::ZONE;
use crate::calendar::schedule::Schedule;
use crate::digest::{self, Facts, Gap, Period};
use crate::flow::failpoint::reach;
use crate::flow::{House, StepError, with_causes};
use crate::outbox::{self, Outgoing, digest_letter};
use crate::store::{DigestDone, Stored};

pub use lookup::{Bureau, facts};

/// When digests go out and to whom.
pub struct Mailing {
    pub schedule: Schedule,
    pub from: String,
    /// Office, or empty for the whole agency, to addresses.
    pub to: BTreeMap<String, Vec<String>>,
}

/// A digest that was queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The office, or empty for the whole agency.
    pub scope: String,
    pub letters: usize,
    /// How many scheduled digests it stands for.
    pub covers: u32,
}

/// More than this is not counted; it only tells how many were missed.
const COVERS_MAX: usize = 10_000;

/// Writes the digests that are due.
///
/// # Errors
/// The store or the archive failed; the digest is made again.
pub fn round(house: House<'_>, bureau: &Bureau, mailing: &Mailing) -> Result<Vec<Made>, StepError> {
    let now = (house.now)();
    let mut made = Vec::new();
    for (scope, to) in &mailing.to {
        let Some(since) = house.store.digest_last(scope)? else {
            // The first digest tells of what comes from now on.
            begin(house, scope, now)?;
            continue;
        };
        let Some(until) = mailing.schedule.last_until(now, since) else {
            continue;
        };
        let covers = mailing
            .schedule
            .occurrences_between(since, until)
            .take(COVERS_MAX)
            .count();
        let covers = u32::try_from(covers.max(1)).unwrap_or(u32::MAX);
        let gap = (covers > 1).then(|| Gap {
            missed: covers - 1,
            down_since: since,
        });
        let period = Period {
            from: since,
            to: until,
        };
        let today = now.to_zoned(ZONE).date();
        let office = Some(scope.as_str()).filter(|office| !office.is_empty());
        let facts = facts(house, bureau, office, period, today, gap)?;
        let letters = letters(house, &facts, scope, to, mailing, until, now)?;
        reach("report.archived");
        let digest = DigestDone {
            scope: scope.clone(),
            since,
            until,
            covers,
            letters,
            at: now,
        };
        if house.store.digest_done(&digest)? {
            made.push(Made {
                scope: scope.clone(),
                letters: digest.letters.len(),
                covers,
            });
        }
        reach("report.committed");
    }
    Ok(made)
}

fn begin(house: House<'_>, scope: &str, now: Timestamp) -> Stored<bool> {
    house.store.digest_done(&DigestDone {
        scope: scope.to_owned(),
        since: now,
        until: now,
        covers: 0,
        letters: Vec::new(),
        at: now,
    })
}

fn letters(
    house: House<'_>,
    facts: &Facts,
    scope: &str,
    to: &[String],
    mailing: &Mailing,
    until: Timestamp,
    at: Timestamp,
) -> Result<Vec<Outgoing>, StepError> {
    let secret = house.store.instance_secret();
    let content = digest_letter::Content {
        subject: digest::subject(facts),
        text: digest::text(facts),
        html: digest::html(facts),
        csv: digest::csv(facts),
        csv_name: format!("situatie-{}.csv", facts.today.strftime("%Y-%m-%d")),
    };
    let mut letters = Vec::with_capacity(to.len());
    for address in to {
        let key = format!("digest/{scope}/{}/{address}", until.as_microsecond());
        let message_id = outbox::message_id(&secret, &key, &mailing.from);
        let composed =
            digest_letter::compose(&content, &facts.agency, &mailing.from, address, &message_id, at)
                .map_err(|error| StepError::Digest(with_causes(&error)))?;
        letters.push(Outgoing {
            message_id: composed.message_id,
            kind: outbox::Kind::Digest,
            number: None,
            ordinal: 0,
            from: mailing.from.clone(),
            to: address.clone(),
            sha256: house.archive.put(&composed.bytes)?,
            queued_at: at,
            not_after: None,
        });
    }
    Ok(letters)
}
