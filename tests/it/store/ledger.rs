//! What every store promises about messages that were shown: they are noted first, come to an outcome also without bytes,
//! may come later, and are all counted.

use jiff::SignedDuration;
use recipisa::digest::MisfitFault;
use recipisa::mailbox::{Extent, SourceId, SourceKey};
use recipisa::registry::Instructions;
use recipisa::screening::{Outcome, Reason, Standing};
use recipisa::store::{Arrival, Bodiless, Desk, Footing, HeldAct, Known, MailRecord, Store, Unread};
use tempfile::TempDir;

use super::contract::{decide_all, keep, kinds};
use super::{arrival, assert_refused, assert_sound, entries, key, mails, noon, open, raw, sha256, verdict};

fn after(seconds: i64) -> jiff::Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

fn somaj() -> SourceId {
    SourceId("somaj".into())
}

fn keys(names: &[&str]) -> Vec<SourceKey> {
    names.iter().map(|name| key(name)).collect()
}

#[track_caller]
fn known(store: &dyn Store, name: &str) -> Known {
    let listing = store.sightings_note(&somaj(), &keys(&[name]), after(99)).unwrap();
    listing.known.into_iter().next().unwrap()
}

fn bare(name: &str) -> Arrival {
    Arrival {
        extent: Extent::Nothing,
        ..arrival(name, "")
    }
}

fn bodiless(name: &str, reason: Reason, detail: &str) -> Bodiless {
    Bodiless {
        arrival: bare(name),
        reason,
        detail: detail.to_owned(),
    }
}

fn act(store: &dyn Store, mail_seq: i64, desk: Desk) -> Result<(), recipisa::store::StoreError> {
    store.mail_held_act(&HeldAct {
        mail_seq,
        desk,
        actor: "Ana Registrator".into(),
        at: after(500),
    })
}

#[track_caller]
fn mail(store: &dyn Store, seq: i64) -> MailRecord {
    store.mail(seq).unwrap().unwrap()
}

#[track_caller]
fn decided(store: &dyn Store, seq: i64) -> (Outcome, Reason, String) {
    let decision = mail(store, seq).decision.unwrap();
    (decision.outcome, decision.reason, decision.detail)
}

pub(super) fn a_message_is_noted_before_it_is_kept(store: &dyn Store) {
    let listed = keys(&["1", "2", "3"]);
    let first = store.sightings_note(&somaj(), &listed, noon()).unwrap();
    assert_eq!((first.new, first.gone.len()), (3, 0));
    assert!(
        first
            .known
            .iter()
            .all(|one| one.footing == Footing::Awaited && one.attempts == 0 && one.shown_at == noon())
    );
    assert!(mails(store).is_empty());
    let again = store.sightings_note(&somaj(), &listed, after(60)).unwrap();
    assert_eq!(
        (again.new, &again.known),
        (0, &first.known),
        "noted once, with its first time"
    );
    let elsewhere = store
        .sightings_note(&SourceId("dej".into()), &keys(&["1"]), after(60))
        .unwrap();
    assert_eq!(
        (elsewhere.new, elsewhere.gone.len()),
        (1, 0),
        "a key belongs to its source"
    );

    store.mail_keep(&[arrival("2", "o cerere")], after(61)).unwrap();
    let failed = Unread {
        key: key("1"),
        why: "NO [SERVERBUG]".into(),
        next_at: after(120),
    };
    store
        .sightings_unread(&somaj(), &[failed.clone(), failed])
        .unwrap();
    let one = known(store, "1");
    assert_eq!(
        (one.attempts, one.next_at, one.footing),
        (2, after(120), Footing::Awaited)
    );
    let whole = Footing::Kept {
        extent: Extent::Whole,
        is_recalled: false,
        reason: None,
    };
    assert_eq!(known(store, "2").footing, whole);

    // Only what is awaited can be missed, and only listings in a row count.
    let gone = |names: &[&str]| -> Vec<(String, u32)> {
        let listing = store.sightings_note(&somaj(), &keys(names), after(90)).unwrap();
        listing
            .gone
            .into_iter()
            .map(|one| (one.key.0, one.absent))
            .collect()
    };
    gone(&["1", "3"]);
    assert_eq!(gone(&["1"]), [("3".to_owned(), 1)]);
    assert_eq!(gone(&["1", "3"]), []);
    assert_eq!(gone(&["1"]), [("3".to_owned(), 1)]);
    assert_eq!(gone(&["1"]), [("3".to_owned(), 2)]);
    let waiting = store.waiting().unwrap().awaited;
    assert_eq!((waiting.count, waiting.oldest), (3, Some(noon())));
    assert_eq!(
        store.sightings_lost(&somaj(), &keys(&["1", "2", "7"])).unwrap(),
        keys(&["7"])
    );
}

