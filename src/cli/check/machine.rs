//! The machine around the registry: clock, time zone, disk, who may read the storage, the port of the metrics.

use std::net::TcpListener;

use crate::cli::report::Report;
use crate::cli::text;
use crate::config::Settings;
use crate::daemon::House;
use crate::edge::disk::{self, Space};
use crate::flow::with_causes;
use crate::store::Store;

const GB: u64 = 1_000_000_000;
/// Below either there are some weeks left in which to act.
const FREE_WARNING_BYTES: u64 = 5 * GB;
const FREE_WARNING_PERCENT: u64 = 10;
/// Below it the next large mail may not fit.
const FREE_ERROR_BYTES: u64 = GB / 5;

/// The clock against the last entry.
pub(super) fn clock(house: &House, report: &mut Report) {
    let now = house.clock.now();
    match house.store.clock_check(now) {
        Ok(()) => report.ok("clock", &format!("{}, after the last entry", text::instant(now))),
        Err(error) => report.error(
            "clock",
            &with_causes(&error),
            "set the clock right (timedatectl); if it is right now: `recipisa once --clock-is-right`, one time",
        ),
    }
}

/// What needs no database.
pub(super) fn check(settings: &Settings, is_at_work: bool, report: &mut Report) {
    let own = disk::time_zone().unwrap_or_else(|| "not told".to_owned());
    report.ok(
        "time zone",
        &format!("Europe/Bucharest, built in; the machine's own ({own}) decides nothing"),
    );
    match disk::space(&settings.storage_dir) {
        Ok(space) => free_space(space, report),
        Err(error) => report.error("disk", &error.to_string(), "check `dir` under [storage]"),
    }
    let dir = &settings.storage_dir;
    if let Ok(true) = disk::is_open_to_all(dir) {
        report.warning(
            "storage",
            &format!("{} can be entered by everybody on this machine", dir.display()),
            &format!("chmod 0750 {}", dir.display()),
        );
    }
    metrics(settings, is_at_work, report);
}

fn free_space(space: Space, report: &mut Report) {
    let said = format!(
        "{} free of {}, where the registry lies",
        text::bytes_of(space.free),
        text::bytes_of(space.size)
    );
    let remedy = "make room or enlarge the disk; a full one stops the taking of mail, and loses none";
    match level(space) {
        Level::Enough => report.ok("disk", &said),
        Level::Little => report.warning("disk", &said, remedy),
        Level::None => report.error("disk", &said, remedy),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Enough,
    Little,
    None,
}

fn level(space: Space) -> Level {
    if space.free < FREE_ERROR_BYTES {
        Level::None
    } else if space.free < FREE_WARNING_BYTES || space.free < space.size / 100 * FREE_WARNING_PERCENT {
        Level::Little
    } else {
        Level::Enough
    }
}

fn metrics(settings: &Settings, is_at_work: bool, report: &mut Report) {
    let Some(address) = settings.metrics else { return };
    if is_at_work {
        return report.ok("metrics", &format!("on {address} while `run` works"));
    }
    match TcpListener::bind(address) {
        Ok(_) => report.ok("metrics", &format!("{address} is free")),
        Err(error) => report.error(
            "metrics",
            &format!("{address} cannot be opened: {error}"),
            "choose another `listen` under [metrics], or end the program that has it (`ss -ltnp`)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_space_is_told_by_bytes_and_by_share() {
        for (free, size, expected) in [
            (199_999_999, 100 * GB, Level::None),
            (200_000_000, 100 * GB, Level::Little),
            (5 * GB - 1, 20 * GB, Level::Little),
            (5 * GB, 20 * GB, Level::Enough),
            (9 * GB, 100 * GB, Level::Little),
            (10 * GB, 100 * GB, Level::Enough),
            (0, 0, Level::None),
        ] {
            assert_eq!(level(Space { free, size }), expected, "{free} of {size}");
        }
    }
}
