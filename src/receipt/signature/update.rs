//! The incremental update that carries a signature: field, widget, structure element, and room for the CMS.
//!
//! Every offset comes from what is written here; nothing is searched. The widget is invisible and tagged as
//! Form with an alternate text, so that the claim of PDF/UA-1 (ISO 14289-1 §7.18) stays true.

use std::fmt::Write;

use super::{CHAIN_ENTRY, SealError, SealText};
use crate::receipt::objects::{Dictionary, Objects, ObjectsError, integer, references};

/// A PDF with an empty signature.
pub(super) struct Prepared {
    pub(super) pdf: Vec<u8>,
    /// Offset of the `<` that opens `/Contents`.
    pub(super) gap_start: usize,
    /// Offset after its `>`.
    pub(super) gap_end: usize,
}

/// Width of a number in `/ByteRange`, padded with blanks: enough for any file we write.
const RANGE_WIDTH: usize = 10;

/// Appends the update, with room for `cms_size_max` bytes; `date` is a PDF date, `chain_sha256` the digest
/// of the certificates.
pub(super) fn prepare(
    pdf: Vec<u8>,
    cms_size_max: usize,
    date: &str,
    chain_sha256: &[u8; 32],
    text: &SealText,
) -> Result<Prepared, SealError> {
    let mut plan = Plan::new(&pdf, text)?;
    plan.objects.sort_by_key(|(number, _)| *number);
    let mut out = pdf.clone();
    if !out.ends_with(b"\n") {
        out.push(b'\n');
    }
    let mut offsets = Vec::new();
    for (number, body) in &plan.objects {
        offsets.push((*number, out.len()));
        out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        out.extend_from_slice(body);
        out.extend_from_slice(b"\nendobj\n");
    }
    offsets.push((plan.signature, out.len()));
    let dictionary = signature_dictionary(date, chain_sha256, text);
    let gap = append_signature(&mut out, plan.signature, &dictionary, cms_size_max);
    offsets.sort_unstable();
    append_table(&mut out, &offsets, &plan);
    let ranges = [0, gap.start, gap.end, out.len() - gap.end];
    let written = ranges.map(|number| format!("{number:<RANGE_WIDTH$}")).join(" ");
    out[gap.ranges_at..gap.ranges_at + written.len()].copy_from_slice(written.as_bytes());
    Ok(Prepared {
        pdf: out,
        gap_start: gap.start,
        gap_end: gap.end,
    })
}

/// What is written again or added, and what the trailer needs.
struct Plan {
    objects: Vec<(u32, Vec<u8>)>,
    signature: u32,
    size: u32,
    root: u32,
    previous_table: usize,
    /// `/Info` and `/ID` of the trailer, byte for byte.
    kept: Vec<u8>,
}

impl Plan {
    fn new(pdf: &[u8], text: &SealText) -> Result<Self, SealError> {
        let objects = Objects::read(pdf)?;
        let trailer = objects.trailer();
        let root = trailer.reference("Root")?;
        let catalog = objects.dictionary(root)?;
        if catalog.value(b"AcroForm").is_some() {
            return Err(SealError::AlreadySealed);
        }
        let size = trailer
            .value(b"Size")
            .and_then(integer)
            .and_then(|size| u32::try_from(size).ok());
        let size = size.ok_or(ObjectsError::Entry("Size"))?;
        let (signature, widget, form) = (size, size + 1, size + 2);
        let page_number = first(objects.follow(&catalog, "Pages")?.array("Kids")?, "Kids")?;
        let page = objects.dictionary(page_number)?;
        if page.value(b"Annots").is_some() {
            return Err(ObjectsError::Entry("Annots").into());
        }
        let tree_number = catalog.reference("StructTreeRoot")?;
        let tree = objects.dictionary(tree_number)?;
        let document_number = first(tree.array("K")?, "K")?;
        let document = objects.dictionary(document_number)?;
        let key = tree
            .value(b"ParentTreeNextKey")
            .and_then(integer)
            .ok_or(ObjectsError::Entry("ParentTreeNextKey"))?;
        let parents = objects.follow(&tree, "ParentTree")?;
        let numbers = format!("[{} {key} {form} 0 R]", ascii(parents.array("Nums")?, "Nums")?);
        let parents = ascii(&parents.with(&[("Nums", numbers)]), "ParentTree")?;
        let children = format!("[{} {form} 0 R]", ascii(document.array("K")?, "K")?);
        let next_key = (key + 1).to_string();
        let alternate = text_string(&text.alternate);
        Ok(Self {
            objects: vec![
                (root, catalog.with(&[("AcroForm", format!("<</Fields[{widget} 0 R]/SigFlags 3>>"))])),
                (page_number, page.with(&[("Annots", format!("[{widget} 0 R]")), ("Tabs", "/S".to_owned())])),
                (tree_number, tree.with(&[("ParentTree", parents), ("ParentTreeNextKey", next_key)])),
                (document_number, document.with(&[("K", children)])),
                (
                    widget,
                    format!(
                        "<</Type/Annot/Subtype/Widget/FT/Sig/T(Semnatura)/TU{alternate}/Rect[0 0 0 0]/F 132\
                         /P {page_number} 0 R/V {signature} 0 R/StructParent {key}>>"
                    )
                    .into_bytes(),
                ),
                (
                    form,
                    format!(
                        "<</Type/StructElem/S/Form/P {document_number} 0 R/Pg {page_number} 0 R/Alt{alternate}\
                         /K<</Type/OBJR/Pg {page_number} 0 R/Obj {widget} 0 R>>>>"
                    )
                    .into_bytes(),
                ),
            ],
            signature,
            size: size + 3,
            root,
            previous_table: objects.table_at(),
            kept: kept(trailer)?,
        })
    }
}