pub(super) fn a_message_without_bytes_has_its_outcome(store: &dyn Store) {
    store
        .sightings_note(&somaj(), &keys(&["1", "2", "3"]), noon())
        .unwrap();
    let lost = [
        bodiless("1", Reason::Unfetchable, "NO [SERVERBUG] internal error"),
        bodiless("2", Reason::Vanished, ""),
    ];
    assert_eq!(store.mails_bodiless(&lost, after(10)).unwrap(), [1, 2]);
    let detail = "NO [SERVERBUG] internal error".to_owned();
    assert_eq!(decided(store, 1), (Outcome::Held, Reason::Unfetchable, detail));
    assert_eq!(decided(store, 2).1, Reason::Vanished);
    assert_eq!(store.mails_held().unwrap().len(), 1);
    assert!(
        mails(store)
            .iter()
            .all(|mail| mail.extent == Extent::Nothing && mail.size_bytes == 0)
    );
    assert!(store.mails_undecided(9).unwrap().is_empty());
    let told = [
        "mail.kept mail/1",
        "mail.decided mail/1",
        "mail.kept mail/2",
        "mail.decided mail/2",
    ];
    assert_eq!(kinds(store), told);
    // An empty mail that really came is no repeat of those that did not.
    store.mail_keep(&[arrival("3", "")], after(11)).unwrap();
    assert_eq!(store.mails_undecided(9).unwrap().len(), 1);

    // They come after all: one whole, one as a repeat of a mail that is here.
    store
        .mail_keep(&[arrival("1", "o cerere"), arrival("2", "o cerere")], after(20))
        .unwrap();
    let waiting: Vec<i64> = store
        .mails_undecided(9)
        .unwrap()
        .iter()
        .map(|mail| mail.seq)
        .collect();
    assert_eq!(waiting, [1, 3]);
    assert_eq!(mail(store, 1).sha256, sha256("o cerere"));
    assert_eq!(
        decided(store, 2),
        (Outcome::Ignored, Reason::Duplicate, "mail 1".into())
    );
    assert_eq!(decide_all(store, 5).len(), 2);
    assert_eq!(
        store.mails_bodiless(&lost, after(30)).unwrap(),
        [0_i64; 0],
        "what is here stays"
    );
    assert_eq!(entries(store)[0].entry.mail_sha256, sha256("o cerere"));
}

