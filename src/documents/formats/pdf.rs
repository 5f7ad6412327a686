//! PDF (ISO 32000): opens without a password, has a sound page tree, and every page's content unfolds. Small
//! defects
//! that every viewer repairs are accepted and told; a file whose trailer or pages are gone is refused, also
//! where a
//! forgiving viewer might still show something. Scripts, forms, attachments and signatures are not looked at.

use std::collections::HashSet;
use std::sync::Arc;

use hayro_syntax::object::stream::DecodeFailure;
use hayro_syntax::object::{Array, Dict, MaybeRef, Object, ObjectIdentifier, Stream};
use hayro_syntax::{DecryptionError, Filter, LoadPdfError, Pdf as Opened};

use super::{Checked, Code, Detected, File, Format, Limits};
use outline::Outline;
use unfold::Budget;

mod outline;
mod unfold;

/// Where `%PDF-` is looked for, in bytes: ISO 32000-1 annex H (implementation note 13) and every viewer.
const HEADER_WITHIN_BYTES: usize = 1024;

/// Deepest page tree; a balanced tree of two thousand pages needs three or four levels.
const TREE_DEPTH_MAX: usize = 64;

/// Largest stream with rare filters that is unfolded, in bytes as stored: those decoders take no budget.
const RARE_FILTER_BYTES_MAX: usize = 256 * 1024;

pub(super) struct Pdf;

impl Format for Pdf {
    fn detected(&self) -> Detected {
        Detected::Pdf
    }

    /// Not inside a signed message, whose few leading bytes would pass for the junk that viewers step over.
    fn recognises(&self, file: &File<'_>) -> bool {
        header_at(file.bytes).is_some() && !crate::message::envelope::is_content_info(file.bytes)
    }

    fn check(&self, file: &File<'_>, limits: &Limits, _depth: u8) -> Checked {
        let mut checked = Checked::default();
        let start = header_at(file.bytes).unwrap_or(0);
        if start > 0 {
            checked.found(Code::PdfLeadingBytes, format!("{start} bytes before the header"));
        }
        if let Err((code, detail)) = examine(&file.bytes[start..], limits, &mut checked) {
            checked.found(code, detail);
        }
        checked
    }
}

type Failure = (Code, String);

fn header_at(bytes: &[u8]) -> Option<usize> {
    bytes[..bytes.len().min(HEADER_WITHIN_BYTES)]
        .windows(5)
        .position(|window| window == b"%PDF-")
}

fn examine(bytes: &[u8], limits: &Limits, checked: &mut Checked) -> Result<(), Failure> {
    refuse_deep_nesting(bytes)?;
    let outline = Outline::read(bytes)?;
    let mut budget = Budget::new(limits.unfolded_bytes_max);
    budget.spend_on_streams(bytes)?;
    let pdf = open(bytes)?;
    if let Some(why) = outline.repair {
        // A viewer that repairs goes by the last trailer it finds; one that was only guessed is no document's
        // end.
        let root = pdf.xref().root_id();
        if outline
            .root
            .is_some_and(|wanted| wanted != (root.obj_number, root.gen_number))
        {
            return Err((
                Code::PdfDamaged,
                "the trailer's root is not the catalog".to_owned(),
            ));
        }
        checked.found(Code::PdfRepaired, why);
    }
    if outline.is_encrypted {
        checked.found(Code::PdfRestricted, "opens with the empty user password");
    }
    if outline.trailing_bytes > 0 {
        checked.found(
            Code::PdfTrailingBytes,
            format!("{} bytes after %%EOF", outline.trailing_bytes),
        );
    }
    let pages = Tree {
        pdf: &pdf,
        pages_max: limits.pages_max,
    }
    .pages()?;
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    checked.pages = Some(count);
    if pages.is_empty() {
        return Err((Code::PdfNoPages, "page tree without leaves".to_owned()));
    }
    contents(&pdf, &pages, &mut Budget::new(limits.unfolded_bytes_max))
}

/// The reader goes down into dictionaries and arrays by recursion, slowly when they lie deep. No honest file comes near
/// this; in compressed data openings and closings keep each other in balance.
fn refuse_deep_nesting(bytes: &[u8]) -> Result<(), Failure> {
    const DEPTH_MAX: u32 = 1_000;
    let mut depth = 0_u32;
    for pair in bytes.windows(2) {
        match pair {
            b"<<" => depth += 1,
            b">>" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err((
                Code::PdfDamaged,
                format!("dictionaries nested deeper than {DEPTH_MAX}"),
            ));
        }
    }
    Ok(())
}

fn open(bytes: &[u8]) -> Result<Opened, Failure> {
    Opened::new(Arc::new(bytes.to_vec())).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            (Code::PdfPassword, "user password needed".to_owned())
        }
        LoadPdfError::Decryption(
            error @ (DecryptionError::MissingIDEntry
            | DecryptionError::InvalidEncryption
            | DecryptionError::UnsupportedAlgorithm),
        ) => (Code::PdfEncryptionUnsupported, format!("{error:?}")),
        LoadPdfError::Invalid => (
            Code::PdfDamaged,
            "no cross-reference table and no catalog".to_owned(),
        ),
    })
}

/// A walk over the page tree that, unlike a viewer's, does not forgive what is missing (ISO 32000-1 §7.7.3).
struct Tree<'a> {
    pdf: &'a Opened,
    pages_max: u32,
}

struct Node<'a> {
    id: Option<ObjectIdentifier>,
    kids: hayro_syntax::object::array::ArrayIter<'a>,
}

