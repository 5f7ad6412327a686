//! The database against itself: SQLite's own check, references, the journal's chain, numbers without a gap, and that a
//! registered mail, its entry, its case and its receipt come together, and likewise what joined a case.

use rusqlite::{Connection, ErrorCode};

use super::unavailable;
use crate::edge::sqlite::journal_rows;
use crate::journal;
use crate::store::{Depth, Fault, Finding, Stored};

/// More lines than these of SQLite's own check tell nothing new.
const LINES_MAX: u32 = 100;

/// Where findings go.
pub(super) type Each<'e> = &'e mut dyn FnMut(Finding);

/// Runs one check. What a damaged file breaks off becomes a finding, so that the other checks still have their say.
pub(super) fn guarded(
    place: &'static str,
    each: Each<'_>,
    check: impl FnOnce(Each<'_>) -> rusqlite::Result<()>,
) -> Stored<()> {
    match check(each) {
        Ok(()) => Ok(()),
        Err(error) if is_of_the_moment(&error) => Err(unavailable("checking the database", error)),
        Err(error) => {
            each(Finding::new(
                Fault::DatabaseDamaged,
                place,
                format!("cannot be read to its end: {error}"),
            ));
            Ok(())
        }
    }
}

/// Whether the same check may succeed a minute later.
fn is_of_the_moment(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
        )
    )
}

/// All of this file's checks.
pub(super) fn check(connection: &Connection, depth: Depth, each: Each<'_>) -> Stored<()> {
    guarded("database", each, |each| integrity(connection, depth, each))?;
    guarded("references", each, |each| references(connection, each))?;
    chain(connection, each)?;
    guarded("series", each, |each| series(connection, each))?;
    guarded("entry", each, |each| entries_and_mails(connection, each))?;
    for check in &LEDGER {
        guarded("sighting", each, |each| together(connection, check, each))?;
    }
    for check in &TOGETHER {
        guarded("entry", each, |each| together(connection, check, each))?;
    }
    Ok(())
}

fn integrity(connection: &Connection, depth: Depth, each: Each<'_>) -> rusqlite::Result<()> {
    let pragma = match depth {
        Depth::Quick => "quick_check",
        Depth::Full | Depth::Seals => "integrity_check",
    };
    let mut statement = connection.prepare(&format!("PRAGMA {pragma}({LINES_MAX})"))?;
    let mut lines = statement.query([])?;
    while let Some(row) = lines.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            each(Finding::new(Fault::DatabaseDamaged, "database", line));
        }
    }
    Ok(())
}

fn references(connection: &Connection, each: Each<'_>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        let rowid: Option<i64> = row.get(1)?;
        let place = rowid.map_or_else(|| table.clone(), |rowid| format!("{table}, row {rowid}"));
        each(Finding::new(
            Fault::ReferenceBroken,
            place,
            format!("speaks of a row of {parent} that is not there"),
        ));
    }
    Ok(())
}

fn chain(connection: &Connection, each: Each<'_>) -> Stored<()> {
    let mut walk = journal::Walk::default();
    if let Err(error) = journal_rows::each(connection, &mut |row| walk.step(&row)) {
        each(Finding::new(
            Fault::DatabaseDamaged,
            "journal",
            format!("cannot be read to its end: {error}"),
        ));
    }
    if let Some(broken) = walk.first_break() {
        each(Finding::new(
            Fault::JournalBroken,
            format!("journal/{}", broken.seq),
            broken.why,
        ));
    }
    Ok(())
}