/// A clerk wants the rest of a mail of which only the header is here.
pub(super) fn a_recalled_mail_comes_whole(store: &dyn Store) {
    let header = |name: &str| Arrival {
        extent: Extent::HeaderOnly,
        ..arrival(name, &format!("antet {name}"))
    };
    store.mail_keep(&[header("1"), header("2")], noon()).unwrap();
    let oversized = [1, 2].map(|seq| verdict(seq, Reason::Oversized, "CJ", noon()));
    store.mails_decide(&oversized, noon()).unwrap();
    act(store, 1, Desk::Release).unwrap();
    let asked = mail(store, 1);
    assert!(
        asked.is_recalled && asked.decision.is_some(),
        "it stays held until it comes"
    );
    assert!(store.mails_undecided(9).unwrap().is_empty());
    for (name, wanted) in [("1", true), ("2", false)] {
        let Footing::Kept { is_recalled, .. } = known(store, name).footing else {
            panic!("{name} is no mail");
        };
        assert_eq!(is_recalled, wanted, "{name}");
    }
    // It is not listed any more, for the second time after the look just now, and the clerk must know.
    let gone = || {
        store
            .sightings_note(&somaj(), &keys(&["2"]), after(1))
            .unwrap()
            .gone
    };
    assert_eq!((gone()[0].absent, gone()[0].absent), (2, 3));
    assert!(gone()[0].is_recalled);
    let words = "serverul nu mai arată mesajul";
    let lost = [bodiless("1", Reason::Unfetchable, words)];
    assert_eq!(store.mails_bodiless(&lost, after(2)).unwrap(), [1]);
    assert_eq!(
        decided(store, 1),
        (Outcome::Held, Reason::Unfetchable, words.into())
    );
    assert_eq!(
        mail(store, 1).extent,
        Extent::HeaderOnly,
        "its header is still here"
    );
    assert!(gone().is_empty());

    act(store, 1, Desk::Retry).unwrap();
    store.mail_keep(&[header("1")], after(3)).unwrap();
    assert!(
        mail(store, 1).is_recalled,
        "the header alone is not what was wanted"
    );
    store
        .mail_keep(&[arrival("1", "mesajul întreg")], after(3))
        .unwrap();
    let waiting = store.mails_undecided(9).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].extent, waiting[0].standing),
        (Extent::Whole, Standing::ReleasedByClerk)
    );
    assert!(!mail(store, 1).is_recalled);
    let released = verdict(1, Reason::Released, "CJ", after(4));
    assert_eq!(store.mails_decide(&[released], after(4)).unwrap().len(), 1);
    act(store, 2, Desk::Retry).unwrap();
    act(store, 2, Desk::Discard { reason: "nu".into() }).unwrap();
    assert!(!mail(store, 2).is_recalled);
}

