//! How letters are sent: the waits between attempts, the pace, and what is asked about their delivery.

use std::num::NonZeroU32;

use jiff::SignedDuration;

use super::reader::Section;
use crate::outbox::pace::Pace;
use crate::outbox::retry::{GIVE_UP_MAX, Schedule, ScheduleError, WAIT_MIN};
use crate::registry::VERP_SEPARATORS;

/// What holds for letters whatever carries them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sending {
    pub schedule: Schedule,
    pub pace: Pace,
}

const TIME_HINT: &str = "write times as \"30s\", \"10m\", \"4h\" or \"5d\"";
/// More than any server takes.
const A_MINUTE_MAX: u64 = 1_000_000;

/// The keys of `[transport]` that every kind has.
pub(super) fn read(section: &Section<'_, '_>) -> Sending {
    let pace = Pace {
        a_minute: a_minute(section.integer("letters_a_minute", 0, 0..=A_MINUTE_MAX)),
        to_one_domain: a_minute(section.integer("letters_a_minute_to_one_domain", 0, 0..=A_MINUTE_MAX)),
    };
    Sending {
        schedule: schedule(section).unwrap_or_default(),
        pace,
    }
}

/// 0 is no bound.
fn a_minute(letters: u64) -> Option<NonZeroU32> {
    u32::try_from(letters).ok().and_then(NonZeroU32::new)
}

fn schedule(section: &Section<'_, '_>) -> Option<Schedule> {
    let usual = Schedule::default();
    let waits = match section.has("retry") {
        true => times(section, "retry", &section.texts("retry")),
        false => Some(usual.waits().to_vec()),
    };
    let give_up_after = match section.text_opt("give_up_after") {
        Some(text) => times(section, "give_up_after", &[text]).map(|times| times[0]),
        None => Some(usual.give_up_after()),
    };
    if let (Some(waits), Some(give_up_after)) = (&waits, give_up_after)
        && let Ok(schedule) = Schedule::new(waits.clone(), give_up_after)
    {
        return Some(schedule);
    }
    // Each is judged beside a good other one, so that all that is wrong is told at once.
    let shortest = vec![WAIT_MIN];
    let alone = [
        waits
            .as_ref()
            .map(|waits| Schedule::new(waits.clone(), GIVE_UP_MAX)),
        give_up_after.map(|end| Schedule::new(shortest, end)),
    ];
    let mut errors: Vec<ScheduleError> = alone.into_iter().flatten().filter_map(Result::err).collect();
    if let (Some(waits), Some(give_up_after), true) = (waits, give_up_after, errors.is_empty()) {
        errors.extend(Schedule::new(waits, give_up_after).err());
    }
    for error in errors {
        let key = match error {
            ScheduleError::Count | ScheduleError::Bounds | ScheduleError::Falling => "retry",
            ScheduleError::GiveUp | ScheduleError::NeverAgain => "give_up_after",
        };
        let hint = "for example retry = [\"1m\", \"10m\", \"1h\", \"4h\"] and give_up_after = \"5d\"";
        section.wrong(key, error.to_string(), hint);
    }
    None
}

fn times(section: &Section<'_, '_>, key: &str, texts: &[String]) -> Option<Vec<SignedDuration>> {
    let times: Option<Vec<SignedDuration>> = texts.iter().map(|text| time(text)).collect();
    if times.is_none() {
        section.wrong(key, "this is no time", TIME_HINT);
    }
    times
}

/// `90s`, `10m`, `4h`, `5d`.
fn time(text: &str) -> Option<SignedDuration> {
    let unit_s = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number =
        !digits.is_empty() && digits.len() <= 7 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = is_number.then(|| digits.parse().ok()).flatten()?;
    Some(SignedDuration::from_secs(number * unit_s))
}

/// The sign before the token in the envelope sender; `None` where the plain address is used.
pub(super) fn verp(section: &Section<'_, '_>) -> Option<char> {
    let text = section.text_opt("verp").filter(|text| !text.is_empty())?;
    let mut signs = text.chars();
    let sign = signs.next().filter(|_| signs.next().is_none());
    let known = sign.filter(|sign| VERP_SEPARATORS.contains(sign));
    if known.is_none() {
        section.wrong(
            "verp",
            "this is no sign that may stand before a token",
            "write \"+\", \"-\" or \"=\", whichever the mail server takes for a subaddress, or \"\" for none",
        );
    }
    known
}
