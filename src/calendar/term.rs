//! The last day of a legal term, by the three ways in which terms are counted, with the steps that
//! lead to it.
//!
//! [`due_safe`] is what the agency promises itself: it relies neither on the day that "zile libere"
//! add nor on prorogation. [`due_legal`] is the last day that the law allows. [`due_working`] counts
//! working days only.
//!
//! Left out: which request has which term, terms in hours, months or years, and the hour of the day
//! at which a term ends (24:00, or closing time for what is handed in at the office).

use std::fmt;

use jiff::Span;
use jiff::civil::Date;

use super::wording::{date_ro, day_ro, days_ro, weekday_date_ro};
use super::{Calendar, Day};

/// The end of a term and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The last day on which the act is in time.
    pub date: Date,
    /// From the start to [`Term::date`]; each prints itself in Romanian.
    pub derivation: Vec<Step>,
}

/// How days are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// Every day after the start.
    Calendar,
    /// "Zile libere": neither the first day nor the last counts (Code of Civil Procedure, art. 181
    /// (1) 2).
    Free,
    /// Working days after the start.
    Working,
}

/// One step of a derivation; [`fmt::Display`] gives it in Romanian, without capital and full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The day from which the term runs, itself not counted.
    Starts(Date),
    /// So many days, counted so, end here.
    Counted {
        /// As the law gives them.
        days: u16,
        /// By which rule.
        counting: Counting,
        /// The day that the count ends on.
        reached: Date,
    },
    /// A free day that was passed over, because of what it is.
    PassedOver(Date, Day),
    /// A Saturday or Sunday that counted because it is worked.
    Worked(Date, Day),
    /// Brought forward to the last working day before.
    BroughtForward(Date),
    /// Put off to the first working day after (Code of Civil Procedure, art. 181 (2)).
    PutOff(Date),
}

/// The last working day that is not later than `start` and `days` calendar days.
///
/// Where no day from `start` on is one (a term of a day or two that begins before a long weekend),
/// it is the first working day after, as there is no earlier one to keep.
pub fn due_safe(start: Date, days: u16, calendar: &Calendar) -> Term {
    let reached = later(start, days.into());
    let mut derivation = begin(start, days, Counting::Calendar, reached);
    let mut date = reached;
    while !calendar.is_working(date) {
        derivation.push(Step::PassedOver(date, calendar.day(date)));
        match date.yesterday() {
            Ok(day) if day >= start => date = day,
            Ok(_) | Err(_) => {
                return put_off(reached, begin(start, days, Counting::Calendar, reached), calendar);
            }
        }
    }
    if date != reached {
        derivation.push(Step::BroughtForward(date));
    }
    Term { date, derivation }
}

/// The first working day that is not earlier than `start` and `days` + 1 calendar days: "zile
/// libere" with the prorogation of art. 181 (2) of the Code of Civil Procedure.
pub fn due_legal(start: Date, days: u16, calendar: &Calendar) -> Term {
    let reached = later(start, u32::from(days) + 1);
    put_off(reached, begin(start, days, Counting::Free, reached), calendar)
}

/// The working day number `days` strictly after `start`; for zero days the start itself.
pub fn due_working(start: Date, days: u16, calendar: &Calendar) -> Term {
    let mut date = start;
    let mut seen = Vec::new();
    let mut left = days;
    while left > 0 {
        let Ok(tomorrow) = date.tomorrow() else { break };
        date = tomorrow;
        let day = calendar.day(date);
        left -= u16::from(day.is_working());
        match day {
            // Plain weekends are what "zile lucrătoare" already says.
            Day::Working | Day::Weekend => {}
            Day::Recovery { .. } => seen.push(Step::Worked(date, day)),
            Day::Holiday(_) | Day::Bridge { .. } => seen.push(Step::PassedOver(date, day)),
        }
    }
    let mut derivation = vec![Step::Starts(start)];
    derivation.append(&mut seen);
    derivation.push(Step::Counted {
        days,
        counting: Counting::Working,
        reached: date,
    });
    Term { date, derivation }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starts(date) => write!(out, "termenul curge de la {}", date_ro(*date)),
            Self::Counted {
                days,
                counting,
                reached,
            } => {
                let (singular, plural, rule) = match counting {
                    Counting::Calendar => ("calendaristică", "calendaristice", ""),
                    Counting::Free => (
                        "liberă",
                        "libere",
                        ", fără ziua de început și fără cea de împlinire (art. 181 alin. (1) pct. 2 din Codul \
                         de procedură civilă)",
                    ),
                    Counting::Working => ("lucrătoare", "lucrătoare", ", fără ziua de început"),
                };
                let count = days_ro(*days, singular, plural);
                write!(out, "{count}{rule}: {}", weekday_date_ro(*reached))
            }
            Self::PassedOver(date, day) => {
                write!(
                    out,
                    "{} ({}) este zi nelucrătoare",
                    date_ro(*date),
                    day_ro(*date, day)
                )
            }
            Self::Worked(date, day) => write!(out, "{} se lucrează ({})", date_ro(*date), day_ro(*date, day)),
            Self::BroughtForward(date) => {
                write!(out, "ultima zi lucrătoare dinainte: {}", weekday_date_ro(*date))
            }
            Self::PutOff(date) => write!(
                out,
                "se prelungește până în prima zi lucrătoare care urmează (art. 181 alin. (2) din Codul de \
                 procedură civilă): {}",
                weekday_date_ro(*date)
            ),
        }
    }
}