struct Gap {
    start: usize,
    end: usize,
    ranges_at: usize,
}

/// The entries before `/ByteRange`.
fn signature_dictionary(date: &str, chain_sha256: &[u8; 32], text: &SealText) -> String {
    let (reason, location, contact) = (
        text_string(&text.reason),
        text_string(&text.location),
        text_string(&text.contact),
    );
    let chain = data_encoding::HEXLOWER.encode(chain_sha256);
    format!(
        "/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M({date})/Reason{reason}\
         /Location{location}/ContactInfo{contact}/{CHAIN_ENTRY}<{chain}>"
    )
}

fn append_signature(out: &mut Vec<u8>, number: u32, dictionary: &str, cms_size_max: usize) -> Gap {
    out.extend_from_slice(format!("{number} 0 obj\n<<{dictionary}/ByteRange[").as_bytes());
    let ranges_at = out.len();
    out.extend(std::iter::repeat_n(b' ', 4 * RANGE_WIDTH + 3));
    out.extend_from_slice(b"]/Contents");
    let start = out.len();
    out.push(b'<');
    out.extend(std::iter::repeat_n(b'0', 2 * cms_size_max));
    out.push(b'>');
    let end = out.len();
    out.extend_from_slice(b">>\nendobj\n");
    Gap {
        start,
        end,
        ranges_at,
    }
}

fn append_table(out: &mut Vec<u8>, offsets: &[(u32, usize)], plan: &Plan) {
    let table_at = out.len();
    let mut table = String::from("xref\n");
    let runs = offsets.chunk_by(|(left, _), (right, _)| left + 1 == *right);
    for run in runs {
        table += &format!("{} {}\n", run[0].0, run.len());
        for (_, offset) in run {
            table += &format!("{offset:010} 00000 n\r\n");
        }
    }
    table += &format!(
        "trailer\n<</Size {}/Root {} 0 R/Prev {}",
        plan.size, plan.root, plan.previous_table
    );
    out.extend_from_slice(table.as_bytes());
    out.extend_from_slice(&plan.kept);
    out.extend_from_slice(format!(">>\nstartxref\n{table_at}\n%%EOF\n").as_bytes());
}

fn kept(trailer: &Dictionary<'_>) -> Result<Vec<u8>, ObjectsError> {
    let mut kept = b"/ID".to_vec();
    kept.extend_from_slice(trailer.value(b"ID").ok_or(ObjectsError::Entry("ID"))?);
    if let Some(info) = trailer.value(b"Info") {
        kept.extend_from_slice(b"/Info ");
        kept.extend_from_slice(info);
    }
    Ok(kept)
}

/// The places that we add to hold only references and numbers.
fn ascii(raw: &[u8], name: &'static str) -> Result<String, ObjectsError> {
    String::from_utf8(raw.to_vec()).map_err(|_| ObjectsError::Entry(name))
}

fn first(raw: &[u8], name: &'static str) -> Result<u32, ObjectsError> {
    references(raw)
        .and_then(|all| all.first().copied())
        .ok_or(ObjectsError::Entry(name))
}

/// A text string in UTF-16BE hexadecimal (ISO 32000-1 §7.9.2.2), which needs no escapes.
fn text_string(text: &str) -> String {
    let mut out = String::from("<FEFF");
    for unit in text.encode_utf16() {
        write!(out, "{unit:04X}").expect("writing to a String does not fail");
    }
    out.push('>');
    out
}
