//! What the clerks are shown: the digest after an outage, and a case near its term.

use jiff::civil::{Date, date};
use recipisa::digest;
use recipisa::followup::agenda::What;
use recipisa::message::Message;

use super::{Bureau, at};
use crate::cases::digest_rows;

const DIGEST: &str = "\n[digest]\nschedule = \"0 7 * * 1-5\"\nfrom = \"somaj@ajofm-exemplu.test\"\n\
                      to = [\"sef@ajofm-exemplu.test\"]\n";

#[test]
fn one_digest_stands_for_those_missed_in_an_outage_and_says_so() {
    let mut bureau = Bureau::with("2026-11-20 09:00", DIGEST);
    let number = bureau.request("ana@citizen.test");
    let spelling = bureau.house.settings.spelling();
    for early in ["2026-11-20 18:00", "2026-11-22 07:30", "2026-11-23 06:59"] {
        bureau.pass(early);
        assert_eq!(bureau.digests().len(), 0, "{early}");
    }
    bureau.pass("2026-11-23 07:00");
    bureau.pass("2026-11-23 07:00");
    bureau.live_until("2026-11-23 20:00");
    let first = bureau.digests();
    assert_eq!(first.len(), 1);
    // Down on Tuesday, Wednesday and Thursday at seven, and up again on Thursday at ten.
    bureau.write("ion@citizen.test", None);
    bureau.house.clock.move_to(at("2026-11-26 10:00"));
    bureau.reopen();
    bureau.pass("2026-11-26 10:00");
    bureau.live_until("2026-11-27 06:30");
    let mut second = bureau.digests();
    second.retain(|letter| !first.contains(letter));
    let [second] = &second[..] else {
        panic!("{} digests", second.len())
    };
    let text = decoded(second);
    assert!(
        text.contains("23.11.2026") && text.contains("26.11.2026"),
        "{text}"
    );
    let missed = "ține loc și de 2 situații programate care nu au fost trimise";
    assert!(text.contains(missed), "{text}");
    assert!(
        !decoded(&first[0]).contains("ține loc"),
        "the first one missed nothing"
    );
    periods_are_gap_free(&bureau, 2);
    bureau.live_until("2026-11-27 12:00");
    periods_are_gap_free(&bureau, 3);
    // The two requests have the same files, and that link is told until somebody decides about it.
    let arrivals = |digest: &Vec<u8>| {
        let text = decoded(digest);
        text[text.find("CE A INTRAT").unwrap()..].to_owned()
    };
    let all: Vec<String> = bureau.digests().iter().map(arrivals).collect();
    assert_eq!(all.len(), 3);
    // The second request was registered after the outage, which is behind the end of the digest that covers it.
    for number in [number.spelled(spelling), "2/26.11.2026".to_owned()] {
        let told = all.iter().filter(|text| text.contains(&number));
        assert_eq!(told.count(), 1, "one digest tells of {number}");
    }
}

/// The text of a letter, its transfer encoding undone.
fn decoded(letter: &[u8]) -> String {
    Message::read(letter).text
}

/// Each digest begins where the one before it ended.
#[track_caller]
fn periods_are_gap_free(bureau: &Bureau, count: usize) {
    let rows = digest_rows(&bureau.agency.path().join("registry/recipisa.db"), "");
    assert_eq!(rows.len(), count + 1, "with the one that begins: {rows:?}");
    assert!(
        rows.windows(2).all(|two| two[0].until == two[1].since),
        "{rows:?}"
    );
}

#[test]
fn a_case_near_its_term_is_shown_to_the_clerks() {
    let mut bureau = Bureau::with("2026-11-20 09:00", DIGEST);
    let number = bureau.request("ana@citizen.test");
    let spelled = number.spelled(bureau.house.settings.spelling());
    // Thirty days end on Sunday, 20 December, which is brought forward to Friday.
    let due_on = date(2026, 12, 18);
    let digest_on = |bureau: &Bureau, day: Date| {
        let from = at(&format!("{day} 00:00"));
        let period = digest::Period { from, to: from };
        bureau.house.digest(None, period, day).unwrap()
    };
    for (day, wanted) in [
        ("2026-12-10", vec![]),
        ("2026-12-11", vec![What::DecisionAwaited { due_on }]),
        ("2026-12-17", vec![What::DecisionAwaited { due_on }]),
        ("2026-12-18", vec![What::DecisionDue]),
        ("2026-12-19", vec![What::Late { due_on }]),
    ] {
        assert_eq!(bureau.agenda(&format!("{day} 09:00")), wanted, "{day}");
    }
    let numbers =
        |cases: &[digest::OpenCase]| -> Vec<String> { cases.iter().map(|one| one.number.clone()).collect() };
    assert!(digest_on(&bureau, date(2026, 12, 10)).due_this_week.is_empty());
    assert_eq!(
        numbers(&digest_on(&bureau, date(2026, 12, 11)).due_this_week),
        [spelled.as_str()]
    );
    assert_eq!(numbers(&digest_on(&bureau, due_on).due_today), [spelled.as_str()]);
    assert_eq!(
        numbers(&digest_on(&bureau, date(2026, 12, 21)).late),
        [spelled.as_str()]
    );
    bureau.pass("2026-12-16 12:00");
    let before = bureau.digests();
    bureau.pass("2026-12-17 07:00");
    let mut mailed = bureau.digests();
    mailed.retain(|letter| !before.contains(letter));
    assert!(decoded(&mailed[0]).contains(&spelled));
    bureau.decide(&number);
    assert!(matches!(
        bureau.agenda("2026-12-17 09:00")[..],
        [What::ToInvite { .. }]
    ));
    assert!(digest_on(&bureau, due_on).due_today.is_empty());
}
