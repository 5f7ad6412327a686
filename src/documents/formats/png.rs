//! PNG (ISO/IEC 15948): a walk over the chunks, then a full decode with every checksum verified, row by row
//! so that
//! memory does not grow with the picture. Animation frames after the first picture are not decoded.

use std::io::Cursor;

use png::{DecodeOptions, Decoder, DecodingError};

use super::{Checked, Code, Detected, File, Format, Limits};

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// Memory for one text or colour profile, in bytes: they may be compressed.
const ANCILLARY_BYTES_MAX: usize = 32 * 1024 * 1024;

pub(super) struct Png;

impl Format for Png {
    fn detected(&self) -> Detected {
        Detected::Png
    }

    /// Also when the line ends of the signature were translated on the way: that is damage, and worth saying
    /// so.
    fn recognises(&self, file: &File<'_>) -> bool {
        file.bytes.starts_with(b"\x89PNG") || file.bytes.starts_with(&SIGNATURE[..7])
    }

    fn check(&self, file: &File<'_>, limits: &Limits, _depth: u8) -> Checked {
        let walk = match walk(file.bytes) {
            Ok(walk) => walk,
            Err((code, detail)) => return Checked::refused(code, detail),
        };
        let mut checked = Checked {
            pixels: Some((walk.width, walk.height)),
            ..Checked::default()
        };
        if u64::from(walk.width) * u64::from(walk.height) > limits.pixels_max {
            checked.found(
                Code::ImageTooLarge,
                format!("{}×{} pixels", walk.width, walk.height),
            );
            return checked;
        }
        if let Err(error) = decode(&file.bytes[..walk.end]) {
            let code = match error {
                DecodingError::LimitsExceeded => Code::ImageTooLarge,
                DecodingError::IoError(_) | DecodingError::Format(_) | DecodingError::Parameter(_) => {
                    Code::PngDamaged
                }
            };
            checked.found(code, error.to_string());
        }
        if walk.end < file.bytes.len() {
            checked.found(
                Code::PngTrailingBytes,
                format!("{} bytes after IEND", file.bytes.len() - walk.end),
            );
        }
        checked
    }
}

struct Walk {
    width: u32,
    height: u32,
    /// Offset of the first byte after IEND.
    end: usize,
}

/// Walks the chunks: lengths within the file, IHDR first, IDAT in one run, IEND at the end (§5.6).
fn walk(bytes: &[u8]) -> Result<Walk, (Code, String)> {
    let damaged = |detail: String| (Code::PngDamaged, detail);
    if !bytes.starts_with(SIGNATURE) {
        return Err(damaged("signature altered".to_owned()));
    }
    let mut at = SIGNATURE.len();
    let mut size = None;
    let (mut has_data, mut data_is_over) = (false, false);
    loop {
        let Some((kind, payload)) = chunk(bytes, at) else {
            return Err((Code::PngTruncated, format!("chunk at {at} is cut off")));
        };
        match (kind, size) {
            (b"IHDR", None) => {
                size = Some(dimensions(payload).ok_or_else(|| damaged("IHDR is wrong".to_owned()))?)
            }
            (b"IHDR", Some(_)) => return Err(damaged(format!("second IHDR at {at}"))),
            (_, None) => return Err(damaged("IHDR is not first".to_owned())),
            (b"IDAT", Some(_)) if data_is_over => return Err(damaged(format!("IDAT apart at {at}"))),
            (b"IDAT", Some(_)) => has_data = true,
            (b"IEND", Some(_)) if !has_data => return Err(damaged("no IDAT".to_owned())),
            (b"IEND", Some((width, height))) => {
                return Ok(Walk {
                    width,
                    height,
                    end: at + 12 + payload.len(),
                });
            }
            (b"PLTE", Some(_)) if has_data => return Err(damaged(format!("PLTE after IDAT at {at}"))),
            (_, Some(_)) => data_is_over = has_data,
        }
        at += 12 + payload.len();
    }
}

/// The chunk at `at`, if it lies within the file whole: length, type, payload, CRC (§5.3).
fn chunk(bytes: &[u8], at: usize) -> Option<(&[u8; 4], &[u8])> {
    let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    let length = usize::try_from(length).ok()?;
    let kind = bytes.get(at + 4..at + 8)?.try_into().ok()?;
    let payload = bytes.get(at + 8..(at + 8).checked_add(length)?)?;
    bytes.get(at + 8 + length..at + 12 + length)?;
    Some((kind, payload))
}

fn dimensions(header: &[u8]) -> Option<(u32, u32)> {
    if header.len() != 13 {
        return None;
    }
    let width = u32::from_be_bytes(header.get(..4)?.try_into().ok()?);
    let height = u32::from_be_bytes(header.get(4..8)?.try_into().ok()?);
    (width > 0 && height > 0).then_some((width, height))
}

fn decode(bytes: &[u8]) -> Result<(), DecodingError> {
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    options.set_ignore_crc(false);
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(png::Limits {
        bytes: ANCILLARY_BYTES_MAX,
    });
    let mut reader = decoder.read_info()?;
    while reader.next_interlaced_row()?.is_some() {}
    reader.finish()
}
