//! Databases of earlier versions, brought forward with everything in them.

use jiff::civil::date;
use recipisa::casework::{Consent, State};
use recipisa::mailbox::{Extent, SourceKey};
use recipisa::outbox::Letterless;
use recipisa::outbox::pace::Pace;
use recipisa::screening::{Outcome, Reason};
use recipisa::store::{LetterState, Store};

use super::*;

const FIRST: &str = include_str!("../../../src/edge/sqlite/001_first.sql");
const SECOND: &str = include_str!("../../../src/edge/sqlite/002_cases.sql");

/// A database as an older program left it.
fn left_by(path: &Path, version: u32, steps: &[&str]) {
    let old = rusqlite::Connection::open(path).unwrap();
    old.pragma_update(None, "foreign_keys", false).unwrap();
    for step in steps {
        old.execute_batch(step).unwrap();
    }
    old.execute_batch(&format!(
        "PRAGMA application_id = 0x72637073; PRAGMA user_version = {version};"
    ))
    .unwrap();
}

/// No row refers to one that is not there.
fn refers_to_what_is_there(path: &Path) -> bool {
    let again = rusqlite::Connection::open(path).unwrap();
    let mut check = again.prepare("PRAGMA foreign_key_check").unwrap();
    !check.exists([]).unwrap()
}

/// The tables as the first version made them, with one request whose letter had gone out and one without letter.
const FIRST_VERSION_ROWS: &str = "
INSERT INTO instance VALUES ('secret', '0101010101010101010101010101010101010101010101010101010101010101');
INSERT INTO mail (seq, source, source_key, sha256, size_bytes, extent, received_at, kept_at, outcome, reason, replies,
                  decided_at, sender, subject)
VALUES (1, 'somaj', 'a', printf('%064d', 1), 10, 'whole', 1795168800000000, 1795168800000000, 'registered', 'request',
        1, 1795168800000000, 'ioana@exemplu.test', 'Cerere'),
       (2, 'somaj', 'b', printf('%064d', 2), 10, 'whole', 1795168800000000, 1795168800000000, 'registered', 'request',
        0, 1795168800000000, 'vasile@exemplu.test', 'Cerere');
INSERT INTO document VALUES (1, 1, 'cerere.pdf', NULL, 'application/pdf', 'pdf', 'document PDF', 10,
                             printf('%064d', 3), 1, '[]');
INSERT INTO series VALUES ('CJ', 2026, 2);
INSERT INTO entry VALUES
  ('CJ', 2026, 1, '2026-11-20', 1, 'cluj', 'Ioana', 'nedeterminat', 1795168800000000, 1795168800000000, '2026-11-20', 'x'),
  ('CJ', 2026, 2, '2026-11-20', 2, 'cluj', NULL, 'nedeterminat', 1795168800000000, 1795168800000000, '2026-11-20', 'x');
INSERT INTO receipt (register, year, number, state, sha256, issued_at) VALUES
  ('CJ', 2026, 1, 'issued', printf('%064d', 4), 1795168800000000),
  ('CJ', 2026, 2, 'issued', printf('%064d', 5), 1795168800000000);
INSERT INTO letter (message_id, kind, register, year, number, mail_from, rcpt_to, sha256, state, queued_at, next_at)
VALUES ('a@ajofm-exemplu.test', 'receipt', 'CJ', 2026, 1, 'somaj@ajofm-exemplu.test', 'ioana@exemplu.test',
        printf('%064d', 6), 'sent', 1795168800000000, 1795168800000000);
INSERT INTO attempt VALUES ('a@ajofm-exemplu.test', 1, 1795168800000000, 'sent', '250 ok');
";

