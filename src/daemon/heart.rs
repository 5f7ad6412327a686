//! Signs of life: each worker thread notes that it goes round, and how its partner answered last.
//!
//! The service manager's watchdog is fed from here (`watch.rs`), so that it sees real progress and not only a process
//! that exists. Left out: figures about the work itself.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::config::Settings;
use crate::flow::failpoint;
use crate::mailbox::{Call, Kept, Mailbox, MailboxError, Sighting, Wanted, Woken, Yield};

/// A mailbox is left alone between two looks for at most this long: a fetch takes 600 s and a few times 60 s to connect
/// again, and then the batch goes to a slow disk. Waits for mail are cut into pieces of a minute.
const SOURCE_BOUND: Duration = Duration::from_secs(900);
/// A batch of hostile documents on a slow machine, and 32 receipts.
const REGISTER_BOUND: Duration = Duration::from_secs(600);
/// A letter: 30 s to connect, 180 s to send, and a database that is busy before and after.
const SEND_BOUND: Duration = Duration::from_secs(300);

/// How a worker's partner answered last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contact {
    /// It has not answered yet, neither well nor badly.
    Untried,
    Well,
    /// The last try failed; it is tried again.
    Ill,
}

/// One worker thread.
pub(super) struct Beat {
    /// The source's name, or the step's.
    pub(super) name: String,
    /// Longer without a step forward than this is no waiting for a slow partner any more.
    bound: Duration,
    origin: Instant,
    /// Milliseconds since the origin; [`RESTING`] once the thread has ended as it was asked to.
    last_ms: AtomicU64,
    contact: Mutex<Contact>,
    changed: AtomicBool,
}

const RESTING: u64 = u64::MAX;

impl Beat {
    fn new(name: &str, bound: Duration, origin: Instant) -> Self {
        Self {
            name: name.to_owned(),
            bound: failpoint::bound(bound),
            origin,
            last_ms: AtomicU64::new(milliseconds(origin.elapsed())),
            contact: Mutex::new(Contact::Untried),
            changed: AtomicBool::new(false),
        }
    }

    /// The thread has come a step further.
    pub(super) fn stamp(&self) {
        self.last_ms
            .store(milliseconds(self.origin.elapsed()), Ordering::Relaxed);
    }

    /// The thread has ended, and its silence means nothing.
    pub(super) fn rest(&self) {
        self.last_ms.store(RESTING, Ordering::Relaxed);
    }

    /// How the partner has just answered; true when that is new.
    pub(super) fn met(&self, now: Contact) -> bool {
        let mut contact = self.contact.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = std::mem::replace(&mut *contact, now) != now;
        if is_new {
            self.changed.store(true, Ordering::Relaxed);
        }
        is_new
    }

    /// How the partner answered last.
    pub(super) fn contact(&self) -> Contact {
        *self.contact.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For how long it has been silent beyond its bound, seen at `since_origin`.
    fn overdue(&self, since_origin: Duration) -> Option<Duration> {
        let last = self.last_ms.load(Ordering::Relaxed);
        if last == RESTING {
            return None;
        }
        let silent = since_origin.saturating_sub(Duration::from_millis(last));
        (silent > self.bound).then_some(silent)
    }
}

/// All worker threads of one set of settings.
pub(super) struct Heart {
    origin: Instant,
    /// In the order of the settings' sources.
    pub(super) sources: Vec<Beat>,
    pub(super) register: Beat,
    pub(super) send: Beat,
    /// Microseconds since 1970; 0 before the first.
    last_mail: AtomicI64,
    /// Mail was kept, and the status does not say so yet.
    mail_is_new: AtomicBool,
}

impl Heart {
    /// Begins to beat; `last_mail` is what an earlier set of settings saw.
    pub(super) fn new(settings: &Settings, last_mail: Option<Timestamp>) -> Self {
        let origin = Instant::now();
        let sources = settings.sources.iter();
        Self {
            origin,
            sources: sources
                .map(|one| Beat::new(&one.name, SOURCE_BOUND, origin))
                .collect(),
            register: Beat::new("register", REGISTER_BOUND, origin),
            send: Beat::new("send", SEND_BOUND, origin),
            last_mail: AtomicI64::new(last_mail.map_or(0, Timestamp::as_microsecond)),
            mail_is_new: AtomicBool::new(false),
        }
    }

