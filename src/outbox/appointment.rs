//! An appointment as iCalendar (RFC 5545), published and not requested (RFC 5546 §3.2.1): calendars note it and send
//! no answer, which the dedicated mailbox would have to take for a citizen's mail.
//!
//! Instants are in UTC, so that no description of a time zone is needed. There is no alarm: the letter has its own
//! reminder. Written without a crate: `icalendar` 0.17.17 never ends where it folds certain texts, and reads the clock
//! and makes up identifiers where it is given none. Left out: the letter.

use jiff::Timestamp;

use super::letter::lines;

/// The longest line without its end, in octets (RFC 5545 §3.1).
const LINE_OCTETS_MAX: usize = 75;

/// What is noted.
pub(super) struct Appointment<'a> {
    pub(super) uid: &'a str,
    pub(super) sequence: u32,
    pub(super) made_at: Timestamp,
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) title: String,
    pub(super) place: String,
    pub(super) description: String,
    /// Who calls, and the address; it was checked for the letter's From.
    pub(super) organizer: &'a str,
    pub(super) address: &'a str,
}

/// The calendar with this one appointment.
pub(super) fn publish(appointment: &Appointment<'_>) -> String {
    let (organizer, address) = (parameter(appointment.organizer), appointment.address);
    let content = [
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//recipisa//recipisa//RO".to_owned(),
        "CALSCALE:GREGORIAN".to_owned(),
        "METHOD:PUBLISH".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}", text(appointment.uid)),
        format!("SEQUENCE:{}", appointment.sequence),
        format!("DTSTAMP:{}", utc(appointment.made_at)),
        format!("DTSTART:{}", utc(appointment.starts_at)),
        format!("DTEND:{}", utc(appointment.ends_at)),
        format!("SUMMARY:{}", text(&appointment.title)),
        format!("LOCATION:{}", text(&appointment.place)),
        format!("DESCRIPTION:{}", text(&appointment.description)),
        format!("ORGANIZER;CN=\"{organizer}\":mailto:{address}"),
        "STATUS:CONFIRMED".to_owned(),
        "CLASS:PRIVATE".to_owned(),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ];
    content.iter().map(|line| folded(line)).collect()
}

/// `20261208T080000Z`
fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A value of type TEXT (RFC 5545 §3.3.11).
fn text(words: &str) -> String {
    let escaped = |line: String| line.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
    lines(words)
        .into_iter()
        .map(escaped)
        .collect::<Vec<_>>()
        .join("\\n")
}

/// A quoted parameter, which cannot hold a double quote in any way (RFC 5545 §3.2).
fn parameter(words: &str) -> String {
    lines(words).join(" ").replace('"', "'")
}

/// The line with its end, folded between letters.
fn folded(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 8);
    let mut room = LINE_OCTETS_MAX;
    for letter in line.chars() {
        if letter.len_utf8() > room {
            out.push_str("\r\n ");
            room = LINE_OCTETS_MAX - 1;
        }
        room -= letter.len_utf8();
        out.push(letter);
    }
    out + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(title: &str) -> String {
        let at = |text: &str| text.parse().unwrap();
        publish(&Appointment {
            uid: "programare-1@exemplu.test",
            sequence: 2,
            made_at: at("2026-11-25T10:00:00.5Z"),
            starts_at: at("2026-12-08T08:00:00Z"),
            ends_at: at("2026-12-08T08:15:00Z"),
            title: title.to_owned(),
            place: "Ghișeul 3; etaj 1, stânga\\dreapta".to_owned(),
            description: "Unu.\r\nDoi.\rTrei.".to_owned(),
            organizer: "Agenția \"Exemplu\": Țăndărei, Ialomița",
            address: "programari@exemplu.test",
        })
    }

    fn unfolded(calendar: &str) -> String {
        calendar.replace("\r\n ", "")
    }

    #[test]
    fn every_value_stands_in_its_place() {
        let calendar = unfolded(&published("Programare"));
        for line in [
            "METHOD:PUBLISH",
            "UID:programare-1@exemplu.test",
            "SEQUENCE:2",
            "DTSTAMP:20261125T100000Z",
            "DTSTART:20261208T080000Z",
            "DTEND:20261208T081500Z",
            "STATUS:CONFIRMED",
            "LOCATION:Ghișeul 3\\; etaj 1\\, stânga\\\\dreapta",
            "DESCRIPTION:Unu.\\nDoi.\\nTrei.",
            "ORGANIZER;CN=\"Agenția 'Exemplu': Țăndărei, Ialomița\":mailto:programari@exemplu.test",
        ] {
            assert!(
                calendar.contains(&format!("\r\n{line}\r\n")),
                "{line}: {calendar}"
            );
        }
        // Nobody is asked for an answer.
        assert!(!calendar.contains("ATTENDEE") && !calendar.contains("RSVP"));
    }

    #[test]
    fn lines_are_folded_at_75_octets_between_letters() {
        for length in 0..200 {
            let title = "ș".repeat(length) + &" a".repeat(length);
            let calendar = published(&title);
            assert_eq!(calendar, published(&title));
            let longest = calendar.split("\r\n").map(str::len).max();
            assert!(longest <= Some(LINE_OCTETS_MAX), "{length}: {longest:?}");
            assert!(unfolded(&calendar).contains(&format!("\r\nSUMMARY:{}\r\n", title.trim_end())));
        }
    }

    #[test]
    fn no_word_begins_a_line_of_its_own() {
        for hostile in [
            "a\r\nATTENDEE:x",
            "a\nATTENDEE:x",
            "a\rATTENDEE:x",
            "a\u{2028}ATTENDEE:x",
        ] {
            let calendar = unfolded(&published(hostile));
            assert!(calendar.contains("SUMMARY:a\\nATTENDEE:x\r\n"), "{calendar}");
            let bare = calendar.replace("\r\n", "");
            assert!(!bare.contains(['\r', '\n']), "{calendar:?}");
        }
    }
}
