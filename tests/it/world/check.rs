//! `check --online` against real servers: what it tells when all is well, that it changes nothing, and that each
//! trouble has its own words and remedy.

use std::time::Duration;

use jiff::SignedDuration;
use recipisa::calendar::hours::ZONE;
use recipisa::edge::clock::Clock;
use serde_json::Value;

use super::wiretap::{Tongue, Wiretap};
use crate::support::MailWorld;
use crate::support::ca::TestCa;
use crate::support::citizens::now;
use crate::support::dovecot::{Dovecot, Offer, User};
use crate::support::online::{Agency, Inbox, KEPT_FOLDER, Submission};
use crate::support::sink::{Security, Sink};
use crate::support::tools::free_port;

const MAIL: &[u8] = b"From: Ana <ana@citizen.test>\r\nSubject: cerere\r\n\r\nBun\xC4\x83 ziua.\r\n";

struct Stage {
    agency: Agency,
    world: MailWorld,
}

impl Stage {
    fn new() -> Self {
        let world = MailWorld::start();
        let submission = Submission::starttls(world.postfix.ports.submission);
        let inboxes = Inbox::both(&world.dovecot);
        let agency = Agency::found(&world.dir.path().join("a"), &world.ca, &inboxes, submission);
        Self { agency, world }
    }

    fn submission(&self) -> Submission {
        Submission::starttls(self.world.postfix.ports.submission)
    }

    fn configure(&self, inboxes: &[Inbox], submission: Submission) {
        self.agency.configure(&self.world.ca, inboxes, submission);
    }

    /// Changes the written configuration.
    fn rewrite(&self, change: impl FnOnce(String) -> String) {
        let file = self.agency.config();
        std::fs::write(&file, change(std::fs::read_to_string(&file).unwrap())).unwrap();
    }

    /// The lines of `check --online --json`, and whether it ended well.
    fn check(&self) -> (bool, Vec<Value>) {
        let output = self.agency.command(&["check", "--online", "--json"]);
        let lines: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let any_error = lines.iter().any(|line| line["level"] == "error");
        assert_eq!(output.status.success(), !any_error, "{lines:#?}");
        (output.status.success(), lines)
    }

    /// The one error there is: its words and its remedy.
    #[track_caller]
    fn only_error(&self) -> (String, String) {
        let (_, lines) = self.check();
        let errors: Vec<&Value> = lines.iter().filter(|line| line["level"] == "error").collect();
        let [one] = errors[..] else {
            panic!("not one error: {lines:#?}");
        };
        let text = |member: &str| one[member].as_str().unwrap().to_owned();
        (text("said"), text("remedy"))
    }
}

#[track_caller]
fn told(lines: &[Value], level: &str, words: &str) {
    let is_there = |line: &Value| line["level"] == level && line["said"].as_str().unwrap().contains(words);
    assert!(
        lines.iter().any(is_there),
        "no {level} with \"{words}\": {lines:#?}"
    );
}

