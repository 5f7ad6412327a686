//! The signature on a receipt: PAdES baseline B-B (ETSI EN 319 142-1) as an incremental update of the PDF.
//!
//! [`seal`] asks a [`Signer`] for the one thing that needs a key and does the rest itself: `update` appends
//! the field and leaves room, `cms` builds what fills it. It leaves out where keys live (the signers at the
//! edge), time-stamps and revocation data (levels B-T and B-LT).

pub(crate) mod cms;
mod update;

use std::error::Error;

use const_oid::ObjectIdentifier;
use der::asn1::Any;
use der::{Decode, Encode, Sequence};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_cert::Certificate;

use crate::receipt::objects::ObjectsError;
use crate::receipt::wording;

/// Port to whatever holds the private key: a PKCS#12 file, a token, a remote service.
pub trait Signer: Send + Sync {
    /// Certificates in DER, the signer's first, then its issuers.
    fn certificate_chain(&self) -> &[Vec<u8>];

    /// How [`Self::sign`] signs.
    fn algorithm(&self) -> Algorithm;

    /// Whether the signer's certificate says that it is qualified.
    fn is_qualified(&self) -> bool {
        self.certificate_chain()
            .first()
            .is_some_and(|leaf| qualified(leaf))
    }

    /// Signs a message (not its digest). ECDSA signatures are DER (`r`, `s`).
    ///
    /// # Errors
    /// [`SignError`], which says whether trying again makes sense.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// The signature algorithms that a receipt may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256, keys of 2048 bits or more.
    RsaPkcs1Sha256,
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256Sha256,
}

/// The cause of a [`SignError`], whatever library it comes from.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a signer did not sign.
#[derive(Debug, Error)]
pub enum SignError {
    /// The key's holder does not answer now.
    #[error("the signing service cannot be reached")]
    Unreachable(#[source] Cause),
    /// The key's holder answered and refused this message.
    #[error("the signer refused the message")]
    Refused(#[source] Cause),
    /// The key does not work at all.
    #[error("the signing key does not work")]
    Key(#[source] Cause),
}

/// What the caller should do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Try again later.
    Retry,
    /// Hold this item; others may work.
    GiveUp,
    /// Stop signing until a person has looked.
    Stop,
}

impl SignError {
    /// What to do about it.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Unreachable(_) => Disposition::Retry,
            Self::Refused(_) => Disposition::GiveUp,
            Self::Key(_) => Disposition::Stop,
        }
    }
}

/// The words in the signature dictionary (ISO 32000-1 table 252) and for screen readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealText {
    /// `/Reason`, e.g. `Recipisă nr. 1/20.11.2026`.
    pub reason: String,
    /// `/Location`: the office's place.
    pub location: String,
    /// `/ContactInfo`: how to reach the signer.
    pub contact: String,
    /// Alternate text of the invisible field.
    pub alternate: String,
}

/// Entry of the signature dictionary with the digest of all certificates; a private name of the third class
/// (ISO 32000-1 annex E).
pub(crate) const CHAIN_ENTRY: &str = "XXRecipisaChain";

/// Why a PDF could not be sealed.
#[derive(Debug, Error)]
pub enum SealError {
    #[error("the signer has no certificate")]
    NoCertificate,
    #[error("a certificate of the signer's chain cannot be decoded")]
    Certificate(#[source] der::Error),
    #[error("the rendered PDF is not of the form that can be sealed")]
    Structure(#[from] ObjectsError),
    #[error("the PDF is sealed already")]
    AlreadySealed,
    #[error("the CMS structure cannot be encoded")]
    Encoding(#[source] der::Error),
    #[error("the receipt could not be signed")]
    Sign(#[from] SignError),
    #[error("the signature takes {size} bytes, more than the {room} that its certificate allows for")]
    Room { size: usize, room: usize },
}

impl SealError {
    /// What to do about it: all but the signer's own errors concern this receipt or the set-up, not the moment.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Sign(error) => error.disposition(),
            Self::NoCertificate | Self::Certificate(_) | Self::Room { .. } => Disposition::Stop,
            Self::Structure(_) | Self::AlreadySealed | Self::Encoding(_) => Disposition::GiveUp,
        }
    }
}

/// Seals a rendered receipt; `at` is the claimed time of signing (`/M`).
///
/// # Errors
/// [`SealError`]; the PDF is then as if nothing had happened.
pub fn seal(pdf: Vec<u8>, signer: &dyn Signer, at: Timestamp, text: &SealText) -> Result<Vec<u8>, SealError> {
    let algorithm = signer.algorithm();
    let chain = cms::Chain::decode(signer.certificate_chain())?;
    let room = {
        let blank = vec![0; chain.signature_size_max(algorithm)];
        let attributes =
            cms::signed_attributes(&[0; 32], &chain.signer_sha256).map_err(SealError::Encoding)?;
        cms::content_info(&chain, algorithm, attributes, &blank)
            .map_err(SealError::Encoding)?
            .len()
    };
    let update::Prepared {
        mut pdf,
        gap_start,
        gap_end,
    } = update::prepare(pdf, room, &wording::pdf_date(at), &chain.sha256()?, text)?;
    let digest = Sha256::new()
        .chain_update(&pdf[..gap_start])
        .chain_update(&pdf[gap_end..])
        .finalize();
    let attributes =
        cms::signed_attributes(&digest.into(), &chain.signer_sha256).map_err(SealError::Encoding)?;
    let signature = signer.sign(&attributes.to_der().map_err(SealError::Encoding)?)?;
    let filled = cms::content_info(&chain, algorithm, attributes, &signature).map_err(SealError::Encoding)?;
    if filled.len() > room {
        return Err(SealError::Room {
            size: filled.len(),
            room,
        });
    }
    let hex = data_encoding::HEXLOWER.encode(&filled);
    pdf[gap_start + 1..gap_start + 1 + hex.len()].copy_from_slice(hex.as_bytes());
    Ok(pdf)
}

/// QcStatements extension (RFC 3739 §3.2.6).
const QC_STATEMENTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.3");
/// QcCompliance: issued as a qualified certificate (ETSI EN 319 412-5 §4.2.1).
const QC_COMPLIANCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.1");

#[derive(Sequence)]
struct QcStatement {
    id: ObjectIdentifier,
    #[asn1(optional = "true")]
    info: Option<Any>,
}

/// Whether a certificate (DER) claims to be qualified. It is the issuer's claim: only the trusted list proves it.
pub fn qualified(certificate_der: &[u8]) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate_der) else {
        return false;
    };
    let extensions = certificate.tbs_certificate.extensions.unwrap_or_default();
    extensions
        .iter()
        .filter(|extension| extension.extn_id == QC_STATEMENTS)
        .filter_map(|extension| Vec::<QcStatement>::from_der(extension.extn_value.as_bytes()).ok())
        .flatten()
        .any(|statement| statement.id == QC_COMPLIANCE)
}
