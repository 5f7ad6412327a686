//! Kinds of files that are recognised but not accepted, and what the citizen is told to do instead.
//! Containers that need a look inside (ZIP, OLE, ISO media) are told apart in [`container`].

use super::File;
use super::detect::Detected;
use super::formats::markup::{self, Root};
use crate::message::{begins_like_mail, begins_like_pgp_message};

mod container;

/// Signatures at the first byte, most telling first.
const SIGNATURES: &[(&[u8], Detected)] = &[
    (b"MZ", Detected::Exe),
    (b"\x7fELF", Detected::Exe),
    (b"\xfe\xed\xfa\xce", Detected::Exe),
    (b"\xfe\xed\xfa\xcf", Detected::Exe),
    (b"\xce\xfa\xed\xfe", Detected::Exe),
    (b"\xcf\xfa\xed\xfe", Detected::Exe),
    (b"\xca\xfe\xba\xbe", Detected::Exe),
    (b"\x00asm", Detected::Exe),
    (b"L\x00\x00\x00\x01\x14\x02\x00", Detected::Exe),
    (b"#!AMR", Detected::Audio),
    (b"#!", Detected::Exe),
    (b"@echo off", Detected::Exe),
    (b"Rar!\x1a\x07", Detected::Rar),
    (b"7z\xbc\xaf\x27\x1c", Detected::SevenZip),
    (b"\x1f\x8b", Detected::Gzip),
    (b"BZh", Detected::Archive),
    (b"\xfd7zXZ\x00", Detected::Archive),
    (b"\x28\xb5\x2f\xfd", Detected::Archive),
    (b"MSCF", Detected::Archive),
    (b"GIF87a", Detected::Gif),
    (b"GIF89a", Detected::Gif),
    (b"II*\x00", Detected::Tiff),
    (b"II+\x00", Detected::Tiff),
    (b"MM\x00*", Detected::Tiff),
    (b"MM\x00+", Detected::Tiff),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Detected::Jpeg2000),
    (b"\xff\x4f\xff\x51", Detected::Jpeg2000),
    (b"{\\rtf", Detected::Rtf),
    (b"\x78\x9f\x3e\x22", Detected::Tnef),
    (b"ID3", Detected::Audio),
    (b"OggS", Detected::Audio),
    (b"fLaC", Detected::Audio),
    (b"MThd", Detected::Audio),
    (b"\xff\xfb", Detected::Audio),
    (b"\xff\xf3", Detected::Audio),
    (b"\xff\xf1", Detected::Audio),
    (b"\x1a\x45\xdf\xa3", Detected::Video),
    (b"\x00\x00\x01\xba", Detected::Video),
    (b"FLV\x01", Detected::Video),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Detected::Video),
];

/// The foreign kind that the file's signature names beyond doubt.
pub(crate) fn by_signature(file: &File<'_>) -> Option<Detected> {
    let bytes = file.bytes;
    if bytes.is_empty() {
        return Some(Detected::Empty);
    }
    if bytes.starts_with(b"PK\x03\x04")
        || bytes.starts_with(b"PK\x05\x06")
        || bytes.starts_with(b"PK\x07\x08")
    {
        return Some(container::zip(bytes));
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(container::ole(file));
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some(container::iso_media(bytes));
    }
    if bytes.starts_with(b"RIFF") {
        return Some(match bytes.get(8..12) {
            Some(b"WEBP") => Detected::Webp,
            Some(b"WAVE") => Detected::Audio,
            Some(b"AVI ") => Detected::Video,
            Some(_) | None => Detected::Unknown,
        });
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Some(Detected::Tar);
    }
    if is_bitmap(bytes) {
        return Some(Detected::Bmp);
    }
    let known = SIGNATURES
        .iter()
        .find(|(signature, _)| bytes.starts_with(signature));
    if let Some((_, detected)) = known {
        return Some(*detected);
    }
    match markup::root(bytes) {
        Root::Html => Some(Detected::Html),
        Root::Svg => Some(Detected::Svg),
        Root::Other | Root::None => None,
    }
}

/// `BM` alone is too short to be a proof: the four reserved bytes of a bitmap's header must be zero too.
fn is_bitmap(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BM") && bytes.get(6..10) == Some(&[0; 4])
}

/// The foreign kind that the bytes look like, asked only when no accepted format fits.
pub(crate) fn by_appearance(file: &File<'_>) -> Detected {
    let bytes = file.bytes;
    if is_certificate(bytes) {
        return Detected::Certificate;
    }
    if begins_like_pgp_message(bytes) {
        return Detected::Pgp;
    }
    let start = &bytes[..bytes.len().min(4096)];
    if begins_like_mail(start) {
        return Detected::Email;
    }
    let printable = start
        .iter()
        .filter(|byte| !matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127))
        .count();
    let is_wide = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
    match printable == start.len() || is_wide {
        true => Detected::PlainText,
        false => Detected::Unknown,
    }
}

