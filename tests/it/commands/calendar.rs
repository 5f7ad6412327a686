//! `calendar` and `term`: golden outputs, the vectors of the law, and with which configuration they count.
//!
//! After a wanted change `RECIPISA_REWRITE=1 cargo test --test it calendar` writes the golden files anew.

use std::collections::BTreeMap;
use std::fs;

use jiff::civil::{Date, Weekday};
use serde_json::Value;

use crate::support::command::{Said, project, recipisa, said};
use crate::support::tools::{TempDir, set_mode, write};

/// A configuration without changed days, and one with 24 December 2026 free and 9 January 2027 worked.
const PLAIN: &str = "fixtures/configs/good/folder-only.toml";
const CHANGED: &str = "fixtures/configs/good/two-registers.toml";

/// Runs in the project's folder, so that what is printed holds no other path.
#[track_caller]
fn ask(config: &str, args: &[&str]) -> Said {
    said(recipisa(args).args(["--config", config]).current_dir(project()))
}

fn rows(file: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(project().join("fixtures/calendar").join(file)).unwrap();
    let rows = text.lines().filter(|row| !row.starts_with('#'));
    let rows: Vec<Vec<String>> = rows
        .map(|row| row.split('\t').map(str::to_owned).collect())
        .collect();
    assert!(rows.len() > 10, "{file}");
    rows
}

#[test]
fn golden_outputs() {
    let golden: [(&str, &str, &[&str]); 6] = [
        ("year-2026.txt", PLAIN, &["calendar", "2026"]),
        ("year-2026.json", PLAIN, &["calendar", "2026", "--json"]),
        ("year-2027-changed.txt", CHANGED, &["calendar", "2027"]),
        (
            "term-30-days.txt",
            PLAIN,
            &["term", "--from", "20.11.2026", "--days", "30"],
        ),
        (
            "term-10-working.txt",
            PLAIN,
            &["term", "--from", "2026-11-20", "--working", "10"],
        ),
        (
            "term-30-days-changed.json",
            CHANGED,
            &["term", "--from", "2026-11-24", "--days", "30", "--json"],
        ),
    ];
    for (name, config, args) in golden {
        let out = ask(config, args).ended_with(0).out;
        let file = project().join("fixtures/calendar/golden").join(name);
        if std::env::var_os("RECIPISA_REWRITE").is_some() {
            fs::write(&file, &out).unwrap();
        }
        assert_eq!(out, fs::read_to_string(&file).unwrap(), "{name}");
    }
}

#[test]
fn the_years_are_those_of_the_law() {
    let mut dates: BTreeMap<i16, Vec<(String, String)>> = BTreeMap::new();
    for row in rows("holidays.tsv") {
        let year = row[0][..4].parse().unwrap();
        dates
            .entry(year)
            .or_default()
            .push((row[0].clone(), row[1].clone()));
    }
    for row in rows("movable.tsv") {
        let year: i16 = row[0].parse().unwrap();
        let told = ask(PLAIN, &["calendar", &row[0], "--json"]).ended_with(0).json();
        let told = &told[0];
        let holidays = told["holidays"].as_array().unwrap();
        assert_eq!(holidays.len().to_string(), row[6], "{year}");
        if let Some(wanted) = dates.get(&year) {
            let found: Vec<(String, String)> = holidays.iter().map(date_and_weekday).collect();
            assert_eq!(found, *wanted);
        }
        let first = Date::new(year, 1, 1).unwrap();
        let weekdays = first
            .series(jiff::Span::new().days(1))
            .take_while(|date| date.year() == year)
            .filter(|date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday))
            .count();
        let free: usize = row[7].parse().unwrap();
        let months = told["working_days"]["months"].as_array().unwrap();
        let sum: u64 = months.iter().map(|month| month.as_u64().unwrap()).sum();
        assert_eq!(months.len(), 12);
        assert_eq!(told["working_days"]["year"], weekdays - free, "{year}");
        assert_eq!(told["working_days"]["year"], sum, "{year}");
    }
}

/// The date, and its weekday as the vectors have it.
fn date_and_weekday(holiday: &Value) -> (String, String) {
    let weekday = match holiday["weekday"].as_str().unwrap() {
        "luni" => "Mon",
        "marți" => "Tue",
        "miercuri" => "Wed",
        "joi" => "Thu",
        "vineri" => "Fri",
        "sâmbătă" => "Sat",
        "duminică" => "Sun",
        other => panic!("{other}"),
    };
    (holiday["date"].as_str().unwrap().to_owned(), weekday.to_owned())
}

