//! What becomes of a message: registered, filed as evidence, ignored with a reason, or held for a person.
//!
//! Pure: the message, how it came and the policy decide. No message falls out: every way through [`screen`] ends in
//! one [`Reason`], and every reason belongs to one [`Outcome`]. Which case a message speaks of is looked up before (see
//! [`Matter`]); answering what could not be taken comes with the mail craft.

use std::collections::BTreeSet;

use crate::mailbox::Extent;
use crate::message::{Defect, Message, Origin};

/// The one end that every message comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It has a number, an entry and a receipt.
    Registered,
    /// It belongs to a case that has its number already, and has a receipt of its own.
    Joined,
    /// A report or an automatic reply, kept as evidence.
    Filed,
    /// Not a request, and it says why.
    Ignored,
    /// A person must look.
    Held,
}

impl Outcome {
    /// The stable spelling in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Joined => "joined",
            Self::Filed => "filed",
            Self::Ignored => "ignored",
            Self::Held => "held",
        }
    }
}

/// Why a message came to its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Request,
    /// The owner of a case writes about it.
    Reply,
    /// A clerk says that it belongs to this case.
    JoinedByClerk,
    /// Registered at the word of a clerk who released it.
    Released,
    AutoReply,
    Bounce,
    ReadReport,
    Duplicate,
    List,
    Bulk,
    OwnMail,
    /// A clerk discarded it.
    Discarded,
    /// It was shown, and taken away before its bytes came.
    Vanished,
    NoHeader,
    NoSender,
    SeveralSenders,
    NestedTooDeep,
    Oversized,
    /// The server shows it and does not give its bytes.
    Unfetchable,
    /// The work on it failed too often.
    Failing,
}

impl Reason {
    /// All reasons, for tables and tests.
    pub const ALL: [Self; 20] = [
        Self::Request,
        Self::Reply,
        Self::JoinedByClerk,
        Self::Released,
        Self::AutoReply,
        Self::Bounce,
        Self::ReadReport,
        Self::Duplicate,
        Self::List,
        Self::Bulk,
        Self::OwnMail,
        Self::Discarded,
        Self::Vanished,
        Self::NoHeader,
        Self::NoSender,
        Self::SeveralSenders,
        Self::NestedTooDeep,
        Self::Oversized,
        Self::Unfetchable,
        Self::Failing,
    ];

    /// The stable code in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Reply => "reply",
            Self::JoinedByClerk => "joined-by-clerk",
            Self::Released => "released",
            Self::AutoReply => "auto-reply",
            Self::Bounce => "bounce",
            Self::ReadReport => "read-report",
            Self::Duplicate => "duplicate",
            Self::List => "list",
            Self::Bulk => "bulk",
            Self::OwnMail => "own-mail",
            Self::Discarded => "discarded",
            Self::Vanished => "vanished",
            Self::NoHeader => "no-header",
            Self::NoSender => "no-sender",
            Self::SeveralSenders => "several-senders",
            Self::NestedTooDeep => "nested-too-deep",
            Self::Oversized => "oversized",
            Self::Unfetchable => "unfetchable",
            Self::Failing => "failing",
        }
    }

    /// The outcome that the reason belongs to.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Request | Self::Released => Outcome::Registered,
            Self::Reply | Self::JoinedByClerk => Outcome::Joined,
            Self::AutoReply | Self::Bounce | Self::ReadReport => Outcome::Filed,
            Self::Duplicate | Self::List | Self::Bulk | Self::OwnMail | Self::Discarded | Self::Vanished => {
                Outcome::Ignored
            }
            Self::NoHeader
            | Self::NoSender
            | Self::SeveralSenders
            | Self::NestedTooDeep
            | Self::Oversized
            | Self::Unfetchable
            | Self::Failing => Outcome::Held,
        }
    }

    /// For the clerk: what happened and what to do, in Romanian.
    pub fn clerk_ro(self) -> &'static str {
        match self {
            Self::Request => "cerere înregistrată",
            Self::Reply => "completare la o cerere înregistrată",
            Self::JoinedByClerk => "alăturat unui dosar la decizia unui funcționar",
            Self::Released => "înregistrat la decizia unui funcționar",
            Self::AutoReply => "răspuns automat (de exemplu «sunt în concediu»); nu este o cerere",
            Self::Bounce => "raport de nelivrare; verificați dacă solicitantul a primit recipisa",
            Self::ReadReport => "confirmare de citire",
            Self::Duplicate => "același mesaj a mai fost primit o dată",
            Self::List => "mesaj de la o listă de discuții sau buletin informativ",
            Self::Bulk => "mesaj trimis în masă",
            Self::OwnMail => "mesaj trimis chiar de la o adresă a instituției",
            Self::Discarded => "îndepărtat de un funcționar",
            Self::Vanished => {
                "luat din căsuța poștală înainte de a putea fi preluat; dacă este pus la loc, vine de la sine"
            }
            Self::NoHeader => "mesajul nu poate fi citit; deschideți-l și eliberați-l sau îndepărtați-l",
            Self::NoSender => {
                "mesajul nu are o adresă de expeditor; căutați solicitantul în textul mesajului"
            }
            Self::SeveralSenders => "mesajul are mai mulți expeditori; alegeți cui se răspunde",
            Self::NestedTooDeep => "prea multe mesaje redirecționate unul în altul; deschideți-l manual",
            Self::Oversized => "mesajul depășește mărimea admisă; cereți solicitantului să îl împartă",
            Self::Unfetchable => {
                "serverul arată mesajul și nu îl dă; deschideți-l în căsuța poștală și anunțați administratorul"
            }
            Self::Failing => "prelucrarea a eșuat de mai multe ori; anunțați administratorul",
        }
    }
}

