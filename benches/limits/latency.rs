//! From a mail's arrival, and from the poll that sees it, to the SMTP server's acceptance of its receipt, the daemon being
//! idle otherwise.
//!
//! Time begins with the first byte of that poll on the IMAP line, and ends when the server has the receipt: the poll
//! interval itself is left out. Warm: the SMTP connection of the receipt before is still open. Cold: it was given back
//! after ten quiet seconds, so that TCP, TLS and the password come on top.

use std::time::{Duration, Instant, SystemTime};
use std::{fs, thread};

use super::stage::{Daemon, configuration};
use super::support::ca::TestCa;
use super::support::dovecot::{Dovecot, Offer, User};
use super::support::lmtp;
use super::support::sink::{Security, Sink};
use super::support::tools::TempDir;
use super::tap::Tap;
use super::{books, figure, median};

const WARM: usize = 15;
const COLD: usize = 3;

pub(crate) fn arrival_to_acceptance() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
    let sink = Sink::start(Security::StartTls, &ca.server, Some(("amt", "secret")));
    let tap = Tap::start(dovecot.ports.imaps);
    let config = configuration(dir.path(), &ca, tap.port, &sink);
    let _daemon = Daemon::start(&config);
    let mut number = 0;
    let mut sample = |pause: Duration| {
        thread::sleep(pause);
        number += 1;
        dovecot.deliver(User::Amt, &mail(number), SystemTime::now());
        let accepted = wait_for(&sink, number);
        let begun = tap.beginning_before(accepted).unwrap();
        (accepted - begun).as_secs_f64() * 1e3
    };
    // The first one finds cold caches and a new registry.
    sample(Duration::from_secs(2));
    // Not in step with the polls.
    let warm = (0..WARM).map(|index| sample(Duration::from_millis(1_200 + 37 * index as u64)));
    let warm = median(warm.collect());
    let cold = median((0..COLD).map(|_| sample(Duration::from_secs(15))).collect());
    figure(
        "receipt accepted after the poll began, median, warm",
        warm,
        "ms",
        100.0,
    );
    figure("the same with a new SMTP connection", cold, "ms", 100.0);
}

/// Arrivals that Dovecot tells of by itself.
const TOLD: usize = 30;

/// From Dovecot's acceptance of a mail by LMTP to the receipt at the SMTP server, the next poll being an hour away. Half a
/// second of it is Dovecot's own: it gathers changes for so long before it tells an idling client.
pub(crate) fn told_by_the_server() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
    let sink = Sink::start(Security::StartTls, &ca.server, Some(("amt", "secret")));
    let config = configuration(dir.path(), &ca, dovecot.ports.imaps, &sink);
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("poll_seconds = 1\n", "poll_seconds = 3600\n"),
    )
    .unwrap();
    let _daemon = Daemon::start(&config);
    let mut took = Vec::new();
    for number in 1..=TOLD + 1 {
        // Not in step with anything, and longer apart than the notices are gathered.
        thread::sleep(Duration::from_millis(1_500 + 37 * number as u64));
        lmtp::deliver(&dovecot, User::Amt, &mail(number));
        let arrived = Instant::now();
        took.push((wait_for(&sink, number) - arrived).as_secs_f64() * 1e3);
    }
    // The first one finds cold caches and a new registry.
    took.remove(0);
    took.sort_by(f64::total_cmp);
    let p95 = took[TOLD * 95 / 100];
    figure(
        "receipt accepted after arrival (IDLE), median of 30",
        median(took),
        "ms",
        1_000.0,
    );
    figure("the same, 95 of 100", p95, "ms", 2_000.0);
}

fn wait_for(sink: &Sink, count: usize) -> Instant {
    let deadline = Instant::now() + Duration::from_secs(30);
    while sink.kept().len() < count {
        assert!(Instant::now() < deadline, "receipt {count} does not come");
        thread::sleep(Duration::from_micros(500));
    }
    Instant::now()
}

/// A mail of a citizen with a small document.
fn mail(number: usize) -> Vec<u8> {
    let document = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/documents/pdf/accept/cerere.pdf"
    );
    books::mail(
        &format!("Ion Exemplu <ion.{number}@exemplu.test>"),
        &format!("Cererea {number}"),
        &[("cerere.pdf", "application/pdf", &fs::read(document).unwrap())],
    )
}
