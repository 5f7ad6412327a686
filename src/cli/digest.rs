//! `digest`: the clerks' digest of a day or a period, printed instead of mailed.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::{Date, Time};

use crate::calendar::hours::ZONE;
use crate::cli::{Failure, open, text};
use crate::digest::{self, Period};

#[derive(clap::Args)]
pub(super) struct Options {
    /// The day that is told about, 2026-12-10 or 10.12.2026. Left out, today.
    #[arg(long, value_name = "DATE", value_parser = text::day, conflicts_with_all = ["from", "to"])]
    day: Option<Date>,
    /// The first day of a period.
    #[arg(long, value_name = "DATE", value_parser = text::day)]
    from: Option<Date>,
    /// The last day of a period. Left out, today.
    #[arg(long, value_name = "DATE", value_parser = text::day, requires = "from")]
    to: Option<Date>,
    /// Only this office.
    #[arg(long, value_name = "ID")]
    office: Option<String>,
    /// `csv` is for a spreadsheet: UTF-8 with byte order mark, separated by semicolons.
    #[arg(long, value_parser = ["text", "html", "csv", "json"], default_value = "text")]
    format: String,
}

/// Prints it.
pub(super) fn main(config: Option<PathBuf>, options: &Options) -> Result<(), Failure> {
    let house = open::house(config)?;
    open::known_office(&house, options.office.as_deref())?;
    let today = house.clock.now().to_zoned(ZONE).date();
    let first = options.from.or(options.day).unwrap_or(today);
    let last = options.to.or(options.day).unwrap_or(today);
    if last < first {
        return Err(Failure::Said(format!(
            "the period ends on {last}, before it begins on {first}"
        )));
    }
    let period = Period {
        from: midnight(first)?,
        to: midnight(
            last.tomorrow()
                .map_err(|error| Failure::Said(error.to_string()))?,
        )?,
    };
    // The open work is that of now, whatever period is asked for.
    let facts = house.digest(options.office.as_deref(), period, today)?;
    match options.format.as_str() {
        "html" => text::line(&digest::html(&facts)),
        "csv" => text::bytes(&digest::csv(&facts)),
        "json" => text::line(&digest::json(&facts).to_string()),
        _ => text::line(&digest::text(&facts)),
    }
    Ok(())
}

fn midnight(day: Date) -> Result<Timestamp, Failure> {
    day.to_datetime(Time::midnight())
        .to_zoned(ZONE)
        .map(|zoned| zoned.timestamp())
        .map_err(|error| Failure::Said(error.to_string()))
}
