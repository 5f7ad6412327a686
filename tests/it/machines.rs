//! Machine mail: who speaks, and what reports say. Our own mails in `fixtures/reports` against their golden files, and the
//! shared corpus against what another program read in the same files: figures are printed, and each disagreement.
//!
//! The corpus lies outside the repository; where it is absent the test says so. After a wanted change
//! `RECIPISA_REWRITE=1 cargo test --test it machines` writes the golden files anew; then look at the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use recipisa::message::{Message, Origin, Recipient, ReportKind};
use serde_json::{Value, json};

use crate::corpus::corpus;
use crate::support::command::project;

/// Of the recipients and states, so many in a hundred must agree.
const AGREEING_PERCENT_MIN: usize = 95;

fn mails(folder: &Path) -> Vec<(PathBuf, Message)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{}", folder.display());
    paths
        .into_iter()
        .map(|path| {
            let message = Message::read(&fs::read(&path).unwrap());
            (path, message)
        })
        .collect()
}

/// What this part of a message says, as a golden file keeps it.
fn told(message: &Message) -> Value {
    let report = message.report.as_ref().map(|report| {
        let recipients: Vec<Value> = report
            .recipients
            .iter()
            .map(|one| {
                json!({
                    "address": one.address, "action": format!("{:?}", one.action), "status": one.status,
                    "diagnostic": one.diagnostic,
                })
            })
            .collect();
        json!({
            "kind": format!("{:?}", report.kind), "envelope_id": report.envelope_id,
            "original_message_id": report.original_message_id, "recipients": recipients,
        })
    });
    json!({
        "origin": format!("{:?}", message.origin), "answered": message.origin.may_be_answered(),
        "return_path": message.return_path, "delivered_to": message.delivered_to, "report": report,
    })
}

