//! When something is due again and again, written as cron writes it and meant in the legal time of Romania.
//!
//! `0 7 * * 1-5` is 07:00 from Monday to Friday. The five fields are those of crontab(5): minute, hour, day of the
//! month, month, day of the week (0 and 7 are Sunday); where both days are restricted, either is enough. The search
//! for the next date is the cron crate's. It counts weekdays from 1 and demands both days, so the fields are read
//! and translated here; nothing outside this file knows of that crate or of chrono, which it speaks.
//!
//! The two odd nights of a year: what falls into the hour that is left out in March comes once, at the first instant
//! after it; what falls into the hour that comes twice in October comes once, the first time.
//!
//! Left out: seconds, years, names such as `@daily`, and what is to be done then.

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::hours::ZONE;

const EXAMPLE: &str = "`0 7 * * 1-5` is at 07:00 from Monday to Friday (minute, hour, day, month, weekday)";

const MINUTE: Field = Field::new("minute", 0, 59, &[]);
const HOUR: Field = Field::new("hour", 0, 23, &[]);
const DAY: Field = Field::new("day of the month", 1, 31, &[]);
const MONTH: Field = Field::new(
    "month",
    1,
    12,
    &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
);
const WEEKDAY: Field = Field::new(
    "day of the week",
    0,
    7,
    &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
);

/// A checked schedule, in local time of Europe/Bucharest, to the minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    /// Two where either the day of the month or the day of the week is enough.
    parts: Vec<cron::Schedule>,
}

/// What is wrong with the text of a schedule, with an example of a right one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five fields.
    #[error("`{text}` has {} and not five; {EXAMPLE}", fields(*.count))]
    Count { text: String, count: usize },
    /// A field that does not fit.
    #[error("the {field} `{value}` {wrong}; {EXAMPLE}")]
    Field {
        field: &'static str,
        value: String,
        wrong: String,
    },
    /// Such as 30 February.
    #[error("`{0}` never comes; {EXAMPLE}")]
    Never(String),
}

fn fields(count: usize) -> String {
    match count {
        1 => "1 field".to_owned(),
        _ => format!("{count} fields"),
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(ScheduleError::Count {
                text: text.to_owned(),
                count: fields.len(),
            });
        };
        let minutes = MINUTE.read(minute)?;
        let hours = HOUR.read(hour)?;
        let days = DAY.read(day)?;
        let months = MONTH.read(month)?;
        // The crate's Sunday is 1.
        let weekdays = WEEKDAY
            .read(weekday)?
            .into_iter()
            .map(|day| day % 7 + 1)
            .collect();
        let either = !day.starts_with('*') && !weekday.starts_with('*');
        let choices = if either {
            vec![
                (listed(&days), "*".to_owned()),
                ("*".to_owned(), listed(&weekdays)),
            ]
        } else {
            vec![(listed(&days), or_star(&weekdays, 7))]
        };
        let never = || ScheduleError::Never(text.to_owned());
        let parts = choices
            .into_iter()
            .map(|(days, weekdays)| {
                let (minutes, hours, months) = (listed(&minutes), listed(&hours), listed(&months));
                let expression = format!("0 {minutes} {hours} {days} {months} {weekdays}");
                cron::Schedule::from_str(&expression).map_err(|_| never())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let schedule = Self {
            text: fields.join(" "),
            parts,
        };
        // Every date that exists comes within the next eight years, and within any eight years but around 2100.
        match schedule.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(never()),
        }
    }
}

impl Schedule {
    /// As it was written, with single spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time strictly after an instant; `None` beyond the year 2100, where the search ends.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let from = as_if_utc(at.to_zoned(ZONE).datetime())?;
        self.parts
            .iter()
            .filter_map(|part| {
                let mut coming = part.after(&from).map_while(|date| instant(&date));
                // In the second passing of October's hour the dates that lie ahead on the clock were met already.
                coming.find(|&coming| coming > at)
            })
            .min()
    }

    /// The last time not after `at` and strictly after `since`.
    pub fn last_until(&self, at: Timestamp, since: Timestamp) -> Option<Timestamp> {
        // In the second passing of October's hour, dates up to an hour ahead on the clock have been.
        let ahead = SignedDuration::from_secs(60 * 60 + 1);
        let civil = at.to_zoned(ZONE).datetime().checked_add(ahead).ok()?;
        let from = as_if_utc(civil)?;
        self.parts
            .iter()
            .filter_map(|part| {
                let mut past = part.after(&from).rev().map_while(|date| instant(&date));
                past.find(|&past| past <= at)
            })
            .max()
            .filter(|&last| last > since)
    }

    /// All times strictly after `after` and not after `until`, in their order, one by one.
    pub fn occurrences_between(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = Timestamp> + '_ {
        let within = move |next: &Timestamp| *next <= until;
        std::iter::successors(self.next_after(after).filter(within), move |&last| {
            self.next_after(last).filter(within)
        })
    }
}

