//! A case after its registration: consent, clarifications, decision, pickup, hand-over; legal moves only.
//!
//! A [`Case`] is what is known of it, an [`Act`] what a clerk wants to do next; [`Case::examine`] says whether that is
//! allowed and why not. Nothing here plans letters (see `followup`) or remembers anything (see `store`).

pub mod consent;
mod opening;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use crate::calendar::Calendar;
use crate::calendar::hours::{OfficeHours, ZONE, next_open};
use crate::calendar::term::due_working;
use crate::registry::Number;

pub use consent::Consent;
pub use opening::{Opening, open};

/// How the agency handles cases, from the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Calendar days from the registration to the decision where the request type does not say (OG 27/2002, art. 8).
    pub term_days: u16,
    /// By the request type's identifier.
    pub term_days_by_type: std::collections::BTreeMap<String, u16>,
    /// Working days that a citizen has for a clarification where the clerk does not say.
    pub clarification_days: u16,
    /// Working days before the term from which a case without a decision is shown.
    pub awaited_days: u16,
    /// Working days from the decision in which the document is picked up.
    pub pickup_days: u16,
    /// How long an appointment lasts.
    pub appointment_minutes: u16,
    pub consent: consent::Policy,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            term_days: 30,
            term_days_by_type: std::collections::BTreeMap::new(),
            clarification_days: 10,
            awaited_days: 5,
            pickup_days: 10,
            appointment_minutes: 30,
            consent: consent::Policy::default(),
        }
    }
}

/// What is known of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The number of its first entry.
    pub number: Number,
    pub office: String,
    /// The source that the request came by; letters go out from its address.
    pub source: String,
    pub applicant: Option<String>,
    /// The address that owns the case.
    pub address: Option<String>,
    pub subject: String,
    pub request_type: String,
    pub received_at: Timestamp,
    /// The last day for the decision.
    pub due_on: Date,
    pub consent: Consent,
    pub clarifications: Vec<Clarification>,
    pub decision: Option<Decision>,
    /// In the order in which they were made; the last one holds.
    pub appointments: Vec<Appointment>,
    pub handover: Option<Handover>,
    pub set_aside: Option<SetAside>,
    /// Whether the sender may be written to by itself; a program, or one of several senders, may not.
    pub replies: bool,
    /// Grows with every change; an act names the version that it was decided on.
    pub version: u32,
}

/// Something asked of the citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clarification {
    pub ordinal: u32,
    /// What is missing or unclear, in the clerk's words.
    pub what: String,
    /// The last day for the answer.
    pub until: Date,
    pub asked_at: Timestamp,
    pub asked_by: String,
    /// The submission that came after it was asked.
    pub answer: Option<Answer>,
}

/// The submission that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub submission: u32,
    pub at: Timestamp,
}

/// The decision that establishes the right, or refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub on: Date,
    /// The name of the document as the clerk gave it.
    pub document_name: String,
    /// Of its bytes in the archive, lower-case hexadecimal.
    pub document_sha256: String,
    pub recorded_at: Timestamp,
    pub recorded_by: String,
}

/// When and where the document is picked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    pub ordinal: u32,
    pub starts_at: Timestamp,
    pub minutes: u16,
    pub place: String,
    pub made_at: Timestamp,
    pub made_by: String,
}

/// The end of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    pub on: Date,
    pub how: HandoverWay,
    pub recorded_at: Timestamp,
    pub recorded_by: String,
}

/// The end of a case that had nothing to decide (clasare).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    pub reason: String,
    pub recorded_at: Timestamp,
    pub recorded_by: String,
}

/// The ways that the procedure knows for the document to reach the citizen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandoverWay {
    InPerson,
    Post,
    /// With a qualified signature.
    Email,
}

impl HandoverWay {
    /// All of them, for tables.
    pub const ALL: [Self; 3] = [Self::InPerson, Self::Post, Self::Email];

