//! What every store promises about the figures that operators watch.

use jiff::SignedDuration;
use recipisa::mailbox::SourceId;
use recipisa::screening::Reason;
use recipisa::store::{Attempt, Contact, Desk, HeldAct, Queue, Store, Tally, Waiting};

use super::contract::keep;
use super::{issued, noon, verdict};

fn after(seconds: i64) -> jiff::Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

fn queue(count: u64, seconds: i64) -> Queue {
    Queue {
        count,
        oldest: Some(after(seconds)),
    }
}

/// Each thing waits in one queue, since its own moment, until it is done.
pub(super) fn what_waits_is_counted_with_its_age(store: &dyn Store) {
    assert_eq!(store.waiting().unwrap(), Waiting::default());
    keep(store, 4);
    assert_eq!(store.waiting().unwrap().undecided, queue(4, 0));
    let verdicts = [
        verdict(1, Reason::Request, "CJ", after(10)),
        verdict(2, Reason::Request, "CJ", after(20)),
        verdict(3, Reason::NoSender, "CJ", after(20)),
    ];
    let entries = store.mails_decide(&verdicts, after(20)).unwrap();
    let waiting = store.waiting().unwrap();
    assert_eq!(
        (waiting.undecided, waiting.receipts, waiting.held),
        (queue(1, 0), queue(2, 10), queue(1, 20))
    );
    store
        .receipt_failed(&entries[0].number, 0, "cheia nu semnează", after(60))
        .unwrap();
    assert_eq!(store.waiting().unwrap().receipts_failing, 1);
    let letter = issued(&entries[0].number, after(30));
    store.receipts_issue(std::slice::from_ref(&letter)).unwrap();
    let waiting = store.waiting().unwrap();
    assert_eq!((waiting.receipts, waiting.receipts_failing), (queue(1, 20), 0));
    assert_eq!((waiting.letters, waiting.letters_failing), (queue(1, 30), 0));
    let id = letter.letter.unwrap().message_id;
    let retry = Attempt::Retry {
        at: after(90),
        why: "451".into(),
    };
    store.letter_attempt_finish(&id, &retry, after(40)).unwrap();
    let waiting = store.waiting().unwrap();
    assert_eq!((waiting.letters, waiting.letters_failing), (queue(1, 30), 1));
    let given_up = Attempt::GivenUp { why: "550".into() };
    store.letter_attempt_finish(&id, &given_up, after(95)).unwrap();
    let waiting = store.waiting().unwrap();
    assert_eq!((waiting.letters, waiting.letters_given_up), (Queue::default(), 1));
}

/// The last success stays known while it fails, and the first failure until it succeeds again.
pub(super) fn contact_with_sources_is_remembered(store: &dyn Store) {
    assert_eq!(store.contacts().unwrap(), []);
    let (somaj, dej) = (SourceId("somaj".to_owned()), SourceId("dej".to_owned()));
    let contact = |source: &SourceId, at: Option<i64>, failing: Option<(i64, &str)>| Contact {
        source: source.clone(),
        contact_at: at.map(after),
        failing: failing.map(|(since, why)| (after(since), why.to_owned())),
    };
    store.contact_made(&somaj, after(10)).unwrap();
    store.contact_missed(&dej, "login", after(11)).unwrap();
    store.contact_missed(&somaj, "unreachable", after(20)).unwrap();
    store.contact_missed(&somaj, "limit", after(30)).unwrap();
    assert_eq!(
        store.contacts().unwrap(),
        [
            contact(&dej, None, Some((11, "login"))),
            contact(&somaj, Some(10), Some((20, "limit")))
        ]
    );
    store.contact_made(&somaj, after(40)).unwrap();
    assert_eq!(store.contacts().unwrap()[1], contact(&somaj, Some(40), None));
    store.contact_missed(&somaj, "refused", after(50)).unwrap();
    assert_eq!(
        store.contacts().unwrap()[1],
        contact(&somaj, Some(40), Some((50, "refused")))
    );
}

/// Counting in steps of any size gives the same, and never counts a row twice.
pub(super) fn what_was_done_is_counted_once(store: &dyn Store) {
    let complete = |before: Tally, step: u64| {
        let mut tally = store.tally(before, step).unwrap();
        while !tally.is_complete {
            tally = store.tally(tally, step).unwrap();
        }
        tally
    };
    let nothing = complete(Tally::default(), 1);
    assert_eq!((nothing.journal_seq, nothing.decided.len()), (0, 0));
    keep(store, 3);
    let kept = complete(nothing, 2);
    assert_eq!(kept.last_mail.get("somaj"), Some(&noon()));
    assert!(kept.decided.is_empty());
    let verdicts = [
        verdict(1, Reason::Request, "CJ", noon()),
        verdict(2, Reason::NoSender, "CJ", noon()),
        verdict(3, Reason::Bounce, "CJ", noon()),
    ];
    let entries = store.mails_decide(&verdicts, noon()).unwrap();
    let letter = issued(&entries[0].number, noon());
    store.receipts_issue(std::slice::from_ref(&letter)).unwrap();
    let sent = Attempt::Sent { answer: "250".into() };
    let id = letter.letter.unwrap().message_id;
    store.letter_attempt_finish(&id, &sent, noon()).unwrap();
    let reason = "o glumă".to_owned();
    let discard = HeldAct {
        mail_seq: 2,
        desk: Desk::Discard { reason },
        actor: "Ana".into(),
        at: noon(),
    };
    store.mail_held_act(&discard).unwrap();
    let whole = complete(Tally::default(), 1_000);
    let outcomes: Vec<_> = whole.outcomes().into_iter().collect();
    assert_eq!(
        outcomes,
        [("filed", 1), ("held", 1), ("ignored", 1), ("registered", 1)]
    );
    assert_eq!((whole.letters_sent, whole.letters_given_up), (1, 0));
    for step in [1, 2, 3, 7] {
        assert_eq!(complete(kept.clone(), step), whole, "in steps of {step}");
    }
    assert_eq!(complete(whole.clone(), 5), whole, "nothing new");
    let of_another = Tally {
        journal_hash: "0".repeat(64),
        letters_sent: 77,
        ..whole.clone()
    };
    assert_eq!(
        complete(of_another, 100),
        whole,
        "a tally of another registry is not taken over"
    );
    let ahead = Tally {
        journal_seq: 1_000_000,
        ..whole.clone()
    };
    assert_eq!(
        complete(ahead, 100),
        whole,
        "nor one from before a backup was restored"
    );
}

/// The same refusal as at registering, without registering.
pub(super) fn the_clock_is_checked_without_registering(store: &dyn Store) {
    store.clock_check(after(-1_000_000)).unwrap();
    keep(store, 1);
    store
        .mails_decide(&[verdict(1, Reason::Request, "CJ", noon())], noon())
        .unwrap();
    store.clock_check(after(-299)).unwrap();
    let refused = store.clock_check(after(-301)).unwrap_err().to_string();
    assert!(refused.contains("--clock-is-right"), "{refused}");
    store.clock_accept("Ana", after(-301)).unwrap();
    store.clock_check(after(-301)).unwrap();
}
