//! What becomes of a message: registered, joined to its case, answered without a number, filed as evidence, ignored
//! with a reason, or held for a person.
//!
//! Pure: the message, how it came and the policy decide. No message falls out: every way through [`screen`] ends in
//! one [`Reason`], and every reason belongs to one [`Outcome`]; `docs/reasons.md` is their table. What the message is to
//! what is known already is looked up before (see [`Circumstances`]).

use std::collections::BTreeSet;

use crate::mailbox::Extent;
use crate::message::{Action, Defect, Message, Origin};

/// The one end that every message comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It has a number, an entry and a receipt.
    Registered,
    /// It belongs to a case that has its number already, and has a receipt of its own.
    Joined,
    /// It could not be taken at all; its sender is told why and what to do, and it has no number.
    Answered,
    /// A report or an automatic reply, kept as evidence.
    Filed,
    /// Not a request, and it says why.
    Ignored,
    /// A person must look.
    Held,
}

impl Outcome {
    /// All of them, for tables.
    pub const ALL: [Self; 6] = [
        Self::Registered,
        Self::Joined,
        Self::Answered,
        Self::Filed,
        Self::Ignored,
        Self::Held,
    ];

    /// The stable spelling in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Joined => "joined",
            Self::Answered => "answered",
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
    /// Over the size that is fetched whole; its sender is told.
    TooLarge,
    /// Nothing of it could be read; its sender is told.
    Encrypted,
    AutoReply,
    Bounce,
    ReadReport,
    /// A server tells of a letter's delivery, and of no failure.
    DeliveryReport,
    /// A provider tells that somebody marked a letter of ours as unwanted (RFC 5965).
    Complaint,
    Duplicate,
    /// The same message of the same sender, with other bytes: it came by another way, mostly into another mailbox.
    SameMessage,
    /// It reached the server before the source's start.
    BeforeStart,
    List,
    Bulk,
    OwnMail,
    /// From an address of ours, and the answer is to go elsewhere: a web form, or a list that writes its own address.
    OwnAddress,
    /// A clerk discarded it.
    Discarded,
    /// It was shown, and taken away before its bytes came.
    Vanished,
    NoHeader,
    NoSender,
    SeveralSenders,
    NestedTooDeep,
    /// Over the size that is fetched whole, and its sender may not be told by itself.
    Oversized,
    /// The server shows it and does not give its bytes.
    Unfetchable,
    /// Nothing of it could be read, and its sender may not be told by itself.
    EncryptedUnanswerable,
    /// The case that a clerk named has been closed meanwhile.
    CaseClosed,
    /// The work on it failed too often.
    Failing,
}

impl Reason {
    /// All reasons, for tables and tests.
    pub const ALL: [Self; 29] = [
        Self::Request,
        Self::Reply,
        Self::JoinedByClerk,
        Self::Released,
        Self::TooLarge,
        Self::Encrypted,
        Self::AutoReply,
        Self::Bounce,
        Self::ReadReport,
        Self::DeliveryReport,
        Self::Complaint,
        Self::Duplicate,
        Self::SameMessage,
        Self::BeforeStart,
        Self::List,
        Self::Bulk,
        Self::OwnMail,
        Self::Discarded,
        Self::Vanished,
        Self::NoHeader,
        Self::NoSender,
        Self::SeveralSenders,
        Self::OwnAddress,
        Self::NestedTooDeep,
        Self::Oversized,
        Self::EncryptedUnanswerable,
        Self::Unfetchable,
        Self::CaseClosed,
        Self::Failing,
    ];

