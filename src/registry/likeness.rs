//! What a message has in common with earlier ones: the same message by another way, the same files or the same words
//! sent again.
//!
//! Only hashes are compared, so that looking up costs the same for any size. What follows from a likeness is decided
//! in [`super::link`] and in the screening.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{FileRecord, folded};
use crate::message::Message;
use crate::screening::Sender;

/// What a message is recognised by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Likeness {
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// The address in From, as written.
    pub sender: Option<String>,
    /// Of all its words and files, and of the subject without what programs put before it.
    pub content: String,
    /// Of the words, where there are enough of them to tell ([`Message::text_fingerprint`]).
    pub text: Option<String>,
    /// Of the set of its files' hashes, accepted or refused; `None` without files.
    pub files: Option<String>,
}

/// In what a message is like an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Like {
    /// Message-ID, sender and content: it is the same message.
    Message,
    Files,
    Text,
    /// The sender and the Message-ID alone: its content is another.
    MessageId,
}

/// An earlier message, registered or joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Its place in the order of arrival.
    pub mail_seq: i64,
    /// The address in From, as written.
    pub sender: Option<String>,
    pub like: Like,
    /// What the agency's own server found out about its sender.
    pub standing: Sender,
}

impl Earlier {
    /// Whether it is the same message, written by the same person as far as anybody knows: somebody else's copy, which
    /// its domain disowns, must not make the real one disappear.
    pub fn is_same_message(&self, sender: Sender) -> bool {
        let is_believed = self.standing == Sender::Undisputed || sender == Sender::Disowned;
        self.like == Like::Message && is_believed
    }
}

impl Likeness {
    /// What a message with these files is recognised by.
    pub(super) fn of(message: &Message, files: &[FileRecord]) -> Self {
        let hashes: BTreeSet<&str> = files.iter().map(|file| file.sha256.as_str()).collect();
        let hashes = hashes.into_iter().collect::<Vec<_>>().join("\n");
        // Servers on the way fold lines and add white space.
        let words = message.text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            message_id: message.message_id.clone(),
            sender: message.from.as_ref().map(|from| from.address.clone()),
            content: print(&[&words, &hashes, &bare(&message.subject)]),
            text: message.text_fingerprint(),
            files: (!hashes.is_empty()).then(|| print(&[&hashes])),
        }
    }

    /// In what this is like an earlier message. A stranger's message is never the same one: nobody may make another's
    /// mail disappear by sending something under its Message-ID.
    pub fn like(&self, earlier: &Self) -> BTreeSet<Like> {
        let equal = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        let of_sender = same_address(self.sender.as_deref(), earlier.sender.as_deref());
        let same_id = of_sender && equal(&self.message_id, &earlier.message_id);
        let found = [
            (same_id && self.content == earlier.content, Like::Message),
            (equal(&self.files, &earlier.files), Like::Files),
            (
                equal(&self.text, &earlier.text) || of_sender && self.is_same_note(earlier),
                Like::Text,
            ),
            (same_id, Like::MessageId),
        ];
        found
            .into_iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, like)| like)
            .collect()
    }

    /// Whether both say the same under the same subject, without files. Few words tell nothing of strangers; of one
    /// sender they tell that it was sent again.
    fn is_same_note(&self, earlier: &Self) -> bool {
        self.files.is_none() && earlier.files.is_none() && self.content == earlier.content
    }
}

/// The subject as its writer meant it, without the marks of replies, of forwarding and of lists before it.
fn bare(subject: &str) -> String {
    let subject = folded(subject);
    let mut rest = subject.trim_start();
    loop {
        let prefix = ["re:", "fw:", "fwd:"]
            .into_iter()
            .find_map(|mark| rest.strip_prefix(mark));
        let tag = || rest.strip_prefix('[')?.split_once(']').map(|(_, rest)| rest);
        match prefix.or_else(tag) {
            Some(after) => rest = after.trim_start(),
            None => return rest.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }
}

/// Whether both are there and the same, without regard to capitals.
pub(super) fn same_address(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other)
        .is_some_and(|(one, other)| one.to_lowercase() == other.to_lowercase())
}

fn print(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    data_encoding::HEXLOWER.encode(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(header: &str, text: &str) -> Likeness {
        let raw = format!("{header}\r\nSubject: Cerere\r\n\r\n{text}\r\n");
        Likeness::of(&Message::read(raw.as_bytes()), &[])
    }

    #[test]
    fn the_same_message_by_another_way_is_recognised_and_nothing_else_is() {
        let first = likeness(
            "Message-ID: <1@e.test>\r\nFrom: Ana <ana@e.test>",
            "Vă rog\r\nsă mă primiți",
        );
        let again = likeness(
            "Received: by b.test\r\nMessage-ID: <1@e.test>\r\nFrom: ANA@e.test",
            "Vă rog  să\r\n\r\nmă primiți",
        );
        assert!(again.like(&first).contains(&Like::Message));
        let other = likeness("Message-ID: <1@e.test>\r\nFrom: ana@e.test", "Altceva");
        assert_eq!(other.like(&first), BTreeSet::from([Like::MessageId]));
        let stranger = likeness(
            "Message-ID: <1@e.test>\r\nFrom: rau@e.test",
            "Vă rog să mă primiți",
        );
        assert_eq!(stranger.like(&first), BTreeSet::new());
        let nameless = likeness("From: ana@e.test", "Vă rog să mă primiți");
        assert_eq!(nameless.like(&nameless), BTreeSet::from([Like::Text]));
    }

    #[test]
    fn another_subject_is_another_message_and_marks_before_it_are_nothing() {
        let under = |subject: &str| {
            let raw = format!(
                "Message-ID: <1@e.test>\r\nFrom: ana@e.test\r\nSubject: {subject}\r\n\r\nVezi subiectul.\r\n"
            );
            Likeness::of(&Message::read(raw.as_bytes()), &[])
        };
        let first = under("Cerere de adeverinta");
        let other = under("Cerere de audienta");
        assert_eq!(other.like(&first), BTreeSet::from([Like::MessageId]));
        for same in [
            "Re: CERERE  de adeverinta",
            "[AJOFM] Fwd: [x] cerere de adeverinta",
        ] {
            assert!(under(same).like(&first).contains(&Like::Message), "{same}");
        }
    }

    #[test]
    fn files_are_a_set_and_short_words_tell_nothing() {
        let file = |sha256: &str| FileRecord {
            name: String::new(),
            container: None,
            declared: String::new(),
            detected: String::new(),
            kind_ro: String::new(),
            size_bytes: 1,
            sha256: sha256.to_owned(),
            accepted: false,
            findings: Vec::new(),
        };
        let message = Message::read(b"From: a@e.test\r\n\r\nda\r\n");
        let with = |hashes: &[&str]| {
            let files: Vec<FileRecord> = hashes.iter().map(|hash| file(hash)).collect();
            Likeness::of(&message, &files)
        };
        let first = with(&["a", "b"]);
        assert_eq!(with(&["b", "a", "b"]).like(&first), BTreeSet::from([Like::Files]));
        assert_eq!(with(&["a"]).like(&first), BTreeSet::new());
        assert_eq!(with(&[]).like(&with(&[])), BTreeSet::from([Like::Text]));
        let stranger = Likeness {
            sender: Some("b@e.test".into()),
            ..with(&[])
        };
        assert_eq!(stranger.like(&with(&[])), BTreeSet::new());
    }
}
