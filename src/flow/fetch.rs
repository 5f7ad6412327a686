//! From the mailbox to [`Kept`]: note what is shown, claim what is unseen, fsync the bytes, commit the row, and only then
//! acknowledge.
//!
//! A message that gives no bytes is tried again after waits that grow, then held for a person; the others go on. What is
//! done about each message is decided in [`turn`].

mod turn;

use std::collections::HashMap;

use jiff::Timestamp;

use crate::flow::failpoint::reach;
use crate::flow::stopwatch::{Stage, time};
use crate::flow::{House, StepError, with_causes};
use crate::mailbox::{Extent, Kept, Mailbox, MailboxError, RawMail, Sighting, SourceId, SourceKey, Wanted};
use crate::message;
use crate::screening::Reason;
use crate::store::{Arrival, Bodiless, Gone, Known, Unread};

pub use turn::RECALL_BYTES_MAX;
use turn::{AfterFailure, Turn, after_failure, turn};

/// How much is taken at once, and how much of each message.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// A batch ends before the message that would bring it over this.
    pub batch_bytes_max: u64,
    pub batch_mails_max: usize,
    /// Of a larger message only the header is fetched.
    pub mail_bytes_max: u64,
    /// Of a message that reached its server before this, only the header is fetched.
    pub start: Option<Timestamp>,
}

/// A source may hold a whole answer in memory, so larger messages are asked for one by one.
const ALONE_FROM_BYTES: u64 = 4 << 20;
/// What a header is counted as, however large its message.
const HEADER_BYTES: u64 = 64 << 10;
/// A message that so many listings in a row have missed is not coming back.
const ABSENT_MAX: u32 = 2;
/// More of a source's words is not recorded.
const WHY_LETTERS_MAX: usize = 300;

/// What one pass over a mailbox did.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Messages that the mailbox showed.
    pub shown: usize,
    /// Messages newly kept.
    pub kept: usize,
    /// Mails that came to their outcome without bytes, because the source does not give them.
    pub bodiless: Vec<i64>,
    /// The first thing that went wrong with single messages or with moving; the rest went on.
    pub trouble: Option<StepError>,
}

impl Fetched {
    fn tell(&mut self, error: StepError) {
        self.trouble.get_or_insert(error);
    }
}

/// What a pass has to do, sorted.
#[derive(Default)]
struct Plan {
    done: Vec<Kept>,
    wanted: Vec<Wanted>,
    too_large: Vec<Sighting>,
    lost: Vec<SourceKey>,
    /// Of what is wanted.
    known: HashMap<SourceKey, Known>,
}

/// One pass over one mailbox. `after_batch` is called after each commit, so that the next step can begin.
///
/// # Errors
/// The mailbox could not be listed, or the store or the archive failed; what was kept before stays kept, the rest is
/// fetched next time. Trouble with single messages is no error of the pass: see [`Fetched::trouble`].
pub fn pass(
    house: House<'_>,
    source: &SourceId,
    mailbox: &mut dyn Mailbox,
    measure: Measure,
    after_batch: &mut dyn FnMut(),
) -> Result<Fetched, StepError> {
    let shown = time(Stage::Fetch, || mailbox.list())?;
    let now = (house.now)();
    let keys: Vec<_> = shown.iter().map(|sighting| sighting.key.clone()).collect();
    let listing = house.store.sightings_note(source, &keys, now)?;
    if listing.new > 0 {
        reach("fetch.noted");
    }
    let mut fetched = Fetched {
        shown: shown.len(),
        ..Fetched::default()
    };
    let plan = sorted(shown, listing.known, &measure, now);
    let mut given_up = gone(source, &listing.gone);
    given_up.extend(plan.too_large.iter().map(too_large));
    give_up(house, given_up, &mut fetched)?;
    tell_lost(&plan.lost, &mut fetched);
    // Kept by a run that died before it could say so to the server.
    time(Stage::Acknowledge, || mailbox.acknowledge(&plan.done))
        .unwrap_or_else(|error| fetched.tell(error.into()));
    for batch in batches(&plan.wanted, measure) {
        if (house.ending)() {
            break;
        }
        let given = time(Stage::Fetch, || fetch_what_can_be(house, mailbox, batch))?;
        reach("fetch.fetched");
        fetched.kept += given.mails.len();
        let kept = time(Stage::Keep, || keep(house, given.mails))?;
        reach("fetch.committed");
        fail(house, source, &plan, given.failed, &mut fetched)?;
        after_batch();
        time(Stage::Acknowledge, || mailbox.acknowledge(&kept))
            .unwrap_or_else(|error| fetched.tell(error.into()));
        reach("fetch.acknowledged");
    }
    if listing.new > 0 {
        tell_lost(&house.store.sightings_lost(source, &keys)?, &mut fetched);
    }
    Ok(fetched)
}

