//! `status` and the metrics tell the same, whether a daemon runs, has ended or has died; the port gives nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use recipisa::edge::clock::Clock;
use recipisa::edge::sqlite::SqliteStore;
use recipisa::mailbox::SourceId;
use recipisa::store::Store;
use serde_json::Value;

use crate::support::agency::Agency;
use crate::support::process::Process;
use crate::support::tools::{PATIENCE, free_port, wait_until};

struct Stage {
    agency: Agency,
    port: u16,
}

impl Stage {
    fn new() -> Self {
        let (agency, port) = (Agency::new(), free_port());
        agency.configure(|text| {
            let text = text.replace(
                "kind = \"folder\"\npath = \"mailboxes",
                "poll_seconds = 1\nkind = \"folder\"\npath = \"mailboxes",
            );
            format!("{text}\n[metrics]\nlisten = \"127.0.0.1:{port}\"\n")
        });
        Self { agency, port }
    }

    fn run(&self) -> Process {
        let config = self.agency.config();
        let args = ["run", "--config", config.to_str().unwrap()];
        Process::recipisa(self.agency.path(), "run", &args, &[])
    }

    fn status(&self) -> Value {
        let mut lines = self.agency.run(&["status", "--json"]).json();
        assert_eq!(lines.len(), 1);
        lines.remove(0)
    }

    /// Waits until the status is as wanted, and returns it.
    #[track_caller]
    fn wait_for(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        wait_until(what, PATIENCE, || Some(self.status()).filter(&is))
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn metrics(&self) -> BTreeMap<String, f64> {
        let answer = self.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("Content-Type: text/plain; version=0.0.4"), "{head}");
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", body.len())),
            "{head}"
        );
        samples(body)
    }
}

/// The samples of a page, which must be of the text format 0.0.4: every family has one HELP and one TYPE before its
/// samples, and stands together.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let (mut found, mut families) = (BTreeMap::new(), Vec::new());
    let mut lines = page.lines().peekable();
    assert!(page.ends_with('\n'));
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(words.len() > 10 && words.ends_with('.'), "{line}");
            let kind = lines.next().unwrap();
            let kind = kind.strip_prefix(&format!("# TYPE {name} ")).unwrap();
            assert!(["counter", "gauge", "summary"].contains(&kind), "{kind}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            assert!(!families.contains(&name), "{name} stands twice");
            families.push(name);
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let family = name.split('{').next().unwrap();
        let family = family
            .strip_suffix("_sum")
            .or(family.strip_suffix("_count"))
            .unwrap_or(family);
        assert_eq!(families.last(), Some(&family), "{line}");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        assert!(found.insert(name.to_owned(), value).is_none(), "twice: {line}");
    }
    found
}

fn count(status: &Value, source: &str, outcome: &str) -> u64 {
    let rows = status["mails"].as_array().unwrap().iter();
    rows.filter(|row| row["source"] == source && row["outcome"] == outcome)
        .map(|row| row["count"].as_u64().unwrap())
        .sum()
}

#[test]
fn status_and_metrics_tell_the_same_of_a_daemon_at_work() {
    let stage = Stage::new();
    for name in [
        "01-cerere-buna",
        "02-mai-multe-fisiere",
        "09-raspuns-automat",
        "21-fara-expeditor",
    ] {
        stage.agency.deliver("somaj", name);
    }
    let before = stage.agency.run(&["status"]).ended_with(1).out;
    assert!(
        before.contains("ERROR    daemon         no daemon runs, and none ever did"),
        "{before}"
    );
    let mut daemon = stage.run();
    let status = stage.wait_for("all mail decided and sent", |status| {
        status["daemon"]["state"] == "works"
            && status["letters"]["sent"] == 2
            && status["sources"][1]["last_contact"].is_string()
    });
    assert_eq!(
        (
            count(&status, "somaj", "registered"),
            count(&status, "somaj", "held")
        ),
        (2, 1)
    );
    assert_eq!(
        (
            count(&status, "somaj", "filed") + count(&status, "somaj", "ignored"),
            count(&status, "dej", "registered")
        ),
        (1, 0)
    );
    assert_eq!(status["waiting"]["held"]["count"], 1);
    assert_eq!(status["waiting"]["letters"]["count"], 0);
    assert!(status["sources"][0]["last_mail"].is_string() && status["sources"][1]["last_mail"].is_null());
    assert!(
        status["sources"]
            .as_array()
            .unwrap()
            .iter()
            .all(|source| source["trouble"].is_null())
    );
    assert_eq!(status["certificate_days"], 364);

    metrics_tell_it(&stage);
    status_tells_it(&stage);
    daemon.terminate();
    daemon.wait(PATIENCE);
}

