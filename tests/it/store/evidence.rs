//! What every store promises about the way of letters: reports filed with them, their life in order, their pace.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};
use recipisa::casework::Act;
use recipisa::outbox::pace::Pace;
use recipisa::outbox::{self, Letterless, Outgoing};
use recipisa::registry::{Delivery, Evidence, Number, Said, Sign};
use recipisa::screening::Reason;
use recipisa::store::{Attempt, CaseAct, LetterState, Store};
use tempfile::TempDir;

use super::contract::{decide_all, keep};
use super::{arrival, assert_refused, assert_sound, entries, issued, journal, noon, open, raw, verdict};

fn after(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

/// So many entries with their letters, all sent a minute after noon.
fn sent(store: &dyn Store, count: usize) -> Vec<Outgoing> {
    let letters = queued(store, count);
    store
        .letters_claim_due(after(1), after(100), count, &Pace::default())
        .unwrap();
    for letter in &letters {
        let answer = Attempt::Sent {
            answer: "250 2.0.0 ok".into(),
        };
        store
            .letter_attempt_finish(&letter.message_id, &answer, after(60))
            .unwrap();
    }
    letters
}

fn queued(store: &dyn Store, count: usize) -> Vec<Outgoing> {
    keep(store, count);
    let receipts: Vec<_> = decide_all(store, 10)
        .iter()
        .map(|number| issued(number, noon()))
        .collect();
    store.receipts_issue(&receipts).unwrap();
    receipts.into_iter().filter_map(|one| one.letter).collect()
}

fn said(sign: Sign, recipient: Option<&str>) -> Said {
    Said {
        sign,
        recipient: recipient.map(str::to_owned),
        status: Some("5.1.1".into()),
        detail: "550 necunoscut".into(),
    }
}

/// Files one more mail as a report about a letter, so many seconds after noon; returns the mail's place.
fn file(store: &dyn Store, letter: &str, said: Vec<Said>, seconds: i64) -> i64 {
    let name = format!("raport {seconds}");
    store.mail_keep(&[arrival(&name, &name)], after(seconds)).unwrap();
    let seq = store.mails_undecided(1).unwrap()[0].seq;
    let mut verdict = verdict(seq, Reason::Bounce, "CJ", after(seconds));
    verdict.decided.evidence = Some(Evidence {
        message_id: letter.to_owned(),
        said,
    });
    store.mails_decide(&[verdict], after(seconds)).unwrap();
    seq
}

fn delivery(store: &dyn Store, number: &Number) -> Option<Delivery> {
    let record = store.entry(number).unwrap().unwrap();
    record.letters[0]
        .reported
        .as_ref()
        .map(|reported| reported.delivery)
}

/// Evidence is tied to its letter, a weaker word never hides a stronger one, and a returned letter is a task until it is
/// sent again.
pub(super) fn reports_are_filed_with_their_letter(store: &dyn Store) {
    let letters = sent(store, 2);
    let (letter, number) = (&letters[0], letters[0].number.as_ref().unwrap());
    let id = letter.message_id.as_str();
    assert_eq!(
        store
            .letter_known(&["nimeni@exemplu.test".into(), id.into()])
            .unwrap(),
        Some(id.to_owned())
    );
    assert_eq!(store.letter_known(&["nimeni@exemplu.test".into()]).unwrap(), None);
    let is = |sign| said(Sign::Delivery(sign), Some(&letter.to.to_uppercase()));
    let mut seqs = Vec::new();
    for (second, said, wanted) in [
        (70, is(Delivery::Relayed), Some(Delivery::Relayed)),
        (80, is(Delivery::Delayed), Some(Delivery::Relayed)),
        (90, said(Sign::AutoReplied, None), Some(Delivery::Relayed)),
        (
            95,
            said(Sign::Delivery(Delivery::Read), Some("altcineva@exemplu.test")),
            Some(Delivery::Relayed),
        ),
        (100, is(Delivery::Delivered), Some(Delivery::Delivered)),
        (110, is(Delivery::Bounced), Some(Delivery::Bounced)),
        (120, is(Delivery::Delivered), Some(Delivery::Bounced)),
    ] {
        seqs.push(file(store, id, vec![said], second));
        assert_eq!(delivery(store, number), wanted, "{second}");
    }
    // A letter that nobody knows: the mail is filed all the same.
    let unknown = file(store, "nimeni@exemplu.test", vec![is(Delivery::Bounced)], 130);
    assert!(store.mail(unknown).unwrap().unwrap().decision.is_some());
    let troubled = store.letters_troubled().unwrap();
    assert_eq!(troubled.len(), 1);
    assert_eq!(troubled[0].record.letter, *letter);
    assert_eq!(troubled[0].record.state, LetterState::Sent);
    assert_eq!(
        troubled[0].record.reported.as_ref().unwrap().words,
        "5.1.1 550 necunoscut"
    );
    assert_eq!(troubled[0].record.reported.as_ref().unwrap().of_another, None);
    assert_eq!(
        store.mail_letters(seqs[0]).unwrap().spoken_of,
        std::slice::from_ref(letter)
    );
    assert_eq!(store.mail_letters(unknown).unwrap().spoken_of, []);
    assert_eq!(store.backlog().unwrap().letters_bounced, 1);
    assert_eq!(store.waiting().unwrap().letters_bounced, 1);
    the_life_is_in_order(store, number, &seqs);
    let again = store.letter_requeue(number, "Ana", after(200)).unwrap();
    assert_eq!(again.message_id, id);
    assert_eq!(delivery(store, number), None, "its way begins anew");
    assert_eq!(store.letters_troubled().unwrap(), []);
    assert_refused(store.letter_requeue(number, "Ana", after(201)), "queued already");
    assert_eq!(delivery(store, letters[1].number.as_ref().unwrap()), None);
    of_another_until_it_is_of_its_own_and_closed(store, &letters[1]);
}

/// A report about another recipient says so; one about its own is graver, and a closed case is nobody's task.
fn of_another_until_it_is_of_its_own_and_closed(store: &dyn Store, letter: &Outgoing) {
    let number = letter.number.as_ref().unwrap();
    let bounced = |recipient| said(Sign::Delivery(Delivery::Bounced), Some(recipient));
    let id = &letter.message_id;
    file(store, id, vec![bounced("altcineva@exemplu.test")], 210);
    let of_another = || {
        store
            .letters_troubled()
            .unwrap()
            .remove(0)
            .record
            .reported
            .unwrap()
            .of_another
    };
    assert_eq!(of_another().as_deref(), Some("altcineva@exemplu.test"));
    file(
        store,
        id,
        vec![bounced(&letter.to), bounced("altcineva@exemplu.test")],
        220,
    );
    assert_eq!(of_another(), None, "its own address is the graver news");
    close(store, number);
    assert_eq!(store.letters_troubled().unwrap(), []);
    assert_eq!(store.backlog().unwrap().letters_bounced, 0);
    assert_eq!(store.waiting().unwrap().letters_bounced, 0);
}

/// A clerk closes the case.
fn close(store: &dyn Store, number: &Number) {
    let case = store.case(number).unwrap().unwrap().case;
    store
        .case_act(&CaseAct {
            number: number.clone(),
            version: case.version,
            act: Act::SetAside {
                reason: "rezolvată".into(),
            },
            actor: "Ana".into(),
            at: after(230),
            planned: Vec::new(),
            voids: &[],
            minutes: 0,
        })
        .unwrap();
}

fn the_life_is_in_order(store: &dyn Store, number: &Number, reports: &[i64]) {
    let stories = store.letter_stories(number).unwrap();
    assert_eq!(stories.len(), 1);
    let steps: Vec<_> = stories[0]
        .steps
        .iter()
        .map(|step| (step.at, step.kind.as_str(), step.mail_seq))
        .collect();
    let report = |index: usize, second, what| (after(second), what, Some(reports[index]));
    assert_eq!(
        steps,
        [
            (noon(), "owed", None),
            (noon(), "queued", None),
            (after(60), "sent", None),
            report(0, 70, "relayed"),
            report(1, 80, "delayed"),
            report(2, 90, "auto-replied"),
            report(3, 95, "read"),
            report(4, 100, "delivered"),
            report(5, 110, "bounced"),
            report(6, 120, "delivered"),
        ]
    );
    let words = |index: usize| stories[0].steps[index].words.as_str();
    assert_eq!(words(2), "250 2.0.0 ok");
    assert!(
        words(6).contains("of another recipient: altcineva@"),
        "{}",
        words(6)
    );
    assert!(!words(7).contains("of another"), "{}", words(7));
}

/// What is over the pace becomes due later, and one domain's queue is not another's.
pub(super) fn letters_keep_their_pace(store: &dyn Store) {
    let letters = queued(store, 5);
    let pace = Pace {
        a_minute: None,
        to_one_domain: NonZeroU32::new(2),
    };
    let claim = |second| {
        let due = store
            .letters_claim_due(after(second), after(second + 5), 10, &pace)
            .unwrap();
        due.into_iter()
            .map(|due| due.letter.message_id)
            .collect::<Vec<_>>()
    };
    let first = claim(0);
    assert_eq!(first.len(), 2);
    assert_eq!(claim(1), Vec::<String>::new(), "what is on its way counts");
    let retry = Attempt::Retry {
        at: after(20),
        why: "4.3.0".into(),
    };
    for id in &first {
        store.letter_attempt_finish(id, &retry, after(10)).unwrap();
    }
    assert_eq!(claim(59), Vec::<String>::new());
    assert_eq!(
        claim(61),
        Vec::<String>::new(),
        "so do failed attempts of the last minute"
    );
    let second = claim(70);
    assert_eq!(second.len(), 2);
    assert!(
        second.iter().all(|id| !first.contains(id)),
        "those never tried go first"
    );
    assert_eq!(letters.len(), 5);
    store.letters_release(&second).unwrap();
    store.letters_hold_back("exemplu.test", after(500)).unwrap();
    store.letters_hold_back("plu.test", after(900)).unwrap();
    assert_eq!(claim(499), Vec::<String>::new());
    let free = store
        .letters_claim_due(after(500), after(600), 10, &Pace::default())
        .unwrap();
    assert_eq!(free.len(), 5, "a slow domain is tried again together");
}

/// What somebody changes about reports behind the journal's back is found.
#[test]
fn the_journal_tells_of_every_report() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    let letter = sent(&store, 1).remove(0);
    let bounced = said(Sign::Delivery(Delivery::Bounced), None);
    let seq = file(&store, &letter.message_id, vec![bounced], 70);
    assert_sound(folder.path());
    let told = journal(&store).pop().unwrap();
    assert_eq!(told.kind, "letter.reported");
    assert!(told.body.contains(&format!("\"mail\":{seq}")), "{}", told.body);
    for change in [
        "UPDATE letter SET delivery = 'delivered'",
        "UPDATE letter SET delivery = NULL",
        "UPDATE letter_event SET state = 'delivered'",
        "UPDATE letter_event SET at = at + 1",
        "DELETE FROM letter_event",
    ] {
        let database = raw(folder.path());
        database.execute_batch("BEGIN").unwrap();
        assert!(database.execute(change, []).unwrap() > 0, "{change}");
        database.execute_batch("COMMIT").unwrap();
        assert!(!is_sound(folder.path()), "{change} is not found");
        restore(&database, seq);
        assert_sound(folder.path());
    }
}

