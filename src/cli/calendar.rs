//! `calendar`: a year as the office knows it, legal holidays, days changed by an act, working days of each month.
//!
//! Works without any configuration, by the rules of the law alone, and says which of the two it did. Left out: an
//! office's hours, and terms, which are in [`super::term`].

use std::fmt::Write as _;
use std::path::PathBuf;

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::calendar::holidays::{self, HolidayKind};
use crate::calendar::wording::{day_ro, days_ro, month_ro, weekday_ro};
use crate::calendar::{Calendar, Day};
use crate::cli::{CONFIG_DEFAULT, Failure, json::SCHEMA, open, text};
use crate::config;

/// The years for which the rules of [`holidays`] are complete.
pub(super) const YEARS: std::ops::RangeInclusive<i16> = 2012..=2099;

/// Letters of a week in the view of a month: seven days of two digits and a sign.
const WEEK_WIDTH: usize = 21;

#[derive(clap::Args)]
pub(super) struct Options {
    /// From 2012 to 2099.
    #[arg(value_parser = clap::value_parser!(i16).range(i64::from(*YEARS.start())..=i64::from(*YEARS.end())))]
    year: i16,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The calendar to count by, and where it comes from.
pub(super) struct Rules {
    pub calendar: Calendar,
    /// The file whose `[calendar]` was read; `None` where there is none to read.
    pub configuration: Option<PathBuf>,
}

impl Rules {
    /// The calendar of the configuration. Where no file was named and the usual one is missing or not for this
    /// user to read, the rules of the law alone.
    pub(super) fn read(named: Option<PathBuf>) -> Result<Self, Failure> {
        let file = match named {
            Some(file) => file,
            None if std::fs::File::open(CONFIG_DEFAULT).is_ok() => PathBuf::from(CONFIG_DEFAULT),
            None => {
                return Ok(Self {
                    calendar: Calendar::without_overrides(),
                    configuration: None,
                });
            }
        };
        let calendar = config::calendar_of(&file).map_err(|problems| open::told(&problems))?;
        Ok(Self {
            calendar,
            configuration: Some(file),
        })
    }

    /// One line that says by which calendar was counted.
    pub(super) fn line_ro(&self) -> String {
        let version = self.calendar.version();
        match &self.configuration {
            None => format!(
                "Calendar: {version}, numai regulile legii; configurația {CONFIG_DEFAULT} lipsește sau nu poate fi \
                 citită."
            ),
            Some(file) if version == Calendar::without_overrides().version() => {
                let file = file.display();
                format!("Calendar: {version}, regulile legii; configurația {file} nu schimbă nicio zi.")
            }
            Some(file) => {
                let file = file.display();
                format!("Calendar: {version}, regulile legii și zilele schimbate din configurația {file}.")
            }
        }
    }
}

/// Prints the year.
pub(super) fn main(config: Option<PathBuf>, options: &Options) -> Result<(), Failure> {
    let rules = Rules::read(config)?;
    let year = Year::new(options.year, &rules.calendar);
    if options.json {
        text::line(&year.as_json(&rules).to_string());
    } else {
        year.print(&rules);
    }
    Ok(())
}

/// All that is told of a year.
struct Year {
    year: i16,
    /// By month.
    days: Vec<Vec<(Date, Day)>>,
    holidays: Vec<(Date, Vec<HolidayKind>)>,
    /// Days changed by an act, which says [`Day`].
    changes: Vec<(Date, Day)>,
}

impl Year {
    fn new(year: i16, calendar: &Calendar) -> Self {
        let days: Vec<Vec<(Date, Day)>> = (1..=12)
            .map(|month| {
                (1..=31)
                    .filter_map(|day| Date::new(year, month, day).ok())
                    .map(|date| (date, calendar.day(date)))
                    .collect()
            })
            .collect();
        let all = days.iter().flatten();
        let changes = all
            .clone()
            .filter(|(_, day)| matches!(day, Day::Recovery { .. } | Day::Bridge { .. }))
            .cloned()
            .collect();
        let holidays = all
            .map(|(date, _)| (*date, holidays::on(*date)))
            .filter(|(_, kinds)| !kinds.is_empty())
            .collect();
        Self {
            year,
            days,
            holidays,
            changes,
        }
    }

    fn working(month: &[(Date, Day)]) -> u16 {
        month.iter().map(|(_, day)| u16::from(day.is_working())).sum()
    }

    fn working_in_year(&self) -> u16 {
        self.days.iter().map(|month| Self::working(month)).sum()
    }