fn metrics_tell_it(stage: &Stage) {
    let metrics = stage.metrics();
    for (name, value) in [
        ("recipisa_build_info{version=\"0.1.0\"}", 1.0),
        (
            "recipisa_mails_total{source=\"somaj\",outcome=\"registered\"}",
            2.0,
        ),
        ("recipisa_mails_total{source=\"somaj\",outcome=\"held\"}", 1.0),
        ("recipisa_letters_total{result=\"sent\"}", 2.0),
        ("recipisa_letters_total{result=\"given-up\"}", 0.0),
        ("recipisa_waiting{queue=\"held\"}", 1.0),
        ("recipisa_waiting{queue=\"awaited\"}", 0.0),
        ("recipisa_messages_unaccounted", 0.0),
        ("recipisa_waiting{queue=\"letters\"}", 0.0),
        ("recipisa_waiting_oldest_seconds{queue=\"undecided\"}", 0.0),
        ("recipisa_source_up{source=\"dej\"}", 1.0),
        (
            "recipisa_step_duration_seconds_count{step=\"deliver\",stage=\"send\"}",
            2.0,
        ),
    ] {
        assert_eq!(metrics.get(name), Some(&value), "{name} in {metrics:#?}");
    }
    let days = metrics["recipisa_certificate_days_left"];
    assert!((364.0..=365.0).contains(&days), "{days}");
    let contact = metrics["recipisa_source_last_contact_timestamp_seconds{source=\"dej\"}"];
    let now = recipisa::edge::clock::Clock::System.now().as_second() as f64;
    assert!(
        (now - 60.0..=now + 1.0).contains(&contact),
        "{contact}, now {now}"
    );
    assert!(!metrics.contains_key("recipisa_source_last_mail_timestamp_seconds{source=\"dej\"}"));
}

fn status_tells_it(stage: &Stage) {
    let said = stage.agency.run(&["status"]).ended_with(0).out;
    for words in [
        "ok       daemon         works since ",
        "ok       source         dej: last contact ",
        "last mail never",
        "warning  waiting        1 mails held for a person",
        "`recipisa held` lists them",
        "ok       letters        2 sent so far",
        "ok       certificate    364 days left",
    ] {
        assert!(said.contains(words), "no \"{words}\": {said}");
    }
    let file = fs::read_to_string(stage.agency.path().join("registry/status.json")).unwrap();
    let page = stage.ask("GET /metrics HTTP/1.1\r\n\r\n");
    for told in [&file, &page, &said] {
        assert!(!told.contains('@') && !told.contains("exemplu.test"), "{told}");
    }
}

#[test]
fn a_daemon_that_ended_is_told_from_one_that_died() {
    let stage = Stage::new();
    stage.agency.deliver("somaj", "01-cerere-buna");
    let mut daemon = stage.run();
    stage.wait_for("a letter", |status| status["letters"]["sent"] == 1);
    daemon.terminate();
    assert_eq!(daemon.wait(PATIENCE).code(), Some(0), "{}", daemon.stderr());
    let ended = stage.agency.run(&["status"]).ended_with(1).out;
    assert!(
        ended.contains("the last one ended as it was told to, "),
        "{ended}"
    );
    let status = stage.status();
    assert_eq!(status["daemon"]["state"], "ended");
    assert!(status["daemon"]["ended_at"].is_string());
    // What the registry knows is told without any daemon.
    assert_eq!(count(&status, "somaj", "registered"), 1);
    assert_eq!(status["certificate_days"], 364);
    stage.agency.deliver("somaj", "02-mai-multe-fisiere");
    stage.agency.run(&["once"]).ended_with(0);
    assert_eq!(count(&stage.status(), "somaj", "registered"), 2);

    let mut daemon = stage.run();
    let status = stage.wait_for("the second daemon", |status| status["daemon"]["state"] == "works");
    assert_eq!(
        count(&status, "somaj", "registered"),
        2,
        "the second counts on from the first"
    );
    daemon.kill();
    let died = stage.agency.run(&["status"]).ended_with(1).out;
    assert!(
        died.contains("the last one died") && died.contains("journalctl -u recipisa"),
        "{died}"
    );
    assert_eq!(stage.status()["daemon"]["state"], "died");
    fs::write(stage.agency.path().join("registry/status.json"), "{").unwrap();
    let status = stage.status();
    assert_eq!(
        (&status["daemon"]["state"], count(&status, "somaj", "registered")),
        (&"never".into(), 2)
    );
}

#[test]
fn a_source_in_trouble_is_told_until_it_is_well() {
    let stage = Stage::new();
    let folder = stage.agency.path().join("mailboxes/dej");
    let mut daemon = stage.run();
    stage.wait_for("contact", |status| {
        status["sources"][1]["last_contact"].is_string()
    });
    fs::rename(&folder, folder.with_extension("away")).unwrap();
    let status = stage.wait_for("trouble", |status| status["sources"][1]["trouble"] == "folder");
    assert!(status["sources"][1]["trouble_since"].is_string() && status["sources"][0]["trouble"].is_null());
    let said = stage.agency.run(&["status"]).ended_with(0).out;
    assert!(
        said.contains("ERROR    source         dej: trouble (folder), first "),
        "{said}"
    );
    let metrics = stage.metrics();
    assert_eq!(metrics["recipisa_source_up{source=\"dej\"}"], 0.0);
    assert_eq!(metrics["recipisa_source_up{source=\"somaj\"}"], 1.0);
    assert!(metrics["recipisa_source_failures_total{source=\"dej\",kind=\"folder\"}"] >= 1.0);
    fs::rename(folder.with_extension("away"), &folder).unwrap();
    stage.wait_for("an end of the trouble", |status| {
        status["sources"][1]["trouble"].is_null()
    });
    daemon.terminate();
    daemon.wait(PATIENCE);
}

