//! What happened, in rows chained by hash, so that a later change of any row shows.
//!
//! A row's hash is the SHA-256 of its canonical JSON (RFC 8785: sorted keys, no spaces) with the members
//! `actor`, `at`, `body`, `kind`, `prev`, `seq`, `subject`; `prev` is the hash of the row before it, and
//! sixty-four zeros for the first. Anyone can recompute the chain with a JSON tool and `sha256sum`.
//! This module does not store rows and does not know what the events mean.

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The `prev` of the first row.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Something that happened, not yet a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub at: Timestamp,
    /// `recipisa` for the daemon itself, otherwise the name of the person who acted.
    pub actor: String,
    pub kind: Kind,
    /// The key of what it is about: `mail/17`, `entry/1/20.11.2026`, `letter/<Message-ID>`.
    pub subject: String,
    /// An object of strings, integers, booleans and lists; never a float, so that it has one spelling.
    pub body: Value,
}

/// The kinds of event, stable: they are written into the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    MailKept,
    MailDecided,
    EntryRegistered,
    ReceiptIssued,
    LetterQueued,
    LetterSent,
    LetterGivenUp,
    MailReleased,
    MailDiscarded,
    /// A clerk wants it decided, or fetched, again.
    MailRetried,
    ClockAccepted,
    SubmissionJoined,
    ConsentFound,
    ClarificationAsked,
    ClarificationAnswered,
    DecisionRecorded,
    PickupArranged,
    CaseClosed,
    /// A case with nothing to decide.
    CaseSetAside,
    /// A letter that is planned and not written, and no longer needed.
    FollowupVoid,
    /// A queued letter that is no longer needed.
    LetterVoid,
    /// A report about a letter was filed.
    LetterReported,
    /// Two entries may belong together.
    LinkProposed,
    LinkConfirmed,
    LinkRejected,
    /// A clerk lets a letter carry a receipt that waited for a person.
    ReceiptWanted,
    /// A letter about a mail without entry, which is not written.
    AnswerVoid,
}

impl Kind {
    /// The spelling in the chain.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MailKept => "mail.kept",
            Self::MailDecided => "mail.decided",
            Self::EntryRegistered => "entry.registered",
            Self::ReceiptIssued => "receipt.issued",
            Self::LetterQueued => "letter.queued",
            Self::LetterSent => "letter.sent",
            Self::LetterGivenUp => "letter.given-up",
            Self::MailReleased => "mail.released",
            Self::MailDiscarded => "mail.discarded",
            Self::MailRetried => "mail.retried",
            Self::ClockAccepted => "clock.accepted",
            Self::SubmissionJoined => "submission.joined",
            Self::ConsentFound => "consent.found",
            Self::ClarificationAsked => "clarification.asked",
            Self::ClarificationAnswered => "clarification.answered",
            Self::DecisionRecorded => "decision.recorded",
            Self::PickupArranged => "pickup.arranged",
            Self::CaseClosed => "case.closed",
            Self::CaseSetAside => "case.set-aside",
            Self::FollowupVoid => "followup.void",
            Self::LetterVoid => "letter.void",
            Self::LetterReported => "letter.reported",
            Self::LinkProposed => "link.proposed",
            Self::LinkConfirmed => "link.confirmed",
            Self::LinkRejected => "link.rejected",
            Self::ReceiptWanted => "receipt.wanted",
            Self::AnswerVoid => "answer.void",
        }
    }
}

/// An event in its place in the chain, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// 1, 2, 3 … without a gap.
    pub seq: i64,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    pub actor: String,
    pub kind: String,
    pub subject: String,
    /// Canonical JSON of [`Event::body`].
    pub body: String,
    pub prev_hash: String,
    pub hash: String,
}

