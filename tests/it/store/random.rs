//! Made-up sequences of operations on a store, with what must be true after each.
//!
//! The sequences are the same in every run; RECIPISA_TEST_LONG makes more of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use recipisa::mailbox::Extent;
use recipisa::outbox::pace::Pace;
use recipisa::registry::{Evidence, Said, Sign};
use recipisa::screening::{Outcome, Reason};
use recipisa::store::{Arrival, Attempt, Bodiless, Desk, HeldAct, LetterState, ReceiptState, Store};
use tempfile::TempDir;

use super::contract::assert_numbers_are_gapless;
use super::{arrival, assert_sound, entries, issued, journal, mails, noon, open, verdict};

/// How long a claim lasts, and when a failed letter is due again: seconds, the latter after noon.
const LEASE_S: i64 = 60;
const RETRY_S: i64 = 100;

#[derive(Debug, Clone)]
enum Step {
    /// Keys and contents; few of each, so that repeats are common.
    Keep(Vec<(u8, u8)>),
    /// Decides so many undecided mails, for these reasons, in one of two registers, so many days after noon.
    Decide(Vec<(Reason, bool)>, u16),
    /// Decides a mail that may be there, or decided, or neither.
    DecideAny(i64, Reason),
    Fail(i64),
    /// A clerk's act on a mail.
    Act(i64, u8),
    /// Notes these keys; those of them that are odd give no bytes, and come to an outcome without.
    Note(Vec<u8>, bool),
    Issue(usize, bool),
    ReceiptFails,
    Claim(i64, usize),
    ReleaseAll,
    /// The claimed letter of this index ends so.
    Finish(usize, u8),
    Reopen,
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        4 => Just(Reason::Request),
        1 => Just(Reason::AutoReply),
        1 => Just(Reason::List),
        2 => Just(Reason::NoSender),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0..30_u8, 0..20_u8), 1..5).prop_map(Step::Keep),
        4 => (prop::collection::vec((reason(), any::<bool>()), 1..4), 0..60_u16)
            .prop_map(|(reasons, days)| Step::Decide(reasons, days)),
        1 => (0..12_i64, reason()).prop_map(|(seq, reason)| Step::DecideAny(seq, reason)),
        1 => (0..12_i64).prop_map(Step::Fail),
        2 => (0..12_i64, 0..5_u8).prop_map(|(seq, verb)| Step::Act(seq, verb)),
        2 => (prop::collection::vec(0..30_u8, 1..6), any::<bool>()).prop_map(|(keys, lose)| Step::Note(keys, lose)),
        3 => (0..4_usize, any::<bool>()).prop_map(|(index, letter)| Step::Issue(index, letter)),
        1 => Just(Step::ReceiptFails),
        3 => (0..400_i64, 1..4_usize).prop_map(|(seconds, limit)| Step::Claim(seconds, limit)),
        1 => Just(Step::ReleaseAll),
        3 => (0..4_usize, 0..3_u8).prop_map(|(index, how)| Step::Finish(index, how)),
        1 => Just(Step::Reopen),
    ]
}

/// What the test remembers beside the store.
#[derive(Default)]
struct Memory {
    /// Messages that are mails.
    keys: BTreeSet<u8>,
    /// Messages that were only noted, or noted too.
    noted: BTreeSet<u8>,
    /// Letters once claimed, by Message-ID.
    claimed: Vec<String>,
    /// Seconds after noon before which a letter may not be claimed: its lease, or its next attempt.
    not_before: BTreeMap<String, i64>,
    /// The same for the next attempt alone.
    retry_at: BTreeMap<String, i64>,
    /// The latest time of a decision; a clock that goes back is refused.
    clock: jiff::Timestamp,
    /// How letters ended.
    ended: BTreeMap<String, LetterState>,
}