fn is_sound(folder: &std::path::Path) -> bool {
    use recipisa::edge::sqlite::snapshot::SqliteSnapshot;
    use recipisa::store::{Depth, Snapshot};
    let snapshot = SqliteSnapshot::open(&folder.join("recipisa.db")).unwrap();
    let mut findings = 0;
    snapshot.audit(Depth::Quick, &mut |_| findings += 1).unwrap();
    findings == 0
}

/// As it was written.
fn restore(database: &rusqlite::Connection, seq: i64) {
    let at = after(70).as_microsecond();
    database
        .execute_batch(&format!(
            "DELETE FROM letter_event;
             UPDATE letter SET delivery = 'bounced';
             INSERT INTO letter_event (message_id, ordinal, at, state, mail_seq, status, detail)
               SELECT message_id, 1, {at}, 'bounced', {seq}, '5.1.1', '550 necunoscut' FROM letter;"
        ))
        .unwrap();
}

/// A read report is owed with the decision, once, and not where `$MDNSent` stood on the message.
#[test]
fn read_reports_are_owed_once() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    keep(&store, 3);
    raw(folder.path())
        .execute("UPDATE mail SET read_reported = 1 WHERE seq = 2", [])
        .unwrap();
    let verdicts: Vec<_> = (1..=3)
        .map(|seq| {
            let mut verdict = verdict(seq, Reason::Request, "CJ", noon());
            verdict.decided.owes_read_report = seq < 3;
            verdict
        })
        .collect();
    store.mails_decide(&verdicts, noon()).unwrap();
    store.mails_decide(&verdicts, noon()).unwrap();
    let owed: Vec<i64> = raw(folder.path())
        .prepare("SELECT mail_seq FROM answer WHERE kind = 'read-report' AND state = 'owed'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!((owed, entries(&store).len()), (vec![1], 3));
}

