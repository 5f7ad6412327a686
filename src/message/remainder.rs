//! What the parser leaves unread. Behind a forwarded message whose own content is a message it stops at the end of the
//! multipart around it, and the parts of the multiparts further out would be lost.

use mail_parser::{Message, MimeHeaders, PartType};

/// The unread parts as a mail of their own; `None` where all was read, which is the rule.
pub(super) fn of(parsed: &Message<'_>) -> Option<Vec<u8>> {
    if parsed.parts.len() < 2 {
        return None;
    }
    let rest = parsed
        .raw_message
        .get(read_until(parsed) as usize..)?
        .trim_ascii_end();
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

/// Where the last of the parts behind the first ends. A message inside may have taken more than the part that it
/// stands in says; one that was encoded has bytes of its own.
fn read_until(parsed: &Message<'_>) -> u32 {
    let ends = parsed.parts.iter().skip(1).map(|part| match &part.body {
        PartType::Message(inner) if inner.raw_message.len() == parsed.raw_message.len() => {
            part.offset_end.max(read_until(inner))
        }
        PartType::Message(_)
        | PartType::Text(_)
        | PartType::Html(_)
        | PartType::Binary(_)
        | PartType::InlineBinary(_)
        | PartType::Multipart(_) => part.offset_end,
    });
    ends.max().unwrap_or_default()
}

fn begins_part(rest: &[u8], boundary: &str) -> bool {
    let mark = format!("--{boundary}");
    memchr::memmem::find_iter(rest, mark.as_bytes()).any(|at| {
        let after = &rest[at + mark.len()..];
        matches!(after.first(), Some(b'\r' | b'\n' | b' '))
    })
}