    /// The stable spelling in the store, in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InPerson => "in-person",
            Self::Post => "post",
            Self::Email => "e-mail",
        }
    }
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The agency has to decide.
    Open,
    /// The citizen has been asked for something and has not answered.
    AwaitingCitizen,
    /// Decided; the citizen is not invited yet.
    Decided,
    /// The citizen is invited to pick the document up.
    Invited,
    /// The document has been handed over, or there was nothing to decide.
    Closed,
}

impl State {
    /// All of them, for tables.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::AwaitingCitizen,
        Self::Decided,
        Self::Invited,
        Self::Closed,
    ];

    /// The stable spelling in the store and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::AwaitingCitizen => "awaiting-citizen",
            Self::Decided => "decided",
            Self::Invited => "invited",
            Self::Closed => "closed",
        }
    }

    /// For the clerk.
    pub fn clerk_ro(self) -> &'static str {
        match self {
            Self::Open => "în lucru",
            Self::AwaitingCitizen => "se așteaptă răspunsul solicitantului",
            Self::Decided => "decizie luată, de programat ridicarea",
            Self::Invited => "programat pentru ridicare",
            Self::Closed => "încheiat",
        }
    }
}

/// What a clerk does to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Clarify {
        what: String,
        until: Date,
    },
    Decide {
        on: Date,
        document: Document,
    },
    Pickup {
        starts: DateTime,
        place: String,
    },
    HandOver {
        on: Date,
        how: HandoverWay,
    },
    /// There is nothing to decide: a test, thanks, a withdrawal, somebody else's competence.
    SetAside {
        reason: String,
    },
}

/// The decision's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub name: String,
    /// Of its bytes in the archive.
    pub sha256: String,
}

impl Act {
    /// The verb of the command line.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Clarify { .. } => "clarify",
            Self::Decide { .. } => "decide",
            Self::Pickup { .. } => "pickup",
            Self::HandOver { .. } => "handover",
            Self::SetAside { .. } => "close",
        }
    }
}

/// What an act is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    pub now: Timestamp,
    pub hours: &'a OfficeHours,
    pub calendar: &'a Calendar,
    pub policy: &'a Policy,
}

impl Circumstances<'_> {
    /// Today in Romania.
    pub fn today(&self) -> Date {
        self.now.to_zoned(ZONE).date()
    }
}

/// Why an act is not allowed, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the case is closed: the document was handed over on {0}")]
    Closed(Date),
    #[error("the case was closed without a decision on {0}; what comes now is a new request")]
    SetAside(Date),
    #[error("the case is decided since {0}; nothing more can be asked for")]
    Decided(Date),
    #[error("the case has a decision of {0} already; a corrected decision is a new request")]
    DecidedTwice(Date),
    #[error("the case has no decision yet; record it with `recipisa case decide`")]
    NotDecided,
    #[error(
        "the case has no e-mail address that a letter could go to; reach the citizen by phone or post, and record what \
         comes of it"
    )]
    NoAddress,
    #[error("say what is missing; the citizen reads exactly these words")]
    NothingAsked,
    #[error(
        "{asked} is too early: the letter must reach the citizen at least one working day before; the first possible day \
         is {first}"
    )]
    TooEarly { asked: Date, first: Date },
    #[error("{asked} is more than a year away; the last possible day is {last}")]
    TooFar { asked: Date, last: Date },
    #[error("say where the citizen is to come, with --place")]
    NoPlace,
    #[error("say why the case ends without a decision")]
    NoReason,
    #[error("{day} is no working day of this office ({why}); take {next}")]
    NotWorked { day: Date, why: String, next: Date },
    #[error("{day} lies in the future")]
    InTheFuture { day: Date },
    #[error("{day} lies before the day of the registration, {registered}")]
    BeforeRegistration { day: Date, registered: Date },
    #[error("{day} lies before the decision of {decided}")]
    BeforeDecision { day: Date, decided: Date },
    #[error("{starts} has passed")]
    Passed { starts: DateTime },
    #[error(
        "{starts} is not within the hours of that day, {hours}, with {minutes} minutes for the appointment"
    )]
    OutsideHours {
        starts: DateTime,
        hours: String,
        minutes: u16,
    },
    #[error(
        "{day} is later than {days} working days from the decision of {decided}; the last day is {last}. A later day is \
         for a citizen who did not come to an earlier appointment"
    )]
    PickupTooLate {
        day: Date,
        days: u16,
        decided: Date,
        last: Date,
    },
}

