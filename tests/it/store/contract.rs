//! What every store promises, written against the port alone; receipts and letters are in [`super::outgoing`].

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::SignedDuration;
use jiff::civil::date;
use recipisa::mailbox::{Disposition, Extent, SourceId};
use recipisa::outbox::pace::Pace;
use recipisa::registry::Number;
use recipisa::screening::{Outcome, Reason, Standing};
use recipisa::store::{Desk, HeldAct, ReceiptState, Store};

use super::answers::{
    a_copy_tells_its_first, a_receipt_for_an_unusable_address_is_not_tried_for_ever,
    a_receipt_that_waits_is_sent_at_a_persons_word, an_answer_given_up_is_a_task_until_its_mail_is_settled,
    an_answer_is_owed_written_once_and_counted, an_answer_that_cannot_be_sent_is_void, links_are_decided,
    links_are_proposed, mails_alike_are_found, the_same_is_found_behind_many,
};
use super::evidence::{letters_keep_their_pace, reports_are_filed_with_their_letter};
use super::figures::{
    contact_with_sources_is_remembered, the_clock_is_checked_without_registering,
    what_waits_is_counted_with_its_age, what_was_done_is_counted_once,
};
use super::ledger::{
    a_message_is_noted_before_it_is_kept, a_message_without_bytes_has_its_outcome,
    a_recalled_mail_comes_whole, a_registering_clerk_is_obeyed,
    the_equation_balances_and_names_what_does_not_fit,
};
use super::outgoing::{a_receipt_is_issued_once, letters_are_leased, letters_end_once, letters_go_again};
use super::{arrival, assert_refused, entries, issued, journal, key, mails, noon, sha256, time, verdict};

/// Runs everything, each part on a store of its own.
pub(super) fn contract(make: &dyn Fn() -> Box<dyn Store>) {
    for part in [
        a_mail_is_kept_once,
        numbers_follow_the_decisions,
        the_year_ends_at_midnight_in_bucharest,
        deciders_at_the_same_time_leave_no_gap,
        a_clock_that_went_back_gives_no_number,
        a_receipt_is_issued_once,
        letters_are_leased,
        letters_end_once,
        letters_go_again,
        reports_are_filed_with_their_letter,
        letters_keep_their_pace,
        a_failing_mail_is_held,
        held_mails_wait_for_a_person,
        a_message_is_noted_before_it_is_kept,
        a_message_without_bytes_has_its_outcome,
        a_recalled_mail_comes_whole,
        a_registering_clerk_is_obeyed,
        the_equation_balances_and_names_what_does_not_fit,
        nothing_given_is_nothing_done,
        what_waits_is_counted_with_its_age,
        what_was_done_is_counted_once,
        contact_with_sources_is_remembered,
        the_clock_is_checked_without_registering,
        an_answer_is_owed_written_once_and_counted,
        an_answer_that_cannot_be_sent_is_void,
        an_answer_given_up_is_a_task_until_its_mail_is_settled,
        mails_alike_are_found,
        the_same_is_found_behind_many,
        links_are_proposed,
        links_are_decided,
        a_copy_tells_its_first,
        a_receipt_that_waits_is_sent_at_a_persons_word,
        a_receipt_for_an_unusable_address_is_not_tried_for_ever,
    ] {
        let store = make();
        part(&*store);
        assert_numbers_are_gapless(&*store);
        journal(&*store);
    }
}

/// Registers all undecided mails, so many at once; somebody else may be doing the same.
pub(super) fn decide_all(store: &dyn Store, at_once: usize) -> Vec<Number> {
    let mut numbers = Vec::new();
    loop {
        let undecided = store.mails_undecided(at_once).unwrap();
        if undecided.is_empty() {
            return numbers;
        }
        let verdicts: Vec<_> = undecided
            .iter()
            .map(|mail| verdict(mail.seq, Reason::Request, "CJ", noon()))
            .collect();
        let entries = store.mails_decide(&verdicts, noon()).unwrap();
        numbers.extend(entries.into_iter().map(|entry| entry.number));
    }
}

/// Whether the numbers of each register and year are 1 … n.
#[track_caller]
pub(super) fn assert_numbers_are_gapless(store: &dyn Store) {
    let mut series = BTreeMap::<(String, i16), Vec<u64>>::new();
    for record in entries(store) {
        let number = record.entry.number;
        series
            .entry((number.register, number.date.year()))
            .or_default()
            .push(number.number);
    }
    for (place, mut numbers) in series {
        numbers.sort_unstable();
        assert_eq!(
            numbers,
            (1..=numbers.len() as u64).collect::<Vec<_>>(),
            "{place:?}"
        );
    }
}

