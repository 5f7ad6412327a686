//! What a file is called: as its sender named it, else as its Content-ID or Content-Location does, else by a number.

use mail_parser::{Header, HeaderName, Message, MessagePart, MimeHeaders};

use super::parameters::Parameters;

/// What a file without a name is, by its first bytes; the extension is for people, the verdict looks at the content.
const BEGINNINGS: [(&[u8], &str); 10] = [
    (b"%PDF-", "pdf"),
    (b"\xFF\xD8\xFF", "jpg"),
    (b"\x89PNG\r\n", "png"),
    (b"<?xml", "xml"),
    (b"GIF8", "gif"),
    (b"II*\0", "tif"),
    (b"MM\0*", "tif"),
    (b"PK\x03\x04", "zip"),
    (b"Rar!", "rar"),
    (b"\x78\x9F\x3E\x22", "dat"),
];

/// The same by the declared type.
const DECLARED: [(&str, &str); 16] = [
    ("application/pdf", "pdf"),
    ("image/jpeg", "jpg"),
    ("image/jpg", "jpg"),
    ("image/png", "png"),
    ("image/heic", "heic"),
    ("image/tiff", "tif"),
    ("image/gif", "gif"),
    ("text/xml", "xml"),
    ("application/xml", "xml"),
    ("application/pkcs7-mime", "p7m"),
    ("application/x-pkcs7-mime", "p7m"),
    ("application/zip", "zip"),
    ("text/plain", "txt"),
    ("text/html", "html"),
    ("text/calendar", "ics"),
    ("message/rfc822", "eml"),
];

/// The name that the sender gave: `filename` of Content-Disposition, else `name` of Content-Type (RFC 2183, 2231,
/// 2047); where there is neither, a Content-ID or Content-Location that reads like a file name.
pub(super) fn of_part(parsed: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    let parameter = |field, names: [&str; 2]| {
        let parameters = Parameters::of(raw(parsed, part, field)?);
        names.into_iter().find_map(|name| parameters.text(name))
    };
    parameter(HeaderName::ContentDisposition, ["filename", "name"])
        .or_else(|| parameter(HeaderName::ContentType, ["name", "filename"]))
        .or_else(|| named_by_id(part))
}

/// Whether the sender gave the part a name as names are given.
pub(super) fn is_named(part: &MessagePart<'_>) -> bool {
    part.attachment_name().is_some()
}

fn raw<'a>(parsed: &'a Message<'_>, part: &MessagePart<'_>, name: HeaderName<'static>) -> Option<&'a [u8]> {
    let header: &Header<'_> = part.headers.iter().rev().find(|header| header.name == name)?;
    let range = header.offset_start as usize..header.offset_end as usize;
    parsed.raw_message.get(range).map(<[u8]>::trim_ascii)
}

/// Outlook calls a picture `<image001.png@01DC5A3B.7F2E1D00>` and nothing else.
fn named_by_id(part: &MessagePart<'_>) -> Option<String> {
    let id = part
        .content_id()
        .unwrap_or_default()
        .trim_matches(['<', '>', ' ']);
    let local = id.split('@').next().unwrap_or_default();
    let location = part.content_location().unwrap_or_default();
    let last = location.rsplit(['/', '\\']).next().unwrap_or_default();
    [local, last]
        .into_iter()
        .find(|name| reads_like_file(name))
        .map(str::to_owned)
}

fn reads_like_file(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && (2..=5).contains(&extension.len())
            && extension.chars().all(|letter| letter.is_ascii_alphanumeric())
            && extension.chars().any(|letter| letter.is_ascii_alphabetic())
    })
}

/// The name of the `ordinal`-th file of a mail, which its sender has given none: `atasament-03.pdf`.
pub(super) fn by_number(ordinal: usize, declared: &str, bytes: &[u8]) -> String {
    let by_content = BEGINNINGS
        .iter()
        .find(|(beginning, _)| bytes.starts_with(beginning))
        .map(|(_, extension)| *extension);
    let by_type = || {
        DECLARED
            .iter()
            .find(|(known, _)| *known == declared)
            .map(|(_, extension)| *extension)
    };
    let extension = by_content.or_else(by_type).unwrap_or("bin");
    format!("atasament-{ordinal:02}.{extension}")
}
