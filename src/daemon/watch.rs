//! The thread that watches the others: tells the service manager how they are, feeds its watchdog while all of them
//! move, and sees to it that everybody has ended before new settings are taken up or the process ends.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tracing::{error, info};

use crate::config::Settings;
use crate::daemon::heart::Heart;
use crate::daemon::notify::{self, Facts, Readiness, readiness, sentence, tell};
use crate::daemon::reload::{self, Reread};
use crate::daemon::{Ending, House};
use crate::store::Store;

/// How often a look is taken when no bell rings.
const LOOK: Duration = Duration::from_secs(1);
/// How often, while the workers are ending: the process should be gone as soon as they are.
const LOOK_AT_THE_END: Duration = Duration::from_millis(20);
/// The line of status is renewed so often, and at every change.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// Why the workers have ended.
pub(super) enum Next {
    End,
    /// These settings are sound and not in use yet.
    Reload(Box<Settings>),
}

/// What the service manager knows of us; it outlives a change of the settings.
pub(super) struct Service {
    started: Instant,
    ready: Readiness,
    /// What was wrong with the last reading of the settings.
    trouble: Option<&'static str>,
    feeding: Option<Duration>,
    fed: Option<Instant>,
    status: String,
    status_at: Option<Instant>,
    /// Workers whose silence is told already.
    told_silent: Vec<String>,
}

impl Service {
    /// At the start of the process.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            ready: Readiness::NotYet,
            trouble: None,
            feeding: notify::feeding_interval(),
            fed: None,
            status: String::new(),
            status_at: None,
            told_silent: Vec::new(),
        }
    }

    /// Watches until the workers have ended, which `ended` tells.
    pub(super) fn watch(
        &mut self,
        house: &House,
        heart: &Heart,
        reread: &Reread<'_>,
        ending: &Ending,
        ended: &dyn Fn() -> bool,
    ) -> Next {
        self.after_reload();
        while !ending.for_good() {
            self.look(house, heart);
            if ending.reload_wished()
                && let Some(settings) = self.reload(house, reread)
            {
                ending.pause();
                self.until(ended, ending, heart);
                if ending.for_good() {
                    break;
                }
                return Next::Reload(Box::new(settings));
            }
            ending
                .bells
                .watch
                .wait(self.feeding.map_or(LOOK, |feeding| feeding.min(LOOK)));
        }
        tell(&[
            NotifyState::Stopping,
            NotifyState::Status("finishing the items in hand"),
        ]);
        self.until(ended, ending, heart);
        Next::End
    }

    /// Reads the new settings; the work goes on meanwhile.
    fn reload(&mut self, house: &House, reread: &Reread<'_>) -> Option<Settings> {
        info!("the configuration is read again");
        let ready = self.ready == Readiness::Ready;
        // Before it is ready for the first time, a READY at the end of the reload would come too early.
        if ready {
            notify::tell_reloading();
        }
        let read = reload::read(reread, &house.settings);
        self.trouble = match read {
            Some(_) => None,
            None => Some("the new settings are refused (see the log)"),
        };
        if read.is_none() && ready {
            tell(&[NotifyState::Ready]);
        }
        self.forget_status();
        read
    }

    /// The workers have just started with new settings: the reload has come to its end.
    fn after_reload(&mut self) {
        self.forget_status();
        if self.ready == Readiness::Ready {
            tell(&[NotifyState::Ready]);
        }
    }

    /// The next look tells it again, changed or not.
    fn forget_status(&mut self) {
        self.status.clear();
        self.status_at = None;
    }

    /// Feeds the watchdog until those who work have ended.
    pub(super) fn until(&mut self, ended: &dyn Fn() -> bool, ending: &Ending, heart: &Heart) {
        while !ended() {
            self.feed(heart);
            ending.bells.watch.wait(LOOK_AT_THE_END);
        }
    }

    fn look(&mut self, house: &House, heart: &Heart) {
        self.feed(heart);
        let contacts = heart.sources.iter().map(|beat| beat.contact());
        let is_new = self.ready == Readiness::NotYet
            && readiness(contacts, self.started.elapsed()) == Readiness::Ready;
        if is_new {
            self.ready = Readiness::Ready;
        }
        let now = Instant::now();
        let changed = self.status_at.is_none() || is_new || heart.changed();
        if changed || self.status_at.is_some_and(|at| now - at >= STATUS_EVERY) {
            self.status_at = Some(now);
            let status = self.status(house, heart);
            if is_new {
                info!(status, "ready");
                tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
            } else if status != self.status {
                tell(&[NotifyState::Status(&status)]);
            }
            self.status = status;
        }
    }

    fn status(&self, house: &House, heart: &Heart) -> String {
        let sources = heart.sources.iter();
        sentence(&Facts {
            sources: sources.map(|beat| (beat.name.as_str(), beat.contact())).collect(),
            // The list of held mails is short where the count of all that waits would look at every entry.
            held: house.store.mails_held().ok().map(|held| held.len()),
            last_mail: heart.last_mail(),
            now: house.clock.now(),
            register: heart.register.contact(),
            send: heart.send.contact(),
            reload: self.trouble,
        })
    }

    /// Feeds the watchdog when it is time, unless a worker has stopped moving: then systemd must end the process.
    fn feed(&mut self, heart: &Heart) {
        let silent = heart.silent();
        for (worker, silence) in &silent {
            if !self.told_silent.iter().any(|told| told == worker) {
                let silent_s = silence.as_secs();
                error!(
                    worker,
                    silent_s, "a worker does not move; the watchdog is not fed until it does"
                );
            }
        }
        self.told_silent = silent.iter().map(|(worker, _)| (*worker).to_owned()).collect();
        let Some(interval) = self.feeding else { return };
        let hungry = self.fed.is_none_or(|fed| fed.elapsed() >= interval);
        if silent.is_empty() && hungry {
            self.fed = Some(Instant::now());
            tell(&[NotifyState::Watchdog]);
        }
    }
}
