//! Signed envelopes that a mail or a file comes in: CMS and PKCS#7 (RFC 5652, RFC 2315) as DER, BER, PEM or bare
//! base64. Read only as far as what they carry, with certificates left closed, so that an oddity in somebody's
//! certificate does not close a citizen's letter. Signatures are not verified here.
//!
//! It stands in this module because both the reading of mails (S/MIME) and the examination of files need it, and the
//! latter may name the former.

use std::borrow::Cow;

use data_encoding::BASE64;
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, Tagged};

mod ber;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
const SIGNED_AND_ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.4");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const AUTH_ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.23");

/// How the content types begin that a CMS message can have: PKCS#7's arc and the S/MIME arc of content types.
const TYPE_PREFIXES: [&[u8]; 2] = [
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07",
    b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01",
];

/// Armour may come after a few lines for people, as OpenSSL prints them.
const ARMOUR_WITHIN_BYTES: usize = 4096;

/// Why an envelope could not be opened, each with a detail for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Closed {
    Truncated(String),
    Damaged(String),
    /// Encrypted.
    Enveloped(String),
    NotSigned(String),
    /// Certificates and no signer (RFC 5652 §5.1, "certs-only").
    CertificatesOnly(String),
}

/// A signed message, as far as it is read.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) signers: usize,
    /// What was signed; `None` when it stands elsewhere (a detached signature).
    pub(crate) content: Option<Vec<u8>>,
}

/// Opens an envelope in whatever form it came, passing over what may follow it.
pub(crate) fn unseal(bytes: &[u8]) -> Result<Signed, Closed> {
    open(outer_element(&binary(bytes)?)?)
}

/// Whether the bytes begin as ContentInfo: SEQUENCE of a content type.
pub(crate) fn is_content_info(bytes: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = bytes else {
        return false;
    };
    let octets = if *length > 0x80 {
        usize::from(length & 0x7f)
    } else {
        0
    };
    octets <= 4
        && rest
            .get(octets..)
            .is_some_and(|rest| TYPE_PREFIXES.iter().any(|prefix| rest.starts_with(prefix)))
}

/// The label of the first `-----BEGIN …-----` line near the start, and what follows the line (RFC 7468).
pub(crate) fn armoured(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = &bytes[..bytes.len().min(ARMOUR_WITHIN_BYTES)];
    let begin = start.windows(11).position(|window| window == b"-----BEGIN ")?;
    let rest = &start[begin + 11..];
    let label_end = rest.windows(5).position(|window| window == b"-----")?;
    Some((&rest[..label_end], &bytes[begin + 11 + label_end + 5..]))
}

