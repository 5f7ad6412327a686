//! XML (W3C XML 1.0, fifth edition): the encoding first, then limits, then well-formedness. A document type
//! declaration is refused unread, so no entity is ever expanded and nothing outside the file is ever asked
//! for.
//! Schemas are not checked. Web pages and drawings are recognised before and never come here.

use encoding_rs::Encoding;
use roxmltree::{Document, Error, ParsingOptions};

use super::markup::{self, Root};
use super::{Checked, Code, Detected, File, Format, Limits};

/// Most attributes of one element: the parser compares each with each, and no form has more than some dozens.
const ATTRIBUTES_MAX: u32 = 1_000;

pub(super) struct Xml;

impl Format for Xml {
    fn detected(&self) -> Detected {
        Detected::Xml
    }

    fn recognises(&self, file: &File<'_>) -> bool {
        matches!(markup::root(file.bytes), Root::Other)
    }

    fn check(&self, file: &File<'_>, limits: &Limits, _depth: u8) -> Checked {
        let text = match decode(file.bytes) {
            Ok(text) => text,
            Err(detail) => return Checked::refused(Code::XmlEncoding, detail),
        };
        let scan = markup::scan(&text, limits.xml_depth_max, limits.xml_nodes_max);
        if scan.has_doctype {
            return Checked::refused(Code::XmlDoctype, "document type declaration");
        }
        let is_complex = scan.depth > limits.xml_depth_max
            || scan.nodes > limits.xml_nodes_max
            || scan.attributes > ATTRIBUTES_MAX;
        if is_complex {
            let detail = format!(
                "depth {}, {} nodes, {} attributes",
                scan.depth, scan.nodes, scan.attributes
            );
            return Checked::refused(Code::XmlTooComplex, detail);
        }
        let options = ParsingOptions {
            allow_dtd: false,
            nodes_limit: limits.xml_nodes_max,
            ..Default::default()
        };
        match Document::parse_with_options(&text, options) {
            Ok(_) => Checked::default(),
            Err(Error::DtdDetected) => Checked::refused(Code::XmlDoctype, "document type declaration"),
            Err(Error::NodesLimitReached) => Checked::refused(Code::XmlTooComplex, "too many nodes"),
            // The parser's own words may quote names from the document; only the place is kept.
            Err(error) => Checked::refused(Code::XmlMalformed, format!("at {}", error.pos())),
        }
    }
}

/// The text, by byte order mark, then by the declaration, then as UTF-8 (XML 1.0 appendix F). A contradiction
/// between the two, an unknown name and a byte that is not in the encoding are errors (§4.3.3).
fn decode(bytes: &[u8]) -> Result<String, String> {
    let (family, start) = match bytes {
        [0, 0, 0xfe, 0xff, ..] | [0xff, 0xfe, 0, 0, ..] => return Err("UTF-32".to_owned()),
        [0xef, 0xbb, 0xbf, ..] => (Some(encoding_rs::UTF_8), 3),
        [0xff, 0xfe, ..] => (Some(encoding_rs::UTF_16LE), 2),
        [0xfe, 0xff, ..] => (Some(encoding_rs::UTF_16BE), 2),
        [b'<', 0, ..] => (Some(encoding_rs::UTF_16LE), 0),
        [0, b'<', ..] => (Some(encoding_rs::UTF_16BE), 0),
        _ => (None, 0),
    };
    let content = &bytes[start..];
    let encoding = match family {
        Some(encoding) => encoding,
        None => match declared_encoding(&content[..content.len().min(256)]) {
            None => encoding_rs::UTF_8,
            Some(label) => by_label(label)?,
        },
    };
    let text = encoding
        .decode_without_bom_handling_and_without_replacement(content)
        .ok_or_else(|| format!("bytes are not {}", encoding.name()))?
        .into_owned();
    match (family, declared_encoding(text.as_bytes())) {
        (Some(family), Some(label)) if !agrees(family, label) => {
            Err(format!("declared otherwise than {}", family.name()))
        }
        (Some(_) | None, Some(_) | None) => Ok(text),
    }
}

/// The encoding of a declaration that was read byte by byte, so it cannot be one of two bytes a letter.
fn by_label(label: &[u8]) -> Result<&'static Encoding, String> {
    let encoding = Encoding::for_label(label).ok_or("unknown encoding declared")?;
    match encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE {
        true => Err("declared UTF-16, written otherwise".to_owned()),
        false => Ok(encoding),
    }
}

fn agrees(family: &'static Encoding, label: &[u8]) -> bool {
    let is_wide = family == encoding_rs::UTF_16LE || family == encoding_rs::UTF_16BE;
    match Encoding::for_label(label) {
        Some(declared) if is_wide => declared == family || label.eq_ignore_ascii_case(b"utf-16"),
        Some(declared) => declared == family,
        None => is_wide && label.eq_ignore_ascii_case(b"iso-10646-ucs-2"),
    }
}

/// The value of `encoding` in an XML declaration at the very start, if there is one.
fn declared_encoding(content: &[u8]) -> Option<&[u8]> {
    let rest = content.strip_prefix(b"<?xml")?;
    let end = rest.windows(2).position(|window| window == b"?>")?;
    let declaration = &rest[..end];
    let at = declaration.windows(8).position(|window| window == b"encoding")?;
    let value = declaration[at + 8..]
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    let (quote, value) = value.split_first()?;
    let end = value.iter().position(|byte| byte == quote)?;
    Some(&value[..end])
}
