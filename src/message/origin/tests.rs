//! Whom a header and its words give away, and whom they do not.

use super::Origin::{self, AsksForSilence, AutoReply, Bounce, Bulk, Complaint, List, Person, ReadReport};
use crate::message::Message;

fn origin(header: &str, text: &str) -> Origin {
    Message::read(format!("{header}\r\n\r\n{text}\r\n").as_bytes()).origin
}

const ION: &str = "Return-Path: <ion@exemplu.test>\r\nFrom: Ion Pop <ion@exemplu.test>\r\nSubject: ";

#[test]
fn what_the_standards_say_is_enough() {
    let cases = [
        ("Auto-Submitted: auto-replied", AutoReply),
        ("Auto-Submitted: Auto-Generated (cron)", AutoReply),
        ("Auto-Submitted: no", Person),
        ("Auto-Submitted: NO; x=y", Person),
        ("Auto-Submitted:", Person),
        ("Auto-Submitted: (x)", Person),
        ("Precedence: auto_reply", AutoReply),
        ("Precedence: bulk", Bulk),
        ("Precedence: junk", Bulk),
        ("Precedence: list", List),
        ("List-Id: <stiri.exemplu.test>", List),
        ("List-Unsubscribe: <mailto:x@exemplu.test>", AsksForSilence),
        ("X-Auto-Response-Suppress: DR, OOF", AsksForSilence),
        ("X-Auto-Response-Suppress: DR, RN", Person),
        ("X-Loop: x", AsksForSilence),
        ("X-Autoreply: yes", AutoReply),
        ("X-Autorespond: cerere", AutoReply),
        ("X-AutoReply: no", Person),
        ("X-Failed-Recipients: ana@exemplu.test", Bounce),
        ("X-Apple-Action: VACATION", AutoReply),
        (
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
            Bounce,
        ),
        ("Content-Type: multipart/report; boundary=b", Bounce),
        (
            "Content-Type: Multipart/Report; Report-Type=\"disposition-notification\"; boundary=b",
            ReadReport,
        ),
        (
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b",
            Complaint,
        ),
        ("Content-Type: message/delivery-status", Bounce),
    ];
    for (field, expected) in cases {
        assert_eq!(
            origin(&format!("{ION}cerere\r\n{field}"), "text"),
            expected,
            "{field}"
        );
    }
}

#[test]
fn nobody_answers_the_null_sender_nor_a_server() {
    for header in [
        "Return-Path: <>\r\nFrom: ion@exemplu.test\r\nSubject: Undeliverable: cerere",
        "Return-Path: <MAILER-DAEMON>\r\nFrom: ion@exemplu.test",
        "From: MAILER-DAEMON@exemplu.test (Mail Delivery System)",
        "From: \"Mail Delivery Subsystem\" <x@exemplu.test>",
        "From: <>",
        "From: Postmaster <postmaster@exemplu.test>\r\nSubject: Undeliverable: cerere",
        "From: noreply@exemplu.test\r\nSubject: Mesajul nu a putut fi livrat",
    ] {
        assert_eq!(origin(header, "text"), Bounce, "{header}");
    }
    // A Return-Path below the topmost was written by somebody else.
    let header = "Return-Path: <ion@exemplu.test>\r\nReturn-Path: <>\r\nFrom: ion@exemplu.test";
    assert_eq!(origin(header, "text"), Person);
}

#[test]
fn a_subject_alone_keeps_the_answer_back_and_loses_no_request() {
    for subject in [
        "Răspuns automat: Recipisă 12/20.11.2026",
        "Raspuns automat",
        "Out of office",
        "Abwesenheitsnotiz: x",
        "Réponse automatique : x",
        "Automatikus válasz: x",
        "Undeliverable: cererea mea",
        "Citit: Recipisă",
    ] {
        assert_eq!(
            origin(&format!("{ION}{subject}"), "text"),
            AsksForSilence,
            "{subject}"
        );
    }
    for subject in [
        "Re: Out of office",
        "Cerere: primesc mereu un răspuns automat",
        "Mail delivery failedx",
        "Concediu medical",
        "Readmitere",
    ] {
        assert_eq!(origin(&format!("{ION}{subject}"), "text"), Person, "{subject}");
    }
}

#[test]
fn a_subject_and_a_second_sign_are_an_automatic_reply() {
    for field in [
        "X-Auto-Response-Suppress: All",
        "Precedence: bulk",
        "Return-Path: <>",
    ] {
        let header = format!("{field}\r\nFrom: ion@exemplu.test\r\nSubject: Răspuns automat: x");
        assert_eq!(origin(&header, "Sunt în concediu."), AutoReply, "{field}");
    }
    let header = "From: no-reply@exemplu.test\r\nSubject: Out of Office: x";
    assert_eq!(origin(header, "x"), AutoReply);
}

