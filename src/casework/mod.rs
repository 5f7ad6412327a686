//! A case after its registration: consent, clarifications, decision, pickup, hand-over; legal moves only.
//!
//! A [`Case`] is what is known of it, an [`Act`] what a clerk wants to do next; [`Case::examine`] says whether that is
//! allowed and why not. Nothing here plans letters (see `followup`) or remembers anything (see `store`).

pub mod consent;
mod moves;
mod opening;
mod refusal;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use crate::calendar::Calendar;
use crate::calendar::hours::{OfficeHours, ZONE};
use crate::calendar::term::due_working;
use crate::registry::Number;

pub use consent::Consent;
pub use moves::answer_day;
pub use opening::{Opening, open};
pub use refusal::Refusal;

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
}

/// A local time as an instant; where the clock jumps, the one that a wall clock shows next.
pub fn instant(local: DateTime) -> Option<Timestamp> {
    local.to_zoned(ZONE).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
pub(crate) mod specimen;
#[cfg(test)]
mod tests;
