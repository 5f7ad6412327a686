//! What must happen later in a case, derived from an act and the calendar: one file per subject.
//!
//! [`plan`] says which letters an act causes and when they are due; [`voided_by`] which planned ones an event makes
//! void. Both are written in the transaction of the event. The letters themselves are composed when they are due, by
//! the state of the case at that time, and go out only in the office's hours on working days.

pub mod agenda;
mod clarification;
mod pickup;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::calendar::Calendar;
use crate::calendar::hours::{OfficeHours, ZONE, next_open};
use crate::casework::{Act, Case, Circumstances};
use crate::outbox;

/// The kinds of follow-up; each is a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    ClarificationRequest,
    ClarificationReminder,
    PickupInvitation,
    PickupReminder,
}

impl Kind {
    /// All of them, for tables.
    pub const ALL: [Self; 4] = [
        Self::ClarificationRequest,
        Self::ClarificationReminder,
        Self::PickupInvitation,
        Self::PickupReminder,
    ];

    /// The letter that it becomes.
    pub fn letter(self) -> outbox::Kind {
        match self {
            Self::ClarificationRequest => outbox::Kind::ClarificationRequest,
            Self::ClarificationReminder => outbox::Kind::ClarificationReminder,
            Self::PickupInvitation => outbox::Kind::PickupInvitation,
            Self::PickupReminder => outbox::Kind::PickupReminder,
        }
    }

    /// The stable spelling in the store and in JSON; the letter's.
    pub fn as_str(self) -> &'static str {
        self.letter().as_str()
    }

    /// For the clerk.
    pub fn clerk_ro(self) -> &'static str {
        match self {
            Self::ClarificationRequest => "scrisoare: cerere de completare",
            Self::ClarificationReminder => "scrisoare: reamintirea completării",
            Self::PickupInvitation => "scrisoare: invitație la ridicare",
            Self::PickupReminder => "scrisoare: reamintirea programării",
        }
    }
}

/// A letter that is to go out later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    pub kind: Kind,
    /// That of the clarification or appointment.
    pub ordinal: u32,
    /// Within the office's hours.
    pub due_at: Timestamp,
}

/// What makes planned letters void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A clerk's act.
    Act(&'a Act),
    /// The citizen has answered a clarification that had been asked.
    Answered,
}

/// The letters that an act causes. The act has been examined; `ordinal` is that of what it adds to the case.
pub fn plan(act: &Act, case: &Case, seen: Circumstances<'_>) -> Vec<Planned> {
    match act {
        Act::Clarify { until, .. } => clarification::plan(clarification::ordinal(case), *until, seen),
        Act::Pickup { starts, .. } => pickup::plan(pickup::ordinal(case), *starts, seen),
        Act::Decide { .. } | Act::HandOver { .. } | Act::SetAside { .. } => Vec::new(),
    }
}

/// The kinds of letter that an event makes void, as far as they have not gone out.
pub fn voided_by(event: Event<'_>) -> &'static [Kind] {
    match event {
        // A second question leaves the first one and its reminder as they are.
        Event::Act(Act::Clarify { .. }) => &[],
        Event::Answered => &[Kind::ClarificationReminder],
        Event::Act(Act::Decide { .. }) => &[Kind::ClarificationRequest, Kind::ClarificationReminder],
        Event::Act(Act::Pickup { .. }) => &[Kind::PickupInvitation, Kind::PickupReminder],
        Event::Act(Act::HandOver { .. } | Act::SetAside { .. }) => &Kind::ALL,
    }
}

/// The opening of the office on the last working day before `day`.
fn working_day_before(day: Date, hours: &OfficeHours, calendar: &Calendar) -> Option<Timestamp> {
    let mut before = day;
    // No office is closed for a year; the bound only keeps the search finite.
    for _ in 0..366 {
        before = before.yesterday().ok()?;
        if let Some(open) = hours.on(before, calendar) {
            let opening = before.to_datetime(open.opens()).to_zoned(ZONE).ok()?;
            return Some(opening.timestamp());
        }
    }
    None
}

/// The earliest instant from `seen.now` on at which a letter may go out.
fn at_once(seen: Circumstances<'_>) -> Timestamp {
    next_open(seen.now, seen.hours, seen.calendar)
}

#[cfg(test)]
mod tests;
