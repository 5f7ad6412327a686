//! The IMAP client by itself: against a server that plays dialogues from files, and against Dovecot in many habits.
//!
//! Left out: the whole way from a mail to its receipt, which is in `world` and `journey`, but for its speed.

use std::path::Path;
use std::time::Duration;

use recipisa::edge::imap::{Account, ImapMailbox, Times, Visit};
use recipisa::edge::oauth::Proof;
use recipisa::edge::tls::Security;
use recipisa::mailbox::{Extent, Mailbox, Sighting, SourceId, Wanted};

use crate::support::ca::TestCa;
use crate::support::dovecot::User;

mod dialogues;
mod habits;
mod lines;

/// The account of a person of the tests.
fn account(user: User, port: u16, ca: &TestCa) -> Account {
    Account {
        host: "localhost".to_owned(),
        port,
        security: Security::Tls,
        user: user.name().to_owned(),
        proof: Proof::Password(user.password().to_owned()),
        folder: "INBOX".to_owned(),
        move_to: Some("Inregistrate".to_owned()),
        idle: true,
        ca_file: Some(ca.root.clone()),
        visit: Visit::Work,
    }
}

/// A client that loses its patience soon.
fn hasty(account: Account) -> ImapMailbox {
    let times = Times {
        connect: Duration::from_secs(5),
        silence: Duration::from_millis(600),
        call: Duration::from_secs(10),
        idle: Duration::from_millis(400),
        idle_answer: Duration::from_millis(400),
    };
    ImapMailbox::with_times(SourceId("amt".to_owned()), account, times).unwrap()
}

fn whole(sightings: &[Sighting]) -> Vec<Wanted> {
    let wanted = |sighting: &Sighting| Wanted {
        sighting: sighting.clone(),
        extent: Extent::Whole,
    };
    sightings.iter().map(wanted).collect()
}

/// The last part of the keys, which for IMAP is the UID.
fn uids<'a>(keys: impl Iterator<Item = &'a recipisa::mailbox::SourceKey>) -> String {
    let uids: Vec<&str> = keys.map(|key| key.0.rsplit(';').next().unwrap()).collect();
    uids.join(" ")
}

fn list(mailbox: &mut dyn Mailbox) -> Vec<Sighting> {
    mailbox.list().unwrap()
}

/// The folder of the dialogues.
fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/dialogues/imap"))
}
