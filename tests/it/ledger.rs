//! The ledger through days of simulated time, with a source whose single messages fail: refused, silent, vanished, come
//! back, too large, before the start. Store and archive are the real ones; real servers are in [`crate::world`].

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use recipisa::edge::archive::FolderArchive;
use recipisa::edge::sqlite::SqliteStore;
use recipisa::edge::sqlite::snapshot::SqliteSnapshot;
use recipisa::flow::fetch::{self, Fetched, Measure, RECALL_BYTES_MAX};
use recipisa::flow::{House, StepError};
use recipisa::mailbox::{
    Extent, Kept, Mailbox, MailboxError, RawMail, Sighting, SourceId, SourceKey, Wanted, Yield,
};
use recipisa::screening::{Outcome, Reason};
use recipisa::store::{Depth, Desk, HeldAct, MailRecord, Snapshot, Store};
use tempfile::TempDir;

mod gaps;

/// What the source does when it is asked for a message.
#[derive(Clone)]
enum Habit {
    Gives(Vec<u8>),
    Refuses(&'static str),
    Silent,
    /// The connection breaks, for everything that is asked for together with it.
    Breaks,
}

/// A source that does with each message what the script says.
#[derive(Default)]
struct Script {
    /// What it lists; size as announced.
    shown: BTreeMap<String, (Habit, u64)>,
    asked: Vec<(String, Extent)>,
    acknowledged: Vec<Kept>,
    is_away: bool,
    /// A broken line takes only some with it, as with IMAP.
    is_imap: bool,
}

impl Script {
    fn show(&mut self, name: &str, habit: Habit) {
        let size = match &habit {
            Habit::Gives(bytes) => bytes.len() as u64,
            Habit::Refuses(_) | Habit::Silent | Habit::Breaks => 100,
        };
        self.shown.insert(name.to_owned(), (habit, size));
    }

    fn error(what: &'static str) -> MailboxError {
        MailboxError::Unreachable {
            server: "imap.exemplu.test:993".into(),
            doing: "fetching mail",
            source: what.into(),
        }
    }

    /// The names acknowledged since the last question.
    fn put_away(&mut self) -> Vec<String> {
        let kept = std::mem::take(&mut self.acknowledged);
        kept.into_iter()
            .map(|kept| kept.sighting().key.0.clone())
            .collect()
    }

    fn asked_for(&mut self) -> Vec<(String, Extent)> {
        std::mem::take(&mut self.asked)
    }
}

impl Mailbox for Script {
    fn list(&mut self) -> Result<Vec<Sighting>, MailboxError> {
        if self.is_away {
            return Err(Self::error("nobody answers").while_connecting());
        }
        let sighting = |(name, (_, size)): (&String, &(Habit, u64))| Sighting {
            source: SourceId("somaj".into()),
            key: SourceKey(name.clone()),
            // The name says the day: `19-…` came on the nineteenth.
            received_at: name
                .get(..2)
                .and_then(|day| format!("2026-11-{day}T08:00:00Z").parse().ok()),
            size_bytes: *size,
            mdn_sent: name.contains("raportat"),
        };
        Ok(self.shown.iter().map(sighting).collect())
    }

    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Yield, MailboxError> {
        let mut given = Yield::default();
        for one in wanted {
            let name = &one.sighting.key.0;
            self.asked.push((name.clone(), one.extent));
            match self.shown.get(name).map(|(habit, _)| habit) {
                Some(Habit::Gives(bytes)) => given.mails.push(RawMail {
                    sighting: one.sighting.clone(),
                    extent: one.extent,
                    bytes: match one.extent {
                        Extent::Whole => bytes.clone(),
                        Extent::HeaderOnly | Extent::Nothing => bytes[..bytes.len().min(40)].to_vec(),
                    },
                }),
                Some(Habit::Refuses(words)) => {
                    given
                        .refused
                        .push((one.sighting.key.clone(), (*words).to_owned()));
                }
                Some(Habit::Silent) | None => {}
                Some(Habit::Breaks) if self.is_imap => return Ok(gaps::one_by_one(self, wanted, given)),
                Some(Habit::Breaks) => return Err(Self::error("connection reset")),
            }
        }
        Ok(given)
    }

