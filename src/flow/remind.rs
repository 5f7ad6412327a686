//! From planned letters that are due to queued ones: composed by the state of the case at that time.
//!
//! A letter is only written while its office is open; what falls due at night or on a free day, because the daemon was
//! down, waits for the opening. The letter's bytes go to the archive first, then the follow-up is done and the letter
//! queued in one transaction; a death in between writes the same letter again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::casework::{Appointment, Case, Clarification};
use crate::flow::failpoint::reach;
use crate::flow::issue::Letterhead;
use crate::flow::{FAILED_INSIDE, House, OfficeTimes, StepError, with_causes};
use crate::followup::Kind;
use crate::outbox::letter::{Composed, Correspondence, Thread, Wave};
use crate::outbox::{self, Outgoing, clarification, pickup, retry};
use crate::registry::{Entry, Number};
use crate::store::{
    ArchiveError, CaseRecord, FollowupDue, FollowupRecord, FollowupState, LetterState, StoreError,
};

const BATCH_MAX: usize = 32;

/// What one round did.
#[derive(Debug, Default)]
pub struct Reminded {
    /// Letters written and queued.
    pub written: Vec<(Number, Kind)>,
    /// Letters that could not be written this time, with the error.
    pub failed: Vec<(Number, String)>,
    /// Letters that wait for their office to open.
    pub put_off: usize,
}

/// Writes the planned letters that are due.
///
/// # Errors
/// The store or the archive failed; the letters stay planned and are written again.
pub fn round(house: House<'_>, times: &OfficeTimes, letterhead: &Letterhead) -> Result<Reminded, StepError> {
    let mut reminded = Reminded::default();
    for due in house.store.followups_due((house.now)(), BATCH_MAX)? {
        if (house.ending)() {
            break;
        }
        let at = (house.now)();
        let written = catch_unwind(AssertUnwindSafe(|| write(house, times, letterhead, &due, at)));
        match written.unwrap_or_else(|_| Err(Trouble::Letter(FAILED_INSIDE.to_owned()))) {
            Ok(Written::Queued) => reminded.written.push((due.number.clone(), due.planned.kind)),
            Ok(Written::NotNow(until)) => {
                house.store.followup_put_off(&due, until)?;
                reminded.put_off += 1;
            }
            Ok(Written::Void) => {}
            Err(Trouble::World(error)) => return Err(error),
            Err(Trouble::Letter(why)) => {
                house
                    .store
                    .followup_failed(&due, &why, at + retry::wait(due.attempts + 1))?;
                reminded.failed.push((due.number.clone(), why));
            }
        }
    }
    Ok(reminded)
}

enum Written {
    Queued,
    /// The office is closed until then.
    NotNow(Timestamp),
    /// It became needless meanwhile.
    Void,
}

enum Trouble {
    /// About this letter: it is counted and tried again later.
    Letter(String),
    /// The world's fault: no letter has failed by it.
    World(StepError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            // A row of this case: the letters behind it go on.
            StoreError::Damaged { .. } => Self::Letter(with_causes(&error)),
            StoreError::Unavailable { .. } | StoreError::Refused(_) => Self::World(error.into()),
        }
    }
}

impl From<ArchiveError> for Trouble {
    fn from(error: ArchiveError) -> Self {
        Self::World(error.into())
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Letter(why)
    }
}

fn write(
    house: House<'_>,
    times: &OfficeTimes,
    letterhead: &Letterhead,
    due: &FollowupDue,
    at: Timestamp,
) -> Result<Written, Trouble> {
    let record = house
        .store
        .case(&due.number)?
        .ok_or_else(|| format!("there is no case {}", due.number))?;
    if is_over(&record, due, at) {
        house.store.followup_void(due, at)?;
        return Ok(Written::Void);
    }
    if let Some(until) = times.closed_until(&record.case.office, at) {
        return Ok(Written::NotNow(until));
    }
    let composed = compose(house, letterhead, &record, due, at)?;
    let to = record.case.address.clone().unwrap_or_default();
    let from = address_of(letterhead, &record.case.source)?.to_owned();
    let sha256 = house.archive.put(&composed.bytes)?;
    reach("remind.archived");
    let letter = Outgoing {
        message_id: composed.message_id,
        kind: due.planned.kind.letter(),
        number: Some(due.number.clone()),
        ordinal: due.planned.ordinal,
        from,
        to,
        sha256,
        queued_at: at,
        not_after: not_after(&record.case, due),
    };
    let is_done = house.store.followup_done(due, &letter, at)?;
    reach("remind.committed");
    Ok(if is_done { Written::Queued } else { Written::Void })
}