/// Numbers are 1 … n in each register and year, and the series stands at n.
fn series(connection: &Connection, each: Each<'_>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT register, year, number, lag(number, 1, 0) OVER (PARTITION BY register, year ORDER BY number) AS before
         FROM entry ORDER BY register, year, number",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (register, year): (String, i64) = (row.get(0)?, row.get(1)?);
        let (number, before): (i64, i64) = (row.get(2)?, row.get(3)?);
        let gap = match number - before {
            i64::MIN..=1 => continue,
            2 => format!("number {} is missing", before + 1),
            _ => format!("the numbers {} to {} are missing", before + 1, number - 1),
        };
        each(Finding::new(
            Fault::NumberGap,
            format!("series/{register}/{year}"),
            gap,
        ));
    }
    let mut statement = connection.prepare(
        "SELECT register, year, max(last) AS last, max(highest) AS highest
         FROM (SELECT register, year, last, 0 AS highest FROM series
               UNION ALL SELECT register, year, 0, max(number) FROM entry GROUP BY register, year)
         GROUP BY register, year HAVING max(last) <> max(highest)",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (register, year): (String, i64) = (row.get(0)?, row.get(1)?);
        let (last, highest): (i64, i64) = (row.get(2)?, row.get(3)?);
        each(Finding::new(
            Fault::SeriesWrong,
            format!("series/{register}/{year}"),
            format!("it stands at {last}, and the last entry has number {highest}"),
        ));
    }
    Ok(())
}

fn entries_and_mails(connection: &Connection, each: Each<'_>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT seq FROM mail WHERE outcome = 'registered'
         AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.mail_seq = mail.seq) ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        each(Finding::new(
            Fault::EntryMissing,
            format!("mail/{seq}"),
            "it is registered, and no entry is of it",
        ));
    }
    let mut statement = connection.prepare(
        "SELECT e.register, e.year, e.number, e.mail_seq FROM entry e LEFT JOIN mail m ON m.seq = e.mail_seq
         WHERE e.mail_seq IS NOT NULL AND m.outcome IS NOT 'registered' ORDER BY e.rowid",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(3)?;
        each(Finding::new(
            Fault::EntryMissing,
            key("entry", row)?,
            format!("its mail {seq} is not there, or is not registered"),
        ));
    }
    Ok(())
}

/// Rows that come together in one transaction, so that none is without the others.
struct Together {
    fault: Fault,
    what: &'static str,
    /// Gives the keys of the rows that lack another, whole.
    sql: &'static str,
}

