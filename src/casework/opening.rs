//! What a mail from a citizen means for a case: what a new case begins with, and what a submission brings to an old one.

use jiff::civil::Date;

use super::{Policy, consent};
use crate::calendar::Calendar;
use crate::calendar::hours::ZONE;
use crate::calendar::term::due_safe;
use crate::registry::{Draft, FileRecord};

/// What the store writes beside the entry or the submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The last day for the decision; of a submission it is not used, since the term runs from the request.
    pub due_on: Date,
    /// Whether consents are asked for.
    pub consent_asked: bool,
    /// The name of the file that is taken for the consent.
    pub consent_file: Option<String>,
}

/// Judges the draft and its files; the term is counted so that no reading of the law makes it late.
pub fn open(draft: &Draft, files: &[FileRecord], policy: &Policy, calendar: &Calendar) -> Opening {
    let days = policy
        .term_days_by_type
        .get(&draft.request_type)
        .copied()
        .unwrap_or(policy.term_days);
    let registered_on = draft.registered_at.to_zoned(ZONE).date();
    Opening {
        due_on: due_safe(registered_on, days, calendar).date,
        consent_asked: policy.consent.asked,
        consent_file: consent::find(files, &policy.consent).map(|file| file.name.clone()),
    }
}
