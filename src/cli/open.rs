//! From `--config` to settings and an open house.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::{CONFIG_DEFAULT, Failure, owner, text};
use crate::config::{Problem, Settings};
use crate::daemon::House;
use crate::edge::clock::Clock;

/// The exit code for a faulty configuration.
const CONFIGURATION: u8 = 3;

/// The configuration file.
pub(super) fn file(config: Option<PathBuf>) -> PathBuf {
    config.unwrap_or_else(|| PathBuf::from(CONFIG_DEFAULT))
}

/// Where systemd has put the credentials, when it started us.
pub(super) fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Reads the configuration with its passwords; where only systemd's credentials are missing, without them and with their
/// names.
pub(super) fn settings_as_far_as_possible(file: &Path) -> Result<(Settings, Vec<String>), Failure> {
    owner::refuse_others(file)?;
    if let Some(folder) = credentials() {
        let settings = Settings::load(file, Some(&folder)).map_err(|problems| told(&problems))?;
        return Ok((settings, Vec::new()));
    }
    Settings::load_with_names(file).map_err(|problems| told(&problems))
}

/// The command line by which the service manager runs a command with the passwords that it keeps for the service.
pub(super) fn as_the_service(file: &Path, withheld: &[String], command: &str) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "recipisa".into());
    // The manager starts it in another folder.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let names: BTreeSet<&String> = withheld.iter().collect();
    let loaded: String = names
        .iter()
        .map(|name| format!("-p LoadCredential={name}:/etc/recipisa/credentials/{name} "))
        .collect();
    format!(
        "sudo systemd-run --pipe --wait --collect -p User=recipisa {loaded}{} --config {} {command}",
        owner::quoted(&program.to_string_lossy()),
        owner::quoted(&file.to_string_lossy())
    )
}

/// Reads the configuration with its passwords; prints all its problems. Refuses another user than the owner of the
/// registry before anything else is looked at.
fn settings_of(file: &Path) -> Result<Settings, Failure> {
    owner::refuse_others(file)?;
    Settings::load(file, credentials().as_deref()).map_err(|problems| told(&problems))
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

/// Reads the configuration and opens the storage, for a command that needs no password: systemd hands its credentials
/// to the service alone, and clerks work beside it.
pub(super) fn house(config: Option<PathBuf>) -> Result<House, Failure> {
    let settings = settings_beside_the_service(config)?;
    // A folder that is not mounted, or a slip in `dir`, must not look like a registry that is empty.
    if !House::is_there(&settings) {
        return Err(Failure::Said(format!(
            "there is no registry in {}; check `dir` under [storage]. `recipisa run` or `once` makes it at the first start",
            settings.storage_dir.display()
        )));
    }
    Ok(House::open(settings, Clock::System)?)
}

/// Reads the configuration for a command that works on the storage folder itself, without opening it as a house, and
/// needs no password: a nightly backup has none of systemd's credentials.
pub(super) fn settings_of_storage(file: &Path) -> Result<Settings, Failure> {
    owner::refuse_others(file)?;
    settings_for_rehearsal(file)
}

/// The same for a command that also speaks of a registry that is still to be made.
pub(super) fn house_even_if_new(config: Option<PathBuf>) -> Result<House, Failure> {
    Ok(House::open(settings_beside_the_service(config)?, Clock::System)?)
}

fn settings_beside_the_service(config: Option<PathBuf>) -> Result<Settings, Failure> {
    let file = file(config);
    owner::refuse_others(&file)?;
    settings_for_rehearsal(&file)
}

/// Reads the configuration for a command that touches no storage and needs no password, by whomever it is called.
pub(super) fn settings_for_rehearsal(file: &Path) -> Result<Settings, Failure> {
    let settings = match credentials() {
        Some(folder) => Settings::load(file, Some(&folder)),
        None => Settings::load_without_credentials(file),
    };
    settings.map_err(|problems| told(&problems))
}

/// Reads the configuration with its passwords and opens the storage.
pub(super) fn house_at_work(file: &Path) -> Result<House, Failure> {
    let settings = settings_of(file)?;
    if !House::is_there(&settings) {
        let dir = settings.storage_dir.display();
        tracing::warn!(%dir, "a new, empty registry is made: numbers begin at 1");
    }
    Ok(House::open(settings, Clock::System)?)
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