fn sorted(shown: Vec<Sighting>, known: Vec<Known>, measure: &Measure, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    for (sighting, known) in shown.into_iter().zip(known) {
        match turn(&known, &sighting, measure, now) {
            Turn::Acknowledge => plan.done.push(Kept::after_commit(sighting)),
            Turn::Fetch(extent) => {
                let key = sighting.key.clone();
                if plan.known.insert(key, known).is_none() {
                    plan.wanted.push(Wanted { sighting, extent });
                }
            }
            Turn::TooLarge => plan.too_large.push(sighting),
            Turn::Lost => plan.lost.push(sighting.key),
            Turn::Leave => {}
        }
    }
    plan
}

/// What a batch brought.
struct Given {
    mails: Vec<RawMail>,
    /// What was asked for and did not come, with the reason.
    failed: Vec<(Sighting, Failure)>,
}

enum Failure {
    /// The source's words.
    Refused(String),
    Error(MailboxError),
    /// It was in no answer.
    Silent,
}

/// The bytes of a batch; when it fails as a whole, message by message, so that one broken message holds up no other.
fn fetch_what_can_be(
    house: House<'_>,
    mailbox: &mut dyn Mailbox,
    batch: &[Wanted],
) -> Result<Given, MailboxError> {
    let mut given = Given {
        mails: Vec::new(),
        failed: Vec::new(),
    };
    match mailbox.fetch(batch) {
        Ok(answer) => given.take(batch, answer),
        Err(error) if error.is_away() => return Err(error),
        Err(error) if batch.len() == 1 => {
            let asked = batch[0].sighting.clone();
            given.failed.push((asked, Failure::Error(error)));
        }
        Err(_) => {
            for one in batch.iter().take_while(|_| !(house.ending)()) {
                match mailbox.fetch(std::slice::from_ref(one)) {
                    Ok(answer) => given.take(std::slice::from_ref(one), answer),
                    // What came before is kept; the next batch will tell that the server is gone.
                    Err(error) if error.is_away() => break,
                    Err(error) => given.failed.push((one.sighting.clone(), Failure::Error(error))),
                }
            }
        }
    }
    Ok(given)
}

impl Given {
    fn take(&mut self, asked: &[Wanted], answer: crate::mailbox::Yield) {
        let mut refused: HashMap<SourceKey, String> = answer.refused.into_iter().collect();
        let silent = asked.iter().filter(|one| {
            let came = |mail: &RawMail| mail.sighting.key == one.sighting.key;
            // One whose turn did not come is due again before those that broke the line.
            !answer.mails.iter().any(came) && !answer.unasked.contains(&one.sighting.key)
        });
        for one in silent {
            let failure = refused
                .remove(&one.sighting.key)
                .map_or(Failure::Silent, Failure::Refused);
            self.failed.push((one.sighting.clone(), failure));
        }
        self.mails.extend(answer.mails);
    }
}

