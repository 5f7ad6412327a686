//! The letter that says that a mail was too large to be taken, and how to send the documents all the same.

use minijinja::context;

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
    "files_limit",
    "limit",
    "office.address",
    "office.contact",
    "office.hours",
    "office.name",
    "subject",
    "to_name",
];

pub(super) const TEMPLATES: [Template; 2] = [
    Template {
        name: "too-large.txt",
        source: include_str!("../../config/texts/ro/too-large.txt"),
        given: GIVEN,
    },
    Template {
        name: "too-large.html",
        source: include_str!("../../config/texts/ro/too-large.html"),
        given: GIVEN,
    },
];

/// Writes the letter; `limit_bytes` is what one mail may weigh.
///
/// # Errors
/// An address that no mail server would take, which a person must solve.
pub fn compose(mail: &Untaken<'_>, limit_bytes: u64) -> Result<Composed, ComposeError> {
    let head = untaken::head(mail, "Mesaj neprimit, prea mare")?;
    let values = values(mail, limit_bytes);
    let words = letter::words(TEMPLATES[0].name, TEMPLATES[1].name, &values)?;
    letter::assemble(head, words, Vec::new())
}

pub(super) fn values(mail: &Untaken<'_>, limit_bytes: u64) -> minijinja::Value {
    context! {
        limit => megabytes(limit_bytes),
        // Base64 makes 78 letters and line ends of 57 bytes; the words need some room too.
        files_limit => megabytes(limit_bytes * 7 / 10),
        ..untaken::values(mail)
    }
}

/// Rounded down, so that what is said is taken: `50`, `1,5`, `0,07`.
fn megabytes(bytes: u64) -> String {
    let hundredths = bytes / 10_000;
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match (whole, rest / 10) {
        (10.., _) | (1.., 0) => whole.to_string(),
        (0, 0) => format!("0,{rest:02}"),
        (_, tenths) => format!("{whole},{tenths}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_as_people_say_them_and_never_too_large() {
        let cases = [
            (50_000_000, "50"),
            (35_999_999, "35"),
            (1_500_000, "1,5"),
            (1_099_999, "1"),
            (2_000_000, "2"),
            (700_000, "0,7"),
            (70_000, "0,07"),
        ];
        for (bytes, said) in cases {
            assert_eq!(megabytes(bytes), said);
        }
    }
}
