//! The digest against its golden files in `fixtures/digests`, and what must hold for any names.
//!
//! `RECIPISA_BLESS=1 cargo test --lib digest` writes the golden files anew; what they contain is then read with
//! other programs by `tests/it/digests.rs`.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::facts::{
    Awaited, Counts, Facts, Misfit, MisfitFault, OpenCase, Period, Scope, SourceCounts, Trouble, Unnumbered,
};
use super::specimen::{case, empty_day, everything_wrong, full_day, local};
use super::{ROWS_MAX, csv, html, json, subject, text};
use crate::outbox::{Kind, Letterless};
use crate::screening::Reason;

fn golden(name: &str, made: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/digests")
        .join(name);
    if std::env::var_os("RECIPISA_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, made).unwrap();
    }
    let kept = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        kept == made,
        "{} differs; if that is right: RECIPISA_BLESS=1 cargo test --lib digest\n{}",
        path.display(),
        String::from_utf8_lossy(made)
    );
}

#[test]
fn three_days_are_as_they_were() {
    for (name, facts) in [
        ("full", full_day()),
        ("empty", empty_day()),
        ("wrong", everything_wrong()),
    ] {
        golden(
            &format!("{name}.txt"),
            format!("{}\n\n{}", subject(&facts), text(&facts)).as_bytes(),
        );
        golden(&format!("{name}.html"), html(&facts).as_bytes());
        golden(&format!("{name}.csv"), &csv(&facts));
        let object = serde_json::to_string_pretty(&json(&facts)).unwrap();
        golden(&format!("{name}.json"), format!("{object}\n").as_bytes());
    }
}

#[test]
fn the_subject_says_what_presses() {
    let mut facts = full_day();
    assert_eq!(
        subject(&facts),
        "Situația registraturii, 20.11.2026: 2 termene depășite, 1 termen astăzi, 2 programări astăzi, \
         1 mesaj reținut, 1 scrisoare nelivrată, 1 clarificare fără răspuns"
    );
    facts.late = many_cases(20);
    assert!(subject(&facts).contains("20 de termene depășite"));
    assert_eq!(
        subject(&empty_day()),
        "Situația registraturii, Dej-Exemplu, 20.11.2026: nimic urgent"
    );
    facts.scope = Scope::Office("Dej\r\nBcc: x@exemplu.test".to_owned());
    let subject = subject(&facts);
    assert!(!subject.contains(char::is_control), "{subject:?}");
}

fn many_cases(count: usize) -> Vec<OpenCase> {
    (1..=count)
        .map(|number| {
            let number = format!("{number}/12.10.2026");
            case(&number, "Ion Pop", "Dej-Exemplu", "2026-11-01", Awaited::Decision)
        })
        .collect()
}

#[test]
fn a_long_list_is_cut_and_says_so_and_the_table_is_complete() {
    let mut facts = empty_day();
    facts.late = many_cases(ROWS_MAX + 37);
    for shown in [text(&facts), html(&facts).replace("&#x2f;", "/")] {
        assert!(shown.contains("Termene depășite: 237"));
        assert!(shown.contains("și încă 37 de poziții; toate:"));
        assert!(shown.contains("recipisa case list"));
        assert!(shown.contains("200/12.10.2026") && !shown.contains("201/12.10.2026"));
    }
    let table = String::from_utf8(csv(&facts)).unwrap();
    assert_eq!(table.matches("Termen depășit;").count(), 237);
    assert_eq!(json(&facts)["late"].as_array().unwrap().len(), 237);
    facts.late.truncate(ROWS_MAX);
    assert!(!text(&facts).contains("și încă"));
}

