//! CMS and PKCS#7 (RFC 5652, RFC 2315), as DER, BER, PEM or bare base64: a SignedData with at least one signer. A
//! document inside is examined in its turn. How the envelope is opened stands in [`envelope`]; signatures are not
//! verified here.

use data_encoding::BASE64;

use super::super::examine_at;
use super::super::{Severity, Verdict};
use super::{Checked, Code, Detected, File, Format, Limits};
use crate::message::envelope::{self, Closed, armoured, is_content_info};

pub(super) struct Cms;

impl Format for Cms {
    fn detected(&self) -> Detected {
        Detected::Cms
    }

    fn recognises(&self, file: &File<'_>) -> bool {
        if is_content_info(file.bytes) {
            return true;
        }
        let start = match armoured(file.bytes) {
            Some((label, body)) if label.windows(4).any(|part| part == b"PKCS") || label == b"CMS" => {
                return !body.is_empty();
            }
            Some((_, body)) => body,
            None => file.bytes,
        };
        let letters: Vec<u8> = start
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .take(64)
            .collect();
        let whole = letters.len() / 4 * 4;
        BASE64
            .decode(&letters[..whole])
            .is_ok_and(|bytes| is_content_info(&bytes))
    }

    fn check(&self, file: &File<'_>, limits: &Limits, depth: u8) -> Checked {
        let mut checked = Checked::default();
        let message = match envelope::binary(file.bytes).and_then(|bytes| {
            let element = envelope::outer_element(&bytes)?;
            if element.len() < bytes.trim_ascii_end().len() {
                checked.found(
                    Code::CmsTrailingBytes,
                    format!("{} bytes", bytes.len() - element.len()),
                );
            }
            envelope::open(element)
        }) {
            Ok(message) => message,
            Err(closed) => {
                let (code, detail) = told(closed);
                checked.found(code, detail);
                return checked;
            }
        };
        match message.content {
            None => checked.found(Code::CmsDetached, format!("{} signers", message.signers)),
            Some(content) => carry(file, &content, limits, depth, &mut checked),
        }
        checked
    }
}

/// Examines the document inside and refuses the message when that is refused.
fn carry(file: &File<'_>, content: &[u8], limits: &Limits, depth: u8, checked: &mut Checked) {
    let name = content_name(file.name);
    let inner = File {
        name,
        declared: "",
        bytes: content,
    };
    let document = examine_at(inner, limits, depth.saturating_add(1));
    if document.verdict() == Verdict::Refused {
        let refusals = document
            .findings
            .iter()
            .filter(|finding| finding.severity() == Severity::Refusal);
        let codes: Vec<_> = refusals.map(|finding| finding.code.as_str()).collect();
        checked.found(
            Code::CmsContentRefused,
            format!("{}: {}", document.detected.code(), codes.join(", ")),
        );
    }
    checked.contents.push((name.to_owned(), document));
}

/// `cerere.pdf.p7m` carries `cerere.pdf`.
fn content_name(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if Detected::claimed_by_name(name) == Some(Detected::Cms) => stem,
        Some(_) | None => name,
    }
}

fn told(closed: Closed) -> (Code, String) {
    match closed {
        Closed::Truncated(detail) => (Code::CmsTruncated, detail),
        Closed::Damaged(detail) => (Code::CmsDamaged, detail),
        Closed::Enveloped(detail) => (Code::CmsEnveloped, detail),
        Closed::NotSigned(detail) => (Code::CmsNotSigned, detail),
        Closed::CertificatesOnly(detail) => (Code::CmsCertificatesOnly, detail),
    }
}
