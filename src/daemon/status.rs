//! How the registry stands: one value, from which `status` and the metrics are rendered.
//!
//! Inside the daemon it comes from the pulse, outside from the file that the daemon leaves; what waits comes from the
//! store in both cases.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::daemon::House;
use crate::daemon::pulse::{LifeSign, Pulse, SourceBeat, Trouble};
use crate::daemon::{StartError, status_file};
use crate::edge::disk::{self, Space};
use crate::edge::oauth::Standing;
use crate::flow::balance::{self, Balance};
use crate::flow::stopwatch::Taken;
use crate::store::{Contact, Store, StoreError, Stored, Tally, Waiting};

/// A daemon writes its life sign at least every ten seconds; one that has been silent for so long hangs.
const SILENCE: SignedDuration = SignedDuration::from_secs(45);
/// Journal rows that are counted at once.
const ROWS_AT_ONCE: u64 = 200_000;

/// How the daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It works, and has said so a moment ago.
    Works,
    /// Somebody works on the registry and gives no sign of life: `once`, a daemon that has just started, or one that
    /// hangs.
    Silent,
    /// Nobody works; the last daemon was asked to end, and did.
    Ended,
    /// Nobody works; the last daemon did not end by itself.
    Died,
    /// Nobody works, and no daemon ever left a sign.
    Never,
}

impl Life {
    /// The stable spelling in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Silent => "silent",
            Self::Ended => "ended",
            Self::Died => "died",
            Self::Never => "never",
        }
    }
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    pub name: String,
    pub poll_seconds: u64,
    /// After so long without contact people are told.
    pub alarm_after: SignedDuration,
    pub beat: SourceBeat,
    pub last_mail: Option<Timestamp>,
}

impl SourceStatus {
    /// Since when nobody could reach the source, where that is longer than may be.
    pub fn no_contact_since(&self, now: Timestamp) -> Option<Timestamp> {
        let (_, failing_since) = self.beat.failing?;
        let since = self.beat.last_contact.unwrap_or(failing_since);
        (now.duration_since(since) >= self.alarm_after).then_some(since)
    }
}

/// How everything stands at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub at: Timestamp,
    pub life: Life,
    /// What the daemon said of itself; `None` where none ever did.
    pub sign: Option<DaemonFacts>,
    /// The sources of the configuration, in its order.
    pub sources: Vec<SourceStatus>,
    /// The `[[oauth]]` of the configuration, and how the daemon's tokens stand.
    pub tokens: Vec<(String, Standing)>,
    pub waiting: Waiting,
    pub tally: Tally,
    /// The last look at the ledger; `None` where the daemon has just started.
    pub balance: Option<Balance>,
    pub stages: Vec<Taken>,
    pub certificate_until: Option<Timestamp>,
    /// Of the storage folder.
    pub space: Option<Space>,
}

/// The daemon's own facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonFacts {
    pub version: String,
    pub pid: u32,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl Status {
    /// Seen from inside the daemon.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn from_inside(house: &House, pulse: &Pulse) -> Stored<Self> {
        let now = house.clock.now();
        pulse.count(&house.store)?;
        gather(house, Life::Works, Some(pulse.life_sign(now)), now)
    }

    /// Seen from another process: from the file and the store, whether a daemon runs or not.
    ///
    /// # Errors
    /// The store or the lock file cannot be used.
    pub fn from_outside(house: &House) -> Result<Self, StartError> {
        let now = house.clock.now();
        let sign = status_file::read(&house.settings.storage_dir);
        let is_at_work = house.is_at_work()?;
        let mut status = gather(house, life(is_at_work, sign.as_ref(), now), sign, now)?;
        // The file is some seconds old, or from before a restored backup; without one everything is counted here.
        loop {
            status.tally = house.store.tally(status.tally, ROWS_AT_ONCE)?;
            if status.tally.is_complete {
                break;
            }
        }
        status.balance = Some(balance::look(&house.store, now)?);
        status.fill_last_mail();
        // A daemon that is gone knows nothing about a certificate that was changed since.
        if status.life != Life::Works || status.certificate_until.is_none() {
            status.certificate_until = super::signer(&house.settings)
                .ok()
                .map(|signer| signer.validity().until);
        }
        Ok(status)
    }

    fn fill_last_mail(&mut self) {
        for source in &mut self.sources {
            source.last_mail = self.tally.last_mail.get(&source.name).copied();
        }
    }

    /// Whole days that the certificate is still valid; negative when it is no longer.
    pub fn certificate_days(&self) -> Option<i64> {
        let until = self.certificate_until?;
        Some(until.duration_since(self.at).as_hours().div_euclid(24))
    }
}

/// What the daemon that works on the registry has said of its tokens; nothing where none works.
pub fn tokens_of_daemon(house: &House) -> BTreeMap<String, Standing> {
    if !house.is_at_work().unwrap_or(false) {
        return BTreeMap::new();
    }
    status_file::read(&house.settings.storage_dir)
        .filter(|sign| sign.ended_at.is_none())
        .map(|sign| sign.tokens)
        .unwrap_or_default()
}