/// What one of the five fields may hold.
struct Field {
    name: &'static str,
    min: u8,
    max: u8,
    /// For the values from `min` on.
    names: &'static [&'static str],
}

impl Field {
    const fn new(name: &'static str, min: u8, max: u8, names: &'static [&'static str]) -> Self {
        Self {
            name,
            min,
            max,
            names,
        }
    }

    /// `*`, `5`, `1-5`, `*/2`, `1-31/7`, names, and lists of these with commas.
    fn read(&self, text: &str) -> Result<BTreeSet<u8>, ScheduleError> {
        let mut values = BTreeSet::new();
        for piece in text.split(',') {
            let (range, step) = match piece.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step, text)?)),
                None => (piece, None),
            };
            let (first, last) = if range == "*" {
                (self.min, self.max)
            } else if let Some((first, last)) = range.split_once('-') {
                (self.value(first, text)?, self.value(last, text)?)
            } else if step.is_some() {
                return Err(self.wrong(text, "has a step after a single value; write `*/2` or `1-5/2`"));
            } else {
                let value = self.value(range, text)?;
                (value, value)
            };
            if first > last {
                return Err(self.wrong(text, "is a range that runs backwards"));
            }
            values.extend((first..=last).step_by(step.unwrap_or(1)));
        }
        Ok(values)
    }

    fn step(&self, step: &str, text: &str) -> Result<usize, ScheduleError> {
        number(step)
            .filter(|&step| step > 0)
            .map(usize::from)
            .ok_or_else(|| self.wrong(text, "has a step that is not a number from 1"))
    }

    fn value(&self, value: &str, text: &str) -> Result<u8, ScheduleError> {
        let named = self
            .names
            .iter()
            .position(|name| value.eq_ignore_ascii_case(name))
            .and_then(|index| u8::try_from(index).ok())
            .map(|index| self.min + index);
        let value = named.or_else(|| number(value));
        value
            .filter(|value| (self.min..=self.max).contains(value))
            .ok_or_else(|| {
                let names = match self.names {
                    [first, .., last] => format!(" or a name from {first} to {last}"),
                    [] | [_] => String::new(),
                };
                let wrong = format!("is not made of numbers from {} to {}{names}", self.min, self.max);
                self.wrong(text, &wrong)
            })
    }

    fn wrong(&self, value: &str, wrong: &str) -> ScheduleError {
        ScheduleError::Field {
            field: self.name,
            value: value.to_owned(),
            wrong: wrong.to_owned(),
        }
    }
}

/// Digits alone; a sign is no part of a field.
fn number(text: &str) -> Option<u8> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn listed(values: &BTreeSet<u8>) -> String {
    let values: Vec<String> = values.iter().map(u8::to_string).collect();
    values.join(",")
}

fn or_star(values: &BTreeSet<u8>, all: usize) -> String {
    if values.len() == all {
        "*".to_owned()
    } else {
        listed(values)
    }
}

/// The date and hour on the clock, to the second, dressed as an instant: the crate's search knows no time zone then.
fn as_if_utc(civil: civil::DateTime) -> Option<DateTime<Utc>> {
    let seconds = TimeZone::UTC.to_timestamp(civil).ok()?.as_second();
    DateTime::from_timestamp(seconds, 0)
}

/// The instant at which the clocks of Romania show this.
fn instant(date: &DateTime<Utc>) -> Option<Timestamp> {
    let shown = Timestamp::from_second(date.timestamp()).ok()?;
    let civil = TimeZone::UTC.to_datetime(shown);
    let offset = match ZONE.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Fold { before, .. } => before,
        AmbiguousOffset::Gap { after, .. } => {
            // By the offset that is not yet valid the instant lies before the change, which is the next one.
            let early = after.to_timestamp(civil).ok()?;
            return ZONE.following(early).next().map(|change| change.timestamp());
        }
    };
    offset.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests;
