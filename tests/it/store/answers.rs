//! Letters owed beside receipts, links between entries, and mails that are like earlier ones.

use jiff::{SignedDuration, Timestamp};
use recipisa::outbox::pace::Pace;
use recipisa::outbox::{self, Letterless, Outgoing};
use recipisa::registry::{Like, Likeness, Link, LinkState, LinkWhy, Linked, Number};
use recipisa::screening::{Outcome, Reason};
use recipisa::store::{
    AnswerKind, AnswerOwed, Attempt, Desk, HeldAct, LetterState, LinkAct, LinkVerdict, MailVerdict,
    ReceiptState, Store,
};

use super::contract::keep;
use super::{arrival, assert_refused, entries, issued, journal, mails, noon, sha256, verdict};

fn later(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

/// A letter about the mail, queued then.
fn letter(owed: &AnswerOwed, at: Timestamp) -> Outgoing {
    Outgoing {
        message_id: format!("mail-{}@ajofm-exemplu.test", owed.mail_seq),
        kind: outbox::Kind::TooLarge,
        number: None,
        ordinal: 0,
        from: "somaj@ajofm-exemplu.test".into(),
        to: "ioana@exemplu.test".into(),
        sha256: sha256("scrisoare"),
        queued_at: at,
        not_after: None,
    }
}

fn kinds_of(rows: &[recipisa::journal::Row], subject: &str) -> Vec<String> {
    let rows = rows.iter().filter(|row| row.subject == subject);
    rows.map(|row| row.kind.clone()).collect()
}

pub(super) fn an_answer_is_owed_written_once_and_counted(store: &dyn Store) {
    keep(store, 2);
    store
        .mails_decide(&[verdict(1, Reason::TooLarge, "CJ", noon())], noon())
        .unwrap();
    assert_eq!(
        mails(store)[0].decision.as_ref().unwrap().outcome,
        Outcome::Answered
    );
    assert_eq!(entries(store), [], "it has no number");
    let [owed] = &store.answers_owed(noon(), 9).unwrap()[..] else {
        panic!("not one letter is owed")
    };
    assert_eq!((owed.mail_seq, owed.kind), (1, AnswerKind::TooLarge));
    assert_eq!(owed.summary.sender_address.as_deref(), Some("ioana@exemplu.test"));
    // What is owed counts as what has gone.
    assert_eq!(store.letters_to("IOANA@exemplu.test", noon()).unwrap(), 1);
    assert_eq!(store.answers_since(noon()).unwrap(), 1);
    assert_eq!(store.backlog().unwrap().letters_queued, 1);

    store.answer_failed(owed, "nu merge", later(5)).unwrap();
    assert_eq!(store.answers_owed(later(4), 9).unwrap(), []);
    assert_eq!(store.backlog().unwrap().letters_failing, 1);
    assert_eq!(store.answers_owed(later(5), 9).unwrap()[0].attempts, 1);

    let letter = letter(owed, later(5));
    assert!(store.answer_done(owed, &letter).unwrap());
    let before = journal(store);
    assert!(
        !store.answer_done(owed, &letter).unwrap(),
        "a letter is queued once"
    );
    store.answer_void(owed, "prea târziu", later(6)).unwrap();
    assert_eq!(journal(store), before);
    assert_refused(store.answer_failed(owed, "x", later(6)), "is owed no letter");
    assert_eq!(store.letters_to("ioana@exemplu.test", noon()).unwrap(), 1);
    assert_eq!(store.answers_since(noon()).unwrap(), 1);
    let due = store
        .letters_claim_due(later(6), later(9), 9, &Pace::default())
        .unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].letter, letter);
}

