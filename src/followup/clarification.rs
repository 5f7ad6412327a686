//! The question to the citizen, and one reminder on the working day before its term unless the answer has come.

use jiff::civil::Date;

use super::{Kind, Planned, at_once, working_day_before};
use crate::calendar::hours::ZONE;
use crate::casework::{Case, Circumstances};

/// The place of the next clarification in its case.
pub(super) fn ordinal(case: &Case) -> u32 {
    case.clarifications.last().map_or(1, |last| last.ordinal + 1)
}

/// The question goes out at once, as far as the office is open. The reminder is left out where it would come on the
/// same day.
pub(super) fn plan(ordinal: u32, until: Date, seen: Circumstances<'_>) -> Vec<Planned> {
    let asked_at = at_once(seen);
    let mut planned = vec![Planned {
        kind: Kind::ClarificationRequest,
        ordinal,
        due_at: asked_at,
    }];
    let reminder = working_day_before(until, seen.hours, seen.calendar);
    if let Some(due_at) =
        reminder.filter(|due_at| due_at.to_zoned(ZONE).date() > asked_at.to_zoned(ZONE).date())
    {
        planned.push(Planned {
            kind: Kind::ClarificationReminder,
            ordinal,
            due_at,
        });
    }
    planned
}
