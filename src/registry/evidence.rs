//! What a filed message proves about one of our letters: on its way, delivered, read, late, returned.
//!
//! A report is easily forged, so it is evidence and changes no case. Left out: looking the letter up, which the store
//! does, and reading the report, which [`crate::message`] does.

use crate::message::{Action, Message, Recipient, Report, ReportKind};
use crate::screening::Outcome;

/// More names than this in one report are not looked up.
const LETTERS_MAX: usize = 20;
/// More recipients than this are not recorded: a letter of ours has one.
const SIGNS_MAX: usize = 10;
/// What may stand between the local part and the token of an envelope sender.
pub const VERP_SEPARATORS: [char; 3] = ['+', '-', '='];

/// What reports say of a letter, weakest first: what is known later never hides something stronger. That a letter came
/// back outweighs that some server took it for delivered; that it was read outweighs that a copy came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// A server still tries.
    Delayed,
    /// Handed to a server that gives no reports.
    Relayed,
    /// It lies in the mailbox.
    Delivered,
    /// It came back: a person must find another way.
    Bounced,
    /// It was shown to its reader.
    Read,
}

impl Delivery {
    /// All of them, for tables.
    pub const ALL: [Self; 5] = [
        Self::Delayed,
        Self::Relayed,
        Self::Delivered,
        Self::Bounced,
        Self::Read,
    ];

    /// The stable spelling in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delayed => "delayed",
            Self::Relayed => "relayed",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Read => "read",
        }
    }

    /// Whether it speaks well of the letter.
    fn is_good(self) -> bool {
        match self {
            Self::Relayed | Self::Delivered | Self::Read => true,
            Self::Delayed | Self::Bounced => false,
        }
    }
}

/// One thing that a filed message says of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Delivery(Delivery),
    /// Its reader called it unwanted (RFC 5965).
    Complained,
    /// A machine answered it, such as "I am on leave".
    AutoReplied,
}

impl Sign {
    /// All of them, for tables.
    pub const ALL: [Self; 7] = [
        Self::Delivery(Delivery::Delayed),
        Self::Delivery(Delivery::Relayed),
        Self::Delivery(Delivery::Delivered),
        Self::Delivery(Delivery::Bounced),
        Self::Delivery(Delivery::Read),
        Self::Complained,
        Self::AutoReplied,
    ];

    /// The stable spelling in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivery(delivery) => delivery.as_str(),
            Self::Complained => "complained",
            Self::AutoReplied => "auto-replied",
        }
    }
}

/// A sign with what the report adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub sign: Sign,
    /// As the report names it.
    pub recipient: Option<String>,
    /// Enhanced status code (RFC 3463).
    pub status: Option<String>,
    /// The server's words; may be empty.
    pub detail: String,
}

impl Said {
    /// What it changes for a letter to this address. Trouble counts whoever it befell, since a server may have passed
    /// the letter on to another address; good news of somebody else is no news of ours.
    pub fn delivery_for(&self, letter_to: &str) -> Option<Delivery> {
        match self.sign {
            Sign::Delivery(delivery) if delivery.is_good() && self.is_of_another(letter_to) => None,
            Sign::Delivery(delivery) => Some(delivery),
            Sign::Complained | Sign::AutoReplied => None,
        }
    }

    /// Whether the report names a recipient that is not the letter's.
    pub fn is_of_another(&self, letter_to: &str) -> bool {
        let own = letter_to.to_lowercase();
        self.recipient
            .as_ref()
            .is_some_and(|recipient| recipient.to_lowercase() != own)
    }
}

/// What a filed message proves about a letter of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The letter's, without angle brackets.
    pub message_id: String,
    pub said: Vec<Said>,
}

