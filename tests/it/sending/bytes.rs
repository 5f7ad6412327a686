//! Letters with hostile bytes arrive through a real Postfix as they left: dots, long lines, eight bits.

use recipisa::edge::oauth::Proof;
use recipisa::edge::smtp::{Server, SmtpTransport};
use recipisa::edge::tls::Security;
use recipisa::mailbox::Disposition;
use recipisa::outbox::{Envelope, Reports, Transport};

use crate::support::MailWorld;
use crate::support::dovecot::User;
use crate::support::sink::{Security as Line, Sink};

fn server(world: &MailWorld, port: u16) -> Server {
    Server {
        host: "localhost".into(),
        port,
        security: Security::StartTls,
        login: Some((
            User::Amt.name().into(),
            Proof::Password(User::Amt.password().into()),
        )),
        hello: "localhost".into(),
        ca_file: Some(world.ca.root.clone()),
        delivery_reports: true,
        verp: None,
    }
}

fn envelope<'a>(message_id: &'a str, from: &'a str, to: &'a str) -> Envelope<'a> {
    Envelope {
        message_id,
        from,
        to,
        reports: if from.is_empty() {
            Reports::None
        } else {
            Reports::All
        },
    }
}

/// Bodies that a careless sender spoils.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let long = |letter: &str, length: usize| letter.repeat(length);
    vec![
        ("dots", b".\r\n..\r\n...\r\n.text\r\n \r\n.\r\n".to_vec()),
        ("dots-at-the-end", b"text\r\n.\r\n".to_vec()),
        (
            "lines-of-998",
            format!("{}\r\n.{}\r\n", long("x", 998), long("y", 997)).into_bytes(),
        ),
        ("from", b"From ana\r\n>From ana\r\nFrom: x\r\n".to_vec()),
        (
            "eight-bits",
            "M\u{103}rturisesc \u{219}i \u{21b}in minte. \u{1f4e8}\r\n"
                .repeat(40)
                .into_bytes(),
        ),
        ("latin", [&b"\xaa\xba\xde\xfe"[..], b" \xff\r\n"].concat()),
        ("empty-lines", b"\r\n\r\n\r\ntext\r\n\r\n\r\n".to_vec()),
        ("smuggled", b"text\n.\nMAIL FROM:<x@y.test>\nQUIT\r\n".to_vec()),
        ("no-body", Vec::new()),
    ]
}

#[test]
fn hostile_letters_arrive_as_they_left() {
    let world = MailWorld::start();
    let mut transport = SmtpTransport::new(server(&world, world.postfix.ports.submission)).unwrap();
    let bodies = hostile();
    for (name, body) in &bodies {
        let id = format!("{name}@amt.test");
        let head = format!(
            "From: <amt@amt.test>\r\nTo: <citizen@citizen.test>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0200\r\n\
             Message-ID: <{id}>\r\nSubject: {name}\r\n\r\n"
        );
        let letter = [head.as_bytes(), body].concat();
        // A report goes with the null reverse-path.
        let from = if *name == "dots" { "" } else { "amt@amt.test" };
        transport
            .send(envelope(&id, from, "citizen@citizen.test"), &letter)
            .unwrap();
    }
    transport.rest();
    let mails = world.dovecot.wait_for_mails(User::Citizen, "INBOX", bodies.len());
    for (name, body) in &bodies {
        let subject = format!("\nSubject: {name}\n\n").into_bytes();
        let came = mails
            .iter()
            .map(|mail| lines(&mail.bytes))
            .find_map(|mail| {
                let place = mail.windows(subject.len()).position(|part| part == subject)?;
                Some(mail[place + subject.len()..].to_vec())
            })
            .unwrap_or_else(|| panic!("{name} has not come"));
        // A bare line feed is no end of line on the wire; the servers make one of it, and nothing ends there.
        let wanted = lines(body);
        let (came, wanted) = (trimmed(&came), trimmed(&wanted));
        assert!(came == wanted, "{name}: {:?}", String::from_utf8_lossy(came));
    }
    let null = mails.iter().find(|mail| {
        let text = String::from_utf8_lossy(&mail.bytes).into_owned();
        text.contains("\nSubject: dots") && text.contains("Return-Path: <>")
    });
    assert!(null.is_some(), "the null reverse-path came through");
}

/// Dovecot keeps mails with line feeds alone.
fn lines(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| *byte != b'\r').collect()
}

/// Whether an empty line more stands at the end is the servers' affair.
fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_suffix(b"\n") {
        bytes = rest;
    }
    bytes
}

/// An address beyond ASCII goes where the server takes it, and is a person's task where it does not.
#[test]
fn addresses_beyond_ascii_are_offered_or_given_up_at_once() {
    let world = MailWorld::start();
    let to = "\u{219}tefan@citizen.test";
    let login = (User::Amt.name(), User::Amt.password());
    let letter = b"From: amt@amt.test\r\nSubject: x\r\n\r\nx\r\n";
    let sink = Sink::start(Line::StartTls, &world.ca.server, Some(login));
    let mut transport = SmtpTransport::new(server(&world, sink.port)).unwrap();
    transport
        .send(envelope("a@amt.test", "amt@amt.test", to), letter)
        .unwrap();
    let kept = sink.kept();
    assert_eq!(kept[0].to[0].0, to);
    assert!(
        kept[0].from_parameters.contains("SMTPUTF8"),
        "{}",
        kept[0].from_parameters
    );
    assert!(
        kept[0].to[0].1.contains(r"ORCPT=utf-8;\x{219}tefan@citizen.test"),
        "{}",
        kept[0].to[0].1
    );
    let plain = Sink::start_without(Line::StartTls, &world.ca.server, Some(login), &["SMTPUTF8"]);
    let mut transport = SmtpTransport::new(server(&world, plain.port)).unwrap();
    let error = transport
        .send(envelope("b@amt.test", "amt@amt.test", to), letter)
        .unwrap_err();
    assert_eq!(error.disposition(), Disposition::GiveUp);
    assert!(error.to_string().contains("SMTPUTF8"), "{error}");
    transport
        .send(envelope("c@amt.test", "amt@amt.test", "ana@citizen.test"), letter)
        .unwrap();
    assert_eq!(
        (plain.kept().len(), plain.connections()),
        (1, 1),
        "the line serves the next one"
    );
}
