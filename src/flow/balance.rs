//! The equation of the ledger over the last days, and of one day: every message that a source showed is a mail with one
//! outcome, or known to be awaited. Only looked at; what does not fit is for a person.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::hours::ZONE;
use crate::store::{Ledger, Misfit, Store, Stored};

/// How far back each look goes; what is older is compared by `fsck`.
pub const DAYS: i64 = 7;

/// How the equation stood at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    pub at: Timestamp,
    /// Messages first shown in the last [`DAYS`] days.
    pub shown: u64,
    /// Messages for which the two sides do not agree.
    pub misfits_total: u64,
    /// The first of them.
    pub misfits: Vec<Misfit>,
}

/// Looks at the last days.
///
/// # Errors
/// The store failed.
pub fn look(store: &dyn Store, now: Timestamp) -> Stored<Balance> {
    let from = now
        .checked_sub(SignedDuration::from_hours(24 * DAYS))
        .unwrap_or(Timestamp::MIN);
    // What a clock that was ahead has noted counts too.
    let ledger = store.ledger_between(from, Timestamp::MAX)?;
    Ok(Balance {
        at: now,
        shown: ledger.sources.values().map(|account| account.shown).sum(),
        misfits_total: ledger.misfits_total,
        misfits: ledger.misfits,
    })
}

/// The day before this instant, in Europe/Bucharest.
pub fn yesterday(now: Timestamp) -> Date {
    let today = now.to_zoned(ZONE).date();
    today.yesterday().unwrap_or(today)
}

/// The equation of one day, from midnight to midnight in Europe/Bucharest.
///
/// # Errors
/// The store failed.
pub fn of_day(store: &dyn Store, day: Date) -> Stored<Ledger> {
    let midnight = |day: Date| {
        day.to_zoned(ZONE)
            .map_or(Timestamp::MAX, |midnight| midnight.timestamp())
    };
    let next = day.tomorrow().map_or(Timestamp::MAX, midnight);
    store.ledger_between(midnight(day), next)
}
