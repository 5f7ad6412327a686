//! A budget for what compressed streams of a PDF unfold to, spent before any parser unfolds them without one.
//! Pictures are left out, since nothing here decodes them. Streams are found by their keyword, as a repairing
//! viewer
//! does; encrypted ones do not unfold here and so are not counted.

use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

use super::super::Code;

/// How far before `stream` its dictionary is looked for, in bytes.
const DICTIONARY_BYTES_MAX: usize = 2 * 1024;

/// A stream may be packed twice; deeper than this only bombs are.
const LAYERS_MAX: u8 = 3;

/// What a byte of a rare filter may unfold to, at worst (LZW).
const RARE_FILTER_RATIO: u64 = 1_400;

/// What looking at a stream costs at least, so that a file of nothing but keywords ends soon, in bytes of
/// budget.
const STREAM_COST_BYTES: usize = 1024;

pub(super) struct Budget {
    left: u64,
    chunk: Vec<u8>,
    inflater: Box<InflateState>,
}

impl Budget {
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            left: bytes,
            chunk: vec![0; 64 * 1024],
            inflater: InflateState::new_boxed(DataFormat::Raw),
        }
    }

    /// Takes note of unfolded bytes.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), (Code, String)> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(bytes).ok_or_else(too_far)?;
        Ok(())
    }

    /// Unfolds one Flate stream and throws the bytes away. The checksum at its end is not asked for, since
    /// writers
    /// leave it out and viewers do not miss it; the data must come to their own end.
    pub(super) fn inflate(&mut self, data: &[u8]) -> Result<(), (Code, String)> {
        let (data, has_header) = match has_zlib_header(data) {
            true => (&data[2..], true),
            false => (data, false),
        };
        match self.layer(data)? {
            Layer {
                is_complete: true, ..
            } => Ok(()),
            Layer { unfolded, .. } => {
                let detail =
                    format!("deflate data broken after {unfolded} bytes (zlib header: {has_header})");
                Err((Code::PdfContentDamaged, detail))
            }
        }
    }

    /// Spends the budget on every stream of the file that is no picture.
    pub(super) fn spend_on_streams(&mut self, bytes: &[u8]) -> Result<(), (Code, String)> {
        let mut at = 0;
        while let Some(step) = find(&bytes[at..], b"stream") {
            let keyword = at + step;
            at = keyword + 6;
            if bytes[..keyword].ends_with(b"end") {
                continue;
            }
            let data = &bytes[at..];
            let data = data.strip_prefix(b"\r").unwrap_or(data);
            let Some(data) = data.strip_prefix(b"\n") else {
                continue;
            };
            self.spend(STREAM_COST_BYTES)?;
            let before = &bytes[keyword.saturating_sub(DICTIONARY_BYTES_MAX)..keyword];
            let dictionary = Dictionary::read(before);
            if !dictionary.is_picture {
                at += self.stream(&dictionary, data)?;
            }
        }
        Ok(())
    }

    /// Spends on one stream; returns how many of its bytes need not be looked at again.
    fn stream(&mut self, dictionary: &Dictionary, data: &[u8]) -> Result<usize, (Code, String)> {
        if dictionary.holds_objects && dictionary.has_rare_filter {
            let length = find(data, b"endstream").unwrap_or(data.len());
            let worst = u64::try_from(length)
                .unwrap_or(u64::MAX)
                .saturating_mul(RARE_FILTER_RATIO);
            self.left = self.left.checked_sub(worst).ok_or_else(too_far)?;
            return Ok(length);
        }
        let mut taken = 0;
        let mut layer = Vec::new();
        for depth in 0..LAYERS_MAX {
            let input = if depth == 0 { data } else { layer.as_slice() };
            if !has_zlib_header(input) {
                return Ok(taken);
            }
            let unfolded = self.layer(&input[2..])?;
            if depth == 0 && unfolded.is_complete {
                taken = unfolded.consumed;
            }
            if dictionary.holds_objects && !unfolded.start.is_empty() {
                return Err(too_far());
            }
            layer = unfolded.start;
        }
        Err(too_far())
    }

    /// Inflates raw deflate data to its end, to its first error or to the end of the budget.
    fn layer(&mut self, data: &[u8]) -> Result<Layer, (Code, String)> {
        self.inflater.reset(DataFormat::Raw);
        let mut layer = Layer::default();
        loop {
            let input = data.get(layer.consumed..).unwrap_or_default();
            let step = inflate(&mut self.inflater, input, &mut self.chunk, MZFlush::None);
            let fresh = step.bytes_written;
            self.spend(fresh)?;
            if layer.start.is_empty() && has_zlib_header(&self.chunk[..fresh]) {
                layer.start.extend_from_slice(&self.chunk[..fresh]);
            }
            layer.consumed += step.bytes_consumed;
            layer.unfolded += fresh as u64;
            match step.status {
                Ok(MZStatus::StreamEnd) => {
                    layer.is_complete = true;
                    return Ok(layer);
                }
                Ok(MZStatus::Ok) | Err(MZError::Buf) if fresh > 0 || step.bytes_consumed > 0 => {}
                Ok(MZStatus::Ok | MZStatus::NeedDict) | Err(_) => return Ok(layer),
            }
        }
    }
}

/// What came of unfolding one layer.
#[derive(Default)]
struct Layer {
    /// The first bytes, where they begin as another layer.
    start: Vec<u8>,
    consumed: usize,
    unfolded: u64,
    is_complete: bool,
}

/// What a stream's dictionary says, as far as it bears on the budget.
struct Dictionary {
    is_picture: bool,
    holds_objects: bool,
    has_rare_filter: bool,
}

impl Dictionary {
    fn read(before: &[u8]) -> Self {
        let start = rfind(before, b" obj")
            .or_else(|| rfind(before, b"\nobj"))
            .unwrap_or(0);
        let text = plain(&before[start..]);
        let has = |word: &[u8]| find(&text, word).is_some();
        let holds_objects = has(b"/ObjStm") || has(b"/XRef");
        Self {
            is_picture: has(b"/Image") && !holds_objects,
            holds_objects,
            has_rare_filter: has(b"LZW")
                || has(b"ASCII")
                || has(b"RunLength")
                || has(b"/A85")
                || has(b"/AHx"),
        }
    }
}

/// Names with their `#xx` escapes written out (ISO 32000-1 §7.3.5), so that a name cannot hide.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, behind @ ..] = rest {
        let escaped = behind
            .get(..2)
            .filter(|_| *first == b'#')
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                text.push(byte);
                rest = &behind[2..];
            }
            None => {
                text.push(*first);
                rest = behind;
            }
        }
    }
    text
}

fn has_zlib_header(data: &[u8]) -> bool {
    matches!(data, [method, flags, ..]
        if method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0 && flags & 0x20 == 0)
}

fn too_far() -> (Code, String) {
    (
        Code::PdfUnfoldsTooFar,
        "streams unfold beyond the budget".to_owned(),
    )
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let (first, _) = needle.split_first()?;
    let mut at = 0;
    while let Some(step) = bytes.get(at..)?.iter().position(|byte| byte == first) {
        at += step;
        if bytes[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn rfind(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).rposition(|window| window == needle)
}
