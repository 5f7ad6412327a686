//! `term`: when a legal term ends, with the steps that lead there, as a clerk would explain it at the counter.
//!
//! Works without any configuration, as [`super::calendar`]. Left out: which request has which term.

use std::path::PathBuf;

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::calendar::term::{Term, due_legal, due_safe, due_working};
use crate::calendar::wording::{days_ro, weekday_date_ro, weekday_ro};
use crate::cli::calendar::{Rules, YEARS};
use crate::cli::{Failure, json::SCHEMA, text};

/// More days than any term of the law has, and few enough to be counted at once.
const DAYS_MAX: i64 = 1000;

#[derive(clap::Args)]
pub(super) struct Options {
    /// The day from which the term runs, such as 2026-11-20 or 20.11.2026; itself it does not count.
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Date,
    #[command(flatten)]
    length: Length,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Length {
    /// So many working days.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=DAYS_MAX))]
    working: Option<u16>,
    /// So many days, both as the agency had better keep them and as the law allows at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=DAYS_MAX))]
    days: Option<u16>,
}

/// One way to count, and where it ends.
struct Reading {
    /// The word for other programs.
    word: &'static str,
    name_ro: &'static str,
    meaning_ro: &'static str,
    term: Term,
}

/// Counts and prints.
pub(super) fn main(config: Option<PathBuf>, options: &Options) -> Result<(), Failure> {
    let rules = Rules::read(config)?;
    let (counting, days, readings) = readings(options, &rules);
    if let Some(late) = readings.iter().find(|one| !YEARS.contains(&one.term.date.year())) {
        text::complain(&format!(
            "the term would end in {}; holidays are known until {} only",
            late.term.date.year(),
            YEARS.end()
        ));
        return Err(Failure::Told(2));
    }
    if options.json {
        let readings: Vec<Value> = readings.iter().map(Reading::as_json).collect();
        let object = json!({
            "schema": SCHEMA, "kind": "term", "from": options.from.to_string(), "counting": counting, "days": days,
            "version": rules.calendar.version(),
            "configuration": rules.configuration.as_ref().map(|file| file.display().to_string()),
            "readings": readings,
        });
        text::line(&object.to_string());
        return Ok(());
    }
    let adjective = if counting == "working" { "lucrătoare" } else { "" };
    let length = days_ro(days, adjective, adjective);
    let from = weekday_date_ro(options.from);
    text::line(&format!("{} de la {from}\n", length.trim_end()));
    for reading in &readings {
        text::line(&format!(
            "{}: {}",
            reading.name_ro,
            weekday_date_ro(reading.term.date)
        ));
        text::line(&format!("  {}", reading.meaning_ro));
        for step in &reading.term.derivation {
            text::line(&format!("  - {step}"));
        }
        text::line("");
    }
    text::line(&rules.line_ro());
    Ok(())
}

/// How is counted, how many days, and every reading of it.
fn readings(options: &Options, rules: &Rules) -> (&'static str, u16, Vec<Reading>) {
    let (from, calendar) = (options.from, &rules.calendar);
    if let Some(days) = options.length.working {
        let reading = Reading {
            word: "working",
            name_ro: "Ultima zi a termenului",
            meaning_ro: "Se numără numai zilele lucrătoare de după ziua de început.",
            term: due_working(from, days, calendar),
        };
        return ("working", days, vec![reading]);
    }
    let days = options.length.days.unwrap_or_default();
    let safe = Reading {
        word: "due_safe",
        name_ro: "Termenul sigur",
        meaning_ro: "Ultima zi lucrătoare din zilele calendaristice date sau, dacă nu este niciuna, prima de după ele; \
                     pe aceasta o urmărește instituția.",
        term: due_safe(from, days, calendar),
    };
    let legal = Reading {
        word: "due_legal",
        name_ro: "Termenul legal",
        meaning_ro: "Ultima zi îngăduită când termenul se socotește pe zile libere, cu prelungirea din Codul de procedură \
                     civilă.",
        term: due_legal(from, days, calendar),
    };
    ("calendar", days, vec![safe, legal])
}

impl Reading {
    fn as_json(&self) -> Value {
        let date = self.term.date;
        let steps: Vec<String> = self.term.derivation.iter().map(ToString::to_string).collect();
        json!({
            "reading": self.word, "due": date.to_string(), "weekday": weekday_ro(date.weekday()),
            "meaning": self.meaning_ro, "derivation": steps,
        })
    }
}

/// A day as computers or as Romanian clerks write it, of a year whose holidays are known.
fn date(given: &str) -> Result<Date, String> {
    let given = given.trim();
    let read = if given.contains('.') {
        Date::strptime("%d.%m.%Y", given)
    } else {
        Date::strptime("%Y-%m-%d", given)
    };
    let date =
        read.map_err(|_| "this is no day of the calendar; write it as 2026-11-20 or 20.11.2026".to_owned())?;
    if YEARS.contains(&date.year()) {
        return Ok(date);
    }
    let (first, last) = (YEARS.start(), YEARS.end());
    Err(format!("holidays are known for the years {first} to {last} only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_day() {
        let day = jiff::civil::date(2026, 12, 1);
        for given in ["2026-12-01", "01.12.2026", "1.12.2026", " 1.12.2026 "] {
            assert_eq!(date(given), Ok(day), "{given}");
        }
    }

    #[test]
    fn what_is_no_day_is_told() {
        for given in [
            "",
            "31.02.2026",
            "2026-02-30",
            "20.11.26",
            "26-11-20",
            "20/11/2026",
            "20.11",
            "2026-11-20T10:00",
            "20.11.2026 10:00",
            "mâine",
            "2026.11.20",
        ] {
            let error = date(given).unwrap_err();
            assert!(
                error.contains("20.11.2026") || error.contains("2012"),
                "{given}: {error}"
            );
        }
        for given in ["2011-12-31", "01.01.2100"] {
            assert!(date(given).unwrap_err().contains("2012 to 2099"), "{given}");
        }
    }
}