    fn acknowledge(&mut self, kept: &[Kept]) -> Result<(), MailboxError> {
        for one in kept {
            self.shown.remove(&one.sighting().key.0);
        }
        self.acknowledged.extend_from_slice(kept);
        Ok(())
    }
}

/// A registry, a source, and a clock that is moved by hand.
struct Stage {
    dir: TempDir,
    store: SqliteStore,
    archive: FolderArchive,
    script: RefCell<Script>,
    now: Cell<Timestamp>,
    measure: Measure,
}

impl Stage {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self {
            store: SqliteStore::open(&dir.path().join("recipisa.db")).unwrap(),
            archive: FolderArchive::open(&dir.path().join("archive")).unwrap(),
            script: RefCell::default(),
            now: Cell::new("2026-11-20T10:00:00Z".parse().unwrap()),
            measure: Measure {
                batch_bytes_max: 1_000_000,
                batch_mails_max: 50,
                mail_bytes_max: 10_000,
                start: None,
            },
            dir,
        }
    }

    fn show(&self, name: &str, habit: Habit) {
        self.script.borrow_mut().show(name, habit);
    }

    fn try_pass(&self) -> Result<Fetched, StepError> {
        let clock = Mutex::new(self.now.get());
        let house = House {
            store: &self.store,
            archive: &self.archive,
            now: &|| *clock.lock().unwrap(),
            ending: &|| false,
        };
        let source = SourceId("somaj".into());
        fetch::pass(
            house,
            &source,
            &mut *self.script.borrow_mut(),
            self.measure,
            &mut || {},
        )
    }

    fn pass(&self) -> Fetched {
        self.try_pass().unwrap()
    }

    /// A look each minute, as a daemon takes it.
    fn minutes(&self, minutes: i64) -> Vec<Fetched> {
        (0..minutes)
            .map(|_| {
                self.now.set(self.now.get() + SignedDuration::from_mins(1));
                self.pass()
            })
            .collect()
    }

    fn mails(&self) -> Vec<MailRecord> {
        let mut all = Vec::new();
        self.store.mails_each(&mut |mail| all.push(mail)).unwrap();
        all
    }

    fn decided(&self, seq: i64) -> (Outcome, Reason, String) {
        let decision = self.store.mail(seq).unwrap().unwrap().decision.unwrap();
        (decision.outcome, decision.reason, decision.detail)
    }

    fn act(&self, mail_seq: i64, desk: Desk) {
        let act = HeldAct {
            mail_seq,
            desk,
            actor: "Ana".into(),
            at: self.now.get(),
        };
        self.store.mail_held_act(&act).unwrap();
    }

    /// Whatever happened: both sides of the equation agree, and so do tables, journal and archive.
    #[track_caller]
    fn assert_in_order(&self) {
        let ledger = self.store.ledger_between(Timestamp::MIN, Timestamp::MAX).unwrap();
        assert_eq!((ledger.misfits_total, ledger.misfits), (0, Vec::new()));
        for account in ledger.sources.values() {
            assert_eq!(
                account.shown,
                account.awaited + account.mails.values().sum::<u64>()
            );
        }
        let snapshot = SqliteSnapshot::open(&self.dir.path().join("recipisa.db")).unwrap();
        let mut findings = Vec::new();
        snapshot
            .audit(Depth::Full, &mut |finding| findings.push(finding))
            .unwrap();
        assert_eq!(findings, []);
        for mail in self.mails() {
            let name = &mail.sha256;
            let path = self
                .dir
                .path()
                .join("archive")
                .join(&name[..2])
                .join(&name[2..4])
                .join(name);
            assert!(path.is_file(), "mail {} names no file", mail.seq);
        }
    }
}

fn request(name: &str) -> Habit {
    Habit::Gives(
        format!("From: {name}@exemplu.test\r\nSubject: cerere\r\n\r\nVă rog, {name}.\r\n").into_bytes(),
    )
}

