//! Checks the seal of a receipt: the whole file is signed, by the certificate that the signature names.
//!
//! It accepts only what [`seal`](crate::receipt::signature::seal) writes, byte for byte, so that no bit of the
//! file can change unseen, not even where a signature does not reach. It leaves out revocation and time-stamps.

use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{CertificateSet, SignedData, SignerIdentifier, SignerInfo};
use const_oid::db::{rfc4519, rfc5911};
use der::{Decode, Encode};
use jiff::Timestamp;
use openssl::hash::MessageDigest;
use openssl::pkey::Id;
use openssl::sign::Verifier;
use openssl::x509::X509;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;

use crate::receipt::objects::{Dictionary, Objects, ObjectsError, integer, references};
use crate::receipt::signature::{Algorithm, CHAIN_ENTRY, cms as sealed, qualified};

/// A seal that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealFinding {
    pub signer: SignerFacts,
    /// Claimed time of signing, as the PDF date in `/M`.
    pub claimed_at: String,
    pub trust: Trust,
}

/// The signer, from the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerFacts {
    /// Common name; the whole subject is not shown, since it may hold a personal number.
    pub name: String,
    /// Common name of the issuer.
    pub issuer: String,
    pub valid_from: Timestamp,
    pub valid_until: Timestamp,
    /// Whether the certificate claims to be qualified (QcCompliance).
    pub qualified: bool,
}

impl SignerFacts {
    /// Whether the certificate was valid at a moment, both ends included (RFC 5280 §4.1.2.5).
    pub fn valid_at(&self, at: Timestamp) -> bool {
        (self.valid_from..=self.valid_until).contains(&at)
    }
}

/// Whether the chain ends in a certificate that the caller trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    Anchored,
    /// No anchor issued it or none was given: whose certificate it is remains to be judged.
    NotAnchored,
}

/// Why a seal does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    #[error(
        "this PDF is no receipt as recipisa writes it, or bytes were added, cut off or changed after it was sealed"
    )]
    Structure(#[from] ObjectsError),
    #[error("the PDF carries no signature")]
    Unsigned,
    #[error("the PDF carries {0} signatures where recipisa writes one")]
    Several(usize),
    #[error("the signature does not cover the whole file")]
    Coverage,
    #[error("the signature cannot be read")]
    Unreadable,
    #[error("the signature has not the form that recipisa writes: {0}")]
    Form(&'static str),
    #[error("the document was changed after it was sealed")]
    Digest,
    #[error("the signature value is not that of the certificate's key")]
    Value,
    #[error("the certificates in the signature do not issue each other")]
    Chain,
}

/// Checks the one signature of a PDF.
pub(super) fn check(pdf: &[u8], anchors: &[Vec<u8>]) -> Result<SealFinding, SealFault> {
    let objects = Objects::read(pdf)?;
    let dictionary = signature_dictionary(&objects)?;
    let (signed, cms_der) = covered(pdf, &objects, &dictionary)?;
    let digest: [u8; 32] = Sha256::new()
        .chain_update(signed[0])
        .chain_update(signed[1])
        .finalize()
        .into();
    let stated_chain = dictionary
        .value(CHAIN_ENTRY.as_bytes())
        .ok_or(SealFault::Form("chain"))?;
    let cms = Cms::decode(&cms_der, stated_chain)?;
    cms.check_form(&digest)?;
    cms.check_value()?;
    let claimed_at = dictionary.value(b"M").ok_or(ObjectsError::Entry("M"))?;
    Ok(SealFinding {
        signer: cms.signer_facts()?,
        claimed_at: String::from_utf8_lossy(claimed_at)
            .trim_matches(['(', ')'])
            .to_owned(),
        trust: cms.trust(anchors)?,
    })
}

fn signature_dictionary<'a>(objects: &Objects<'a>) -> Result<Dictionary<'a>, SealFault> {
    let catalog = objects.dictionary(objects.trailer().reference("Root")?)?;
    if catalog.value(b"AcroForm").is_none() {
        return Err(SealFault::Unsigned);
    }
    let form = objects.follow(&catalog, "AcroForm")?;
    let fields = references(form.array("Fields")?).ok_or(ObjectsError::Entry("Fields"))?;
    let [field] = fields.as_slice() else {
        return Err(SealFault::Several(fields.len()));
    };
    let field = objects.dictionary(*field)?;
    if field.value(b"FT") != Some(b"/Sig") {
        return Err(SealFault::Unsigned);
    }
    let dictionary = objects.dictionary(field.reference("V")?)?;
    if dictionary.value(b"SubFilter") != Some(b"/ETSI.CAdES.detached") {
        return Err(SealFault::Form("SubFilter"));
    }
    Ok(dictionary)
}

