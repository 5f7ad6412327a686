//! From queued letters to the server's answer: lease, send the archived bytes, record what came of it.
//!
//! At least once, and said so: when the process dies between the server's answer and the record, the letter goes
//! again with the same Message-ID.

use jiff::{SignedDuration, Timestamp};

use crate::flow::failpoint::reach;
use crate::flow::stopwatch::{Stage, time};
use crate::flow::{House, OfficeTimes, StepError, with_causes};
use crate::mailbox::Disposition;
use crate::outbox::retry::{self, Next};
use crate::outbox::{Envelope, Outgoing, Transport, TransportError};
use crate::store::{Attempt, Due};

/// Longer than the longest attempt.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
const BATCH_MAX: usize = 16;

/// What one round did.
#[derive(Debug, Default)]
pub struct Delivered {
    /// Accepted by the next server.
    pub sent: Vec<Outgoing>,
    /// Letters that will be tried again, with the error.
    pub put_off: Vec<(Outgoing, String)>,
    /// Letters that a person must take care of, with the error.
    pub given_up: Vec<(Outgoing, String)>,
    /// Letters that wait for their office to open, or have become void.
    pub not_now: usize,
    /// The transport does not work at all; wait before the next round.
    pub transport_down: bool,
}

impl Delivered {
    /// Whether there was nothing to do.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.put_off.is_empty() && self.given_up.is_empty() && self.not_now == 0
    }
}

/// Sends the letters that are due; an empty result means that none was.
///
/// # Errors
/// The store or the archive failed; leases run out and the letters are sent again.
pub fn round(
    house: House<'_>,
    times: &OfficeTimes,
    transport: &mut dyn Transport,
) -> Result<Delivered, StepError> {
    let now = (house.now)();
    let due = house.store.letters_claim_due(now, now + LEASE, BATCH_MAX)?;
    let mut delivered = Delivered::default();
    if due.is_empty() {
        return Ok(delivered);
    }
    reach("deliver.claimed");
    let mut waiting = due.iter();
    let mut result = Ok(());
    for one in waiting.by_ref() {
        result = deliver_one(house, times, transport, one, &mut delivered);
        if result.is_err() || delivered.transport_down || (house.ending)() {
            break;
        }
    }
    let untried: Vec<String> = waiting.map(|one| one.letter.message_id.clone()).collect();
    if !untried.is_empty() {
        house.store.letters_release(&untried)?;
    }
    result?;
    reach("deliver.round-done");
    Ok(delivered)
}

fn deliver_one(
    house: House<'_>,
    times: &OfficeTimes,
    transport: &mut dyn Transport,
    due: &Due,
    delivered: &mut Delivered,
) -> Result<(), StepError> {
    let letter = &due.letter;
    if let Some(at) = opening(times, due, (house.now)()) {
        delivered.not_now += 1;
        let attempt = Attempt::NotNow { at };
        house
            .store
            .letter_attempt_finish(&letter.message_id, &attempt, (house.now)())?;
        return Ok(());
    }
    // A batch takes its time, and an answer or a clerk may have made the letter needless meanwhile.
    if letter.kind.keeps_office_hours() && !house.store.letter_is_queued(&letter.message_id)? {
        delivered.not_now += 1;
        return Ok(());
    }
    let envelope = Envelope {
        message_id: &letter.message_id,
        from: &letter.from,
        to: &letter.to,
    };
    let attempt = match house.archive.read(&letter.sha256) {
        // One letter's file does not hold up the letters behind it.
        Err(error) => put_off(house, due, with_causes(&error), delivered),
        Ok(bytes) => match time(Stage::Send, || transport.send(envelope, &bytes)) {
            Ok(answer) => {
                delivered.sent.push(letter.clone());
                Attempt::Sent { answer }
            }
            Err(error) => failed(house, due, &error, delivered),
        },
    };
    reach("deliver.sent");
    let at = (house.now)();
    time(Stage::Record, || {
        house
            .store
            .letter_attempt_finish(&letter.message_id, &attempt, at)
    })?;
    reach("deliver.finished");
    Ok(())
}

/// When the letter may go, if that is not now: a retry, or a daemon that was down, may have carried it past closing.
fn opening(times: &OfficeTimes, due: &Due, now: Timestamp) -> Option<Timestamp> {
    if !due.letter.kind.keeps_office_hours() {
        return None;
    }
    times.closed_until(due.office.as_deref()?, now)
}

fn failed(house: House<'_>, due: &Due, error: &TransportError, delivered: &mut Delivered) -> Attempt {
    let why = with_causes(error);
    match error.disposition() {
        Disposition::GiveUp => give_up(due, why, delivered),
        Disposition::Retry => put_off(house, due, why, delivered),
        Disposition::Stop => {
            delivered.transport_down = true;
            delivered.put_off.push((due.letter.clone(), why.clone()));
            Attempt::Waiting { why }
        }
    }
}

fn put_off(house: House<'_>, due: &Due, why: String, delivered: &mut Delivered) -> Attempt {
    match retry::next(due.attempts + 1, due.letter.queued_at, (house.now)()) {
        Next::GiveUp => give_up(due, why, delivered),
        Next::At(at) => {
            delivered.put_off.push((due.letter.clone(), why.clone()));
            Attempt::Retry { at, why }
        }
    }
}

fn give_up(due: &Due, why: String, delivered: &mut Delivered) -> Attempt {
    delivered.given_up.push((due.letter.clone(), why.clone()));
    Attempt::GivenUp { why }
}
