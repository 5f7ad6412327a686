//! The texts of the letters: their names compared with what the letters give.

use crate::cli::report::Report;
use crate::config::Settings;
use crate::daemon::consent_form;
use crate::flow::with_causes;
use crate::outbox;
use crate::outbox::templates::{Fault, faults};

/// Tells each fault, or how many texts are well; and whether the blank consent can be enclosed.
pub(super) fn check(settings: &Settings, report: &mut Report) {
    let texts: Vec<_> = outbox::templates().collect();
    let faults = faults(&texts);
    for fault in &faults {
        let said = fault.to_string();
        match fault {
            Fault::Broken { .. } | Fault::Missing { .. } => report.error(
                "letters",
                &said,
                "report it: the texts are part of the program, and this letter cannot be written with it",
            ),
            Fault::Unused { .. } => report.warning(
                "letters",
                &said,
                "report it: perhaps it was forgotten in the text; the letter goes out without it",
            ),
        }
    }
    match consent_form(settings) {
        Ok(form) => report.ok(
            "consent",
            &format!("the blank form is {}, {} bytes", form.name, form.bytes.len()),
        ),
        Err(error) => report.error(
            "consent",
            &with_causes(&error),
            "name a PDF that recipisa's user may read, or leave `form` out for the one that comes with recipisa",
        ),
    }
    if faults.is_empty() {
        report.ok(
            "letters",
            &format!("{} texts, every name in them is given and used", texts.len()),
        );
    }
}