/// Keeps so many different mails, with the places 1, 2, 3 …
pub(super) fn keep(store: &dyn Store, count: usize) {
    let names: Vec<String> = (1..=count).map(|ordinal| format!("mail-{ordinal}")).collect();
    let arrivals: Vec<_> = names.iter().map(|name| arrival(name, name)).collect();
    store.mail_keep(&arrivals, noon()).unwrap();
}

pub(super) fn kinds(store: &dyn Store) -> Vec<String> {
    journal(store)
        .into_iter()
        .map(|row| format!("{} {}", row.kind, row.subject))
        .collect()
}

fn a_mail_is_kept_once(store: &dyn Store) {
    let (first, second) = (arrival("1", "o cerere"), arrival("2", "altă cerere"));
    store
        .mail_keep(&[first.clone(), second.clone(), first.clone()], noon())
        .unwrap();
    let before = (mails(store), journal(store));
    assert_eq!(before.0.len(), 2);
    store
        .mail_keep(&[second, first.clone()], noon() + SignedDuration::from_secs(9))
        .unwrap();
    assert_eq!(
        (mails(store), journal(store)),
        before,
        "a known key changes nothing"
    );
    let other_source = {
        let mut same = first;
        same.sighting.source = SourceId("dej".into());
        same
    };
    store
        .mail_keep(
            &[arrival("3", "o cerere"), other_source, arrival("4", "a treia")],
            noon(),
        )
        .unwrap();
    let all = mails(store);
    assert_eq!(
        all.iter().map(|mail| mail.seq).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    for repeat in &all[2..4] {
        let decision = repeat.decision.as_ref().unwrap();
        assert_eq!(
            (decision.outcome, decision.reason),
            (Outcome::Ignored, Reason::Duplicate)
        );
        assert_eq!((decision.detail.as_str(), decision.replies), ("mail 1", false));
        assert_eq!(repeat.sha256, all[0].sha256);
    }
    let undecided = store.mails_undecided(10).unwrap();
    assert_eq!(
        undecided.iter().map(|mail| mail.seq).collect::<Vec<_>>(),
        [1, 2, 5]
    );
    assert_eq!(store.mails_undecided(2).unwrap(), undecided[..2]);
    let asked = [key("9"), key("4"), key("1")];
    assert_eq!(
        store.mails_known(&SourceId("somaj".into()), &asked).unwrap(),
        [(key("4"), Extent::Whole), (key("1"), Extent::Whole)]
    );
    assert_eq!(
        store.mails_known(&SourceId("dej".into()), &asked).unwrap(),
        [(key("1"), Extent::Whole)]
    );
    assert_eq!(store.mail(4).unwrap().as_ref(), Some(&all[3]));
    assert_eq!(store.mail(6).unwrap(), None);
    let told = [
        "mail.kept mail/1",
        "mail.kept mail/2",
        "mail.kept mail/3",
        "mail.decided mail/3",
        "mail.kept mail/4",
        "mail.decided mail/4",
        "mail.kept mail/5",
    ];
    assert_eq!(kinds(store), told);
}

/// Dates follow the order of numbers; a small correction of the clock is let through.
fn a_clock_that_went_back_gives_no_number(store: &dyn Store) {
    keep(store, 3);
    let decide =
        |seq: i64, at: jiff::Timestamp| store.mails_decide(&[verdict(seq, Reason::Request, "CJ", at)], at);
    assert_eq!(decide(1, noon()).unwrap().len(), 1);
    let refusal = decide(2, noon() - SignedDuration::from_hours(1)).unwrap_err();
    assert_eq!(
        refusal.disposition(),
        Disposition::Retry,
        "the work goes on when the clock is right"
    );
    assert!(refusal.to_string().contains("clock"), "{refusal}");
    assert_eq!(
        decide(2, noon() - SignedDuration::from_secs(60)).unwrap()[0]
            .number
            .number,
        2
    );
    assert_eq!(decide(3, noon()).unwrap()[0].number.number, 3);
}

fn numbers_follow_the_decisions(store: &dyn Store) {
    keep(store, 6);
    let plan = [
        (2, Reason::Request, "CJ"),
        (1, Reason::Request, "DEJ"),
        (4, Reason::AutoReply, "CJ"),
        (3, Reason::Request, "CJ"),
        (5, Reason::NoSender, "CJ"),
    ];
    let verdicts = plan.map(|(seq, reason, register)| verdict(seq, reason, register, noon()));
    let made = store.mails_decide(&verdicts, noon()).unwrap();
    let keys: Vec<_> = made
        .iter()
        .map(|entry| (entry.mail_seq, entry.number.key()))
        .collect();
    let wanted = [(2, "CJ/2026/1"), (1, "DEJ/2026/1"), (3, "CJ/2026/2")];
    assert_eq!(keys, wanted.map(|(seq, key)| (seq, key.to_owned())));
    let before = (mails(store), entries(store), journal(store));
    assert!(store.mails_decide(&verdicts, noon()).unwrap().is_empty());
    let changed_mind = [
        verdict(4, Reason::Request, "CJ", noon()),
        verdict(2, Reason::List, "CJ", noon()),
    ];
    assert!(store.mails_decide(&changed_mind, noon()).unwrap().is_empty());
    assert_eq!(
        (mails(store), entries(store), journal(store)),
        before,
        "decided once"
    );
    for (seq, reason, _) in plan {
        let mail = store.mail(seq).unwrap().unwrap();
        let decision = mail.decision.unwrap();
        assert_eq!((decision.outcome, decision.reason), (reason.outcome(), reason));
        assert_eq!(decision.number.is_some(), reason == Reason::Request);
        let given = &verdicts
            .iter()
            .find(|verdict| verdict.mail_seq == seq)
            .unwrap()
            .decided;
        assert_eq!(
            (&decision.summary, &decision.files),
            (&given.summary, &given.files)
        );
    }
    for entry in &made {
        let record = store.entry(&entry.number).unwrap().unwrap();
        assert_eq!(record.entry, *entry, "what is read is what was written");
        assert_eq!(
            record.receipt,
            ReceiptState::Owed {
                attempts: 0,
                last_error: None
            }
        );
        assert_eq!(entry.mail_sha256, sha256(&format!("mail-{}", entry.mail_seq)));
        let other_day = Number {
            date: date(2026, 11, 19),
            ..entry.number.clone()
        };
        assert_eq!(store.entry(&other_day).unwrap(), None, "a number has one date");
    }
    let backlog = store.backlog().unwrap();
    assert_eq!(
        (backlog.undecided, backlog.receipts_owed, backlog.held),
        (1, 3, 1)
    );
}

fn the_year_ends_at_midnight_in_bucharest(store: &dyn Store) {
    keep(store, 5);
    let moments = [
        "2026-12-31T12:00:00Z",
        "2026-12-31T21:59:59.999999Z",
        "2026-12-31T22:00:00Z",
        "2027-01-01T00:00:00Z",
        "2027-12-31T22:00:00Z",
    ];
    let mut spelled = Vec::new();
    for (seq, moment) in (1..).zip(moments) {
        let at = time(moment);
        let made = store
            .mails_decide(&[verdict(seq, Reason::Request, "CJ", at)], at)
            .unwrap();
        spelled.push(made[0].number.to_string());
    }
    let wanted = [
        "CJ-1/31.12.2026",
        "CJ-2/31.12.2026",
        "CJ-1/01.01.2027",
        "CJ-2/01.01.2027",
        "CJ-1/01.01.2028",
    ];
    assert_eq!(spelled, wanted);
}

fn deciders_at_the_same_time_leave_no_gap(store: &dyn Store) {
    keep(store, 60);
    let given = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for at_once in [1, 2, 5, 7, 60] {
            let given = &given;
            scope.spawn(move || {
                let numbers = decide_all(store, at_once);
                given
                    .lock()
                    .unwrap()
                    .extend(numbers.into_iter().map(|number| number.number));
            });
        }
    });
    let mut given = given.into_inner().unwrap();
    given.sort_unstable();
    assert_eq!(
        given,
        (1..=60).collect::<Vec<u64>>(),
        "each number was given to one decider"
    );
    assert_eq!(entries(store).len(), 60);
}

