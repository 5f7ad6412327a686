//! What must hold for any bytes that a stranger sends: the bodies of the fuzz targets, as plain functions that any
//! other driver may call. Left out: the fuzzer's own entry points, which are in `fuzz_targets`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use recipisa::calendar::Calendar;
use recipisa::calendar::hours::OfficeHours;
use recipisa::documents::Limits;
use recipisa::mailbox::Extent;
use recipisa::message::{Message, received_at};
use recipisa::registry::{Desk, Incoming, Known, Policy, decide};
use recipisa::screening::{self, Circumstances, Matter, Outcome, Reach, Sender, Standing};

/// Reading gives a message, with what callers rely on.
pub fn message(bytes: &[u8]) {
    received_at(bytes);
    let message = Message::read(bytes);
    assert!(!message.subject.contains(char::is_control));
    assert!(!message.text.contains('\0'));
    assert!(message.files.iter().all(|file| !file.name.trim().is_empty()));
    let in_files: usize = message.files.iter().map(|file| file.bytes.len()).sum();
    assert!(in_files <= bytes.len());
    if let Some(number) = message.text_fingerprint() {
        assert_eq!(number.len(), 64);
    }
}

/// Every message comes to one outcome, and a machine is never answered.
pub fn screening(bytes: &[u8]) {
    let policy = policy();
    let message = Message::read(bytes);
    let standings = [Standing::New, Standing::ReleasedByClerk];
    for (standing, matter) in standings.into_iter().zip([Matter::New, Matter::OwnCase]) {
        let seen = Circumstances {
            extent: Extent::Whole,
            standing,
            matter,
            sender: Sender::Undisputed,
            reach: Reach::Open,
        };
        let screened = screening::screen(&message, seen, &policy.screening);
        assert!(!screened.replies || message.origin.may_be_answered());
        let incoming = Incoming {
            message: &message,
            known: &Known::default(),
            letter: None,
            extent: Extent::Whole,
            standing,
            instructions: None,
            received_at: Timestamp::UNIX_EPOCH,
        };
        let decided = decide(incoming, &desk(), Timestamp::UNIX_EPOCH, &policy);
        let has_number = matches!(decided.outcome, Outcome::Registered | Outcome::Joined);
        assert_eq!(decided.outcome, decided.reason.outcome());
        assert!(decided.draft.is_some() == has_number || standing == Standing::ReleasedByClerk);
    }
}

/// The bytes as the value of `From`: an address is plain, whatever stands around it.
pub fn addresses(bytes: &[u8]) {
    let mail = [b"From: ".as_slice(), bytes, b"\r\nSubject: x\r\n\r\n"].concat();
    let Some(from) = Message::read(&mail).from else {
        return;
    };
    let (local, domain) = from.address.rsplit_once('@').expect("an address has its sign");
    assert!(!local.is_empty() && !domain.is_empty());
    let steers = |letter: char| letter.is_whitespace() || letter.is_control() || matches!(letter, '<' | '>' | ',');
    assert!(!from.address.contains(steers), "{:?}", from.address);
    assert!(from.name.is_none_or(|name| !name.contains(char::is_control)));
}

fn policy() -> Policy {
    Policy {
        limits: Limits::default(),
        files_max: 50,
        screening: screening::Policy {
            own_addresses: BTreeSet::from(["somaj@ajofm-exemplu.test".to_owned()]),
        },
        request_types: Vec::new(),
        calendar: Calendar::without_overrides(),
    }
}

fn desk() -> Desk {
    Desk {
        source: "somaj".into(),
        address: "somaj@ajofm-exemplu.test".into(),
        office: "Exemplu".into(),
        register: "general".into(),
        hours: OfficeHours::default(),
        answers_read_reports: true,
        start: None,
        authserv_ids: BTreeSet::new(),
    }
}
