//! The life of a case after its registration, from the citizen's first mail to the document in their hands.
//!
//! [`story`]: one case with real servers, and the process killed at every point of it; [`by_hand`]: terms, reminders,
//! nights, holidays and outages, on a clock that is moved by hand; [`acts`]: what the commands say, refuse and leave
//! untouched. Left out: the words of the letters and of the digest, which have golden files, and the store's part,
//! which its contract holds.

mod acts;
mod by_hand;
#[cfg(feature = "failpoints")]
mod story;

use data_encoding::BASE64_MIME;
use jiff::Timestamp;
use jiff::civil::Date;
use recipisa::calendar::Calendar;
use recipisa::calendar::hours::ZONE;
use recipisa::edge::clock::Clock;

use crate::support::tools::poll;

/// A PDF that the registry accepts.
const PAPER: &[u8] = include_bytes!("../../fixtures/documents/pdf/accept/cerere.pdf");

/// What a citizen writes.
struct Mail<'a> {
    from: &'a str,
    to: &'a str,
    /// Without angle brackets.
    id: &'a str,
    /// As it stands in the header.
    subject: &'a str,
    /// In-Reply-To, then References, as they stand in the header; empty for a mail that answers nothing.
    thread: (&'a str, &'a str),
    received_at: Timestamp,
    files: &'a [(&'a str, &'a [u8])],
}

impl Mail<'_> {
    fn bytes(&self) -> Vec<u8> {
        let Self { from, to, id, .. } = self;
        let date = self
            .received_at
            .to_zoned(ZONE)
            .strftime("%a, %d %b %Y %H:%M:%S %z");
        let (answered, chain) = self.thread;
        let mut text = format!(
            "Return-Path: <{from}>\r\nReceived: from mx.citizen.test by mx.amt.test; {date}\r\n\
             From: Ana Pop <{from}>\r\nTo: <{to}>\r\nSubject: {}\r\nDate: {date}\r\nMessage-ID: <{id}>\r\n",
            self.subject
        );
        if !answered.is_empty() {
            text.push_str(&format!("In-Reply-To: {answered}\r\nReferences: {chain}\r\n"));
        }
        text.push_str(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=hotar\r\n\r\n\
             --hotar\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nVă trimit actele.\r\n",
        );
        for (name, bytes) in self.files {
            text.push_str(&format!(
                "--hotar\r\nContent-Type: application/pdf; name={name}\r\nContent-Transfer-Encoding: base64\r\n\
                 Content-Disposition: attachment; filename={name}\r\n\r\n{}\r\n",
                BASE64_MIME.encode(bytes)
            ));
        }
        text.push_str("--hotar--\r\n");
        text.into_bytes()
    }
}

/// A field of the header, unfolded; empty where there is none.
fn header(mail: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(mail);
    let begin = format!("{}:", name.to_lowercase());
    let mut lines = text.lines().take_while(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        if !line.to_lowercase().starts_with(&begin) {
            continue;
        }
        let mut value = line[begin.len()..].trim().to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with([' ', '\t'])) {
            value.push(' ');
            value.push_str(more.trim());
        }
        return value;
    }
    String::new()
}

/// Today in Romania.
fn today() -> Date {
    Clock::System.now().to_zoned(ZONE).date()
}

/// Waits while it is nearly midnight in Romania, since a case must not see two days and offices close at 23:59.
fn wait_for_a_long_day() {
    let late = || {
        let time = Clock::System.now().to_zoned(ZONE).time();
        time.hour() == 23 && time.minute() >= 52
    };
    let limit = std::time::Duration::from_secs(9 * 60);
    assert!(poll(limit, || (!late()).then_some(())).is_some());
}

/// Lines under an `[[office]]` that never closes but for a minute.
fn always_open() -> String {
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ]
    .map(|day| format!("hours.{day} = \"00:00-23:59\"\n"))
    .concat()
}

/// A calendar file by which every day from ten days ago on, for forty days, is worked.
fn every_day_worked() -> String {
    let calendar = Calendar::without_overrides();
    let first = today().saturating_sub(jiff::Span::new().days(10));
    first
        .series(jiff::Span::new().days(1))
        .take(40)
        .filter(|day| !calendar.is_working(*day))
        .map(|day| format!("[[worked]]\ndate = \"{day}\"\nsource = \"HG nr. 0000/2026\"\n"))
        .collect()
}

/// So many days from today.
fn in_days(days: i64) -> Date {
    today().saturating_add(jiff::Span::new().days(days))
}

/// A row of the table `digest`, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DigestRow {
    since: i64,
    until: i64,
    covers: u32,
}

/// The digests of an office, or of all, by their time; the first only marks the begin.
fn digest_rows(database: &std::path::Path, scope: &str) -> Vec<DigestRow> {
    let database = rusqlite::Connection::open(database).unwrap();
    let mut statement = database
        .prepare("SELECT since, until, covers FROM digest WHERE scope = ?1 ORDER BY until")
        .unwrap();
    let rows = statement.query_map([scope], |row| {
        Ok(DigestRow {
            since: row.get(0)?,
            until: row.get(1)?,
            covers: row.get(2)?,
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}
