//! Reports as programs write them, and what may be taken out of them.

use super::{Action, Report, ReportKind};
use crate::message::Message;

fn report(raw: &str) -> Option<Report> {
    Message::read(raw.replace('\n', "\r\n").as_bytes()).report
}

/// A report with these parts behind the words.
fn multipart(kind: &str, parts: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.exemplu.test\nSubject: Undelivered Mail Returned to Sender\n\
         Content-Type: multipart/report; report-type={kind}; boundary=b\n\n--b\n\nSee below.\n{parts}\n--b--\n"
    )
}

const RETURNED: &str = "--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <scrisoare@ajofm.test>\nSubject: Recipisa lui Ion\n\
                        To: ion@exemplu.test\n";

#[test]
fn a_delivery_report_is_read_in_whole() {
    let fields = "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\nOriginal-Envelope-ID: a+3Db\n\n\
                  Final-Recipient: rfc822; ion@exemplu.test\nACTION: Failed\nStatus: 5.0.0\n\
                  Diagnostic-Code: smtp; 550\n 5.1.1 User\tunknown\n\n\
                  Original-Recipient: rfc822;ana+2Bx@exemplu.test\nAction: relayed\nStatus: 2.0.0\n";
    let read = report(&multipart("delivery-status", &format!("{fields}{RETURNED}"))).unwrap();
    assert_eq!(read.kind, ReportKind::Delivery);
    assert_eq!(read.envelope_id.as_deref(), Some("a=b"));
    assert_eq!(read.original_message_id.as_deref(), Some("scrisoare@ajofm.test"));
    let [ion, ana] = read.recipients.as_slice() else {
        panic!("{read:?}");
    };
    assert_eq!(ion.address.as_deref(), Some("ion@exemplu.test"));
    assert_eq!(
        (ion.action, ion.status.as_deref()),
        (Action::Failed, Some("5.1.1"))
    );
    assert_eq!(ion.diagnostic.as_deref(), Some("550 5.1.1 User unknown"));
    assert_eq!(ana.address.as_deref(), Some("ana+x@exemplu.test"));
    assert_eq!(
        (ana.action, ana.status.as_deref()),
        (Action::Relayed, Some("2.0.0"))
    );
}

#[test]
fn international_reports_are_read_as_well() {
    let parts = "--b\nContent-Type: message/global-delivery-status\n\nReporting-MTA: dns; mx\n\n\
                 Final-Recipient: utf-8; ștefan@exemplu.test\nAction: delayed\nStatus: 4.4.1\n\
                 --b\nContent-Type: message/global-headers\n\nMessage-ID: <șir@ajofm.test>\nTo: ștefan@exemplu.test\n";
    let read = report(&multipart("delivery-status", parts)).unwrap();
    assert_eq!(read.recipients[0].address.as_deref(), Some("ștefan@exemplu.test"));
    assert_eq!(read.recipients[0].action, Action::Delayed);
    assert_eq!(read.original_message_id.as_deref(), Some("șir@ajofm.test"));
}

#[test]
fn the_letters_own_number_is_found_wherever_it_stands() {
    let status = "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; ion@exemplu.test\nStatus: 5.1.1\n";
    let whole =
        "--b\nContent-Type: message/rfc822\n\nMessage-ID: <in-rfc822@ajofm.test>\nFrom: a@b.test\n\ntext\n";
    let read = report(&multipart("delivery-status", &format!("{status}{whole}"))).unwrap();
    assert_eq!(read.original_message_id.as_deref(), Some("in-rfc822@ajofm.test"));
    let text = "Return-Path: <>\nFrom: postmaster@mx.test\nSubject: Undeliverable Mail\n\nUnknown user: ion@exemplu.test\n\n\
                Original message follows.\n\nMessage-Id: <in-text@ajofm.test>\nTo: alt@exemplu.test\n";
    let read = report(text).unwrap();
    assert_eq!(read.original_message_id.as_deref(), Some("in-text@ajofm.test"));
    assert_eq!(read.recipients[0].address.as_deref(), Some("ion@exemplu.test"));
    assert_eq!(read.recipients[0].status.as_deref(), Some("5.1.1"));
    let bare = multipart("delivery-status", status).replacen(
        "Subject:",
        "In-Reply-To: <answered@ajofm.test>\nSubject:",
        1,
    );
    let read = report(&bare).unwrap();
    assert_eq!(read.original_message_id.as_deref(), Some("answered@ajofm.test"));
}

