//! What a file can be: the closed list of kinds, their stable codes and their Romanian names, and what a
//! file's name or declared type claims that it is. How a kind is recognised by content is told in
//! [`super::formats`] for the accepted ones and in [`super::foreign`] for the others.

/// What a file is, judged by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detected {
    /// JPEG picture (ISO/IEC 10918-1); accepted.
    Jpeg,
    /// PNG picture (ISO/IEC 15948); accepted.
    Png,
    /// PDF document (ISO 32000); accepted.
    Pdf,
    /// XML document; accepted.
    Xml,
    /// CMS or PKCS#7 message (RFC 5652); accepted.
    Cms,
    /// Picture of an iPhone (HEIF with HEVC).
    Heic,
    /// AVIF picture.
    Avif,
    /// WebP picture.
    Webp,
    /// GIF picture.
    Gif,
    /// TIFF picture, also the raw formats of cameras built on it.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// JPEG 2000 picture.
    Jpeg2000,
    /// Word document, Office Open XML.
    Docx,
    /// Word document, binary.
    Doc,
    /// Excel workbook, Office Open XML.
    Xlsx,
    /// Excel workbook, binary.
    Xls,
    /// PowerPoint presentation, Office Open XML.
    Pptx,
    /// PowerPoint presentation, binary.
    Ppt,
    /// OpenDocument text.
    Odt,
    /// OpenDocument spreadsheet.
    Ods,
    /// OpenDocument presentation.
    Odp,
    /// Rich Text Format.
    Rtf,
    /// ZIP archive that is none of the kinds built on ZIP.
    Zip,
    /// RAR archive.
    Rar,
    /// 7-Zip archive.
    SevenZip,
    /// gzip.
    Gzip,
    /// tar archive.
    Tar,
    /// Other archives (bzip2, xz, zstd, cabinet).
    Archive,
    /// Program: PE, ELF, Mach-O, installer package, script, shortcut, Java or Android package.
    Exe,
    /// Web page, also as XHTML.
    Html,
    /// SVG drawing.
    Svg,
    /// Plain text.
    PlainText,
    /// E-mail message (.eml or Outlook .msg).
    Email,
    /// Container of documents with signatures (ASiC-E or ASiC-S, ETSI EN 319 162).
    Asic,
    /// Outlook's wrapping of attachments (winmail.dat).
    Tnef,
    /// Certificate alone, without a signed document.
    Certificate,
    /// Encrypted with PGP, in its armour (RFC 9580 §6).
    Pgp,
    /// Sound.
    Audio,
    /// Film.
    Video,
    /// No byte at all.
    Empty,
    /// Nothing that is recognised.
    Unknown,
}

