//! How cases are handled after their registration: terms, clarifications, appointments, and the written consent.

use std::path::PathBuf;

use super::reader::Section;
use crate::casework::{Policy, consent};

/// What the configuration says about cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cases {
    pub policy: Policy,
    /// The agency's own blank form of the consent, a PDF; left out, the one that comes with the program.
    pub consent_form: Option<PathBuf>,
}

/// `[cases]` and `[consent]`, both optional, and the terms of the request types.
pub(super) fn read(root: &Section<'_, '_>, terms: Vec<(String, u16)>) -> Cases {
    let mut policy = Policy {
        term_days_by_type: terms.into_iter().collect(),
        ..Policy::default()
    };
    if let Some(section) = root.section("cases") {
        let days = |key, default: u16, most| section.integer(key, default.into(), 1..=most) as u16;
        policy.term_days = days("term_days", policy.term_days, 365);
        policy.clarification_days = days("clarification_days", policy.clarification_days, 100);
        policy.awaited_days = days("awaited_days", policy.awaited_days, 100);
        policy.pickup_days = days("pickup_days", policy.pickup_days, 100);
        policy.appointment_minutes = days("appointment_minutes", policy.appointment_minutes, 480);
        section.finish();
    }
    Cases {
        consent_form: consent(root, &mut policy.consent),
        policy,
    }
}

fn consent(root: &Section<'_, '_>, policy: &mut consent::Policy) -> Option<PathBuf> {
    let section = root.section("consent")?;
    policy.asked = section.flag("asked", policy.asked);
    if section.has("file_names") {
        policy.file_names = section.texts("file_names");
        if policy.file_names.iter().all(|name| name.trim().is_empty()) {
            section.wrong(
                "file_names",
                "no file could be known as the consent",
                "name parts of file names, for example [\"acord\"], or set asked = false",
            );
        }
    }
    let form = section.path_opt("form");
    section.finish();
    form
}
