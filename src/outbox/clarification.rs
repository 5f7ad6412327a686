//! The letter that asks the citizen for what is missing or has to be corrected, and its reminder.
//!
//! Left out: when it is due and what makes it void, which the case decides.

use jiff::civil::Date;
use minijinja::{Value, context};

use super::letter::{self, ComposeError, Composed, Correspondence, Head, Template, Wave};
use crate::receipt::wording::day;

const GIVEN: &[&str] = &[
    "agency.address",
    "agency.cui",
    "agency.email",
    "agency.name",
    "agency.phone",
    "asked_day",
    "demonstration",
    "number",
    "office.address",
    "office.contact",
    "office.hours",
    "office.name",
    "registered_day",
    "reminder",
    "request_type",
    "subject",
    "to_name",
    "until_day",
    "what",
];

pub(super) const TEMPLATES: [Template; 2] = [
    Template {
        name: "clarification.txt",
        source: include_str!("../../config/texts/ro/clarification.txt"),
        given: GIVEN,
    },
    Template {
        name: "clarification.html",
        source: include_str!("../../config/texts/ro/clarification.html"),
        given: GIVEN,
    },
];

/// What the citizen is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Clarification<'a> {
    /// The clerk's words, several lines possible.
    pub what: &'a str,
    /// The last day on which an answer is waited for.
    pub until: Date,
    /// When it was asked the first time; only the reminder says it.
    pub asked_on: Date,
}

/// Writes the letter.
///
/// # Errors
/// An address that no mail server would take, which a person must solve.
pub fn compose(
    on: &Correspondence<'_>,
    asked: &Clarification<'_>,
    wave: Wave,
) -> Result<Composed, ComposeError> {
    let head = Head::of_case(on, subject(on.number, wave))?;
    let values = values(on, asked, wave);
    let words = letter::words(TEMPLATES[0].name, TEMPLATES[1].name, &values)?;
    letter::assemble(head, words, Vec::new())
}

fn subject(number: &str, wave: Wave) -> String {
    match wave {
        Wave::First => format!("Nr. {number}: vă rugăm să completați cererea"),
        Wave::Reminder => format!("Reamintire – nr. {number}: vă rugăm să completați cererea"),
    }
}

pub(super) fn values(on: &Correspondence<'_>, asked: &Clarification<'_>, wave: Wave) -> Value {
    context! {
        what => letter::lines(asked.what),
        until_day => day(asked.until),
        asked_day => day(asked.asked_on),
        reminder => wave == Wave::Reminder,
        ..letter::of_case(on)
    }
}