pub(super) fn an_answer_that_cannot_be_sent_is_void(store: &dyn Store) {
    keep(store, 1);
    store
        .mails_decide(&[verdict(1, Reason::Encrypted, "CJ", noon())], noon())
        .unwrap();
    let owed = store.answers_owed(noon(), 9).unwrap().remove(0);
    store.answer_void(&owed, "no server", later(1)).unwrap();
    assert_eq!(store.answers_owed(later(1), 9).unwrap(), []);
    assert_eq!(store.answers_since(noon()).unwrap(), 0);
    assert_eq!(
        kinds_of(&journal(store), "mail/1"),
        ["mail.kept", "mail.decided", "answer.void"]
    );
}

/// The answer to the first mail owed is written and given up.
fn given_up(store: &dyn Store) -> i64 {
    let owed = store.answers_owed(noon(), 9).unwrap().remove(0);
    let letter = Outgoing {
        kind: match owed.kind {
            AnswerKind::TooLarge => outbox::Kind::TooLarge,
            AnswerKind::Encrypted => outbox::Kind::Encrypted,
            AnswerKind::ReadReport => outbox::Kind::ReadReport,
        },
        ..letter(&owed, noon())
    };
    store.answer_done(&owed, &letter).unwrap();
    store
        .letters_claim_due(later(1), later(2), 9, &Pace::default())
        .unwrap();
    let why = Attempt::GivenUp {
        why: "550 necunoscut".into(),
    };
    store
        .letter_attempt_finish(&letter.message_id, &why, later(1))
        .unwrap();
    owed.mail_seq
}

/// Its mail is named, and settling the mail ends it; a read report is nobody's.
pub(super) fn an_answer_given_up_is_a_task_until_its_mail_is_settled(store: &dyn Store) {
    keep(store, 3);
    let mut asks = verdict(3, Reason::Request, "CJ", noon());
    asks.decided.owes_read_report = true;
    let batch = [
        verdict(1, Reason::TooLarge, "CJ", noon()),
        verdict(2, Reason::Encrypted, "CJ", noon()),
        asks,
    ];
    let made = store.mails_decide(&batch, noon()).unwrap();
    // A read report goes only with the letter that carries the receipt.
    let number = &made[0].number;
    store.receipts_issue(&[issued(number, noon())]).unwrap();
    let counted = |wanted: u64| {
        assert_eq!(store.backlog().unwrap().letters_given_up, wanted);
        assert_eq!(store.waiting().unwrap().letters_given_up, wanted);
        assert_eq!(store.letters_troubled().unwrap().len() as u64, wanted);
    };
    assert_eq!([(); 3].map(|()| given_up(store)), [1, 2, 3]);
    counted(2);
    let troubled = store.letters_troubled().unwrap();
    let mut mails = troubled.iter().filter_map(|trouble| trouble.mail.as_ref());
    let mail = mails.find(|mail| mail.seq == 1).unwrap();
    assert_eq!(
        (mail.seq, mail.source.0.as_str(), mail.sender.as_deref()),
        (1, "somaj", Some("ioana@exemplu.test"))
    );
    assert_eq!(mail.subject, "Cerere");
    let letters = store.mail_letters(1).unwrap();
    assert_eq!(letters.answers[0].state, LetterState::GivenUp);
    assert_eq!(letters.spoken_of, []);
    let act = |mail_seq, desk| {
        store.mail_held_act(&HeldAct {
            mail_seq,
            desk,
            actor: "Ana".into(),
            at: later(3),
        })
    };
    act(
        1,
        Desk::Discard {
            reason: "a telefonat".into(),
        },
    )
    .unwrap();
    counted(1);
    act(2, Desk::Release).unwrap();
    counted(0);
}

/// A request with this content, Message-ID and sender.
fn like(mail_seq: i64, sender: &str, likeness: Likeness) -> MailVerdict {
    let mut verdict = verdict(mail_seq, Reason::Request, "CJ", noon());
    verdict.decided.summary.sender_address = Some(sender.to_owned());
    verdict.decided.summary.message_id = likeness.message_id.clone();
    verdict.decided.likeness = Likeness {
        sender: Some(sender.to_owned()),
        ..likeness
    };
    verdict
}

