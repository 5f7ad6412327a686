//! Why an act on a case is not allowed, with what to do instead.

use jiff::civil::{Date, DateTime};

/// Why an act is not allowed, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the case is closed: the document was handed over on {0}")]
    Closed(Date),
    #[error("the case was closed without a decision on {0}; what comes now is a new request")]
    SetAside(Date),
    #[error(
        "the case has a decision of {0}; record with `recipisa case handover` how it reached the citizen"
    )]
    HasDecision(Date),
    #[error("the case is decided since {0}; nothing more can be asked for")]
    Decided(Date),
    #[error("the case has a decision of {0} already; a corrected decision is a new request")]
    DecidedTwice(Date),
    #[error("the case has no decision yet; record it with `recipisa case decide`")]
    NotDecided,
    #[error(
        "the case has no e-mail address that a letter could go to; reach the citizen by phone or post, and record what \
         comes of it"
    )]
    NoAddress,
    #[error("say what is missing; the citizen reads exactly these words")]
    NothingAsked,
    #[error(
        "{asked} is too early: the letter must reach the citizen at least one working day before; the first possible day \
         is {first}"
    )]
    TooEarly { asked: Date, first: Date },
    #[error("{asked} is more than a year away; the last possible day is {last}")]
    TooFar { asked: Date, last: Date },
    #[error("say where the citizen is to come, with --place")]
    NoPlace,
    #[error("say why the case ends without a decision")]
    NoReason,
    #[error("{day} is no working day of this office ({why}); take {next}")]
    NotWorked { day: Date, why: String, next: Date },
    #[error("{day} lies in the future")]
    InTheFuture { day: Date },
    #[error("{day} lies before the day of the registration, {registered}")]
    BeforeRegistration { day: Date, registered: Date },
    #[error("{day} lies before the decision of {decided}")]
    BeforeDecision { day: Date, decided: Date },
    #[error("{starts} has passed")]
    Passed { starts: DateTime },
    #[error(
        "{starts} is not within the hours of that day, {hours}, with {minutes} minutes for the appointment"
    )]
    OutsideHours {
        starts: DateTime,
        hours: String,
        minutes: u16,
    },
    #[error(
        "{day} is later than {days} working days from the decision of {decided}; the last day is {last}. A later day is \
         for a citizen who did not come to an earlier appointment"
    )]
    PickupTooLate {
        day: Date,
        days: u16,
        decided: Date,
        last: Date,
    },
}
