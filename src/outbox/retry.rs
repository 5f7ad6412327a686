//! When to try again: waits that grow from a minute to hours, for five days.

use jiff::{SignedDuration, Timestamp};

/// The waits after the first, second, third … failed attempt, in seconds; the last one repeats.
const WAITS_S: [i64; 8] = [60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400];
/// RFC 5321 §4.5.4.1 asks for four or five days.
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    At(Timestamp),
    GiveUp,
}

/// The wait after `attempts` failed attempts (at least one).
pub fn wait(attempts: u32) -> SignedDuration {
    let index = (attempts.max(1) as usize - 1).min(WAITS_S.len() - 1);
    SignedDuration::from_secs(WAITS_S[index])
}

/// The next step after `attempts` failed attempts (at least one) on a letter queued at `queued_at`.
pub fn next(attempts: u32, queued_at: Timestamp, now: Timestamp) -> Next {
    let at = now + wait(attempts);
    if at.duration_since(queued_at) > GIVE_UP_AFTER {
        Next::GiveUp
    } else {
        Next::At(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_within_five_days() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let (mut now, mut attempts, mut last_wait) = (start, 0, SignedDuration::ZERO);
        loop {
            attempts += 1;
            match next(attempts, start, now) {
                Next::At(at) => {
                    let wait = at.duration_since(now);
                    assert!(wait >= last_wait);
                    (now, last_wait) = (at, wait);
                }
                Next::GiveUp => break,
            }
        }
        let lasted = now.duration_since(start);
        assert!(
            lasted > SignedDuration::from_hours(4 * 24) && lasted <= GIVE_UP_AFTER,
            "{lasted}"
        );
        assert!((25..60).contains(&attempts), "{attempts}");
    }
}