pub(super) fn mails_alike_are_found(store: &dyn Store) {
    keep(store, 4);
    let likeness = |sender: &str, id: &str, content: &str| Likeness {
        message_id: Some(id.to_owned()),
        sender: Some(sender.to_owned()),
        content: content.to_owned(),
        text: Some("vorbe".to_owned()),
        files: Some("acte".to_owned()),
    };
    let verdicts = [
        like(1, "altul@e.test", likeness("altul@e.test", "x@e.test", "unu")),
        like(2, "Ana@e.test", likeness("Ana@e.test", "x@e.test", "unu")),
        like(3, "ana@e.test", likeness("ana@e.test", "y@e.test", "doi")),
    ];
    store.mails_decide(&verdicts, noon()).unwrap();
    let found = |likeness: &Likeness| -> Vec<(i64, Like)> {
        let mut found: Vec<(i64, Like)> = store
            .mails_alike(likeness)
            .unwrap()
            .into_iter()
            .map(|one| (one.mail_seq, one.like))
            .collect();
        found.sort_unstable();
        found
    };
    let files_and_text = [1, 2, 3].map(|seq| [(seq, Like::Files), (seq, Like::Text)]);
    let mut wanted: Vec<(i64, Like)> = files_and_text.into_iter().flatten().collect();
    wanted.extend([(2, Like::Message), (2, Like::MessageId)]);
    wanted.sort_unstable();
    assert_eq!(found(&likeness("ana@e.test", "x@e.test", "unu")), wanted);
    // Another content under the same Message-ID is another message, and a stranger's Message-ID says nothing.
    let other = found(&likeness("ana@e.test", "x@e.test", "trei"));
    assert!(other.contains(&(2, Like::MessageId)) && !other.iter().any(|(_, like)| *like == Like::Message));
    let stranger = found(&likeness("rau@e.test", "x@e.test", "unu"));
    assert!(
        stranger
            .iter()
            .all(|(_, like)| matches!(like, Like::Files | Like::Text))
    );
    assert_eq!(found(&Likeness::default()), []);
}

/// The very same message is found behind any number of others under its Message-ID, and the same few words again.
pub(super) fn the_same_is_found_behind_many(store: &dyn Store) {
    keep(store, 8);
    let note = |id: &str, content: &str| Likeness {
        message_id: Some(id.to_owned()),
        sender: Some("ana@e.test".to_owned()),
        content: content.to_owned(),
        text: None,
        files: None,
    };
    let verdicts: Vec<_> = (1..=8)
        .map(|seq| like(seq, "ana@e.test", note("x@e.test", &format!("cuprins {seq}"))))
        .collect();
    store.mails_decide(&verdicts, noon()).unwrap();
    let found = |likeness: &Likeness| -> Vec<(i64, Like)> {
        let alike = store.mails_alike(likeness).unwrap();
        alike.into_iter().map(|one| (one.mail_seq, one.like)).collect()
    };
    assert!(found(&note("x@e.test", "cuprins 8")).contains(&(8, Like::Message)));
    let again = note("y@e.test", "cuprins 8");
    assert_eq!(found(&again), [(8, Like::Text)]);
    let stranger = Likeness {
        sender: Some("rau@e.test".into()),
        ..again
    };
    assert_eq!(found(&stranger), []);
}

/// Two entries, the second linked to the first.
fn two_linked(store: &dyn Store) -> (Number, Number) {
    keep(store, 3);
    let mut second = verdict(2, Reason::Request, "CJ", noon());
    second.decided.links = vec![
        Link {
            earlier: Linked::Mail(1),
            why: LinkWhy::Files,
            told: true,
        },
        // A mail that has no number, and the same entry again.
        Link {
            earlier: Linked::Mail(77),
            why: LinkWhy::Text,
            told: true,
        },
        Link {
            earlier: Linked::Mail(1),
            why: LinkWhy::Text,
            told: false,
        },
    ];
    let batch = [verdict(1, Reason::Request, "CJ", noon()), second];
    let made = store.mails_decide(&batch, noon()).unwrap();
    (made[0].number.clone(), made[1].number.clone())
}

