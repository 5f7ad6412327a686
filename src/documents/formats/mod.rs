//! The formats that the procedure accepts, one file each, and the list through which their owner asks them.

use super::{Code, Detected, Document, File, Finding, Limits};

pub(crate) mod markup;
mod jpeg;
mod png;
mod pdf;
mod cms;
mod xml;

/// One accepted format.
pub trait Format: Sync {
    /// The kind that this format is.
    fn detected(&self) -> Detected;

    /// Whether the bytes begin like this format. Cheap; says nothing about soundness.
    fn recognises(&self, file: &File<'_>) -> bool;

    /// Whether the bytes are sound to the end. `depth` counts the containers around the file.
    fn check(&self, file: &File<'_>, limits: &Limits, depth: u8) -> Checked;
}

/// Every accepted format, in the order in which they are asked.
pub const ALL: &[&dyn Format] = &[&jpeg::Jpeg, &png::Png, &pdf::Pdf, &cms::Cms, &xml::Xml];

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Everything found, in the order of finding.
    pub findings: Vec<Finding>,
    /// Documents carried inside, each with its name.
    pub contents: Vec<(String, Document)>,
    /// Number of pages, where the format has them.
    pub pages: Option<u32>,
    /// Width and height in pixels, where the format has them.
    pub pixels: Option<(u32, u32)>,
}

impl Checked {
    /// A check that ended with one finding.
    pub(crate) fn refused(code: Code, detail: impl Into<String>) -> Self {
        let mut checked = Self::default();
        checked.found(code, detail);
        checked
    }

    pub(crate) fn found(&mut self, code: Code, detail: impl Into<String>) {
        self.findings.push(Finding::new(code, detail));
    }
}
