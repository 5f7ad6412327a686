//! A bounded look at text in angle brackets, before any parser: how deep it is, how many nodes it has,
//! whether it
//! declares a document type, and whether its root is that of a web page or a drawing. Judges no
//! well-formedness.

/// What kind of markup a file begins as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// A web page, also as XHTML.
    Html,
    /// A drawing.
    Svg,
    /// Any other element.
    Other,
    /// No markup.
    None,
}

/// Elements with which only a web page begins; `head` and `body` are words that other vocabularies use too.
const PAGE_ELEMENTS: &[&str] = &["html", "script", "iframe"];

/// How far into a file its root element is looked for, in bytes.
const PROLOG_BYTES_MAX: usize = 64 * 1024;

/// The kind of the root element, read as ASCII; for UTF-16 the zero bytes are skipped, which keeps ASCII
/// readable.
pub(crate) fn root(bytes: &[u8]) -> Root {
    let start = &bytes[..bytes.len().min(PROLOG_BYTES_MAX)];
    let is_wide = matches!(
        start,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'<', 0, ..] | [0, b'<', ..]
    );
    let narrowed: Vec<u8>;
    let text = match is_wide {
        true => {
            let is_letter = |byte: &u8| !matches!(byte, 0 | 0xfe | 0xff);
            narrowed = start.iter().copied().filter(is_letter).collect();
            narrowed.as_slice()
        }
        false => start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start),
    };
    if !may_begin_with_bracket(text) {
        return Root::None;
    }
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start();
    if !text.starts_with('<') {
        return Root::None;
    }
    let scan = scan(text, 1, u32::MAX);
    let local = scan.root.rsplit(':').next().unwrap_or_default();
    if scan.doctype_is_html || PAGE_ELEMENTS.iter().any(|name| local.eq_ignore_ascii_case(name)) {
        return Root::Html;
    }
    if local == "svg" {
        return Root::Svg;
    }
    match scan.root.is_empty() && !scan.has_prolog {
        true => Root::None,
        false => Root::Other,
    }
}

/// False for most files, at their first byte: nearly all that comes is pictures and PDFs, and they need no reading as
/// text. White space beyond ASCII begins with one of four bytes, and is left to the closer look.
fn may_begin_with_bracket(text: &[u8]) -> bool {
    let first = text.iter().find(|byte| !matches!(byte, 9..=13 | b' '));
    matches!(first, Some(b'<' | 0xc2 | 0xe1..=0xe3))
}

/// What a look over the text found.
#[derive(Debug, Default)]
pub(crate) struct Scan<'a> {
    /// Name of the first element, empty if there is none.
    pub(crate) root: &'a str,
    /// An instruction, comment or declaration came before it.
    pub(crate) has_prolog: bool,
    /// A `<!DOCTYPE` is there.
    pub(crate) has_doctype: bool,
    /// The document type is `html`.
    pub(crate) doctype_is_html: bool,
    /// Deepest element, the root being 1; counting stops one beyond the limit.
    pub(crate) depth: u32,
    /// Most attributes of one element, by their equals signs.
    pub(crate) attributes: u32,
    /// Elements, attributes (by their equals signs), comments, instructions; counting stops one beyond the
    /// limit.
    pub(crate) nodes: u32,
}

/// Looks over the text until its end or until a limit is passed.
pub(crate) fn scan(text: &str, depth_max: u32, nodes_max: u32) -> Scan<'_> {
    let mut found = Scan::default();
    let mut depth: u32 = 0;
    let mut rest = text;
    while found.depth <= depth_max && found.nodes <= nodes_max {
        let Some(open) = rest.find('<') else { break };
        rest = &rest[open..];
        found.nodes += 1;
        if let Some(comment) = rest.strip_prefix("<!--") {
            found.has_prolog = true;
            rest = after(comment, "-->");
        } else if let Some(data) = rest.strip_prefix("<![CDATA[") {
            rest = after(data, "]]>");
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            found.has_prolog = true;
            rest = after(instruction, "?>");
        } else if let Some(end_tag) = rest.strip_prefix("</") {
            depth = depth.saturating_sub(1);
            rest = after(end_tag, ">");
        } else if let Some(declaration) = rest.strip_prefix("<!") {
            rest = found.declaration(declaration);
        } else {
            let (tag, behind) = start_tag(&rest[1..]);
            if found.root.is_empty() {
                found.root = tag
                    .split(|c: char| c.is_ascii_whitespace() || c == '/')
                    .next()
                    .unwrap_or_default();
                if depth_max == 1 {
                    break;
                }
            }
            let attributes = tag.bytes().filter(|byte| *byte == b'=').count();
            let attributes = u32::try_from(attributes).unwrap_or(u32::MAX);
            found.attributes = found.attributes.max(attributes);
            found.nodes = found.nodes.saturating_add(attributes);
            found.depth = found.depth.max(depth.saturating_add(1));
            depth = depth.saturating_add(u32::from(!tag.ends_with('/')));
            rest = behind;
        }
    }
    found
}

impl Scan<'_> {
    /// Takes note of a `<!…` declaration and returns what follows it; the internal subset is stepped over by
    /// brackets.
    fn declaration<'t>(&mut self, declaration: &'t str) -> &'t str {
        self.has_prolog = true;
        let is_doctype = declaration
            .as_bytes()
            .get(..7)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"doctype"));
        if is_doctype {
            self.has_doctype = true;
            let name = declaration[7..].trim_start();
            let is_html = name
                .as_bytes()
                .get(..4)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"html"));
            self.doctype_is_html |= is_html;
        }
        let Some(end) = declaration.find('>') else {
            return "";
        };
        match declaration[..end].find('[') {
            Some(subset) => after(after(&declaration[subset..], "]"), ">"),
            None => &declaration[end + 1..],
        }
    }
}

/// What follows the first `end`; nothing if there is none.
fn after<'t>(text: &'t str, end: &str) -> &'t str {
    text.find(end).map_or("", |at| &text[at + end.len()..])
}

/// A start tag without its brackets, quotes respected, and what follows it.
fn start_tag(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return (&text[..at], &text[at + 1..]),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None | Some(_), _) => {}
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_white_space_may_stand_before_the_root() {
        let spaces = (0..=u32::from(char::MAX))
            .filter_map(char::from_u32)
            .filter(|letter| letter.is_whitespace());
        let mut seen = 0;
        for space in spaces {
            let text = format!("{space}<svg/>");
            assert_eq!(root(text.as_bytes()), Root::Svg, "{:?}", space);
            seen += 1;
        }
        assert!(seen > 20);
        assert_eq!(root(b"\xef\xbb\xbf\x0b<svg/>"), Root::Svg);
        for other in [
            b"\xc2<svg/>".as_slice(),
            b"\xe2\x80\x8b<svg/>",
            b"%<svg/>",
            b" ",
            b"",
        ] {
            assert_eq!(root(other), Root::None, "{other:?}");
        }
    }
}