/// What the clerk says waits with the mail for its decision.
pub(super) fn a_registering_clerk_is_obeyed(store: &dyn Store) {
    keep(store, 5);
    let reasons = [Reason::Request, Reason::NoSender, Reason::List, Reason::Bounce];
    let verdicts: Vec<_> = (1..)
        .zip(reasons)
        .map(|(seq, reason)| verdict(seq, reason, "CJ", noon()))
        .collect();
    let number = store.mails_decide(&verdicts, noon()).unwrap()[0].number.clone();
    store.mail_keep(&[arrival("repeat", "mail-1")], noon()).unwrap();
    let register = Desk::Register {
        sender: Some("ioana@exemplu.test".into()),
        name: Some("Ioana Păstrăvanu".into()),
        request_type: None,
    };
    let join = |number| Desk::Join { number };
    act(store, 2, register.clone()).unwrap();
    act(store, 3, join(number.clone())).unwrap();
    act(store, 4, Desk::Release).unwrap();
    let told: Vec<_> = store
        .mails_undecided(9)
        .unwrap()
        .into_iter()
        .map(|mail| (mail.seq, mail.standing, mail.instructions))
        .collect();
    let by_clerk = Standing::ReleasedByClerk;
    assert_eq!(
        told,
        [
            (2, by_clerk, register.instructions()),
            (
                3,
                by_clerk,
                Some(Instructions::Join {
                    number: number.clone()
                })
            ),
            (4, by_clerk, None),
            (5, Standing::New, None),
        ]
    );
    let other_day = recipisa::registry::Number {
        date: jiff::civil::date(2026, 11, 19),
        ..number.clone()
    };
    store
        .mails_decide(&[verdict(5, Reason::NoSender, "CJ", noon())], noon())
        .unwrap();
    for (seq, desk, words) in [
        (1, Desk::Release, "is not held: it is registered"),
        (1, register.clone(), "is not held: it is registered"),
        (2, register, "still waits"),
        (5, join(other_day), "there is no case CJ-1/19.11.2026"),
        (6, Desk::Release, "has the same bytes as mail 1"),
        (7, Desk::Retry, "mail 7 is not there"),
    ] {
        assert_refused(act(store, seq, desk), words);
    }
    let acts: Vec<(String, String)> = super::journal(store)
        .into_iter()
        .filter(|row| row.actor == "Ana Registrator")
        .map(|row| (row.subject, row.body))
        .collect();
    assert_eq!(acts[0].0, "mail/2");
    assert!(acts[0].1.contains("ioana@exemplu.test"), "{acts:?}");
    assert_eq!(acts[1].1, r#"{"join":"CJ/2026/1"}"#);
    assert_eq!(acts[2].1, "{}");
}

pub(super) fn the_equation_balances_and_names_what_does_not_fit(store: &dyn Store) {
    store
        .sightings_note(&somaj(), &keys(&["1", "2", "3"]), noon())
        .unwrap();
    store
        .mail_keep(&[arrival("1", "una"), arrival("2", "alta")], after(100))
        .unwrap();
    store
        .mails_decide(&[verdict(1, Reason::Request, "CJ", after(101))], after(101))
        .unwrap();
    let ledger = store.ledger_between(noon(), after(1)).unwrap();
    let account = &ledger.sources[&somaj()];
    assert_eq!(
        (account.shown, account.awaited),
        (3, 1),
        "by the time when they were shown"
    );
    let mails: Vec<_> = account
        .mails
        .iter()
        .map(|(outcome, mails)| (*outcome, *mails))
        .collect();
    assert_eq!(mails, [(None, 1), (Some(Outcome::Registered), 1)]);
    assert_eq!((ledger.misfits_total, ledger.misfits.len()), (0, 0));
    let later = store.ledger_between(after(1), after(999)).unwrap();
    assert!(
        later.sources.is_empty(),
        "they are not counted again when they are kept"
    );
}

/// Somebody has changed the tables; every message is named, also where the sums agree.
#[test]
fn a_broken_ledger_is_named_message_by_message() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    store
        .sightings_note(&somaj(), &keys(&["1", "2", "3", "4"]), noon())
        .unwrap();
    let arrivals = ["1", "2", "3"].map(|name| arrival(name, name));
    store.mail_keep(&arrivals, noon()).unwrap();
    assert_sound(folder.path());
    raw(folder.path())
        .execute_batch(
            "DELETE FROM mail WHERE source_key = '1';
             DELETE FROM sighting WHERE source_key = '2';
             UPDATE sighting SET kept = 0 WHERE source_key = '3';",
        )
        .unwrap();
    let ledger = store.ledger_between(noon(), after(1)).unwrap();
    let named: Vec<_> = ledger
        .misfits
        .iter()
        .map(|one| (one.key.0.as_str(), one.fault))
        .collect();
    assert_eq!(
        named,
        [
            ("1", MisfitFault::MailMissing),
            ("2", MisfitFault::SightingMissing),
            ("3", MisfitFault::StillAwaited),
        ]
    );
    assert_eq!(ledger.misfits_total, 3);
    assert_eq!(known(&store, "1").footing, Footing::Lost);
    assert_eq!(
        store.sightings_lost(&somaj(), &keys(&["1", "3"])).unwrap(),
        keys(&["1"])
    );
    // Two faults that cancel each other in the sums.
    raw(folder.path())
        .execute_batch(
            "UPDATE sighting SET kept = 1; UPDATE mail SET source_key = 'altul' WHERE source_key = '3'",
        )
        .unwrap();
    let ledger = store.ledger_between(noon(), after(1)).unwrap();
    let account = &ledger.sources[&somaj()];
    assert!(
        ledger.misfits.iter().any(|one| one.key == key("altul")),
        "{ledger:?}"
    );
    assert!(ledger.misfits.iter().any(|one| one.key == key("3")), "{ledger:?}");
    assert!(account.shown > 0);
}
