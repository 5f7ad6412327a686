//! JPEG (ISO/IEC 10918-1): a walk over the markers from SOI to EOI, then a strict decode of what they frame.
//! The walk comes first because it is cheap and knows the picture's size before any memory is spent on it.
//! Pictures after the first one (as phones append them) are not examined; EXIF is not read.

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Checked, Code, Detected, File, Format, Limits};

pub(super) struct Jpeg;

impl Format for Jpeg {
    fn detected(&self) -> Detected {
        Detected::Jpeg
    }

    fn recognises(&self, file: &File<'_>) -> bool {
        file.bytes.starts_with(&[0xff, 0xd8, 0xff])
    }

    fn check(&self, file: &File<'_>, limits: &Limits, _depth: u8) -> Checked {
        let walk = match walk(file.bytes) {
            Ok(walk) => walk,
            Err((code, detail)) => return Checked::refused(code, detail),
        };
        let mut checked = Checked {
            pixels: Some((walk.frame.width, walk.frame.height)),
            ..Checked::default()
        };
        if let Some((code, detail)) = walk.beyond(limits) {
            checked.found(code, detail);
            return checked;
        }
        if walk.frame.components == 4 {
            checked.found(Code::JpegCmyk, "four components");
        }
        if let Err(error) = decode(&file.bytes[..walk.end], walk.frame.marker == 0xc2) {
            let code = match error {
                DecodeErrors::Unsupported(_) => Code::JpegUnsupported,
                DecodeErrors::ExhaustedData => Code::JpegTruncated,
                DecodeErrors::Format(_)
                | DecodeErrors::FormatStatic(_)
                | DecodeErrors::IllegalMagicBytes(_)
                | DecodeErrors::HuffmanDecode(_)
                | DecodeErrors::ZeroError
                | DecodeErrors::DqtError(_)
                | DecodeErrors::SosError(_)
                | DecodeErrors::SofError(_)
                | DecodeErrors::MCUError(_)
                | DecodeErrors::LargeDimensions(_)
                | DecodeErrors::TooSmallOutput(..)
                | DecodeErrors::IoErrors(_) => Code::JpegDamaged,
            };
            checked.found(code, error.to_string());
        }
        if walk.end < file.bytes.len() {
            checked.found(
                Code::JpegTrailingBytes,
                format!("{} bytes after EOI", file.bytes.len() - walk.end),
            );
        }
        checked
    }
}

/// What the frame header says (ISO/IEC 10918-1 §B.2.2).
#[derive(Debug, Default, Clone, Copy)]
struct Frame {
    marker: u8,
    precision_bits: u8,
    width: u32,
    height: u32,
    components: u8,
}

struct Walk {
    frame: Frame,
    scans: u64,
    /// Offset of the first byte after EOI.
    end: usize,
}

impl Walk {
    /// Why the picture is not decoded at all, if it is beyond the limits or of a process nobody shows.
    fn beyond(&self, limits: &Limits) -> Option<(Code, String)> {
        let Frame {
            marker,
            precision_bits,
            width,
            height,
            components,
        } = self.frame;
        let pixels = u64::from(width) * u64::from(height);
        let is_progressive = marker == 0xc2;
        if !matches!(marker, 0xc0..=0xc2) || precision_bits != 8 {
            return Some((
                Code::JpegUnsupported,
                format!("SOF{} with {precision_bits} bits", marker - 0xc0),
            ));
        }
        if pixels == 0 || !matches!(components, 1 | 3 | 4) {
            return Some((
                Code::JpegDamaged,
                format!("{width}×{height} with {components} components"),
            ));
        }
        let is_too_large = pixels > limits.pixels_max
            || is_progressive
                && (pixels > limits.pixels_progressive_max
                    || pixels.saturating_mul(self.scans) > limits.pixels_painted_max);
        is_too_large.then(|| {
            (
                Code::ImageTooLarge,
                format!("{width}×{height} pixels in {} scans", self.scans),
            )
        })
    }
}

