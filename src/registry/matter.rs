//! Which case a message speaks of: by the letters of ours that it answers, or by a number in its subject.
//!
//! A message joins a case only when its sender owns it; anybody else's mail is a request of its own.

use super::Number;
use super::likeness::same_address;
use crate::message::Message;

/// What a message names, to be looked up before the decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Message-IDs of In-Reply-To and References (RFC 5322 §3.6.4), the nearest first.
    pub message_ids: Vec<String>,
    /// Numbers in the subject.
    pub numbers: Vec<Number>,
}

impl Mentions {
    /// Whether there is nothing to look up.
    pub fn is_empty(&self) -> bool {
        self.message_ids.is_empty() && self.numbers.is_empty()
    }
}

/// How a message names a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mention {
    /// It answers a letter on it.
    Letter,
    /// Its number stands in the subject.
    Subject,
}

/// A case that a message names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCase {
    pub number: Number,
    /// By what the message names it.
    pub by: Mention,
    /// The address that the request came from.
    pub owner: Option<String>,
    /// Nothing more is done in it: what its owner writes now is a new request.
    pub is_closed: bool,
}

/// More names than this in one message are not looked up.
const MENTIONS_MAX: usize = 50;

/// What the message names.
pub fn mentions(message: &Message, only_register: Option<&str>) -> Mentions {
    let nearest_first = message.in_reply_to.iter().chain(message.references.iter().rev());
    let mut message_ids: Vec<String> = Vec::new();
    for id in nearest_first {
        if message_ids.len() < MENTIONS_MAX && !message_ids.contains(id) {
            message_ids.push(id.clone());
        }
    }
    let mut numbers = Number::find_all(&message.subject, only_register);
    numbers.truncate(MENTIONS_MAX);
    Mentions { message_ids, numbers }
}

/// The first of the named open cases that the sender owns; addresses are compared without regard to capitals.
pub(super) fn own_case<'a>(message: &Message, known: &'a [KnownCase]) -> Option<&'a Number> {
    let sender = message.from.as_ref().map(|from| from.address.as_str());
    known
        .iter()
        .filter(|case| !case.is_closed)
        .find(|case| same_address(sender, case.owner.as_deref()))
        .map(|case| &case.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_joins() {
        let raw = "From: Ana <ANA@exemplu.test>\r\nIn-Reply-To: <l2@a.test>\r\nReferences: <m1@e.test> <l1@a.test> \
                   <l2@a.test>\r\nSubject: Re: Recipisa nr. 3/20.11.2026\r\n\r\ntext\r\n";
        let message = Message::read(raw.as_bytes());
        let named = mentions(&message, Some("CJ"));
        assert_eq!(named.message_ids, ["l2@a.test", "l1@a.test", "m1@e.test"]);
        assert_eq!(named.numbers.len(), 1);
        let case = |owner: &str| KnownCase {
            number: named.numbers[0].clone(),
            by: Mention::Subject,
            owner: Some(owner.to_owned()),
            is_closed: false,
        };
        assert!(own_case(&message, &[case("altcineva@exemplu.test")]).is_none());
        let known = [case("altcineva@exemplu.test"), case("ana@exemplu.test")];
        assert_eq!(own_case(&message, &known), Some(&named.numbers[0]));
        let closed = KnownCase {
            is_closed: true,
            ..case("ana@exemplu.test")
        };
        assert_eq!(own_case(&message, &[closed]), None);
    }
}
