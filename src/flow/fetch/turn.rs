//! What a pass does about one message that the source lists, and when one that gives no bytes is tried again. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::flow::fetch::Measure;
use crate::mailbox::{Extent, Sighting};
use crate::screening::Reason;
use crate::store::{Footing, Known};

/// More than this is never fetched, whoever asks for it, unless `mail_bytes_max` is higher: the largest message that a
/// mail server lets through is 150 MB (Microsoft 365).
pub const RECALL_BYTES_MAX: u64 = 160_000_000;
/// So many attempts, over at least so long, and a person must look.
const ATTEMPTS_MAX: u32 = 5;
const PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// How long to wait after the first failed attempt, the second and so on; the last for all others.
const WAITS: [SignedDuration; 4] = [
    SignedDuration::ZERO,
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
];
/// How often a message that a person knows of is tried again.
const HELD_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is kept whole, or done with: the source may put it away.
    Acknowledge,
    Fetch(Extent),
    /// A clerk wants it, and it is over every bound.
    TooLarge,
    /// Nothing now.
    Leave,
    /// The tables do not agree about it.
    Lost,
}

/// What is to be done about a message.
pub(super) fn turn(known: &Known, sighting: &Sighting, measure: &Measure, now: Timestamp) -> Turn {
    let when_due = |turn| if known.next_at > now { Turn::Leave } else { turn };
    let (extent, is_recalled, reason) = match known.footing {
        Footing::Lost => return Turn::Lost,
        Footing::Awaited => return when_due(Turn::Fetch(extent(sighting, measure))),
        Footing::Kept {
            extent,
            is_recalled,
            reason,
        } => (extent, is_recalled, reason),
    };
    match (extent, reason) {
        (Extent::Whole, _) => Turn::Acknowledge,
        (Extent::HeaderOnly | Extent::Nothing, _) if is_recalled => {
            if sighting.size_bytes > measure.mail_bytes_max.max(RECALL_BYTES_MAX) {
                return Turn::TooLarge;
            }
            when_due(Turn::Fetch(Extent::Whole))
        }
        (Extent::HeaderOnly, Some(Reason::Discarded)) => Turn::Acknowledge,
        // Only the limit kept it back, and the limit has been raised. A duplicate here has no more than the same header.
        (Extent::HeaderOnly, Some(Reason::Oversized | Reason::TooLarge | Reason::Duplicate))
            if self::extent(sighting, measure) == Extent::Whole =>
        {
            when_due(Turn::Fetch(Extent::Whole))
        }
        (Extent::Nothing, Some(Reason::Unfetchable | Reason::Vanished)) => {
            when_due(Turn::Fetch(self::extent(sighting, measure)))
        }
        (Extent::HeaderOnly | Extent::Nothing, _) => Turn::Leave,
    }
}

