//! What a case has on the agenda: terms, answers awaited, appointments, letters that will go out.
//!
//! Derived from the case and the calendar whenever somebody looks; nothing here is stored.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Kind, Planned};
use crate::calendar::Calendar;
use crate::calendar::hours::ZONE;
use crate::calendar::term::due_working;
use crate::casework::{Case, Policy, State};

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The day on which it stands.
    pub on: Date,
    /// The hour, where it has one.
    pub at: Option<Timestamp>,
    pub what: What,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The term is over and there is no decision; with the term.
    Late {
        due_on: Date,
    },
    /// The term is near and there is no decision; with the term.
    DecisionAwaited {
        due_on: Date,
    },
    /// The term ends on this day.
    DecisionDue,
    /// The citizen has not answered in time; with the last day that was given.
    Unanswered {
        until: Date,
    },
    /// The last day for the citizen's answer.
    AnswerDue,
    /// Decided, and nobody is invited; with the last day for the pickup.
    ToInvite {
        last: Date,
    },
    Appointment,
    /// The appointment has passed and nothing was handed over.
    NotPickedUp {
        since: Date,
    },
    Letter(Kind),
}

impl What {
    /// The stable spelling in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Late { .. } => "late",
            Self::DecisionAwaited { .. } => "decision-awaited",
            Self::DecisionDue => "decision-due",
            Self::Unanswered { .. } => "unanswered",
            Self::AnswerDue => "answer-due",
            Self::ToInvite { .. } => "to-invite",
            Self::Appointment => "appointment",
            Self::NotPickedUp { .. } => "not-picked-up",
            Self::Letter(kind) => kind.as_str(),
        }
    }

    /// For the clerk.
    pub fn clerk_ro(self) -> String {
        let day = |date: Date| date.strftime("%d.%m.%Y").to_string();
        match self {
            Self::Late { due_on } => format!("ÎNTÂRZIAT: termenul de decizie a fost {}", day(due_on)),
            Self::DecisionAwaited { due_on } => format!("decizie așteptată, termen {}", day(due_on)),
            Self::DecisionDue => "ultima zi pentru decizie".to_owned(),
            Self::Unanswered { until } => format!("fără răspuns la completare, termen {}", day(until)),
            Self::AnswerDue => "ultima zi pentru răspunsul solicitantului".to_owned(),
            Self::ToInvite { last } => format!("de programat ridicarea, cel târziu {}", day(last)),
            Self::Appointment => "vine solicitantul".to_owned(),
            Self::NotPickedUp { since } => format!("neridicat, programat pe {}", day(since)),
            Self::Letter(kind) => kind.clerk_ro().to_owned(),
        }
    }
}

/// What an open case has from `today` on for so many calendar days; what is overdue stands on today.
pub fn items(
    case: &Case,
    planned: &[Planned],
    today: Date,
    days: u16,
    policy: &Policy,
    calendar: &Calendar,
) -> Vec<Item> {
    let last = today.saturating_add(jiff::Span::new().days(i64::from(days)));
    let mut items = Vec::new();
    let mut put = |on: Date, at: Option<Timestamp>, what: What| {
        if on >= today && on <= last {
            items.push(Item { on, at, what });
        }
    };
    match case.state() {
        State::Open | State::AwaitingCitizen => {
            let due_on = case.due_on;
            if due_on < today {
                put(today, None, What::Late { due_on });
            } else if due_on > today && case.is_awaited(today, policy, calendar) {
                put(today, None, What::DecisionAwaited { due_on });
            }
            put(due_on, None, What::DecisionDue);
        }
        State::Decided => {
            if let Some(decision) = &case.decision {
                let last = due_working(decision.on, policy.pickup_days, calendar).date;
                put(today, None, What::ToInvite { last });
            }
        }
        State::Invited | State::Closed => {}
    }
    let is_open = case.decision.is_none() && !case.is_closed();
    for asked in case
        .clarifications
        .iter()
        .filter(|one| is_open && one.answer.is_none())
    {
        if asked.until < today {
            put(today, None, What::Unanswered { until: asked.until });
        } else {
            put(asked.until, None, What::AnswerDue);
        }
    }
    if let (Some(appointment), false) = (case.appointment(), case.is_closed()) {
        let since = appointment.starts_at.to_zoned(ZONE).date();
        if since < today {
            put(today, None, What::NotPickedUp { since });
        }
        put(since, Some(appointment.starts_at), What::Appointment);
    }
    for one in planned {
        put(
            one.due_at.to_zoned(ZONE).date(),
            Some(one.due_at),
            What::Letter(one.kind),
        );
    }
    items.sort_by_key(|item| (item.on, item.at));
    items
}
