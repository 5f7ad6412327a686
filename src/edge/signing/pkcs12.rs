//! A signing key from a PKCS#12 file (RFC 7292): one key, its certificate and the issuers' certificates.
//!
//! It refuses what a receipt must not be signed with: short or unknown keys, a key that is not the
//! certificate's, a certificate that is not valid now. It leaves out reading the file and its password.

use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{Id, PKey, PKeyRef, Private, Public};
use openssl::sign::{Signer as Signing, Verifier};
use openssl::x509::X509;
use thiserror::Error;

use crate::receipt::signature::{Algorithm, SignError, Signer};

/// Shortest RSA key, in bits.
const RSA_BITS_MIN: u32 = 2048;

/// Why a PKCS#12 file gives no signer. Each text says what is the matter and what to do.
#[derive(Debug, Error)]
pub enum Pkcs12Error {
    #[error("this is not a PKCS#12 file (.p12 or .pfx); export the key and its certificates in that format")]
    Format(#[source] ErrorStack),
    #[error("the password does not open the PKCS#12 file; check the password file or credential")]
    Password(#[source] ErrorStack),
    #[error(
        "the PKCS#12 file cannot be decrypted, perhaps because its cipher is old; export it again with AES-256"
    )]
    Cipher(#[source] ErrorStack),
    #[error("the PKCS#12 file holds no private key; export it again together with the key")]
    NoKey,
    #[error("the PKCS#12 file holds no certificate for its key; export it again with the certificate")]
    NoCertificate,
    #[error("the private key is not the one of the certificate; export both from the same place")]
    Mismatch,
    #[error("the RSA key has {bits} bits, at least {RSA_BITS_MIN} are needed; ask for a new certificate")]
    ShortKey { bits: u32 },
    #[error("the key is neither RSA nor ECDSA on the curve P-256; ask for a certificate with such a key")]
    UnknownKey,
    #[error("the certificate becomes valid only on {from}; check the clock, or wait until then")]
    NotYetValid { from: Timestamp },
    #[error(
        "the certificate has been invalid since {until}; renew it and point the configuration to the new file"
    )]
    Expired { until: Timestamp },
    #[error("the certificate's time of validity cannot be read; ask its issuer for a new one")]
    Validity(#[source] ErrorStack),
    #[error("the key does not sign, or its signature does not verify; export the file again")]
    SelfTest(#[source] Option<ErrorStack>),
    #[error("the certificates cannot be encoded")]
    Encoding(#[source] ErrorStack),
}

/// A key from a PKCS#12 file that has passed its self-test.
pub struct Pkcs12Signer {
    key: PKey<Private>,
    algorithm: Algorithm,
    chain: Vec<Vec<u8>>,
    validity: Validity,
    name: String,
}

/// From when until when a certificate is valid, both included (RFC 5280 §4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Pkcs12Signer {
    /// Opens the file's bytes and signs and verifies once.
    ///
    /// # Errors
    /// [`Pkcs12Error`]. Whether the certificate is valid at a moment is asked with [`Self::validity`].
    pub fn open(file: &[u8], password: &str) -> Result<Self, Pkcs12Error> {
        let pkcs12 = Pkcs12::from_der(file).map_err(Pkcs12Error::Format)?;
        let parts = pkcs12.parse2(password).map_err(locked)?;
        let key = parts.pkey.ok_or(Pkcs12Error::NoKey)?;
        let certificate = parts.cert.ok_or(Pkcs12Error::NoCertificate)?;
        let public = certificate.public_key().map_err(|_| Pkcs12Error::UnknownKey)?;
        if !public.public_eq(&key) {
            return Err(Pkcs12Error::Mismatch);
        }
        let algorithm = algorithm(&public)?;
        let mut chain = vec![certificate.to_der().map_err(Pkcs12Error::Encoding)?];
        chain.extend(issuers(
            &certificate,
            parts.ca.iter().flatten().map(ToOwned::to_owned).collect(),
        )?);
        let name = common_name(&certificate);
        let signer = Self {
            validity: validity_of(&certificate)?,
            key,
            algorithm,
            chain,
            name,
        };
        signer.self_test(&public)?;
        Ok(signer)
    }

    /// From when until when the signer's certificate is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Common name of the signer's certificate, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn self_test(&self, public: &PKeyRef<Public>) -> Result<(), Pkcs12Error> {
        let message = b"recipisa self-test";
        let failed = |error| Pkcs12Error::SelfTest(Some(error));
        let signature = self.sign_with_key(message).map_err(failed)?;
        let mut verifier = Verifier::new(MessageDigest::sha256(), public).map_err(failed)?;
        match verifier.verify_oneshot(&signature, message).map_err(failed)? {
            true => Ok(()),
            false => Err(Pkcs12Error::SelfTest(None)),
        }
    }

    fn sign_with_key(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        Signing::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(message)
    }
}

