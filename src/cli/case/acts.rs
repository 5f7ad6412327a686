//! The acts of a clerk: `clarify`, `decide`, `pickup`, `handover`, `close`.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use jiff::civil::{Date, DateTime};

use crate::casework::HandoverWay;
use crate::cli::case::{object, parsed};
use crate::cli::held::actor_of_session;
use crate::cli::{Failure, text};
use crate::daemon::House;
use crate::flow::desk::{Done, Mode, Wish};
use crate::flow::with_causes;
use crate::followup::Planned;

/// What all acts share.
#[derive(clap::Args)]
struct Common {
    /// As on the receipt: 12/20.11.2026, or DEJ-12/20.11.2026 where there are several registers.
    number: String,
    /// Who decides; written into the journal. Left out, the user of this session.
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    /// Say what would happen, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Clarify {
    #[command(flatten)]
    common: Common,
    /// What is missing or unclear, in whole sentences: the citizen reads exactly these words.
    #[arg(long, value_name = "TEXT")]
    what: String,
    /// The last day for the answer, 2026-12-10 or 10.12.2026. Left out, so many working days as [cases] says.
    #[arg(long, value_name = "DATE", value_parser = text::day)]
    until: Option<Date>,
}

#[derive(clap::Args)]
pub(super) struct Decide {
    #[command(flatten)]
    common: Common,
    /// The decision as a file, usually a signed PDF; it is kept in the archive. `-` reads standard input, for a file
    /// that only you may read: `… --document - < decizie.pdf`.
    #[arg(long, value_name = "FILE")]
    document: PathBuf,
    /// The document's name in the records. Left out, that of the file.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The date of the decision, 2026-12-10 or 10.12.2026. Left out, today.
    #[arg(long, value_name = "DATE", value_parser = text::day)]
    on: Option<Date>,
}

#[derive(clap::Args)]
pub(super) struct Pickup {
    #[command(flatten)]
    common: Common,
    /// When the citizen is to come, in local time: "2026-12-10 10:00" or "10.12.2026 10:00".
    #[arg(long, value_name = "DATE HOUR", value_parser = day_and_hour)]
    at: DateTime,
    /// Where, if that is not the address of the office.
    #[arg(long, value_name = "TEXT")]
    place: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct HandOver {
    #[command(flatten)]
    common: Common,
    /// How the document reached the citizen.
    #[arg(long, value_parser = ["in-person", "post", "e-mail"], default_value = "in-person")]
    how: String,
    /// The day, 2026-12-10 or 10.12.2026. Left out, today.
    #[arg(long, value_name = "DATE", value_parser = text::day)]
    on: Option<Date>,
}

/// `2026-12-10 10:00` or `10.12.2026 10:00`, also with a `T` between.
fn day_and_hour(text: &str) -> Result<DateTime, String> {
    let wrong = || "write day and hour as \"2026-12-10 10:00\" or \"10.12.2026 10:00\"".to_owned();
    let (date, hour) = text
        .trim()
        .split_once(|c: char| c == 'T' || c.is_whitespace())
        .ok_or_else(wrong)?;
    let time = jiff::civil::Time::strptime("%H:%M", hour.trim()).map_err(|_| wrong())?;
    Ok(text::day(date).map_err(|_| wrong())?.to_datetime(time))
}

#[derive(clap::Args)]
pub(super) struct Close {
    #[command(flatten)]
    common: Common,
    /// Why there is nothing to decide; kept with the case.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) fn close(house: &House, options: Close) -> Result<(), Failure> {
    let reason = options.reason;
    act(house, options.common, Wish::Close { reason })
}

pub(super) fn clarify(house: &House, options: Clarify) -> Result<(), Failure> {
    let wish = Wish::Clarify {
        what: options.what,
        until: options.until,
    };
    act(house, options.common, wish)
}

pub(super) fn decide(house: &House, options: Decide) -> Result<(), Failure> {
    let path = &options.document;
    let is_stdin = path.as_os_str() == "-";
    let mut document = Vec::new();
    let read = if is_stdin {
        std::io::stdin().read_to_end(&mut document).map(|_| ())
    } else {
        std::fs::read(path).map(|bytes| document = bytes)
    };
    read.map_err(|source| Failure::File {
        doing: if source.kind() == ErrorKind::PermissionDenied {
            "the file may not be read by this user; use `--document - < FILE`. Reading"
        } else {
            "reading"
        },
        path: path.display().to_string(),
        source,
    })?;
    let own = path
        .file_name()
        .filter(|_| !is_stdin)
        .map(|name| name.to_string_lossy().into_owned());
    let name = options.name.or(own).unwrap_or_else(|| "decizie.pdf".to_owned());
    let wish = Wish::Decide {
        on: options.on,
        document_name: name,
        document,
    };
    act(house, options.common, wish)
}

pub(super) fn pickup(house: &House, options: Pickup) -> Result<(), Failure> {
    let number = parsed(&options.common.number, house)?;
    let place = match options.place {
        Some(place) => place,
        None => house.place_of(&number)?,
    };
    let wish = Wish::Pickup {
        starts: options.at,
        place,
    };
    act(house, options.common, wish)
}

pub(super) fn hand_over(house: &House, options: HandOver) -> Result<(), Failure> {
    let how = HandoverWay::ALL
        .into_iter()
        .find(|way| way.as_str() == options.how)
        .unwrap_or(HandoverWay::InPerson);
    act(house, options.common, Wish::HandOver { on: options.on, how })
}

fn act(house: &House, common: Common, wish: Wish) -> Result<(), Failure> {
    let number = parsed(&common.number, house)?;
    let actor = common.actor.unwrap_or_else(actor_of_session);
    let mode = if common.dry_run { Mode::Rehearse } else { Mode::Do };
    let done = house
        .desk(&number, wish, &actor, mode)
        .map_err(|error| Failure::Said(with_causes(&error)))?;
    if common.json {
        let object = object::done(&done, &actor, mode, house.settings.spelling());
        text::line(&object.to_string());
    } else {
        print(house, &done, mode);
    }
    Ok(())
}

fn print(house: &House, done: &Done, mode: Mode) {
    let number = done.case.number.spelled(house.settings.spelling());
    let verb = done.act.verb();
    text::line(&match mode {
        Mode::Do => format!("{number}: {verb} is recorded"),
        Mode::Rehearse => format!("{number}: {verb} is allowed; nothing was done (--dry-run)"),
    });
    let print_planned = |when: &str, planned: &[Planned]| {
        for one in planned {
            text::line(&format!(
                "  {when} {}  {}",
                text::instant(one.due_at),
                one.kind.clerk_ro()
            ));
        }
    };
    print_planned("goes out ", &done.planned);
    print_planned("called off", &done.voided);
    for note in &done.notes {
        text::line(&format!("  note: {}", note.clerk_ro()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_hours_are_read_both_ways() {
        let expected = jiff::civil::date(2026, 12, 10).at(9, 5, 0, 0);
        for text in ["2026-12-10 09:05", "10.12.2026 9:05", "2026-12-10T09:05"] {
            assert_eq!(day_and_hour(text), Ok(expected), "{text}");
        }
        for wrong in ["2026-12-10", "10:00", "2026-12-10 25:00", "31.02.2026 10:00"] {
            assert!(day_and_hour(wrong).is_err(), "{wrong}");
        }
        assert_eq!(text::day("10.12.2026"), Ok(expected.date()));
    }
}
