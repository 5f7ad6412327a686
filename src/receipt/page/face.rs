//! The three fonts of the receipt, parsed once: which characters they have, which glyph, how wide.
//!
//! It reads only what our own subsets hold (`fonts/README.md`): `cmap` format 4 and `hmtx`. There is no
//! kerning and no shaping: Romanian needs none, and what needs shaping is shown by code point.

use std::collections::HashMap;
use std::sync::OnceLock;

use krilla::text::Font;

/// One of the fonts that are compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaceName {
    Text,
    Bold,
    Mono,
}

/// A parsed font.
pub(super) struct Face {
    pub(super) font: Font,
    units_per_em: f32,
    glyphs: HashMap<char, (u16, u16)>,
}

/// A glyph with its width in parts of the font size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FaceGlyph {
    pub(super) id: u16,
    pub(super) advance_em: f32,
}

impl FaceName {
    /// The parsed font; the first call parses all three.
    pub(super) fn face(self) -> &'static Face {
        static FACES: OnceLock<[Face; 3]> = OnceLock::new();
        let faces = FACES.get_or_init(|| {
            [
                Face::parse(include_bytes!("../fonts/NotoSans-Regular.ttf")),
                Face::parse(include_bytes!("../fonts/NotoSans-Bold.ttf")),
                Face::parse(include_bytes!("../fonts/NotoSansMono-Regular.ttf")),
            ]
        });
        match self {
            Self::Text => &faces[0],
            Self::Bold => &faces[1],
            Self::Mono => &faces[2],
        }
    }
}

impl Face {
    /// The glyph for a character, if the font has one.
    pub(super) fn glyph(&self, character: char) -> Option<FaceGlyph> {
        let (id, advance) = *self.glyphs.get(&character)?;
        Some(FaceGlyph {
            id,
            advance_em: f32::from(advance) / self.units_per_em,
        })
    }

    fn parse(data: &'static [u8]) -> Self {
        let glyphs = glyph_widths(data).expect("the fonts are compiled in and a test reads them");
        let font =
            Font::new(data.to_vec().into(), 0).expect("the fonts are compiled in and a test reads them");
        Self {
            units_per_em: font.units_per_em(),
            font,
            glyphs,
        }
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?]))
}

fn u32_at(data: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16_at(data, at)?) << 16 | usize::from(u16_at(data, at + 2)?))
}

/// Start of a table in the file (OpenType, "Table Directory").
fn table(data: &[u8], tag: &[u8; 4]) -> Option<usize> {
    let count = usize::from(u16_at(data, 4)?);
    let record = (0..count)
        .map(|index| 12 + 16 * index)
        .find(|&at| data.get(at..at + 4) == Some(tag.as_slice()))?;
    u32_at(data, record + 8)
}

/// Every character with its glyph id and its advance in font units.
fn glyph_widths(data: &[u8]) -> Option<HashMap<char, (u16, u16)>> {
    let hmtx = table(data, b"hmtx")?;
    let long_metrics = u16_at(data, table(data, b"hhea")? + 34)?;
    let cmap = table(data, b"cmap")?;
    let subtable = cmap + u32_at(data, cmap + 8)?;
    if u16_at(data, subtable)? != 4 {
        return None;
    }
    let segments = usize::from(u16_at(data, subtable + 6)?) / 2;
    let ends = subtable + 14;
    let starts = ends + 2 * segments + 2;
    let deltas = starts + 2 * segments;
    let offsets = deltas + 2 * segments;
    let mut glyphs = HashMap::new();
    for segment in 0..segments {
        let (start, end) = (
            u16_at(data, starts + 2 * segment)?,
            u16_at(data, ends + 2 * segment)?,
        );
        let delta = u16_at(data, deltas + 2 * segment)?;
        let offset_at = offsets + 2 * segment;
        let offset = usize::from(u16_at(data, offset_at)?);
        for code in start..=end {
            let glyph = if offset == 0 {
                code.wrapping_add(delta)
            } else {
                match u16_at(data, offset_at + offset + 2 * usize::from(code - start))? {
                    0 => 0,
                    raw => raw.wrapping_add(delta),
                }
            };
            if glyph != 0
                && let Some(character) = char::from_u32(u32::from(code))
            {
                let advance = u16_at(data, hmtx + 4 * usize::from(glyph.min(long_metrics - 1)))?;
                glyphs.insert(character, (glyph, advance));
            }
        }
    }
    Some(glyphs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_faces_have_romanian_and_lack_what_must_be_escaped() {
        for name in [FaceName::Text, FaceName::Bold] {
            for character in "ĂăÂâÎîȘșȚțŞşŢţ„”–—…›•ő".chars() {
                assert!(name.face().glyph(character).is_some(), "{character}");
            }
            for character in [
                '\u{AD}', '\u{200B}', '\u{202E}', '\u{2066}', '⟨', '⟩', '\u{1F}', 'а',
            ] {
                assert!(name.face().glyph(character).is_none(), "{character:?}");
            }
        }
        for character in "⟨⟩U+0123456789ABCDEFabcdef".chars() {
            assert!(FaceName::Mono.face().glyph(character).is_some(), "{character}");
        }
    }

    #[test]
    fn widths_are_those_of_the_font() {
        assert_eq!(FaceName::Mono.face().glyph('a').unwrap().advance_em, 0.6);
        let narrow = FaceName::Text.face().glyph('i').unwrap().advance_em;
        let wide = FaceName::Text.face().glyph('M').unwrap().advance_em;
        assert!(narrow < 0.3 && wide > 0.8, "{narrow} {wide}");
    }
}
