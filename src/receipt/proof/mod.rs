//! The proof of a receipt: is it whole, who sealed it, what does it say, are these the files that it names?
//!
//! Pure functions over bytes, for `recipisa verify`; offline, so a certificate is not checked for revocation
//! and is trusted only through certificates that the caller gives. `seal` looks at the signature.

mod seal;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use seal::{SealFault, SealFinding, SignerFacts, Trust};

use crate::receipt::objects::{Objects, ObjectsError, reference};
use crate::receipt::twin;

/// What is known about a receipt and the files held against it.
#[derive(Debug)]
pub struct Proof {
    /// The signature: who sealed, or why it does not hold.
    pub seal: Result<SealFinding, SealFault>,
    /// What the twin says; only to be believed when the seal holds.
    pub twin: Result<TwinFacts, TwinFault>,
    /// One for each given file, in the order given.
    pub files: Vec<FileMatch>,
}

/// A file that a person holds against the receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenFile {
    pub name: String,
    /// SHA-256 of its content, lower-case hexadecimal.
    pub sha256: String,
}

/// A given file and where the receipt names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMatch {
    pub given: GivenFile,
    pub found: Found,
}

/// Where a given file stands on the receipt, by its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is one or more of the receipt's files: their ordinals, from 1.
    Parts(Vec<u64>),
    /// It is the registered message itself.
    Message,
    /// The receipt does not name it.
    Nowhere,
}

/// What the twin says, as far as a check needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwinFacts {
    pub receipt_id: String,
    pub number: String,
    /// 0 for the request itself, k for its completion nr. k.
    pub submission: u64,
    pub agency: String,
    pub event: String,
    pub registered_at: Timestamp,
    pub issued_at: Timestamp,
    pub demonstration: bool,
    pub message_sha256: String,
    pub parts: Vec<PartFacts>,
    /// The twin's bytes as they are in the PDF.
    pub json: Vec<u8>,
}

/// A file as the twin names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartFacts {
    pub ordinal: u64,
    pub name: String,
    pub sha256: String,
    /// `accepted` or `refused`.
    pub verdict: String,
}

/// Why the twin could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TwinFault {
    #[error("the PDF is not of the form that recipisa writes")]
    Structure(#[from] ObjectsError),
    #[error("the attached recipisa.json is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("the attached recipisa.json has not the form urn:recipisa:receipt:1 (field {0})")]
    Field(&'static str),
}

impl Proof {
    /// Whether the receipt is whole, sealed while the certificate was valid (by its own date), and names every
    /// given file. Who sealed it is for the reader to judge.
    pub fn holds(&self) -> bool {
        let (Ok(seal), Ok(twin)) = (&self.seal, &self.twin) else {
            return false;
        };
        let known = |file: &FileMatch| file.found != Found::Nowhere;
        seal.signer.valid_at(twin.issued_at) && self.files.iter().all(known)
    }
}

impl GivenFile {
    /// Hashes a file's bytes.
    pub fn of(name: String, bytes: &[u8]) -> Self {
        Self {
            name,
            sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)),
        }
    }
}

/// The certificates of a PEM text, as DER; none where there is no certificate in it.
///
/// # Errors
/// OpenSSL's, when a certificate between the PEM lines cannot be read.
pub fn anchors_of_pem(pem: &[u8]) -> Result<Vec<Vec<u8>>, openssl::error::ErrorStack> {
    openssl::x509::X509::stack_from_pem(pem)?
        .iter()
        .map(|one| one.to_der())
        .collect()
}

/// Proves a receipt; `anchors` are certificates (DER) that the caller trusts.
pub fn prove(pdf: &[u8], files: &[GivenFile], anchors: &[Vec<u8>]) -> Proof {
    let seal = seal::check(pdf, anchors);
    let twin = read_twin(pdf);
    let files = files
        .iter()
        .map(|given| FileMatch {
            given: given.clone(),
            found: find(&twin, given),
        })
        .collect();
    Proof { seal, twin, files }
}

fn find(twin: &Result<TwinFacts, TwinFault>, given: &GivenFile) -> Found {
    let Ok(twin) = twin else { return Found::Nowhere };
    let same = twin.parts.iter().filter(|part| part.sha256 == given.sha256);
    let ordinals: Vec<u64> = same.map(|part| part.ordinal).collect();
    if !ordinals.is_empty() {
        Found::Parts(ordinals)
    } else if twin.message_sha256 == given.sha256 {
        Found::Message
    } else {
        Found::Nowhere
    }
}

/// Reads the embedded twin through the catalog's associated files (PDF/A-3, ISO 19005-3 §6.8).
fn read_twin(pdf: &[u8]) -> Result<TwinFacts, TwinFault> {
    let objects = Objects::read(pdf)?;
    let catalog = objects.dictionary(objects.trailer().reference("Root")?)?;
    let associated = catalog.array("AF")?;
    let file = reference(associated).ok_or(ObjectsError::Entry("AF"))?;
    let file = objects.dictionary(file)?;
    if file.value(b"F") != Some(format!("({})", twin::FILE_NAME).as_bytes()) {
        return Err(ObjectsError::Entry("F").into());
    }
    let json = objects.stream(objects.follow(&file, "EF")?.reference("F")?)?;
    let value: Value = serde_json::from_slice(json).map_err(TwinFault::Json)?;
    facts(&value, json)
}

fn facts(value: &Value, json: &[u8]) -> Result<TwinFacts, TwinFault> {
    if value["schema"] != twin::SCHEMA {
        return Err(TwinFault::Field("schema"));
    }
    let mut parts = Vec::new();
    for part in value["parts"].as_array().ok_or(TwinFault::Field("parts"))? {
        parts.push(PartFacts {
            ordinal: part["no"].as_u64().ok_or(TwinFault::Field("no"))?,
            name: text(part, "filename")?,
            sha256: text(part, "sha256")?,
            verdict: text(part, "verdict")?,
        });
    }
    Ok(TwinFacts {
        receipt_id: text(value, "receipt_id")?,
        number: text(value, "number")?,
        submission: match value.get("submission") {
            None => 0,
            Some(told) => told.as_u64().ok_or(TwinFault::Field("submission"))?,
        },
        agency: text(&value["issuer"], "name")?,
        event: text(value, "event")?,
        registered_at: instant(value, "registered_at")?,
        issued_at: instant(value, "issued_at")?,
        demonstration: value["marking"] == "demonstration",
        message_sha256: text(&value["message"], "sha256")?,
        parts,
        json: json.to_vec(),
    })
}

fn text(value: &Value, field: &'static str) -> Result<String, TwinFault> {
    Ok(value[field].as_str().ok_or(TwinFault::Field(field))?.to_owned())
}

fn instant(value: &Value, field: &'static str) -> Result<Timestamp, TwinFault> {
    text(value, field)?.parse().map_err(|_| TwinFault::Field(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::{page, specimen};

    #[test]
    fn a_completion_is_told_from_the_request_itself() {
        for (receipt, told) in [(specimen::ordinary(), 0), (specimen::completion(), 2)] {
            let pdf = page::render(&receipt).unwrap();
            assert_eq!(read_twin(&pdf).unwrap().submission, told);
        }
    }

    #[test]
    fn what_is_no_count_is_no_twin() {
        let twin = twin::twin(&specimen::completion());
        let mut value: Value = serde_json::from_slice(&twin).unwrap();
        value["submission"] = Value::from("2");
        assert!(matches!(
            facts(&value, &twin),
            Err(TwinFault::Field("submission"))
        ));
    }
}