#[test]
fn every_known_term_comes_out() {
    let mut asked: BTreeMap<(String, String, String), Value> = BTreeMap::new();
    for row in rows("terms.tsv") {
        let [start, rule, days, due] = &row[..] else {
            panic!("{row:?}")
        };
        let (option, reading) = match rule.as_str() {
            "working" => ("--working", "working"),
            "safe" => ("--days", "due_safe"),
            "legal" => ("--days", "due_legal"),
            other => panic!("rule {other}"),
        };
        let key = (start.clone(), option.to_owned(), days.clone());
        let told = asked.entry(key).or_insert_with(|| {
            let args = ["term", "--json", "--from", start, option, days];
            ask(PLAIN, &args).ended_with(0).json().remove(0)
        });
        let readings = told["readings"].as_array().unwrap();
        let found = readings.iter().find(|one| one["reading"] == reading).unwrap();
        assert_eq!(found["due"], **due, "{row:?}");
        assert!(found["derivation"].as_array().unwrap().len() >= 2, "{found}");
    }
}

#[test]
fn what_is_not_understood_ends_with_2() {
    for (args, words) in [
        (&["calendar"][..], "<YEAR>"),
        (&["calendar", "26"], "2012..=2099"),
        (&["calendar", "2100"], "2012..=2099"),
        (&["term", "--working", "10"], "--from <DATE>"),
        (&["term", "--from", "2026-11-20"], "--working <N>"),
        (
            &["term", "--from", "2026-11-20", "--working", "1", "--days", "1"],
            "cannot be used with",
        ),
        (&["term", "--from", "31.02.2026", "--days", "5"], "20.11.2026"),
        (&["term", "--from", "2026-11-20", "--days", "0"], "1..=1000"),
        (
            &["term", "--from", "2099-12-20", "--days", "30"],
            "would end in 2100",
        ),
    ] {
        let said = ask(PLAIN, args).ended_with(2);
        assert!(said.err.contains(words), "{args:?}: {}", said.err);
        assert_eq!(said.out, "", "{args:?}");
    }
}

#[test]
fn only_the_calendar_of_a_configuration_has_to_be_right() {
    let term = ["term", "--from", "2026-12-23", "--working", "1", "--json"];
    let due = |config: &str| ask(config, &term).ended_with(0).json()[0]["readings"][0]["due"].clone();
    assert_eq!(due(PLAIN), "2026-12-24");
    assert_eq!(due(CHANGED), "2026-12-28");
    // The rest of the file is for those who may read its passwords.
    assert_eq!(due("fixtures/configs/bad/password-missing.toml"), "2026-12-24");
    let faulty = "fixtures/configs/bad/override-contradiction.toml";
    for (config, words) in [
        (faulty, "contradiction.calendar"),
        ("nicaieri.toml", "nicaieri.toml"),
    ] {
        for args in [&term[..], &["calendar", "2026"]] {
            let said = ask(config, args).ended_with(3);
            assert!(said.err.contains(words), "{}", said.err);
            assert!(said.err.contains("in the configuration"), "{}", said.err);
        }
    }
}

#[test]
fn without_a_configuration_it_says_so() {
    const USUAL: &str = "/etc/recipisa/recipisa.toml";
    let args = ["term", "--from", "2026-11-20", "--working", "10"];
    let out = said(&mut recipisa(&args)).ended_with(0).out;
    assert!(out.contains("Calendar: ro-2024") && out.contains(USUAL), "{out}");
    if !std::path::Path::new(USUAL).exists() {
        assert!(
            out.contains("numai regulile legii; configurația") && out.contains("lipsește"),
            "{out}"
        );
        assert!(
            out.contains("Ultima zi a termenului: marți, 8 decembrie 2026"),
            "{out}"
        );
        let json = said(recipisa(&args).arg("--json")).ended_with(0).json();
        assert_eq!(json[0]["configuration"], Value::Null);
    }
    let dir = TempDir::new();
    let named = dir.path().join("mea.toml");
    write(&named, "[calendar]\n");
    set_mode(&named, 0o644);
    let by_name = said(recipisa(&args).env("RECIPISA_CONFIG", &named))
        .ended_with(0)
        .out;
    assert!(by_name.contains("mea.toml nu schimbă nicio zi"), "{by_name}");
}
