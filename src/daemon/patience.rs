//! Waiting after errors: longer each time, while other work goes on.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::error;

use crate::daemon::House;
use crate::daemon::logging::scrubbed;
use crate::flow::{StepError, with_causes};
use crate::mailbox::Disposition;

/// Waits after errors grow from the first to the last of these.
const WAITS_S: [u64; 6] = [1, 5, 15, 60, 120, 300];

/// Errors in a row, and the wait that they earn.
pub(super) struct Patience {
    pub(super) errors: usize,
}

impl Patience {
    /// The next wait in seconds; longer each time.
    pub(super) fn next_s(&mut self) -> u64 {
        let wait = WAITS_S[self.errors.min(WAITS_S.len() - 1)];
        self.errors += 1;
        wait
    }

    pub(super) fn wait_after(&mut self, step: &'static str, source: &str, error: &StepError) -> Duration {
        let wait = self.next_s();
        let needs_person = error.disposition() == Disposition::Stop;
        let why = scrubbed(&with_causes(error));
        error!(
            step,
            source,
            needs_person,
            wait_s = wait,
            why,
            "a step failed; it is tried again"
        );
        Duration::from_secs(wait)
    }
}

/// Work that no mail waits for: after an error it rests, longer each time, while mail is registered.
pub(super) struct Chore {
    step: &'static str,
    patience: Patience,
    not_before: Timestamp,
}

impl Chore {
    pub(super) fn new(step: &'static str) -> Self {
        Self {
            step,
            patience: Patience { errors: 0 },
            not_before: Timestamp::MIN,
        }
    }

    pub(super) fn round(&mut self, house: &House, work: impl FnOnce() -> Result<(), StepError>) {
        let now = house.clock.now();
        if now < self.not_before {
            return;
        }
        match work() {
            Ok(()) => self.patience.errors = 0,
            Err(error) => {
                let wait = self.patience.wait_after(self.step, "", &error);
                self.not_before = now + SignedDuration::try_from(wait).unwrap_or_default();
            }
        }
    }
}