impl Detected {
    /// Whether the procedure accepts the kind at all; its structure still has to be sound.
    pub fn is_accepted(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Pdf | Self::Xml | Self::Cms)
    }

    /// Stable lowercase code, for JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Pdf => "pdf",
            Self::Xml => "xml",
            Self::Cms => "cms",
            Self::Heic => "heic",
            Self::Avif => "avif",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::Jpeg2000 => "jp2",
            Self::Docx => "docx",
            Self::Doc => "doc",
            Self::Xlsx => "xlsx",
            Self::Xls => "xls",
            Self::Pptx => "pptx",
            Self::Ppt => "ppt",
            Self::Odt => "odt",
            Self::Ods => "ods",
            Self::Odp => "odp",
            Self::Rtf => "rtf",
            Self::Zip => "zip",
            Self::Rar => "rar",
            Self::SevenZip => "7z",
            Self::Gzip => "gzip",
            Self::Tar => "tar",
            Self::Archive => "archive",
            Self::Exe => "exe",
            Self::Html => "html",
            Self::Svg => "svg",
            Self::PlainText => "text",
            Self::Email => "email",
            Self::Asic => "asic",
            Self::Tnef => "tnef",
            Self::Certificate => "certificate",
            Self::Pgp => "pgp",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Empty => "empty",
            Self::Unknown => "unknown",
        }
    }

    /// Plain Romanian name, as the citizen reads it on the receipt.
    pub fn name_ro(self) -> &'static str {
        match self {
            Self::Jpeg => "fotografie JPEG",
            Self::Png => "imagine PNG",
            Self::Pdf => "document PDF",
            Self::Xml => "document XML",
            Self::Cms => "document semnat electronic (CMS)",
            Self::Heic => "fotografie HEIC (iPhone)",
            Self::Avif => "imagine AVIF",
            Self::Webp => "imagine WebP",
            Self::Gif => "imagine GIF",
            Self::Tiff => "imagine TIFF",
            Self::Bmp => "imagine BMP",
            Self::Jpeg2000 => "imagine JPEG 2000",
            Self::Docx => "document Word (DOCX)",
            Self::Doc => "document Word (DOC)",
            Self::Xlsx => "registru Excel (XLSX)",
            Self::Xls => "registru Excel (XLS)",
            Self::Pptx => "prezentare PowerPoint (PPTX)",
            Self::Ppt => "prezentare PowerPoint (PPT)",
            Self::Odt => "document OpenDocument (ODT)",
            Self::Ods => "foaie de calcul OpenDocument (ODS)",
            Self::Odp => "prezentare OpenDocument (ODP)",
            Self::Rtf => "document RTF",
            Self::Zip => "arhivă ZIP",
            Self::Rar => "arhivă RAR",
            Self::SevenZip => "arhivă 7-Zip",
            Self::Gzip => "arhivă GZIP",
            Self::Tar => "arhivă TAR",
            Self::Archive => "arhivă",
            Self::Exe => "program sau fișier executabil",
            Self::Html => "pagină web (HTML)",
            Self::Svg => "desen SVG",
            Self::PlainText => "text simplu",
            Self::Email => "mesaj de e-mail",
            Self::Asic => "container de semnături (ASiC)",
            Self::Tnef => "pachet Outlook (winmail.dat)",
            Self::Certificate => "certificat digital",
            Self::Pgp => "fișier criptat (PGP)",
            Self::Audio => "înregistrare audio",
            Self::Video => "înregistrare video",
            Self::Empty => "fișier gol",
            Self::Unknown => "fișier de tip necunoscut",
        }
    }

    /// What the ending of a file's name claims; `None` when there is no ending or it claims nothing known.
    pub fn claimed_by_name(name: &str) -> Option<Self> {
        let (_, extension) = name.trim_end().rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "jfif" | "pjpeg" => Self::Jpeg,
            "png" => Self::Png,
            "pdf" => Self::Pdf,
            "xml" => Self::Xml,
            "p7m" | "p7s" | "p7b" | "p7c" | "p7" | "cms" | "pkcs7" => Self::Cms,
            "heic" | "heif" => Self::Heic,
            "avif" => Self::Avif,
            "webp" => Self::Webp,
            "gif" => Self::Gif,
            "tif" | "tiff" => Self::Tiff,
            "bmp" => Self::Bmp,
            "jp2" | "j2k" => Self::Jpeg2000,
            "docx" | "docm" => Self::Docx,
            "doc" => Self::Doc,
            "xlsx" | "xlsm" => Self::Xlsx,
            "xls" => Self::Xls,
            "pptx" | "ppsx" => Self::Pptx,
            "ppt" | "pps" => Self::Ppt,
            "odt" => Self::Odt,
            "ods" => Self::Ods,
            "odp" => Self::Odp,
            "rtf" => Self::Rtf,
            "zip" => Self::Zip,
            "rar" => Self::Rar,
            "7z" => Self::SevenZip,
            "gz" => Self::Gzip,
            "tar" => Self::Tar,
            "exe" | "msi" | "scr" | "bat" | "cmd" | "js" | "vbs" | "jar" | "apk" => Self::Exe,
            "htm" | "html" | "xhtml" => Self::Html,
            "svg" => Self::Svg,
            "txt" => Self::PlainText,
            "eml" | "msg" => Self::Email,
            "asice" | "asics" | "sce" => Self::Asic,
            "cer" | "crt" => Self::Certificate,
            "pgp" | "gpg" => Self::Pgp,
            _ => return None,
        })
    }

    /// What a declared media type (`Content-Type`) claims; `None` for types that claim nothing.
    pub fn claimed_by_type(declared: &str) -> Option<Self> {
        let media = declared
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        Some(match media.as_str() {
            "image/jpeg" | "image/jpg" | "image/pjpeg" => Self::Jpeg,
            "image/png" | "image/x-png" => Self::Png,
            "application/pdf" | "application/x-pdf" => Self::Pdf,
            "application/xml" | "text/xml" => Self::Xml,
            "application/pkcs7-mime"
            | "application/x-pkcs7-mime"
            | "application/pkcs7-signature"
            | "application/x-pkcs7-signature"
            | "application/cms" => Self::Cms,
            "image/heic" | "image/heif" => Self::Heic,
            "image/webp" => Self::Webp,
            "image/gif" => Self::Gif,
            "image/tiff" => Self::Tiff,
            "image/bmp" => Self::Bmp,
            "image/svg+xml" => Self::Svg,
            "text/html" => Self::Html,
            "application/zip" | "application/x-zip-compressed" => Self::Zip,
            "application/msword" => Self::Doc,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => Self::Docx,
            _ => return None,
        })
    }
}

impl Detected {
    /// Whether a claim of this kind is honest for content of the other kind: a name ending in `.p7b` or
    /// `.cer` both
    /// promise certificates, and several endings are used for any archive.
    pub(crate) fn covers(self, content: Self) -> bool {
        self == content
            || matches!(
                (self, content),
                (Self::Certificate, Self::Cms)
                    | (Self::Cms, Self::Certificate)
                    | (Self::Zip, Self::Asic)
                    | (Self::Gzip, Self::Tar)
            )
    }
}
