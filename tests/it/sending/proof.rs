//! What becomes of letters, told by real servers: Postfix reports to the dedicated mailbox, the report is filed with its
//! letter, and a letter that came back is a person's task until it is solved.

use std::path::Path;

use serde_json::Value;

use crate::support::MailWorld;
use crate::support::citizens::now;
use crate::support::dovecot::User;
use crate::support::online::{Agency, Inbox, Submission, end};
use crate::support::postfix::{DEFERRED, REFUSED, UNREACHABLE};
use crate::support::process::Process;
use crate::support::tools::{PATIENCE, wait_until};

fn agency(world: &MailWorld) -> Agency {
    Agency::found(
        &world.dir.path().join("a"),
        &world.ca,
        &[Inbox::over_tls(User::Amt, world.dovecot.ports.imaps)],
        Submission::starttls(world.postfix.ports.submission),
    )
}

/// A citizen writes to the first office.
fn write(world: &MailWorld, from: &str, subject: &str) {
    let mail = format!(
        "Return-Path: <{from}>\r\nFrom: <{from}>\r\nTo: <amt@amt.test>\r\nSubject: {subject}\r\n\
         Message-ID: <{}@citizen.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         V\u{103} rog s\u{103}-mi r\u{103}spunde\u{21b}i.\r\n",
        subject.replace(' ', "-")
    );
    world.dovecot.deliver(User::Amt, mail.as_bytes(), now());
}

/// The letter to an address, with its life, as `show --json` tells it.
fn life(agency: &Agency, to: &str) -> Option<(String, Value)> {
    let entries = agency.json(&["entries", "--json"]);
    let entry = entries.iter().find(|entry| entry["from"] == to)?;
    let number = entry["number"].as_str()?.to_owned();
    let mut shown = agency.json(&["show", &number, "--json"]);
    let life = shown.remove(0)["lives"].get(0)?.clone();
    Some((number, life))
}

/// Waits until a letter has come to this, and returns the number and the letter's life.
#[track_caller]
fn wait_for(agency: &Agency, process: &mut Process, to: &str, member: &str, wanted: &str) -> (String, Value) {
    wait_until(&format!("the letter to {to} to be {wanted}"), PATIENCE, || {
        if let Some(status) = process.ended() {
            panic!("recipisa ended with {status}:\n{}", process.stderr());
        }
        life(agency, to).filter(|(_, life)| life[member] == wanted)
    })
}

fn steps(life: &Value) -> Vec<&str> {
    let steps = life["steps"].as_array().unwrap();
    steps.iter().map(|step| step["what"].as_str().unwrap()).collect()
}

fn said(agency: &Agency, args: &[&str]) -> String {
    String::from_utf8(agency.command(args).stdout).unwrap()
}

#[test]
fn what_became_of_each_letter_is_known_and_proved() {
    let world = MailWorld::start();
    let agency = agency(&world);
    let (refused, deferred) = (format!("ana@{REFUSED}"), format!("ana@{DEFERRED}"));
    let utf8 = "\u{219}tefan@citizen.test";
    write(&world, "citizen+1@citizen.test", "cerere 1");
    write(&world, "nimeni@citizen.test", "cerere 2");
    write(&world, &refused, "cerere 3");
    write(&world, &deferred, "cerere 4");
    write(&world, utf8, "cerere 5");
    let unreachable = format!("ana@{UNREACHABLE}");
    write(&world, &unreachable, "cerere 6");
    let mut process = agency.run_at_work("proof");
    let (_, relayed) = wait_for(
        &agency,
        &mut process,
        "citizen+1@citizen.test",
        "delivery",
        "relayed",
    );
    let (bounced_number, bounced) = wait_for(
        &agency,
        &mut process,
        "nimeni@citizen.test",
        "delivery",
        "bounced",
    );
    wait_for(&agency, &mut process, &refused, "state", "given-up");
    let (_, waiting) = wait_for(&agency, &mut process, &deferred, "state", "queued");
    // Postfix takes the address, and the mailbox server behind it cannot.
    let (_, beyond_ascii) = wait_for(&agency, &mut process, utf8, "delivery", "bounced");
    // The next server tries for a while, and says so first.
    wait_until("the warning that a letter is late", PATIENCE, || {
        let (_, life) = life(&agency, &unreachable)?;
        (steps(&life).get(..4)? == ["owed", "queued", "sent", "delayed"]).then_some(())
    });
    assert_eq!(
        steps(&relayed),
        ["owed", "queued", "sent", "relayed"],
        "{relayed}"
    );
    assert_eq!(
        steps(&bounced),
        ["owed", "queued", "sent", "bounced"],
        "{bounced}"
    );
    assert_eq!(steps(&waiting), ["owed", "queued", "put-off"], "{waiting}");
    assert_eq!(steps(&beyond_ascii).last(), Some(&"bounced"), "{beyond_ascii}");
    let report = &bounced["steps"][3];
    assert!(report["words"].as_str().unwrap().contains("5.1.1"), "{report}");
    let evidence = report["mail_id"].as_i64().unwrap();
    let mails = agency.json(&["mails", "--json"]);
    let mail = mails.iter().find(|mail| mail["mail_id"] == evidence).unwrap();
    assert_eq!(mail["outcome"], "filed", "{mail}");
    the_clerk_is_told(&agency, &bounced_number);
    a_read_report_comes(&world, &agency, &mut process);
    // A person says that the address is right after all; the way begins anew, and ends the same.
    let resent = agency.command(&["resend", &bounced_number, "--as", "Ana"]);
    assert!(resent.status.success());
    wait_until("the letter to come back again", PATIENCE, || {
        let (_, life) = life(&agency, "nimeni@citizen.test")?;
        (steps(&life).len() == 7 && life["delivery"] == "bounced").then_some(())
    });
    end(process);
    let checked = agency.command(&["fsck"]);
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );
    no_answer_went_to_a_machine(&world, &agency);
}

