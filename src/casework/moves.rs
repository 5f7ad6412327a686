//! Which acts a case allows: legal moves only.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use super::{Act, Case, Circumstances, Refusal, instant};
use crate::calendar::hours::{ZONE, next_open};
use crate::calendar::term::due_working;

impl Case {
    /// Judges an act.
    ///
    /// # Errors
    /// What forbids it, with what to do instead.
    pub fn examine(&self, act: &Act, seen: Circumstances<'_>) -> Result<(), Refusal> {
        if let Some(handover) = &self.handover {
            return Err(Refusal::Closed(handover.on));
        }
        if let Some(set_aside) = &self.set_aside {
            return Err(Refusal::SetAside(set_aside.recorded_at.to_zoned(ZONE).date()));
        }
        match act {
            Act::Clarify { what, until } => self.examine_clarification(what, *until, seen),
            Act::Decide { on, .. } => self.examine_decision(*on, seen),
            Act::Pickup { place, .. } if place.trim().is_empty() => Err(Refusal::NoPlace),
            Act::Pickup { starts, .. } => self.examine_pickup(*starts, seen),
            Act::HandOver { on, .. } => self.examine_handover(*on, seen),
            Act::SetAside { reason } if reason.trim().is_empty() => Err(Refusal::NoReason),
            Act::SetAside { .. } => match &self.decision {
                Some(decision) => Err(Refusal::HasDecision(decision.on)),
                None => Ok(()),
            },
        }
    }

    fn examine_clarification(&self, what: &str, until: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
        if let Some(decision) = &self.decision {
            return Err(Refusal::Decided(decision.on));
        }
        if what.trim().is_empty() {
            return Err(Refusal::NothingAsked);
        }
        self.needs_address()?;
        needs_notice(until, seen)?;
        worked(until, seen)
    }

    fn examine_decision(&self, on: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
        if let Some(decision) = &self.decision {
            return Err(Refusal::DecidedTwice(decision.on));
        }
        not_future(on, seen)?;
        if on < self.number.date {
            return Err(Refusal::BeforeRegistration {
                day: on,
                registered: self.number.date,
            });
        }
        Ok(())
    }

    fn examine_pickup(&self, starts: DateTime, seen: Circumstances<'_>) -> Result<(), Refusal> {
        let decision = self.decision.as_ref().ok_or(Refusal::NotDecided)?;
        self.needs_address()?;
        let day = starts.date();
        worked(day, seen)?;
        let minutes = seen.policy.appointment_minutes;
        let open = seen.hours.on(day, seen.calendar);
        let ends = starts.checked_add(SignedDuration::from_mins(minutes.into())).ok();
        let fits = open.is_some_and(|open| {
            starts.time() >= open.opens()
                && ends.is_some_and(|ends| ends.date() == day && ends.time() <= open.closes())
        });
        if !fits {
            let hours = open.map_or_else(String::new, |open| {
                format!(
                    "{}–{}",
                    crate::calendar::wording::time_ro(open.opens()),
                    crate::calendar::wording::time_ro(open.closes())
                )
            });
            return Err(Refusal::OutsideHours {
                starts,
                hours,
                minutes,
            });
        }
        if instant(starts).is_none_or(|starts| starts <= seen.now) {
            return Err(Refusal::Passed { starts });
        }
        needs_notice(day, seen)?;
        let last = due_working(decision.on, seen.policy.pickup_days, seen.calendar).date;
        let missed = self.appointment().is_some_and(|one| one.starts_at < seen.now);
        // Recorded late, a decision leaves no day in the term: then any day is better than none.
        let possible = first_day(seen) <= last;
        if day > last && possible && !missed {
            return Err(Refusal::PickupTooLate {
                day,
                days: seen.policy.pickup_days,
                decided: decision.on,
                last,
            });
        }
        Ok(())
    }

    fn examine_handover(&self, on: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
        let decision = self.decision.as_ref().ok_or(Refusal::NotDecided)?;
        not_future(on, seen)?;
        if on < decision.on {
            return Err(Refusal::BeforeDecision {
                day: on,
                decided: decision.on,
            });
        }
        Ok(())
    }

    fn needs_address(&self) -> Result<(), Refusal> {
        self.address.as_ref().map(|_| ()).ok_or(Refusal::NoAddress)
    }
}

/// A citizen needs a working day after the one on which the letter goes out.
fn needs_notice(day: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
    let first = first_day(seen);
    if day < first {
        return Err(Refusal::TooEarly { asked: day, first });
    }
    let last = seen.today().saturating_add(jiff::Span::new().years(1));
    if day > last {
        return Err(Refusal::TooFar { asked: day, last });
    }
    Ok(())
}

/// The day on which a letter written now goes out.
fn letter_day(seen: Circumstances<'_>) -> Date {
    next_open(seen.now, seen.hours, seen.calendar)
        .to_zoned(ZONE)
        .date()
}

/// The first day that a letter written now can name.
fn first_day(seen: Circumstances<'_>) -> Date {
    due_working(letter_day(seen), 1, seen.calendar).date
}

/// The day that a question gives where the clerk names none: so many working days after the letter, on which the office
/// is open.
pub fn answer_day(seen: Circumstances<'_>) -> Date {
    let mut day = due_working(letter_day(seen), seen.policy.clarification_days, seen.calendar).date;
    while seen.hours.on(day, seen.calendar).is_none() {
        match day.tomorrow() {
            Ok(tomorrow) => day = tomorrow,
            Err(_) => break,
        }
    }
    day
}

fn worked(day: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
    if seen.hours.on(day, seen.calendar).is_some() {
        return Ok(());
    }
    let mut next = day;
    while seen.hours.on(next, seen.calendar).is_none() {
        match next.tomorrow() {
            Ok(tomorrow) => next = tomorrow,
            Err(_) => break,
        }
    }
    Err(Refusal::NotWorked {
        day,
        why: crate::calendar::wording::day_ro(day, &seen.calendar.day(day)),
        next,
    })
}

fn not_future(day: Date, seen: Circumstances<'_>) -> Result<(), Refusal> {
    if day > seen.today() {
        return Err(Refusal::InTheFuture { day });
    }
    Ok(())
}
