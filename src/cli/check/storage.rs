//! The storage folder: the database, the archive, the journal, what waits, and who works on it.

use crate::cli::report::Report;
use crate::daemon::House;
use crate::flow::with_causes;
use crate::journal;
use crate::store::Store;

/// Returns whether somebody works on the registry now.
pub(super) fn check(house: &House, report: &mut Report) -> bool {
    database(house, report);
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
    match house.is_at_work() {
        Ok(is_at_work) => {
            let said = if is_at_work {
                "held: recipisa is at work"
            } else {
                "free"
            };
            report.ok("lock", said);
            is_at_work
        }
        Err(error) => {
            report.error(
                "lock",
                &with_causes(&error),
                "check the owner of the storage folder",
            );
            false
        }
    }
}

fn database(house: &House, report: &mut Report) {
    const REMEDY: &str = "stop recipisa, keep the file as it is, and restore the database from a backup";
    match house.store.soundness() {
        Ok(found) if found.faults.is_empty() => report.ok(
            "database",
            &format!(
                "opened in {}, version {}, sound",
                house.settings.storage_dir.display(),
                found.version
            ),
        ),
        Ok(found) => report.error("database", &found.faults.join("; "), REMEDY),
        Err(error) => report.error("database", &with_causes(&error), REMEDY),
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
            backlog.letters_bounced,
            "letters came back undelivered",
            "phone or write to the citizen, or `recipisa resend NUMBER`; `recipisa show NUMBER` says what came back",
        ),
        (
            backlog.unanswered,
            "receipts that no letter carries",
            "`recipisa entries` says why: `recipisa resend NUMBER` sends one, `recipisa show NUMBER --receipt FILE` is \
             for handing it over",
        ),
    ];
    for (count, what, remedy) in needs_a_person {
        if count > 0 {
            report.warning("work", &format!("{count} {what}"), remedy);
        }
    }
}
