//! What every store promises about receipts and letters.

use jiff::{SignedDuration, Timestamp};
use recipisa::outbox::pace::Pace;
use recipisa::outbox::{Letterless, Outgoing};
use recipisa::store::{Attempt, LetterState, ReceiptState, Store};

use super::contract::{decide_all, keep, kinds};
use super::{assert_refused, entries, issued, journal, noon, sha256};

/// Owed, failed, issued, and never replaced.
pub(super) fn a_receipt_is_issued_once(store: &dyn Store) {
    keep(store, 3);
    let numbers = decide_all(store, 10);
    let owed_at = |now: Timestamp| -> Vec<(u64, u32)> {
        let owing = store.receipts_owed(now, 10).unwrap();
        owing
            .iter()
            .map(|one| (one.entry.number.number, one.attempts))
            .collect()
    };
    assert_eq!(owed_at(noon()), [(1, 0), (2, 0), (3, 0)]);
    store
        .receipt_failed(&numbers[0], 0, "cheia nu semnează", after(60))
        .unwrap();
    assert_eq!(owed_at(after(59)), [(2, 0), (3, 0)], "not before its time");
    assert_eq!(
        owed_at(after(60)),
        [(2, 0), (3, 0), (1, 1)],
        "what failed does not hold up the rest"
    );
    assert_eq!(store.backlog().unwrap().receipts_failing, 1);
    store.work_begin().unwrap();
    assert_eq!(
        owed_at(noon()).len(),
        3,
        "the fault may have been mended since the last start"
    );
    assert_eq!(store.receipts_owed(noon(), 1).unwrap().len(), 1);
    let first = issued(&numbers[0], noon());
    store.receipts_issue(std::slice::from_ref(&first)).unwrap();
    let before = (entries(store), journal(store));
    let mut second = issued(&numbers[0], noon() + SignedDuration::from_secs(60));
    second.receipt_sha256 = sha256("altă recipisă");
    second.letter.as_mut().unwrap().message_id = "altul@ajofm-exemplu.test".into();
    store.receipts_issue(&[second]).unwrap();
    assert_eq!(
        (entries(store), journal(store)),
        before,
        "a receipt is never replaced"
    );
    let record = store.entry(&numbers[0]).unwrap().unwrap();
    assert_eq!(
        record.receipt,
        ReceiptState::Issued {
            at: noon(),
            sha256: first.receipt_sha256
        }
    );
    assert_eq!(record.letters.len(), 1);
    assert_eq!(Some(&record.letters[0].letter), first.letter.as_ref());
    assert_refused(
        store.receipt_failed(&numbers[0], 0, "prea târziu", noon()),
        "owes no receipt",
    );
    let mut without_letter = issued(&numbers[1], noon());
    without_letter.letter = None;
    without_letter.letterless = Some(Letterless::Silence);
    store.receipts_issue(&[without_letter]).unwrap();
    assert!(store.entry(&numbers[1]).unwrap().unwrap().letters.is_empty());
    assert_eq!(owed_at(noon()), [(3, 0)]);
    assert_eq!(
        store.backlog().unwrap().unanswered,
        1,
        "a receipt that no letter carries is listed"
    );
    let backlog = store.backlog().unwrap();
    assert_eq!((backlog.receipts_owed, backlog.letters_queued), (1, 1));
}

/// Four letters, queued at noon.
fn four_letters(store: &dyn Store) -> Vec<Outgoing> {
    keep(store, 4);
    let receipts: Vec<_> = decide_all(store, 10)
        .iter()
        .map(|number| issued(number, noon()))
        .collect();
    store.receipts_issue(&receipts).unwrap();
    receipts.into_iter().filter_map(|one| one.letter).collect()
}