/// What the configuration and earlier acts of people say.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Our own addresses, lower case: mail from them would make a loop.
    pub own_addresses: BTreeSet<String>,
}

/// Whether the message speaks of a case that its sender owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// A new request, or about somebody else's case.
    New,
    /// The sender's own case.
    OwnCase,
}

/// How the message came to this point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Fresh from the mailbox.
    New,
    /// A clerk has looked at it and released it for registration.
    ReleasedByClerk,
}

/// The judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screened {
    pub reason: Reason,
    /// Whether a letter may go to the sender by itself.
    pub replies: bool,
}

/// Judges one message. Machine mail first, since it must never be answered; then what needs a person.
pub fn screen(
    message: &Message,
    extent: Extent,
    standing: Standing,
    matter: Matter,
    policy: &Policy,
) -> Screened {
    let released = || Screened {
        reason: match matter {
            Matter::New => Reason::Released,
            Matter::OwnCase => Reason::Reply,
        },
        replies: answerable(message, policy),
    };
    let held = |reason| match standing {
        Standing::New => Screened {
            reason,
            replies: false,
        },
        Standing::ReleasedByClerk => released(),
    };
    if message.defects.contains(&Defect::NoHeader) {
        return held(Reason::NoHeader);
    }
    if message.defects.contains(&Defect::NestedTooDeep) {
        return held(Reason::NestedTooDeep);
    }
    if standing == Standing::ReleasedByClerk {
        return released();
    }
    if is_own(message, policy) {
        return Screened {
            reason: Reason::OwnMail,
            replies: false,
        };
    }
    let machine = match message.origin {
        Origin::Person | Origin::AsksForSilence => None,
        Origin::AutoReply => Some(Reason::AutoReply),
        Origin::Bounce | Origin::Complaint => Some(Reason::Bounce),
        Origin::ReadReport => Some(Reason::ReadReport),
        Origin::List => Some(Reason::List),
        Origin::Bulk => Some(Reason::Bulk),
    };
    if let Some(reason) = machine {
        return Screened {
            reason,
            replies: false,
        };
    }
    if extent == Extent::HeaderOnly {
        return held(Reason::Oversized);
    }
    if message.defects.contains(&Defect::SeveralSenders) {
        return held(Reason::SeveralSenders);
    }
    if message.from.is_none() {
        return held(Reason::NoSender);
    }
    Screened {
        reason: match matter {
            Matter::New => Reason::Request,
            Matter::OwnCase => Reason::Reply,
        },
        replies: message.origin.may_be_answered(),
    }
}

fn is_own(message: &Message, policy: &Policy) -> bool {
    message
        .from
        .as_ref()
        .is_some_and(|from| policy.own_addresses.contains(&from.address.to_lowercase()))
}

/// One sender, a person, not ourselves.
fn answerable(message: &Message, policy: &Policy) -> bool {
    message.from.is_some()
        && !message.defects.contains(&Defect::SeveralSenders)
        && message.origin.may_be_answered()
        && !is_own(message, policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(header: &str, standing: Standing) -> Screened {
        let raw = format!("{header}\r\nSubject: cerere\r\n\r\ntext\r\n");
        let policy = Policy {
            own_addresses: BTreeSet::from(["somaj@ajofm-exemplu.test".to_owned()]),
        };
        screen(
            &Message::read(raw.as_bytes()),
            Extent::Whole,
            standing,
            Matter::New,
            &policy,
        )
    }

    #[test]
    fn every_reason_has_its_own_code_and_a_sentence() {
        let codes: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        assert!(Reason::ALL.iter().all(|reason| !reason.clerk_ro().is_empty()));
    }

    #[test]
    fn machine_mail_is_never_answered_not_even_when_released() {
        let machines = [
            (
                "From: a@exemplu.test\r\nAuto-Submitted: auto-replied",
                Reason::AutoReply,
            ),
            (
                "From: a@exemplu.test\r\nAuto-Submitted: auto-generated (x)",
                Reason::AutoReply,
            ),
            ("Return-Path: <>\r\nFrom: a@exemplu.test", Reason::Bounce),
            ("From: a@exemplu.test\r\nPrecedence: bulk", Reason::Bulk),
            ("From: a@exemplu.test\r\nPrecedence: junk", Reason::Bulk),
            ("From: a@exemplu.test\r\nPrecedence: list", Reason::List),
            (
                "From: a@exemplu.test\r\nList-Id: <stiri.exemplu.test>",
                Reason::List,
            ),
            ("From: Somaj <SOMAJ@ajofm-exemplu.test>", Reason::OwnMail),
            (
                "From: a@exemplu.test\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b",
                Reason::ReadReport,
            ),
        ];
        for (header, reason) in machines {
            assert_eq!(
                judged(header, Standing::New),
                Screened {
                    reason,
                    replies: false
                },
                "{header}"
            );
            assert!(!judged(header, Standing::ReleasedByClerk).replies, "{header}");
        }
    }

    #[test]
    fn a_person_is_answered_and_the_rest_is_held() {
        let person = judged(
            "From: Ion <ion@exemplu.test>\r\nAuto-Submitted: no",
            Standing::New,
        );
        assert_eq!(
            person,
            Screened {
                reason: Reason::Request,
                replies: true
            }
        );
        assert_eq!(
            judged("To: x@exemplu.test", Standing::New).reason,
            Reason::NoSender
        );
        let two = "From: a@exemplu.test, b@exemplu.test";
        assert_eq!(judged(two, Standing::New).reason, Reason::SeveralSenders);
        assert_eq!(
            judged(two, Standing::ReleasedByClerk),
            Screened {
                reason: Reason::Released,
                replies: false
            }
        );
    }
}
