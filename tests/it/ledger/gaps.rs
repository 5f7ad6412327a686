//! Messages that break the line for others, that are here by their header under two keys, and that a clerk decides about
//! while their bytes are on the way.

use recipisa::store::Arrival;

use super::*;

/// What the IMAP client does after a broken line: it asks for each that is missing alone, until two have broken it again.
pub(super) fn one_by_one(script: &Script, wanted: &[Wanted], mut given: Yield) -> Yield {
    let mut breaks = 0;
    for one in &wanted[given.mails.len()..] {
        let key = one.sighting.key.clone();
        match script.shown.get(&key.0).map(|(habit, _)| habit) {
            _ if breaks == 2 => {
                given.unasked.insert(key);
            }
            Some(Habit::Gives(bytes)) => given.mails.push(RawMail {
                sighting: one.sighting.clone(),
                extent: one.extent,
                bytes: bytes.clone(),
            }),
            Some(Habit::Breaks | Habit::Refuses(_) | Habit::Silent) | None => {
                breaks += 1;
                given.refused.push((key, "the connection broke".to_owned()));
            }
        }
    }
    given
}

#[test]
fn two_poisons_hold_nothing_up_but_themselves() {
    let stage = Stage::new();
    stage.script.borrow_mut().is_imap = true;
    for name in ["20-a", "20-b"] {
        stage.show(name, Habit::Breaks);
    }
    for name in ["20-c", "20-d", "20-e", "20-f"] {
        stage.show(name, request(name));
    }
    stage.pass();
    let waiting = stage.store.waiting().unwrap();
    assert_eq!(waiting.awaited.count, 6);
    stage.minutes(5);
    assert_eq!(stage.mails().len(), 4, "they come while the poisons wait");
    stage.minutes(60);
    let held: Vec<_> = stage
        .store
        .mails_held()
        .unwrap()
        .iter()
        .map(|mail| mail.seq)
        .collect();
    assert_eq!(held, [5, 6]);
    // Mail that comes when both are asked for again waits for the next look only.
    for name in ["20-g", "20-h"] {
        stage.show(name, request(name));
    }
    stage.minutes(2);
    assert_eq!(stage.store.mails_undecided(9).unwrap().len(), 6);
    stage.assert_in_order();
}

fn large(name: &str) -> Habit {
    let header = "From: ana@exemplu.test\r\nSubject: mare\r\n\r\n";
    Habit::Gives(format!("{header}{name}{}", "x".repeat(20_000)).into_bytes())
}

/// An oversized message whose folder has new numbers: the same header under another key.
fn seen_again() -> Stage {
    let stage = Stage::new();
    stage.show("20-mare", large("a"));
    stage.pass();
    let held = crate::store::verdict(1, Reason::Oversized, "CJ", stage.now.get());
    stage.store.mails_decide(&[held], stage.now.get()).unwrap();
    let shown = stage.script.borrow_mut().shown.remove("20-mare").unwrap();
    stage.script.borrow_mut().shown.insert("20-nou".to_owned(), shown);
    stage.pass();
    assert_eq!(stage.decided(2).1, Reason::Duplicate);
    stage
}

#[test]
fn a_duplicate_by_its_header_can_be_released() {
    let stage = seen_again();
    // The first is asked for in vain, and says where the message is.
    stage.act(1, Desk::Release);
    stage.minutes(2);
    let (_, reason, detail) = stage.decided(1);
    assert_eq!(reason, Reason::Unfetchable);
    assert!(detail.ends_with("mesajul 2"), "{detail}");
    stage.act(2, Desk::Release);
    assert_eq!(stage.pass().kept, 1);
    let waiting = stage.store.mails_undecided(9).unwrap();
    assert_eq!((waiting.len(), waiting[0].seq), (1, 2));
    assert_eq!(stage.mails()[1].extent, Extent::Whole);
    stage.assert_in_order();
}

#[test]
fn a_duplicate_by_its_header_is_taken_when_the_limit_allows() {
    let mut stage = seen_again();
    assert_eq!(stage.pass().kept, 0);
    stage.measure.mail_bytes_max = 50_000;
    assert_eq!(stage.pass().kept, 1);
    assert_eq!(stage.store.mails_undecided(9).unwrap()[0].seq, 2);
    stage.assert_in_order();
}

fn arrival(stage: &Stage, key: &str, extent: Extent, bytes: &[u8], received_at: &str) -> Arrival {
    use recipisa::store::Archive;
    Arrival {
        sighting: Sighting {
            source: SourceId("somaj".into()),
            key: SourceKey(key.to_owned()),
            received_at: None,
            size_bytes: bytes.len() as u64,
            mdn_sent: false,
        },
        received_at: received_at.parse().unwrap(),
        extent,
        sha256: stage.archive.put(bytes).unwrap(),
        size_bytes: bytes.len() as u64,
    }
}

#[test]
fn a_discarded_mail_stays_so_when_its_bytes_come_late() {
    let stage = Stage::new();
    stage.show("20-mare", large("a"));
    stage.pass();
    let held = crate::store::verdict(1, Reason::Oversized, "CJ", stage.now.get());
    stage.store.mails_decide(&[held], stage.now.get()).unwrap();
    stage.act(1, Desk::Release);
    stage.act(
        1,
        Desk::Discard {
            reason: "reclamă".to_owned(),
        },
    );
    // They were on the way.
    let late = arrival(&stage, "20-mare", Extent::Whole, b"toate", "2026-11-20T08:00:00Z");
    stage.store.mail_keep(&[late], stage.now.get()).unwrap();
    assert_eq!(
        stage.decided(1),
        (Outcome::Ignored, Reason::Discarded, "reclamă".into())
    );
    assert_eq!(stage.store.mails_undecided(9).unwrap().len(), 0);
    let given_up = recipisa::store::Bodiless {
        arrival: arrival(&stage, "20-mare", Extent::Nothing, b"", "2026-11-20T08:00:00Z"),
        reason: Reason::Unfetchable,
        detail: String::new(),
    };
    assert!(
        stage
            .store
            .mails_bodiless(&[given_up], stage.now.get())
            .unwrap()
            .is_empty()
    );
    assert_eq!(stage.decided(1).1, Reason::Discarded);
    stage.assert_in_order();
}

#[test]
fn the_time_of_arrival_is_known_when_the_bytes_come() {
    let stage = Stage::new();
    stage.show("fără dată", Habit::Silent);
    stage.minutes(40);
    assert_eq!(stage.decided(1).1, Reason::Unfetchable);
    let header = "Received: from a by b; Thu, 19 Nov 2026 08:00:00 +0000\r\n";
    let mail = format!("{header}From: ana@exemplu.test\r\n\r\nbună ziua\r\n");
    stage.show("fără dată", Habit::Gives(mail.into_bytes()));
    stage.minutes(61);
    let mails = stage.mails();
    assert_eq!(mails[0].extent, Extent::Whole);
    assert_eq!(mails[0].received_at, "2026-11-19T08:00:00Z".parse().unwrap());
    stage.assert_in_order();
}
