//! What a citizen's file is, whether its structure is sound, and why it is accepted or refused.
//!
//! [`examine`] decides by content, never by name or declared type. Each accepted format is one member of
//! [`formats::ALL`] and answers two questions: do these bytes begin like mine, and are they sound to the end.
//! Kinds that are not accepted are named by [`foreign`], so that the citizen can be told what to do instead.
//! A verdict is not a field: a document is refused exactly when one of its findings is a refusal.
//!
//! Left out: signatures' validity, malware, legibility, and how many files a mail may carry. Everything here
//! is
//! pure; the parsers underneath meet hostile bytes, so whoever drives a batch still catches their panics.

use sha2::{Digest, Sha256};

pub mod limits;
pub mod detect;
pub mod finding;
pub mod foreign;
pub mod formats;

pub use detect::Detected;
pub use finding::{Code, Finding, Severity, asks_nothing};
pub use formats::{ALL, Checked, Format};
pub use limits::Limits;

/// One file as it was received.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Name as received; may be empty.
    pub name: &'a str,
    /// Media type as declared by the sender (`Content-Type` without or with parameters); may be empty.
    pub declared: &'a str,
    /// The content.
    pub bytes: &'a [u8],
}

/// What was found about one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is by content.
    pub detected: Detected,
    /// Length in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the bytes as received.
    pub sha256: [u8; 32],
    /// Everything found, in the order of finding.
    pub findings: Vec<Finding>,
    /// Documents carried inside, each with its name (what a CMS message carries).
    pub contents: Vec<(String, Document)>,
    /// Number of pages, of a PDF that could be counted.
    pub pages: Option<u32>,
    /// Width and height in pixels, of a picture whose header could be read; before any rotation by EXIF.
    pub pixels: Option<(u32, u32)>,
}

/// Whether a document can be taken into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Sound, though there may be warnings.
    Accepted,
    /// At least one finding is a refusal.
    Refused,
}

impl Verdict {
    /// Stable code, for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

impl Document {
    /// Refused exactly when a finding is a refusal.
    pub fn verdict(&self) -> Verdict {
        match self
            .findings
            .iter()
            .any(|finding| finding.severity() == Severity::Refusal)
        {
            true => Verdict::Refused,
            false => Verdict::Accepted,
        }
    }
}

/// Examines one file within the limits. Never fails: what cannot be understood is a finding.
pub fn examine(file: File<'_>, limits: &Limits) -> Document {
    examine_at(file, limits, 0)
}

/// As [`examine`], with `depth` containers already around the file.
fn examine_at(file: File<'_>, limits: &Limits, depth: u8) -> Document {
    let size_bytes = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
    let Recognised {
        detected,
        format,
        mut findings,
    } = recognise(&file);
    let checked = if size_bytes > limits.size_bytes_max {
        Checked::refused(Code::TooLarge, format!("{size_bytes} bytes"))
    } else if depth > limits.nesting_max {
        Checked::refused(Code::NestingTooDeep, format!("depth {depth}"))
    } else if let Some(format) = format {
        format.check(&file, limits, depth)
    } else {
        Checked::refused(
            Code::FormatNotAccepted(detected),
            format!("content is {}", detected.code()),
        )
    };
    findings.extend(checked.findings);
    Document {
        detected,
        size_bytes,
        sha256: Sha256::digest(file.bytes).into(),
        findings,
        contents: checked.contents,
        pages: checked.pages,
        pixels: checked.pixels,
    }
}

struct Recognised {
    detected: Detected,
    format: Option<&'static dyn Format>,
    findings: Vec<Finding>,
}

/// Decides what the content is. A signature of a foreign kind at the first byte comes before everything,
/// since a
/// program would open the file as that; then the accepted formats; then kinds without a signature, such as
/// text.
fn recognise(file: &File<'_>) -> Recognised {
    let claimed = Detected::claimed_by_name(file.name);
    let declared = Detected::claimed_by_type(file.declared);
    let mut findings = Vec::new();
    let (detected, format) = match foreign::by_signature(file) {
        Some(detected) => (detected, None),
        None => accepted(file, claimed.or(declared), &mut findings)
            .unwrap_or_else(|| (foreign::by_appearance(file), None)),
    };
    if let Some(claimed) = claimed.filter(|claimed| !claimed.covers(detected)) {
        let detail = format!("name says {}, content is {}", claimed.code(), detected.code());
        findings.push(Finding::new(Code::NameDisagrees, detail));
    }
    if let Some(declared) = declared.filter(|declared| !declared.covers(detected)) {
        let detail = format!("declared {}, content is {}", declared.code(), detected.code());
        findings.push(Finding::new(Code::DeclaredDisagrees, detail));
    }
    Recognised {
        detected,
        format,
        findings,
    }
}

/// The accepted format that the bytes begin like; where several fit, the claimed one, and that is said.
fn accepted(
    file: &File<'_>,
    claimed: Option<Detected>,
    findings: &mut Vec<Finding>,
) -> Option<(Detected, Option<&'static dyn Format>)> {
    let fitting: Vec<&'static dyn Format> = ALL
        .iter()
        .copied()
        .filter(|format| format.recognises(file))
        .collect();
    let chosen = fitting
        .iter()
        .copied()
        .find(|format| Some(format.detected()) == claimed)
        .or_else(|| fitting.first().copied())?;
    if fitting.len() > 1 {
        let kinds: Vec<_> = fitting.iter().map(|format| format.detected().code()).collect();
        findings.push(Finding::new(Code::Polyglot, format!("fits {}", kinds.join(", "))));
    }
    Some((chosen.detected(), Some(chosen)))
}

#[cfg(test)]
mod tests;