fn take(store: &dyn Store, memory: &mut Memory, step: &Step) {
    match step {
        Step::Keep(mails) => {
            let named: Vec<_> = mails
                .iter()
                .map(|(key, content)| arrival(&format!("k{key}"), &format!("c{content}")))
                .collect();
            store.mail_keep(&named, noon()).unwrap();
            memory.keys.extend(mails.iter().map(|(key, _)| *key));
        }
        Step::Decide(reasons, days) => {
            let undecided = store.mails_undecided(reasons.len()).unwrap();
            let at = memory
                .clock
                .max(noon() + SignedDuration::from_hours(24 * i64::from(*days)));
            memory.clock = at;
            let verdicts: Vec<_> = undecided
                .iter()
                .zip(reasons)
                .map(|(mail, (reason, dej))| {
                    let mut verdict = verdict(mail.seq, *reason, if *dej { "DEJ" } else { "CJ" }, at);
                    if *reason == Reason::AutoReply {
                        verdict.decided.evidence = evidence(store, mail.seq);
                    }
                    verdict
                })
                .collect();
            let registered = verdicts.iter().filter(|one| one.decided.draft.is_some()).count();
            assert_eq!(store.mails_decide(&verdicts, at).unwrap().len(), registered);
        }
        Step::DecideAny(seq, reason) => {
            memory.clock = memory.clock.max(noon());
            store
                .mails_decide(&[verdict(*seq, *reason, "CJ", memory.clock)], memory.clock)
                .unwrap();
        }
        Step::Fail(seq) => {
            store.mail_failed(*seq, "a eșuat", 2, noon()).unwrap();
        }
        Step::Act(mail_seq, verb) => act(store, *mail_seq, *verb),
        Step::Note(keys, lose) => note(store, memory, keys, *lose),
        Step::Issue(index, letter) => {
            if let Some(record) = entries(store).get(*index) {
                let mut receipt = issued(&record.entry.number, noon());
                receipt.letter = receipt.letter.filter(|_| *letter);
                store.receipts_issue(&[receipt.clone(), receipt]).unwrap();
            }
        }
        Step::ReceiptFails => {
            if let Some(one) = store.receipts_owed(noon(), 1).unwrap().first() {
                store
                    .receipt_failed(&one.entry.number, 0, "nu merge", noon())
                    .unwrap();
            }
        }
        Step::Claim(seconds, limit) => claim(store, memory, *seconds, *limit),
        Step::ReleaseAll => {
            store.work_begin().unwrap();
            memory.not_before = memory.retry_at.clone();
        }
        Step::Finish(index, how) => finish(store, memory, *index, *how),
        Step::Reopen => {}
    }
}

/// Whatever a report may say of whatever letter there is.
fn evidence(store: &dyn Store, mail_seq: i64) -> Option<Evidence> {
    let entries = entries(store);
    let mut letters = entries.iter().flat_map(|record| &record.letters);
    let place = usize::try_from(mail_seq).unwrap();
    let letter = letters.nth(place % 3)?;
    Some(Evidence {
        message_id: letter.letter.message_id.clone(),
        said: vec![Said {
            sign: Sign::ALL[place % Sign::ALL.len()],
            recipient: (place % 2 == 0).then(|| letter.letter.to.clone()),
            status: None,
            detail: String::new(),
        }],
    })
}

fn claim(store: &dyn Store, memory: &mut Memory, seconds: i64, limit: usize) {
    let now = noon() + SignedDuration::from_secs(seconds);
    let due = store
        .letters_claim_due(
            now,
            now + SignedDuration::from_secs(LEASE_S),
            limit,
            &Pace::default(),
        )
        .unwrap();
    let claimed: Vec<String> = due.into_iter().map(|one| one.letter.message_id).collect();
    let is_over = claimed.iter().any(|id| memory.ended.contains_key(id));
    assert!(!is_over, "claimed after its end");
    for id in &claimed {
        let before = memory.not_before.insert(id.clone(), seconds + LEASE_S);
        assert!(before.is_none_or(|before| before <= seconds), "claimed too early");
    }
    memory.claimed.extend(claimed);
}

