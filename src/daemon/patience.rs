//! Waiting after errors: longer each time, while other work goes on.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::error;

use crate::daemon::House;
use crate::daemon::logging::scrubbed;
use crate::flow::{StepError, with_causes};
use crate::mailbox::{Disposition, MailboxError};

/// Waits after errors grow from the first to the last of these, each a fifth shorter or longer, so that those who were
/// cut off together do not come back together.
const WAITS_S: [u64; 6] = [1, 5, 15, 60, 120, 300];
/// Where a server counts connections, hurry makes it worse: the waits begin with this one.
const AFTER_LIMIT: usize = 3;

/// Errors in a row, and the wait that they earn.
pub(super) struct Patience {
    name: String,
    pub(super) errors: usize,
}

impl Patience {
    /// No error yet; the name decides how the waits differ from those of others.
    pub(super) fn with(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            errors: 0,
        }
    }

    /// The next wait; longer each time.
    pub(super) fn next(&mut self) -> Duration {
        let wait = Duration::from_secs(WAITS_S[self.errors.min(WAITS_S.len() - 1)]);
        self.errors += 1;
        wait.mul_f64(0.8 + 0.4 * fraction(&self.name, self.errors))
    }

    pub(super) fn wait_after(&mut self, step: &'static str, source: &str, error: &StepError) -> Duration {
        if let StepError::Mailbox(MailboxError::Limit { .. }) = error {
            self.errors = self.errors.max(AFTER_LIMIT);
        }
        let wait = self.next();
        let needs_person = error.disposition() == Disposition::Stop;
        let why = scrubbed(&with_causes(error));
        error!(
            step,
            source,
            needs_person,
            wait_s = wait.as_secs_f64().round() as u64,
            why,
            "a step failed; it is tried again"
        );
        wait
    }
}

/// A number from 0 to below 1 that looks like chance and is always the same for the same name and attempt (FNV-1a).
fn fraction(name: &str, attempt: usize) -> f64 {
    let bytes = name.bytes().chain(attempt.to_le_bytes());
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    f64::from(hash >> 8) / f64::from(1_u32 << 24)
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
            patience: Patience::with(step),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> StepError {
        let (server, answer) = ("localhost:993".into(), "[LIMIT]".into());
        StepError::Mailbox(MailboxError::Limit { server, answer })
    }

    #[test]
    fn waits_grow_and_differ_between_sources_and_are_the_same_again() {
        let waits = |name: &str| -> Vec<Duration> {
            let mut patience = Patience::with(name);
            (0..8).map(|_| patience.next()).collect()
        };
        assert_eq!(waits("somaj"), waits("somaj"));
        assert!(
            waits("somaj")
                .iter()
                .zip(waits("dej"))
                .all(|(one, other)| *one != other)
        );
        for (wait, seconds) in waits("somaj").iter().zip([1, 5, 15, 60, 120, 300, 300, 300]) {
            let usual = Duration::from_secs(seconds);
            assert!(
                *wait >= usual.mul_f64(0.8) && *wait < usual.mul_f64(1.2),
                "{wait:?}"
            );
        }
        let mut fractions: Vec<f64> = (0..100).map(|attempt| fraction("somaj", attempt)).collect();
        fractions.sort_by(f64::total_cmp);
        assert!(fractions[10] < 0.3 && fractions[90] > 0.7, "{fractions:?}");
    }

    #[test]
    fn a_server_that_counts_connections_is_left_alone_for_longer() {
        let mut patience = Patience::with("somaj");
        assert!(patience.wait_after("fetch", "somaj", &limit()) >= Duration::from_secs(48));
        assert!(patience.wait_after("fetch", "somaj", &limit()) >= Duration::from_secs(96));
    }
}
