//! What the running threads report about themselves, a line each: contact with sources, and what went wrong there.
//!
//! It holds no personal data: names of sources, kinds of trouble, instants and counts.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::edge::oauth::Standing;
use crate::flow::StepError;
use crate::flow::balance::Balance;
use crate::flow::stopwatch::{self, Taken};
use crate::mailbox::MailboxError;
use crate::store::{Store, Stored, Tally};

/// Journal rows that are counted at once; a matter of milliseconds.
const ROWS_AT_ONCE: u64 = 20_000;

/// A kind of trouble with a source, without any words of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    Unreachable,
    Limit,
    Login,
    Token,
    Unprotected,
    Refused,
    Folder,
    NoBytes,
    Unaccounted,
    Database,
    Archive,
    Signing,
}

impl Trouble {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Unreachable,
        Self::Limit,
        Self::Login,
        Self::Token,
        Self::Unprotected,
        Self::Refused,
        Self::Folder,
        Self::NoBytes,
        Self::Unaccounted,
        Self::Database,
        Self::Archive,
        Self::Signing,
    ];

    /// The stable spelling in labels and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Limit => "limit",
            Self::Login => "login",
            Self::Token => "token",
            Self::Unprotected => "unprotected",
            Self::Refused => "refused",
            Self::Folder => "folder",
            Self::NoBytes => "no-bytes",
            Self::Unaccounted => "unaccounted",
            Self::Database => "database",
            Self::Archive => "archive",
            Self::Signing => "signing",
        }
    }

    /// The kind of an error.
    pub(super) fn of(error: &StepError) -> Self {
        match error {
            StepError::Mailbox(MailboxError::Unreachable { .. } | MailboxError::Away { .. }) => {
                Self::Unreachable
            }
            StepError::Mailbox(MailboxError::Limit { .. }) => Self::Limit,
            StepError::Mailbox(MailboxError::Refused { .. }) => Self::Refused,
            StepError::Mailbox(MailboxError::Login { .. }) => Self::Login,
            StepError::Mailbox(MailboxError::TokenRefused { .. } | MailboxError::NoToken { .. }) => {
                Self::Token
            }
            StepError::Mailbox(MailboxError::Unprotected { .. }) => Self::Unprotected,
            StepError::Mailbox(MailboxError::Folder { .. }) => Self::Folder,
            StepError::NoBytes { .. } => Self::NoBytes,
            StepError::Unaccounted { .. } => Self::Unaccounted,
            StepError::Store(_) => Self::Database,
            StepError::Archive(_) => Self::Archive,
            StepError::Signing(_) => Self::Signing,
            // No source is read by it.
            StepError::Digest(_) => Self::Refused,
        }
    }
}

/// What is known about the contact with one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceBeat {
    /// The end of the last pass that the source let through.
    pub last_contact: Option<Timestamp>,
    /// The trouble of the last pass, and since when there has been some.
    pub failing: Option<(Trouble, Timestamp)>,
    /// Passes with trouble since the start of the process.
    pub failures: BTreeMap<Trouble, u64>,
}

/// What a running daemon leaves behind for others to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeSign {
    pub version: String,
    pub pid: u32,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
    /// It ended because it was asked to.
    pub ended_at: Option<Timestamp>,
    pub certificate_until: Option<Timestamp>,
    pub sources: BTreeMap<String, SourceBeat>,
    /// By the name of the `[[oauth]]`.
    pub tokens: BTreeMap<String, Standing>,
    pub tally: Tally,
    /// The last look at the ledger; read back from the file without the names.
    pub balance: Option<Balance>,
    /// Since the start of the process.
    pub stages: Vec<Taken>,
}

/// The place that all threads report to.
#[derive(Default)]
pub struct Pulse {
    beats: Mutex<Beats>,
}

#[derive(Default)]
struct Beats {
    started_at: Option<Timestamp>,
    certificate_until: Option<Timestamp>,
    sources: BTreeMap<String, SourceBeat>,
    tokens: BTreeMap<String, Standing>,
    tally: Tally,
    balance: Option<Balance>,
    changes: u64,
}

impl Pulse {
    fn beats(&self) -> MutexGuard<'_, Beats> {
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pass over the source has come to its end; `trouble` is what single messages had.
    pub fn contact(&self, source: &str, at: Timestamp, trouble: Option<&StepError>) {
        let mut beats = self.beats();
        beats.changes += 1;
        let beat = beats.sources.entry(source.to_owned()).or_default();
        beat.last_contact = Some(at);
        match trouble {
            None => beat.failing = None,
            Some(error) => note(beat, at, error),
        }
    }

    /// The source was heard between two passes.
    pub fn heard(&self, source: &str, at: Timestamp) {
        let mut beats = self.beats();
        beats.changes += 1;
        beats.sources.entry(source.to_owned()).or_default().last_contact = Some(at);
    }

    /// A pass over the source failed.
    pub fn failed(&self, source: &str, at: Timestamp, error: &StepError) {
        let mut beats = self.beats();
        beats.changes += 1;
        note(beats.sources.entry(source.to_owned()).or_default(), at, error);
    }

