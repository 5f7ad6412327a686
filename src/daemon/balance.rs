//! The ledger under the daemon's eyes: each hour the last days, and each day the sums of the day before. What does not fit
//! is told message by message in the log and counted in the metrics.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, warn};

use crate::daemon::House;
use crate::flow::balance::{self, Balance};
use crate::flow::with_causes;
use crate::screening::Outcome;
use crate::store::{Account, Misfit, Stored};

/// How often the last days are looked at.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// More messages than these are counted and not told one by one.
const TOLD_MAX: usize = 20;

/// The daemon's looks, and what was told of them.
#[derive(Default)]
pub(super) struct Bookkeeper {
    looked_at: Option<Timestamp>,
    told: Vec<Misfit>,
    /// The last day whose sums were told.
    told_day: Option<Date>,
}

impl Bookkeeper {
    /// Looks when it is time; each message that does not fit is told once.
    pub(super) fn round(&mut self, house: &House) {
        let now = house.clock.now();
        if self.looked_at.is_some_and(|at| now.duration_since(at) < EVERY) {
            return;
        }
        self.looked_at = Some(now);
        let done = balance::look(&house.store, now).and_then(|balance| {
            self.tell(&balance);
            house.pulse.balanced(balance);
            self.tell_yesterday(house, now)
        });
        if let Err(error) = done {
            let why = with_causes(&error);
            warn!(
                why,
                "the messages shown cannot be balanced now; it is tried again"
            );
        }
    }

    fn tell(&mut self, balance: &Balance) {
        for one in balance.misfits.iter().take(TOLD_MAX) {
            if !self.told.contains(one) {
                error!(
                    source = one.source.0,
                    key = one.key.0,
                    why = one.fault.words(),
                    "a message is not accounted for; run `recipisa fsck`, and restore what is missing from a backup"
                );
            }
        }
        self.told.clone_from(&balance.misfits);
    }

    /// One line for each source and day.
    fn tell_yesterday(&mut self, house: &House, now: Timestamp) -> Stored<()> {
        let yesterday = balance::yesterday(now);
        if self.told_day == Some(yesterday) {
            return Ok(());
        }
        let ledger = balance::of_day(&house.store, yesterday)?;
        for (source, account) in &ledger.sources {
            tell_day(&source.0, yesterday, account);
        }
        self.told_day = Some(yesterday);
        Ok(())
    }
}

fn tell_day(source: &str, day: Date, account: &Account) {
    let count = |outcome| account.mails.get(&outcome).copied().unwrap_or_default();
    let accounted = account.mails.values().sum::<u64>() + account.awaited;
    info!(
        source,
        day = %day,
        shown = account.shown,
        accounted,
        registered = count(Some(Outcome::Registered)),
        joined = count(Some(Outcome::Joined)),
        answered = count(Some(Outcome::Answered)),
        filed = count(Some(Outcome::Filed)),
        ignored = count(Some(Outcome::Ignored)),
        held = count(Some(Outcome::Held)),
        undecided = count(None),
        awaited = account.awaited,
        "messages of a day"
    );
}
