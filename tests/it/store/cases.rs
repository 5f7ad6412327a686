//! Cases in the store: submissions, acts, planned letters and what makes them void, digests.

use jiff::civil::date;
use recipisa::casework::{Act, Consent, Document, HandoverWay, State};
use recipisa::followup::{self, Event, Kind, Planned};
use recipisa::outbox::pace::Pace;
use recipisa::outbox::{self, Outgoing};
use recipisa::registry::{Mentions, Number};
use recipisa::screening::{Outcome, Reason};
use recipisa::store::{
    Attempt, CaseAct, CaseRecord, DigestDone, FollowupDue, FollowupState, LetterState, Store, StoreError,
};

use super::*;

fn after(minutes: i64) -> Timestamp {
    noon() + jiff::SignedDuration::from_mins(minutes)
}

/// A store with one registered request.
fn with_request() -> (TempDir, SqliteStore, Number) {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("recipisa.db")).unwrap();
    store.mail_keep(&[arrival("1", "cerere")], noon()).unwrap();
    let made = store
        .mails_decide(&[verdict(1, Reason::Request, "CJ", noon())], noon())
        .unwrap();
    let number = made[0].number.clone();
    store.receipts_issue(&[issued(&number, noon())]).unwrap();
    (dir, store, number)
}

/// A reply of the citizen, with the consent where a file of that name is told.
fn reply(store: &SqliteStore, mail_seq: i64, number: &Number, consent: Option<&str>, at: Timestamp) -> u32 {
    store
        .mail_keep(
            &[arrival(&mail_seq.to_string(), &format!("raspuns {mail_seq}"))],
            at,
        )
        .unwrap();
    let mut verdict = verdict(mail_seq, Reason::Request, "CJ", at);
    verdict.decided.outcome = Outcome::Joined;
    verdict.decided.reason = Reason::Reply;
    verdict.decided.joins = Some(number.clone());
    if let Some(draft) = &mut verdict.decided.draft {
        draft.received_at = at;
    }
    if let Some(opening) = &mut verdict.opening {
        opening.consent_file = consent.map(str::to_owned);
    }
    let made = store.mails_decide(&[verdict], at).unwrap();
    assert_eq!(made[0].number, *number);
    made[0].submission
}

fn record(store: &SqliteStore, number: &Number) -> CaseRecord {
    store.case(number).unwrap().unwrap()
}

fn act(store: &SqliteStore, number: &Number, act: Act, planned: Vec<Planned>, at: Timestamp) {
    try_act(
        store,
        number,
        record(store, number).case.version,
        act,
        planned,
        at,
    )
    .unwrap();
}

fn try_act(
    store: &SqliteStore,
    number: &Number,
    version: u32,
    act: Act,
    planned: Vec<Planned>,
    at: Timestamp,
) -> Result<(), StoreError> {
    store.case_act(&CaseAct {
        number: number.clone(),
        version,
        voids: followup::voided_by(Event::Act(&act)),
        act,
        actor: "Maria".into(),
        at,
        planned,
        minutes: 30,
    })
}

fn clarify() -> Act {
    Act::Clarify {
        what: "copia cărții de identitate".into(),
        until: date(2026, 12, 9),
    }
}

fn planned(kind: Kind, ordinal: u32, due_at: Timestamp) -> Planned {
    Planned {
        kind,
        ordinal,
        due_at,
    }
}

/// Writes the letter of a planned one.
fn write(store: &SqliteStore, due: &FollowupDue, at: Timestamp) -> bool {
    let letter = Outgoing {
        message_id: format!(
            "{}-{}@ajofm-exemplu.test",
            due.planned.kind.as_str(),
            due.planned.ordinal
        ),
        kind: due.planned.kind.letter(),
        number: Some(due.number.clone()),
        ordinal: due.planned.ordinal,
        from: "somaj@ajofm-exemplu.test".into(),
        to: "ioana@exemplu.test".into(),
        sha256: sha256(due.planned.kind.as_str()),
        queued_at: at,
        not_after: None,
    };
    store.followup_done(due, &letter, at).unwrap()
}

fn states(record: &CaseRecord) -> Vec<(Kind, FollowupState)> {
    record
        .followups
        .iter()
        .map(|one| (one.planned.kind, one.state))
        .collect()
}

