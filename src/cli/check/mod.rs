//! `check`: what can be known before starting, each line ok, warning or error with its remedy.
//!
//! Without `--online` nobody is asked but this machine. With it the servers are asked too, and nothing on them changes.

pub(super) mod ages;
mod key;
mod letters;
mod machine;
mod online;
mod storage;
mod token;

use std::path::{Path, PathBuf};

use crate::cli::report::{Form, Report};
use crate::cli::{Failure, open};
use crate::config::{Carrier, Settings, SourceKind};
use crate::daemon::House;
use crate::edge::clock::Clock;
use crate::edge::disk;
use crate::flow::with_causes;

#[derive(clap::Args)]
pub(super) struct Options {
    /// Also ask the mail servers: login, folders, how old the mail in them is, limits. Nothing there is changed.
    #[arg(long)]
    online: bool,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Prints the lines; exit code 1 when one of them is an error.
pub(super) fn main(config: Option<PathBuf>, options: &Options) -> Result<(), Failure> {
    let file = open::file(config);
    let (settings, withheld) = open::settings_as_far_as_possible(&file)?;
    let mut report = Report::new(Form::of(options.json));
    report.ok(
        "configuration",
        &format!(
            "{} sources, {} offices",
            settings.sources.len(),
            settings.offices.len()
        ),
    );
    report.ok("calendar", settings.calendar.version());
    let clock = Clock::System;
    let mut is_at_work = false;
    let house = match House::open(settings.clone(), clock.clone()) {
        Ok(house) => {
            is_at_work = storage::check(&house, &mut report);
            machine::clock(&house, &mut report);
            token::check(&house, &mut report);
            Some(house)
        }
        Err(error) => {
            let remedy = "check `dir` under [storage] and its owner";
            report.error("storage", &with_causes(&error), remedy);
            None
        }
    };
    machine::check(&settings, is_at_work, &mut report);
    letters::check(&settings, &mut report);
    folders(&settings, &mut report);
    if withheld.is_empty() {
        key::check(&settings, clock.now(), &mut report);
        if options.online {
            token::ask(&settings, &mut report);
            online::check(&settings, house.as_ref(), clock.now(), &mut report);
        }
    } else {
        passwords(&withheld, &file, &mut report);
    }
    if report.is_well() {
        Ok(())
    } else {
        Err(Failure::Told(1))
    }
}

/// What the service manager keeps for the service alone: the key and the servers are checked by a run that it starts.
fn passwords(withheld: &[String], file: &Path, report: &mut Report) {
    report.warning(
        "passwords",
        "the key and the servers are not checked: their passwords are systemd credentials, which the service alone gets",
        &open::as_the_service(file, withheld, "check --online"),
    );
}

/// Folders of sources and letters; servers are not asked here.
fn folders(settings: &Settings, report: &mut Report) {
    for source in &settings.sources {
        if let SourceKind::Folder { path, move_to } = &source.kind {
            let said = |words: &str| format!("{}: {} {words}", source.name, path.display());
            match std::fs::read_dir(path) {
                Ok(_) => report.ok("source", &said("can be read")),
                Err(error) => {
                    let remedy = "make the folder, and let recipisa's user read it";
                    report.error("source", &said(&format!("cannot be read: {error}")), remedy);
                    continue;
                }
            }
            if move_to.is_some()
                && let Err(error) = disk::may_change_folder(path)
            {
                report.error(
                    "source",
                    &said(&format!(
                        "cannot be changed, so kept mail cannot be moved out of it: {error}"
                    )),
                    "let recipisa's user write the folder, or remove `move_to`",
                );
            }
        }
    }
    if let Carrier::Folder { path } = &settings.transport
        && let Err(error) = std::fs::create_dir_all(path)
    {
        let said = format!("{} cannot be made: {error}", path.display());
        report.error("transport", &said, "check `path` under [transport] and its owner");
    }
}
