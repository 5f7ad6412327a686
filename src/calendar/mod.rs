//! The office's calendar: which days are worked, when the office is open, and when a term ends.
//!
//! Five parts, in the order in which they lean on one another:
//!
//! * [`holidays`]: the legal holidays, computed from the rules of the law and from Orthodox Easter;
//! * [`overrides`]: what the Government changes for a year (bridge days, recovery Saturdays);
//! * [`hours`]: the office's programme and the day on which the processing of a mail starts;
//! * [`term`]: the last day of a legal term, with the steps that led to it;
//! * [`schedule`]: what comes again and again, written as cron writes it, in local time.
//!
//! [`wording`] says dates and days in Romanian. A date never comes alone: a term carries its
//! derivation and a processing day its reason, for both are printed in letters that people contest.
//!
//! Left out: reading overrides and hours from files, and asking what time it is. The same dates and
//! the same overrides always give the same answer, which [`Calendar::version`] identifies.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};

pub mod holidays;
pub mod hours;
pub mod overrides;
pub mod schedule;
pub mod term;
pub mod wording;

use holidays::HolidayKind;
use overrides::{Contradiction, Override, Working};

/// The last change of the law that [`holidays`] knows of: Law 52/2023, applied from 2024.
const RULES: &str = "ro-2024";

/// The legal holidays of Romania together with the local overrides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    overrides: BTreeMap<Date, Override>,
    version: String,
}

/// What a date is for the office, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Day {
    /// Monday to Friday, neither holiday nor bridge.
    Working,
    /// Saturday or Sunday without anything else to say of it.
    Weekend,
    /// One legal holiday, or several that fall on the same date, in the order of the law.
    Holiday(Vec<HolidayKind>),
    /// Made a working day by an act of the Government, usually a recovery Saturday.
    Recovery {
        /// The act, as written in the configuration.
        source: String,
    },
    /// Made a free day by an act of the Government.
    Bridge {
        /// The act, as written in the configuration.
        source: String,
    },
}

impl Day {
    /// Whether the office works on such a day.
    pub fn is_working(&self) -> bool {
        match self {
            Self::Working | Self::Recovery { .. } => true,
            Self::Weekend | Self::Holiday(_) | Self::Bridge { .. } => false,
        }
    }
}

impl Calendar {
    /// The rules of the law, changed by the overrides, whose order does not matter.
    ///
    /// # Errors
    /// [`Contradiction`] when one date is said to be both working and free.
    pub fn new(overrides: impl IntoIterator<Item = Override>) -> Result<Self, Contradiction> {
        let mut by_date: BTreeMap<Date, Override> = BTreeMap::new();
        for change in overrides {
            if let Some(earlier) = by_date.get(&change.date)
                && earlier.working != change.working
            {
                return Err(Contradiction {
                    date: change.date,
                    first: earlier.source.clone(),
                    second: change.source,
                });
            }
            by_date.entry(change.date).or_insert(change);
        }
        let version = version_of(&by_date);
        Ok(Self {
            overrides: by_date,
            version,
        })
    }

    /// The rules of the law alone.
    pub fn without_overrides() -> Self {
        Self {
            overrides: BTreeMap::new(),
            version: version_of(&BTreeMap::new()),
        }
    }

    /// Identifies rules and overrides, such as `ro-2024` or `ro-2024+3-5c1f09ab`.
    ///
    /// Stored with every date computed here, so that one can tell why an old date differs from what
    /// today's calendar would give.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the date is. An override wins over a holiday, a holiday over a weekend.
    pub fn day(&self, date: Date) -> Day {
        if let Some(change) = self.overrides.get(&date) {
            let source = change.source.clone();
            return match change.working {
                Working::Working => Day::Recovery { source },
                Working::NonWorking => Day::Bridge { source },
            };
        }
        let holidays = holidays::on(date);
        if !holidays.is_empty() {
            return Day::Holiday(holidays);
        }
        if matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            Day::Weekend
        } else {
            Day::Working
        }
    }

    /// Whether the office works on this date.
    pub fn is_working(&self, date: Date) -> bool {
        self.day(date).is_working()
    }

    /// The first working day strictly after the date (the end of time where there is none).
    pub fn next_working_day(&self, date: Date) -> Date {
        let mut day = date;
        while let Ok(tomorrow) = day.tomorrow() {
            day = tomorrow;
            if self.is_working(day) {
                break;
            }
        }
        day
    }
}

