//! The letter that says that an encrypted mail could not be read, and how to send it all the same.

use super::letter::{self, ComposeError, Composed, Template};
use super::untaken::{self, Untaken};

const GIVEN: &[&str] = &[
    "address",
    "agency.address",
    "agency.cui",
    "agency.email",
    "agency.name",
    "agency.phone",
    "date_hour",
    "demonstration",
    "office.address",
    "office.contact",
    "office.hours",
    "office.name",
    "subject",
    "to_name",
];

pub(super) const TEMPLATES: [Template; 2] = [
    Template {
        name: "encrypted.txt",
        source: include_str!("../../config/texts/ro/encrypted.txt"),
        given: GIVEN,
    },
    Template {
        name: "encrypted.html",
        source: include_str!("../../config/texts/ro/encrypted.html"),
        given: GIVEN,
    },
];

/// Writes the letter.
///
/// # Errors
/// An address that no mail server would take, which a person must solve.
pub fn compose(mail: &Untaken<'_>) -> Result<Composed, ComposeError> {
    let head = untaken::head(mail, "Mesaj criptat, nu a putut fi citit")?;
    let values = untaken::values(mail);
    let words = letter::words(TEMPLATES[0].name, TEMPLATES[1].name, &values)?;
    letter::assemble(head, words, Vec::new())
}