/// Of a message that came before the start, or is too large, only the header is wanted.
fn extent(sighting: &Sighting, measure: &Measure) -> Extent {
    let is_before = measure
        .start
        .zip(sighting.received_at)
        .is_some_and(|(start, received_at)| received_at < start);
    if is_before || sighting.size_bytes > measure.mail_bytes_max {
        Extent::HeaderOnly
    } else {
        Extent::Whole
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// Try again, not before this.
    Again(Timestamp),
    /// A person must look; it is tried again, not before this.
    Hold(Timestamp),
    /// A person knows of it already.
    StillHeld(Timestamp),
}

/// What follows one more failed attempt.
pub(super) fn after_failure(known: &Known, now: Timestamp) -> AfterFailure {
    let later = |wait: SignedDuration| now.checked_add(wait).unwrap_or(Timestamp::MAX);
    let is_held = match known.footing {
        Footing::Awaited | Footing::Lost => false,
        Footing::Kept {
            is_recalled, reason, ..
        } => !is_recalled && reason == Some(Reason::Unfetchable),
    };
    if is_held {
        return AfterFailure::StillHeld(later(HELD_WAIT));
    }
    let attempts = known.attempts.saturating_add(1);
    if attempts >= ATTEMPTS_MAX && now.duration_since(known.shown_at) >= PATIENCE {
        return AfterFailure::Hold(later(HELD_WAIT));
    }
    let index = (attempts as usize - 1).min(WAITS.len() - 1);
    AfterFailure::Again(later(WAITS[index]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{SourceId, SourceKey};
    use Extent::{HeaderOnly, Nothing, Whole};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn known(attempts: u32, footing: Footing) -> Known {
        Known {
            key: SourceKey("k".into()),
            shown_at: at(0),
            attempts,
            next_at: at(60),
            footing,
        }
    }

    fn kept(extent: Extent, is_recalled: bool, reason: Option<Reason>) -> Footing {
        Footing::Kept {
            extent,
            is_recalled,
            reason,
        }
    }

    #[test]
    fn each_footing_has_its_turn() {
        let measure = Measure {
            batch_bytes_max: 1,
            batch_mails_max: 1,
            mail_bytes_max: 1_000,
            start: Some(at(0)),
        };
        let sighting = |received, size_bytes| Sighting {
            source: SourceId("s".into()),
            key: SourceKey("k".into()),
            received_at: Some(at(received)),
            size_bytes,
            mdn_sent: false,
        };
        let (small, large, old) = (sighting(5, 10), sighting(5, 1_001), sighting(-5, 10));
        let huge = sighting(5, RECALL_BYTES_MAX + 1);
        let cases = [
            (Footing::Lost, &small, Turn::Lost),
            (Footing::Awaited, &small, Turn::Fetch(Whole)),
            (Footing::Awaited, &large, Turn::Fetch(HeaderOnly)),
            (Footing::Awaited, &old, Turn::Fetch(HeaderOnly)),
            (kept(Whole, false, None), &small, Turn::Acknowledge),
            (kept(Whole, true, None), &small, Turn::Acknowledge),
            (kept(HeaderOnly, false, None), &large, Turn::Leave),
            (kept(HeaderOnly, false, None), &old, Turn::Leave),
            (
                kept(HeaderOnly, false, Some(Reason::Oversized)),
                &large,
                Turn::Leave,
            ),
            (
                kept(HeaderOnly, false, Some(Reason::Oversized)),
                &small,
                Turn::Fetch(Whole),
            ),
            (
                kept(HeaderOnly, true, Some(Reason::Oversized)),
                &large,
                Turn::Fetch(Whole),
            ),
            (
                kept(HeaderOnly, true, Some(Reason::Oversized)),
                &huge,
                Turn::TooLarge,
            ),
            (
                kept(HeaderOnly, false, Some(Reason::Discarded)),
                &large,
                Turn::Acknowledge,
            ),
            (kept(HeaderOnly, false, Some(Reason::List)), &old, Turn::Leave),
            (
                kept(Nothing, false, Some(Reason::Unfetchable)),
                &small,
                Turn::Fetch(Whole),
            ),
            (
                kept(Nothing, false, Some(Reason::Vanished)),
                &large,
                Turn::Fetch(HeaderOnly),
            ),
            (kept(Nothing, false, Some(Reason::Discarded)), &small, Turn::Leave),
        ];
        for (footing, sighting, wanted) in cases {
            let known = known(0, footing);
            assert_eq!(turn(&known, sighting, &measure, at(60)), wanted, "{footing:?}");
            if matches!(wanted, Turn::Fetch(_)) {
                let early = turn(&known, sighting, &measure, at(59));
                assert_eq!(early, Turn::Leave, "not before its time: {footing:?}");
            }
        }
    }

    #[test]
    fn a_duplicate_by_its_header_is_fetched_when_the_limit_allows() {
        let mut measure = Measure {
            batch_bytes_max: 1,
            batch_mails_max: 1,
            mail_bytes_max: 9,
            start: None,
        };
        let sighting = Sighting {
            source: SourceId("s".into()),
            key: SourceKey("k".into()),
            received_at: Some(at(5)),
            size_bytes: 10,
            mdn_sent: false,
        };
        let known = known(0, kept(HeaderOnly, false, Some(Reason::Duplicate)));
        assert_eq!(turn(&known, &sighting, &measure, at(60)), Turn::Leave);
        measure.mail_bytes_max = 10;
        assert_eq!(turn(&known, &sighting, &measure, at(60)), Turn::Fetch(Whole));
        measure.start = Some(at(6));
        assert_eq!(turn(&known, &sighting, &measure, at(60)), Turn::Leave);
    }

    #[test]
    fn waits_grow_and_end_with_a_person() {
        let again = |attempts, now, wait| {
            let after = after_failure(&known(attempts, Footing::Awaited), at(now));
            assert_eq!(after, AfterFailure::Again(at(now + wait)), "{attempts} at {now}");
        };
        again(0, 0, 0);
        again(1, 0, 60);
        again(2, 60, 300);
        again(3, 360, 900);
        // Five attempts, and not half an hour yet.
        again(4, 1_260, 900);
        again(3, 99_999, 900);
        let held = after_failure(&known(5, Footing::Awaited), at(2_160));
        assert_eq!(held, AfterFailure::Hold(at(2_160 + 3_600)));
        let reason = Some(Reason::Unfetchable);
        let later = after_failure(&known(9, kept(Extent::Nothing, false, reason)), at(9_000));
        assert_eq!(later, AfterFailure::StillHeld(at(9_000 + 3_600)));
        let asked_for = known(0, kept(Extent::Nothing, true, reason));
        assert_eq!(
            after_failure(&asked_for, at(9_000)),
            AfterFailure::Again(at(9_000))
        );
    }
}