impl Case {
    /// Where it stands.
    pub fn state(&self) -> State {
        if self.is_closed() {
            State::Closed
        } else if self.decision.is_some() {
            if self.appointments.is_empty() {
                State::Decided
            } else {
                State::Invited
            }
        } else if self.open_clarification().is_some() {
            State::AwaitingCitizen
        } else {
            State::Open
        }
    }

    /// Whether nothing more is to be done.
    pub fn is_closed(&self) -> bool {
        self.handover.is_some() || self.set_aside.is_some()
    }

    /// The clarification that waits for an answer.
    pub fn open_clarification(&self) -> Option<&Clarification> {
        self.clarifications.iter().rfind(|one| one.answer.is_none())
    }

    /// The appointment that holds.
    pub fn appointment(&self) -> Option<&Appointment> {
        self.appointments.last()
    }

    /// Whether a decision is awaited: none is recorded and the term is near or over. Waiting for the citizen does not
    /// stop the term.
    pub fn is_awaited(&self, today: Date, policy: &Policy, calendar: &Calendar) -> bool {
        self.decision.is_none()
            && !self.is_closed()
            && due_working(today, policy.awaited_days, calendar).date >= self.due_on
    }

    /// Judges an act.
    ///
    /// # Errors
    /// What forbids it, with what to do instead.
    pub fn examine(&self, act: &Act, seen: Circumstances<'_>) -> Result<(), Refusal> {
        if let Some(handover) = &self.handover {
            return Err(Refusal::Closed(handover.on));
        }
        if let Some(set_aside) = &self.set_aside {
            return Err(Refusal::SetAside(set_aside.recorded_at.to_zoned(ZONE).date()));
        }
        match act {
            Act::Clarify { what, until } => self.examine_clarification(what, *until, seen),
            Act::Decide { on, .. } => self.examine_decision(*on, seen),
            Act::Pickup { place, .. } if place.trim().is_empty() => Err(Refusal::NoPlace),
            Act::Pickup { starts, .. } => self.examine_pickup(*starts, seen),
            Act::HandOver { on, .. } => self.examine_handover(*on, seen),
            Act::SetAside { reason } if reason.trim().is_empty() => Err(Refusal::NoReason),
            Act::SetAside { .. } => Ok(()),
        }
    }

    fn examine_clarification(&self, what: &str, until: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
        if let Some(decision) = &self.decision {
            return Err(Refusal::Decided(decision.on));
        }
        if what.trim().is_empty() {
            return Err(Refusal::NothingAsked);
        }
        self.needs_address()?;
        needs_notice(until, seen)?;
        worked(until, seen)
    }

    fn examine_decision(&self, on: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
        if let Some(decision) = &self.decision {
            return Err(Refusal::DecidedTwice(decision.on));
        }
        not_future(on, seen)?;
        if on < self.number.date {
            return Err(Refusal::BeforeRegistration {
                day: on,
                registered: self.number.date,
            });
        }
        Ok(())
    }

