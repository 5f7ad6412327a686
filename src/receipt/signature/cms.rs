//! The CMS structure of a PAdES B-B signature (RFC 5652, ETSI EN 319 142-1 §6.3), built by hand.
//!
//! Exactly three signed attributes: content-type, message-digest, signing-certificate-v2 (RFC 5035). No
//! signing-time, which PAdES forbids (the dictionary's `/M` says it), and no unsigned attributes.

use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignatureValue, SignedAttributes, SignedData, SignerIdentifier,
    SignerInfo, SignerInfos,
};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912};
use der::asn1::{Any, OctetString, SetOfVec};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::{Algorithm, SealError};

/// signing-certificate-v2 (RFC 5035 §3).
pub(crate) const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// SigningCertificateV2 without policies.
#[derive(Clone, Debug, Sequence)]
pub(crate) struct SigningCertificateV2 {
    certs: Vec<EssCertIdV2>,
}

/// ESSCertIDv2: the default hash (SHA-256) is left out, as DER asks, and so is the optional issuer.
#[derive(Clone, Debug, Sequence)]
struct EssCertIdV2 {
    cert_hash: OctetString,
}

/// The signer's chain, decoded once.
pub(super) struct Chain {
    signer: Certificate,
    pub(super) signer_sha256: [u8; 32],
    set: CertificateSet,
}

impl Chain {
    /// Decodes certificates in DER, the signer's first.
    pub(super) fn decode(ders: &[Vec<u8>]) -> Result<Self, SealError> {
        let first = ders.first().ok_or(SealError::NoCertificate)?;
        let signer = Certificate::from_der(first).map_err(SealError::Certificate)?;
        let mut set = SetOfVec::new();
        for der in ders {
            let certificate = Certificate::from_der(der).map_err(SealError::Certificate)?;
            set.insert(CertificateChoices::Certificate(certificate))
                .map_err(SealError::Certificate)?;
        }
        Ok(Self {
            signer,
            signer_sha256: Sha256::digest(first).into(),
            set: CertificateSet(set),
        })
    }

    /// SHA-256 over the certificates in the order of the signature; see [`chain_sha256`].
    pub(super) fn sha256(&self) -> Result<[u8; 32], SealError> {
        chain_sha256(&self.set).map_err(SealError::Encoding)
    }

    /// Upper bound of the signature's length in bytes: a modulus is shorter than the key that holds it.
    pub(super) fn signature_size_max(&self, algorithm: Algorithm) -> usize {
        let key = &self
            .signer
            .tbs_certificate
            .subject_public_key_info
            .subject_public_key;
        match algorithm {
            Algorithm::RsaPkcs1Sha256 => key.raw_bytes().len(),
            Algorithm::EcdsaP256Sha256 => 72,
        }
    }
}

/// SHA-256 over all certificates. CMS signs only the signer's own; the signature dictionary carries this
/// digest, so that none of the others can be changed unseen either.
pub(crate) fn chain_sha256(set: &CertificateSet) -> Result<[u8; 32], der::Error> {
    let mut digest = Sha256::new();
    for certificate in set.0.iter() {
        digest.update(certificate.to_der()?);
    }
    Ok(digest.finalize().into())
}

/// The attributes that are signed, sorted as DER asks.
pub(crate) fn signed_attributes(
    content_sha256: &[u8; 32],
    signer_sha256: &[u8; 32],
) -> Result<SignedAttributes, der::Error> {
    let reference = EssCertIdV2 {
        cert_hash: OctetString::new(signer_sha256.as_slice())?,
    };
    let signing_certificate = SigningCertificateV2 {
        certs: vec![reference],
    };
    let values = [
        (rfc5911::ID_CONTENT_TYPE, Any::encode_from(&rfc5911::ID_DATA)?),
        (
            rfc5911::ID_MESSAGE_DIGEST,
            Any::encode_from(&OctetString::new(content_sha256.as_slice())?)?,
        ),
        (SIGNING_CERTIFICATE_V2, Any::encode_from(&signing_certificate)?),
    ];
    let mut attributes = SetOfVec::new();
    for (oid, value) in values {
        attributes.insert(Attribute {
            oid,
            values: SetOfVec::try_from(vec![value])?,
        })?;
    }
    Ok(attributes)
}

/// The whole ContentInfo in DER, around a signature that exists already.
pub(super) fn content_info(
    chain: &Chain,
    algorithm: Algorithm,
    attributes: SignedAttributes,
    signature: &[u8],
) -> Result<Vec<u8>, der::Error> {
    let tbs = &chain.signer.tbs_certificate;
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: tbs.issuer.clone(),
            serial_number: tbs.serial_number.clone(),
        }),
        digest_alg: sha256(),
        signed_attrs: Some(attributes),
        signature_algorithm: algorithm.identifier(),
        signature: SignatureValue::new(signature)?,
        unsigned_attrs: None,
    };
    let signed = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![sha256()])?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: rfc5911::ID_DATA,
            econtent: None,
        },
        certificates: Some(chain.set.clone()),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::try_from(vec![signer])?),
    };
    ContentInfo {
        content_type: rfc5911::ID_SIGNED_DATA,
        content: Any::encode_from(&signed)?,
    }
    .to_der()
}

/// SHA-256 without parameters (RFC 5754 §2).
pub(crate) fn sha256() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid: rfc5912::ID_SHA_256,
        parameters: None,
    }
}

impl Algorithm {
    /// The identifier in SignerInfo: RSA with NULL, ECDSA without parameters (RFC 5754 §3).
    pub(crate) fn identifier(self) -> AlgorithmIdentifierOwned {
        match self {
            Self::RsaPkcs1Sha256 => AlgorithmIdentifierOwned {
                oid: rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
                parameters: Some(Any::null()),
            },
            Self::EcdsaP256Sha256 => AlgorithmIdentifierOwned {
                oid: rfc5912::ECDSA_WITH_SHA_256,
                parameters: None,
            },
        }
    }
}
