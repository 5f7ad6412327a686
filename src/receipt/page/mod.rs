//! The receipt as a PDF: PDF/A-3b and PDF/UA-1, both checked while it is written, with the twin attached.
//!
//! `sections` and `files` say what stands where, `flow` lets it fall onto pages, `draw` puts it there; `text` and `face`
//! turn strings into glyphs and `tags` keeps the structure tree. The same [`Receipt`] always gives the same
//! bytes. It leaves out the signature, which comes after as an incremental update.

mod draw;
mod face;
mod files;
mod flow;
mod sections;
mod tags;
mod text;

use std::sync::Arc;

use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::error::KrillaError;
use krilla::metadata::Metadata;
use krilla::{Document, SerializeSettings};
use thiserror::Error;

use crate::receipt::content::Receipt;
use crate::receipt::{twin, wording};

/// Why no PDF could be made. None of these is expected: krilla's validators refused what we composed.
#[derive(Debug, Error)]
pub enum PageError {
    #[error("the PDF settings contradict each other: {0}")]
    Settings(String),
    #[error("the page does not satisfy PDF/A-3b and PDF/UA-1")]
    Invalid(#[source] Problems),
    #[error("the twin could not be attached")]
    Attachment,
}

/// What krilla objects to, in its own words; its error type itself counts the problems only.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Problems(String);

impl From<KrillaError> for Problems {
    fn from(error: KrillaError) -> Self {
        if let KrillaError::Validation(problems) = &error {
            Self(format!("{problems:?}"))
        } else {
            Self(error.to_string())
        }
    }
}

/// Renders the receipt, unsigned.
///
/// # Errors
/// [`PageError`] when the validators refuse the document; no receipt is expected to cause it.
pub fn render(receipt: &Receipt) -> Result<Vec<u8>, PageError> {
    let mut document = Document::new_with(settings()?);
    let name = receipt.name_ro();
    let title = format!("{name} – {}", receipt.agency.name);
    let foot = format!("{name} · {}", receipt.id);
    let mut composition = sections::compose(receipt);
    let sheets = flow::paginate(&composition.blocks);
    let frame = draw::Frame {
        head: &title,
        foot: &foot,
        marking: receipt.marking,
    };
    draw::draw(&mut document, &sheets, &frame, &mut composition.tags);
    document.set_tag_tree(composition.tags.tree());
    document.set_metadata(metadata(receipt, title.clone()));
    document
        .embed_file(attachment(receipt)?)
        .ok_or(PageError::Attachment)?;
    document
        .finish()
        .map_err(|error| PageError::Invalid(Problems::from(error)))
}

fn settings() -> Result<SerializeSettings, PageError> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_B)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| PageError::Settings(format!("{error:?}")))?;
    Ok(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    })
}

fn metadata(receipt: &Receipt, title: String) -> Metadata {
    Metadata::new()
        .title(title)
        .language("ro-RO".to_owned())
        .authors(vec![receipt.agency.name.clone()])
        .creator(format!("recipisa {}", receipt.system_version))
        .creation_date(wording::krilla_date(receipt.issued_at))
        .document_id(receipt.id.clone())
}

/// The twin stays uncompressed, so that any tool, and our own check, reads it without a decoder.
fn attachment(receipt: &Receipt) -> Result<EmbeddedFile, PageError> {
    Ok(EmbeddedFile {
        path: twin::FILE_NAME.to_owned(),
        mime_type: Some(MimeType::new("application/json").ok_or(PageError::Attachment)?),
        description: Some("Datele recipisei, pentru programe".to_owned()),
        association_kind: AssociationKind::Data,
        data: Arc::new(twin::twin(receipt)).into(),
        modification_date: Some(wording::krilla_date(receipt.issued_at)),
        compress: Some(false),
        location: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::content::Marking;
    use crate::receipt::specimen;

    #[test]
    fn every_specimen_satisfies_both_validators_and_is_the_same_again() {
        let marked = Receipt {
            marking: Marking::Demonstration,
            ..specimen::ordinary()
        };
        for receipt in [
            specimen::ordinary(),
            specimen::fifty(),
            specimen::empty(),
            specimen::completion(),
            specimen::bare(),
            marked,
        ] {
            let pdf = render(&receipt).unwrap();
            assert_eq!(pdf, render(&receipt).unwrap());
        }
    }

    #[test]
    fn an_endless_subject_is_shortened_on_the_page_and_whole_in_the_twin() {
        let receipt = Receipt {
            subject: "x".repeat(1_000_000),
            ..specimen::empty()
        };
        let composition = sections::compose(&receipt);
        assert!(flow::paginate(&composition.blocks).len() < 5);
        let pdf = render(&receipt).unwrap();
        let subject = receipt.subject.as_bytes();
        assert!(pdf.windows(subject.len()).any(|window| window == subject));
    }
}