    /// The stable code in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Reply => "reply",
            Self::JoinedByClerk => "joined-by-clerk",
            Self::Released => "released",
            Self::TooLarge => "too-large",
            Self::Encrypted => "encrypted",
            Self::AutoReply => "auto-reply",
            Self::Bounce => "bounce",
            Self::ReadReport => "read-report",
            Self::DeliveryReport => "delivery-report",
            Self::Complaint => "complaint",
            Self::Duplicate => "duplicate",
            Self::SameMessage => "same-message",
            Self::BeforeStart => "before-start",
            Self::List => "list",
            Self::Bulk => "bulk",
            Self::OwnMail => "own-mail",
            Self::OwnAddress => "own-address",
            Self::Discarded => "discarded",
            Self::Vanished => "vanished",
            Self::NoHeader => "no-header",
            Self::NoSender => "no-sender",
            Self::SeveralSenders => "several-senders",
            Self::NestedTooDeep => "nested-too-deep",
            Self::Oversized => "oversized",
            Self::Unfetchable => "unfetchable",
            Self::EncryptedUnanswerable => "encrypted-unanswerable",
            Self::CaseClosed => "case-closed",
            Self::Failing => "failing",
        }
    }

    /// The outcome that the reason belongs to.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Request | Self::Released => Outcome::Registered,
            Self::Reply | Self::JoinedByClerk => Outcome::Joined,
            Self::TooLarge | Self::Encrypted => Outcome::Answered,
            Self::AutoReply | Self::Bounce | Self::ReadReport | Self::DeliveryReport | Self::Complaint => {
                Outcome::Filed
            }
            Self::Duplicate
            | Self::SameMessage
            | Self::BeforeStart
            | Self::List
            | Self::Bulk
            | Self::OwnMail
            | Self::Discarded
            | Self::Vanished => Outcome::Ignored,
            Self::NoHeader
            | Self::NoSender
            | Self::SeveralSenders
            | Self::OwnAddress
            | Self::NestedTooDeep
            | Self::Oversized
            | Self::Unfetchable
            | Self::EncryptedUnanswerable
            | Self::CaseClosed
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
            Self::TooLarge => "mesajul depășește mărimea admisă; i s-a scris expeditorului ce are de făcut",
            Self::Encrypted => {
                "mesajul este criptat și nu poate fi citit; i s-a scris expeditorului ce are de făcut"
            }
            Self::AutoReply => "răspuns automat (de exemplu «sunt în concediu»); nu este o cerere",
            Self::Bounce => "raport de nelivrare; verificați dacă solicitantul a primit recipisa",
            Self::ReadReport => "confirmare de citire",
            Self::DeliveryReport => {
                "raport despre livrarea unei scrisori: livrată, predată mai departe sau întârziată"
            }
            Self::Complaint => "un furnizor de e-mail anunță că o scrisoare a fost marcată drept nedorită",
            Self::Duplicate => "același mesaj a mai fost primit o dată",
            Self::SameMessage => "același mesaj a sosit și pe altă cale și este deja înregistrat",
            Self::BeforeStart => {
                "mesaj sosit înainte de data de la care se înregistrează; eliberați-l dacă este o cerere"
            }
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
            Self::OwnAddress => {
                "mesaj cu adresa instituției la expeditor și cu altă adresă pentru răspuns; înregistrați-l pe numele solicitantului"
            }
            Self::NestedTooDeep => "prea multe mesaje redirecționate unul în altul; deschideți-l manual",
            Self::Oversized => "mesajul depășește mărimea admisă; cereți solicitantului să îl împartă",
            Self::Unfetchable => {
                "serverul arată mesajul și nu îl dă; deschideți-l în căsuța poștală și anunțați administratorul"
            }
            Self::EncryptedUnanswerable => {
                "mesajul este criptat și expeditorului nu i se poate răspunde automat; cereți-i să îl trimită necriptat"
            }
            Self::CaseClosed => {
                "dosarul la care trebuia alăturat s-a închis între timp; înregistrați-l separat sau alăturați-l altui dosar"
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

/// What the message is to what is known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// A new request, or about somebody else's case.
    New,
    /// The sender's own case.
    OwnCase,
    /// A message of the same sender, with the same Message-ID and content, has its number already.
    SameMessage,
    /// It reached the server before the mails of this source are registered.
    BeforeStart,
}

/// How the message came to this point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Fresh from the mailbox.
    New,
    /// A clerk has looked at it and released it for registration.
    ReleasedByClerk,
}

/// What the agency's own server found out about the sender (RFC 8601, DMARC).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sender {
    /// Nothing speaks against it, or nobody was asked.
    #[default]
    Undisputed,
    /// The domain in From does not stand by the message: somebody else may have written it.
    Disowned,
}

/// Whether an automatic answer to the sender could go out now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    #[default]
    Open,
    /// The address, or the whole house, has had its letters for today.
    BudgetSpent,
    /// No server would take the address.
    BadAddress,
    /// A message of the same sender and Message-ID has its number already: a refusal would contradict it.
    RegisteredAlready,
}

/// What is known of a message beside its own words.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    pub extent: Extent,
    pub standing: Standing,
    pub matter: Matter,
    pub sender: Sender,
    pub reach: Reach,
}

/// The judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screened {
    pub reason: Reason,
    /// Whether a letter may go to the sender by itself.
    pub replies: bool,
}

impl Screened {
    fn silently(reason: Reason) -> Self {
        Self {
            reason,
            replies: false,
        }
    }
}

