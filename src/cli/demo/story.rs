//! What happens in the weeks after the demonstration's mails: citizens write again, a clerk moves cases on.
//!
//! Everything is told in local time and made up. Citizens' mails are written as a phone would write them; they find
//! their case by the number in the subject.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use crate::casework::{HandoverWay, instant};
use crate::flow::desk::Wish;

/// Something that happens from outside.
pub(super) struct Scene {
    pub(super) at: Timestamp,
    pub(super) deed: Deed,
}

/// What it is.
pub(super) enum Deed {
    /// A mail arrives in a source's mailbox, under this file name.
    Mail {
        source: &'static str,
        file: String,
        bytes: Vec<u8>,
    },
    /// A clerk acts on the case with this number.
    Clerk { number: &'static str, wish: Wish },
}

/// The clerk of the story.
pub(super) const CLERK: &str = "Maria Registratoru";

/// A paper of one page, accepted by the registry.
const PAPER: &[u8] = include_bytes!("../../../fixtures/documents/pdf/accept/cerere.pdf");
/// The blank consent stands for the signed one.
const CONSENT: &[u8] = include_bytes!("../../../config/forms/acord.pdf");

/// A citizen of the story.
struct Citizen {
    name: &'static str,
    address: &'static str,
    source: &'static str,
    to: &'static str,
    number: &'static str,
}

const IOANA: Citizen = Citizen {
    name: "Ioana Pastravanu",
    address: "ioana.pastravanu@exemplu.test",
    source: "somaj",
    to: "somaj@ajofm-exemplu.test",
    number: "1/20.11.2026",
};
const CALIN: Citizen = Citizen {
    name: "Calin Turturica",
    address: "calin.turturica@exemplu.test",
    source: "somaj",
    to: "somaj@ajofm-exemplu.test",
    number: "2/20.11.2026",
};
const ANCA: Citizen = Citizen {
    name: "Anca Bradut",
    address: "anca.bradut@exemplu.test",
    source: "somaj",
    to: "somaj@ajofm-exemplu.test",
    number: "3/20.11.2026",
};

/// The scenes in their order.
pub(super) fn scenes() -> Vec<Scene> {
    let mut scenes = ioana();
    scenes.extend(calin());
    scenes.extend(anca());
    scenes.sort_by_key(|scene| scene.at);
    scenes
}

/// All goes well: the consent comes by reply, a question is answered, the decision is picked up behind Saint Andrew's
/// and the National Day.
fn ioana() -> Vec<Scene> {
    vec![
        IOANA.writes(
            "2026-11-23T18:40",
            "1",
            "Trimit acordul semnat.",
            Some(("acord semnat.pdf", CONSENT)),
        ),
        IOANA.clerk(
            "2026-11-24T10:15",
            Wish::Clarify {
                what: "Vă rugăm să trimiteți copia cărții de identitate, pe ambele fețe.".into(),
                until: Some(day(2026, 12, 9)),
            },
        ),
        IOANA.writes(
            "2026-11-26T12:05",
            "2",
            "Am atașat copia.",
            Some(("carte de identitate.pdf", PAPER)),
        ),
        IOANA.clerk("2026-11-27T09:30", decision("decizie-1.pdf")),
        IOANA.clerk("2026-11-27T09:35", pickup("2026-12-03T10:00")),
        IOANA.clerk("2026-12-03T10:20", handed_over(HandoverWay::InPerson)),
    ]
}

/// Asked on a Friday after closing, silent through the reminder, and not there at the first appointment.
fn calin() -> Vec<Scene> {
    vec![
        CALIN.clerk(
            "2026-11-27T15:10",
            Wish::Clarify {
                what: "Lipsește adeverința de la ultimul angajator.\nDacă nu o aveți, scrieți-ne de ce."
                    .into(),
                until: Some(day(2026, 12, 10)),
            },
        ),
        CALIN.clerk("2026-12-14T11:00", decision("decizie-2.pdf")),
        CALIN.clerk("2026-12-14T11:05", pickup("2026-12-22T11:00")),
        CALIN.clerk("2026-12-23T09:00", pickup("2026-12-29T12:00")),
        CALIN.clerk("2026-12-29T12:10", handed_over(HandoverWay::InPerson)),
    ]
}

/// Her photograph could not be read; she sends it again, and her paper goes by post after Christmas.
fn anca() -> Vec<Scene> {
    vec![
        ANCA.writes(
            "2026-11-29T20:30",
            "1",
            "Am transformat poza in PDF.",
            Some(("adeverinta.pdf", PAPER)),
        ),
        ANCA.clerk("2026-12-17T14:00", decision("decizie-3.pdf")),
        ANCA.clerk("2026-12-17T14:05", pickup("2026-12-28T09:00")),
        ANCA.clerk("2026-12-23T10:00", handed_over(HandoverWay::Post)),
    ]
}

fn day(year: i16, month: i8, day: i8) -> Date {
    jiff::civil::date(year, month, day)
}

fn decision(name: &str) -> Wish {
    Wish::Decide {
        on: None,
        document_name: name.to_owned(),
        document: PAPER.to_vec(),
    }
}

fn pickup(starts: &str) -> Wish {
    Wish::Pickup {
        starts: local(starts),
        place: "Punctul de lucru Cluj-Exemplu, ghișeul 2".into(),
    }
}

fn handed_over(how: HandoverWay) -> Wish {
    Wish::HandOver { on: None, how }
}

/// The story's own times are right, and a test lives through all of them.
fn local(text: &str) -> DateTime {
    text.parse().expect("a time written in this file")
}

fn at(text: &str) -> Timestamp {
    instant(local(text)).expect("a time of 2026 or 2027")
}

impl Citizen {
    fn clerk(&self, when: &str, wish: Wish) -> Scene {
        Scene {
            at: at(when),
            deed: Deed::Clerk {
                number: self.number,
                wish,
            },
        }
    }

    /// A reply with the number in its subject, and a file.
    fn writes(&self, when: &str, nth: &str, words: &str, file: Option<(&str, &[u8])>) -> Scene {
        let at = at(when);
        let date = at
            .to_zoned(crate::calendar::hours::ZONE)
            .strftime("%a, %d %b %Y %H:%M:%S %z")
            .to_string();
        let (number, name, address, to) = (self.number, self.name, self.address, self.to);
        let user = address.split('@').next().unwrap_or_default();
        let mut mail = format!(
            "Return-Path: <{address}>\r\nReceived: from mail.exemplu.test by mx.ajofm-exemplu.test; {date}\r\n\
             From: {name} <{address}>\r\nTo: {to}\r\nSubject: Re: Recipisa nr. {number}\r\nDate: {date}\r\n\
             Message-ID: <{user}-{nth}@exemplu.test>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=\"parte\"\r\n\r\n\
             --parte\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
        );
        if let Some((file, bytes)) = file {
            mail.push_str(&format!(
                "--parte\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"{file}\"\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n"
            ));
            for line in data_encoding::BASE64.encode(bytes).as_bytes().chunks(76) {
                mail.extend(line.iter().map(|byte| char::from(*byte)));
                mail.push_str("\r\n");
            }
        }
        mail.push_str("--parte--\r\n");
        Scene {
            at,
            deed: Deed::Mail {
                source: self.source,
                file: format!("raspuns-{user}-{nth}"),
                bytes: mail.into_bytes(),
            },
        }
    }
}