/// Notes messages as a listing does; what gives no bytes vanishes.
fn note(store: &dyn Store, memory: &mut Memory, keys: &[u8], lose: bool) {
    let named: Vec<_> = keys.iter().map(|key| arrival(&format!("k{key}"), "")).collect();
    let source = named[0].sighting.source.clone();
    let listed: Vec<_> = named.iter().map(|one| one.sighting.key.clone()).collect();
    let listing = store.sightings_note(&source, &listed, noon()).unwrap();
    assert_eq!(listing.known.len(), listed.len());
    assert_eq!(store.sightings_lost(&source, &listed).unwrap(), []);
    memory.noted.extend(keys);
    if !lose {
        return;
    }
    let odd = named.into_iter().zip(keys).filter(|(_, key)| **key % 2 == 1);
    let lost: Vec<Bodiless> = odd
        .map(|(arrival, key)| Bodiless {
            arrival: Arrival {
                extent: Extent::Nothing,
                ..arrival
            },
            reason: if key % 3 == 0 {
                Reason::Vanished
            } else {
                Reason::Unfetchable
            },
            detail: String::new(),
        })
        .collect();
    memory.keys.extend(keys.iter().filter(|key| **key % 2 == 1));
    store.mails_bodiless(&lost, noon()).unwrap();
}

fn act(store: &dyn Store, mail_seq: i64, verb: u8) {
    let mail = store.mail(mail_seq).unwrap();
    let decision = mail.and_then(|mail| mail.decision);
    let decided = decision.map(|decision| (decision.outcome, decision.reason));
    let is_held = decided.is_some_and(|(outcome, _)| outcome == Outcome::Held);
    let is_answered = decided.is_some_and(|(outcome, _)| outcome == Outcome::Answered);
    let may_enter = decided.is_some_and(|(outcome, reason)| {
        outcome != Outcome::Registered && reason != Reason::Duplicate && reason != Reason::Vanished
    });
    let (desk, may_be) = match verb {
        0 => (Desk::Release, may_enter),
        1 => (Desk::Retry, is_held),
        2 => (
            Desk::Register {
                sender: Some("ioana@exemplu.test".into()),
                name: None,
                request_type: None,
            },
            may_enter,
        ),
        _ => (Desk::Discard { reason: "nu".into() }, is_held || is_answered),
    };
    let act = HeldAct {
        mail_seq,
        desk,
        actor: "Ana".into(),
        at: noon(),
    };
    assert_eq!(store.mail_held_act(&act).is_ok(), may_be);
}

fn finish(store: &dyn Store, memory: &mut Memory, index: usize, how: u8) {
    let Some(id) = memory.claimed.get(index).cloned() else {
        return;
    };
    let (attempt, end) = match how {
        0 => (Attempt::Sent { answer: "ok".into() }, Some(LetterState::Sent)),
        1 => (Attempt::GivenUp { why: "nu".into() }, Some(LetterState::GivenUp)),
        _ => (
            Attempt::Retry {
                at: noon() + SignedDuration::from_secs(RETRY_S),
                why: "mai târziu".into(),
            },
            None,
        ),
    };
    let done = store.letter_attempt_finish(&id, &attempt, noon());
    assert_eq!(
        done.is_ok(),
        !memory.ended.contains_key(&id),
        "a letter ends once"
    );
    match (done, end) {
        (Ok(()), Some(end)) => {
            memory.ended.insert(id, end);
        }
        (Ok(()), None) => {
            memory.retry_at.insert(id.clone(), RETRY_S);
            memory.not_before.insert(id, RETRY_S);
        }
        (Err(_), _) => {}
    }
}