/// A certificate in PEM, or in DER by its first fields: SEQUENCE, SEQUENCE, \[0\] version (RFC 5280 §4.1).
fn is_certificate(bytes: &[u8]) -> bool {
    bytes
        .trim_ascii_start()
        .starts_with(b"-----BEGIN CERTIFICATE-----")
        || (bytes.starts_with(&[0x30, 0x82])
            && bytes.get(4..6) == Some(&[0x30, 0x82])
            && bytes.get(8..11) == Some(&[0xa0, 0x03, 0x02]))
}

/// What the citizen is told about a kind that is not accepted: what is wrong, and the one step to do.
#[expect(clippy::too_many_lines, reason = "a table of texts, one arm a kind")]
pub(crate) fn remedy_ro(detected: Detected) -> &'static str {
    match detected {
        Detected::Jpeg | Detected::Png | Detected::Pdf | Detected::Xml | Detected::Cms => {
            "Fișierul este de un tip acceptat, dar nu a putut fi verificat. Vă rugăm să îl trimiteți din nou."
        }
        Detected::Heic => {
            "Fotografiile HEIC nu pot fi primite. Pe iPhone alegeți Setări › Cameră › Formate › Cea mai \
             compatibilă, fotografiați din nou și trimiteți fotografia JPEG."
        }
        Detected::Avif | Detected::Webp | Detected::Gif | Detected::Bmp | Detected::Jpeg2000 => {
            "Acest tip de imagine nu poate fi primit. Vă rugăm să salvați imaginea ca JPEG, PNG sau PDF și \
             să o trimiteți din nou."
        }
        Detected::Tiff => {
            "Imaginile TIFF nu pot fi primite. Vă rugăm să alegeți la scanare PDF sau JPEG și să trimiteți \
             fișierul nou."
        }
        Detected::Svg => {
            "Desenele SVG nu pot fi primite. Vă rugăm să salvați desenul ca PDF sau PNG și să îl trimiteți \
             din nou."
        }
        Detected::Docx | Detected::Doc | Detected::Odt | Detected::Rtf => {
            "Documentele de acest tip nu pot fi primite. Vă rugăm să deschideți documentul, să alegeți \
             Salvare ca › PDF și să trimiteți fișierul PDF."
        }
        Detected::Xlsx | Detected::Xls | Detected::Ods => {
            "Tabelele de acest tip nu pot fi primite. Vă rugăm să deschideți tabelul, să alegeți Salvare ca \
             › PDF și să trimiteți fișierul PDF."
        }
        Detected::Pptx | Detected::Ppt | Detected::Odp => {
            "Prezentările nu pot fi primite. Vă rugăm să deschideți prezentarea, să alegeți Salvare ca › \
             PDF și să trimiteți fișierul PDF."
        }
        Detected::Zip
        | Detected::Rar
        | Detected::SevenZip
        | Detected::Gzip
        | Detected::Tar
        | Detected::Archive => {
            "Arhivele nu pot fi primite. Vă rugăm să dezarhivați fișierele și să le atașați separat, ca \
             PDF, JPEG sau PNG."
        }
        Detected::Exe => {
            "Programele nu pot fi primite, din motive de siguranță. Vă rugăm să trimiteți documentul ca \
             PDF, JPEG sau PNG."
        }
        Detected::Html => {
            "Paginile web nu pot fi primite. Vă rugăm să deschideți pagina, să alegeți Tipărire › Salvare \
             ca PDF și să trimiteți fișierul PDF."
        }
        Detected::PlainText => {
            "Fișierele de text simplu nu pot fi primite. Vă rugăm să scrieți textul în mesaj sau să îl \
             salvați ca PDF."
        }
        Detected::Email => {
            "Mesajele atașate nu pot fi primite ca document. Vă rugăm să atașați direct documentele, ca \
             PDF, JPEG sau PNG."
        }
        Detected::Asic => {
            "Containerele ASiC nu pot fi primite. Vă rugăm să trimiteți documentul semnat ca PDF sau ca \
             fișier .p7m."
        }
        Detected::Tnef => {
            "Atașamentele au fost împachetate de Outlook și nu pot fi deschise. Vă rugăm să trimiteți \
             mesajul din nou, în format HTML sau text simplu."
        }
        Detected::Certificate => {
            "Fișierul conține doar un certificat digital. Vă rugăm să trimiteți documentul semnat cu acest \
             certificat."
        }
        Detected::Pgp => {
            "Fișierul este criptat (PGP) și nu îl putem citi. Vă rugăm să opriți criptarea și să trimiteți din \
             nou documentul, ca PDF, JPEG sau PNG."
        }
        Detected::Audio | Detected::Video => {
            "Înregistrările audio și video nu pot fi primite. Vă rugăm să trimiteți documentul ca PDF, JPEG \
             sau PNG."
        }
        Detected::Empty => "Fișierul este gol. Vă rugăm să verificați documentul și să îl trimiteți din nou.",
        Detected::Unknown => {
            "Nu am recunoscut tipul fișierului. Vă rugăm să trimiteți documentul ca PDF, JPEG sau PNG."
        }
    }
}
