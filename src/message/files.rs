//! The files of a message, by the rule stated in the module above.

use std::collections::HashSet;

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::cost::Budget;
use super::sealed::{self, Seal};
use super::{Defect, NESTING_MAX, body_text, charset, declared_type, names, remainder};

/// A file as it came.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// As the sender named it: decoded, otherwise unchanged, with whatever dots, slashes, controls or letters that turn
    /// the direction it has; never the name of a place on a disk. Receipts, letters and lists show by number what steers or hides.
    /// Without any name `atasament-03.pdf`, by its place among the files.
    pub name: String,
    pub container: Option<Container>,
    /// The declared media type, lower case.
    pub declared: String,
    pub bytes: Vec<u8>,
}

/// The forwarded message or the signed envelope that a file came in; of several inside each other, the nearest.
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
        && !names::is_named(part)
}

/// What a message holds besides its own text.
#[derive(Default)]
pub(super) struct Found {
    /// All files, in the order in which they stand.
    pub(super) files: Vec<Attachment>,
    pub(super) defects: Vec<Defect>,
    /// The text of signed letters that lay in an envelope.
    pub(super) text: String,
    /// How many of the files are this letter itself, encrypted.
    pub(super) encrypted: usize,
}

/// Opens all that is opened, and lists the files. What is opened is paid for out of the budget of the mail.
pub(super) fn collect(parsed: &Message<'_>, budget: &mut Budget) -> Found {
    let mut walk = Walk {
        found: Found::default(),
        budget,
        is_forwarded: false,
    };
    walk.whole(parsed, None, 0);
    walk.found
}

struct Walk<'a> {
    found: Found,
    budget: &'a mut Budget,
    /// Whether what is walked through is somebody else's letter, whose text is not this letter's.
    is_forwarded: bool,
}

impl Walk<'_> {
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
            let is_encrypted =
                decoration.encrypted.contains(&id) || sealed::begins_like_pgp_message(part.contents());
            self.found.encrypted += usize::from(is_encrypted && !self.is_forwarded);
            self.part(parsed, part, container, depth);
        }
    }

    /// A message with bytes of its own, of which the parser may have left some unread.
    fn whole(&mut self, parsed: &Message<'_>, container: Option<&Container>, depth: usize) {
        self.message(parsed, container, depth);
        if let Some(unread) = remainder::of(parsed) {
            self.unread(&unread, container, depth + 1);
        }
    }

    fn unread(&mut self, unread: &[u8], container: Option<&Container>, depth: usize) {
        let parsed = match self.budget.suffices(unread) {
            true => MessageParser::default().parse(unread),
            false => None,
        };
        match parsed {
            Some(rest) if depth < NESTING_MAX => {
                self.take_text(&body_text(&rest));
                self.whole(&rest, container, depth);
            }
            Some(_) | None => self.found.defects.push(Defect::NestedTooDeep),
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
        let before = self.found.files.len();
        if depth < NESTING_MAX {
            let name = names::of_part(parsed, part).unwrap_or_else(|| "mesaj redirecționat".to_owned());
            let was_forwarded = std::mem::replace(&mut self.is_forwarded, true);
            match inner.raw_message.len() == parsed.raw_message.len() {
                true => self.message(inner, Some(&Container { name }), depth + 1),
                false => self.whole(inner, Some(&Container { name }), depth + 1),
            }
            self.is_forwarded = was_forwarded;
        }
        if self.found.files.len() == before {
            self.file(parsed, part, container);
        }
    }

    /// A leaf: an envelope with a letter in it, or a file.
    fn part(
        &mut self,
        parsed: &Message<'_>,
        part: &MessagePart<'_>,
        container: Option<&Container>,
        depth: usize,
    ) {
        let name = names::of_part(parsed, part);
        if !sealed::is_claimed(&declared_type(part), name.as_deref()) || depth >= NESTING_MAX {
            self.file(parsed, part, container);
            return;
        }
        match sealed::opened(&charset::part_bytes(parsed, part)) {
            Seal::Letter(letter) => {
                let name = name.unwrap_or_else(|| "smime.p7m".to_owned());
                if !self.letter(&letter, &Container { name }, depth + 1) {
                    self.file(parsed, part, container);
                }
            }
            Seal::Encrypted => {
                self.found.encrypted += usize::from(!self.is_forwarded);
                self.file(parsed, part, container);
            }
            Seal::None => self.file(parsed, part, container),
        }
    }

    /// Takes text and files out of a signed letter; whether there was something to take.
    fn letter(&mut self, letter: &[u8], envelope: &Container, depth: usize) -> bool {
        if !self.budget.suffices(letter) {
            return false;
        }
        let Some(inner) = MessageParser::default().parse(letter) else {
            return false;
        };
        let (before, text) = (self.found.files.len(), body_text(&inner));
        self.whole(&inner, Some(envelope), depth);
        let has_files = self.found.files.len() > before;
        self.take_text(&text);
        has_files || !self.is_forwarded && !text.is_empty()
    }

    fn take_text(&mut self, text: &str) {
        if self.is_forwarded || text.is_empty() {
            return;
        }
        if !self.found.text.is_empty() {
            self.found.text.push('\n');
        }
        self.found.text.push_str(text);
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
        if part.is_encoding_problem && !self.found.defects.contains(&Defect::BrokenEncoding) {
            self.found.defects.push(Defect::BrokenEncoding);
        }
        let declared = declared_type(part);
        let name = names::of_part(parsed, part)
            .unwrap_or_else(|| names::by_number(self.found.files.len() + 1, &declared, &bytes));
        self.found.files.push(Attachment {
            name,
            container: container.cloned(),
            declared,
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
    /// The detached signature of a `multipart/signed`, the machine parts of a `multipart/report`, what is said about the
    /// cipher in a `multipart/encrypted` (RFC 1847 §2.2).
    machine: HashSet<usize>,
    /// The encrypted letter of a `multipart/encrypted`.
    encrypted: HashSet<usize>,
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
                "multipart/signed" => {
                    let is_signature = |id: &usize| {
                        parsed
                            .parts
                            .get(*id)
                            .is_some_and(|part| sealed::is_signature(part, &declared_type(part)))
                    };
                    found.machine.extend(children.skip(1).filter(is_signature));
                }
                "multipart/encrypted" => {
                    let mut children = children;
                    found.machine.extend(children.next());
                    found.encrypted.extend(children);
                }
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