fn assert_in_order(store: &dyn Store, memory: &Memory) {
    let (mails, entries, rows) = (mails(store), entries(store), journal(store));
    assert_eq!(mails.len(), memory.keys.len(), "one row for each sighting");
    assert_numbers_are_gapless(store);
    let mut first_of = BTreeSet::new();
    for mail in &mails {
        let decision = mail.decision.as_ref();
        let duplicate = decision.is_some_and(|decision| decision.reason == Reason::Duplicate);
        let is_bare = mail.extent == Extent::Nothing;
        // What came late may repeat a mail behind it; in all there is one of each that is no repeat.
        if !is_bare && !duplicate {
            assert!(first_of.insert(mail.sha256.clone()), "mail {}", mail.seq);
        }
        let own: Vec<_> = entries
            .iter()
            .filter(|record| record.entry.mail_seq == mail.seq)
            .collect();
        let registered = decision.is_some_and(|decision| decision.outcome == Outcome::Registered);
        assert_eq!(own.len(), usize::from(registered), "mail {}", mail.seq);
        let number = decision.and_then(|decision| decision.number.as_ref());
        assert_eq!(number, own.first().map(|record| &record.entry.number));
    }
    for record in &entries {
        assert!(record.letters.len() <= 1);
        let is_issued = matches!(record.receipt, ReceiptState::Issued { .. });
        assert!(
            is_issued || record.letters.is_empty(),
            "no letter without its receipt"
        );
        for letter in &record.letters {
            let end = memory.ended.get(&letter.letter.message_id);
            assert_eq!(letter.state, end.copied().unwrap_or(LetterState::Queued));
        }
    }
    let of_kind = |kind: &str| rows.iter().filter(|row| row.kind == kind).count();
    let repeated = rows
        .iter()
        .filter(|row| row.kind == "mail.kept" && row.body.contains("\"again\":true"));
    assert_eq!(of_kind("mail.kept") - repeated.count(), mails.len());
    assert_balanced(store, memory);
    assert_eq!(of_kind("entry.registered"), entries.len());
    let letters = || entries.iter().flat_map(|record| &record.letters);
    assert_eq!(of_kind("letter.queued"), letters().count());
    let receipts = entries.iter().map(|record| &record.receipt);
    let receipts = receipts.filter(|receipt| matches!(receipt, ReceiptState::Issued { .. }));
    assert_eq!(of_kind("receipt.issued"), receipts.count());
    let backlog = store.backlog().unwrap();
    let count = |wanted: bool| if wanted { 1_u64 } else { 0 };
    assert_eq!(
        backlog.undecided,
        mails
            .iter()
            .map(|mail| count(mail.decision.is_none()))
            .sum::<u64>()
    );
    assert_eq!(backlog.held, store.mails_held().unwrap().len() as u64);
    assert_eq!(
        backlog.letters_queued,
        letters()
            .map(|one| count(one.state == LetterState::Queued))
            .sum::<u64>()
    );
    assert_eq!(
        store.letter_next_due().unwrap().is_some(),
        backlog.letters_queued > 0
    );
}

/// Every message that was ever noted or kept is on both sides of the equation.
fn assert_balanced(store: &dyn Store, memory: &Memory) {
    let ledger = store
        .ledger_between(noon(), noon() + SignedDuration::from_secs(1))
        .unwrap();
    assert_eq!((ledger.misfits_total, ledger.misfits), (0, Vec::new()));
    let all: BTreeSet<_> = memory.keys.union(&memory.noted).collect();
    let account = ledger.sources.into_values().next().unwrap_or_default();
    assert_eq!(account.shown, all.len() as u64);
    assert_eq!(account.awaited, (all.len() - memory.keys.len()) as u64);
    assert_eq!(
        account.mails.values().sum::<u64>() + account.awaited,
        account.shown
    );
    assert_eq!(store.waiting().unwrap().awaited.count, account.awaited);
}

#[test]
fn any_sequence_of_operations_leaves_the_registry_in_order() {
    let cases = if std::env::var_os("RECIPISA_TEST_LONG").is_some() {
        400
    } else {
        40
    };
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let steps = prop::collection::vec(step(), 1..40);
    let result = runner.run(&steps, |steps| {
        let folder = TempDir::new().unwrap();
        let mut store = open(folder.path()).unwrap();
        let mut memory = Memory::default();
        for step in &steps {
            take(&store, &mut memory, step);
            if matches!(step, Step::Reopen) {
                store = open(folder.path()).unwrap();
            }
        }
        assert_in_order(&store, &memory);
        assert_sound(folder.path());
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}
