//! A throw-away key for the demonstration: a root and a signer, neither of them qualified, as PKCS#12.
//!
//! Whoever sees a receipt signed with it reads „DEMONSTRAȚIE” in the certificate's name and on the page.

use jiff::{SignedDuration, Timestamp};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::extension::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};
use thiserror::Error;

/// Name of the certificate that signs.
pub const SIGNER_NAME: &str = "DEMONSTRAȚIE – recipisa";
/// Name of the certificate that issued it.
pub const ROOT_NAME: &str = "DEMONSTRAȚIE – recipisa, rădăcină de probă";

/// Kind of the key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrowawayKey {
    P256,
    Rsa2048,
    Rsa3072,
}

/// OpenSSL could not make the key or the certificates.
#[derive(Debug, Error)]
#[error("the demonstration key could not be made")]
pub struct ThrowawayError(#[from] ErrorStack);

/// Makes a key and its chain, valid from one day before `now` for one year, as PKCS#12 under `password`.
///
/// # Errors
/// [`ThrowawayError`] when OpenSSL refuses.
pub fn make(kind: ThrowawayKey, password: &str, now: Timestamp) -> Result<Vec<u8>, ThrowawayError> {
    let (root_key, signer_key) = (key(kind)?, key(kind)?);
    let (root_name, signer_name) = (name(ROOT_NAME)?, name(SIGNER_NAME)?);
    let mut root = begin(&root_name, &root_name, &root_key, now)?;
    root.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    root.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let identifier = SubjectKeyIdentifier::new().build(&root.x509v3_context(None, None))?;
    root.append_extension(identifier)?;
    root.sign(&root_key, MessageDigest::sha256())?;
    let root = root.build();
    let signer = signer(&signer_name, &signer_key, &root, &root_key, now)?;
    let mut issuers = Stack::new()?;
    issuers.push(root)?;
    let mut pkcs12 = Pkcs12::builder();
    pkcs12
        .name("recipisa")
        .pkey(&signer_key)
        .cert(&signer)
        .ca(issuers);
    Ok(pkcs12.build2(password)?.to_der()?)
}

fn signer(
    subject: &X509NameRef,
    key: &PKey<Private>,
    root: &X509,
    root_key: &PKey<Private>,
    now: Timestamp,
) -> Result<X509, ErrorStack> {
    let mut signer = begin(subject, root.subject_name(), key, now)?;
    signer.append_extension(BasicConstraints::new().critical().build()?)?;
    signer.append_extension(
        KeyUsage::new()
            .critical()
            .digital_signature()
            .non_repudiation()
            .build()?,
    )?;
    let context = signer.x509v3_context(Some(root), None);
    let own = SubjectKeyIdentifier::new().build(&context)?;
    let issuer = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
    signer.append_extension(own)?;
    signer.append_extension(issuer)?;
    signer.sign(root_key, MessageDigest::sha256())?;
    Ok(signer.build())
}

fn key(kind: ThrowawayKey) -> Result<PKey<Private>, ErrorStack> {
    match kind {
        ThrowawayKey::P256 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            PKey::from_ec_key(EcKey::generate(&group)?)
        }
        ThrowawayKey::Rsa2048 => PKey::from_rsa(Rsa::generate(2048)?),
        ThrowawayKey::Rsa3072 => PKey::from_rsa(Rsa::generate(3072)?),
    }
}

fn name(common: &str) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    name.append_entry_by_text("C", "RO")?;
    name.append_entry_by_text("O", "recipisa")?;
    name.append_entry_by_text("CN", common)?;
    Ok(name.build())
}

fn begin(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    now: Timestamp,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::MAYBE_ZERO, false)?;
    let serial: Asn1Integer = serial.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    let (from, until) = (
        now - SignedDuration::from_hours(24),
        now + SignedDuration::from_hours(24 * 365),
    );
    let (from, until) = (
        Asn1Time::from_unix(from.as_second())?,
        Asn1Time::from_unix(until.as_second())?,
    );
    builder.set_not_before(&from)?;
    builder.set_not_after(&until)?;
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::signing::pkcs12::{Pkcs12Error, Pkcs12Signer};
    use crate::receipt::signature::{Signer, qualified};

    fn now() -> Timestamp {
        "2026-11-20T07:00:00Z".parse().unwrap()
    }

    #[test]
    fn each_kind_opens_signs_and_is_not_qualified() {
        for kind in [ThrowawayKey::P256, ThrowawayKey::Rsa2048, ThrowawayKey::Rsa3072] {
            let signer = Pkcs12Signer::open(&make(kind, "parolă", now()).unwrap(), "parolă").unwrap();
            assert_eq!(signer.certificate_chain().len(), 2);
            assert_eq!(signer.name(), SIGNER_NAME);
            assert!(!qualified(&signer.certificate_chain()[0]));
            assert!(signer.validity().check(now()).is_ok());
        }
    }

    #[test]
    fn a_wrong_password_or_file_is_refused_for_its_own_reason() {
        let file = make(ThrowawayKey::P256, "una", now()).unwrap();
        assert!(matches!(
            Pkcs12Signer::open(&file, "alta"),
            Err(Pkcs12Error::Password(_))
        ));
        assert!(matches!(
            Pkcs12Signer::open(b"text", "una"),
            Err(Pkcs12Error::Format(_))
        ));
    }

    #[test]
    fn validity_ends() {
        let signer = Pkcs12Signer::open(&make(ThrowawayKey::P256, "", now()).unwrap(), "").unwrap();
        let later = now() + SignedDuration::from_hours(24 * 366);
        let earlier = now() - SignedDuration::from_hours(48);
        assert!(matches!(
            signer.validity().check(later),
            Err(Pkcs12Error::Expired { .. })
        ));
        assert!(matches!(
            signer.validity().check(earlier),
            Err(Pkcs12Error::NotYetValid { .. })
        ));
    }

    #[test]
    fn weak_and_foreign_keys_are_refused() {
        let cases = [
            (PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap(), "1024"),
            (
                PKey::from_ec_key(
                    EcKey::generate(&EcGroup::from_curve_name(Nid::SECP384R1).unwrap()).unwrap(),
                )
                .unwrap(),
                "P-256",
            ),
        ];
        for (key, words) in cases {
            let name = name("probă").unwrap();
            let mut certificate = begin(&name, &name, &key, now()).unwrap();
            certificate.sign(&key, MessageDigest::sha256()).unwrap();
            let mut pkcs12 = Pkcs12::builder();
            pkcs12.pkey(&key).cert(&certificate.build());
            let file = pkcs12.build2("p").unwrap().to_der().unwrap();
            let error = Pkcs12Signer::open(&file, "p").err().unwrap();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
