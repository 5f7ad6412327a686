//! From kept mails to decisions: numbers, entries and receipts owed, one transaction for a batch.
//!
//! The work on the bytes is done on all cores; then the batch is decided one by one in the order of arrival, since a mail
//! may be the same as the one before it, and committed in that order. A mail whose decision panics is counted, and
//! after [`ATTEMPTS_MAX`] times held with the reason; the line goes on.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::casework;
use crate::flow::budget::Budget;
use crate::flow::failpoint::reach;
use crate::flow::stopwatch::{Stage, time};
use crate::flow::{FAILED_INSIDE, House, StepError, with_causes};
use crate::mailbox::Extent;
use crate::message::{Defect, Message, Origin};
use crate::outbox::{self, Allowance};
use crate::registry::{self, Desk, Earlier, Entry, Examined, Incoming, Known, KnownCase, Likeness, Policy};
use crate::screening::{self, Outcome, Reach, Reason, Sender, Standing};
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
    pub allowance: Allowance,
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
    let read: Vec<_> = batch
        .par_iter()
        .map(|mail| time(Stage::Decide, || read_one(house, mail, rules)))
        .collect();
    let mut deciding = Deciding::new(house, rules, at);
    let results: Vec<_> = batch
        .iter()
        .zip(read)
        .map(|(mail, read)| {
            let decided = read.and_then(|read| match read {
                Ok(read) => deciding.decide(mail, read),
                Err(why) => Ok(Err(why)),
            });
            (mail.seq, decided)
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

/// What the bytes of a mail have told; they themselves are let go.
struct Read {
    message: Message,
    examined: Examined,
    cases: Vec<KnownCase>,
    /// The letter of ours that it reports on.
    letter: Option<String>,
}

/// The inner error is about this mail, the outer one about the world.
fn read_one(house: House<'_>, mail: &Undecided, rules: Rules<'_>) -> Result<Result<Read, String>, StepError> {
    let bytes = match house.archive.read(&mail.sha256) {
        Ok(bytes) => bytes,
        Err(error) if error.is_of_this_file() => return Ok(Err(with_causes(&error))),
        // The disk is away or the machine is short of something: no fault of the mail.
        Err(error) => return Err(error.into()),
    };
    let read = catch_unwind(AssertUnwindSafe(|| {
        let mut message = Message::read(&bytes);
        let examined = registry::examine(&message, rules.policy);
        message.files = Vec::new();
        message.text = String::new();
        (message, examined)
    }));
    let Ok((message, examined)) = read else {
        return Ok(Err(FAILED_INSIDE.to_owned()));
    };
    let mut mentions = registry::mentions(&message, rules.only_register);
    let told = mail.instructions.as_ref();
    mentions
        .numbers
        .extend(told.and_then(|told| told.mentioned()).cloned());
    let cases = if mentions.is_empty() {
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
    Ok(Ok(Read {
        message,
        examined,
        cases,
        letter,
    }))
}

/// A batch on its way through the decisions, with what its later mails must know of the earlier ones.
struct Deciding<'a> {
    house: House<'a>,
    rules: Rules<'a>,
    at: Timestamp,
    budget: Budget,
    /// The mails of this batch that get a number, by which later ones may be recognised.
    numbered: Vec<(i64, Likeness, Sender)>,
}

impl<'a> Deciding<'a> {
    fn new(house: House<'a>, rules: Rules<'a>, at: Timestamp) -> Self {
        Self {
            house,
            rules,
            at,
            budget: Budget::at(rules.allowance, at),
            numbered: Vec::new(),
        }
    }

    /// The inner error is about this mail, the outer one about the world.
    fn decide(&mut self, mail: &Undecided, read: Read) -> Result<Result<MailVerdict, String>, StepError> {
        let Some(desk) = self.rules.desks.get(&mail.source.0) else {
            return Ok(Err(format!(
                "the source `{}` is no longer in the configuration",
                mail.source
            )));
        };
        let Read {
            message,
            examined,
            cases,
            letter,
        } = read;
        let known = Known {
            cases,
            alike: self.alike(mail, &message, &examined.likeness)?,
            reach: if desk.is_before_start(mail.received_at) {
                Reach::Open
            } else {
                self.reach(mail, &message)?
            },
        };
        let (rules, at) = (self.rules, self.at);
        let verdict = catch_unwind(AssertUnwindSafe(|| {
            let incoming = Incoming {
                message: &message,
                known: &known,
                letter: letter.as_deref(),
                extent: mail.extent,
                standing: mail.standing,
                instructions: mail.instructions.as_ref(),
                received_at: mail.received_at,
            };
            let decided = registry::decide_examined(incoming, examined, desk, at, rules.policy);
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
        let Ok(verdict) = verdict else {
            return Ok(Err(FAILED_INSIDE.to_owned()));
        };
        if verdict.decided.draft.is_some() {
            let decided = &verdict.decided;
            self.numbered
                .push((mail.seq, decided.likeness.clone(), decided.sender));
        }
        Ok(Ok(verdict))
    }

    /// What the message is like: mails decided before, and those of this batch.
    fn alike(
        &self,
        mail: &Undecided,
        message: &Message,
        likeness: &Likeness,
    ) -> Result<Vec<Earlier>, StepError> {
        // A machine's message gets no number, whatever it is like.
        let may_be_numbered = mail.standing == Standing::ReleasedByClerk
            || message.origin.may_be_answered()
            || message.origin == Origin::AsksForSilence
            || screening::is_of_own_list(message, &self.rules.policy.screening);
        if !may_be_numbered {
            return Ok(Vec::new());
        }
        let mut alike = self.house.store.mails_alike(likeness)?;
        for (mail_seq, earlier, standing) in &self.numbered {
            alike.extend(likeness.like(earlier).into_iter().map(|like| Earlier {
                mail_seq: *mail_seq,
                sender: earlier.sender.clone(),
                like,
                standing: *standing,
            }));
        }
        Ok(alike)
    }

    /// Whether the sender could be told why a mail was not taken; asked only of those that may have to be.
    fn reach(&mut self, mail: &Undecided, message: &Message) -> Result<Reach, StepError> {
        let may_be_untaken = mail.extent != Extent::Whole || message.defects.contains(&Defect::Encrypted);
        let Some(from) = message
            .from
            .as_ref()
            .filter(|_| may_be_untaken && message.origin.may_be_answered())
        else {
            return Ok(Reach::Open);
        };
        if !outbox::is_usable_address(&from.address) {
            return Ok(Reach::BadAddress);
        }
        Ok(if self.budget.take(self.house, &from.address)? {
            Reach::Open
        } else {
            Reach::BudgetSpent
        })
    }
}