fn a_failing_mail_is_held(store: &dyn Store) {
    keep(store, 2);
    assert!(!store.mail_failed(1, "prima", 3, noon()).unwrap());
    assert!(!store.mail_failed(1, "a doua", 3, noon()).unwrap());
    assert_eq!(store.mails_undecided(1).unwrap()[0].attempts, 2);
    assert!(store.mail_failed(1, "a treia", 3, noon()).unwrap());
    assert!(
        !store.mail_failed(1, "a patra", 3, noon()).unwrap(),
        "it is held already"
    );
    let held = store.mails_held().unwrap();
    let decision = held[0].decision.as_ref().unwrap();
    assert_eq!(
        (held.len(), decision.reason, decision.detail.as_str()),
        (1, Reason::Failing, "a treia")
    );
    assert_eq!(decide_all(store, 5).len(), 1, "the line goes on");
}

fn held_mails_wait_for_a_person(store: &dyn Store) {
    keep(store, 4);
    let held = [1, 2].map(|seq| verdict(seq, Reason::SeveralSenders, "CJ", noon()));
    store.mails_decide(&held, noon()).unwrap();
    store
        .mails_decide(&[verdict(3, Reason::Request, "CJ", noon())], noon())
        .unwrap();
    let act = |mail_seq, desk| {
        let actor = "Ana Registrator".to_owned();
        store.mail_held_act(&HeldAct {
            mail_seq,
            desk,
            actor,
            at: noon(),
        })
    };
    let discard = || Desk::Discard {
        reason: "o glumă".into(),
    };
    let before = (mails(store), journal(store));
    for desk in [Desk::Release, discard()] {
        assert_refused(act(3, desk.clone()), "is not held: it is registered");
        assert_refused(act(4, desk.clone()), "still waits");
        assert_refused(act(5, desk), "mail 5 is not there");
    }
    let refusal = act(5, Desk::Release).unwrap_err();
    assert_eq!(refusal.disposition(), Disposition::GiveUp);
    assert_eq!(
        (mails(store), journal(store)),
        before,
        "a refusal changes nothing"
    );

    act(1, Desk::Release).unwrap();
    act(2, discard()).unwrap();
    assert_refused(act(1, discard()), "still waits");
    assert_refused(act(2, discard()), "is not held: it is ignored");
    assert_refused(act(2, Desk::Retry), "is not held: it is ignored");
    assert!(store.mails_held().unwrap().is_empty());
    let waiting = store.mails_undecided(10).unwrap();
    let told: Vec<_> = waiting
        .iter()
        .map(|mail| (mail.seq, mail.standing, mail.attempts))
        .collect();
    assert_eq!(told, [(1, Standing::ReleasedByClerk, 0), (4, Standing::New, 0)]);
    let discarded = store.mail(2).unwrap().unwrap().decision.unwrap();
    assert_eq!(
        (discarded.outcome, discarded.reason),
        (Outcome::Ignored, Reason::Discarded)
    );
    assert_eq!((discarded.detail.as_str(), discarded.replies), ("o glumă", false));
    let made = store
        .mails_decide(&[verdict(1, Reason::Released, "CJ", noon())], noon())
        .unwrap();
    assert_eq!(made[0].number.number, 2);
    let acts: Vec<_> = journal(store)
        .into_iter()
        .filter(|row| row.actor == "Ana Registrator")
        .collect();
    let told: Vec<_> = acts
        .iter()
        .map(|row| (row.kind.as_str(), row.subject.as_str()))
        .collect();
    assert_eq!(told, [("mail.released", "mail/1"), ("mail.discarded", "mail/2")]);
}

fn nothing_given_is_nothing_done(store: &dyn Store) {
    store.mail_keep(&[], noon()).unwrap();
    assert!(store.mails_decide(&[], noon()).unwrap().is_empty());
    assert!(
        store
            .mails_decide(&[verdict(1, Reason::Request, "CJ", noon())], noon())
            .unwrap()
            .is_empty()
    );
    store.receipts_issue(&[]).unwrap();
    let number = Number {
        register: "CJ".into(),
        number: 1,
        date: date(2026, 11, 20),
    };
    store.receipts_issue(&[issued(&number, noon())]).unwrap();
    assert_refused(
        store.receipt_failed(&number, 0, "nimic", noon()),
        "owes no receipt",
    );
    assert!(!store.mail_failed(1, "nimic", 1, noon()).unwrap());
    assert!(
        store
            .letters_claim_due(noon(), noon(), 5, &Pace::default())
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.backlog().unwrap(), recipisa::store::Backlog::default());
    assert!(mails(store).is_empty() && entries(store).is_empty() && journal(store).is_empty());
}
