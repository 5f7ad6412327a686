//! Tells apart the kinds that share a container: ZIP (Office, OpenDocument, ASiC, Java), OLE compound files
//! (old
//! Office, Outlook, installers) and ISO media (HEIC, AVIF, film). Reads names only; nothing is unpacked.

use super::super::File;
use super::super::detect::Detected;

/// How many entries of a ZIP's directory are read at most.
const ENTRIES_MAX: usize = 4096;

/// What a ZIP archive is, by its first entry and the names in its central directory (APPNOTE §4.3).
pub(super) fn zip(bytes: &[u8]) -> Detected {
    if let Some(detected) = mimetype_entry(bytes) {
        return detected;
    }
    let names = entry_names(bytes);
    let has = |wanted: &str| names.iter().any(|name| name.starts_with(wanted.as_bytes()));
    if has("word/") {
        Detected::Docx
    } else if has("xl/") {
        Detected::Xlsx
    } else if has("ppt/") {
        Detected::Pptx
    } else if has("AndroidManifest.xml") || has("META-INF/MANIFEST.MF") {
        Detected::Exe
    } else if has("META-INF/signatures") || has("META-INF/signature.p7s") || has("META-INF/ASiCManifest") {
        Detected::Asic
    } else {
        Detected::Zip
    }
}

/// OpenDocument and ASiC keep their media type uncompressed in a first entry named `mimetype`.
fn mimetype_entry(bytes: &[u8]) -> Option<Detected> {
    let name_length = usize::from(u16_at(bytes, 26)?);
    let extra_length = usize::from(u16_at(bytes, 28)?);
    if bytes.get(30..30 + name_length)? != b"mimetype" {
        return None;
    }
    let content = bytes.get(30 + name_length + extra_length..)?;
    let kinds: [(&[u8], Detected); 4] = [
        (b"application/vnd.oasis.opendocument.text", Detected::Odt),
        (b"application/vnd.oasis.opendocument.spreadsheet", Detected::Ods),
        (b"application/vnd.oasis.opendocument.presentation", Detected::Odp),
        (b"application/vnd.etsi.asic", Detected::Asic),
    ];
    kinds
        .into_iter()
        .find(|(media, _)| content.starts_with(media))
        .map(|(_, detected)| detected)
}

fn entry_names(bytes: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    let tail_start = bytes.len().saturating_sub(22 + 65_535);
    let end_record = bytes[tail_start..]
        .windows(4)
        .rposition(|window| window == b"PK\x05\x06");
    let directory = end_record
        .and_then(|at| u32_at(bytes, tail_start + at + 16))
        .and_then(|at| usize::try_from(at).ok());
    let mut at = directory.unwrap_or(bytes.len());
    while names.len() < ENTRIES_MAX
        && bytes
            .get(at..)
            .is_some_and(|rest| rest.starts_with(b"PK\x01\x02"))
    {
        let lengths = (
            u16_at(bytes, at + 28),
            u16_at(bytes, at + 30),
            u16_at(bytes, at + 32),
        );
        let (Some(name), Some(extra), Some(comment)) = lengths else {
            break;
        };
        let name_end = at + 46 + usize::from(name);
        let Some(name) = bytes.get(at + 46..name_end) else {
            break;
        };
        names.push(name);
        at = name_end + usize::from(extra) + usize::from(comment);
    }
    if names.is_empty() {
        names.extend(first_name(bytes));
    }
    names
}

/// The first entry's own name: all that is left when the directory is cut off.
fn first_name(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16_at(bytes, 26)?);
    bytes.get(30..30 + length)
}

/// What an OLE compound file is, by the names of its streams ([MS-CFB] §2.6.1: entries of 128 bytes, names in
/// UTF-16LE at their start).
pub(super) fn ole(file: &File<'_>) -> Detected {
    let kinds: [(&str, Detected); 8] = [
        ("__properties_version1.0", Detected::Email),
        ("__nameid_version1.0", Detected::Email),
        ("WordDocument", Detected::Doc),
        ("Workbook", Detected::Xls),
        ("Book", Detected::Xls),
        ("PowerPoint Document", Detected::Ppt),
        ("EncryptedPackage", Detected::Docx),
        (
            "\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3e6a}\u{44b2}\u{482f}",
            Detected::Exe,
        ),
    ];
    let wanted = kinds.map(|(name, detected)| {
        let wide: Vec<u8> = name
            .encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect();
        (wide, detected)
    });
    let found = file.bytes.chunks_exact(128).find_map(|entry| {
        wanted
            .iter()
            .find(|(name, _)| entry.starts_with(name))
            .map(|(_, detected)| *detected)
    });
    match (found, Detected::claimed_by_name(file.name)) {
        // A protected Office file shows only its wrapping, so the name is all there is to tell the program
        // by.
        (Some(Detected::Docx), Some(claimed @ (Detected::Xlsx | Detected::Pptx))) => claimed,
        (Some(detected), _) => detected,
        (None, _) => Detected::Unknown,
    }
}

/// What an ISO media file is, by its major and compatible brands (ISO/IEC 14496-12 §4.3).
pub(super) fn iso_media(bytes: &[u8]) -> Detected {
    let length = u32_at_big(bytes, 0)
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(0);
    let end = length.clamp(12, 256).min(bytes.len());
    let brands = bytes.get(8..end).unwrap_or_default();
    let has = |wanted: &[&[u8; 4]]| {
        brands
            .chunks_exact(4)
            .any(|brand| wanted.iter().any(|one| brand == one.as_slice()))
    };
    let major = brands.get(..4).unwrap_or_default();
    if has(&[b"avif", b"avis"]) {
        Detected::Avif
    } else if has(&[
        b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1",
    ]) {
        Detected::Heic
    } else if major == b"jp2 " || major == b"jpx " {
        Detected::Jpeg2000
    } else if major == b"M4A " || major == b"M4B " {
        Detected::Audio
    } else {
        Detected::Video
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let raw = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(raw.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let raw = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(raw.try_into().ok()?))
}

fn u32_at_big(bytes: &[u8], at: usize) -> Option<u32> {
    let raw = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(raw.try_into().ok()?))
}