/// Walks from SOI to EOI and reads the frame header on the way.
fn walk(bytes: &[u8]) -> Result<Walk, (Code, String)> {
    let mut frame = None;
    let mut scans = 0;
    let mut at = 2;
    loop {
        let (marker, segment) = next_marker(bytes, at)?;
        match marker {
            0xd9 => {
                let frame = frame.ok_or((Code::JpegDamaged, "EOI before any frame header".to_owned()))?;
                return match scans {
                    0 => Err((Code::JpegDamaged, "EOI before any scan".to_owned())),
                    scans => Ok(Walk {
                        frame,
                        scans,
                        end: segment,
                    }),
                };
            }
            // Restart markers and TEM stand alone; outside a scan they mean nothing and harm nothing.
            0x01 | 0xd0..=0xd7 => at = segment,
            0xd8 => return Err((Code::JpegDamaged, format!("second SOI at {segment}"))),
            _ => {
                let payload = payload(bytes, segment)?;
                at = segment + 2 + payload.len();
                if matches!(marker, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) {
                    frame = Some(frame_header(marker, payload)?);
                } else if marker == 0xda {
                    scans += 1;
                    at = scan_end(bytes, at);
                }
            }
        }
    }
}

/// The next marker at or after `at`, and the offset behind it. Fill bytes (0xFF) may precede it (§B.1.1.2).
fn next_marker(bytes: &[u8], at: usize) -> Result<(u8, usize), (Code, String)> {
    let rest = bytes.get(at..).unwrap_or_default();
    let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
    match rest.get(fill) {
        None => Err((
            Code::JpegTruncated,
            format!("no EOI; the file ends at {}", bytes.len()),
        )),
        Some(_) if fill == 0 => Err((Code::JpegDamaged, format!("no marker at {at}"))),
        Some(marker) => Ok((*marker, at + fill + 1)),
    }
}

/// The payload of the segment whose length field is at `at`.
fn payload(bytes: &[u8], at: usize) -> Result<&[u8], (Code, String)> {
    let truncated = || (Code::JpegTruncated, format!("segment at {at} is cut off"));
    let length = bytes.get(at..at + 2).ok_or_else(truncated)?;
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    if length < 2 {
        return Err((Code::JpegDamaged, format!("segment at {at} has length {length}")));
    }
    bytes.get(at + 2..at + length).ok_or_else(truncated)
}

fn frame_header(marker: u8, payload: &[u8]) -> Result<Frame, (Code, String)> {
    let &[
        precision_bits,
        height_high,
        height_low,
        width_high,
        width_low,
        components,
        ..,
    ] = payload
    else {
        return Err((Code::JpegDamaged, "frame header too short".to_owned()));
    };
    Ok(Frame {
        marker,
        precision_bits,
        width: u32::from(u16::from_be_bytes([width_high, width_low])),
        height: u32::from(u16::from_be_bytes([height_high, height_low])),
        components,
    })
}

/// The offset of the first marker after entropy-coded data: 0xFF00 is data, 0xFFD0–D7 are restarts
/// (§B.1.1.5).
fn scan_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(rest) = bytes.get(at..) {
        let Some(step) = rest.iter().position(|byte| *byte == 0xff) else {
            return bytes.len();
        };
        match rest.get(step + 1) {
            Some(0x00 | 0xd0..=0xd7) => at += step + 2,
            Some(_) | None => return at + step,
        }
    }
    bytes.len()
}

/// What takes the place of EOI in what is decoded: enough bytes for the decoder's reading ahead, no more.
const PADDING: [u8; 16] = [0; 16];

/// Decodes everything strictly and throws the pixels away. A colour picture is decoded to its luminance where
/// that
/// is possible, which reads the same coded data and needs a third of the memory.
///
/// The decoder fills up silently what is missing before an EOI, as viewers do, and in strict mode only
/// complains when
/// the bytes run out. So a sequential picture is given to it without its EOI.
fn decode(bytes: &[u8], is_progressive: bool) -> Result<(), DecodeErrors> {
    let without_end;
    let bytes = match bytes.strip_suffix(&[0xff, 0xd9]) {
        Some(body) if !is_progressive => {
            without_end = [body, &PADDING].concat();
            without_end.as_slice()
        }
        Some(_) | None => bytes,
    };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers()?;
    let output = match decoder.input_colorspace() {
        Some(ColorSpace::YCbCr | ColorSpace::Luma) | None => ColorSpace::Luma,
        Some(other) => other,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(output));
    decoder.decode().map(drop)
}