pub(super) fn links_are_proposed(store: &dyn Store) {
    let (first, second) = two_linked(store);
    let [proposal] = &store.links_proposed().unwrap()[..] else {
        panic!("not one link")
    };
    let link = &proposal.link;
    assert_eq!(
        (&link.later, &link.earlier, link.why),
        (&second, &first, LinkWhy::Files)
    );
    assert_eq!(
        (link.state, link.told, proposal.office.as_str()),
        (LinkState::Proposed, true, "cluj")
    );
    let owed = store.receipts_owed(noon(), 9).unwrap();
    let told: Vec<usize> = owed.iter().map(|one| one.links.len()).collect();
    assert_eq!(told, [0, 1], "only the later receipt speaks of it");
    for number in [&first, &second] {
        assert_eq!(store.entry(number).unwrap().unwrap().links.len(), 1);
    }
}

pub(super) fn links_are_decided(store: &dyn Store) {
    let (first, second) = two_linked(store);
    let act = |later: &Number, earlier: &Number, verdict| LinkAct {
        later: later.clone(),
        earlier: earlier.clone(),
        verdict,
        actor: "Ana Registrator".into(),
        at: noon() + SignedDuration::from_mins(30),
    };
    store
        .link_act(&act(&second, &first, LinkVerdict::Reject))
        .unwrap();
    assert_eq!(store.links_proposed().unwrap(), []);
    let twice = store.link_act(&act(&second, &first, LinkVerdict::Reject));
    assert_refused(twice, "rejected already");
    // A clerk may think again, and may link what nobody proposed.
    store
        .link_act(&act(&second, &first, LinkVerdict::Confirm))
        .unwrap();
    // One pair is one link, in whichever order it is named.
    assert_refused(
        store.link_act(&act(&first, &second, LinkVerdict::Confirm)),
        "confirmed already",
    );
    assert_refused(
        store.link_act(&act(&first, &first, LinkVerdict::Confirm)),
        "itself",
    );
    store
        .link_act(&act(&first, &second, LinkVerdict::Reject))
        .unwrap();
    let nobody = Number {
        number: 99,
        ..first.clone()
    };
    assert_refused(
        store.link_act(&act(&first, &nobody, LinkVerdict::Confirm)),
        "no entry",
    );
    let links = store.entry(&first).unwrap().unwrap().links;
    let said: Vec<_> = links.iter().map(|link| (link.why, link.state)).collect();
    assert_eq!(said, [(LinkWhy::Files, LinkState::Rejected)]);
    assert_eq!((&links[0].later, &links[0].earlier), (&second, &first));
    assert!(
        links
            .iter()
            .all(|link| { link.decided.as_ref().map(|(_, by)| by.as_str()) == Some("Ana Registrator") })
    );
    let rows = journal(store);
    let acts = kinds_of(&rows, &format!("entry/{}", second.key()));
    assert_eq!(
        acts,
        [
            "entry.registered",
            "link.proposed",
            "link.rejected",
            "link.confirmed",
            "link.rejected"
        ]
    );
}

