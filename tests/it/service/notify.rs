//! What the service manager hears: ready, the line of status, the watchdog's food, the end.

use std::fs;

use super::{Manager, letters, quick_agency, run};
use crate::support::tools::{PATIENCE, wait_until};

#[test]
fn ready_is_told_when_every_source_was_reached() {
    let agency = quick_agency();
    let dej = agency.path().join("mailboxes/dej");
    fs::remove_dir(&dej).unwrap();
    let mut manager = Manager::listen(agency.path());
    let mut process = run(&agency, &manager, &[("WATCHDOG_USEC", "900000")]);
    manager.wait_for("STATUS=not reached: dej, 2 sources, 0 held");
    // The work with the other source goes on, and the watchdog is fed, but the service is not ready.
    agency.deliver("somaj", "01-cerere-buna");
    wait_until("a second meal", PATIENCE, || {
        let meals = manager.heard().iter().filter(|line| *line == "WATCHDOG=1");
        (meals.count() >= 2).then_some(())
    });
    assert!(!manager.has_heard("READY=1"), "{:?}", manager.heard);
    fs::create_dir(&dej).unwrap();
    manager.wait_for("READY=1");
    manager.wait_for("STATUS=2 sources, 0 held");
    agency.deliver("dej", "08-diacritice");
    manager.wait_for("last mail less than a minute ago");
    wait_until("the letter", PATIENCE, || (letters(&agency) >= 1).then_some(()));
    process.terminate();
    assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.stderr());
    manager.wait_for("STOPPING=1");
    let ready = manager.heard().iter().filter(|line| *line == "READY=1").count();
    assert_eq!(ready, 1, "{:?}", manager.heard);
}

#[test]
fn a_held_mail_shows_in_the_status() {
    let agency = quick_agency();
    agency.deliver("somaj", "21-fara-expeditor");
    agency.run(&["once"]).ended_with(0);
    let mut manager = Manager::listen(agency.path());
    let mut process = run(&agency, &manager, &[]);
    manager.wait_for("STATUS=2 sources, 1 held, no mail since the start");
    process.terminate();
    assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.stderr());
    assert!(!manager.has_heard("WATCHDOG=1"), "nobody asked for it");
}

#[test]
fn nothing_is_told_where_the_key_does_not_open() {
    let agency = quick_agency();
    fs::write(agency.path().join("seal.p12"), "no key").unwrap();
    let mut manager = Manager::listen(agency.path());
    let mut process = run(&agency, &manager, &[]);
    assert_eq!(process.wait(PATIENCE).code(), Some(1), "{}", process.stderr());
    assert_eq!(manager.heard(), &[] as &[String]);
}

/// Each kind of worker, stopped where it cannot go on: the process lives, and the watchdog must notice.
#[cfg(feature = "failpoints")]
#[test]
fn a_worker_that_hangs_is_noticed_by_the_watchdog() {
    use crate::support::tools::poll;
    use std::time::Duration;

    for (point, worker) in [
        ("fetch.fetched:1", "somaj"),
        ("admit.decided:1", "register"),
        ("deliver.claimed:1", "send"),
    ] {
        let agency = quick_agency();
        let mut manager = Manager::listen(agency.path());
        let env = [
            ("RECIPISA_FAILPOINT", point),
            ("RECIPISA_BOUND_MS", "3000"),
            ("WATCHDOG_USEC", "600000"),
        ];
        let mut process = run(&agency, &manager, &env);
        manager.wait_for("READY=1");
        manager.wait_for("WATCHDOG=1");
        agency.deliver("somaj", "01-cerere-buna");
        let told =
            format!("a worker does not move; the watchdog is not fed until it does worker=\"{worker}\"");
        wait_until("the silent worker", PATIENCE, || {
            // A manager that does not listen would hold up who speaks to it.
            manager.heard();
            process.stderr().contains(&told).then_some(())
        });
        manager.forget();
        let fed = poll(Duration::from_millis(1_200), || {
            manager.has_heard("WATCHDOG=1").then_some(())
        });
        assert_eq!(fed, None, "{worker} hangs and the watchdog is fed");
        assert_eq!(process.ended(), None, "{}", process.stderr());
        process.kill();
    }
}