/// Whether a letter has no sense any more, because the daemon was down: what it calls to has passed, or the letter that
/// it reminds of goes out on the same day. A question is asked all the same, with a day that is still to come.
fn is_over(record: &CaseRecord, due: &FollowupDue, at: Timestamp) -> bool {
    let today = day_of(at);
    let first = match due.planned.kind {
        Kind::ClarificationRequest | Kind::PickupInvitation => None,
        Kind::ClarificationReminder => Some(Kind::ClarificationRequest),
        Kind::PickupReminder => Some(Kind::PickupInvitation),
    };
    let went_today = first.is_some_and(|first| {
        let of_first =
            |one: &&FollowupRecord| one.planned.kind == first && one.planned.ordinal == due.planned.ordinal;
        let written = record
            .followups
            .iter()
            .find(of_first)
            .map(|one| (one.state, one.settled_at));
        match written {
            Some((FollowupState::Done, Some(settled))) => day_of(settled) >= today,
            // Not written yet, or never.
            Some(_) => true,
            None => false,
        }
    });
    let has_passed = match due.planned.kind {
        Kind::ClarificationRequest => false,
        Kind::ClarificationReminder | Kind::PickupInvitation | Kind::PickupReminder => {
            not_after(&record.case, due).is_some_and(|end| end <= at)
        }
    };
    went_today || has_passed
}

fn day_of(at: Timestamp) -> Date {
    at.to_zoned(crate::calendar::hours::ZONE).date()
}

/// When the letter would only puzzle its reader: after the day that it gives, or the hour that it calls to.
fn not_after(case: &Case, due: &FollowupDue) -> Option<Timestamp> {
    let ordinal = due.planned.ordinal;
    match due.planned.kind {
        Kind::ClarificationRequest | Kind::ClarificationReminder => {
            let mut asked = case.clarifications.iter();
            let until = asked.find(|one| one.ordinal == ordinal)?.until;
            let end = until
                .tomorrow()
                .ok()?
                .to_zoned(crate::calendar::hours::ZONE)
                .ok()?;
            Some(end.timestamp())
        }
        Kind::PickupInvitation | Kind::PickupReminder => {
            let mut made = case.appointments.iter();
            Some(made.find(|one| one.ordinal == ordinal)?.starts_at)
        }
    }
}

fn address_of<'a>(letterhead: &'a Letterhead, source: &str) -> Result<&'a str, String> {
    letterhead
        .addresses
        .get(source)
        .map(String::as_str)
        .ok_or_else(|| format!("the source `{source}` is no longer in the configuration"))
}

fn compose(
    house: House<'_>,
    letterhead: &Letterhead,
    record: &CaseRecord,
    due: &FollowupDue,
    at: Timestamp,
) -> Result<Composed, String> {
    let case = &record.case;
    let from = address_of(letterhead, &case.source)?;
    let office = letterhead
        .offices
        .get(&case.office)
        .ok_or_else(|| format!("the office `{}` is no longer in the configuration", case.office))?;
    let secret = house.store.instance_secret();
    let key = case.number.key();
    let (kind, ordinal) = (due.planned.kind.as_str(), due.planned.ordinal);
    let message_id = outbox::message_id(&secret, &format!("{kind}/{key}/{ordinal}"), from);
    let request_type = letterhead.request_type_name(&case.request_type);
    let thread = thread_of(record);
    let correspondence = Correspondence {
        agency: &letterhead.agency,
        office,
        number: &case.number.spelled(letterhead.spelling),
        registered_on: case.number.date,
        request_type: &request_type,
        from,
        to: case
            .address
            .as_deref()
            .ok_or("the case has no address; reach the citizen by phone or post")?,
        to_name: case.applicant.as_deref(),
        subject: &case.subject,
        thread: &thread,
        message_id: &message_id,
        date: at,
        marking: letterhead.marking,
        read_report: letterhead.read_report(&case.office),
    };
    if due.planned.kind == Kind::ClarificationRequest && not_after(case, due).is_some_and(|end| end <= at) {
        // Sent now it would ask for an answer until a day that has passed.
        return Err("its last day for the answer has passed before it could go out; ask again".to_owned());
    }
    let composed = match due.planned.kind {
        Kind::ClarificationRequest | Kind::ClarificationReminder => clarification::compose(
            &correspondence,
            &question(record, ordinal)?,
            wave(due.planned.kind),
        ),
        Kind::PickupInvitation | Kind::PickupReminder => {
            let uid = outbox::message_id(&secret, &format!("appointment/{key}"), from);
            let meeting = meeting(record, ordinal, &uid)?;
            pickup::compose(&correspondence, &meeting, wave(due.planned.kind))
        }
    };
    composed.map_err(|error| with_causes(&error))
}