#[test]
fn submissions_join_in_their_order_and_owe_their_own_receipt() {
    let (dir, store, number) = with_request();
    assert_eq!(record(&store, &number).case.consent, Consent::Missing);
    assert_eq!(reply(&store, 2, &number, None, after(1)), 1);
    assert_eq!(reply(&store, 3, &number, Some("acord.pdf"), after(2)), 2);
    assert_eq!(reply(&store, 4, &number, Some("acord nou.pdf"), after(3)), 3);
    let owed = store.receipts_owed(after(4), 9).unwrap();
    let keys: Vec<_> = owed.iter().map(|one| one.entry.submission).collect();
    assert_eq!(keys, [1, 2, 3], "the request has its receipt already");
    let Consent::Found(found) = &owed[0].consent else {
        panic!("{:?}", owed[0].consent)
    };
    assert_eq!((found.submission, found.file_name.as_str()), (2, "acord.pdf"));
    let found = record(&store, &number);
    assert_eq!(found.submissions.len(), 3);
    assert_eq!(found.submissions[1].entry.mail_seq, 3);
    // A submission is no entry: the register has one.
    assert_eq!(entries(&store).len(), 1);
    let mail = store.mail(3).unwrap().unwrap().decision.unwrap();
    assert_eq!((mail.number, mail.submission), (Some(number), Some(2)));
    assert_sound(dir.path());
}

#[test]
fn a_case_is_found_by_letters_before_numbers() {
    let (_dir, store, number) = with_request();
    let letter = record(&store, &number).entry.letters[0].letter.message_id.clone();
    let known = |message_ids: Vec<String>, numbers: Vec<Number>| {
        store.cases_known(&Mentions { message_ids, numbers }).unwrap()
    };
    assert_eq!(known(vec!["strain@exemplu.test".into()], Vec::new()), []);
    let found = known(vec![letter], Vec::new());
    assert_eq!(found[0].number, number);
    assert_eq!(found[0].owner.as_deref(), Some("ioana@exemplu.test"));
    assert_eq!(known(Vec::new(), vec![number.clone()]).len(), 1);
    let wrong_day = Number {
        date: date(2026, 11, 19),
        ..number
    };
    assert_eq!(
        known(Vec::new(), vec![wrong_day]),
        [],
        "the date belongs to the number"
    );
}

#[test]
fn an_answer_counts_only_after_the_question_has_gone_out() {
    let (dir, store, number) = with_request();
    let plan = vec![
        planned(Kind::ClarificationRequest, 1, after(10)),
        planned(Kind::ClarificationReminder, 1, after(1_000)),
    ];
    act(&store, &number, clarify(), plan, after(5));
    assert_eq!(record(&store, &number).case.state(), State::AwaitingCitizen);
    assert_eq!(store.followups_due(after(9), 9).unwrap(), []);
    reply(&store, 2, &number, None, after(9));
    assert_eq!(record(&store, &number).case.state(), State::AwaitingCitizen);
    let due = store.followups_due(after(10), 9).unwrap();
    assert_eq!(due.len(), 1);
    assert!(write(&store, &due[0], after(10)));
    assert!(!write(&store, &due[0], after(11)), "written once");
    reply(&store, 3, &number, None, after(12));
    let found = record(&store, &number);
    assert_eq!(
        found.case.clarifications[0]
            .answer
            .map(|answer| answer.submission),
        Some(2)
    );
    assert_eq!(found.case.state(), State::Open);
    assert_eq!(
        states(&found),
        [
            (Kind::ClarificationRequest, FollowupState::Done),
            (Kind::ClarificationReminder, FollowupState::Void),
        ]
    );
    let answers = store.answers_between(after(12), after(13)).unwrap();
    assert_eq!(answers.len(), 1);
    assert_eq!(store.answers_between(after(13), after(14)).unwrap(), []);
    assert_sound(dir.path());
}

#[test]
fn a_mail_written_before_the_question_is_no_answer_to_it() {
    let (_dir, store, number) = with_request();
    let plan = vec![planned(Kind::ClarificationRequest, 1, after(60))];
    act(&store, &number, clarify(), plan, after(55));
    let due = store.followups_due(after(60), 9).unwrap().remove(0);
    assert!(write(&store, &due, after(60)));
    // The mailbox was away: what the citizen wrote half an hour before is fetched only now.
    store
        .mail_keep(&[arrival("2", "de dinainte")], after(61))
        .unwrap();
    let mut early = verdict(2, Reason::Request, "CJ", after(61));
    early.decided.outcome = Outcome::Joined;
    early.decided.reason = Reason::Reply;
    early.decided.joins = Some(number.clone());
    early.decided.draft.as_mut().unwrap().received_at = after(30);
    store.mails_decide(&[early], after(61)).unwrap();
    assert_eq!(record(&store, &number).case.state(), State::AwaitingCitizen);
    reply(&store, 3, &number, None, after(62));
    assert_eq!(record(&store, &number).case.state(), State::Open);
}