fn begin(start: Date, days: u16, counting: Counting, reached: Date) -> Vec<Step> {
    vec![
        Step::Starts(start),
        Step::Counted {
            days,
            counting,
            reached,
        },
    ]
}

/// The first working day from `reached` on.
fn put_off(reached: Date, mut derivation: Vec<Step>, calendar: &Calendar) -> Term {
    let mut date = reached;
    while !calendar.is_working(date) {
        derivation.push(Step::PassedOver(date, calendar.day(date)));
        match date.tomorrow() {
            Ok(day) => date = day,
            Err(_) => break,
        }
    }
    if date != reached {
        derivation.push(Step::PutOff(date));
    }
    Term { date, derivation }
}

/// So many days later, at most the last date there is.
fn later(date: Date, days: u32) -> Date {
    date.saturating_add(Span::new().days(i64::from(days)))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::super::overrides::{Override, Working};
    use super::*;

    fn text(term: &Term) -> Vec<String> {
        term.derivation.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn known_terms() {
        let calendar = Calendar::without_overrides();
        let mut rows = 0;
        for row in include_str!("../../fixtures/calendar/terms.tsv")
            .lines()
            .filter(|row| !row.starts_with('#'))
        {
            let cells: Vec<&str> = row.split('\t').collect();
            let [start, rule, days, due] = cells[..] else {
                panic!("{row}")
            };
            let count = match rule {
                "safe" => due_safe,
                "legal" => due_legal,
                "working" => due_working,
                other => panic!("rule {other}"),
            };
            let term = count(start.parse().unwrap(), days.parse().unwrap(), &calendar);
            assert_eq!(term.date.to_string(), due, "{row}");
            rows += 1;
        }
        assert_eq!(rows, 101);
    }

    #[test]
    fn a_legal_term_tells_how_it_was_found() {
        let term = due_legal(date(2026, 11, 20), 10, &Calendar::without_overrides());
        assert_eq!(
            text(&term),
            [
                "termenul curge de la 20 noiembrie 2026",
                "10 zile libere, fără ziua de început și fără cea de împlinire (art. 181 alin. (1) pct. 2 din Codul \
                 de procedură civilă): marți, 1 decembrie 2026",
                "1 decembrie 2026 (Ziua Națională) este zi nelucrătoare",
                "se prelungește până în prima zi lucrătoare care urmează (art. 181 alin. (2) din Codul de \
                 procedură civilă): miercuri, 2 decembrie 2026",
            ]
        );
    }

    #[test]
    fn a_safe_term_tells_how_it_was_found() {
        let term = due_safe(date(2026, 11, 20), 30, &Calendar::without_overrides());
        assert_eq!(
            text(&term),
            [
                "termenul curge de la 20 noiembrie 2026",
                "30 de zile calendaristice: duminică, 20 decembrie 2026",
                "20 decembrie 2026 (duminică) este zi nelucrătoare",
                "19 decembrie 2026 (sâmbătă) este zi nelucrătoare",
                "ultima zi lucrătoare dinainte: vineri, 18 decembrie 2026",
            ]
        );
    }

    #[test]
    fn overrides_change_working_terms_and_are_named() {
        let change = |day, working| Override {
            date: day,
            working,
            source: "HG nr. 1/2026".to_owned(),
        };
        let calendar = Calendar::new([
            change(date(2026, 12, 24), Working::NonWorking),
            change(date(2026, 12, 19), Working::Working),
        ])
        .unwrap();
        let term = due_working(date(2026, 12, 18), 5, &calendar);
        assert_eq!(
            text(&term),
            [
                "termenul curge de la 18 decembrie 2026",
                "19 decembrie 2026 se lucrează (zi de recuperare, HG nr. 1/2026)",
                "24 decembrie 2026 (zi liberă, HG nr. 1/2026) este zi nelucrătoare",
                "25 decembrie 2026 (prima zi de Crăciun) este zi nelucrătoare",
                "26 decembrie 2026 (a doua zi de Crăciun) este zi nelucrătoare",
                "5 zile lucrătoare, fără ziua de început: luni, 28 decembrie 2026",
            ]
        );
    }

    #[test]
    fn a_safe_term_never_ends_before_it_starts() {
        let term = due_safe(date(2026, 11, 28), 1, &Calendar::without_overrides());
        assert_eq!(
            term.date,
            date(2026, 12, 2),
            "Saturday, Sunday, Saint Andrew, National Day"
        );
        assert_eq!(term.derivation.last(), Some(&Step::PutOff(date(2026, 12, 2))));
    }

    #[test]
    fn the_end_of_time_ends_a_term() {
        let calendar = Calendar::without_overrides();
        for count in [due_safe, due_legal, due_working] {
            assert_eq!(count(Date::MAX, u16::MAX, &calendar).date, Date::MAX);
        }
    }

    proptest! {
        #[test]
        fn terms_are_ordered(offset in 0_i32..31_000, days in 0_u16..400) {
            let start = date(2012, 1, 1).checked_add(Span::new().days(offset)).unwrap();
            let calendar = Calendar::without_overrides();
            let safe = due_safe(start, days, &calendar).date;
            let legal = due_legal(start, days, &calendar).date;
            let working = due_working(start, days, &calendar).date;
            prop_assert!(start <= safe && safe <= legal);
            prop_assert!(calendar.is_working(safe) && calendar.is_working(legal));
            prop_assert!(days == 0 || calendar.is_working(working));
            prop_assert!(later(start, days.into()) <= working);
        }
    }
}
