//! CMS and PKCS#7 (RFC 5652, RFC 2315), as DER, BER, PEM or bare base64: a SignedData with at least one
//! signer. A
//! document inside is examined in its turn. The structure is read only as far as the verdict needs, with
//! certificates
//! left closed, so that an oddity in somebody's certificate does not refuse a citizen's document. Signatures
//! are not
//! verified here.

use std::borrow::Cow;

use data_encoding::BASE64;
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::super::examine_at;
use super::super::{Severity, Verdict};
use super::{Checked, Code, Detected, File, Format, Limits, ber};

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
        let message = match binary(file.bytes).and_then(|bytes| {
            let element = outer_element(&bytes)?;
            if element.len() < bytes.trim_ascii_end().len() {
                checked.found(
                    Code::CmsTrailingBytes,
                    format!("{} bytes", bytes.len() - element.len()),
                );
            }
            open(element)
        }) {
            Ok(message) => message,
            Err((code, detail)) => {
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

/// Whether the bytes begin as ContentInfo: SEQUENCE of a content type.
pub(super) fn is_content_info(bytes: &[u8]) -> bool {
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
fn armoured(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = &bytes[..bytes.len().min(ARMOUR_WITHIN_BYTES)];
    let begin = start.windows(11).position(|window| window == b"-----BEGIN ")?;
    let rest = &start[begin + 11..];
    let label_end = rest.windows(5).position(|window| window == b"-----")?;
    Some((&rest[..label_end], &bytes[begin + 11 + label_end + 5..]))
}

/// The message as bytes, with any armour taken off.
fn binary(bytes: &[u8]) -> Result<Cow<'_, [u8]>, (Code, String)> {
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
        Ok(_) if is_cut => Err((Code::CmsTruncated, "no END line".to_owned())),
        Ok(message) => Ok(Cow::Owned(message)),
        Err(error) if is_cut => Err((Code::CmsTruncated, format!("no END line; base64: {error}"))),
        Err(error) => Err((Code::CmsDamaged, format!("base64: {error}"))),
    }
}

/// The outermost element alone, without what may follow it.
fn outer_element(bytes: &[u8]) -> Result<&[u8], (Code, String)> {
    match ber::outer_length(bytes) {
        Ok(Some(length)) => bytes
            .get(..length)
            .ok_or_else(|| (Code::CmsTruncated, format!("{} of {length} bytes", bytes.len()))),
        Ok(None) => Ok(bytes),
        Err(error) => Err((Code::CmsDamaged, error.to_string())),
    }
}

/// A signed message, as far as it is read.
#[derive(Debug)]
struct Message {
    signers: usize,
    content: Option<Vec<u8>>,
}

/// Reads the message as DER, and where that fails as BER.
fn open(element: &[u8]) -> Result<Message, (Code, String)> {
    match read(element) {
        Ok(opened) => opened,
        Err(strict) => {
            let (definite, _) = ber::definite(element).map_err(|error| {
                let code = match error {
                    ber::Error::Truncated => Code::CmsTruncated,
                    ber::Error::TooDeep | ber::Error::Unusual => Code::CmsDamaged,
                };
                (code, format!("BER: {error}"))
            })?;
            let damaged = |error| (Code::CmsDamaged, format!("DER: {strict}; BER: {error}"));
            read(&definite).map_err(damaged)?
        }
    }
}

type Opened = Result<Message, (Code, String)>;

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
            Ok(Err((Code::CmsEnveloped, format!("content type {content_type}"))))
        }
        other => {
            rest(&mut info)?;
            Ok(Err((Code::CmsNotSigned, format!("content type {other}"))))
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
        return Ok(Err((Code::CmsCertificatesOnly, "no signer".to_owned())));
    }
    // The content is an OCTET STRING in CMS and may be anything in PKCS#7; either way its value is the
    // document.
    let document = document
        .map(|explicit| AnyRef::from_der(explicit.value()))
        .transpose()?;
    Ok(Ok(Message {
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