/// Everywhere where a clerk or an operator looks.
fn the_clerk_is_told(agency: &Agency, number: &str) {
    let digest = said(agency, &["digest"]);
    let task = digest.split_once("nelivrate").expect("the section is there").1;
    assert!(
        task.contains(number) && task.contains("s-a întors nelivrată"),
        "{digest}"
    );
    assert!(task.contains(&format!("recipisa resend {number}")), "{digest}");
    assert!(
        task.contains("nu a putut fi livrată și nu se mai încearcă"),
        "{digest}"
    );
    assert!(said(agency, &["entries"]).contains("CAME BACK"));
    let shown = said(agency, &["show", number]);
    for word in ["owed", "queued", "sent: 250", "bounced: 5.1.1", "[mail "] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(said(agency, &["check"]).contains("letters came back undelivered"));
    assert!(said(agency, &["status"]).contains("came back undelivered"));
}

/// The citizen's program was asked, and tells that the letter was read.
fn a_read_report_comes(world: &MailWorld, agency: &Agency, process: &mut Process) {
    let letters = world.dovecot.wait_for_mails(User::Citizen, "INBOX", 1);
    let letter = String::from_utf8_lossy(&letters[0].bytes).into_owned();
    assert!(
        letter.contains("\nDisposition-Notification-To: <amt@amt.test>"),
        "{letter}"
    );
    let id = letter
        .lines()
        .find_map(|line| line.strip_prefix("Message-ID: <")?.strip_suffix('>'))
        .unwrap();
    let report = format!(
        "Return-Path: <>\r\nFrom: citizen+1@citizen.test\r\nTo: amt@amt.test\r\nSubject: Citit\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n\
         --b\r\n\r\nCitit.\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n\
         Final-Recipient: rfc822;citizen+1@citizen.test\r\nOriginal-Message-ID: <{id}>\r\n\
         Disposition: manual-action/MDN-sent-manually; displayed\r\n--b--\r\n"
    );
    let on_leave = format!(
        "Return-Path: <citizen+1@citizen.test>\r\nFrom: citizen+1@citizen.test\r\nTo: amt@amt.test\r\n\
         Subject: Sunt in concediu\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To: <{id}>\r\n\r\nRevin luni.\r\n"
    );
    world.dovecot.deliver(User::Amt, on_leave.as_bytes(), now());
    world.dovecot.deliver(User::Amt, report.as_bytes(), now());
    let (_, read) = wait_for(agency, process, "citizen+1@citizen.test", "delivery", "read");
    assert_eq!(
        steps(&read),
        ["owed", "queued", "sent", "relayed", "auto-replied", "read"]
    );
    assert!(said(agency, &["digest"]).contains("Recipisa a fost citită."));
}

/// Six citizens, six letters, whatever came back.
fn no_answer_went_to_a_machine(world: &MailWorld, agency: &Agency) {
    assert_eq!(agency.json(&["entries", "--json"]).len(), 6);
    assert!(world.dovecot.mails(User::Citizen, "INBOX").len() == 1);
}

/// With a token in the envelope sender the report is matched by the address it comes to.
#[test]
fn a_token_in_the_sender_finds_the_letter() {
    let world = MailWorld::start();
    let agency = agency(&world);
    let config = agency.config();
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace(
        "[transport]\n",
        "[transport]\nverp = \"+\"\ndelivery_reports = false\n",
    );
    std::fs::write(&config, text).unwrap();
    write(&world, "nimeni@citizen.test", "cerere 1");
    let mut process = agency.run_at_work("verp");
    let (_, life) = wait_for(
        &agency,
        &mut process,
        "nimeni@citizen.test",
        "delivery",
        "bounced",
    );
    end(process);
    let id = life["message_id"].as_str().unwrap();
    let (token, _) = id.split_once('@').unwrap();
    let log = world.postfix.log();
    assert!(log.contains(&format!("from=<amt+{token}@amt.test>")), "{log}");
    assert!(Path::new(&agency.storage()).is_dir());
}
