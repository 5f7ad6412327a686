//! Entries that belong together (conexe): what the program proposes, and a clerk confirms or rejects.
//!
//! A link changes nothing in either case. The citizen is told of one only where the earlier entry is the same sender's,
//! so that nobody learns from a receipt what others have sent.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Number;
use super::likeness::{Earlier, Like, same_address};
use super::matter::{KnownCase, Mention};
use crate::screening::Sender;

/// More numbers than these in one subject are no citizen's.
const CASES_MAX: usize = 10;

/// Why two entries may belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkWhy {
    /// The same files.
    Files,
    /// The same words.
    Text,
    /// It answers a letter on the earlier case.
    Reply,
    /// It bears the earlier number in its subject.
    Number,
    /// The same sender used the same Message-ID for another content, or somebody else did in that name.
    Message,
    /// A clerk says so.
    Clerk,
}

impl LinkWhy {
    /// All of them, for tables.
    pub const ALL: [Self; 6] = [
        Self::Files,
        Self::Text,
        Self::Reply,
        Self::Number,
        Self::Message,
        Self::Clerk,
    ];

    /// The stable spelling in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Text => "text",
            Self::Reply => "reply",
            Self::Number => "number",
            Self::Message => "message",
            Self::Clerk => "clerk",
        }
    }

    /// For the clerk, in Romanian, before the earlier number.
    pub fn clerk_ro(self) -> &'static str {
        match self {
            Self::Files => "are aceleași fișiere ca nr.",
            Self::Text => "are același text ca nr.",
            Self::Reply => "răspunde la o scrisoare despre nr.",
            Self::Number => "are în subiect nr.",
            Self::Message => {
                "are același identificator de mesaj (Message-ID), fără a fi același mesaj, ca nr."
            }
            Self::Clerk => "legat de un funcționar de nr.",
        }
    }

    /// For the citizen, in Romanian, before the earlier number.
    pub fn citizen_ro(self) -> &'static str {
        match self {
            Self::Files => "aceleași fișiere au fost primite și cu nr.",
            Self::Text => "același text a fost primit și cu nr.",
            Self::Reply | Self::Number | Self::Message | Self::Clerk => "mesajul are legătură cu nr.",
        }
    }
}

/// The earlier one of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Linked {
    Entry(Number),
    /// The entry or case that this mail has become; it may have been decided in the same batch.
    Mail(i64),
}

/// A link that a decision proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub earlier: Linked,
    pub why: LinkWhy,
    /// Whether the receipt says so.
    pub told: bool,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    Proposed,
    Confirmed,
    Rejected,
}

impl LinkState {
    /// All of them, for tables.
    pub const ALL: [Self; 3] = [Self::Proposed, Self::Confirmed, Self::Rejected];

    /// The stable spelling in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }
}

/// A link as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRecord {
    pub later: Number,
    pub earlier: Number,
    pub why: LinkWhy,
    pub told: bool,
    pub state: LinkState,
    pub made_at: Timestamp,
    /// When and by whom it was confirmed or rejected.
    pub decided: Option<(Timestamp, String)>,
}

/// The links that a new entry gets. `sender` is `None` where From is missing or cannot be believed; then nothing is
/// told.
pub(super) fn proposed(sender: Option<&str>, cases: &[KnownCase], alike: &[Earlier]) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut add = |link: Link| {
        if !links.iter().any(|known| known.earlier == link.earlier) {
            links.push(link);
        }
    };
    for (like, earlier) in firsts(sender, alike) {
        let why = match like {
            Like::Message if earlier.standing == Sender::Undisputed => continue,
            // Somebody else's copy came before: a person must look at both.
            Like::Message => LinkWhy::Message,
            Like::Files => LinkWhy::Files,
            Like::Text => LinkWhy::Text,
            Like::MessageId => LinkWhy::Message,
        };
        add(Link {
            earlier: Linked::Mail(earlier.mail_seq),
            why,
            told: why != LinkWhy::Message && same_address(sender, earlier.sender.as_deref()),
        });
    }
    for case in cases.iter().take(CASES_MAX) {
        add(Link {
            earlier: Linked::Entry(case.number.clone()),
            why: match case.by {
                Mention::Letter => LinkWhy::Reply,
                Mention::Subject => LinkWhy::Number,
            },
            told: same_address(sender, case.owner.as_deref()),
        });
    }
    links
}

/// Of each likeness the first message of the same sender, else the first of anybody.
fn firsts<'a>(sender: Option<&str>, alike: &'a [Earlier]) -> BTreeMap<Like, &'a Earlier> {
    let rank = |one: &Earlier| (!same_address(sender, one.sender.as_deref()), one.mail_seq);
    let mut firsts: BTreeMap<Like, &Earlier> = BTreeMap::new();
    for one in alike {
        let first = firsts.entry(one.like).or_insert(one);
        if rank(one) < rank(first) {
            *first = one;
        }
    }
    firsts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earlier(mail_seq: i64, sender: &str, like: Like) -> Earlier {
        Earlier {
            mail_seq,
            sender: Some(sender.to_owned()),
            like,
            standing: Sender::Undisputed,
        }
    }

    #[test]
    fn ones_own_entry_goes_before_a_strangers_and_only_it_is_told() {
        let alike = [
            earlier(1, "altul@e.test", Like::Files),
            earlier(3, "Ana@e.test", Like::Files),
            earlier(4, "ana@e.test", Like::Files),
            earlier(2, "altul@e.test", Like::Text),
        ];
        let link = |seq, why, told| Link {
            earlier: Linked::Mail(seq),
            why,
            told,
        };
        assert_eq!(
            proposed(Some("ana@e.test"), &[], &alike),
            [link(3, LinkWhy::Files, true), link(2, LinkWhy::Text, false)]
        );
        // Who cannot be believed learns nothing.
        assert_eq!(
            proposed(None, &[], &alike),
            [link(1, LinkWhy::Files, false), link(2, LinkWhy::Text, false)]
        );
    }

    #[test]
    fn one_entry_is_linked_once() {
        let alike = [
            earlier(1, "ana@e.test", Like::Text),
            earlier(1, "ana@e.test", Like::Files),
        ];
        let links = proposed(Some("ana@e.test"), &[], &alike);
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].why, LinkWhy::Files);
    }
}