impl<'a> Tree<'a> {
    fn pages(&self) -> Result<Vec<Dict<'a>>, Failure> {
        let damaged = |detail: &str| (Code::PdfDamaged, detail.to_owned());
        let xref = self.pdf.xref();
        let catalog: Dict<'a> = xref.get(xref.root_id()).ok_or_else(|| damaged("no catalog"))?;
        let root: Dict<'a> = catalog.get("Pages").ok_or_else(|| damaged("no page tree"))?;
        let id = catalog.get_ref("Pages").map(ObjectIdentifier::from);
        let kids = root
            .get::<Array<'a>>("Kids")
            .ok_or_else(|| damaged("page tree without kids"))?;
        let mut open = vec![Node {
            id,
            kids: kids.raw_iter(),
        }];
        let mut pages = Vec::new();
        let mut nodes: u64 = 0;
        while let Some(node) = open.last_mut() {
            let Some(kid) = node.kids.next() else {
                open.pop();
                continue;
            };
            nodes += 1;
            if pages.len() as u64 >= u64::from(self.pages_max) || nodes > u64::from(self.pages_max) * 4 {
                return Err((
                    Code::PdfPagesTooMany,
                    format!("more than {} pages", self.pages_max),
                ));
            }
            let (id, dict) = self.kid(kid)?;
            match dict.get::<Array<'a>>("Kids") {
                None => pages.push(dict),
                Some(_) if id.is_some() && open.iter().any(|above| above.id == id) => {
                    return Err(damaged("page tree in a circle"));
                }
                Some(_) if open.len() >= TREE_DEPTH_MAX => return Err(damaged("page tree too deep")),
                Some(kids) => open.push(Node {
                    id,
                    kids: kids.raw_iter(),
                }),
            }
        }
        Ok(pages)
    }

    fn kid(&self, kid: MaybeRef<Object<'a>>) -> Result<(Option<ObjectIdentifier>, Dict<'a>), Failure> {
        let (id, dict) = match kid {
            MaybeRef::Ref(reference) => {
                let id = ObjectIdentifier::from(reference);
                (Some(id), self.pdf.xref().get::<Dict<'a>>(id))
            }
            MaybeRef::NotRef(object) => (None, object.into_dict()),
        };
        let dict = dict.ok_or_else(|| (Code::PdfDamaged, "a page is missing".to_owned()))?;
        Ok((id, dict))
    }
}

/// Unfolds the content of every page once (ISO 32000-1 §7.8.2). A page without content is an empty page.
fn contents<'a>(pdf: &'a Opened, pages: &[Dict<'a>], budget: &mut Budget) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for (index, page) in pages.iter().enumerate() {
        let damaged = |what: &str| (Code::PdfContentDamaged, format!("page {}: {what}", index + 1));
        let mut parts = Vec::new();
        match page.get_raw::<Object<'a>>("Contents") {
            None => {}
            Some(single) => parts.push(single),
        }
        if let Some(array) = page.get::<Array<'a>>("Contents") {
            parts = array.raw_iter().collect();
        }
        for part in parts {
            let object = match part {
                MaybeRef::Ref(reference) if !seen.insert((reference.obj_number, reference.gen_number)) => {
                    continue;
                }
                MaybeRef::Ref(reference) => pdf.xref().get::<Object<'a>>(reference.into()),
                MaybeRef::NotRef(object) => Some(object),
            };
            match object {
                None | Some(Object::Null(_)) => {}
                Some(Object::Stream(stream)) => unfold(&stream, budget)
                    .map_err(|(code, detail)| (code, format!("page {}: {detail}", index + 1)))?,
                Some(
                    Object::Array(_)
                    | Object::Boolean(_)
                    | Object::Dict(_)
                    | Object::Name(_)
                    | Object::Number(_)
                    | Object::String(_),
                ) => return Err(damaged("content is no stream")),
            }
        }
    }
    Ok(())
}

fn unfold(stream: &Stream<'_>, budget: &mut Budget) -> Result<(), Failure> {
    let filters = stream.filters();
    let raw = stream.raw_data();
    if filters.is_empty() {
        return Ok(());
    }
    if !has_sane_predictor(stream.dict()) {
        return Err((
            Code::PdfContentDamaged,
            "predictor parameters out of range".to_owned(),
        ));
    }
    if filters.as_slice() == [Filter::FlateDecode] {
        return budget.inflate(&raw);
    }
    let packings = [Filter::FlateDecode, Filter::LzwDecode, Filter::RunLengthDecode];
    if filters.iter().filter(|filter| packings.contains(filter)).count() > 1 {
        return Err((Code::PdfUnfoldsTooFar, "content packed more than once".to_owned()));
    }
    if raw.len() > RARE_FILTER_BYTES_MAX {
        return Ok(());
    }
    match stream.decoded_data() {
        Ok(data) => budget.spend(data.len()),
        Err(
            DecodeFailure::ImageDecode
            | DecodeFailure::StreamDecode
            | DecodeFailure::Decryption
            | DecodeFailure::Unknown,
        ) => Err((Code::PdfContentDamaged, "content does not decode".to_owned())),
    }
}

/// Whether the parameters of a predictor, if there are any, are ones that a decoder can follow (ISO 32000-1
/// table 8).
fn has_sane_predictor(dict: &Dict<'_>) -> bool {
    let parameters = dict.get::<Dict<'_>>("DecodeParms");
    parameters.is_none_or(|parameters| {
        let within = |key: &str, range: std::ops::RangeInclusive<i32>| {
            !parameters.contains_key(key)
                || parameters
                    .get::<i32>(key)
                    .is_some_and(|value| range.contains(&value))
        };
        within("Predictor", 1..=15)
            && within("Colors", 1..=64)
            && within("BitsPerComponent", 1..=32)
            && within("Columns", 1..=1 << 20)
    })
}
