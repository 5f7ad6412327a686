//! A letter's bytes as they may go over the wire: a line ends with CR LF and in no other way (RFC 5321 §2.3.8).
//!
//! Servers differ in what a bare CR or LF means to them; where one takes it for the end of a line, a dot between two of
//! them ends the letter and what follows is taken for commands. No letter of ours has any; this holds even so. Stuffing
//! dots is lettre's.

use std::borrow::Cow;

/// With every bare CR and every bare LF made a CR LF.
pub(super) fn canonical(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !has_bare_end(bytes) {
        return Cow::Borrowed(bytes);
    }
    let mut canonical = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        canonical.extend_from_slice(&rest[..at]);
        canonical.extend_from_slice(b"\r\n");
        let is_pair = rest[at..].starts_with(b"\r\n");
        rest = &rest[at + if is_pair { 2 } else { 1 }..];
    }
    canonical.extend_from_slice(rest);
    Cow::Owned(canonical)
}

fn has_bare_end(bytes: &[u8]) -> bool {
    let mut before = 0;
    for byte in bytes {
        if (*byte == b'\n') != (before == b'\r') {
            return true;
        }
        before = *byte;
    }
    before == b'\r'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cr_lf_ends_a_line() {
        for same in [&b""[..], b"a", b"a\r\n", b"a\r\n.\r\n\r\n"] {
            assert!(
                matches!(canonical(same), Cow::Borrowed(bytes) if bytes == same),
                "{same:?}"
            );
        }
        for (bare, wanted) in [
            (&b"a\n.\nQUIT\r\n"[..], &b"a\r\n.\r\nQUIT\r\n"[..]),
            (b"\na", b"\r\na"),
            (b"a\rb", b"a\r\nb"),
            (b"a\r\r\nb\r", b"a\r\n\r\nb\r\n"),
            (b"a\n\r\n", b"a\r\n\r\n"),
            (b"a\r\n\n", b"a\r\n\r\n"),
        ] {
            assert_eq!(canonical(bare), wanted, "{bare:?}");
        }
    }
}