/// The Message-IDs of the letters that a machine's message may speak of, the surest first: the token in the address
/// it came to (VERP), the envelope id, the returned Message-ID, and of an automatic reply the letters it answers.
pub fn letters_spoken_of(message: &Message) -> Vec<String> {
    if message.origin.may_be_answered() {
        return Vec::new();
    }
    let to = message.to.iter().map(|mailbox| mailbox.address.as_str());
    let addresses = message.delivered_to.iter().map(String::as_str).chain(to);
    let tokens = addresses.flat_map(by_token);
    let report = message.report.iter();
    let named = report.flat_map(|report| report.envelope_id.iter().chain(&report.original_message_id));
    let answered = message.in_reply_to.iter().chain(message.references.iter().rev());
    let mut ids: Vec<String> = Vec::new();
    for id in tokens.chain(named.chain(answered).map(|id| bare(id).to_owned())) {
        if ids.len() < LETTERS_MAX && !id.is_empty() && !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// `somaj+TOKEN@exemplu.test` as `TOKEN@exemplu.test`, for every sign that may stand before a token.
fn by_token(address: &str) -> impl Iterator<Item = String> {
    let (local, domain) = address.rsplit_once('@').unwrap_or_default();
    VERP_SEPARATORS.into_iter().filter_map(move |separator| {
        let (_, token) = local.rsplit_once(separator)?;
        (!token.is_empty()).then(|| format!("{}@{}", token.to_lowercase(), domain))
    })
}

fn bare(id: &str) -> &str {
    id.trim().trim_start_matches('<').trim_end_matches('>')
}

/// What a message that was filed proves about the letter that it speaks of; `None` where it proves nothing.
pub(super) fn of(message: &Message, outcome: Outcome, letter: Option<&str>) -> Option<Evidence> {
    let message_id = letter.filter(|_| outcome == Outcome::Filed)?.to_owned();
    let said = match &message.report {
        Some(report) => signs(report),
        // An automatic reply, or a report that could not be read: it came, and more is not known.
        None => vec![plain(Sign::AutoReplied)],
    };
    (!said.is_empty()).then_some(Evidence { message_id, said })
}

fn signs(report: &Report) -> Vec<Said> {
    if report.kind == ReportKind::Complaint && report.recipients.is_empty() {
        return vec![plain(Sign::Complained)];
    }
    let recipients = report.recipients.iter().take(SIGNS_MAX);
    recipients
        .map(|recipient| Said {
            sign: sign(report.kind, recipient),
            recipient: recipient.address.clone(),
            status: recipient.status.clone(),
            detail: recipient.diagnostic.clone().unwrap_or_default(),
        })
        .collect()
}

fn sign(kind: ReportKind, recipient: &Recipient) -> Sign {
    let delivery = match (kind, recipient.action) {
        (ReportKind::Complaint, _) => return Sign::Complained,
        (ReportKind::Delivery, Action::Failed) => Delivery::Bounced,
        (ReportKind::Delivery | ReportKind::Read, Action::Delayed) => Delivery::Delayed,
        // Passed on to several addresses, of which nothing more will be heard (RFC 3464 §2.3.3).
        (ReportKind::Delivery | ReportKind::Read, Action::Relayed | Action::Expanded) => Delivery::Relayed,
        (ReportKind::Delivery | ReportKind::Read, Action::Displayed) => Delivery::Read,
        // A program that could not show it, filed it or threw it away has got it (RFC 8098 §3.2.6).
        (ReportKind::Read, Action::Failed)
        | (
            ReportKind::Delivery | ReportKind::Read,
            Action::Delivered | Action::Processed | Action::Deleted,
        ) => Delivery::Delivered,
    };
    Sign::Delivery(delivery)
}

fn plain(sign: Sign) -> Said {
    Said {
        sign,
        recipient: None,
        status: None,
        detail: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounce(header: &str) -> Message {
        Message::read(
            format!("From: MAILER-DAEMON@mx.test\r\nReturn-Path: <>\r\n{header}\r\n\r\nx\r\n").as_bytes(),
        )
    }

    fn report(kind: ReportKind, action: Action, address: Option<&str>) -> Report {
        Report {
            kind,
            envelope_id: Some("<env@a.test>".into()),
            original_message_id: Some("orig@a.test".into()),
            recipients: vec![Recipient {
                address: address.map(str::to_owned),
                action,
                status: Some("5.1.1".into()),
                diagnostic: Some("550 no such user".into()),
            }],
        }
    }

    #[test]
    fn the_surest_name_comes_first() {
        let mut message =
            bounce("To: somaj+TOKEN@a.test\r\nIn-Reply-To: <reply@a.test>\r\nReferences: <old@a.test>");
        message.report = Some(report(ReportKind::Delivery, Action::Failed, None));
        message.delivered_to = vec!["somaj=first@a.test".into()];
        assert_eq!(
            letters_spoken_of(&message),
            [
                "first@a.test",
                "token@a.test",
                "env@a.test",
                "orig@a.test",
                "reply@a.test",
                "old@a.test"
            ]
        );
        let person =
            Message::read(b"From: ana@b.test\r\nTo: x+y@a.test\r\nIn-Reply-To: <l@a.test>\r\n\r\nx\r\n");
        assert_eq!(letters_spoken_of(&person), Vec::<String>::new());
    }

    #[test]
    fn each_action_has_its_sign() {
        use Delivery::{Bounced, Delayed, Delivered, Read, Relayed};
        for (kind, action, wanted) in [
            (ReportKind::Delivery, Action::Failed, Bounced),
            (ReportKind::Delivery, Action::Delayed, Delayed),
            (ReportKind::Delivery, Action::Relayed, Relayed),
            (ReportKind::Delivery, Action::Expanded, Relayed),
            (ReportKind::Delivery, Action::Delivered, Delivered),
            (ReportKind::Read, Action::Displayed, Read),
            (ReportKind::Read, Action::Processed, Delivered),
            (ReportKind::Read, Action::Deleted, Delivered),
            (ReportKind::Read, Action::Failed, Delivered),
        ] {
            let mut message = bounce("Subject: x");
            message.report = Some(report(kind, action, Some("Ana@B.test")));
            let evidence = of(&message, Outcome::Filed, Some("l@a.test")).unwrap();
            assert_eq!(
                evidence.said[0].sign,
                Sign::Delivery(wanted),
                "{kind:?} {action:?}"
            );
            assert_eq!(evidence.said[0].delivery_for("ana@b.test"), Some(wanted));
            let of_another = evidence.said[0].delivery_for("ion@b.test");
            assert_eq!(of_another, (!wanted.is_good()).then_some(wanted), "{action:?}");
            assert_eq!(of(&message, Outcome::Registered, Some("l@a.test")), None);
            assert_eq!(of(&message, Outcome::Filed, None), None);
        }
        let mut message = bounce("Subject: x");
        message.report = Some(Report {
            recipients: Vec::new(),
            ..report(ReportKind::Complaint, Action::Failed, None)
        });
        let evidence = of(&message, Outcome::Filed, Some("l@a.test")).unwrap();
        assert_eq!(evidence.said[0].sign, Sign::Complained);
        assert_eq!(evidence.said[0].delivery_for("ana@b.test"), None);
    }

    #[test]
    fn what_came_back_outweighs_what_was_taken_for_delivered() {
        let mut order = Delivery::ALL;
        order.sort();
        assert_eq!(order, Delivery::ALL);
        assert!(Delivery::Read > Delivery::Bounced && Delivery::Bounced > Delivery::Delivered);
    }
}
