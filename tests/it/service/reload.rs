//! SIGHUP: new settings hold from then on, faulty ones do not, and no mail is lost on the way.

use std::fs;

use super::{Manager, letters, often, quick_agency, run};
use crate::support::agency::Agency;
use crate::support::process::Process;
use crate::support::tools::{PATIENCE, make_dir, wait_until};

const TURDA: &str = "\n[[source]]\nname = \"turda\"\nkind = \"folder\"\npath = \"mailboxes/turda\"\n\
                     address = \"turda@ajofm-exemplu.test\"\noffice = \"cluj\"\npoll_seconds = 1\n";

/// Sends SIGHUP and waits until its end is told.
#[track_caller]
fn reload(process: &mut Process, manager: &mut Manager) {
    manager.forget();
    process.hang_up();
    manager.wait_for("RELOADING=1");
    let since = manager.wait_for("MONOTONIC_USEC=");
    assert!(since["MONOTONIC_USEC=".len()..].parse::<u64>().unwrap() > 0);
    manager.wait_for("READY=1");
}

#[track_caller]
fn wait_for_letters(agency: &Agency, count: usize) {
    wait_until("the letters", PATIENCE, || {
        (letters(agency) >= count).then_some(())
    });
}

#[test]
fn new_settings_hold_from_then_on() {
    let agency = Agency::new();
    agency.configure(|text| often(&text).replace("poll_seconds = 1\n", "poll_seconds = 3600\n"));
    let mut manager = Manager::listen(agency.path());
    let mut process = run(&agency, &manager, &[]);
    manager.wait_for("READY=1");
    // Polled every second now: a mail that comes after the first look is seen long before an hour is over.
    agency.configure(|text| often(&text));
    reload(&mut process, &mut manager);
    manager.wait_for("STATUS=2 sources");
    wait_until("the settings", PATIENCE, || {
        process.stderr().contains("the new settings hold").then_some(())
    });
    manager.forget();
    agency.deliver("somaj", "01-cerere-buna");
    wait_for_letters(&agency, 1);
    // One source more, and letters into another folder.
    make_dir(&agency.path().join("mailboxes/turda"));
    agency.configure(|text| often(&text).replace("path = \"letters\"", "path = \"letters/moved\"") + TURDA);
    fs::copy(
        agency.path().join("mailboxes/somaj/01-cerere-buna.eml"),
        agency.path().join("mailboxes/dej/copie.eml"),
    )
    .unwrap();
    reload(&mut process, &mut manager);
    manager.wait_for("3 sources");
    agency.deliver("turda", "08-diacritice");
    wait_until("a letter in the other folder", PATIENCE, || {
        let moved = fs::read_dir(agency.path().join("letters/moved")).ok()?;
        (moved.count() == 1).then_some(())
    });
    let said = process.stderr();
    assert!(
        said.contains("added=\"turda\"") && said.contains("removed=\"\""),
        "{said}"
    );
    process.terminate();
    assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.stderr());
    let mails = agency.run(&["mails", "--json"]).ended_with(0).json();
    let outcomes: Vec<&str> = mails.iter().filter_map(|mail| mail["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["registered", "ignored", "registered"]);
}

#[test]
fn faulty_settings_are_told_and_the_old_ones_stay() {
    let agency = quick_agency();
    let sound = fs::read_to_string(agency.config()).unwrap();
    let mut manager = Manager::listen(agency.path());
    let mut process = run(&agency, &manager, &[]);
    manager.wait_for("READY=1");
    let faulty = [
        (
            sound
                .replace("cui = \"00000000\"", "cui = 7")
                .replace("office = \"dej\"", "office = \"turda\""),
            vec![
                "line=5",
                "key=\"agency.cui\"",
                "there is no office with this id",
                "problems=2",
            ],
        ),
        (
            sound.replace("dir = \"registry\"", "dir = \"elsewhere\""),
            vec!["cannot change while recipisa runs", "problems=1"],
        ),
        (
            sound.replace("\"CJ\"", "\"NOU\""),
            vec!["the register CJ is in use", "problems=1"],
        ),
        (
            sound.replace("seal.p12", "gone.p12"),
            vec!["gone.p12", "problems=1"],
        ),
        ("[agency\n".to_owned(), vec!["this is no valid TOML", "line=1"]),
    ];
    for (number, (text, words)) in (1..).zip(faulty) {
        let heard = process.stderr().len();
        fs::write(agency.config(), text).unwrap();
        reload(&mut process, &mut manager);
        manager.wait_for("STATUS=the new settings are refused (see the log), 2 sources");
        let said = process.stderr()[heard..].to_owned();
        for word in words {
            assert!(said.contains(word), "{number}: no {word} in {said}");
        }
        assert!(said.contains("the settings stay as they were"), "{said}");
        // The work goes on by the old ones.
        let name = format!("{number:02}.eml");
        let mail = format!("From: <citizen{number}@exemplu.test>\nSubject: Cerere {number}\n\nCerere.\n");
        fs::write(agency.path().join("mailboxes/somaj").join(name), mail).unwrap();
        wait_for_letters(&agency, number);
    }
    assert!(!agency.path().join("elsewhere").exists());
    fs::write(agency.config(), sound).unwrap();
    reload(&mut process, &mut manager);
    manager.wait_for("STATUS=2 sources");
    process.terminate();
    assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.stderr());
}

#[test]
fn no_mail_is_lost_while_settings_come_and_go() {
    let agency = Agency::new();
    make_dir(&agency.path().join("mailboxes/turda"));
    let with = |agency: &Agency| agency.configure(|text| often(&text) + TURDA);
    with(&agency);
    let mut manager = Manager::listen(agency.path());
    let mut process = run(&agency, &manager, &[]);
    manager.wait_for("READY=1");
    let mut count = 0;
    for round in 0..6 {
        for source in ["turda", "somaj", "turda", "dej"] {
            count += 1;
            let mail = format!("From: <citizen{count}@exemplu.test>\nSubject: Cerere {count}\n\nCerere.\n");
            // Moved in whole, as the documentation asks.
            let place = agency.path().join("mailboxes").join(source);
            fs::write(place.join(format!(".{count}")), mail).unwrap();
            fs::rename(
                place.join(format!(".{count}")),
                place.join(format!("{count:02}.eml")),
            )
            .unwrap();
        }
        // The source goes and comes back, with mail in it that may be anywhere on its way.
        if round % 2 == 0 {
            agency.configure(|text| often(&text));
        } else {
            with(&agency);
        }
        reload(&mut process, &mut manager);
    }
    wait_for_letters(&agency, count);
    process.terminate();
    assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.stderr());
    assert_eq!(letters(&agency), count, "none is sent twice");
    let mails = agency.run(&["mails", "--json"]).ended_with(0).json();
    let mut numbers: Vec<u64> = mails
        .iter()
        .map(|mail| {
            assert_eq!(mail["outcome"], "registered", "{mail}");
            let number = mail["number"].as_str().unwrap();
            number.split('/').next().unwrap().parse().unwrap()
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=count as u64).collect::<Vec<_>>());
}