fn wave(kind: Kind) -> Wave {
    match kind {
        Kind::ClarificationRequest | Kind::PickupInvitation => Wave::First,
        Kind::ClarificationReminder | Kind::PickupReminder => Wave::Reminder,
    }
}

fn question(record: &CaseRecord, ordinal: u32) -> Result<clarification::Clarification<'_>, String> {
    let Clarification {
        what,
        until,
        asked_at,
        ..
    } = record
        .case
        .clarifications
        .iter()
        .find(|one| one.ordinal == ordinal)
        .ok_or_else(|| format!("there is no clarification {ordinal}"))?;
    Ok(clarification::Clarification {
        what,
        until: *until,
        // As the citizen saw it: the day on which the question went out, and not the one on which a clerk wrote it.
        asked_on: day_of(written_at(record, Kind::ClarificationRequest, ordinal).unwrap_or(*asked_at)),
    })
}

/// When a letter was written that is not void.
fn written_at(record: &CaseRecord, kind: Kind, ordinal: u32) -> Option<Timestamp> {
    let mut letters = record
        .entry
        .letters
        .iter()
        .filter(|letter| letter.state != LetterState::Void);
    letters
        .find(|letter| letter.letter.kind == kind.letter() && letter.letter.ordinal == ordinal)
        .map(|letter| letter.letter.queued_at)
}

fn meeting<'a>(record: &'a CaseRecord, ordinal: u32, uid: &'a str) -> Result<pickup::Pickup<'a>, String> {
    let case = &record.case;
    let appointment: &Appointment = case
        .appointments
        .iter()
        .find(|one| one.ordinal == ordinal)
        .ok_or_else(|| format!("there is no appointment {ordinal}"))?;
    let decision = case
        .decision
        .as_ref()
        .ok_or("the case has an appointment and no decision")?;
    Ok(pickup::Pickup {
        starts_at: appointment.starts_at,
        minutes: appointment.minutes,
        place: &appointment.place,
        decided_on: decision.on,
        uid,
        sequence: invited_before(record, ordinal),
        made_at: appointment.made_at,
    })
}

/// How many invitations to earlier appointments the citizen has got or will get.
fn invited_before(record: &CaseRecord, ordinal: u32) -> u32 {
    let invitations = record.entry.letters.iter().filter(|letter| {
        letter.letter.kind == Kind::PickupInvitation.letter()
            && letter.letter.ordinal < ordinal
            && letter.state != LetterState::Void
    });
    u32::try_from(invitations.count()).unwrap_or(u32::MAX)
}

/// The case so far in its order, the citizen's mails with what they name and our letters, so that no mail without
/// references begins a thread of its own; our last letter, which this one follows, stands last.
fn thread_of(record: &CaseRecord) -> Thread {
    let mails = std::iter::once(&record.entry).chain(&record.submissions);
    let mut turns: Vec<(Timestamp, Vec<&String>)> = mails
        .map(|filing| {
            let Entry { summary, draft, .. } = &filing.entry;
            let ids = summary.references.iter().chain(&summary.message_id);
            (draft.registered_at, ids.collect())
        })
        .collect();
    let ours: Vec<_> = record
        .entry
        .letters
        .iter()
        .filter(|letter| letter.state != LetterState::Void)
        .map(|letter| (letter.letter.queued_at, vec![&letter.letter.message_id]))
        .collect();
    let last = ours.last().map(|(_, ids)| ids.clone());
    turns.extend(ours);
    turns.sort_by_key(|(at, _)| *at);
    let mut ids: Vec<String> = Vec::new();
    for id in turns.into_iter().flat_map(|(_, ids)| ids) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    for id in last.into_iter().flatten() {
        ids.retain(|known| known != id);
        ids.push(id.clone());
    }
    Thread { ids }
}