/// The rules' name, and where there are overrides their count and a short hash of them.
fn version_of(overrides: &BTreeMap<Date, Override>) -> String {
    if overrides.is_empty() {
        return RULES.to_owned();
    }
    // FNV-1a: this tells two configurations apart, it does not protect them against anybody.
    let mut hash: u32 = 0x811c_9dc5;
    for change in overrides.values() {
        let working = match change.working {
            Working::Working => "working",
            Working::NonWorking => "free",
        };
        for byte in format!("{}\t{working}\t{}\n", change.date, change.source).bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    format!("{RULES}+{}-{hash:08x}", overrides.len())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn change(day: Date, working: Working) -> Override {
        Override {
            date: day,
            working,
            source: "HG nr. 1/2027".to_owned(),
        }
    }

    #[test]
    fn an_override_wins_over_holiday_and_weekend() {
        let calendar = Calendar::new([
            change(date(2026, 12, 24), Working::NonWorking),
            change(date(2026, 12, 19), Working::Working),
            change(date(2026, 12, 25), Working::Working),
        ])
        .unwrap();
        assert!(!calendar.is_working(date(2026, 12, 24)));
        assert!(calendar.is_working(date(2026, 12, 19)));
        assert!(calendar.is_working(date(2026, 12, 25)));
        assert_eq!(calendar.day(date(2026, 12, 20)), Day::Weekend);
        assert_eq!(
            calendar.day(date(2026, 12, 26)),
            Day::Holiday(vec![HolidayKind::ChristmasSecond])
        );
        assert_eq!(
            calendar.day(date(2026, 12, 24)),
            Day::Bridge {
                source: "HG nr. 1/2027".to_owned()
            },
            "the act is named"
        );
    }

    #[test]
    fn the_version_tells_overrides_apart_and_not_their_order() {
        let first = change(date(2026, 12, 24), Working::NonWorking);
        let second = change(date(2026, 12, 19), Working::Working);
        let both = Calendar::new([first.clone(), second.clone()]).unwrap();
        let turned = Calendar::new([second, first.clone()]).unwrap();
        let twice = Calendar::new([first.clone(), first.clone()]).unwrap();
        let one = Calendar::new([first]).unwrap();
        let other = Calendar::new([change(date(2026, 12, 24), Working::Working)]).unwrap();
        assert_eq!(Calendar::without_overrides().version(), "ro-2024");
        assert!(both.version().starts_with("ro-2024+2-"), "{}", both.version());
        assert_eq!(both.version(), turned.version());
        assert_eq!(one.version(), twice.version());
        assert_ne!(one.version(), other.version());
    }

    #[test]
    fn one_date_cannot_be_both() {
        let day = date(2026, 12, 24);
        let error =
            Calendar::new([change(day, Working::NonWorking), change(day, Working::Working)]).unwrap_err();
        assert_eq!(error.date, day);
    }

    #[test]
    fn the_end_of_time_ends_the_search() {
        assert_eq!(
            Calendar::without_overrides().next_working_day(Date::MAX),
            Date::MAX
        );
    }

    proptest! {
        #[test]
        fn the_next_working_day_is_the_first_one(offset in 0_i32..32_000) {
            let start = date(2012, 1, 1).checked_add(jiff::Span::new().days(offset)).unwrap();
            let calendar = Calendar::without_overrides();
            let next = calendar.next_working_day(start);
            prop_assert!(next > start);
            prop_assert!(calendar.is_working(next));
            let mut between = start.tomorrow().unwrap();
            while between < next {
                prop_assert!(!calendar.is_working(between));
                between = between.tomorrow().unwrap();
            }
        }
    }
}
