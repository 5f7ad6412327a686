//! The letter that came back with a report: what ties the report to it, and nothing of what it says.

use mail_parser::{Message, MessageParser, MessagePart, PartType};

use super::fields::{bounded, is_returned_header};
use crate::message::trace::within_brackets;
use crate::message::{declared_type, is_address};

/// What is told of the letter that came back.
#[derive(Default)]
pub(super) struct Returned {
    /// Without angle brackets.
    pub(super) message_id: Option<String>,
    /// Its recipient, where it has one only.
    pub(super) to: Option<String>,
}

impl Returned {
    pub(super) fn of(parsed: &Message<'_>, quoted: &str) -> Self {
        for part in &parsed.parts {
            if let PartType::Message(inner) = &part.body {
                return Self::of_message(inner);
            }
            if is_returned_header(&declared_type(part)) {
                return Self::of_part(part);
            }
        }
        Self::of_lines(quoted)
    }

    fn of_part(part: &MessagePart<'_>) -> Self {
        MessageParser::default()
            .parse_headers(bounded(part.contents()))
            .map(|header| Self::of_message(&header))
            .unwrap_or_default()
    }

    fn of_message(letter: &Message<'_>) -> Self {
        let mut to = letter
            .to()
            .into_iter()
            .flat_map(|list| list.iter())
            .filter_map(|one| one.address());
        Self {
            message_id: letter.message_id().map(str::to_owned),
            to: match (to.next(), to.next()) {
                (Some(only), None) if is_address(only) => Some(only.to_owned()),
                _ => None,
            },
        }
    }

    fn of_lines(quoted: &str) -> Self {
        let value = |name: &str| {
            quoted.lines().find_map(|line| {
                let line = line.trim_start_matches([' ', '\t', '>', '|']);
                let (known, value) = line.split_once(':')?;
                known
                    .trim()
                    .eq_ignore_ascii_case(name)
                    .then(|| within_brackets(value))
            })
        };
        let bare = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        Self {
            message_id: value("message-id").filter(|id| bare(id)).map(str::to_owned),
            to: value("to").filter(|to| is_address(to)).map(str::to_owned),
        }
    }
}