impl Signer for Pkcs12Signer {
    fn certificate_chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.sign_with_key(message)
            .map_err(|error| SignError::Key(error.into()))
    }
}

impl Validity {
    /// Refuses a certificate that is not valid at `now`.
    ///
    /// # Errors
    /// [`Pkcs12Error::NotYetValid`] or [`Pkcs12Error::Expired`].
    pub fn check(self, now: Timestamp) -> Result<(), Pkcs12Error> {
        if now < self.from {
            Err(Pkcs12Error::NotYetValid { from: self.from })
        } else if now > self.until {
            Err(Pkcs12Error::Expired { until: self.until })
        } else {
            Ok(())
        }
    }
}

/// Tells a wrong password from a file that this OpenSSL cannot decrypt.
fn locked(error: ErrorStack) -> Pkcs12Error {
    if error
        .errors()
        .iter()
        .any(|one| one.reason() == Some("mac verify failure"))
    {
        Pkcs12Error::Password(error)
    } else {
        Pkcs12Error::Cipher(error)
    }
}

fn algorithm(public: &PKeyRef<Public>) -> Result<Algorithm, Pkcs12Error> {
    match public.id() {
        Id::RSA if public.bits() < RSA_BITS_MIN => Err(Pkcs12Error::ShortKey { bits: public.bits() }),
        Id::RSA => Ok(Algorithm::RsaPkcs1Sha256),
        Id::EC => {
            let curve = public.ec_key().ok().and_then(|key| key.group().curve_name());
            if curve == Some(Nid::X9_62_PRIME256V1) {
                Ok(Algorithm::EcdsaP256Sha256)
            } else {
                Err(Pkcs12Error::UnknownKey)
            }
        }
        _ => Err(Pkcs12Error::UnknownKey),
    }
}

/// The certificates that issued each other, from the signer upwards; strangers in the file are left out.
fn issuers(signer: &X509, mut offered: Vec<X509>) -> Result<Vec<Vec<u8>>, Pkcs12Error> {
    let mut chain = Vec::new();
    let mut current = signer.to_owned();
    while let Some(index) = offered.iter().position(|issuer| issued(issuer, &current)) {
        current = offered.swap_remove(index);
        chain.push(current.to_der().map_err(Pkcs12Error::Encoding)?);
    }
    Ok(chain)
}

fn issued(issuer: &X509, subject: &X509) -> bool {
    issuer
        .public_key()
        .and_then(|key| subject.verify(&key))
        .unwrap_or(false)
}

fn common_name(certificate: &X509) -> String {
    let entry = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next();
    entry
        .and_then(|entry| entry.data().to_string().ok())
        .unwrap_or_default()
}

fn validity_of(certificate: &X509) -> Result<Validity, Pkcs12Error> {
    let instant = |time: &Asn1TimeRef| instant(time).map_err(Pkcs12Error::Validity);
    Ok(Validity {
        from: instant(certificate.not_before())?,
        until: instant(certificate.not_after())?,
    })
}

/// From when until when a certificate (DER) is valid; for those who know only a signer's chain.
///
/// # Errors
/// It cannot be read.
pub fn validity(certificate_der: &[u8]) -> Result<Validity, Pkcs12Error> {
    validity_of(&X509::from_der(certificate_der).map_err(Pkcs12Error::Validity)?)
}

fn instant(time: &Asn1TimeRef) -> Result<Timestamp, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    Ok(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
}