const TOGETHER: [Together; 10] = [
    Together {
        fault: Fault::SubmissionMissing,
        what: "it has joined a case, and no submission is of it",
        sql: "SELECT 'mail/' || seq FROM mail WHERE outcome = 'joined'
              AND NOT EXISTS (SELECT 1 FROM submission s WHERE s.mail_seq = mail.seq) ORDER BY seq",
    },
    Together {
        fault: Fault::SubmissionMissing,
        what: "its mail is not there, or has not joined a case",
        sql: "SELECT 'entry/' || s.register || '/' || s.year || '/' || s.number || '/submission/' || s.ordinal
              FROM submission s LEFT JOIN mail m ON m.seq = s.mail_seq
              WHERE m.outcome IS NOT 'joined' ORDER BY s.register, s.year, s.number, s.ordinal",
    },
    Together {
        fault: Fault::SubmissionMissing,
        what: "the submission before it is missing",
        sql: "SELECT 'entry/' || register || '/' || year || '/' || number || '/submission/' || ordinal
              FROM (SELECT register, year, number, ordinal,
                           lag(ordinal, 1, 0) OVER (PARTITION BY register, year, number ORDER BY ordinal) AS before
                    FROM submission)
              WHERE ordinal > before + 1 ORDER BY register, year, number, ordinal",
    },
    Together {
        fault: Fault::SubmissionMissing,
        what: "it is the receipt of a submission that is not there",
        sql: "SELECT 'receipt/' || r.register || '/' || r.year || '/' || r.number || '/' || r.ordinal
              FROM receipt r LEFT JOIN submission s ON s.register = r.register AND s.year = r.year
                   AND s.number = r.number AND s.ordinal = r.ordinal
              WHERE r.ordinal > 0 AND s.ordinal IS NULL ORDER BY r.register, r.year, r.number, r.ordinal",
    },
    Together {
        fault: Fault::CaseMissing,
        what: "it has no case",
        sql: "SELECT 'entry/' || e.register || '/' || e.year || '/' || e.number
              FROM entry e LEFT JOIN case_file c ON c.register = e.register AND c.year = e.year
                   AND c.number = e.number
              WHERE c.register IS NULL ORDER BY e.rowid",
    },
    Together {
        fault: Fault::ReceiptMissing,
        what: "it neither owes nor has a receipt",
        sql: "SELECT 'entry/' || e.register || '/' || e.year || '/' || e.number
              FROM entry e LEFT JOIN receipt r ON r.register = e.register AND r.year = e.year
                   AND r.number = e.number AND r.ordinal = 0
              WHERE r.state IS NULL ORDER BY e.rowid",
    },
    Together {
        fault: Fault::AnswerMissing,
        what: "it is answered, and no letter is owed or written",
        sql: "SELECT 'mail/' || m.seq FROM mail m WHERE m.outcome = 'answered'
              AND NOT EXISTS (SELECT 1 FROM answer a WHERE a.mail_seq = m.seq AND a.kind = m.reason) ORDER BY m.seq",
    },
    Together {
        fault: Fault::AnswerMissing,
        what: "a letter is owed that its outcome does not ask for",
        sql: "SELECT 'mail/' || m.seq FROM answer a JOIN mail m ON m.seq = a.mail_seq
              WHERE a.kind IN ('too-large', 'encrypted') AND a.state = 'owed' AND m.reason IS NOT a.kind
              ORDER BY m.seq",
    },
    Together {
        fault: Fault::AnswerMissing,
        what: "its answer is said to be written, and there is no letter",
        sql: "SELECT 'mail/' || a.mail_seq FROM answer a WHERE a.state = 'done'
              AND NOT EXISTS (SELECT 1 FROM letter l WHERE l.mail_seq = a.mail_seq AND l.kind = a.kind)
              ORDER BY a.mail_seq",
    },
    Together {
        fault: Fault::ReceiptMissing,
        what: "it neither owes nor has a receipt",
        sql: "SELECT 'entry/' || s.register || '/' || s.year || '/' || s.number || '/submission/' || s.ordinal
              FROM submission s LEFT JOIN receipt r ON r.register = s.register AND r.year = s.year
                   AND r.number = s.number AND r.ordinal = s.ordinal
              WHERE r.state IS NULL ORDER BY s.register, s.year, s.number, s.ordinal",
    },
];

/// Every message that was shown against the mails. A name in a source is told as it stands there.
const LEDGER: [Together; 3] = [
    Together {
        fault: Fault::LedgerWrong,
        what: "it was shown and kept, and there is no mail of it",
        sql: "SELECT 'sighting/' || s.source || '/' || s.source_key FROM sighting s
              WHERE s.kept = 1 AND NOT EXISTS
                (SELECT 1 FROM mail m WHERE m.source = s.source AND m.source_key = s.source_key) ORDER BY 1",
    },
    Together {
        fault: Fault::LedgerWrong,
        what: "nobody noted that it was shown",
        sql: "SELECT 'mail/' || m.seq FROM mail m
              WHERE NOT EXISTS (SELECT 1 FROM sighting s WHERE s.source = m.source AND s.source_key = m.source_key)
              ORDER BY m.seq",
    },
    Together {
        fault: Fault::LedgerWrong,
        what: "it is here, and noted as still to come",
        sql: "SELECT 'mail/' || m.seq FROM mail m
              JOIN sighting s ON s.source = m.source AND s.source_key = m.source_key WHERE s.kept = 0 ORDER BY m.seq",
    },
];

fn together(connection: &Connection, check: &Together, each: Each<'_>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(check.sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let place: String = row.get(0)?;
        each(Finding::new(check.fault, place, check.what));
    }
    Ok(())
}

/// `entry/CJ/2026/3` from the first three columns.
fn key(kind: &str, row: &rusqlite::Row<'_>) -> rusqlite::Result<String> {
    let (register, year, number): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(format!("{kind}/{register}/{year}/{number}"))
}