/// Counts what did not come; what has not come for too long is held for a person.
fn fail(
    house: House<'_>,
    source: &SourceId,
    plan: &Plan,
    failed: Vec<(Sighting, Failure)>,
    fetched: &mut Fetched,
) -> Result<(), StepError> {
    if failed.is_empty() {
        return Ok(());
    }
    let now = (house.now)();
    let (mut unread, mut given_up, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for (sighting, failure) in failed {
        let Some(known) = plan.known.get(&sighting.key) else {
            continue;
        };
        let why = cut(&match &failure {
            Failure::Refused(words) => words.clone(),
            Failure::Error(error) => with_causes(error),
            Failure::Silent => "the server gives no bytes for it".to_owned(),
        });
        let (next_at, is_news) = match after_failure(known, now) {
            AfterFailure::Again(next_at) => (next_at, true),
            AfterFailure::StillHeld(next_at) => (next_at, false),
            AfterFailure::Hold(next_at) => {
                given_up.push(bodiless(sighting.clone(), Reason::Unfetchable, why.clone(), now));
                (next_at, true)
            }
        };
        let key = sighting.key.clone();
        if is_news {
            told.push(key.0.clone());
            if let Failure::Error(error) = failure {
                fetched.tell(error.into());
            }
        }
        unread.push(Unread { key, why, next_at });
    }
    give_up(house, given_up, fetched)?;
    house.store.sightings_unread(source, &unread)?;
    if let Some(first) = told.first() {
        // Taken away by somebody meanwhile, or kept back by the server; the next pass tells which.
        fetched.tell(StepError::NoBytes {
            messages: told.len(),
            first: first.clone(),
        });
    }
    Ok(())
}

/// What is wanted and not listed any more has vanished; where a clerk waits for it, the clerk must know.
fn gone(source: &SourceId, gone: &[Gone]) -> Vec<Bodiless> {
    let over = gone.iter().filter(|one| one.absent >= ABSENT_MAX);
    over.map(|one| {
        let sighting = Sighting {
            source: source.clone(),
            key: one.key.clone(),
            received_at: None,
            size_bytes: 0,
            mdn_sent: false,
        };
        let (reason, detail) = if one.is_recalled {
            (Reason::Unfetchable, "serverul nu mai arată mesajul")
        } else {
            (Reason::Vanished, "")
        };
        bodiless(sighting, reason, detail.to_owned(), one.shown_at)
    })
    .collect()
}

fn too_large(sighting: &Sighting) -> Bodiless {
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    let detail = format!(
        "mesajul are {} MB și se preiau cel mult {} MB; deschideți-l în căsuța poștală",
        megabytes(sighting.size_bytes),
        megabytes(RECALL_BYTES_MAX)
    );
    let received_at = sighting.received_at.unwrap_or_default();
    bodiless(sighting.clone(), Reason::Unfetchable, detail, received_at)
}

/// `otherwise` is taken for its arrival where the source gives none.
fn bodiless(sighting: Sighting, reason: Reason, detail: String, otherwise: Timestamp) -> Bodiless {
    let received_at = sighting.received_at.unwrap_or(otherwise);
    Bodiless {
        arrival: Arrival {
            sighting,
            received_at,
            extent: Extent::Nothing,
            sha256: String::new(),
            size_bytes: 0,
        },
        reason,
        detail,
    }
}

/// Records messages without bytes. The file that they name is the empty one, so that every mail names a file.
fn give_up(house: House<'_>, mut given_up: Vec<Bodiless>, fetched: &mut Fetched) -> Result<(), StepError> {
    if given_up.is_empty() {
        return Ok(());
    }
    let sha256 = house.archive.put(&[])?;
    for one in &mut given_up {
        one.arrival.sha256.clone_from(&sha256);
    }
    let made = house.store.mails_bodiless(&given_up, (house.now)())?;
    fetched.bodiless.extend(made);
    Ok(())
}

fn tell_lost(lost: &[SourceKey], fetched: &mut Fetched) {
    if let Some(first) = lost.first() {
        let (messages, first) = (lost.len(), first.0.clone());
        // Before all other trouble: it does not go away by itself.
        fetched.trouble = Some(StepError::Unaccounted { messages, first });
    }
}

fn cut(words: &str) -> String {
    let line: Vec<&str> = words.split_whitespace().collect();
    line.join(" ").chars().take(WHY_LETTERS_MAX).collect()
}

/// Makes mails durable: the archive first, then the store in one transaction.
fn keep(house: House<'_>, mails: Vec<RawMail>) -> Result<Vec<Kept>, StepError> {
    if mails.is_empty() {
        return Ok(Vec::new());
    }
    let at = (house.now)();
    let mut arrivals = Vec::with_capacity(mails.len());
    let contents: Vec<&[u8]> = mails.iter().map(|mail| mail.bytes.as_slice()).collect();
    let sums = house.archive.put_all(&contents)?;
    let mut asking = Vec::with_capacity(mails.len());
    for (mail, sha256) in mails.into_iter().zip(sums) {
        // Where another program has answered already, the mark stands on it.
        asking.push(!mail.sighting.mdn_sent && message::asks_for_read_report(&mail.bytes));
        // A server that gives no INTERNALDATE leaves the top Received; without one, the moment of keeping counts.
        let received_at = mail
            .sighting
            .received_at
            .or_else(|| message::received_at(&mail.bytes))
            .unwrap_or(at);
        arrivals.push(Arrival {
            sighting: mail.sighting,
            received_at,
            extent: mail.extent,
            sha256,
            size_bytes: mail.bytes.len() as u64,
        });
    }
    reach("fetch.archived");
    house.store.mail_keep(&arrivals, at)?;
    // Where only the header is here, the rest is only on the server, so it stays where it is.
    Ok(arrivals
        .into_iter()
        .zip(asking)
        .filter(|(arrival, _)| arrival.extent == Extent::Whole)
        .map(|(arrival, asks)| {
            let kept = Kept::after_commit(arrival.sighting);
            if asks { kept.settling_read_report() } else { kept }
        })
        .collect())
}

/// Cuts what is wanted into batches by bytes and count; a large message makes a batch of its own.
fn batches(wanted: &[Wanted], measure: Measure) -> Vec<&[Wanted]> {
    let (mut cut, mut start, mut bytes) = (Vec::new(), 0, 0_u64);
    for (index, one) in wanted.iter().enumerate() {
        let size = match one.extent {
            Extent::Whole => one.sighting.size_bytes,
            Extent::HeaderOnly | Extent::Nothing => one.sighting.size_bytes.min(HEADER_BYTES),
        };
        let full = bytes + size > measure.batch_bytes_max || index - start >= measure.batch_mails_max;
        let alone = size > ALONE_FROM_BYTES || bytes > ALONE_FROM_BYTES && index - start == 1;
        if (full || alone) && index > start {
            cut.push(&wanted[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    if start < wanted.len() {
        cut.push(&wanted[start..]);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(sizes: &[u64]) -> Vec<Wanted> {
        let one = |(index, size_bytes): (usize, &u64)| Wanted {
            sighting: Sighting {
                source: SourceId("s".into()),
                key: SourceKey(index.to_string()),
                received_at: None,
                size_bytes: *size_bytes,
                mdn_sent: false,
            },
            extent: Extent::Whole,
        };
        sizes.iter().enumerate().map(one).collect()
    }

    #[test]
    fn batches_hold_everything_once_and_stay_within_bounds() {
        let measure = Measure {
            batch_bytes_max: 100,
            batch_mails_max: 3,
            mail_bytes_max: 1_000,
            start: None,
        };
        let new = wanted(&[10, 20, 30, 5, 90, 20, 500, 1, 99_999, 60, 60]);
        let cut = batches(&new, measure);
        let again: Vec<_> = cut.iter().flat_map(|batch| batch.iter().cloned()).collect();
        assert_eq!(again, new);
        for batch in &cut {
            let bytes: u64 = batch.iter().map(|one| one.sighting.size_bytes).sum();
            assert!(
                batch.len() == 1 || (batch.len() <= 3 && bytes <= 100),
                "{batch:?}"
            );
        }
    }

    #[test]
    fn large_messages_come_alone_and_headers_together() {
        let measure = Measure {
            batch_bytes_max: 16 << 20,
            batch_mails_max: 50,
            mail_bytes_max: 50 << 20,
            start: None,
        };
        let mut new = wanted(&[1 << 20, 5 << 20, 1 << 20, 1 << 20, 6 << 20, 7 << 20, 10]);
        let cut: Vec<usize> = batches(&new, measure).iter().map(|batch| batch.len()).collect();
        assert_eq!(cut, [1, 1, 2, 1, 1, 1]);
        for one in &mut new {
            one.extent = Extent::HeaderOnly;
        }
        assert_eq!(batches(&new, measure).len(), 1);
    }
}