#[test]
fn a_reply_to_a_case_closed_meanwhile_is_decided_anew_and_stops_no_other() {
    let (_dir, store, number) = with_request();
    store
        .mail_keep(&[arrival("2", "raspuns"), arrival("3", "alta cerere")], after(5))
        .unwrap();
    let mut reply = verdict(2, Reason::Request, "CJ", after(5));
    reply.decided.outcome = Outcome::Joined;
    reply.decided.reason = Reason::Reply;
    reply.decided.joins = Some(number.clone());
    let reason = "retrasă".to_owned();
    act(&store, &number, Act::SetAside { reason }, Vec::new(), after(6));
    let other = verdict(3, Reason::Request, "CJ", after(7));
    let made = store.mails_decide(&[reply, other], after(7)).unwrap();
    let made: Vec<_> = made.iter().map(|entry| entry.mail_seq).collect();
    assert_eq!(made, [3]);
    let waiting = store.mails_undecided(9).unwrap();
    assert_eq!((waiting.len(), waiting[0].seq), (1, 2));
    assert!(record(&store, &number).submissions.is_empty());
}

#[test]
fn a_letter_whose_day_has_passed_is_void_and_never_sent() {
    let (_dir, store, number) = with_request();
    let plan = vec![planned(Kind::ClarificationRequest, 1, after(10))];
    act(&store, &number, clarify(), plan, after(5));
    let due = store.followups_due(after(10), 9).unwrap().remove(0);
    let letter = Outgoing {
        not_after: Some(after(20)),
        ..issued(&number, after(10)).letter.unwrap()
    };
    let letter = Outgoing {
        message_id: "intrebare@ajofm-exemplu.test".into(),
        kind: outbox::Kind::ClarificationRequest,
        ordinal: 1,
        ..letter
    };
    assert!(store.followup_done(&due, &letter, after(10)).unwrap());
    let claimed = store
        .letters_claim_due(after(21), after(30), 9, &Pace::default())
        .unwrap();
    assert!(claimed.iter().all(|due| due.letter.kind == outbox::Kind::Receipt));
    assert!(!store.letter_is_queued(&letter.message_id).unwrap());
    let last = record(&store, &number).entry.letters.pop().unwrap();
    assert_eq!(last.state, LetterState::Void);
}

#[test]
fn a_letter_that_became_void_is_not_claimed_any_more() {
    let (dir, store, number) = with_request();
    let receipt = store
        .letters_claim_due(noon(), after(1), 9, &Pace::default())
        .unwrap()
        .remove(0);
    let sent = Attempt::Sent {
        answer: "250 ok".into(),
    };
    store
        .letter_attempt_finish(&receipt.letter.message_id, &sent, noon())
        .unwrap();
    let plan = vec![planned(Kind::ClarificationRequest, 1, after(10))];
    act(&store, &number, clarify(), plan, after(5));
    let due = store.followups_due(after(10), 9).unwrap().remove(0);
    write(&store, &due, after(10));
    let claimed = store
        .letters_claim_due(after(10), after(20), 9, &Pace::default())
        .unwrap();
    assert_eq!(claimed[0].letter.kind, outbox::Kind::ClarificationRequest);
    assert_eq!(claimed[0].office.as_deref(), Some("cluj"));
    let decide = Act::Decide {
        on: date(2026, 11, 20),
        document: Document {
            name: "decizie.pdf".into(),
            sha256: sha256("decizie"),
        },
    };
    act(&store, &number, decide, Vec::new(), after(11));
    let id = &claimed[0].letter.message_id;
    let retry = Attempt::Retry {
        at: after(12),
        why: "450 mai târziu".into(),
    };
    store.letter_attempt_finish(id, &retry, after(11)).unwrap();
    assert_eq!(
        store
            .letters_claim_due(after(60), after(70), 9, &Pace::default())
            .unwrap(),
        []
    );
    let state = |record: CaseRecord| record.entry.letters.last().unwrap().state;
    assert_eq!(state(record(&store, &number)), LetterState::Void);
    assert_sound(dir.path());
    // The server had taken it after all: then it is told as it was.
    store.letter_attempt_finish(id, &sent, after(12)).unwrap();
    assert_eq!(state(record(&store, &number)), LetterState::Sent);
    assert_eq!(record(&store, &number).case.state(), State::Decided);
    assert_sound(dir.path());
}

