//! From kept mails to decisions: numbers, entries and receipts owed, one transaction for a batch.
//!
//! The batch is decided on all cores and committed in the order of arrival. A mail whose decision panics is counted,
//! and after [`ATTEMPTS_MAX`] times held with the reason; the line goes on.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;

use crate::casework;
use crate::flow::failpoint::reach;
use crate::flow::stopwatch::{Stage, time};
use crate::flow::{FAILED_INSIDE, House, StepError, with_causes};
use crate::message::Message;
use crate::registry::{self, Desk, Entry, Incoming, Policy};
use crate::screening::{Outcome, Reason};
use crate::store::{MailVerdict, Undecided};

/// After so many failures a person must look.
pub const ATTEMPTS_MAX: u32 = 3;
/// What a batch may weigh in memory, beside one mail that is always taken.
const BATCH_BYTES_MAX: u64 = 48 << 20;
const BATCH_MAILS_MAX: usize = 128;

/// What decisions are made by, besides the mail.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// By the source's name.
    pub desks: &'a BTreeMap<String, Desk>,
    pub policy: &'a Policy,
    pub cases: &'a casework::Policy,
    /// The register that numbers without a code speak of.
    pub only_register: Option<&'a str>,
}

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
pub fn round(house: House<'_>, rules: Rules<'_>) -> Result<Admitted, StepError> {
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
                time(Stage::Decide, || decide_one(house, mail, rules, at)),
            )
        })
        .collect();
    reach("admit.decided");
    let mut admitted = Admitted::default();
    let mut verdicts = Vec::new();
    let mut world = None;
    for (mail_seq, result) in results {
        match result {
            Ok(Ok(verdict)) => {
                let decided = &verdict.decided;
                admitted.decided.push((mail_seq, decided.outcome, decided.reason));
                verdicts.push(verdict);
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
        Some(error) if admitted.decided.is_empty() && admitted.failed.is_empty() => Err(error),
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

/// The inner error is about this mail, the outer one about the world.
fn decide_one(
    house: House<'_>,
    mail: &Undecided,
    rules: Rules<'_>,
    at: jiff::Timestamp,
) -> Result<Result<MailVerdict, String>, StepError> {
    let Some(desk) = rules.desks.get(&mail.source.0) else {
        return Ok(Err(format!(
            "the source `{}` is no longer in the configuration",
            mail.source
        )));
    };
    let bytes = match house.archive.read(&mail.sha256) {
        Ok(bytes) => bytes,
        Err(error) if error.is_of_this_file() => return Ok(Err(with_causes(&error))),
        // The disk is away or the machine is short of something: no fault of the mail.
        Err(error) => return Err(error.into()),
    };
    let Ok(message) = catch_unwind(|| Message::read(&bytes)) else {
        return Ok(Err(FAILED_INSIDE.to_owned()));
    };
    let mut mentions = registry::mentions(&message, rules.only_register);
    let told = mail.instructions.as_ref();
    mentions
        .numbers
        .extend(told.and_then(|told| told.mentioned()).cloned());
    let known = if mentions.is_empty() {
        Vec::new()
    } else {
        house.store.cases_known(&mentions)?
    };
    let letters = registry::letters_spoken_of(&message);
    let letter = if letters.is_empty() {
        None
    } else {
        house.store.letter_known(&letters)?
    };
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        let incoming = Incoming {
            message: &message,
            known: &known,
            letter: letter.as_deref(),
            extent: mail.extent,
            standing: mail.standing,
            instructions: told,
            received_at: mail.received_at,
        };
        let decided = registry::decide(incoming, desk, at, rules.policy);
        let opening = decided
            .draft
            .as_ref()
            .map(|draft| casework::open(draft, &decided.files, rules.cases, &rules.policy.calendar));
        MailVerdict {
            mail_seq: mail.seq,
            decided,
            opening,
        }
    }));
    Ok(verdict.map_err(|_| FAILED_INSIDE.to_owned()))
}