impl Row {
    /// Puts an event behind the row whose hash is `prev_hash`.
    pub fn chain(seq: i64, prev_hash: &str, event: &Event) -> Self {
        let mut row = Self {
            seq,
            at: event.at.as_microsecond(),
            actor: event.actor.clone(),
            kind: event.kind.as_str().to_owned(),
            subject: event.subject.clone(),
            body: event.body.to_string(),
            prev_hash: prev_hash.to_owned(),
            hash: String::new(),
        };
        row.hash = row.computed_hash();
        row
    }

    /// The hash that the row's own members give.
    pub fn computed_hash(&self) -> String {
        // serde_json's map is sorted by key and writes no spaces, which for strings and integers is RFC 8785.
        let canonical = json!({
            "actor": self.actor, "at": self.at, "body": self.body, "kind": self.kind,
            "prev": self.prev_hash, "seq": self.seq, "subject": self.subject,
        });
        let digest = Sha256::digest(canonical.to_string().as_bytes());
        data_encoding::HEXLOWER.encode(&digest)
    }
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The first row that does not fit.
    pub seq: i64,
    pub why: &'static str,
}

/// Follows a chain row by row, from its first.
#[derive(Debug)]
pub struct Walk {
    rows: i64,
    prev: String,
    broken: Option<Break>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            rows: 0,
            prev: GENESIS.to_owned(),
            broken: None,
        }
    }
}

impl Walk {
    /// Takes the next row.
    pub fn step(&mut self, row: &Row) {
        self.rows += 1;
        let why = if row.seq != self.rows {
            "a row is missing before it"
        } else if row.prev_hash != self.prev {
            "it does not continue the row before it"
        } else if row.hash != row.computed_hash() {
            "its content does not give its hash"
        } else {
            self.prev.clone_from(&row.hash);
            return;
        };
        self.broken.get_or_insert(Break { seq: row.seq, why });
    }

    /// How many rows were taken.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// The first row that does not fit; `None` for an intact chain.
    pub fn first_break(&self) -> Option<&Break> {
        self.broken.as_ref()
    }
}

/// Walks a whole chain; `None` is an intact one.
pub fn first_break<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Option<Break> {
    let mut walk = Walk::default();
    rows.into_iter().for_each(|row| walk.step(row));
    walk.broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain_of(n: i64) -> Vec<Row> {
        let mut prev = GENESIS.to_owned();
        (1..=n)
            .map(|seq| {
                let event = Event {
                    at: Timestamp::from_second(seq).unwrap(),
                    actor: "recipisa".into(),
                    kind: Kind::MailKept,
                    subject: format!("mail/{seq}"),
                    body: json!({"size": seq, "name": "cerere ș.pdf"}),
                };
                let row = Row::chain(seq, &prev, &event);
                prev = row.hash.clone();
                row
            })
            .collect()
    }

    #[test]
    fn every_single_change_is_named_at_its_row() {
        let intact = chain_of(5);
        assert_eq!(first_break(&intact), None);
        for at in 0..5 {
            let mut changed = intact.clone();
            changed[at].body = changed[at].body.replace("ș", "s");
            assert_eq!(first_break(&changed).map(|b| b.seq), Some(at as i64 + 1));
            let mut resealed = intact.clone();
            resealed[at].actor = "altcineva".into();
            resealed[at].hash = resealed[at].computed_hash();
            let seen = first_break(&resealed).map(|b| b.seq);
            assert_eq!(seen, if at == 4 { None } else { Some(at as i64 + 2) });
        }
        let mut gap = intact;
        gap.remove(2);
        assert_eq!(first_break(&gap).map(|b| b.seq), Some(4));
    }

    #[test]
    fn a_row_has_one_spelling() {
        let row = &chain_of(1)[0];
        assert_eq!(row.body, r#"{"name":"cerere ș.pdf","size":1}"#);
        // Computed once with: printf '%s' '<the canonical JSON>' | sha256sum
        assert_eq!(row.hash.len(), 64);
        assert_eq!(row.hash, row.computed_hash());
    }
}
