//! The test world itself: what other tests rely on when they blame the daemon.
//!
//! Left out: everything about the daemon.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport};
use openssl::ssl::{SslConnector, SslMethod, SslStream};

use crate::support::MailWorld;
use crate::support::ca::TestCa;
use crate::support::dovecot::{Dovecot, Offer, User};
use crate::support::postfix::{DEFERRED, REFUSED, UNREACHABLE};
use crate::support::process::{Group, Process};
use crate::support::proxy::{Cut, How, Proxy, Rules, Side};
use crate::support::sink::{Action, Fault, Point, Security, Sink};
use crate::support::tools::{PATIENCE, TempDir, free_port, poll, port_is_free, run, tool};

const MAIL: &[u8] = b"From: Ana <ana@citizen.test>\r\nTo: amt@amt.test\r\nSubject: cerere\r\n\r\nAtasat.\r\n";

fn letter(to: &str) -> Message {
    Message::builder()
        .from("Registratura <amt@amt.test>".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("Recipisă")
        .body("Numărul cererii: 1/22.11.2026\n.\n..două puncte\n".to_owned())
        .unwrap()
}

fn trusting(ca: &TestCa) -> TlsParameters {
    let root = Certificate::from_pem(&std::fs::read(&ca.root).unwrap()).unwrap();
    TlsParameters::builder("localhost".to_owned())
        .add_root_certificate(root)
        .build()
        .unwrap()
}

fn client(port: u16, tls: Tls, login: Option<(&str, &str)>) -> SmtpTransport {
    let builder = SmtpTransport::builder_dangerous("127.0.0.1")
        .port(port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    match login {
        Some((user, password)) => builder.credentials(Credentials::new(user.to_owned(), password.to_owned())),
        None => builder,
    }
    .build()
}

fn tls_to(port: u16, ca: &TestCa) -> Result<SslStream<TcpStream>, String> {
    let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
    connector.set_ca_file(&ca.root).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    connector
        .build()
        .connect("localhost", stream)
        .map_err(|error| error.to_string())
}

/// Says IMAP commands one by one and returns all that was answered.
fn imap(port: u16, ca: &TestCa, user: User, commands: &[&str]) -> String {
    let mut stream = tls_to(port, ca).unwrap();
    let login = format!("LOGIN {} {}", user.name(), user.password());
    let mut heard = String::new();
    for (number, command) in [login.as_str()]
        .iter()
        .chain(commands)
        .chain(&["LOGOUT"])
        .enumerate()
    {
        stream
            .write_all(format!("t{number} {command}\r\n").as_bytes())
            .unwrap();
        let done = format!("\r\nt{number} ");
        while !heard.contains(&done) {
            let mut piece = [0; 4096];
            let count = stream.read(&mut piece).unwrap();
            assert_ne!(count, 0, "ended in the middle of {command}: {heard}");
            heard.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
    }
    heard
}

#[test]
fn a_submitted_letter_arrives_in_the_citizens_mailbox() {
    let mut world = MailWorld::start();
    let login = Some((User::Amt.name(), User::Amt.password()));
    let ports = world.postfix.ports;
    for (number, (port, tls)) in [
        (ports.submission, Tls::Required(trusting(&world.ca))),
        (ports.smtps, Tls::Wrapper(trusting(&world.ca))),
    ]
    .into_iter()
    .enumerate()
    {
        client(port, tls, login)
            .send(&letter("Ana <citizen+ana@citizen.test>"))
            .unwrap();
        let mails = world.dovecot.wait_for_mails(User::Citizen, "INBOX", number + 1);
        let text = String::from_utf8_lossy(&mails[number].bytes).into_owned();
        assert!(
            text.contains("1/22.11.2026") && text.contains("Received: "),
            "{text}"
        );
    }
    // Stopped and started again, the queue and the ports are the same; other servers need no password.
    world.postfix.stop();
    assert!(
        client(ports.submission, Tls::Required(trusting(&world.ca)), login)
            .test_connection()
            .is_err()
    );
    world.postfix.start_again();
    client(ports.smtp, Tls::None, None)
        .send(&letter("amt@amt.test"))
        .unwrap();
    world.dovecot.wait_for_mails(User::Amt, "INBOX", 1);
    assert!(world.dir.path().join("ca/ca.pem").is_file());
}

#[test]
fn postfix_refuses_and_defers_as_asked() {
    let world = MailWorld::start();
    let tls = || Tls::Required(trusting(&world.ca));
    let port = world.postfix.ports.submission;
    let amt = client(port, tls(), Some((User::Amt.name(), User::Amt.password())));
    let refused = amt.send(&letter(&format!("x@{REFUSED}"))).unwrap_err();
    assert!(
        refused.is_permanent() && refused.to_string().contains("5.1.1"),
        "{refused}"
    );
    let deferred = amt.send(&letter(&format!("x@{DEFERRED}"))).unwrap_err();
    assert!(
        deferred.is_transient() && deferred.to_string().contains("4.2.0"),
        "{deferred}"
    );
    amt.send(&letter(&format!("x@{UNREACHABLE}"))).unwrap();
    amt.send(&letter("nobody@citizen.test")).unwrap();
    // The bounce, and the warning that the other one is late.
    let reports = world.dovecot.wait_for_mails(User::Amt, "INBOX", 2);
    let holds = |words: &str| {
        let mut texts = reports.iter().map(|mail| String::from_utf8_lossy(&mail.bytes));
        texts.any(|text| text.contains(words))
    };
    assert!(holds("5.1.1") && holds("Action: delayed"));
    assert!(
        client(port, tls(), Some(("amt", "wrong")))
            .send(&letter(User::Citizen.address()))
            .is_err()
    );
    assert!(
        client(port, tls(), None)
            .send(&letter(User::Citizen.address()))
            .is_err(),
        "no relay without password"
    );
    assert!(
        client(port, Tls::None, None)
            .send(&letter(User::Citizen.address()))
            .is_err(),
        "no mail in the clear"
    );
    assert!(world.postfix.log().contains("slow.test"), "the log is written");
}

#[test]
fn delivered_files_are_seen_over_imap_and_read_back() {
    let mut world = MailWorld::start();
    let received = UNIX_EPOCH + Duration::from_secs(1_795_800_000);
    for _ in 0..3 {
        world.dovecot.deliver(User::Dej, MAIL, received);
    }
    world.dovecot.restart();
    let heard = imap(
        world.dovecot.ports.imaps,
        &world.ca,
        User::Dej,
        &[
            "CREATE Preluate",
            "SELECT INBOX",
            "UID FETCH 1 (INTERNALDATE RFC822.SIZE)",
            "UID STORE 1 +FLAGS (\\Seen)",
            "UID MOVE 2 Preluate",
        ],
    );
    assert!(
        heard.contains("* 3 EXISTS") && heard.contains("MOVE") && heard.contains("UIDPLUS"),
        "{heard}"
    );
    assert!(heard.contains(&format!("RFC822.SIZE {}", MAIL.len())), "{heard}");
    assert!(
        heard.contains("INTERNALDATE \"27-Nov-2026 17:20:00 +0000\""),
        "{heard}"
    );
    let inbox = world.dovecot.mails(User::Dej, "INBOX");
    assert_eq!(
        inbox.iter().map(|mail| mail.flags.as_str()).collect::<Vec<_>>(),
        ["S", ""]
    );
    assert_eq!((inbox[0].bytes.as_slice(), inbox[0].received), (MAIL, received));
    assert_eq!(world.dovecot.mails(User::Dej, "Preluate").len(), 1);
    assert!(world.dovecot.mails(User::Dej, "Lipsa").is_empty());
    let status = world
        .dovecot
        .doveadm(&["mailbox", "status", "-u", "dej", "messages", "INBOX"]);
    assert_eq!(status.trim(), "INBOX messages=2");
}

#[test]
fn uids_follow_the_order_of_delivery() {
    let world = MailWorld::start();
    let at = UNIX_EPOCH + Duration::from_secs(1_795_800_000);
    for number in 0..12 {
        let mail = format!("Subject: mail {number:02}\r\n\r\n");
        world.dovecot.deliver(User::Amt, mail.as_bytes(), at);
    }
    let heard = imap(
        world.dovecot.ports.imaps,
        &world.ca,
        User::Amt,
        &[
            "SELECT INBOX",
            "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])",
        ],
    );
    let subjects: Vec<&str> = heard
        .lines()
        .filter_map(|line| line.strip_prefix("Subject: mail "))
        .collect();
    let expected: Vec<String> = (0..12).map(|number| format!("{number:02}")).collect();
    assert_eq!(subjects, expected, "{heard}");
}

#[test]
fn a_poorer_server_hides_what_it_can_do() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start(
        &dir.path().join("d"),
        &ca,
        Offer::Only("IMAP4rev1 IDLE NAMESPACE"),
    );
    let heard = imap(dovecot.ports.imaps, &ca, User::Amt, &["CAPABILITY"]);
    assert!(
        heard.contains("IDLE") && !heard.contains("MOVE") && !heard.contains("UIDPLUS"),
        "{heard}"
    );
}

#[test]
fn the_sink_keeps_mails_by_every_way_in() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let login = ("amt", "secret");
    for (security, tls) in [
        (Security::Plain, Tls::None),
        (Security::StartTls, Tls::Required(trusting(&ca))),
        (Security::Implicit, Tls::Wrapper(trusting(&ca))),
    ] {
        let sink = Sink::start(security, &ca.server, Some(login));
        for mechanism in [Mechanism::Plain, Mechanism::Login] {
            SmtpTransport::builder_dangerous("127.0.0.1")
                .port(sink.port)
                .tls(tls.clone())
                .credentials(Credentials::new(login.0.to_owned(), login.1.to_owned()))
                .authentication(vec![mechanism])
                .build()
                .send(&letter("ana@citizen.test"))
                .unwrap();
        }
        let kept = sink.wait_for(2);
        for (number, mail) in kept.iter().enumerate() {
            assert_eq!(
                (mail.from.as_str(), mail.connection),
                ("amt@amt.test", number + 1),
                "{security:?}"
            );
            assert_eq!(mail.to, [("ana@citizen.test".to_owned(), String::new())]);
            assert_eq!(
                (mail.user.as_deref(), mail.encrypted),
                (Some("amt"), security != Security::Plain)
            );
            let text = String::from_utf8_lossy(&mail.bytes);
            assert!(
                text.ends_with("2026\r\n.\r\n..dou=C4=83 puncte\r\n\r\n"),
                "{text}"
            );
        }
        let wrong = client(sink.port, tls.clone(), Some(("amt", "wrong"))).send(&letter("ana@citizen.test"));
        assert!(wrong.is_err_and(|error| error.is_permanent()));
        assert!(
            client(sink.port, tls, None)
                .send(&letter("ana@citizen.test"))
                .is_err(),
            "the password is asked for"
        );
        assert_eq!(sink.kept().len(), 2);
    }
    let sink = Sink::start(Security::StartTls, &ca.wrong_name, None);
    let refused = client(sink.port, Tls::Required(trusting(&ca)), None).send(&letter("ana@citizen.test"));
    assert!(refused.is_err(), "a certificate with another name is not trusted");
    assert!(
        client(sink.port, Tls::None, None)
            .send(&letter("ana@citizen.test"))
            .is_err(),
        "no mail in the clear"
    );
}

#[test]
fn the_sink_follows_its_script() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let mut sink = Sink::start(Security::StartTls, &ca.server, None);
    let send = |port, to: &str| {
        client(port, Tls::Required(trusting(&ca)), Some(("amt", "any")))
            .send(&letter(to))
            .map(|_| ())
    };
    let port = sink.port;
    let places = [
        Point::Connect,
        Point::Hello,
        Point::StartTls,
        Point::Auth,
        Point::MailFrom,
        Point::RcptTo,
        Point::Data,
        Point::Content,
    ];
    for point in places {
        sink.script(Fault::at(point, Action::Reply("451 4.3.0 later"), 1));
        let error = send(port, "ana@citizen.test").unwrap_err();
        assert!(error.is_transient(), "{point:?}: {error}");
        sink.script(Fault::at(point, Action::Drop, 1));
        assert!(
            send(port, "ana@citizen.test").is_err_and(|error| !error.is_permanent()),
            "{point:?}"
        );
        assert_eq!(sink.kept().len(), 0, "{point:?}");
    }
    sink.script(Fault {
        matching: "ion@",
        ..Fault::at(Point::RcptTo, Action::Reply("550 5.1.1 nobody"), 2)
    });
    send(port, "ana@citizen.test").unwrap();
    for _ in 0..2 {
        assert!(send(port, "ion@citizen.test").unwrap_err().is_permanent());
    }
    send(port, "ion@citizen.test").unwrap();
    sink.script(Fault::at(Point::Content, Action::KeepAndDrop, 1));
    send(port, "ana@citizen.test").unwrap_err();
    assert_eq!(sink.kept().len(), 3, "kept, and the client does not know");
    sink.down();
    assert!(send(port, "ana@citizen.test").is_err());
    sink.up();
    send(port, "ana@citizen.test").unwrap();
    let kept = sink.wait_for(4);
    assert_eq!(kept[3].connection, sink.connections());
    assert_eq!(kept[3].to, [("ana@citizen.test".to_owned(), String::new())]);
}