#[test]
fn an_act_on_a_case_that_has_changed_is_refused() {
    let (_dir, store, number) = with_request();
    let version = record(&store, &number).case.version;
    reply(&store, 2, &number, None, after(1));
    let error = try_act(&store, &number, version, clarify(), Vec::new(), after(2)).unwrap_err();
    assert!(error.to_string().contains("has changed meanwhile"), "{error}");
    assert!(record(&store, &number).case.clarifications.is_empty());
}

#[test]
fn the_end_of_a_case_takes_it_off_the_open_ones() {
    let (dir, store, number) = with_request();
    let open = || {
        let mut open = Vec::new();
        store.cases_open_each(&mut |one| open.push(one)).unwrap();
        open
    };
    let decide = Act::Decide {
        on: date(2026, 11, 20),
        document: Document {
            name: "decizie.pdf".into(),
            sha256: sha256("decizie"),
        },
    };
    act(&store, &number, decide, Vec::new(), after(1));
    let pickup = Act::Pickup {
        starts: "2026-11-26T10:00".parse().unwrap(),
        place: "ghișeul 2".into(),
    };
    let plan = vec![
        planned(Kind::PickupInvitation, 1, after(2)),
        planned(Kind::PickupReminder, 1, after(2_000)),
    ];
    act(&store, &number, pickup, plan, after(2));
    assert_eq!(open()[0].planned.len(), 2);
    assert_eq!(open()[0].case.state(), State::Invited);
    let hand_over = Act::HandOver {
        on: date(2026, 11, 26),
        how: HandoverWay::InPerson,
    };
    act(&store, &number, hand_over, Vec::new(), after(3));
    assert!(open().is_empty());
    let found = record(&store, &number);
    assert_eq!(found.case.state(), State::Closed);
    assert!(found.followups.iter().all(|one| one.state == FollowupState::Void));
    let kinds: Vec<&str> = found.history.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "entry.registered",
            "receipt.issued",
            "decision.recorded",
            "pickup.arranged",
            "case.closed",
            "followup.void",
            "followup.void"
        ]
    );
    let mut walk = journal::Walk::default();
    store.journal_each(&mut |row| walk.step(&row)).unwrap();
    assert_eq!(walk.first_break(), None);
    assert_sound(dir.path());
}

#[test]
fn a_digest_is_recorded_once() {
    let (dir, store, _number) = with_request();
    assert_eq!(store.digest_last("cluj").unwrap(), None);
    let letter = |name: &str| Outgoing {
        message_id: format!("{name}@ajofm-exemplu.test"),
        kind: outbox::Kind::Digest,
        number: None,
        ordinal: 0,
        from: "somaj@ajofm-exemplu.test".into(),
        to: "registratura@ajofm-exemplu.test".into(),
        sha256: sha256(name),
        queued_at: after(1),
        not_after: None,
    };
    let done = |name: &str| DigestDone {
        scope: "cluj".into(),
        since: noon(),
        until: after(1),
        covers: 1,
        letters: vec![letter(name)],
        at: after(1),
    };
    assert!(store.digest_done(&done("d1")).unwrap());
    assert!(!store.digest_done(&done("d2")).unwrap());
    assert_eq!(store.digest_last("cluj").unwrap(), Some(after(1)));
    assert_eq!(store.digest_last("").unwrap(), None);
    let claimed = store
        .letters_claim_due(after(2), after(3), 9, &Pace::default())
        .unwrap();
    let digests: Vec<_> = claimed
        .iter()
        .filter(|due| due.letter.kind == outbox::Kind::Digest)
        .collect();
    assert_eq!(digests.len(), 1);
    assert_eq!(digests[0].office, None);
    assert_sound(dir.path());
}

#[test]
fn what_was_shown_is_what_the_mails_became() {
    let (_dir, store, number) = with_request();
    store.mail_keep(&[arrival("2", "cerere")], after(1)).unwrap();
    reply(&store, 3, &number, None, after(2));
    store.mail_keep(&[arrival("4", "nou")], after(3)).unwrap();
    let somaj = SourceId("somaj".into());
    let account = store.ledger_between(noon(), after(4)).unwrap().sources[&somaj].clone();
    assert_eq!((account.shown, account.awaited), (4, 0));
    assert_eq!(
        account.mails.into_iter().collect::<Vec<_>>(),
        [
            (None, 1),
            (Some(Outcome::Registered), 1),
            (Some(Outcome::Joined), 1),
            (Some(Outcome::Ignored), 1)
        ]
    );
    let between = store.ledger_between(after(1), after(3)).unwrap();
    assert_eq!((between.sources[&somaj].shown, between.misfits_total), (2, 0));
}
