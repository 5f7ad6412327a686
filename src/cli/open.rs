//! From `--config` to settings and an open house.

use std::path::PathBuf;

use crate::cli::{CONFIG_DEFAULT, Failure, text};
use crate::config::{Problem, Settings};
use crate::daemon::House;
use crate::edge::clock::Clock;

/// The exit code for a faulty configuration.
const CONFIGURATION: u8 = 3;

/// Reads the configuration; prints all its problems.
pub(super) fn settings(config: Option<PathBuf>) -> Result<Settings, Failure> {
    let file = config.unwrap_or_else(|| PathBuf::from(CONFIG_DEFAULT));
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    Settings::load(&file, credentials.as_deref()).map_err(|problems| told(&problems))
}

/// Prints all problems of a configuration; what is left is to end.
pub(super) fn told(problems: &[Problem]) -> Failure {
    for problem in problems {
        text::complain(&problem.to_string());
    }
    let count = problems.len();
    text::complain(&format!(
        "{count} problem{} in the configuration",
        if count == 1 { "" } else { "s" }
    ));
    Failure::Told(CONFIGURATION)
}

/// Reads the configuration and opens the storage.
pub(super) fn house(config: Option<PathBuf>) -> Result<House, Failure> {
    Ok(House::open(settings(config)?, Clock::System)?)
}

/// Refuses an office that the configuration does not have.
pub(super) fn known_office(house: &House, wanted: Option<&str>) -> Result<(), Failure> {
    let Some(wanted) = wanted else { return Ok(()) };
    let offices: Vec<&str> = house
        .settings
        .offices
        .iter()
        .map(|office| office.id.as_str())
        .collect();
    if offices.contains(&wanted) {
        return Ok(());
    }
    Err(Failure::Said(format!(
        "there is no office `{wanted}`; the configuration has {}",
        offices.join(", ")
    )))
}
