//! What the operator watches, as plain figures: what waits and how long, and what has been done so far.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Things that wait, and since when the oldest of them does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queue {
    pub count: u64,
    /// `None` where nothing waits.
    pub oldest: Option<Timestamp>,
}

/// What waits now. Costs as much as there is waiting, whatever the size of the registry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Messages that a source has shown and whose bytes have not come, since they were shown.
    pub awaited: Queue,
    /// Mails without a decision, since they were kept.
    pub undecided: Queue,
    /// Receipts owed, since the entry was registered.
    pub receipts: Queue,
    /// Letters queued, since they were queued.
    pub letters: Queue,
    /// Mails that need a person, since they were held.
    pub held: Queue,
    /// Receipts owed that have failed at least once.
    pub receipts_failing: u64,
    /// Letters queued that have failed at least once.
    pub letters_failing: u64,
    pub letters_given_up: u64,
    /// Letters that came back, as reports tell.
    pub letters_bounced: u64,
}

/// What the journal tells has been done, counted up to a row. A later tally is made from an earlier one and the rows
/// since, so that it never costs more than what is new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The last journal row that is counted; 0 where none is.
    pub journal_seq: i64,
    /// Its hash, so that the tally of another registry, or of one restored since, is not taken for this one's.
    pub journal_hash: String,
    /// Whether that row was the last one there was.
    pub is_complete: bool,
    /// Decisions by source and outcome. A mail that was held and then decided again counts in both.
    pub decided: BTreeMap<(String, String), u64>,
    /// When each source last brought a mail.
    pub last_mail: BTreeMap<String, Timestamp>,
    pub letters_sent: u64,
    pub letters_given_up: u64,
}

impl Tally {
    /// Decisions with this outcome, over all sources.
    pub fn outcomes(&self) -> BTreeMap<&str, u64> {
        let mut sums = BTreeMap::new();
        for ((_, outcome), count) in &self.decided {
            *sums.entry(outcome.as_str()).or_default() += count;
        }
        sums
    }
}