#[test]
fn the_words_of_a_server_count_only_from_an_address_without_a_person() {
    let words = "Your message could not be delivered to: <ana@exemplu.test>";
    assert_eq!(
        origin("From: post_master@exemplu.test\r\nSubject: Re: x", words),
        Bounce
    );
    let answering = "From: no-reply@exemplu.test\r\nIn-Reply-To: <x@ajofm.test>\r\nSubject: x";
    assert_eq!(origin(answering, words), Bounce);
    let returning = format!("{words}\r\n\r\n--- Original message ---\r\nMessage-ID: <x@ajofm.test>\r\n");
    assert_eq!(
        origin("From: no-reply@exemplu.test\r\nSubject: x", &returning),
        Bounce
    );
    assert_eq!(
        origin("From: no-reply@exemplu.test\r\nSubject: x", "Factura"),
        AsksForSilence
    );
    assert_eq!(
        origin("From: postmaster@exemplu.test\r\nSubject: x", "Cerere"),
        AsksForSilence
    );
    assert_eq!(origin(&format!("{ION}plângere"), words), Person);
}

#[test]
fn a_citizens_words_in_a_portals_mail_are_no_report() {
    let ses = r#"{"notificationType":"Bounce"}"#;
    assert_eq!(origin("From: no-reply@exemplu.test\r\nSubject: x", ses), Bounce);
    let words = "Cererea mea nu a putut fi livrat către AJOFM, revin.";
    let portal = "From: Portal <noreply@portal.test>\r\nSubject: Petiție";
    assert_eq!(origin(portal, words), AsksForSilence);
    assert_eq!(
        origin(&format!("Return-Path: <>\r\n{portal}"), words),
        AsksForSilence
    );
}

#[test]
fn a_request_without_a_return_path_is_kept_as_a_persons_and_not_answered() {
    let scanner = "Return-Path: <>\r\nFrom: scanner@primaria.test\r\nSubject: Cerere indemnizatie";
    for words in [
        "",
        "Vă rog să îmi acordați indemnizația. Suma cerută nu e prea mare. tel. 0722 550 123",
    ] {
        let read = Message::read(format!("{scanner}\r\n\r\n{words}\r\n").as_bytes());
        assert_eq!((read.origin, read.report), (AsksForSilence, None), "{words}");
    }
}

#[test]
fn an_answer_without_a_return_path_is_a_report_only_in_a_servers_words() {
    let header =
        "Return-Path: <>\r\nFrom: Ana <ana@exemplu.test>\r\nIn-Reply-To: <x@ajofm.test>\r\nSubject: ";
    let away = "Sunt plecată până luni.\r\nana@exemplu.test\r\ntel. 0722 550 123";
    let read = Message::read(format!("{header}Re: Recipisa\r\n\r\n{away}\r\n").as_bytes());
    assert_eq!((read.origin, read.report), (AutoReply, None));
    let words = "<ana@exemplu.test>: 550 user unknown";
    assert_eq!(origin(&format!("{header}Re: Recipisa"), words), Bounce);
    assert_eq!(origin(&format!("{header}Returned mail"), "x"), Bounce);
    assert_eq!(
        origin(
            &format!("{header}x\r\nX-Failed-Recipients: ana@exemplu.test"),
            "x"
        ),
        Bounce
    );
}

#[test]
fn a_letter_of_ours_that_comes_back_is_answered_by_nobody() {
    let fields =
        "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\nMessage-ID: <x@ajofm.test>";
    for from in ["somaj@ajofm.test", "ion@exemplu.test"] {
        assert_eq!(
            origin(&format!("From: {from}\r\n{fields}\r\nSubject: Recipisă"), "x"),
            AutoReply
        );
    }
}

#[test]
fn a_forwarded_report_is_a_persons_mail() {
    let mail = format!(
        "{ION}Fwd: Undelivered Mail Returned to Sender\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\
         Am primit asta.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nReturn-Path: <>\r\nFrom: MAILER-DAEMON@a.test\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=c\r\n\r\n--c\r\n\
         Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; x@y.test\r\n--c--\r\n--b--\r\n"
    );
    let read = Message::read(mail.as_bytes());
    assert_eq!(read.origin, Person);
    assert_eq!(read.report, None);
}