fn after(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

/// The Message-IDs claimed so many seconds after noon, for a hundred seconds.
fn claim(store: &dyn Store, now: i64, limit: usize) -> Vec<String> {
    let due = store
        .letters_claim_due(after(now), after(now + 100), limit, &Pace::default())
        .unwrap();
    due.into_iter().map(|due| due.letter.message_id).collect()
}

/// Claimed by one worker at a time, and given back.
pub(super) fn letters_are_leased(store: &dyn Store) {
    assert_eq!(four_letters(store).len(), 4);
    assert!(claim(store, -1, 10).is_empty(), "not due yet");
    let mine = claim(store, 0, 3);
    assert_eq!(mine.len(), 3);
    assert_eq!(claim(store, 0, 10).len(), 1, "what is leased is not given twice");
    assert!(claim(store, 99, 10).is_empty());
    assert_eq!(claim(store, 100, 10).len(), 4, "a lease runs out");
    store.letters_release(&mine[..1]).unwrap();
    assert_eq!(claim(store, 101, 10), mine[..1]);
    store.work_begin().unwrap();
    assert_eq!(claim(store, 102, 10).len(), 4, "at the start all is given back");
    let waiting = Attempt::Waiting {
        why: "serverul nu răspunde".into(),
    };
    store
        .letter_attempt_finish(&mine[0], &waiting, after(102))
        .unwrap();
    let due = store
        .letters_claim_due(after(102), after(200), 10, &Pace::default())
        .unwrap();
    assert_eq!(
        due.iter().map(|one| one.attempts).collect::<Vec<_>>(),
        [0],
        "waiting costs no attempt"
    );
    assert_eq!(store.backlog().unwrap().letters_failing, 1);
}

/// Sent, tried again or given up, and then ended once for all.
pub(super) fn letters_end_once(store: &dyn Store) {
    let letters = four_letters(store);
    let id = |index: usize| letters[index].message_id.as_str();
    assert_eq!(claim(store, 102, 10).len(), 4);
    let finish = |id: &str, attempt: Attempt| store.letter_attempt_finish(id, &attempt, after(103));
    let sent = |answer: &str| Attempt::Sent {
        answer: answer.to_owned(),
    };
    let given_up = Attempt::GivenUp {
        why: "5.1.1 necunoscut".into(),
    };
    let retry = Attempt::Retry {
        at: after(500),
        why: "4.3.0 mai târziu".into(),
    };
    finish(id(0), sent("2.0.0 ok")).unwrap();
    finish(id(1), retry.clone()).unwrap();
    finish(id(2), given_up).unwrap();
    for ended in [id(0), id(2)] {
        assert_refused(finish(ended, sent("iar")), "not waiting");
    }
    assert_refused(finish("nimeni@exemplu.test", retry), "not waiting");
    let states: Vec<_> = entries(store)
        .into_iter()
        .map(|mut record| record.letters.remove(0))
        .map(|letter| (letter.state, letter.attempts, letter.last_answer))
        .collect();
    let answer = |text: &str| Some(text.to_owned());
    let wanted = [
        (LetterState::Sent, 1, answer("2.0.0 ok")),
        (LetterState::Queued, 1, answer("4.3.0 mai târziu")),
        (LetterState::GivenUp, 1, answer("5.1.1 necunoscut")),
        (LetterState::Queued, 0, None),
    ];
    assert_eq!(states, wanted);
    let backlog = store.backlog().unwrap();
    assert_eq!((backlog.letters_queued, backlog.letters_given_up), (2, 1));
    assert_eq!(
        store.letter_next_due().unwrap(),
        Some(after(202)),
        "when the fourth's lease runs out"
    );
    assert_eq!(claim(store, 499, 10), [id(3)]);
    let due = store
        .letters_claim_due(after(500), after(600), 10, &Pace::default())
        .unwrap();
    let told: Vec<_> = due.iter().map(|due| (&due.letter, due.attempts)).collect();
    assert_eq!(told, [(&letters[1], 1)]);
    let kinds = kinds(store);
    let ends: Vec<_> = kinds
        .iter()
        .filter(|kind| kind.starts_with("letter.") && !kind.contains("queued"))
        .collect();
    let wanted = [
        format!("letter.sent letter/{}", id(0)),
        format!("letter.given-up letter/{}", id(2)),
    ];
    assert_eq!(ends, wanted.iter().collect::<Vec<_>>());
}

/// A person's word sends a letter again, and counts are kept by address.
pub(super) fn letters_go_again(store: &dyn Store) {
    let letters = four_letters(store);
    let first = &letters[0];
    assert_eq!(
        store.letters_to(&first.to.to_uppercase(), noon()).unwrap(),
        sent_to(&letters, &first.to)
    );
    assert_eq!(
        store.letters_to(&first.to, after(1)).unwrap(),
        0,
        "only those since"
    );
    assert_refused(
        store.letter_requeue(first.number.as_ref().unwrap(), "Ana", after(5)),
        "queued already",
    );
    claim(store, 6, 10);
    let given_up = Attempt::GivenUp { why: "5.1.1".into() };
    store
        .letter_attempt_finish(&first.message_id, &given_up, after(7))
        .unwrap();
    store
        .letter_requeue(first.number.as_ref().unwrap(), "Ana", after(8))
        .unwrap();
    assert_eq!(claim(store, 9, 10), std::slice::from_ref(&first.message_id));
    let last = journal(store).pop().unwrap();
    assert_eq!(
        (last.kind.as_str(), last.actor.as_str()),
        ("letter.queued", "Ana")
    );
}

fn sent_to(letters: &[Outgoing], to: &str) -> u64 {
    letters
        .iter()
        .filter(|letter| letter.to.eq_ignore_ascii_case(to))
        .count() as u64
}