    fn examine_pickup(&self, starts: DateTime, seen: Circumstances<'_>) -> Result<(), Refusal> {
        let decision = self.decision.as_ref().ok_or(Refusal::NotDecided)?;
        self.needs_address()?;
        let day = starts.date();
        worked(day, seen)?;
        let minutes = seen.policy.appointment_minutes;
        let open = seen.hours.on(day, seen.calendar);
        let ends = starts.checked_add(SignedDuration::from_mins(minutes.into())).ok();
        let fits = open.is_some_and(|open| {
            starts.time() >= open.opens()
                && ends.is_some_and(|ends| ends.date() == day && ends.time() <= open.closes())
        });
        if !fits {
            let hours = open.map_or_else(String::new, |open| {
                format!(
                    "{}–{}",
                    crate::calendar::wording::time_ro(open.opens()),
                    crate::calendar::wording::time_ro(open.closes())
                )
            });
            return Err(Refusal::OutsideHours {
                starts,
                hours,
                minutes,
            });
        }
        if instant(starts).is_none_or(|starts| starts <= seen.now) {
            return Err(Refusal::Passed { starts });
        }
        needs_notice(day, seen)?;
        let last = due_working(decision.on, seen.policy.pickup_days, seen.calendar).date;
        let missed = self.appointment().is_some_and(|one| one.starts_at < seen.now);
        // Recorded late, a decision leaves no day in the term: then any day is better than none.
        let possible = first_day(seen) <= last;
        if day > last && possible && !missed {
            return Err(Refusal::PickupTooLate {
                day,
                days: seen.policy.pickup_days,
                decided: decision.on,
                last,
            });
        }
        Ok(())
    }

    fn examine_handover(&self, on: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
        let decision = self.decision.as_ref().ok_or(Refusal::NotDecided)?;
        not_future(on, seen)?;
        if on < decision.on {
            return Err(Refusal::BeforeDecision {
                day: on,
                decided: decision.on,
            });
        }
        Ok(())
    }

    fn needs_address(&self) -> Result<(), Refusal> {
        self.address.as_ref().map(|_| ()).ok_or(Refusal::NoAddress)
    }
}

/// A local time as an instant; where the clock jumps, the one that a wall clock shows next.
pub fn instant(local: DateTime) -> Option<Timestamp> {
    local.to_zoned(ZONE).ok().map(|zoned| zoned.timestamp())
}

/// A citizen needs a working day after the one on which the letter goes out.
fn needs_notice(day: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
    let first = first_day(seen);
    if day < first {
        return Err(Refusal::TooEarly { asked: day, first });
    }
    let last = seen.today().saturating_add(jiff::Span::new().years(1));
    if day > last {
        return Err(Refusal::TooFar { asked: day, last });
    }
    Ok(())
}

/// The day on which a letter written now goes out.
fn letter_day(seen: Circumstances<'_>) -> Date {
    next_open(seen.now, seen.hours, seen.calendar)
        .to_zoned(ZONE)
        .date()
}

/// The first day that a letter written now can name.
fn first_day(seen: Circumstances<'_>) -> Date {
    due_working(letter_day(seen), 1, seen.calendar).date
}

/// The day that a question gives where the clerk names none: so many working days after the letter, on which the office
/// is open.
pub fn answer_day(seen: Circumstances<'_>) -> Date {
    let mut day = due_working(letter_day(seen), seen.policy.clarification_days, seen.calendar).date;
    while seen.hours.on(day, seen.calendar).is_none() {
        match day.tomorrow() {
            Ok(tomorrow) => day = tomorrow,
            Err(_) => break,
        }
    }
    day
}

fn worked(day: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
    if seen.hours.on(day, seen.calendar).is_some() {
        return Ok(());
    }
    let mut next = day;
    while seen.hours.on(next, seen.calendar).is_none() {
        match next.tomorrow() {
            Ok(tomorrow) => next = tomorrow,
            Err(_) => break,
        }
    }
    Err(Refusal::NotWorked {
        day,
        why: crate::calendar::wording::day_ro(day, &seen.calendar.day(day)),
        next,
    })
}

fn not_future(day: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
    if day > seen.today() {
        return Err(Refusal::InTheFuture { day });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
