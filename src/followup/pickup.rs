//! The invitation to pick the document up, and a reminder one working day before the appointment.

use jiff::civil::DateTime;

use super::{Kind, Planned, at_once, working_day_before};
use crate::calendar::hours::ZONE;
use crate::casework::{Case, Circumstances};

/// The place of the next appointment in its case.
pub(super) fn ordinal(case: &Case) -> u32 {
    case.appointments.last().map_or(1, |last| last.ordinal + 1)
}

/// The invitation goes out at once, as far as the office is open. The reminder is left out where it would come on the
/// same day.
pub(super) fn plan(ordinal: u32, starts: DateTime, seen: Circumstances<'_>) -> Vec<Planned> {
    let invited_at = at_once(seen);
    let mut planned = vec![Planned {
        kind: Kind::PickupInvitation,
        ordinal,
        due_at: invited_at,
    }];
    let reminder = working_day_before(starts.date(), seen.hours, seen.calendar);
    if let Some(due_at) =
        reminder.filter(|due_at| due_at.to_zoned(ZONE).date() > invited_at.to_zoned(ZONE).date())
    {
        planned.push(Planned {
            kind: Kind::PickupReminder,
            ordinal,
            due_at,
        });
    }
    planned
}