    /// Some mail was kept.
    pub(super) fn mail_kept(&self, at: Timestamp) {
        self.last_mail.fetch_max(at.as_microsecond(), Ordering::Relaxed);
        self.mail_is_new.store(true, Ordering::Relaxed);
    }

    /// When mail was kept last, since the process began.
    pub(super) fn last_mail(&self) -> Option<Timestamp> {
        let micros = self.last_mail.load(Ordering::Relaxed);
        (micros != 0)
            .then(|| Timestamp::from_microsecond(micros).ok())
            .flatten()
    }

    /// Whether a contact has changed, or mail has come, since this was asked last.
    pub(super) fn changed(&self) -> bool {
        // All are asked, so that none stays marked.
        let marked = self.beats().map(|beat| &beat.changed).chain([&self.mail_is_new]);
        marked.filter(|mark| mark.swap(false, Ordering::Relaxed)).count() > 0
    }

    fn beats(&self) -> impl Iterator<Item = &Beat> {
        self.sources.iter().chain([&self.register, &self.send])
    }

    /// The workers that are silent beyond their bound, and for how long.
    pub(super) fn silent(&self) -> Vec<(&str, Duration)> {
        let now = self.origin.elapsed();
        self.beats()
            .filter_map(|beat| Some((beat.name.as_str(), beat.overdue(now)?)))
            .collect()
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(RESTING - 1)
}

/// A mailbox whose every answer is a sign of life.
pub(super) struct Watched<'a> {
    pub(super) inner: Box<dyn Mailbox>,
    pub(super) beat: &'a Beat,
    /// Called when the contact has changed.
    pub(super) changed: &'a (dyn Fn() + Sync),
}

impl<'a> Watched<'a> {
    fn between<T>(&mut self, act: impl FnOnce(&mut dyn Mailbox) -> T) -> T {
        self.beat.stamp();
        let done = act(&mut *self.inner);
        self.beat.stamp();
        done
    }
}

impl Mailbox for Watched<'_> {
    fn list(&mut self) -> Result<Vec<Sighting>, MailboxError> {
        let listed = self.between(|inner| inner.list());
        let contact = if listed.is_ok() {
            Contact::Well
        } else {
            Contact::Ill
        };
        if self.beat.met(contact) {
            (self.changed)();
        }
        listed
    }

    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Yield, MailboxError> {
        self.between(|inner| inner.fetch(wanted))
    }

    fn acknowledge(&mut self, kept: &[Kept]) -> Result<(), MailboxError> {
        self.between(|inner| inner.acknowledge(kept))
    }

    fn remark(&mut self) -> Option<String> {
        self.inner.remark()
    }

    fn wait(&mut self, limit: Duration, call: &Call) -> Result<Woken, MailboxError> {
        self.between(|inner| inner.wait(limit, call))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_is_overdue_beyond_its_bound_until_it_moves_or_rests() {
        let beat = Beat::new("somaj", Duration::from_secs(900), Instant::now());
        let last = Duration::from_millis(beat.last_ms.load(Ordering::Relaxed));
        assert_eq!(beat.overdue(last + Duration::from_secs(900)), None);
        let late = Duration::from_secs(901);
        assert_eq!(beat.overdue(last + late), Some(late));
        beat.last_ms.store(500_000, Ordering::Relaxed);
        assert_eq!(beat.overdue(late), None);
        beat.rest();
        assert_eq!(beat.overdue(Duration::from_secs(1_000_000)), None);
    }

    #[test]
    fn a_change_of_contact_is_told_once() {
        let beat = Beat::new("somaj", Duration::ZERO, Instant::now());
        assert_eq!(beat.contact(), Contact::Untried);
        assert!(beat.met(Contact::Ill) && !beat.met(Contact::Ill) && beat.met(Contact::Well));
        assert_eq!(beat.contact(), Contact::Well);
    }
}