#[test]
fn sound_servers_are_described_and_left_as_they_are() {
    let stage = Stage::new();
    let day = Duration::from_secs(86_400);
    for (days, count) in [(0, 2), (5, 1), (20, 3), (100, 4)] {
        for _ in 0..count {
            stage.world.dovecot.deliver(User::Amt, MAIL, now() - day * days);
        }
    }
    let before = stage.world.dovecot.mails(User::Amt, "INBOX");
    let (well, lines) = stage.check();
    assert!(well, "{lines:#?}");
    for words in [
        "lets us in over TLS and offers MOVE, UIDPLUS, IDLE",
        "amt: INBOX holds 10 messages: 2 of today, 1 of 1 to 7 days ago, 3 of 8 to 30 days ago, 4 of 31 to 365 days \
         ago, 0 older",
        "dej: INBOX holds no messages",
        "amt: kept mail goes to Inregistrate, which the first one makes",
        "answers over TLS; the login is right; it can report delivery (DSN)",
        "it takes letters up to 41.9 MB",
    ] {
        told(&lines, "ok", words);
    }
    told(
        &lines,
        "warning",
        "amt: without `start`, 10 messages would be registered and answered, 7 of them older than 7 days",
    );
    assert_eq!(stage.world.dovecot.mails(User::Amt, "INBOX"), before);
    let folders = stage.world.dovecot.doveadm(&["mailbox", "list", "-u", "amt"]);
    assert!(!folders.contains(KEPT_FOLDER), "{folders}");
    stage
        .world
        .dovecot
        .doveadm(&["mailbox", "create", "-u", "amt", KEPT_FOLDER]);
    // With a day from which mails count there is nothing to warn of, and a limit may be one that letters reach never.
    let start = Clock::System.now() - SignedDuration::from_hours(24 * 10);
    let start = start.to_zoned(ZONE).date();
    stage.rewrite(|text| {
        let kept = format!("move_to = \"{KEPT_FOLDER}\"");
        text.replacen(&kept, &format!("move_to = \"\"\nstart = {start}"), 1)
            + "\n[limits]\nfiles_max = 10000\n"
    });
    let (well, lines) = stage.check();
    assert!(well, "{lines:#?}");
    told(&lines, "ok", "amt: kept mail stays in INBOX");
    told(
        &lines,
        "warning",
        "it takes letters up to 41.9 MB, and the largest letter may weigh",
    );
    let day = start.strftime("%d.%m.%Y 00:00:00");
    told(
        &lines,
        "ok",
        &format!(
            "amt: mails from {day} on are registered: 3 of those that lie there now; 7 earlier would only be noted"
        ),
    );
    assert!(
        !lines
            .iter()
            .any(|line| line["said"].as_str().unwrap().contains("without `start`"))
    );
    assert!(!stage.world.postfix.log().contains("from=<"), "no mail was sent");
}

#[test]
fn each_trouble_with_a_mailbox_has_its_own_words() {
    let stage = Stage::new();
    let [amt, dej] = Inbox::both(&stage.world.dovecot);
    let of = |inbox: Inbox| {
        stage.configure(&[inbox, dej], stage.submission());
        stage.only_error()
    };
    let (said, remedy) = of(Inbox {
        password: "gresit",
        ..amt
    });
    assert!(
        said.contains("amt: ") && said.contains("does not accept the user and password"),
        "{said}"
    );
    assert!(
        remedy.contains("check `user` and `password` of this source"),
        "{remedy}"
    );
    assert!(!said.contains("gresit") && !remedy.contains("gresit"));

    let (said, remedy) = of(Inbox {
        port: free_port(),
        ..amt
    });
    assert!(
        said.contains("while connecting") && said.contains("refused"),
        "{said}"
    );
    assert!(remedy.contains("firewall"), "{remedy}");

    let tap = Wiretap::start(Tongue::Imap);
    let plain = Inbox {
        port: tap.port,
        security: "starttls",
        ..amt
    };
    let (said, remedy) = of(plain);
    assert!(said.contains("offers no STARTTLS"), "{said}");
    assert!(remedy.contains("port 993"), "{remedy}");
    assert!(!tap.heard().contains(amt.password), "{}", tap.heard());

    let (said, remedy) = of(Inbox {
        port: stage.world.dovecot.ports.imap,
        ..amt
    });
    assert!(
        said.contains("agreeing on TLS"),
        "TLS where the port begins in clear: {said}"
    );
    assert!(remedy.contains("`security = \"starttls\"`"), "{remedy}");

    let liars = TestCa {
        root: stage.world.ca.root.clone(),
        server: stage.world.ca.wrong_name.clone(),
        wrong_name: stage.world.ca.wrong_name.clone(),
    };
    let liar = Dovecot::start(&stage.world.dir.path().join("l"), &liars, Offer::Everything);
    let (said, remedy) = of(Inbox {
        port: liar.ports.imaps,
        ..amt
    });
    assert!(said.to_lowercase().contains("mismatch"), "{said}");
    assert!(remedy.contains("as in the server's certificate"), "{remedy}");
}