#[test]
fn a_mailbox_that_nobody_reaches_is_an_alarm_everywhere() {
    let stage = Stage::new();
    let mut daemon = stage.run();
    stage.wait_for("contact", |status| {
        status["sources"][1]["last_contact"].is_string()
    });
    assert_eq!(stage.metrics()["recipisa_source_alarm{source=\"dej\"}"], 0.0);
    daemon.terminate();
    daemon.wait(PATIENCE);
    // Six hours go by: what is remembered of the last contact is set back by so much.
    let long_ago = Clock::System.now() - SignedDuration::from_hours(6);
    let registry = stage.agency.path().join("registry");
    let sign = registry.join("status.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&sign).unwrap()).unwrap();
    value["sources"]["dej"]["last_contact"] = long_ago.to_string().into();
    fs::write(&sign, value.to_string()).unwrap();
    let store = SqliteStore::open(&registry.join("recipisa.db")).unwrap();
    store.contact_made(&SourceId("dej".to_owned()), long_ago).unwrap();
    drop(store);
    let folder = stage.agency.path().join("mailboxes/dej");
    fs::rename(&folder, folder.with_extension("away")).unwrap();
    let mut daemon = stage.run();
    stage.wait_for("the alarm", |status| {
        status["sources"][1]["no_contact_since"] == long_ago.to_string()
    });
    let said = stage.agency.run(&["status"]).ended_with(0).out;
    assert!(said.contains("dej: no contact since "), "{said}");
    let metrics = stage.metrics();
    assert_eq!(metrics["recipisa_source_alarm{source=\"dej\"}"], 1.0);
    assert_eq!(metrics["recipisa_source_alarm{source=\"somaj\"}"], 0.0);
    let digest = stage.agency.run(&["digest"]).ended_with(0).out;
    assert!(
        digest.contains("ATENȚIE! Căsuța ") && digest.contains("(sursa dej) nu a mai putut fi citită din "),
        "{digest}"
    );
    fs::rename(folder.with_extension("away"), &folder).unwrap();
    stage.wait_for("an end of the alarm", |status| {
        status["sources"][1]["no_contact_since"].is_null()
    });
    let digest = stage.agency.run(&["digest"]).ended_with(0).out;
    assert!(!digest.contains("nu a mai putut fi citită"), "{digest}");
    daemon.terminate();
    daemon.wait(PATIENCE);
}

#[test]
fn the_port_gives_nothing_else_and_bears_bad_company() {
    let stage = Stage::new();
    let mut daemon = stage.run();
    stage.wait_for("the daemon", |status| status["daemon"]["state"] == "works");
    wait_until("the port", PATIENCE, || {
        TcpStream::connect(("127.0.0.1", stage.port)).ok()
    });
    for (request, starts) in [
        ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "),
        ("GET /status.json HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "),
        (
            "POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 405 ",
        ),
        ("nonsense\r\n\r\n", "HTTP/1.1 400 "),
    ] {
        let answer = stage.ask(request);
        assert!(answer.starts_with(starts), "{request}: {answer}");
    }
    // A head that does not end, and one that grows by a byte: each has its two seconds, and then the next is served.
    let silent = TcpStream::connect(("127.0.0.1", stage.port)).unwrap();
    let began = Instant::now();
    stage.metrics();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(silent);
    let mut large = TcpStream::connect(("127.0.0.1", stage.port)).unwrap();
    let head = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(9_000));
    large.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    // What the server did not read may be told as a broken connection after the answer.
    let _ = large.read_to_string(&mut answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    stage.metrics();
    let everywhere: SocketAddr = ([0, 0, 0, 0], stage.port).into();
    assert!(std::net::TcpListener::bind(everywhere).is_err(), "it listens");
    daemon.terminate();
    assert_eq!(daemon.wait(PATIENCE).code(), Some(0), "{}", daemon.stderr());
}

#[test]
fn a_port_that_is_taken_does_not_stop_the_mail() {
    let stage = Stage::new();
    let taken = std::net::TcpListener::bind(("127.0.0.1", stage.port)).unwrap();
    stage.agency.deliver("somaj", "01-cerere-buna");
    let mut daemon = stage.run();
    stage.wait_for("a letter", |status| status["letters"]["sent"] == 1);
    let said = daemon.stderr();
    assert_eq!(
        said.matches("the metrics port cannot be opened").count(),
        1,
        "{said}"
    );
    daemon.terminate();
    assert_eq!(daemon.wait(PATIENCE).code(), Some(0), "{}", daemon.stderr());
    drop(taken);
}
