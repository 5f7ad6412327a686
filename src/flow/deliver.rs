//! From queued letters to the server's answer: lease, send the archived bytes, record what came of it.
//!
//! At least once, and said so: when the process dies between the server's answer and the record, the letter goes
//! again with the same Message-ID.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::flow::failpoint::reach;
use crate::flow::stopwatch::{Stage, time};
use crate::flow::{House, OfficeTimes, StepError, with_causes};
use crate::mailbox::Disposition;
use crate::outbox::pace::{Pace, domain_of};
use crate::outbox::retry::{Next, Schedule};
use crate::outbox::{Envelope, Outgoing, Transport, TransportError};
use crate::store::{Attempt, Due};

/// Longer than the longest attempt.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
const BATCH_MAX: usize = 16;
/// A domain whose letters take longer than this to hand over is slow: it has one letter a round.
const SLOW: SignedDuration = SignedDuration::from_secs(30);

/// How letters are sent, as the configuration says.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    pub schedule: &'a Schedule,
    pub pace: &'a Pace,
}

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
    /// Domains that have just cost much time, and whose letters wait.
    slow: BTreeSet<String>,
    /// The last letter was given no answer for too long.
    stalled: bool,
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
    manner: Manner<'_>,
    transport: &mut dyn Transport,
) -> Result<Delivered, StepError> {
    let now = (house.now)();
    let due = house
        .store
        .letters_claim_due(now, now + LEASE, BATCH_MAX, manner.pace)?;
    let mut delivered = Delivered::default();
    if due.is_empty() {
        return Ok(delivered);
    }
    reach("deliver.claimed");
    let mut waiting = due.iter();
    let mut result = Ok(());
    let mut slow: BTreeSet<String> = BTreeSet::new();
    for one in waiting.by_ref() {
        result = if slow.contains(&domain_of(&one.letter.to)) {
            // Its turn comes with that of its domain.
            house
                .store
                .letters_release(std::slice::from_ref(&one.letter.message_id))
                .map_err(StepError::from)
        } else {
            deliver_one(house, times, manner, transport, one, &mut delivered)
        };
        slow.append(&mut delivered.slow);
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
    manner: Manner<'_>,
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
        reports: letter.kind.reports(),
    };
    let begun = (house.now)();
    let attempt = match house.archive.read(&letter.sha256) {
        // One letter's file does not hold up the letters behind it.
        Err(error) => put_off(house, manner, due, with_causes(&error), delivered),
        Ok(bytes) => match time(Stage::Send, || transport.send(envelope, &bytes)) {
            Ok(answer) => {
                delivered.sent.push(letter.clone());
                Attempt::Sent { answer }
            }
            Err(error) => failed(house, manner, due, &error, delivered),
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
    if at.duration_since(begun) > SLOW || delivered.stalled {
        hold_back(house, manner, due, at, delivered)?;
    }
    Ok(())
}

/// The other letters to a slow domain wait as long as the one that was slow, so that they hold up nobody else.
fn hold_back(
    house: House<'_>,
    manner: Manner<'_>,
    due: &Due,
    at: Timestamp,
    delivered: &mut Delivered,
) -> Result<(), StepError> {
    delivered.stalled = false;
    let domain = domain_of(&due.letter.to);
    let until = at + manner.schedule.wait(due.attempts + 1);
    house.store.letters_hold_back(&domain, until)?;
    delivered.slow.insert(domain);
    Ok(())
}

/// When the letter may go, if that is not now: a retry, or a daemon that was down, may have carried it past closing.
fn opening(times: &OfficeTimes, due: &Due, now: Timestamp) -> Option<Timestamp> {
    if !due.letter.kind.keeps_office_hours() {
        return None;
    }
    times.closed_until(due.office.as_deref()?, now)
}

fn failed(
    house: House<'_>,
    manner: Manner<'_>,
    due: &Due,
    error: &TransportError,
    delivered: &mut Delivered,
) -> Attempt {
    let why = with_causes(error);
    delivered.stalled = matches!(error, TransportError::Silent { .. });
    match error.disposition() {
        Disposition::GiveUp => give_up(due, why, delivered),
        Disposition::Retry => put_off(house, manner, due, why, delivered),
        Disposition::Stop => {
            delivered.transport_down = true;
            delivered.put_off.push((due.letter.clone(), why.clone()));
            Attempt::Waiting { why }
        }
    }
}

fn put_off(
    house: House<'_>,
    manner: Manner<'_>,
    due: &Due,
    why: String,
    delivered: &mut Delivered,
) -> Attempt {
    match manner
        .schedule
        .next(due.attempts + 1, due.letter.queued_at, (house.now)())
    {
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