/// The two signed parts and the CMS between them: together they must be the whole file, and the padding zeros.
fn covered<'a>(
    pdf: &'a [u8],
    objects: &Objects<'a>,
    dictionary: &Dictionary<'a>,
) -> Result<([&'a [u8]; 2], Vec<u8>), SealFault> {
    let ranges = dictionary.array("ByteRange")?;
    let ranges: Vec<usize> = ranges
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty())
        .filter_map(integer)
        .collect();
    let contents = dictionary
        .value(b"Contents")
        .ok_or(ObjectsError::Entry("Contents"))?;
    let start = objects.position(contents).ok_or(SealFault::Coverage)?;
    let end = start + contents.len();
    if ranges != [0, start, end, pdf.len() - end] {
        return Err(SealFault::Coverage);
    }
    let hex = contents
        .strip_prefix(b"<")
        .and_then(|rest| rest.strip_suffix(b">"))
        .ok_or(SealFault::Unreadable)?;
    let padded = data_encoding::HEXLOWER
        .decode(hex)
        .map_err(|_| SealFault::Unreadable)?;
    let header = der::Header::decode(&mut der::SliceReader::new(&padded).map_err(|_| SealFault::Unreadable)?);
    let header = header.map_err(|_| SealFault::Unreadable)?;
    let total = header
        .encoded_len()
        .and_then(|head| head + header.length)
        .map_err(|_| SealFault::Unreadable)?;
    let total = usize::try_from(total).map_err(|_| SealFault::Unreadable)?;
    let der = padded.get(..total).ok_or(SealFault::Unreadable)?.to_vec();
    if padded[total..].iter().any(|byte| *byte != 0) {
        return Err(SealFault::Form("padding"));
    }
    Ok(([&pdf[..start], &pdf[end..]], der))
}

/// The parts of a decoded signature.
struct Cms {
    signer: SignerInfo,
    /// The signer's certificate, then its issuers.
    chain: Vec<Certificate>,
    algorithm: Algorithm,
}

impl Cms {
    /// `stated_chain` is what the signature dictionary says of the certificates: their digest in hexadecimal.
    fn decode(cms_der: &[u8], stated_chain: &[u8]) -> Result<Self, SealFault> {
        let info = ContentInfo::from_der(cms_der).map_err(|_| SealFault::Unreadable)?;
        if info.content_type != rfc5911::ID_SIGNED_DATA || info.to_der().as_deref() != Ok(cms_der) {
            return Err(SealFault::Form("encoding"));
        }
        let data: SignedData = info.content.decode_as().map_err(|_| SealFault::Unreadable)?;
        if info.content.to_der() != data.to_der() {
            return Err(SealFault::Form("encoding"));
        }
        check_envelope(&data)?;
        let signers = data.signer_infos.0.as_slice();
        let [signer] = signers else {
            return Err(SealFault::Several(signers.len()));
        };
        let algorithm = [Algorithm::RsaPkcs1Sha256, Algorithm::EcdsaP256Sha256]
            .into_iter()
            .find(|algorithm| algorithm.identifier() == signer.signature_algorithm)
            .ok_or(SealFault::Form("signature algorithm"))?;
        let certificates = data.certificates.as_ref().ok_or(SealFault::Form("chain"))?;
        let digest = sealed::chain_sha256(certificates).map_err(|_| SealFault::Unreadable)?;
        if stated_chain != format!("<{}>", data_encoding::HEXLOWER.encode(&digest)).as_bytes() {
            return Err(SealFault::Chain);
        }
        let chain = chain(certificates, &signer.sid)?;
        Ok(Self {
            signer: signer.clone(),
            chain,
            algorithm,
        })
    }

    /// Exactly our three attributes, over this content and this certificate.
    fn check_form(&self, content_sha256: &[u8; 32]) -> Result<(), SealFault> {
        if self.signer.version != CmsVersion::V1
            || self.signer.digest_alg != sealed::sha256()
            || self.signer.unsigned_attrs.is_some()
        {
            return Err(SealFault::Form("signer"));
        }
        let certificate = self.signer_der()?;
        let expected = sealed::signed_attributes(content_sha256, &Sha256::digest(&certificate).into())
            .map_err(|_| SealFault::Unreadable)?;
        let attributes = self
            .signer
            .signed_attrs
            .as_ref()
            .ok_or(SealFault::Form("attributes"))?;
        if attributes == &expected {
            return Ok(());
        }
        let digest_of = |all: &cms::signed_data::SignedAttributes| {
            all.iter()
                .find(|attribute| attribute.oid == rfc5911::ID_MESSAGE_DIGEST)
                .cloned()
        };
        let same_digest = digest_of(attributes) == digest_of(&expected);
        Err(if same_digest {
            SealFault::Form("attributes")
        } else {
            SealFault::Digest
        })
    }