#[test]
fn the_line_breaks_as_told() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
    let proxy = Proxy::start(dovecot.ports.imap);
    let heard = || {
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut bytes = Vec::new();
        // A connection that is reset at once says so to whichever comes first, and only once.
        let end = stream
            .write_all(b"a LOGOUT\r\n")
            .and_then(|()| stream.read_to_end(&mut bytes).map(|_| ()));
        (
            String::from_utf8_lossy(&bytes).into_owned(),
            end.map_err(|error| error.kind()),
        )
    };
    let cut = |side, after, how| Rules {
        cut: Some(Cut { side, after, how }),
        ..Rules::default()
    };
    let whole = heard();
    assert!(
        whole.0.starts_with("* OK") && whole.0.contains("a OK") && whole.1 == Ok(()),
        "{whole:?}"
    );
    proxy.set(cut(Side::Server, 10, How::Fin));
    let (begin, end) = heard();
    assert!(
        begin.starts_with("* OK") && begin.len() == 10 && end == Ok(()),
        "{begin} {end:?}"
    );
    proxy.set(cut(Side::Server, 0, How::Rst));
    assert_eq!(heard(), (String::new(), Err(ErrorKind::ConnectionReset)));
    proxy.set(cut(Side::Client, 3, How::Rst));
    assert_eq!(heard().1, Err(ErrorKind::ConnectionReset));
    proxy.set(cut(Side::Server, 4, How::Hang));
    let mut silent = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
    silent.read_exact(&mut [0; 4]).unwrap();
    silent.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(
        silent.read(&mut [0; 4]).unwrap_err().kind(),
        ErrorKind::WouldBlock,
        "nothing more, and no end"
    );
    proxy.set(Rules {
        refuse: true,
        ..Rules::default()
    });
    assert_eq!(heard().1, Err(ErrorKind::ConnectionReset));
    let before = Instant::now();
    proxy.set(Rules {
        latency: Some(Duration::from_millis(150)),
        ..Rules::default()
    });
    assert!(heard().0.contains("a OK"));
    assert!(before.elapsed() >= Duration::from_millis(150));
    assert_eq!(proxy.accepted(), 7);

    // The rules reach connections that are already open.
    proxy.set(Rules::default());
    let mut open = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
    open.read_exact(&mut [0; 4]).unwrap();
    proxy.set(cut(Side::Client, 0, How::Rst));
    open.write_all(b"a NOOP\r\n").unwrap();
    let end = open.read_to_end(&mut Vec::new()).map_err(|error| error.kind());
    assert_eq!(end, Err(ErrorKind::ConnectionReset));

    // Through the line in good order TLS passes too.
    proxy.set(Rules::default());
    let secure = Proxy::start(dovecot.ports.imaps);
    assert!(imap(secure.port, &ca, User::Amt, &["NOOP"]).contains("t1 OK"));
    secure.set(cut(Side::Server, 600, How::Rst));
    assert!(tls_to(secure.port, &ca).is_err(), "cut in the handshake");
}