#[test]
fn a_refused_message_is_retried_held_and_taken_when_it_comes() {
    let stage = Stage::new();
    for name in ["20-ana", "20-dan"] {
        stage.show(name, request(name));
    }
    stage.show("20-ion", Habit::Refuses("NO [SERVERBUG] Internal error"));
    let first = stage.pass();
    assert_eq!((first.shown, first.kept), (3, 2), "the others do not wait");
    assert!(
        matches!(first.trouble, Some(StepError::NoBytes { messages: 1, ref first }) if first == "20-ion")
    );
    assert_eq!(stage.store.waiting().unwrap().awaited.count, 1);
    stage.script.borrow_mut().asked_for();

    // At once, then after 1, 5, 15 and 15 minutes.
    let passes = stage.minutes(40);
    let held = passes.iter().position(|pass| !pass.bodiless.is_empty()).unwrap();
    assert!((30..=40).contains(&held), "held after {held} minutes");
    assert_eq!(stage.script.borrow_mut().asked_for().len(), 5);
    assert_eq!(
        stage.decided(3),
        (
            Outcome::Held,
            Reason::Unfetchable,
            "NO [SERVERBUG] Internal error".into()
        )
    );
    assert_eq!(stage.store.waiting().unwrap().awaited.count, 0);
    stage.assert_in_order();

    // For two days it is asked for each hour, without a new alarm, and stays on the server.
    let passes = stage.minutes(2 * 24 * 60);
    assert!(
        passes
            .iter()
            .all(|pass| pass.trouble.is_none() && pass.bodiless.is_empty())
    );
    let asked = stage.script.borrow_mut().asked_for().len();
    assert!((46..=49).contains(&asked), "{asked} times in 48 hours");
    assert!(stage.script.borrow().shown.contains_key("20-ion"));
    assert_eq!(stage.mails().len(), 3);

    stage.show("20-ion", request("ion"));
    stage.minutes(61);
    let waiting = stage.store.mails_undecided(9).unwrap();
    assert_eq!(waiting.len(), 3, "it is decided like any other");
    assert_eq!(stage.mails()[2].extent, Extent::Whole);
    assert!(stage.script.borrow().shown.is_empty(), "and put away");
    stage.assert_in_order();
}

#[test]
fn a_clerk_need_not_wait_for_the_next_hour() {
    let stage = Stage::new();
    stage.show("20-ion", Habit::Silent);
    stage.minutes(40);
    assert_eq!(stage.decided(1).2, "the server gives no bytes for it");
    stage.show("20-ion", request("ion"));
    stage.act(1, Desk::Retry);
    assert_eq!(stage.pass().kept, 1);
    assert_eq!(stage.store.mails_undecided(9).unwrap().len(), 1);
    stage.assert_in_order();
}

#[test]
fn what_vanishes_before_its_bytes_came_is_said_and_may_come_back() {
    let stage = Stage::new();
    stage.show("20-ana", Habit::Silent);
    stage.show("20-ion", Habit::Silent);
    stage.pass();
    stage.script.borrow_mut().shown.remove("20-ana");
    assert!(
        stage.pass().bodiless.is_empty(),
        "missed once, it may be the server's slip"
    );
    stage.script.borrow_mut().is_away = true;
    stage.try_pass().unwrap_err();
    stage.script.borrow_mut().is_away = false;
    assert_eq!(
        stage.pass().bodiless,
        [1],
        "a server that is away shows nothing and misses nothing"
    );
    assert_eq!(stage.decided(1).1, Reason::Vanished);
    assert!(stage.pass().bodiless.is_empty());
    stage.assert_in_order();
    stage.show("20-ana", request("ana"));
    assert_eq!(stage.pass().kept, 1);
    assert_eq!(stage.store.mails_undecided(9).unwrap().len(), 1);
    stage.assert_in_order();
}

#[test]
fn a_message_that_breaks_the_connection_holds_up_no_other() {
    let stage = Stage::new();
    stage.show("20-a", request("a"));
    stage.show("20-b", Habit::Breaks);
    stage.show("20-c", request("c"));
    let first = stage.pass();
    assert_eq!(first.kept, 2);
    assert!(matches!(
        first.trouble,
        Some(StepError::Mailbox(MailboxError::Unreachable { .. }))
    ));
    stage.minutes(40);
    let (outcome, reason, detail) = stage.decided(3);
    assert_eq!((outcome, reason), (Outcome::Held, Reason::Unfetchable));
    assert!(detail.contains("connection reset"), "{detail}");
    stage.assert_in_order();
}

#[test]
fn an_empty_mail_is_no_repeat_of_one_that_never_came() {
    let stage = Stage::new();
    stage.show("20-a", Habit::Silent);
    stage.show("20-b", Habit::Silent);
    stage.minutes(40);
    stage.show("20-c", Habit::Gives(Vec::new()));
    stage.pass();
    let reasons: Vec<_> = (1..=2).map(|seq| stage.decided(seq).1).collect();
    assert_eq!(reasons, [Reason::Unfetchable, Reason::Unfetchable]);
    assert_eq!(stage.store.mails_undecided(9).unwrap().len(), 1);
    stage.assert_in_order();
}