fn gather(house: &House, life: Life, sign: Option<LifeSign>, now: Timestamp) -> Result<Status, StoreError> {
    let mut status = Status {
        at: now,
        life,
        sign: None,
        sources: Vec::new(),
        tokens: Vec::new(),
        waiting: house.store.waiting()?,
        tally: Tally::default(),
        balance: None,
        stages: Vec::new(),
        certificate_until: None,
        space: disk::space(&house.settings.storage_dir).ok(),
    };
    let (mut beats, mut tokens) = (BTreeMap::new(), BTreeMap::new());
    let seen_at = sign.as_ref().map(|sign| sign.seen_at);
    let contacts = house.store.contacts()?;
    if let Some(sign) = sign {
        status.sign = Some(DaemonFacts {
            version: sign.version,
            pid: sign.pid,
            started_at: sign.started_at,
            seen_at: sign.seen_at,
            ended_at: sign.ended_at,
        });
        (beats, tokens) = (sign.sources, sign.tokens);
        status.tally = sign.tally;
        status.balance = sign.balance;
        status.stages = sign.stages;
        status.certificate_until = sign.certificate_until;
    }
    let sources = house.settings.sources.iter().map(|source| SourceStatus {
        name: source.name.clone(),
        poll_seconds: source.poll_seconds,
        alarm_after: source.alarm_after,
        beat: with_contact(
            beats.remove(&source.name).unwrap_or_default(),
            contacts.iter().find(|contact| contact.source.0 == source.name),
            seen_at,
        ),
        last_mail: None,
    });
    status.sources = sources.collect();
    let tokens = house.settings.oauth.iter().map(|access| {
        let standing = tokens.remove(access.name()).unwrap_or_default();
        (access.name().to_owned(), standing)
    });
    status.tokens = tokens.collect();
    status.fill_last_mail();
    Ok(status)
}

/// What the daemon said of a source at `seen_at`, and what the registry has noted of it since: `once` leaves no sign, and
/// reads the mailboxes all the same.
fn with_contact(mut beat: SourceBeat, noted: Option<&Contact>, seen_at: Option<Timestamp>) -> SourceBeat {
    let Some(noted) = noted else {
        return beat;
    };
    beat.last_contact = beat.last_contact.max(noted.contact_at);
    match (&noted.failing, beat.failing) {
        (Some((since, why)), None) if beat.last_contact.is_none_or(|contact| *since > contact) => {
            let trouble = Trouble::ALL.into_iter().find(|one| one.as_str() == why);
            beat.failing = Some((trouble.unwrap_or(Trouble::Unreachable), *since));
        }
        (None, Some((_, since))) if noted.contact_at > Some(since) && noted.contact_at > seen_at => {
            beat.failing = None;
        }
        (Some(_) | None, Some(_) | None) => {}
    }
    beat
}

fn life(is_at_work: bool, sign: Option<&LifeSign>, now: Timestamp) -> Life {
    match (is_at_work, sign) {
        (true, Some(sign)) if sign.ended_at.is_none() && now.duration_since(sign.seen_at) < SILENCE => {
            Life::Works
        }
        (true, _) => Life::Silent,
        (false, None) => Life::Never,
        (false, Some(sign)) if sign.ended_at.is_some() => Life::Ended,
        (false, Some(_)) => Life::Died,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_and_life_sign_together_say_how_the_daemon_is() {
        let at = |second: i64| Timestamp::from_second(1_795_000_000 + second).unwrap();
        let mut sign = Pulse::default().life_sign(at(0));
        assert_eq!(life(true, Some(&sign), at(44)), Life::Works);
        assert_eq!(life(true, Some(&sign), at(45)), Life::Silent);
        assert_eq!(life(false, Some(&sign), at(1)), Life::Died);
        sign.ended_at = Some(at(0));
        assert_eq!(life(true, Some(&sign), at(1)), Life::Silent);
        assert_eq!(life(false, Some(&sign), at(1)), Life::Ended);
        assert_eq!(life(true, None, at(0)), Life::Silent);
        assert_eq!(life(false, None, at(0)), Life::Never);
    }

    #[test]
    fn what_once_has_noted_counts_beside_the_daemons_word() {
        let at = |second: i64| Timestamp::from_second(1_795_000_000 + second).unwrap();
        let noted = |contact: Option<i64>, failing: Option<(i64, &str)>| Contact {
            source: crate::mailbox::SourceId("somaj".into()),
            contact_at: contact.map(at),
            failing: failing.map(|(since, why)| (at(since), why.to_owned())),
        };
        let beat = |contact: Option<i64>, failing: Option<i64>| SourceBeat {
            last_contact: contact.map(at),
            failing: failing.map(|since| (Trouble::Login, at(since))),
            failures: BTreeMap::new(),
        };
        let after = |beat, noted: Contact, seen_at: Option<i64>| {
            let beat = with_contact(beat, Some(&noted), seen_at.map(at));
            (beat.last_contact, beat.failing)
        };
        // No daemon ever ran.
        let never = SourceBeat::default;
        assert_eq!(after(never(), noted(Some(7), None), None), (Some(at(7)), None));
        let refused = after(never(), noted(Some(7), Some((9, "login"))), None);
        assert_eq!(refused, (Some(at(7)), Some((Trouble::Login, at(9)))));
        // `once` came after the daemon, and did better or worse than it.
        let better = after(beat(Some(1), Some(2)), noted(Some(9), None), Some(5));
        assert_eq!(better, (Some(at(9)), None));
        let worse = after(beat(Some(4), None), noted(Some(4), Some((9, "login"))), Some(5));
        assert_eq!(worse, (Some(at(4)), Some((Trouble::Login, at(9)))));
        // The daemon knows better what it has just met.
        let now = after(beat(Some(3), Some(4)), noted(Some(3), None), Some(5));
        assert_eq!(now, (Some(at(3)), Some((Trouble::Login, at(4)))));
        assert_eq!(with_contact(beat(Some(3), None), None, None), beat(Some(3), None));
    }
}