pub(super) fn a_copy_tells_its_first(store: &dyn Store) {
    keep(store, 1);
    let mut elsewhere = arrival("b", "alți octeți");
    elsewhere.sighting.source.0 = "dej".into();
    store.mail_keep(&[elsewhere], noon()).unwrap();
    let mut copy = verdict(2, Reason::SameMessage, "CJ", noon());
    copy.decided.same_as = Some(1);
    let batch = [verdict(1, Reason::Request, "CJ", noon()), copy];
    let made = store.mails_decide(&batch, noon()).unwrap();
    assert_eq!(made.len(), 1, "one registration");
    let [copy] = &store.copies_between(noon(), later(1)).unwrap()[..] else {
        panic!("not one copy")
    };
    assert_eq!((copy.mail_seq, &copy.number), (2, &made[0].number));
    assert_eq!(
        (copy.source.0.as_str(), copy.first_source.0.as_str()),
        ("dej", "somaj")
    );
    let of_case = store.copies_of(&made[0].number).unwrap();
    assert_eq!(of_case, std::slice::from_ref(copy));
    let other = Number {
        number: 99,
        ..made[0].number.clone()
    };
    assert_eq!(store.copies_of(&other).unwrap(), []);
    let detail = mails(store)[1].decision.as_ref().unwrap().detail.clone();
    assert!(
        detail.contains(&made[0].number.to_string()) && detail.contains("somaj"),
        "{detail}"
    );
    assert_eq!(store.copies_between(later(1), later(2)).unwrap(), []);
}

pub(super) fn a_receipt_that_waits_is_sent_at_a_persons_word(store: &dyn Store) {
    keep(store, 2);
    let batch = [1, 2].map(|seq| verdict(seq, Reason::Request, "CJ", noon()));
    let made = store.mails_decide(&batch, noon()).unwrap();
    let waiting = |number: &Number, why| {
        let mut waiting = issued(number, noon());
        (waiting.letter, waiting.letterless) = (None, Some(why));
        waiting
    };
    let (first, second) = (&made[0].number, &made[1].number);
    store
        .receipts_issue(&[
            waiting(first, Letterless::Budget),
            waiting(second, Letterless::NoAddress),
        ])
        .unwrap();
    assert_eq!(
        store.entry(first).unwrap().unwrap().letterless,
        Some(Letterless::Budget)
    );
    assert_eq!(store.backlog().unwrap().unanswered, 2);
    assert_refused(store.receipts_want(second, "Ana", later(1)), "no address");
    assert_eq!(store.receipts_want(first, "Ana", later(1)).unwrap(), [0]);
    assert_eq!(store.backlog().unwrap().letters_queued, 1);
    let wanted = store.receipts_wanted(later(1), 9).unwrap().remove(0);
    assert_eq!((&wanted.owing.entry.number, wanted.issued_at), (first, noon()));
    store.receipt_want_failed(&wanted, "nu merge", later(9)).unwrap();
    assert_eq!(store.receipts_wanted(later(8), 9).unwrap(), []);
    let letter = issued(first, later(9)).letter.unwrap();
    assert!(store.receipt_carried(&wanted, &letter).unwrap());
    assert!(!store.receipt_carried(&wanted, &letter).unwrap(), "one letter");
    let record = store.entry(first).unwrap().unwrap();
    assert_eq!((record.letterless, record.letters.len()), (None, 1));
    assert_eq!(record.letters[0].state, LetterState::Queued);
    assert!(matches!(record.receipt, ReceiptState::Issued { at, .. } if at == noon()));
    assert_eq!(
        store.receipts_want(first, "Ana", later(10)).unwrap(),
        [] as [u32; 0]
    );
    assert_eq!(store.backlog().unwrap().unanswered, 1);
}

pub(super) fn a_receipt_for_an_unusable_address_is_not_tried_for_ever(store: &dyn Store) {
    keep(store, 1);
    let made = store
        .mails_decide(&[verdict(1, Reason::Request, "CJ", noon())], noon())
        .unwrap();
    let number = &made[0].number;
    let mut waiting = issued(number, noon());
    (waiting.letter, waiting.letterless) = (None, Some(Letterless::Budget));
    store.receipts_issue(&[waiting]).unwrap();
    store.receipts_want(number, "Ana", later(1)).unwrap();
    let wanted = store.receipts_wanted(later(1), 9).unwrap().remove(0);
    store.receipt_unreachable(&wanted).unwrap();
    assert_eq!(store.receipts_wanted(later(99), 9).unwrap(), []);
    assert_refused(store.receipts_want(number, "Ana", later(2)), "no address");
}