#[test]
fn the_period_is_told_in_days_where_it_is_made_of_days() {
    let cases = [
        (
            "2026-11-19T00:00",
            "2026-11-20T00:00",
            "Ce a intrat: joi, 19.11.2026\n",
        ),
        (
            "2026-11-16T00:00",
            "2026-11-21T00:00",
            "Ce a intrat: de la 16.11.2026 până la 20.11.2026 inclusiv\n",
        ),
        // Twenty-five hours are still one day.
        (
            "2026-10-25T00:00",
            "2026-10-26T00:00",
            "Ce a intrat: duminică, 25.10.2026\n",
        ),
        (
            "2026-11-19T07:00",
            "2026-11-20T07:00",
            "Ce a intrat: de la 19.11.2026, ora 07:00 până la 20.11.2026, ora 07:00\n",
        ),
    ];
    for (from, to, words) in cases {
        let mut facts = empty_day();
        facts.period = Period {
            from: local(from),
            to: local(to),
        };
        let text = text(&facts);
        assert!(
            text.contains(&words.replacen("Ce a intrat", "CE A INTRAT", 1).to_uppercase()),
            "{text}"
        );
    }
}

#[test]
fn a_count_that_fails_stands_first_and_is_named_by_source() {
    let mut facts = empty_day();
    let source = |name: &str, shown, registered| SourceCounts {
        source: name.to_owned(),
        counts: Counts {
            shown,
            registered,
            ..Counts::default()
        },
    };
    // The two faults cancel each other in the sum, and are told all the same.
    facts.sources = vec![source("somaj", 5, 3), source("dej", 3, 5), source("turda", 2, 1)];
    let text = text(&facts);
    let alert = text.find("ATENȚIE! Numărătoarea nu se potrivește").unwrap();
    assert!(alert < text.find("DE FĂCUT ASTĂZI").unwrap());
    for words in [
        "la sursa somaj lipsesc 2 mesaje;",
        "la sursa dej s-au notat cu 2 rezultate mai mult decât mesajele arătate;",
        "la sursa turda lipsește un mesaj.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(subject(&facts).starts_with("ATENȚIE – "));
    assert_eq!(json(&facts)["messages"]["balanced"], false);
    assert_eq!(json(&facts)["messages"]["sources"][1]["difference"], -2);
    facts.sources = vec![source("somaj", 3, 3)];
    assert!(!super::text(&facts).contains("ATENȚIE"));
    // The sums agree, and the messages do not.
    let misfit = |key: &str, fault| Misfit {
        source: "somaj".to_owned(),
        key: key.to_owned(),
        fault,
    };
    facts.misfits = vec![
        misfit("INBOX;7;42", MisfitFault::MailMissing),
        misfit("INBOX;7;43", MisfitFault::SightingMissing),
    ];
    facts.misfits_total = 2;
    let text = super::text(&facts);
    for words in [
        "Numărătoarea nu se potrivește: 2 mesaje nu se regăsesc în ambele evidențe.",
        "Mesajul INBOX;7;42 al sursei somaj a fost arătat de server și preluat, iar acum lipsește din registru.",
        "Mesajul INBOX;7;43 al sursei somaj este în registru, dar nu s-a notat că serverul l-a arătat.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(json(&facts)["messages"]["balanced"], false);
}

#[test]
fn days_late_are_calendar_days_also_where_the_clock_changes() {
    let autumn = case("1/1.10.2026", "x", "y", "2026-10-24", Awaited::Decision);
    assert_eq!(autumn.days_late("2026-10-26".parse().unwrap()), 2);
    assert_eq!(autumn.days_late("2026-10-24".parse().unwrap()), 0);
    assert_eq!(autumn.days_late("2026-10-01".parse().unwrap()), 0);
}

#[test]
fn a_task_names_its_mail_and_the_command_that_fits() {
    let mut facts = full_day();
    facts.undelivered[0].letter = Kind::TooLarge;
    facts.undelivered[0].trouble = Trouble::Returned;
    facts.undelivered[0].number = super::NO_NUMBER.to_owned();
    facts.undelivered[0].of_another = Some("alta@citizen.test".to_owned());
    facts.undelivered[0].mail = Some(Unnumbered {
        mail_id: 52,
        sender: Some("petru@citizen.test".to_owned()),
        subject: "Acte".to_owned(),
        source: "somaj".to_owned(),
    });
    facts.entries[1].receipt_of_another = true;
    facts.held[0].reason = Reason::SeveralSenders;
    let page = text(&facts);
    for words in [
        "mesajul 52 · de la petru@citizen.test",
        "„Acte” · sursa somaj",
        "Răspunsul la mesajul prea mare a fost trimis, dar s-a întors nelivrat.",
        "Raportul vorbește despre altă adresă: alta@citizen.test",
        "recipisa held show 52",
        "recipisa held register 41 --sender ADRESA",
        "s-a întors nelivrată, dar raportul vorbește despre altă adresă",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let object = json(&facts);
    assert_eq!(object["undelivered"][0]["mail_id"], 52);
    assert!(
        String::from_utf8(csv(&facts))
            .unwrap()
            .contains("mesajul 52;petru@citizen.test;Acte;")
    );
    facts.held[0].reason = Reason::Failing;
    facts.undelivered[0].mail = None;
    facts.undelivered[0].trouble = Trouble::NoLetter(Some(Letterless::Budget));
    let page = text(&facts);
    assert!(page.contains("recipisa held retry 41"), "{page}");
    assert!(
        page.contains("numărul de scrisori permis") && !page.contains("Verificați cine"),
        "{page}"
    );
}

/// Every place of the facts that holds foreign text.
fn poisoned(text: &str) -> Facts {
    let mut facts = full_day();
    for case in facts
        .late
        .iter_mut()
        .chain(&mut facts.due_today)
        .chain(&mut facts.due_this_week)
    {
        case.applicant = Some(text.to_owned());
        case.request_type = text.to_owned();
    }
    for pickup in facts.pickups_today.iter_mut().chain(&mut facts.pickups_next) {
        pickup.applicant = Some(text.to_owned());
    }
    facts.held[0].sender = Some(text.to_owned());
    facts.held[0].subject = text.to_owned();
    facts.undelivered[0].to = Some(text.to_owned());
    facts.undelivered[0].last_answer = Some(text.to_owned());
    facts.unanswered[0].what = text.to_owned();
    facts.answered[0].files[0].name = text.to_owned();
    facts.joined[0].applicant = Some(text.to_owned());
    facts.entries[0].files[0].name = text.to_owned();
    facts.entries[1].files[1].told = Some(text.to_owned());
    facts.sources[0].source = text.to_owned();
    facts.misfits = vec![Misfit {
        source: text.to_owned(),
        key: text.to_owned(),
        fault: MisfitFault::MailMissing,
    }];
    facts.misfits_total = 1;
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_breaks_out(text in prop_oneof![any::<String>(), "[=+@\t\r\n;\"'<>&-]{1,12}[a-z<>]{0,8}"]) {
        // An empty text is no text, and takes its line away; it is no attack.
        let facts = poisoned(&format!("{text}x"));
        let plain = super::text(&facts);
        prop_assert!(!plain.contains(|c: char| c.is_control() && c != '\n'));
        prop_assert_eq!(plain.lines().count(), super::text(&poisoned("x")).lines().count());
        let (marked, harmless) = (html(&facts), html(&poisoned("x")));
        for sign in ['<', '>'] {
            prop_assert_eq!(marked.matches(sign).count(), harmless.matches(sign).count());
        }
        let table = csv(&facts);
        let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_reader(&table[3..]);
        let mut rows = 0;
        for record in reader.records() {
            let record = record.unwrap();
            prop_assert_eq!(record.len(), 10);
            for cell in &record {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', ' ']), "{:?}", cell);
                prop_assert!(!cell.contains(char::is_control));
            }
            rows += 1;
        }
        prop_assert_eq!(rows, 23);
    }
}
