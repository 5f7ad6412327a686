//! The machine's clock, asked for in this one place; and a clock that the demo and the tests move by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    System,
    /// Stands still until it is moved; microseconds since 1970.
    ByHand(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn standing_at(at: Timestamp) -> Self {
        Self::ByHand(Arc::new(AtomicI64::new(at.as_microsecond())))
    }

    /// Moves a clock that is moved by hand; the system's clock goes its own way.
    pub fn move_to(&self, at: Timestamp) {
        match self {
            Self::System => {}
            Self::ByHand(micros) => micros.store(at.as_microsecond(), Ordering::SeqCst),
        }
    }

    /// The time now, in whole microseconds.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> Timestamp {
        let micros = match self {
            Self::System => Timestamp::now().as_microsecond(),
            Self::ByHand(micros) => micros.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