    fn as_json(&self, rules: &Rules) -> Value {
        let holidays: Vec<Value> = self
            .holidays
            .iter()
            .map(|(date, kinds)| {
                let names: Vec<&str> = kinds.iter().map(|kind| kind.name_ro()).collect();
                let laws: Vec<&str> = kinds.iter().map(|kind| kind.law()).collect();
                json!({"date": date.to_string(), "weekday": weekday_ro(date.weekday()), "names": names, "laws": laws})
            })
            .collect();
        let changes: Vec<Value> = self
            .changes
            .iter()
            .map(|(date, day)| {
                json!({
                    "date": date.to_string(), "weekday": weekday_ro(date.weekday()), "working": day.is_working(),
                    "source": act(day),
                })
            })
            .collect();
        let months: Vec<u16> = self.days.iter().map(|month| Self::working(month)).collect();
        json!({
            "schema": SCHEMA, "kind": "calendar", "year": self.year, "version": rules.calendar.version(),
            "configuration": rules.configuration.as_ref().map(|file| file.display().to_string()),
            "holidays": holidays, "changes": changes,
            "working_days": {"year": self.working_in_year(), "months": months},
        })
    }

    fn print(&self, rules: &Rules) {
        let count = |days: usize| {
            let days = u16::try_from(days).unwrap_or(u16::MAX);
            days_ro(days, "", "").trim_end().to_owned()
        };
        let working = days_ro(self.working_in_year(), "lucrătoare", "lucrătoare");
        let all = count(self.days.iter().map(Vec::len).sum());
        text::line(&format!("Anul {}: {working} din {all}\n", self.year));
        let row = |date: &Date, what: String| {
            let weekday = weekday_ro(date.weekday()).to_owned();
            vec![date.strftime("%d.%m.%Y").to_string(), weekday, what]
        };
        let holidays: Vec<Vec<String>> = self
            .holidays
            .iter()
            .map(|(date, kinds)| row(date, day_ro(*date, &Day::Holiday(kinds.clone()))))
            .collect();
        text::table(&["data", "ziua", "sărbătoarea legală"], &holidays, 80);
        text::line("");
        if !self.changes.is_empty() {
            let changes: Vec<Vec<String>> = self
                .changes
                .iter()
                .map(|(date, day)| row(date, day_ro(*date, day)))
                .collect();
            text::table(&["data", "ziua", "schimbată prin act"], &changes, 80);
            text::line("");
        }
        for quarter in self.days.chunks(3) {
            print_beside(&quarter.iter().map(|month| view(month)).collect::<Vec<_>>());
        }
        text::line(
            "Între paranteze: zilele lucrătoare. * sărbătoare legală, + zi liberă prin act, ! zi de recuperare",
        );
        text::line(&rules.line_ro());
    }
}

/// The act that changed a day; empty for a day that none changed.
fn act(day: &Day) -> &str {
    match day {
        Day::Recovery { source } | Day::Bridge { source } => source,
        Day::Working | Day::Weekend | Day::Holiday(_) => "",
    }
}

/// A month as on a wall: its name, the weekdays, a line for each week.
fn view(month: &[(Date, Day)]) -> Vec<String> {
    let Some((first, _)) = month.first() else {
        return Vec::new();
    };
    let mut lines = vec![
        format!("{} ({})", month_ro(*first), Year::working(month)),
        "Lu Ma Mi Jo Vi Sâ Du".to_owned(),
    ];
    let before = first.weekday().to_monday_zero_offset();
    let mut week = " ".repeat(3 * usize::from(before.unsigned_abs()));
    for (date, day) in month {
        let sign = match day {
            Day::Working | Day::Weekend => ' ',
            Day::Holiday(_) => '*',
            Day::Bridge { .. } => '+',
            Day::Recovery { .. } => '!',
        };
        // Writing to a text cannot fail.
        write!(week, "{:>2}{sign}", date.day()).ok();
        if week.len() >= WEEK_WIDTH {
            lines.push(std::mem::take(&mut week));
        }
    }
    lines.push(week);
    lines
}

/// Months side by side, as long as the longest, with an empty line below.
fn print_beside(months: &[Vec<String>]) {
    let longest = months.iter().map(Vec::len).max().unwrap_or_default();
    for at in 0..longest {
        let cells: Vec<String> = months
            .iter()
            .map(|lines| format!("{:<WEEK_WIDTH$}", lines.get(at).map_or("", String::as_str)))
            .collect();
        let line = cells.join("   ");
        if !line.trim().is_empty() {
            text::line(line.trim_end());
        }
    }
    text::line("");
}