/// Judges one message. What came before the start is not looked at; then machine mail, since it must never be answered;
/// then what needs a person.
pub fn screen(message: &Message, seen: Circumstances, policy: &Policy) -> Screened {
    let is_released = seen.standing == Standing::ReleasedByClerk;
    if seen.matter == Matter::BeforeStart && !is_released {
        return Screened::silently(Reason::BeforeStart);
    }
    let unreadable = [
        (Defect::NoHeader, Reason::NoHeader),
        (Defect::NestedTooDeep, Reason::NestedTooDeep),
    ];
    let unreadable = unreadable
        .into_iter()
        .find(|(defect, _)| message.defects.contains(defect));
    if is_released {
        return Screened {
            reason: match seen.matter {
                Matter::New | Matter::SameMessage | Matter::BeforeStart => Reason::Released,
                Matter::OwnCase => Reason::Reply,
            },
            replies: answerable(message, policy),
        };
    }
    if let Some((_, reason)) = unreadable {
        return Screened::silently(reason);
    }
    if is_own(message, policy) {
        return Screened::silently(if is_of_another(message, policy) {
            Reason::OwnAddress
        } else {
            Reason::OwnMail
        });
    }
    if let Some(reason) = machine(message).filter(|_| !is_of_own_list(message, policy)) {
        return Screened::silently(reason);
    }
    if let Some(reason) = untakeable(message, seen, policy) {
        return Screened {
            reason,
            replies: reason.outcome() == Outcome::Answered,
        };
    }
    Screened {
        reason: match seen.matter {
            Matter::New => Reason::Request,
            Matter::OwnCase => Reason::Reply,
            Matter::SameMessage => return Screened::silently(Reason::SameMessage),
            Matter::BeforeStart => Reason::BeforeStart,
        },
        replies: message.origin.may_be_answered(),
    }
}

/// Why a machine's message is no request.
fn machine(message: &Message) -> Option<Reason> {
    match message.origin {
        Origin::Person | Origin::AsksForSilence => None,
        Origin::AutoReply => Some(Reason::AutoReply),
        Origin::Bounce => Some(bounce(message)),
        Origin::Complaint => Some(Reason::Complaint),
        Origin::ReadReport => Some(Reason::ReadReport),
        Origin::List => Some(Reason::List),
        Origin::Bulk => Some(Reason::Bulk),
    }
}

/// A report that tells of no failure is good news, or none yet.
fn bounce(message: &Message) -> Reason {
    let recipients = message
        .report
        .as_ref()
        .map_or(&[][..], |report| &report.recipients);
    let has_failed = recipients.is_empty() || recipients.iter().any(|one| one.action == Action::Failed);
    if has_failed {
        Reason::Bounce
    } else {
        Reason::DeliveryReport
    }
}

/// Why a person's message cannot be taken: the sender is told where that may be, and else a person must look.
fn untakeable(message: &Message, seen: Circumstances, policy: &Policy) -> Option<Reason> {
    let may_be_told =
        seen.sender == Sender::Undisputed && seen.reach == Reach::Open && answerable(message, policy);
    if seen.extent != Extent::Whole {
        return Some(if may_be_told {
            Reason::TooLarge
        } else {
            Reason::Oversized
        });
    }
    if message.defects.contains(&Defect::SeveralSenders) {
        return Some(Reason::SeveralSenders);
    }
    if message.from.is_none() {
        return Some(Reason::NoSender);
    }
    message
        .defects
        .contains(&Defect::Encrypted)
        .then_some(if may_be_told {
            Reason::Encrypted
        } else {
            Reason::EncryptedUnanswerable
        })
}

fn is_own(message: &Message, policy: &Policy) -> bool {
    message
        .from
        .as_ref()
        .is_some_and(|from| policy.own_addresses.contains(&from.address.to_lowercase()))
}

/// Whether a mail with our address in From is somebody else's: web forms and lists write it there, and the person into
/// Reply-To. Letters of ours say that they are automatic, so they are none of these.
fn is_of_another(message: &Message, policy: &Policy) -> bool {
    let may_be_a_persons =
        matches!(message.origin, Origin::Person | Origin::AsksForSilence) || is_of_own_list(message, policy);
    may_be_a_persons
        && message
            .reply_to
            .iter()
            .any(|to| !policy.own_addresses.contains(&to.address.to_lowercase()))
}

/// Whether it came through a list or group that is an address of ours: what is written there is for us. A List-Id has a
/// dot where the address has its `@` (RFC 2919 §2).
pub fn is_of_own_list(message: &Message, policy: &Policy) -> bool {
    message.origin == Origin::List
        && policy.own_addresses.iter().any(|own| {
            message
                .lists
                .iter()
                .any(|list| *list == *own || *list == own.replace('@', "."))
        })
}

/// One sender, a person, not ourselves.
fn answerable(message: &Message, policy: &Policy) -> bool {
    message.from.is_some()
        && !message.defects.contains(&Defect::SeveralSenders)
        && message.origin.may_be_answered()
        && !is_own(message, policy)
}

#[cfg(test)]
mod tests;