    /// How the tokens of an `[[oauth]]` stand now.
    pub(super) fn token(&self, name: &str, standing: Standing) {
        let mut beats = self.beats();
        if beats.tokens.get(name) != Some(&standing) {
            beats.changes += 1;
            beats.tokens.insert(name.to_owned(), standing);
        }
    }

    /// Takes over what an earlier process of the same registry left, where it is still true.
    pub(super) fn begin(&self, at: Timestamp, earlier: Option<LifeSign>) {
        let mut beats = self.beats();
        beats.started_at = Some(at);
        let Some(earlier) = earlier else { return };
        beats.tally = earlier.tally;
        for (name, beat) in earlier.sources {
            // The source may have failed already, which says nothing about when it was reached last.
            let now = beats.sources.entry(name).or_default();
            now.last_contact = now.last_contact.or(beat.last_contact);
        }
    }

    /// The ledger has been looked at.
    pub(super) fn balanced(&self, balance: Balance) {
        let mut beats = self.beats();
        beats.changes += 1;
        beats.balance = Some(balance);
    }

    pub(super) fn certificate(&self, until: Option<Timestamp>) {
        self.beats().certificate_until = until;
    }

    /// Brings the tally forward by a bounded step.
    ///
    /// # Errors
    /// The store failed; the tally stays as it is.
    pub(super) fn count(&self, store: &dyn Store) -> Stored<()> {
        let before = self.beats().tally.clone();
        let (seq, was_complete) = (before.journal_seq, before.is_complete);
        // Not under the lock: nobody who reports should wait for the database.
        let after = store.tally(before, ROWS_AT_ONCE)?;
        if (after.journal_seq, after.is_complete) == (seq, was_complete) {
            return Ok(());
        }
        let mut beats = self.beats();
        // Another thread may have come further meanwhile.
        if beats.tally.journal_seq == seq {
            beats.changes += 1;
            beats.tally = after;
        }
        Ok(())
    }

    pub(super) fn is_counted(&self) -> bool {
        self.beats().tally.is_complete
    }

    /// Goes up with every change.
    pub(super) fn changes(&self) -> u64 {
        self.beats().changes
    }

    /// Everything at one moment.
    pub(super) fn life_sign(&self, at: Timestamp) -> LifeSign {
        let beats = self.beats();
        LifeSign {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: beats.started_at.unwrap_or(at),
            seen_at: at,
            ended_at: None,
            certificate_until: beats.certificate_until,
            sources: beats.sources.clone(),
            tokens: beats.tokens.clone(),
            tally: beats.tally.clone(),
            balance: beats.balance.clone(),
            stages: stopwatch::taken(),
        }
    }
}

fn note(beat: &mut SourceBeat, at: Timestamp, error: &StepError) {
    let trouble = Trouble::of(error);
    let since = beat.failing.map_or(at, |(_, since)| since);
    beat.failing = Some((trouble, since));
    *beat.failures.entry(trouble).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn login() -> StepError {
        let (server, answer) = ("localhost:993".into(), "no".into());
        StepError::Mailbox(MailboxError::Login { server, answer })
    }

    #[test]
    fn trouble_lasts_from_its_first_pass_until_a_good_one() {
        let pulse = Pulse::default();
        pulse.contact("a", at(10), None);
        pulse.failed("a", at(20), &login());
        pulse.failed("a", at(30), &StepError::Signing("x".into()));
        let beat = pulse.life_sign(at(31)).sources["a"].clone();
        assert_eq!(beat.last_contact, Some(at(10)));
        assert_eq!(beat.failing, Some((Trouble::Signing, at(20))));
        assert_eq!(
            beat.failures,
            BTreeMap::from([(Trouble::Login, 1), (Trouble::Signing, 1)])
        );
        pulse.contact("a", at(40), Some(&login()));
        let beat = pulse.life_sign(at(41)).sources["a"].clone();
        assert_eq!(
            (beat.last_contact, beat.failing),
            (Some(at(40)), Some((Trouble::Login, at(20))))
        );
        pulse.contact("a", at(50), None);
        assert_eq!(pulse.life_sign(at(51)).sources["a"].failing, None);
    }

    #[test]
    fn an_earlier_process_leaves_contact_and_tally_but_no_trouble() {
        let earlier = Pulse::default();
        earlier.contact("a", at(10), None);
        earlier.contact("b", at(11), None);
        earlier.contact("c", at(9), None);
        earlier.failed("a", at(12), &login());
        let mut sign = earlier.life_sign(at(13));
        sign.tally.journal_seq = 7;
        let pulse = Pulse::default();
        pulse.contact("b", at(20), None);
        pulse.failed("c", at(18), &login());
        pulse.begin(at(19), Some(sign));
        let now = pulse.life_sign(at(21));
        assert_eq!((now.started_at, now.tally.journal_seq), (at(19), 7));
        assert_eq!(now.sources["a"].last_contact, Some(at(10)));
        assert_eq!(
            (now.sources["a"].failing, now.sources["a"].failures.len()),
            (None, 0)
        );
        assert_eq!(now.sources["b"].last_contact, Some(at(20)));
        assert_eq!(
            (now.sources["c"].last_contact, now.sources["c"].failing),
            (Some(at(9)), Some((Trouble::Login, at(18))))
        );
    }
}