    /// The signature value over the attributes, with the key of the certificate.
    fn check_value(&self) -> Result<(), SealFault> {
        let certificate = X509::from_der(&self.signer_der()?).map_err(|_| SealFault::Unreadable)?;
        let key = certificate.public_key().map_err(|_| SealFault::Unreadable)?;
        let expected = match self.algorithm {
            Algorithm::RsaPkcs1Sha256 => Id::RSA,
            Algorithm::EcdsaP256Sha256 => Id::EC,
        };
        let attributes = self
            .signer
            .signed_attrs
            .to_der()
            .map_err(|_| SealFault::Unreadable)?;
        let verified = key.id() == expected
            && Verifier::new(MessageDigest::sha256(), &key)
                .and_then(|mut verifier| {
                    verifier.verify_oneshot(self.signer.signature.as_bytes(), &attributes)
                })
                .unwrap_or(false);
        if verified { Ok(()) } else { Err(SealFault::Value) }
    }

    fn signer_der(&self) -> Result<Vec<u8>, SealFault> {
        self.chain[0].to_der().map_err(|_| SealFault::Unreadable)
    }

    fn signer_facts(&self) -> Result<SignerFacts, SealFault> {
        let tbs = &self.chain[0].tbs_certificate;
        let instant = |time: x509_cert::time::Time| {
            Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
                .unwrap_or(Timestamp::MAX)
        };
        Ok(SignerFacts {
            name: common_name(&tbs.subject),
            issuer: common_name(&tbs.issuer),
            valid_from: instant(tbs.validity.not_before),
            valid_until: instant(tbs.validity.not_after),
            qualified: qualified(&self.signer_der()?),
        })
    }

    /// An anchor is one of the chain, or issued its last certificate.
    fn trust(&self, anchors: &[Vec<u8>]) -> Result<Trust, SealFault> {
        let mut ders = Vec::new();
        for certificate in &self.chain {
            ders.push(certificate.to_der().map_err(|_| SealFault::Unreadable)?);
        }
        let last = ders.last().ok_or(SealFault::Unreadable)?;
        let trusted = |anchor: &Vec<u8>| ders.contains(anchor) || issued(anchor, last);
        Ok(if anchors.iter().any(trusted) {
            Trust::Anchored
        } else {
            Trust::NotAnchored
        })
    }
}

fn check_envelope(data: &SignedData) -> Result<(), SealFault> {
    let ours = data.version == CmsVersion::V1
        && data.digest_algorithms.as_slice() == [sealed::sha256()]
        && data.encap_content_info.econtent_type == rfc5911::ID_DATA
        && data.encap_content_info.econtent.is_none()
        && data.crls.is_none();
    if ours {
        Ok(())
    } else {
        Err(SealFault::Form("envelope"))
    }
}

/// The signer's certificate and upwards; every certificate in the signature must have its place.
fn chain(certificates: &CertificateSet, sid: &SignerIdentifier) -> Result<Vec<Certificate>, SealFault> {
    let SignerIdentifier::IssuerAndSerialNumber(id) = sid else {
        return Err(SealFault::Form("signer"));
    };
    let mut offered = Vec::new();
    for choice in certificates.0.iter() {
        let CertificateChoices::Certificate(certificate) = choice else {
            return Err(SealFault::Form("chain"));
        };
        offered.push(certificate.clone());
    }
    let is_signer = |certificate: &Certificate| {
        certificate.tbs_certificate.issuer == id.issuer
            && certificate.tbs_certificate.serial_number == id.serial_number
    };
    let first = offered
        .iter()
        .position(is_signer)
        .ok_or(SealFault::Form("signer"))?;
    let mut chain = vec![offered.swap_remove(first)];
    while !offered.is_empty() {
        let below = chain
            .last()
            .and_then(|top| top.to_der().ok())
            .ok_or(SealFault::Unreadable)?;
        let issues = |candidate: &Certificate| candidate.to_der().is_ok_and(|der| issued(&der, &below));
        let next = offered.iter().position(issues).ok_or(SealFault::Chain)?;
        chain.push(offered.swap_remove(next));
    }
    Ok(chain)
}

fn issued(issuer_der: &[u8], subject_der: &[u8]) -> bool {
    let (Ok(issuer), Ok(subject)) = (X509::from_der(issuer_der), X509::from_der(subject_der)) else {
        return false;
    };
    let named = issuer
        .subject_name()
        .try_cmp(subject.issuer_name())
        .is_ok_and(std::cmp::Ordering::is_eq);
    named
        && issuer
            .public_key()
            .and_then(|key| subject.verify(&key))
            .unwrap_or(false)
}

fn common_name(name: &x509_cert::name::Name) -> String {
    let mut attributes = name.0.iter().flat_map(|set| set.0.iter());
    let common = attributes.rfind(|attribute| attribute.oid == rfc4519::COMMON_NAME);
    common
        .map(|attribute| String::from_utf8_lossy(attribute.value.value()).into_owned())
        .unwrap_or_default()
}
