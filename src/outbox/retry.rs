//! When to try again: waits that grow from a minute to hours, and the end of all trying.

use jiff::{SignedDuration, Timestamp};

/// The waits after the first, second, third … failed attempt, where nothing else is configured.
const WAITS_S: [i64; 8] = [60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400];
/// RFC 5321 §4.5.4.1 asks for four or five days.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);

/// Most waits in a schedule.
pub const WAITS_MAX: usize = 32;
/// The shortest wait: a server that said "later" is not asked again at once.
pub const WAIT_MIN: SignedDuration = SignedDuration::from_secs(10);
/// The longest wait: a letter is looked after at least once a day.
pub const WAIT_MAX: SignedDuration = SignedDuration::from_hours(24);
/// A server that is away for a lunch break ends no letter.
pub const GIVE_UP_MIN: SignedDuration = SignedDuration::from_hours(1);
/// Nobody hears of a failure later than this.
pub const GIVE_UP_MAX: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    At(Timestamp),
    GiveUp,
}

/// After which waits a letter is tried again, and when it is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Never empty, never falling; the last one repeats.
    waits: Vec<SignedDuration>,
    give_up_after: SignedDuration,
}

/// Why a schedule cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("there must be 1 to {WAITS_MAX} waits")]
    Count,
    #[error("each wait must be from 10 seconds to 1 day")]
    Bounds,
    #[error("a wait is shorter than the one before it")]
    Falling,
    #[error("letters must be given up after 1 hour to 14 days")]
    GiveUp,
    #[error(
        "the first wait is longer than the time after which letters are given up, so nothing is tried twice"
    )]
    NeverAgain,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            waits: WAITS_S.map(SignedDuration::from_secs).to_vec(),
            give_up_after: GIVE_UP_AFTER,
        }
    }
}

impl Schedule {
    /// Takes the waits in their order, and how long after its queueing a letter is given up.
    ///
    /// # Errors
    /// A schedule that would press a server, or leave a letter alone for too long.
    pub fn new(waits: Vec<SignedDuration>, give_up_after: SignedDuration) -> Result<Self, ScheduleError> {
        if waits.is_empty() || waits.len() > WAITS_MAX {
            return Err(ScheduleError::Count);
        }
        if waits.iter().any(|wait| *wait < WAIT_MIN || *wait > WAIT_MAX) {
            return Err(ScheduleError::Bounds);
        }
        if !waits.is_sorted() {
            return Err(ScheduleError::Falling);
        }
        if give_up_after < GIVE_UP_MIN || give_up_after > GIVE_UP_MAX {
            return Err(ScheduleError::GiveUp);
        }
        if waits[0] > give_up_after {
            return Err(ScheduleError::NeverAgain);
        }
        Ok(Self { waits, give_up_after })
    }

    /// The waits, in their order.
    pub fn waits(&self) -> &[SignedDuration] {
        &self.waits
    }

    /// How long after its queueing a letter is given up.
    pub fn give_up_after(&self) -> SignedDuration {
        self.give_up_after
    }

    /// The wait after `attempts` failed attempts (at least one).
    pub fn wait(&self, attempts: u32) -> SignedDuration {
        let index = (attempts.max(1) as usize - 1).min(self.waits.len() - 1);
        self.waits[index]
    }

    /// The next step after `attempts` failed attempts (at least one) on a letter queued at `queued_at`.
    pub fn next(&self, attempts: u32, queued_at: Timestamp, now: Timestamp) -> Next {
        let at = now + self.wait(attempts);
        if at.duration_since(queued_at) > self.give_up_after {
            Next::GiveUp
        } else {
            Next::At(at)
        }
    }
}

/// The wait after `attempts` failed attempts (at least one) to make something of our own, such as a receipt.
pub fn wait(attempts: u32) -> SignedDuration {
    let index = (attempts.max(1) as usize - 1).min(WAITS_S.len() - 1);
    SignedDuration::from_secs(WAITS_S[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: i64) -> SignedDuration {
        SignedDuration::from_hours(hours)
    }

    #[test]
    fn waits_grow_and_end_within_five_days() {
        let schedule = Schedule::default();
        assert_eq!(
            Schedule::new(schedule.waits.clone(), schedule.give_up_after),
            Ok(schedule.clone()),
            "the default keeps the rules"
        );
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let (mut now, mut attempts, mut last_wait) = (start, 0, SignedDuration::ZERO);
        loop {
            attempts += 1;
            match schedule.next(attempts, start, now) {
                Next::At(at) => {
                    let wait = at.duration_since(now);
                    assert!(wait >= last_wait);
                    (now, last_wait) = (at, wait);
                }
                Next::GiveUp => break,
            }
        }
        let lasted = now.duration_since(start);
        assert!(lasted > hours(4 * 24) && lasted <= GIVE_UP_AFTER, "{lasted}");
        assert!((25..60).contains(&attempts), "{attempts}");
    }

    #[test]
    fn a_schedule_of_ones_own_is_kept_and_a_bad_one_refused() {
        let minutes = |waits: &[i64]| {
            waits
                .iter()
                .map(|wait| SignedDuration::from_mins(*wait))
                .collect()
        };
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let own = Schedule::new(minutes(&[5, 60]), hours(2)).unwrap();
        assert_eq!(
            own.next(1, start, start),
            Next::At(start + SignedDuration::from_mins(5))
        );
        assert_eq!(own.next(9, start, start + hours(1)), Next::At(start + hours(2)));
        assert_eq!(own.next(9, start, start + hours(1) + WAIT_MIN), Next::GiveUp);
        let refused = |waits: &[i64], after| Schedule::new(minutes(waits), after).unwrap_err();
        assert_eq!(refused(&[], hours(2)), ScheduleError::Count);
        assert_eq!(refused(&[1; WAITS_MAX + 1], hours(2)), ScheduleError::Count);
        assert_eq!(refused(&[0], hours(2)), ScheduleError::Bounds);
        assert_eq!(refused(&[25 * 60], hours(48)), ScheduleError::Bounds);
        assert_eq!(refused(&[2, 1], hours(2)), ScheduleError::Falling);
        assert_eq!(
            refused(&[1], SignedDuration::from_mins(59)),
            ScheduleError::GiveUp
        );
        assert_eq!(refused(&[1], hours(15 * 24)), ScheduleError::GiveUp);
        assert_eq!(refused(&[90], hours(1)), ScheduleError::NeverAgain);
    }
}
