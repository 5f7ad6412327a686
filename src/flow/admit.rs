//! From kept mails to decisions: numbers, entries and receipts owed, one transaction for a batch.
//!
//! The batch is decided on all cores and committed in the order of arrival. A mail whose decision panics is counted,
//! and after [`ATTEMPTS_MAX`] times held with the reason; the line goes on.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use crate::flow::failpoint::reach;
use crate::flow::stopwatch::{Stage, time};
use crate::flow::{FAILED_INSIDE, House, StepError, with_causes};
use crate::registry::{self, Decided, Desk, Entry, Incoming, Policy};
use crate::screening::{Outcome, Reason};
use crate::store::{ArchiveError, MailVerdict, Undecided};

/// After so many failures a person must look.
pub const ATTEMPTS_MAX: u32 = 3;
/// What a batch may weigh in memory, beside one mail that is always taken.
const BATCH_BYTES_MAX: u64 = 48 << 20;
const BATCH_MAILS_MAX: usize = 32;

/// What one round decided.
#[derive(Debug, Default)]
pub struct Admitted {
    /// Mails decided, with what became of each.
    pub decided: Vec<(i64, Outcome, Reason)>,
    pub entries: Vec<Entry>,
    /// Mails that failed this time, with the error.
    pub failed: Vec<(i64, String)>,
}

/// Decides the oldest undecided mails; an empty result means that there were none.
///
/// # Errors
/// The store failed; nothing of the batch was written.
pub fn round(
    house: House<'_>,
    desks: &BTreeMap<String, Desk>,
    policy: &Policy,
) -> Result<Admitted, StepError> {
    let batch = within_bounds(house.store.mails_undecided(BATCH_MAILS_MAX)?);
    if batch.is_empty() {
        return Ok(Admitted::default());
    }
    let at = (house.now)();
    let results: Vec<_> = batch
        .par_iter()
        .map(|mail| {
            (
                mail.seq,
                time(Stage::Decide, || decide_one(house, mail, desks, policy, at)),
            )
        })
        .collect();
    reach("admit.decided");
    let mut admitted = Admitted::default();
    let mut verdicts = Vec::new();
    let mut world = None;
    for (mail_seq, result) in results {
        match result {
            Ok(Ok(decided)) => {
                admitted.decided.push((mail_seq, decided.outcome, decided.reason));
                verdicts.push(MailVerdict { mail_seq, decided });
            }
            Ok(Err(why)) => admitted.failed.push((mail_seq, why)),
            Err(error) => world = Some(error),
        }
    }
    admitted.entries = time(Stage::Register, || house.store.mails_decide(&verdicts, at))?;
    reach("admit.committed");
    for (mail_seq, why) in &admitted.failed {
        house.store.mail_failed(*mail_seq, why, ATTEMPTS_MAX, at)?;
    }
    // The others are decided; when nothing else was to be done, the fault is told.
    match world {
        Some(error) if admitted.decided.is_empty() && admitted.failed.is_empty() => Err(error.into()),
        _ => Ok(admitted),
    }
}

fn within_bounds(mut batch: Vec<Undecided>) -> Vec<Undecided> {
    let mut bytes = 0;
    let fits = batch
        .iter()
        .take_while(|mail| {
            bytes += mail.size_bytes;
            bytes <= BATCH_BYTES_MAX
        })
        .count();
    batch.truncate(fits.max(1));
    batch
}

fn decide_one(
    house: House<'_>,
    mail: &Undecided,
    desks: &BTreeMap<String, Desk>,
    policy: &Policy,
    at: jiff::Timestamp,
) -> Result<Result<Decided, String>, ArchiveError> {
    let Some(desk) = desks.get(&mail.source.0) else {
        return Ok(Err(format!(
            "the source `{}` is no longer in the configuration",
            mail.source
        )));
    };
    let bytes = match house.archive.read(&mail.sha256) {
        Ok(bytes) => bytes,
        Err(error) if error.is_of_this_file() => return Ok(Err(with_causes(&error))),
        // The disk is away or the machine is short of something: no fault of the mail.
        Err(error) => return Err(error),
    };
    let incoming = Incoming {
        bytes: &bytes,
        extent: mail.extent,
        standing: mail.standing,
        received_at: mail.received_at,
    };
    let decided = catch_unwind(AssertUnwindSafe(|| registry::decide(incoming, desk, at, policy)));
    Ok(decided.map_err(|_| FAILED_INSIDE.to_owned()))
}
