//! `check`: what can be known before starting, each line ok, warning or error with its remedy.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::{Failure, open, text};
use crate::config::{Carrier, Settings, SourceKind};
use crate::daemon::{House, StartError, signer};
use crate::edge::clock::Clock;
use crate::flow::with_causes;
use crate::journal;
use crate::receipt::signature::Signer;
use crate::store::Store;

/// The weeks in which an operator can still renew a certificate without haste.
const EXPIRY_WARNING_DAYS: i64 = 30;

/// Prints the lines; exit code 1 when one of them is an error.
pub(super) fn main(config: Option<PathBuf>) -> Result<(), Failure> {
    let settings = open::settings(config)?;
    let mut report = Report { errors: 0 };
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
    match House::open(settings.clone(), clock.clone()) {
        Ok(house) => storage(&house, &mut report),
        Err(error) => report.error(
            "storage",
            &with_causes(&error),
            "check `dir` under [storage] and its owner",
        ),
    }
    folders(&settings, &mut report);
    key(&settings, clock.now(), &mut report);
    if report.errors == 0 {
        Ok(())
    } else {
        Err(Failure::Told(1))
    }
}

struct Report {
    errors: usize,
}

impl Report {
    fn ok(&self, what: &str, said: &str) {
        text::line(&format!("ok       {what:<14} {said}"));
    }

    fn warning(&self, what: &str, said: &str, remedy: &str) {
        text::line(&format!(
            "warning  {what:<14} {said}\n                        {remedy}"
        ));
    }

    fn error(&mut self, what: &str, said: &str, remedy: &str) {
        self.errors += 1;
        text::line(&format!(
            "ERROR    {what:<14} {said}\n                        {remedy}"
        ));
    }
}

fn storage(house: &House, report: &mut Report) {
    report.ok(
        "database",
        &format!("opened in {}", house.settings.storage_dir.display()),
    );
    match house.archive.probe() {
        Ok(()) => report.ok("archive", "can be written"),
        Err(error) => report.error(
            "archive",
            &with_causes(&error),
            "check the owner of the storage folder and the disk",
        ),
    }
    journal(house, report);
    work(house, report);
    match house.lock() {
        Ok(_lock) => report.ok("lock", "free"),
        Err(StartError::Busy { .. }) => report.ok("lock", "held: recipisa is at work"),
        Err(error) => report.error(
            "lock",
            &with_causes(&error),
            "check the owner of the storage folder",
        ),
    }
}

fn journal(house: &House, report: &mut Report) {
    let mut walk = journal::Walk::default();
    if let Err(error) = house.store.journal_each(&mut |row| walk.step(&row)) {
        return report.error(
            "journal",
            &with_causes(&error),
            "restore the database from a backup",
        );
    }
    match walk.first_break() {
        None => report.ok("journal", &format!("{} rows, the chain is intact", walk.rows())),
        Some(broken) => report.error(
            "journal",
            &format!("row {}: {}", broken.seq, broken.why),
            "the database was changed from outside; keep it as it is and compare it with a backup",
        ),
    }
}

fn work(house: &House, report: &mut Report) {
    let backlog = match house.store.backlog() {
        Ok(backlog) => backlog,
        Err(error) => {
            return report.error("work", &with_causes(&error), "restore the database from a backup");
        }
    };
    let waiting = [
        (backlog.undecided, "mails undecided"),
        (backlog.receipts_owed, "receipts owed"),
        (backlog.letters_queued, "letters queued"),
    ];
    let said: Vec<String> = waiting
        .iter()
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    report.ok("work", &said.join(", "));
    let needs_a_person = [
        (backlog.held, "mails held", "see `recipisa held`"),
        (
            backlog.receipts_failing,
            "receipts that could not be made so far",
            "see `recipisa entries`, then `show NUMBER`",
        ),
        (
            backlog.letters_failing,
            "letters that could not be sent so far",
            "see `recipisa entries`, then `show NUMBER`",
        ),
        (
            backlog.letters_given_up,
            "letters given up",
            "hand the receipt over another way, or `recipisa resend NUMBER`",
        ),
        (
            backlog.unanswered,
            "receipts that no letter carries",
            "hand them over: `recipisa show NUMBER --receipt FILE`",
        ),
    ];
    for (count, what, remedy) in needs_a_person {
        if count > 0 {
            report.warning("work", &format!("{count} {what}"), remedy);
        }
    }
}

/// Folders of sources and letters; servers are not asked here.
fn folders(settings: &Settings, report: &mut Report) {
    for source in &settings.sources {
        if let SourceKind::Folder { path, .. } = &source.kind {
            match std::fs::read_dir(path) {
                Ok(_) => report.ok(
                    "source",
                    &format!("{}: {} can be read", source.name, path.display()),
                ),
                Err(error) => report.error(
                    "source",
                    &format!("{}: {} cannot be read: {error}", source.name, path.display()),
                    "make the folder, and let recipisa's user read it",
                ),
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

fn key(settings: &Settings, now: Timestamp, report: &mut Report) {
    let signer = match signer(settings) {
        Ok(signer) => signer,
        Err(error) => {
            return report.error(
                "key",
                &with_causes(&error),
                "check `pkcs12` and `password` under [signing]",
            );
        }
    };
    report.ok(
        "key",
        &format!("opens and signs, certificate of {}", signer.name()),
    );
    let validity = signer.validity();
    match validity.check(now) {
        Ok(()) => {
            let days = validity.until.duration_since(now).as_hours() / 24;
            let said = format!("valid until {}, {days} days left", text::instant(validity.until));
            if days < EXPIRY_WARNING_DAYS {
                report.warning(
                    "certificate",
                    &said,
                    "renew it now; receipts are not issued with an expired one",
                );
            } else {
                report.ok("certificate", &said);
            }
        }
        Err(error) => report.error(
            "certificate",
            &error.to_string(),
            "renew it; mail is registered, receipts wait",
        ),
    }
    let is_qualified = signer.is_qualified();
    match (is_qualified, settings.signing.accept_unqualified) {
        (true, _) => report.ok(
            "qualified",
            "the certificate says that it is qualified (QcCompliance)",
        ),
        (false, true) => report.warning(
            "qualified",
            "the certificate is not qualified, and the configuration accepts it",
            "receipts are not marked; be sure that the agency may do so",
        ),
        (false, false) => report.warning(
            "qualified",
            "the certificate is not qualified: every receipt is marked NEVALID – DEMONSTRAȚIE",
            "use a qualified seal or signature, or set accept_unqualified = true if the agency stands by it",
        ),
    }
}
