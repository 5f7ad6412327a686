//! The files of a message, by the rule stated in the module above.

use std::collections::HashSet;

use mail_parser::{Message, MessagePart, MimeHeaders, PartType};

use super::{Defect, NESTING_MAX, charset, declared_type};

/// A file as it came.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// As the sender named it: decoded, otherwise unchanged, with whatever dots, slashes or controls it has.
    pub name: String,
    pub container: Option<Container>,
    /// The declared media type, lower case.
    pub declared: String,
    pub bytes: Vec<u8>,
}

/// The forwarded message that a file came in; of several inside each other, the nearest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub name: String,
}

/// Whether a part is (a piece of) the letter itself.
pub(super) fn is_body(part: &MessagePart<'_>) -> bool {
    (part.is_text() || part.is_text_html())
        && !part
            .content_disposition()
            .is_some_and(|disposition| disposition.is_attachment())
        && part.attachment_name().is_none()
}

/// All files of a message, in the order in which they stand, and what could not be decoded.
pub(super) fn collect(parsed: &Message<'_>) -> (Vec<Attachment>, Vec<Defect>) {
    let mut walk = Walk {
        files: Vec::new(),
        defects: Vec::new(),
    };
    walk.message(parsed, None, 0);
    (walk.files, walk.defects)
}

struct Walk {
    files: Vec<Attachment>,
    defects: Vec<Defect>,
}

impl Walk {
    fn message(&mut self, parsed: &Message<'_>, container: Option<&Container>, depth: usize) {
        let decoration = Decoration::of(parsed);
        for (id, part) in parsed.parts.iter().enumerate() {
            if part.is_multipart() || decoration.contains(id, part) {
                continue;
            }
            if let PartType::Message(inner) = &part.body {
                self.forwarded(parsed, part, inner, container, depth);
                continue;
            }
            if is_body(part) && (decoration.body.contains(&id) || decoration.alternative.contains(&id)) {
                continue;
            }
            if is_body(part) && part.contents().iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.file(parsed, part, container);
        }
    }

    fn forwarded(
        &mut self,
        parsed: &Message<'_>,
        part: &MessagePart<'_>,
        inner: &Message<'_>,
        container: Option<&Container>,
        depth: usize,
    ) {
        let before = self.files.len();
        if depth < NESTING_MAX {
            let name = charset::file_name(parsed, part).unwrap_or_else(|| "mesaj redirecționat".to_owned());
            let inside = Container { name };
            self.message(inner, Some(&inside), depth + 1);
        }
        if self.files.len() == before {
            self.file(parsed, part, container);
        }
    }

    fn file(&mut self, parsed: &Message<'_>, part: &MessagePart<'_>, container: Option<&Container>) {
        let bytes = match &part.body {
            PartType::Message(_) => {
                let range = part.offset_body as usize..part.offset_end as usize;
                parsed.raw_message.get(range).unwrap_or_default().to_vec()
            }
            PartType::Text(_)
            | PartType::Html(_)
            | PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Multipart(_) => charset::part_bytes(parsed, part),
        };
        if part.is_encoding_problem {
            self.defects.push(Defect::BrokenEncoding);
        }
        let name = charset::file_name(parsed, part)
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| format!("fără nume {}", self.files.len() + 1));
        self.files.push(Attachment {
            name,
            container: container.cloned(),
            declared: declared_type(part),
            bytes,
        });
    }
}

/// The parts that are, adorn or prove the letter and are no files. Sets, because a mail may have very many parts.
#[derive(Default)]
struct Decoration {
    /// Parts that the letter is read from.
    body: HashSet<usize>,
    /// Parts that stand directly in a `multipart/related`.
    related: HashSet<usize>,
    alternative: HashSet<usize>,
    /// The detached signature of a `multipart/signed`, the machine parts of a `multipart/report`.
    machine: HashSet<usize>,
    /// The Content-IDs that the HTML shows (RFC 2392).
    shown: HashSet<String>,
}

impl Decoration {
    fn of(parsed: &Message<'_>) -> Self {
        let mut found = Self::default();
        found.body.extend(
            parsed
                .text_body
                .iter()
                .chain(&parsed.html_body)
                .map(|&id| id as usize),
        );
        for part in &parsed.parts {
            let Some(children) = part.sub_parts() else {
                continue;
            };
            let children = children.iter().map(|id| *id as usize);
            match declared_type(part).as_str() {
                "multipart/related" => found.related.extend(children),
                "multipart/alternative" => found.alternative.extend(children),
                "multipart/signed" => found.machine.extend(children.skip(1)),
                "multipart/report" => found.machine.extend(children.skip(1)),
                _ => {}
            }
        }
        for &id in &parsed.html_body {
            if let Some(text) = parsed.part(id).and_then(MessagePart::text_contents) {
                found.shown.extend(shown_ids(text));
            }
        }
        found
    }

    fn contains(&self, id: usize, part: &MessagePart<'_>) -> bool {
        if self.machine.contains(&id) {
            return true;
        }
        if !self.related.contains(&id) || !declared_type(part).starts_with("image/") {
            return false;
        }
        let attached = part
            .content_disposition()
            .is_some_and(|disposition| disposition.is_attachment());
        let shown = part
            .content_id()
            .is_some_and(|cid| self.shown.contains(cid.trim_matches(['<', '>'])));
        shown && !attached
    }
}

/// What stands behind each `cid:` of an HTML text, up to the end of the attribute's value.
fn shown_ids(html: &str) -> impl Iterator<Item = String> {
    let ends = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '<' | '>' | ')');
    html.split("cid:")
        .skip(1)
        .map(move |rest| rest.split(ends).next().unwrap_or_default())
        .filter(|id| !id.is_empty())
        .map(|id| id.replace("%40", "@"))
}
