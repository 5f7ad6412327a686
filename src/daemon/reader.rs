//! The thread of one source: looks, waits for mail, and after trouble waits longer each time.
//!
//! It tells what it meets to the log, to the pulse, and for the digest to the store.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use crate::config::Source;
use crate::daemon::House;
use crate::daemon::heart::{Beat, Heart, Watched};
use crate::daemon::logging::scrubbed;
use crate::daemon::once::fetch_source;
use crate::daemon::patience::Patience;
use crate::daemon::pulse::Trouble;
use crate::daemon::run::{Ending, OnEnd, doze, doze_until, still_asked};
use crate::flow::fetch::Fetched;
use crate::flow::{StepError, with_causes};
use crate::mailbox::{Mailbox, SourceId, Woken};
use crate::store::Store;

/// A mailbox is waited at for so long at once; a sign of life lies between two such waits.
const WAIT_AT_ONCE: Duration = Duration::from_secs(60);
/// What has not changed is written into the store again after so long.
const REMEMBER_EVERY: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn read_source(
    house: &House,
    source: &Source,
    mailbox: Box<dyn Mailbox>,
    heart: &Heart,
    beat: &Beat,
    ending: &Ending,
) {
    let now = || house.clock.now();
    let asked = || still_asked(beat, ending);
    let mut mailbox = Watched {
        inner: mailbox,
        beat,
        changed: &|| ending.bells.watch.ring(),
    };
    let flow_house = house.for_steps(&now, &asked);
    let mut patience = Patience::with(&source.name);
    let mut breaks = Patience::with(&source.name);
    let mut told = String::new();
    let mut contact = Remembered::default();
    let _guard = OnEnd(ending, beat);
    while !asked() {
        let mut ring = || {
            heart.mail_kept(house.clock.now());
            ending.bells.work.ring();
        };
        match fetch_source(house, flow_house, &source.name, &mut mailbox, &mut ring) {
            Ok(fetched) => {
                patience.errors = 0;
                house
                    .pulse
                    .contact(&source.name, house.clock.now(), fetched.trouble.as_ref());
                contact.well(house, &source.name);
                report_fetched(source, &fetched, &mut told);
                report_remark(source, &mut mailbox);
                let mut heard = || {
                    house.pulse.heard(&source.name, house.clock.now());
                    contact.well(house, &source.name);
                };
                wait_for_mail(source, &mut mailbox, &mut breaks, &mut heard, ending, &asked);
            }
            Err(error) => {
                house.pulse.failed(&source.name, house.clock.now(), &error);
                contact.ill(house, &source.name, &error);
                doze(beat, ending, patience.wait_after("fetch", &source.name, &error));
            }
        }
    }
}

/// The server's own words to its users: that it goes down on Sunday, that the mailbox is nearly full.
fn report_remark(source: &Source, mailbox: &mut dyn Mailbox) {
    if let Some(remark) = mailbox.remark() {
        warn!(
            source = source.name,
            remark = scrubbed(&remark),
            "the mail server has something to say"
        );
    }
}

/// Waits until the source tells of mail, or the next look is due. A line that breaks meanwhile is no failure: the next
/// look makes a new one, and only when lines break again and again is it put off. A server that idles is in contact.
fn wait_for_mail(
    source: &Source,
    mailbox: &mut dyn Mailbox,
    breaks: &mut Patience,
    heard: &mut dyn FnMut(),
    ending: &Ending,
    asked: &dyn Fn() -> bool,
) {
    let mut left = Duration::from_secs(source.poll_seconds);
    while !left.is_zero() && !asked() {
        let piece = left.min(WAIT_AT_ONCE);
        match mailbox.wait(piece, &ending.bells.end) {
            Ok(woken @ (Woken::Quiet | Woken::TimeOver)) => {
                breaks.errors = 0;
                left -= piece;
                if woken == Woken::Quiet {
                    heard();
                }
            }
            Ok(Woken::Arrived | Woken::Called) => return,
            Err(error) => {
                let (wait, why) = (breaks.next(), scrubbed(&with_causes(&error)));
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                info!(
                    source = source.name,
                    wait_ms, why, "the line to the mailbox has ended; a new one is made"
                );
                return doze_until(asked, ending, wait);
            }
        }
    }
}

/// What the store knows of the contact with one source, so that it is told changes at once and the rest now and then.
#[derive(Default)]
pub(super) struct Remembered {
    last: Option<(Option<Trouble>, Timestamp)>,
}

impl Remembered {
    /// The source was read.
    pub(super) fn well(&mut self, house: &House, source: &str) {
        self.note(house, source, None);
    }

    /// It could not be.
    pub(super) fn ill(&mut self, house: &House, source: &str, error: &StepError) {
        self.note(house, source, Some(Trouble::of(error)));
    }

    fn note(&mut self, house: &House, source: &str, trouble: Option<Trouble>) {
        let now = house.clock.now();
        if !self.is_news(trouble, now) {
            return;
        }
        let id = SourceId(source.to_owned());
        let noted = match trouble {
            None => house.store.contact_made(&id, now),
            Some(trouble) => house.store.contact_missed(&id, trouble.as_str(), now),
        };
        // A store that fails is told by the steps, which need it more.
        if noted.is_ok() {
            self.last = Some((trouble, now));
        }
    }

    fn is_news(&self, trouble: Option<Trouble>, now: Timestamp) -> bool {
        self.last
            .is_none_or(|(before, at)| before != trouble || now.duration_since(at) >= REMEMBER_EVERY)
    }
}

/// A trouble with single messages is told once and not at every poll, until it changes.
fn report_fetched(source: &Source, fetched: &Fetched, told: &mut String) {
    if fetched.kept > 0 {
        info!(
            source = source.name,
            shown = fetched.shown,
            kept = fetched.kept,
            "mail kept"
        );
    }
    let why = fetched
        .trouble
        .as_ref()
        .map(|error| scrubbed(&with_causes(error)))
        .unwrap_or_default();
    if *told != why {
        if !why.is_empty() {
            error!(
                source = source.name,
                why, "some mail could not be read or moved; the rest goes on"
            );
        }
        *told = why;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_told_changes_at_once_and_the_rest_now_and_then() {
        let at = |second: i64| Timestamp::from_second(1_795_000_000 + second).unwrap();
        let mut remembered = Remembered::default();
        assert!(remembered.is_news(None, at(0)));
        remembered.last = Some((None, at(0)));
        assert!(!remembered.is_news(None, at(59)) && remembered.is_news(None, at(60)));
        assert!(remembered.is_news(Some(Trouble::Login), at(1)));
        remembered.last = Some((Some(Trouble::Login), at(1)));
        assert!(remembered.is_news(Some(Trouble::Unreachable), at(2)));
        assert!(!remembered.is_news(Some(Trouble::Login), at(2)));
    }
}
