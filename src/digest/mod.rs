//! The clerks' digest: what must be done today, and what has come in, for a day or a period.
//!
//! [`Facts`] is all that it says, looked up by the caller; from the same facts come the [`subject`] of the mail, its
//! [`text`] and [`html`], a table for a spreadsheet ([`csv`]) and an object for programs ([`json`]). What cannot wait
//! stands first: terms, people who come today, mails and letters that need a person. Then what is merely to be
//! known, and at the end the count that proves that no message was lost.
//!
//! Text and HTML show at most [`ROWS_MAX`] rows of a list and name the command that shows the rest; CSV and JSON hold
//! everything. What citizens, senders and servers wrote is cleaned of what steers a terminal, turns the direction of
//! writing or starts a formula.
//!
//! Left out: looking the facts up, deciding when a digest is due ([`crate::calendar::schedule`]), and mailing it.

mod conexe;
mod facts;
mod letter;
mod object;
mod sections;
mod table;
mod words;

#[cfg(test)]
mod specimen;
#[cfg(test)]
mod tests;

pub use conexe::{Conexe, Copied, ProposedLink};
pub use facts::{
    Answered, Awaited, Consent, Counts, Facts, File, Gap, Held, Joined, Misfit, MisfitFault, NewEntry,
    OpenCase, Period, Pickup, Scope, SourceCounts, Trouble, Unanswered, Undelivered, Unnumbered, Unreached,
};
pub use words::NO_NUMBER;

/// How many rows of one list text and HTML show.
pub const ROWS_MAX: usize = 200;

/// The subject of the mail: the day and what presses, such as
/// `Situația registraturii, 20.11.2026: 2 termene depășite, 1 termen astăzi`.
pub fn subject(facts: &Facts) -> String {
    words::subject(facts)
}

/// Plain text, lines broken by the reader's program only.
pub fn text(facts: &Facts) -> String {
    letter::text(facts)
}

/// A whole HTML document that mail programs show: styles in the elements, nothing from outside, no script.
pub fn html(facts: &Facts) -> String {
    letter::html(facts)
}

/// One table with a section column, complete: UTF-8 with byte order mark, `;`, CRLF, quoted by RFC 4180.
pub fn csv(facts: &Facts) -> Vec<u8> {
    table::csv(facts)
}

/// The stable object for programs, complete, schema 1: texts as they came, instants as RFC 3339 in UTC, days as
/// ISO 8601.
pub fn json(facts: &Facts) -> serde_json::Value {
    object::json(facts)
}
