//! Letters that lie in an envelope: S/MIME signed or encrypted (RFC 8551 §3), PGP (RFC 3156, RFC 9580 §6-7). A signed
//! envelope is opened; whether its signature is good is not asked here. An encrypted one stays closed.

use mail_parser::{MessagePart, MimeHeaders};

use super::envelope::{self, Closed};
use super::opening::begins_like_mail;

const PGP_BEGIN: &str = "-----BEGIN PGP MESSAGE-----";
const PGP_END: &str = "-----END PGP MESSAGE-----";

/// What lies in a part that may be an envelope.
pub(super) enum Seal {
    /// A signed letter, as the entity that was signed (RFC 8551 §3.1).
    Letter(Vec<u8>),
    /// An encrypted letter.
    Encrypted,
    /// No letter: a signed document, certificates, or bytes that are not what they claim.
    None,
}

/// Whether a part claims to be an envelope with a letter in it, by its type or, where that was lost on the way, by the
/// name that programs give it.
pub(super) fn is_claimed(declared: &str, name: Option<&str>) -> bool {
    matches!(declared, "application/pkcs7-mime" | "application/x-pkcs7-mime")
        || name.is_some_and(|name| name.eq_ignore_ascii_case("smime.p7m"))
}

/// Opens the envelope as far as the first letter. The bytes decide, whatever `smime-type` says.
pub(super) fn opened(bytes: &[u8]) -> Seal {
    match envelope::unseal(bytes) {
        Ok(signed) => match signed.content {
            Some(content) if begins_like_mail(&content) => Seal::Letter(content),
            Some(_) | None => Seal::None,
        },
        Err(Closed::Enveloped(_)) => Seal::Encrypted,
        Err(
            Closed::Truncated(_) | Closed::Damaged(_) | Closed::NotSigned(_) | Closed::CertificatesOnly(_),
        ) => Seal::None,
    }
}

/// Whether the second part of a `multipart/signed` is the signature, and no file that a gateway has put there.
pub(super) fn is_signature(part: &MessagePart<'_>, declared: &str) -> bool {
    let name = part.attachment_name().unwrap_or_default().to_ascii_lowercase();
    declared.ends_with("-signature") || [".p7s", ".asc", ".sig"].iter().any(|end| name.ends_with(end))
}

/// Whether a text is one PGP message and nothing else.
pub(super) fn is_pgp_message(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(PGP_BEGIN) && text.ends_with(PGP_END) && text.matches(PGP_BEGIN).count() == 1
}

/// Whether a file is a PGP message in its armour.
pub(crate) fn begins_like_pgp_message(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(PGP_BEGIN.as_bytes())
}