#[test]
fn a_database_of_the_first_version_comes_forward_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("recipisa.db");
    left_by(&path, 1, &[FIRST, FIRST_VERSION_ROWS]);
    let store = SqliteStore::open(&path).unwrap();
    let all = entries(&store);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].letters[0].state, LetterState::Sent);
    let case = store.case(&all[0].entry.number).unwrap().unwrap().case;
    assert_eq!(case.due_on, date(2026, 12, 20));
    assert_eq!((case.state(), case.consent), (State::Open, Consent::NotAsked));
    let troubled = store.receipts_troubled().unwrap();
    assert_eq!(troubled.len(), 1);
    assert_eq!(troubled[0].entry.number.number, 2);
    assert_eq!(all[1].letterless, Some(Letterless::Silence));
    // The work goes on behind it.
    store.mail_keep(&[arrival("3", "alta cerere")], noon()).unwrap();
    let made = store
        .mails_decide(&[verdict(3, Reason::Request, "CJ", noon())], noon())
        .unwrap();
    assert_eq!(made[0].number.number, 3);
    drop(store);
    assert!(refers_to_what_is_there(&path));
}

/// What the second version added: a mail too large to be taken, a completion, and a digest's letter.
const SECOND_VERSION_ROWS: &str = "
INSERT INTO mail (seq, source, source_key, sha256, size_bytes, extent, received_at, kept_at, outcome, reason, replies,
                  decided_at, sender, subject)
VALUES (3, 'somaj', 'c', printf('%064d', 7), 10, 'header-only', 1795168800000000, 1795168800000000, 'held', 'oversized',
        0, 1795168800000000, 'vasile@exemplu.test', 'Scanate'),
       (4, 'somaj', 'd', printf('%064d', 8), 10, 'whole', 1795168800000000, 1795168800000000, 'joined', 'reply',
        1, 1795168800000000, 'ioana@exemplu.test', 'Completare');
INSERT INTO submission VALUES
  ('CJ', 2026, 1, 1, 4, 'Ioana', 1795168800000000, 1795168800000000, '2026-11-20', 'x');
INSERT INTO receipt (register, year, number, ordinal, state) VALUES ('CJ', 2026, 1, 1, 'owed');
INSERT INTO letter (message_id, kind, mail_from, rcpt_to, sha256, state, queued_at, next_at)
VALUES ('z@ajofm-exemplu.test', 'digest', 'somaj@ajofm-exemplu.test', 'registratura@exemplu.test', printf('%064d', 9),
        'queued', 1795168800000000, 1795168800000000);
";

#[test]
fn a_database_of_the_second_version_comes_forward_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("recipisa.db");
    left_by(
        &path,
        2,
        &[FIRST, FIRST_VERSION_ROWS, SECOND, SECOND_VERSION_ROWS],
    );
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(entries(&store).len(), 2);
    let case = store.case(&entries(&store)[0].entry.number).unwrap().unwrap();
    assert_eq!(case.submissions.len(), 1);
    let held = store.mails_held().unwrap();
    let decision = held[0].decision.as_ref().unwrap();
    assert_eq!((held.len(), held[0].seq), (1, 3));
    assert_eq!(
        (decision.outcome, decision.reason),
        (Outcome::Held, Reason::Oversized)
    );
    // What was shown to the older program is known: nothing is taken twice.
    let source = SourceId("somaj".to_owned());
    let keys: Vec<_> = ["a", "b", "c", "d"].map(|key| SourceKey(key.to_owned())).into();
    let known = store.mails_known(&source, &keys).unwrap();
    assert_eq!(known.len(), 4);
    assert!(known.contains(&(SourceKey("c".to_owned()), Extent::HeaderOnly)));
    let listing = store.sightings_note(&source, &keys, noon()).unwrap();
    assert_eq!((listing.new, listing.gone.len()), (0, 0));
    let ledger = store
        .ledger_between(jiff::Timestamp::MIN, jiff::Timestamp::MAX)
        .unwrap();
    assert_eq!((ledger.sources[&source].shown, ledger.misfits_total), (4, 0));
    // What was owed is still owed, the digest's letter still goes out.
    assert_eq!(store.receipts_owed(noon(), 10).unwrap().len(), 1);
    let due = store
        .letters_claim_due(noon(), noon(), 10, &Pace::default())
        .unwrap();
    assert_eq!(due.len(), 1);
    drop(store);
    assert!(refers_to_what_is_there(&path));
}
