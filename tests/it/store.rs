//! The registry's memory: the contract that every [`Store`] keeps, and what SQLite adds to it.
//!
//! [`contract`] is written against the port, so that a second store passes the same; [`random`] does the same with
//! made-up sequences of operations. Left out: the archive, and deaths in the middle, which the fault tests bring.

mod answers;
mod cases;
mod contract;
mod evidence;
mod figures;
mod ledger;
mod outgoing;
mod random;
mod versions;

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use recipisa::casework::Opening;
use recipisa::edge::sqlite::SqliteStore;
use recipisa::edge::sqlite::snapshot::SqliteSnapshot;
use recipisa::journal;
use recipisa::mailbox::{Extent, Sighting, SourceId, SourceKey};
use recipisa::outbox::{self, Outgoing};
use recipisa::registry::{Decided, Draft, FileRecord, Likeness, Number, Summary};
use recipisa::screening::{Outcome, Reason, Sender};
use recipisa::store::{
    Arrival, Depth, EntryRecord, Issued, MailRecord, MailVerdict, Snapshot, Store, StoreError,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An ordinary working day.
fn noon() -> Timestamp {
    time("2026-11-20T10:00:00Z")
}

/// The database, checked as `fsck` does it, agrees with itself.
#[track_caller]
fn assert_sound(folder: &Path) {
    let snapshot = SqliteSnapshot::open(&folder.join("recipisa.db")).unwrap();
    let mut findings = Vec::new();
    snapshot
        .audit(Depth::Full, &mut |finding| findings.push(finding))
        .unwrap();
    assert_eq!(findings, []);
}

fn sha256(content: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(content.as_bytes()))
}

fn key(name: &str) -> SourceKey {
    SourceKey(name.to_owned())
}

fn arrival(name: &str, content: &str) -> Arrival {
    Arrival {
        sighting: Sighting {
            source: SourceId("somaj".into()),
            key: key(name),
            received_at: Some(noon()),
            size_bytes: content.len() as u64,
            mdn_sent: false,
        },
        received_at: noon(),
        extent: Extent::Whole,
        sha256: sha256(content),
        size_bytes: content.len() as u64,
    }
}

/// A decision of this reason, for this register, registered at this time.
pub(super) fn verdict(mail_seq: i64, reason: Reason, register: &str, at: Timestamp) -> MailVerdict {
    let draft = Draft {
        office: "cluj".into(),
        register: register.into(),
        applicant: Some("Ioana Păstrăvanu".into()),
        request_type: "nedeterminat".into(),
        received_at: noon(),
        registered_at: at,
        processing_day: jiff::civil::date(2026, 11, 20),
        processing_reason: "în timpul programului".into(),
    };
    let file = FileRecord {
        name: "cerere.pdf".into(),
        container: None,
        declared: "application/pdf".into(),
        detected: "pdf".into(),
        kind_ro: "document PDF".into(),
        size_bytes: 10,
        sha256: sha256("cerere"),
        accepted: true,
        findings: Vec::new(),
    };
    let summary = Summary {
        sender_name: Some("Ioana Păstrăvanu".into()),
        sender_address: Some("ioana@exemplu.test".into()),
        subject: "Cerere".into(),
        date: Some(noon()),
        message_id: Some(format!("{mail_seq}@exemplu.test")),
        references: vec!["a@exemplu.test".into(), "b@exemplu.test".into()],
    };
    let outcome = reason.outcome();
    let decided = Decided {
        outcome,
        reason,
        replies: reason == Reason::Request,
        sender: Sender::Undisputed,
        likeness: Likeness::default(),
        same_as: None,
        links: Vec::new(),
        summary,
        files: vec![file],
        draft: (outcome == Outcome::Registered).then_some(draft),
        joins: None,
        evidence: None,
        owes_read_report: false,
    };
    let opening = decided.draft.as_ref().map(|_| Opening {
        due_on: jiff::civil::date(2026, 12, 18),
        consent_asked: true,
        consent_file: None,
    });
    MailVerdict {
        mail_seq,
        decided,
        opening,
    }
}

/// A receipt with the letter that carries it.
fn issued(number: &Number, at: Timestamp) -> Issued {
    let letter = Outgoing {
        message_id: format!("{}@ajofm-exemplu.test", number.key().replace('/', "-")),
        kind: outbox::Kind::Receipt,
        number: Some(number.clone()),
        ordinal: 0,
        from: "somaj@ajofm-exemplu.test".into(),
        to: "ioana@exemplu.test".into(),
        sha256: sha256(&format!("letter {number}")),
        queued_at: at,
        not_after: None,
    };
    Issued {
        number: number.clone(),
        submission: 0,
        receipt_sha256: sha256(&format!("receipt {number}")),
        at,
        letter: Some(letter),
        letterless: None,
    }
}

fn mails(store: &dyn Store) -> Vec<MailRecord> {
    let mut all = Vec::new();
    store.mails_each(&mut |record| all.push(record)).unwrap();
    all
}

fn entries(store: &dyn Store) -> Vec<EntryRecord> {
    let mut all = Vec::new();
    store.entries_each(&mut |record| all.push(record)).unwrap();
    all
}

/// All journal rows; their chain is whole.
#[track_caller]
fn journal(store: &dyn Store) -> Vec<journal::Row> {
    let mut rows = Vec::new();
    store.journal_each(&mut |row| rows.push(row)).unwrap();
    assert_eq!(journal::first_break(&rows), None);
    rows
}