#[test]
fn a_process_ends_with_all_that_it_started() {
    let dir = TempDir::new();
    let mut command = Command::new(tool("sh", "dash"));
    command
        .arg("-c")
        .arg("sleep 1000 & echo $!; echo trouble >&2; wait");
    let mut process = Process::start(command, Group::Ours, dir.path(), "shell");
    let child = poll(PATIENCE, || process.stdout().trim().parse::<u32>().ok()).unwrap();
    assert!(process.ended().is_none());
    process.kill();
    assert_eq!(process.stderr(), "trouble\n");
    let gone = poll(PATIENCE, || {
        let status = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        (status.is_empty() || status.contains(") Z ")).then_some(())
    });
    assert!(gone.is_some(), "the grandchild was killed too");

    let mut command = Command::new(tool("sh", "dash"));
    command
        .arg("-c")
        .arg("trap 'exit 7' TERM; echo ready; while :; do :; done");
    let mut process = Process::start(command, Group::Ours, dir.path(), "polite");
    poll(PATIENCE, || process.stdout().contains("ready").then_some(())).unwrap();
    process.terminate();
    assert_eq!(process.wait(PATIENCE).code(), Some(7));

    let mut own = Process::recipisa(dir.path(), "help", &["--help"], &[("LANG", "C.UTF-8")]);
    assert!(own.wait(PATIENCE).success(), "{}", own.stderr());
    assert!(port_is_free(free_port()));
    assert_eq!(run(Command::new("echo").arg("heard")), "heard\n");
}

#[test]
#[should_panic(expected = "apt-get install -y --no-install-recommends no-such-package")]
fn a_missing_program_fails_the_test_and_says_what_to_install() {
    tool("no-such-program", "no-such-package");
}