/// The message as bytes, with any armour taken off.
pub(crate) fn binary(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Closed> {
    if is_content_info(bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    let (text, is_cut) = match armoured(bytes) {
        None => (bytes, false),
        Some((_, body)) => match body.windows(9).position(|window| window == b"-----END ") {
            Some(end) => (&body[..end], false),
            None => (body, true),
        },
    };
    let letters: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    match BASE64.decode(&letters) {
        Ok(_) if is_cut => Err(Closed::Truncated("no END line".to_owned())),
        Ok(message) => Ok(Cow::Owned(message)),
        Err(error) if is_cut => Err(Closed::Truncated(format!("no END line; base64: {error}"))),
        Err(error) => Err(Closed::Damaged(format!("base64: {error}"))),
    }
}

/// The outermost element alone, without what may follow it.
pub(crate) fn outer_element(bytes: &[u8]) -> Result<&[u8], Closed> {
    match ber::outer_length(bytes) {
        Ok(Some(length)) => bytes
            .get(..length)
            .ok_or_else(|| Closed::Truncated(format!("{} of {length} bytes", bytes.len()))),
        Ok(None) => Ok(bytes),
        Err(error) => Err(Closed::Damaged(error.to_string())),
    }
}

/// Reads the message as DER, and where that fails as BER.
pub(crate) fn open(element: &[u8]) -> Result<Signed, Closed> {
    match read(element) {
        Ok(opened) => opened,
        Err(strict) => {
            let (definite, _) = ber::definite(element).map_err(|error| {
                let detail = format!("BER: {error}");
                match error {
                    ber::Error::Truncated => Closed::Truncated(detail),
                    ber::Error::TooDeep | ber::Error::Unusual => Closed::Damaged(detail),
                }
            })?;
            let damaged = |error| Closed::Damaged(format!("DER: {strict}; BER: {error}"));
            read(&definite).map_err(damaged)?
        }
    }
}

type Opened = Result<Signed, Closed>;

/// ContentInfo (RFC 5652 §3). The outer error means that the bytes are not DER, the inner one is a verdict.
fn read(bytes: &[u8]) -> der::Result<Opened> {
    let mut info = fields(AnyRef::from_der(bytes)?)?;
    let content_type = ObjectIdentifier::decode(&mut info)?;
    match content_type {
        SIGNED_DATA => {
            let explicit = AnyRef::decode(&mut info)?;
            let content = AnyRef::from_der(explicit.value())?;
            info.finish(signed_data(content)?)
        }
        ENVELOPED_DATA | SIGNED_AND_ENVELOPED_DATA | ENCRYPTED_DATA | AUTH_ENVELOPED_DATA => {
            rest(&mut info)?;
            Ok(Err(Closed::Enveloped(format!("content type {content_type}"))))
        }
        other => {
            rest(&mut info)?;
            Ok(Err(Closed::NotSigned(format!("content type {other}"))))
        }
    }
}

/// SignedData (RFC 5652 §5.1): version, digest algorithms, content, \[0\] certificates, \[1\] CRLs, signers.
fn signed_data(content: AnyRef<'_>) -> der::Result<Opened> {
    let mut content = fields(content)?;
    AnyRef::decode(&mut content)?.tag().assert_eq(Tag::Integer)?;
    AnyRef::decode(&mut content)?.tag().assert_eq(Tag::Set)?;
    let mut encapsulated = fields(AnyRef::decode(&mut content)?)?;
    ObjectIdentifier::decode(&mut encapsulated)?;
    let document = match encapsulated.is_finished() {
        true => None,
        false => Some(AnyRef::decode(&mut encapsulated)?),
    };
    encapsulated.finish(())?;
    let mut last = AnyRef::decode(&mut content)?;
    while !content.is_finished() {
        last = AnyRef::decode(&mut content)?;
    }
    last.tag().assert_eq(Tag::Set)?;
    let mut signers = 0;
    let mut infos = SliceReader::new(last.value())?;
    while !infos.is_finished() {
        signer_info(AnyRef::decode(&mut infos)?)?;
        signers += 1;
    }
    if signers == 0 {
        return Ok(Err(Closed::CertificatesOnly("no signer".to_owned())));
    }
    // The content is an OCTET STRING in CMS and may be anything in PKCS#7; either way its value is the
    // document.
    let document = document
        .map(|explicit| AnyRef::from_der(explicit.value()))
        .transpose()?;
    Ok(Ok(Signed {
        signers,
        content: document.map(|document| document.value().to_vec()),
    }))
}

/// SignerInfo (RFC 5652 §5.3), of which only the shape is looked at: a version, a signature, algorithms
/// between.
fn signer_info(info: AnyRef<'_>) -> der::Result<()> {
    let mut info = fields(info)?;
    AnyRef::decode(&mut info)?.tag().assert_eq(Tag::Integer)?;
    AnyRef::decode(&mut info)?;
    AnyRef::decode(&mut info)?.tag().assert_eq(Tag::Sequence)?;
    let mut algorithm = AnyRef::decode(&mut info)?;
    if algorithm.tag().is_context_specific() {
        algorithm = AnyRef::decode(&mut info)?;
    }
    algorithm.tag().assert_eq(Tag::Sequence)?;
    AnyRef::decode(&mut info)?.tag().assert_eq(Tag::OctetString)?;
    rest(&mut info)
}

/// A reader of the fields of a SEQUENCE.
fn fields(sequence: AnyRef<'_>) -> der::Result<SliceReader<'_>> {
    sequence.tag().assert_eq(Tag::Sequence)?;
    SliceReader::new(sequence.value())
}

/// Steps over what is left.
fn rest(reader: &mut SliceReader<'_>) -> der::Result<()> {
    while !reader.is_finished() {
        AnyRef::decode(reader)?;
    }
    Ok(())
}