/// Whether nothing was done, and the reason holds these words.
#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, StoreError>, words: &str) {
    match result {
        Err(StoreError::Refused(why)) => assert!(why.contains(words), "{why}"),
        other => panic!("not refused: {other:?}"),
    }
}

fn open(folder: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(&folder.join("recipisa.db"))
}

fn raw(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join("recipisa.db")).unwrap()
}

#[test]
fn sqlite_keeps_the_contract() {
    let folders = RefCell::new(Vec::new());
    contract::contract(&|| {
        let folder = TempDir::new().unwrap();
        let store = open(folder.path()).unwrap();
        folders.borrow_mut().push(folder);
        Box::new(store)
    });
    for folder in folders.borrow().iter() {
        assert_sound(folder.path());
    }
}

#[test]
fn two_programs_on_one_registry_share_the_series() {
    let folder = TempDir::new().unwrap();
    let stores: Vec<SqliteStore> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| open(folder.path()).unwrap()))
            .collect();
        opening.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let ids: Vec<String> = stores
        .iter()
        .map(|store| store.instance_secret().id("a", "b"))
        .collect();
    assert!(
        ids.iter().all(|id| *id == ids[0]),
        "each made a secret of its own"
    );
    std::thread::scope(|scope| {
        for (index, store) in (0..).zip(&stores) {
            scope.spawn(move || {
                for turn in 0..10 {
                    let name = format!("{index}-{turn}");
                    store.mail_keep(&[arrival(&name, &name)], noon()).unwrap();
                    contract::decide_all(store, 3);
                }
            });
        }
    });
    contract::assert_numbers_are_gapless(&stores[0]);
    assert_eq!(entries(&stores[3]).len(), 40);
    journal(&stores[1]);
}

#[test]
fn entries_and_journal_resist_other_programs() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    store.mail_keep(&[arrival("1", "cerere")], noon()).unwrap();
    store
        .mails_decide(&[verdict(1, Reason::Request, "CJ", noon())], noon())
        .unwrap();
    let before = (entries(&store), journal(&store));
    let database = raw(folder.path());
    for (statement, words) in [
        (
            "UPDATE entry SET applicant = 'altul'",
            "an entry is never changed",
        ),
        (
            "UPDATE entry SET number = number + 1",
            "an entry is never changed",
        ),
        ("DELETE FROM entry", "an entry is never deleted"),
        (
            "UPDATE journal SET actor = 'altul'",
            "the journal is never changed",
        ),
        (
            "DELETE FROM journal WHERE seq = 1",
            "the journal is never deleted",
        ),
        ("INSERT INTO mail SELECT * FROM mail", "UNIQUE"),
        ("UPDATE mail SET outcome = 'pierdut'", "CHECK"),
        ("UPDATE mail SET outcome = NULL", "CHECK"),
        ("UPDATE receipt SET state = 'issued'", "CHECK"),
    ] {
        let error = database.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains(words), "{statement}: {error}");
    }
    assert_eq!((entries(&store), journal(&store)), before);
}

#[test]
fn a_registry_opened_again_is_the_same() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    let id = store.instance_secret().id("letter", "receipt/CJ/2026/1");
    store.mail_keep(&[arrival("1", "cerere")], noon()).unwrap();
    contract::decide_all(&store, 1);
    let before = (mails(&store), entries(&store), journal(&store));
    drop(store);
    let again = open(folder.path()).unwrap();
    assert_eq!(again.instance_secret().id("letter", "receipt/CJ/2026/1"), id);
    assert_eq!((mails(&again), entries(&again), journal(&again)), before);
    let other = TempDir::new().unwrap();
    let secret = open(other.path()).unwrap().instance_secret();
    assert_ne!(secret.id("letter", "receipt/CJ/2026/1"), id);
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()).unwrap());
    let version: i32 = raw(folder.path())
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    raw(folder.path())
        .pragma_update(None, "user_version", version + 1)
        .unwrap();
    assert_refused(open(folder.path()).map(|_| ()), "run the newer program");
    raw(folder.path())
        .pragma_update(None, "user_version", version)
        .unwrap();
    open(folder.path()).unwrap();
}

#[test]
fn a_file_of_another_program_is_refused_and_left_as_it_is() {
    for foreign in [
        "CREATE TABLE carti (titlu TEXT); INSERT INTO carti VALUES ('Luceafărul')",
        "CREATE TABLE carti (titlu TEXT); PRAGMA user_version = 1",
        "CREATE TABLE carti (titlu TEXT); PRAGMA application_id = 7; PRAGMA user_version = 9",
        "PRAGMA application_id = 7",
    ] {
        let folder = TempDir::new().unwrap();
        raw(folder.path()).execute_batch(foreign).unwrap();
        let file = folder.path().join("recipisa.db");
        let before = fs::read(&file).unwrap();
        assert_refused(open(folder.path()).map(|_| ()), "a database of another program");
        assert!(
            fs::read(&file).unwrap() == before,
            "{foreign}: the file was changed"
        );
    }
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join("recipisa.db"),
        "acesta nu este un registru\n".repeat(99),
    )
    .unwrap();
    match open(folder.path()).map(|_| ()) {
        Err(StoreError::Unavailable { hint, .. }) => assert!(hint.contains("backup"), "{hint}"),
        other => panic!("{other:?}"),
    }
}