#[test]
fn old_and_large_messages_are_noted_by_their_header_and_stay() {
    let mut stage = Stage::new();
    stage.measure.start = Some("2026-11-20T00:00:00Z".parse().unwrap());
    stage.show("19-vechi", request("vechi"));
    stage.show("20-nou", request("nou"));
    let large = format!(
        "From: ana@exemplu.test\r\nSubject: mare\r\n\r\n{}",
        "x".repeat(20_000)
    );
    stage.show("20-mare", Habit::Gives(large.into_bytes()));
    stage.pass();
    let asked = stage.script.borrow_mut().asked_for();
    let asked: BTreeSet<_> = asked
        .iter()
        .map(|(name, extent)| (name.as_str(), *extent == Extent::Whole))
        .collect();
    assert_eq!(
        asked,
        BTreeSet::from([("19-vechi", false), ("20-mare", false), ("20-nou", true)])
    );
    assert_eq!(stage.script.borrow_mut().put_away(), ["20-nou"]);
    stage.minutes(5);
    assert!(stage.script.borrow_mut().asked_for().is_empty(), "once is enough");

    // A clerk wants both.
    let mails = stage.mails();
    for mail in mails.iter().filter(|mail| mail.extent == Extent::HeaderOnly) {
        let held = super::store::verdict(mail.seq, Reason::NoSender, "CJ", stage.now.get());
        stage.store.mails_decide(&[held], stage.now.get()).unwrap();
        stage.act(mail.seq, Desk::Release);
    }
    assert_eq!(stage.pass().kept, 2);
    assert!(
        stage
            .script
            .borrow_mut()
            .asked_for()
            .iter()
            .all(|(_, extent)| *extent == Extent::Whole)
    );
    assert!(stage.script.borrow().shown.is_empty(), "now they are here whole");
    assert!(stage.mails().iter().all(|mail| mail.extent == Extent::Whole));
    stage.assert_in_order();
}

#[test]
fn nothing_is_fetched_beyond_the_last_bound() {
    let stage = Stage::new();
    stage.show("20-uriaș", request("ana"));
    stage.script.borrow_mut().shown.get_mut("20-uriaș").unwrap().1 = RECALL_BYTES_MAX + 1;
    stage.pass();
    let held = super::store::verdict(1, Reason::Oversized, "CJ", stage.now.get());
    stage.store.mails_decide(&[held], stage.now.get()).unwrap();
    stage.act(1, Desk::Release);
    stage.script.borrow_mut().asked_for();
    assert_eq!(stage.pass().bodiless, [1]);
    assert!(stage.script.borrow_mut().asked_for().is_empty());
    let (_, reason, detail) = stage.decided(1);
    assert_eq!(reason, Reason::Unfetchable);
    assert!(detail.contains("161 MB") && detail.contains("160 MB"), "{detail}");
    stage.assert_in_order();
}

#[test]
fn the_source_is_told_where_a_read_report_was_asked_for() {
    let stage = Stage::new();
    stage.show("20-fara", request("ana"));
    let asks = "From: a@exemplu.test\r\nDisposition-Notification-To: <a@exemplu.test>\r\n\r\nbună ziua\r\n";
    stage.show("20-cu", Habit::Gives(asks.as_bytes().to_vec()));
    let again = asks.replace("bună", "Bună");
    stage.show("20-raportat", Habit::Gives(again.into_bytes()));
    stage.pass();
    let script = stage.script.borrow();
    let marked: Vec<_> = script
        .acknowledged
        .iter()
        .map(|kept| (kept.sighting().key.0.as_str(), kept.settles_read_report()))
        .collect();
    // Where another program has set the mark, the wish is settled.
    assert_eq!(
        marked,
        [("20-cu", true), ("20-fara", false), ("20-raportat", false)]
    );
    let database = rusqlite::Connection::open(stage.dir.path().join("recipisa.db")).unwrap();
    let reported: Vec<String> = database
        .prepare("SELECT source_key FROM mail WHERE read_reported = 1")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(reported, ["20-raportat"]);
}

#[test]
fn a_lost_mail_is_an_alarm_at_once() {
    let stage = Stage::new();
    stage.show("20-ana", request("ana"));
    stage.pass();
    let database = rusqlite::Connection::open(stage.dir.path().join("recipisa.db")).unwrap();
    database
        .execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM mail")
        .unwrap();
    // Somebody put it back, or it could not be moved.
    stage.show("20-ana", request("ana"));
    for _ in 0..2 {
        let pass = stage.pass();
        let Some(StepError::Unaccounted { messages: 1, first }) = pass.trouble else {
            panic!("{:?}", pass.trouble);
        };
        assert_eq!(first, "20-ana");
        assert_eq!(pass.kept, 0, "it may have its number already; a person must look");
    }
    let ledger = stage
        .store
        .ledger_between(Timestamp::MIN, Timestamp::MAX)
        .unwrap();
    assert_eq!(ledger.misfits[0].key.0, "20-ana");
}
