//! What the parser leaves unread. Behind a forwarded message whose own content is a message it stops at the end of the
//! multipart around it, and the parts of the multiparts further out would be lost.

use mail_parser::{Message, MimeHeaders};

/// The unread parts as a mail of their own; `None` where all was read, which is the rule.
pub(super) fn of(parsed: &Message<'_>) -> Option<Vec<u8>> {
    let read_until = parsed.parts.iter().skip(1).map(|part| part.offset_end).max()?;
    let rest = parsed.raw_message.get(read_until as usize..)?.trim_ascii_end();
    // Mostly the last boundary alone.
    let boundary = parsed
        .parts
        .iter()
        .filter(|part| part.is_multipart())
        .filter_map(|part| part.content_type()?.attribute("boundary"))
        .find(|boundary| begins_part(rest, boundary))?;
    let quoted = boundary.replace('\\', "\\\\").replace('"', "\\\"");
    let header = format!("Content-Type: multipart/mixed; boundary=\"{quoted}\"\r\n\r\n");
    Some([header.as_bytes(), rest].concat())
}

fn begins_part(rest: &[u8], boundary: &str) -> bool {
    let mark = format!("--{boundary}");
    memchr::memmem::find_iter(rest, mark.as_bytes()).any(|at| {
        let after = &rest[at + mark.len()..];
        matches!(after.first(), Some(b'\r' | b'\n' | b' '))
    })
}