#[test]
fn a_read_report_says_what_became_of_the_letter() {
    let cases = [
        ("manual-action/MDN-sent-manually; displayed", Action::Displayed),
        (
            "automatic-action/MDN-sent-automatically; deleted",
            Action::Deleted,
        ),
        (
            "automatic-action/MDN-sent-automatically; processed/error",
            Action::Processed,
        ),
        ("manual-action/MDN-sent-manually;dispatched", Action::Processed),
    ];
    for (disposition, action) in cases {
        let part = format!(
            "--b\nContent-Type: message/disposition-notification\n\nReporting-UA: x\nFinal-Recipient: rfc822;ion@exemplu.test\n\
             Original-Message-ID: <scrisoare@ajofm.test>\nDisposition: {disposition}\n"
        );
        let read = report(&multipart("disposition-notification", &part)).unwrap();
        assert_eq!(read.kind, ReportKind::Read);
        assert_eq!(read.original_message_id.as_deref(), Some("scrisoare@ajofm.test"));
        assert_eq!(read.recipients[0].address.as_deref(), Some("ion@exemplu.test"));
        assert_eq!(read.recipients[0].action, action, "{disposition}");
    }
}

#[test]
fn a_complaint_names_whom_it_is_about() {
    let part = "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: <ion@exemplu.test>\n\
                Original-Rcpt-To: <ana@exemplu.test>\n";
    let read = report(&multipart("feedback-report", &format!("{part}{RETURNED}"))).unwrap();
    assert_eq!(read.kind, ReportKind::Complaint);
    assert_eq!(read.recipients.len(), 2);
    assert_eq!(read.original_message_id.as_deref(), Some("scrisoare@ajofm.test"));
}

#[test]
fn what_came_without_a_sender_and_says_nothing_is_no_report() {
    assert_eq!(
        report("Return-Path: <>\nFrom: ion@exemplu.test\nSubject: x\n\nBună ziua\n"),
        None
    );
    assert_eq!(
        report("From: ion@exemplu.test\nSubject: x\n\nFinal-Recipient: rfc822; a@b.test\n"),
        None
    );
}

#[test]
fn hostile_reports_cost_little_and_are_bounded() {
    let groups = "Final-Recipient: rfc822; a@b.test\nStatus: 5.1.1\nDiagnostic-Code: smtp; x\n\n"
        .replace("a@b", "N@b");
    let many: String = (0..20_000)
        .map(|number| groups.replace('N', &number.to_string()))
        .collect();
    let part = format!("--b\nContent-Type: message/delivery-status\n\n{many}");
    let read = report(&multipart("delivery-status", &part)).unwrap();
    assert_eq!(read.recipients.len(), super::RECIPIENTS_MAX);
    let addresses: String = (0..50_000)
        .map(|number| format!("<n{number}@b.test>: 550 no\n"))
        .collect();
    let read = report(&format!("From: MAILER-DAEMON@a.test\n\n{addresses}")).unwrap();
    assert_eq!(read.recipients.len(), super::RECIPIENTS_MAX);
    for filler in [
        "@",
        "a@",
        "5.1.",
        "550 ",
        "<a@b.test ",
        "\\x{",
        "+2B",
        "Final-Recipient:;",
    ] {
        let long = filler.repeat(200_000 / filler.len());
        report(&format!(
            "From: MAILER-DAEMON@a.test\nX-Failed-Recipients: {long}\n\n{long}"
        ));
        report(&multipart(
            "delivery-status",
            &format!("--b\nContent-Type: message/delivery-status\n\nStatus: {long}\n"),
        ));
    }
}

#[test]
fn a_diagnosis_is_one_short_line_without_controls() {
    let words = format!("550 5.7.1 \u{7}{}", "lung ".repeat(100));
    let part = format!(
        "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.test\nStatus: 5.7.1\nDiagnostic-Code: smtp; {words}\n"
    );
    let read = report(&multipart("delivery-status", &part)).unwrap();
    let diagnostic = read.recipients[0].diagnostic.clone().unwrap();
    assert_eq!(diagnostic.chars().count(), 200);
    assert!(!diagnostic.contains(char::is_control));
}