/// The report goes with the letter that carries the receipt, is no letter in the budget, and is void without one.
#[test]
fn a_read_report_goes_only_with_a_letter_and_does_not_count() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    keep(&store, 2);
    let verdicts = [1, 2].map(|seq| {
        let mut verdict = verdict(seq, Reason::Request, "CJ", noon());
        verdict.decided.owes_read_report = true;
        verdict
    });
    let made = store.mails_decide(&verdicts, noon()).unwrap();
    assert_eq!(
        store.answers_owed(noon(), 9).unwrap(),
        [],
        "not before its letter"
    );
    let figures = || {
        let to = store.letters_to("ioana@exemplu.test", noon()).unwrap();
        (to, store.answers_since(noon()).unwrap())
    };
    assert_eq!(figures(), (0, 0));
    let mut second = issued(&made[1].number, noon());
    (second.letter, second.letterless) = (None, Some(Letterless::Budget));
    store
        .receipts_issue(&[issued(&made[0].number, noon()), second])
        .unwrap();
    let owed = store.answers_owed(noon(), 9).unwrap();
    assert_eq!(owed.iter().map(|one| one.mail_seq).collect::<Vec<_>>(), [1]);
    let report = Outgoing {
        message_id: "raport@ajofm-exemplu.test".into(),
        kind: outbox::Kind::ReadReport,
        number: None,
        ..issued(&made[0].number, noon()).letter.unwrap()
    };
    assert!(store.answer_done(&owed[0], &report).unwrap());
    assert_eq!(figures(), (1, 1), "the letter alone");
    let states: Vec<String> = raw(folder.path())
        .prepare("SELECT state FROM answer ORDER BY mail_seq")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(states, ["done", "void"]);
    assert_sound(folder.path());
}