#[test]
fn each_trouble_with_folders_has_its_own_words() {
    let stage = Stage::new();
    let amt = Inbox::over_tls(User::Amt, stage.world.dovecot.ports.imaps);
    stage.configure(&[amt], stage.submission());
    let kept = format!("move_to = \"{KEPT_FOLDER}\"");
    stage.rewrite(|text| text.replace(&kept, &format!("{kept}\nfolder = \"Cereri\"")));
    let (said, remedy) = stage.only_error();
    assert!(
        said.contains("amt: Cereri cannot be opened: ") && said.contains("Mailbox doesn't exist"),
        "{said}"
    );
    assert!(!said.contains("Some("), "{said}");
    assert!(remedy.contains("as the server spells it"), "{remedy}");
    stage
        .world
        .dovecot
        .doveadm(&["mailbox", "create", "-u", "amt", "Cereri", "Dosare.2026"]);
    assert!(stage.check().0);
    stage.rewrite(|text| text.replace(&kept, "move_to = \"Dosare\""));
    let (said, remedy) = stage.only_error();
    assert!(
        said.contains("amt: Dosare holds other folders and can hold no mail"),
        "{said}"
    );
    assert!(remedy.contains("`move_to`"), "{remedy}");
    stage.rewrite(|text| text.replace("\"Dosare\"", "\"Dosare.2026\""));
    told(&stage.check().1, "ok", "amt: kept mail goes to Dosare.2026");

    let poor = Dovecot::start(
        &stage.world.dir.path().join("s"),
        &stage.world.ca,
        Offer::Only("IMAP4rev1 NAMESPACE"),
    );
    stage.configure(
        &[Inbox::over_tls(User::Amt, poor.ports.imaps)],
        stage.submission(),
    );
    let (well, lines) = stage.check();
    assert!(well, "{lines:#?}");
    told(&lines, "ok", "offers nothing beyond the least");
    told(
        &lines,
        "warning",
        "neither MOVE nor UIDPLUS, so kept mail stays in INBOX",
    );
}

#[test]
fn each_trouble_with_the_way_out_has_its_own_words() {
    let stage = Stage::new();
    let inboxes = Inbox::both(&stage.world.dovecot);
    let right = stage.submission();
    let of = |submission: Submission| {
        stage.configure(&inboxes, submission);
        stage.only_error()
    };
    let (said, remedy) = of(Submission {
        password: "gresit",
        ..right
    });
    assert!(said.contains("does not accept the user and password"), "{said}");
    assert!(remedy.contains("under [transport]"), "{remedy}");
    let (said, remedy) = of(Submission {
        port: free_port(),
        ..right
    });
    assert!(
        said.contains("while connecting") && remedy.contains("firewall"),
        "{said}: {remedy}"
    );
    let plain = Sink::start(Security::Plain, &stage.world.ca.server, None);
    let (said, remedy) = of(Submission {
        port: plain.port,
        ..right
    });
    assert!(
        said.contains("offers no STARTTLS") && remedy.contains("port 465"),
        "{said}: {remedy}"
    );
    let liar = Sink::start(Security::StartTls, &stage.world.ca.wrong_name, None);
    let (said, remedy) = of(Submission {
        port: liar.port,
        ..right
    });
    assert!(said.contains("agreeing on TLS"), "{said}");
    assert!(remedy.contains("as in the server's certificate"), "{remedy}");
    assert!(liar.kept().is_empty() && plain.kept().is_empty());
    stage.configure(
        &inboxes,
        Submission {
            port: stage.world.postfix.ports.smtps,
            security: "tls",
            ..right
        },
    );
    assert!(stage.check().0);
}
