//! A bell between threads: one rings when there is work, another waits for it, but never for ever.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Remembers that it has rung, so that no ring is missed between two waits.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Returns when the bell has rung since the last wait, or when the time is over; true when it has rung.
    pub(super) fn wait(&self, at_most: Duration) -> bool {
        let guard = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut guard, _) = self
            .changed
            .wait_timeout_while(guard, at_most, |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *guard, false)
    }
}