#[test]
fn our_own_reports_are_read_as_they_were() {
    let folder = project().join("fixtures/reports");
    let mut wrong = Vec::new();
    let mut names: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert!(names.len() > 10);
    for path in names {
        let message = Message::read(&fs::read(path.join("mail.eml")).unwrap());
        let text = format!("{:#}\n", told(&message));
        let golden = path.join("expect.json");
        if std::env::var_os("RECIPISA_REWRITE").is_some() {
            fs::write(&golden, &text).unwrap();
        }
        if fs::read_to_string(&golden).unwrap_or_default() != text {
            wrong.push(format!("{} is not\n{text}", golden.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn bounces() -> Option<PathBuf> {
    let corpus = corpus();
    if corpus.is_none() {
        println!("corpus: not here");
    }
    Some(corpus?.join("mail/bounces-sisimai"))
}

#[test]
fn no_machine_of_the_corpus_gets_an_answer_and_every_one_is_filed() {
    let Some(folder) = bounces() else { return };
    let mut origins = BTreeMap::<String, usize>::new();
    for (path, message) in ["bsd", "dos", "err"]
        .iter()
        .flat_map(|name| mails(&folder.join(name)))
    {
        assert!(!message.origin.may_be_answered(), "{}", path.display());
        assert!(message.read_report_to.is_empty(), "{}", path.display());
        assert!(
            matches!(
                message.origin,
                Origin::Bounce | Origin::AutoReply | Origin::Complaint
            ),
            "{}: {:?}",
            path.display(),
            message.origin
        );
        *origins.entry(format!("{:?}", message.origin)).or_default() += 1;
    }
    println!("machines: {origins:?}");
    assert!(origins.values().sum::<usize>() > 370);
    for (path, message) in mails(&folder.join("not")) {
        assert_eq!(message.origin, Origin::Person, "{}", path.display());
        assert_eq!(message.report, None, "{}", path.display());
    }
}

/// People's mail of the other collections that is taken for a machine's, with what in its header says so.
const TAKEN_FOR_MACHINES: &[(&str, Origin)] = &[
    // multipart/report with a delivery status.
    ("cpython/msg_05.txt", Origin::Bounce),
    // The null reverse-path, From postmaster, a delivery status.
    ("cpython/msg_16.txt", Origin::Bounce),
    // From MAILER-DAEMON, Auto-Submitted, multipart/report.
    ("cpython/msg_25.txt", Origin::Bounce),
    // From «Mail Delivery Subsystem».
    ("cpython/msg_42.txt", Origin::Bounce),
    // multipart/report; report-type=delivery-status.
    ("cpython/msg_43.txt", Origin::Bounce),
    // multipart/report; report-type=disposition-notification.
    ("flanker/disposition-notification.eml", Origin::ReadReport),
    // From MAILER-DAEMON, Auto-Submitted, multipart/report.
    (
        "mikel-mail/mime_emails/raw_email_with_mimepart_without_content_type.eml",
        Origin::Bounce,
    ),
    (
        "mikel-mail/multipart_report_emails/multi_address_bounce1.eml",
        Origin::Bounce,
    ),
    (
        "mikel-mail/multipart_report_emails/multipart_report_multiple_status.eml",
        Origin::Bounce,
    ),
    (
        "mikel-mail/multipart_report_emails/report_422.eml",
        Origin::Bounce,
    ),
    (
        "mikel-mail/multipart_report_emails/report_530.eml",
        Origin::Bounce,
    ),
    // From Postmaster, subject «Mail System Error - Returned Mail».
    ("mime4j/mimetools-testmsgs/badbound.msg", Origin::Bounce),
    // The same once more.
    ("mime4j/mimetools-testmsgs/badbound.out", Origin::Bounce),
    // multipart/report with a delivery status.
    ("nodemailer/delivery-status.eml", Origin::Bounce),
];

#[test]
fn ordinary_mail_of_the_corpus_is_taken_for_a_machines_only_with_reason() {
    let Some(corpus) = corpus() else {
        println!("corpus: not here");
        return;
    };
    let mut found = Vec::new();
    let mut waiting = vec![corpus.join("mail")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let is_of_machines = [
                    "bounces-sisimai",
                    "bounces-sisimai-expected",
                    "bounce",
                    "complaints",
                ]
                .iter()
                .any(|name| path.ends_with(name));
                if !is_of_machines {
                    waiting.push(path);
                }
                continue;
            }
            let message = Message::read(&fs::read(&path).unwrap());
            if matches!(
                message.origin,
                Origin::Person | Origin::List | Origin::Bulk | Origin::AsksForSilence
            ) {
                continue;
            }
            let name = path.strip_prefix(corpus.join("mail")).unwrap();
            found.push((name.to_str().unwrap().to_owned(), message.origin));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let known: Vec<(String, Origin)> = TAKEN_FOR_MACHINES
        .iter()
        .map(|(name, origin)| ((*name).to_owned(), *origin))
        .collect();
    assert_eq!(found, known);
}

/// What the other program says of one recipient.
struct Expected {
    status: String,
    reason: String,
}

fn expected(folder: &Path) -> BTreeMap<String, Vec<Expected>> {
    let table = folder.join("../bounces-sisimai-expected/expected.tsv");
    let mut found = BTreeMap::<String, Vec<Expected>>::new();
    for line in fs::read_to_string(table).unwrap().lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        found.entry(cells[0].to_owned()).or_default().push(Expected {
            status: cells[2].to_owned(),
            reason: cells[4].to_owned(),
        });
    }
    found
}

/// The subjects (RFC 3463 §3) that fit a reason of the other program. It makes up codes `d.0.9dd` of its own, one for
/// each reason, where a message has no code at all: there is nothing to compare them with but class and subject.
fn subjects(reason: &str) -> &'static [&'static str] {
    match reason {
        "userunknown" => &["1"],
        // «The recipient refuses it, or he is not there»: it keeps both under one name.
        "filtered" => &["1", "2", "7"],
        "mailboxfull" | "suspend" => &["2"],
        // RFC 3463 has 1.2 for a bad domain and 4.4 for one that cannot be routed to.
        "hostunknown" | "notaccept" => &["1", "4"],
        "expired" | "networkerror" => &["4"],
        "syntaxerror" => &["1", "5"],
        "systemerror" => &["3"],
        "blocked" | "norelaying" | "rejected" | "requireptr" | "spamdetected" => &["7"],
        // «It does not say why.»
        "onhold" => &["0"],
        other => panic!("a reason that the table does not know: {other}"),
    }
}

fn is_made_up(status: &str) -> bool {
    status.len() == 7 && status[1..].starts_with(".0.9")
}

/// Equal, or, where the message has no code, of the same class and of a subject that fits the reason.
fn agrees(expected: &Expected, found: &Recipient) -> bool {
    let ours = found.status.as_deref().unwrap_or_default();
    if !is_made_up(&expected.status) {
        return ours == expected.status;
    }
    let subject = ours.split('.').nth(1).unwrap_or_default();
    ours[..1] == expected.status[..1] && subjects(&expected.reason).contains(&subject)
}

/// What is counted of the comparison.
#[derive(Default)]
struct Tally {
    recipients: usize,
    /// Of those, whose message has a code.
    with_code: usize,
    with_code_equal: usize,
    strict: usize,
    by_rule: usize,
    unequal: Vec<String>,
}

impl Tally {
    fn note(&mut self, name: &str, expected: &[Expected], message: &Message) {
        let found = message
            .report
            .as_ref()
            .map_or(&[][..], |report| &report.recipients);
        self.recipients += expected.len();
        if found.len() != expected.len() {
            self.unequal.push(format!(
                "{name}: {} recipients, {} expected",
                found.len(),
                expected.len()
            ));
            return;
        }
        for (one, other) in expected.iter().zip(found) {
            let has_address = other.address.is_some();
            let is_equal = other.status.as_deref().unwrap_or_default() == one.status;
            self.strict += usize::from(is_equal && has_address);
            let has_code = !one.status.is_empty() && !is_made_up(&one.status);
            self.with_code += usize::from(has_code);
            self.with_code_equal += usize::from(has_code && is_equal);
            let rule = is_equal || agrees(one, other);
            self.by_rule += usize::from(rule && has_address);
            if !(rule && has_address) {
                self.unequal.push(format!(
                    "{name}: {} for {} ({}), ours {}",
                    one.status,
                    one.reason,
                    if has_address {
                        "with an address"
                    } else {
                        "no address found"
                    },
                    other.status.as_deref().unwrap_or("none")
                ));
            }
        }
    }
}

#[test]
fn delivery_reports_of_the_corpus_say_what_another_program_reads_in_them() {
    let Some(folder) = bounces() else { return };
    let expected = expected(&folder);
    let mut tally = Tally::default();
    for (path, message) in ["bsd", "dos"].iter().flat_map(|name| mails(&folder.join(name))) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(rows) = expected.get(name) else { continue };
        // An automatic reply is no report, and a complaint has recipients and no status.
        if rows.iter().any(|row| row.reason == "vacation") {
            assert_eq!(message.origin, Origin::AutoReply, "{name}");
            assert_eq!(message.report, None, "{name}");
            continue;
        }
        let is_complaint = message.report.as_ref().map(|report| report.kind) == Some(ReportKind::Complaint);
        assert_eq!(is_complaint, rows[0].reason == "feedback", "{name}");
        tally.note(name, rows, &message);
    }
    let percent = |part: usize| part as f64 * 100.0 / tally.recipients as f64;
    println!(
        "{} recipients: {:.1} % agree to the digit ({} of the {} whose message has a code), {:.1} % by the rule; the \
         others:\n  {}",
        tally.recipients,
        percent(tally.strict),
        tally.with_code_equal,
        tally.with_code,
        percent(tally.by_rule),
        tally.unequal.join("\n  ")
    );
    assert!(tally.recipients > 290);
    assert!(tally.by_rule * 100 >= tally.recipients * AGREEING_PERCENT_MIN);
    // Where the message has a code, no rule helps.
    assert!(tally.with_code_equal * 100 >= tally.with_code * AGREEING_PERCENT_MIN);
}

/// Recipients of reports that name them neither in a field nor by the returned letter's To alone, as a person read them.
const READ_BY_A_PERSON: &str = include_str!("machines/read_by_a_person.tsv");

/// The addresses behind the fields of these names, in lower case.
fn addresses_of(fields: &[&str], lines: &str) -> BTreeSet<String> {
    let is_address = |letter: char| letter.is_alphanumeric() || ".+%/=*_-@".contains(letter);
    let mut is_wanted = false;
    let mut found = BTreeSet::new();
    for line in lines.lines() {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap().to_lowercase();
            is_wanted = fields.contains(&name.as_str());
        }
        if is_wanted {
            let words = line.split(|letter| !is_address(letter));
            found.extend(words.filter(|word| word.contains('@')).map(str::to_lowercase));
        }
    }
    found
}

#[test]
fn recipients_are_those_that_the_report_speaks_of() {
    const FIELDS: [&str; 4] = [
        "final-recipient",
        "original-recipient",
        "x-failed-recipients",
        "original-rcpt-to",
    ];
    let Some(folder) = bounces() else { return };
    let by_a_person: BTreeSet<(&str, &str)> = READ_BY_A_PERSON
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    let (mut counted, mut wrong) = (0, Vec::new());
    for (path, message) in ["bsd", "dos", "err"]
        .iter()
        .flat_map(|name| mails(&folder.join(name)))
    {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap();
        let raw = String::from_utf8_lossy(&fs::read(&path).unwrap()).replace("\r\n", "\n");
        let (head, body) = raw.split_once("\n\n").unwrap_or((&raw, ""));
        let named = addresses_of(&FIELDS, &raw);
        let returned = addresses_of(&["to", "  to"], body);
        // The report itself goes to the letter's sender.
        let own = addresses_of(&["to", "delivered-to", "x-original-to"], head);
        for one in message.report.iter().flat_map(|report| &report.recipients) {
            counted += 1;
            let Some(address) = one.address.as_deref() else {
                wrong.push(format!("{name}: none"));
                continue;
            };
            let lower = address.to_lowercase();
            let is_right = named.contains(&lower)
                || returned.contains(&lower) && !own.contains(&lower)
                || by_a_person.contains(&(name, address));
            if !is_right {
                wrong.push(format!("{name}: {address}"));
            }
        }
    }
    println!("{counted} recipients, wrong or missing: {wrong:?}");
    assert!(counted > 370);
    assert!(wrong.len() * 100 <= counted * (100 - AGREEING_PERCENT_MIN));
}

#[test]
fn what_is_taken_of_a_report_is_short_and_in_one_line() {
    let Some(folder) = bounces() else { return };
    for (path, message) in ["bsd", "dos", "err"]
        .iter()
        .flat_map(|name| mails(&folder.join(name)))
    {
        let recipients = message.report.iter().flat_map(|report| &report.recipients);
        for diagnostic in recipients.filter_map(|one| one.diagnostic.as_deref()) {
            assert!(diagnostic.chars().count() <= 200, "{}", path.display());
            assert!(!diagnostic.contains(['\n', '\r', '\t']), "{}", path.display());
        }
    }
}
