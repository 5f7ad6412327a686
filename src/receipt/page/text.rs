//! From a string to glyphs on lines: hostile characters made visible, accents joined, lines wrapped.
//!
//! It leaves out where a line stands on the page. A text is not normalised: a letter followed by a combining
//! accent is drawn as one letter, while the PDF keeps the characters as received.

use std::ops::Range;
use std::rc::Rc;

use krilla::text::{GlyphId, KrillaGlyph};

use super::face::{Face, FaceGlyph, FaceName};

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    pub(super) face: FaceName,
    /// Points.
    pub(super) size: f32,
    /// Distance from line to line in points.
    pub(super) leading: f32,
    pub(super) ink: Ink,
    /// Additional space after each letter, in parts of the size.
    pub(super) tracking_em: f32,
}

/// The colours of the receipt; all but `Pale` have a contrast of at least 4.5 to 1 on white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Black,
    Navy,
    Grey,
    Green,
    Red,
    /// The diagonal mark behind the text.
    Pale,
}

impl Style {
    pub(super) const fn new(face: FaceName, size: f32, leading: f32, ink: Ink) -> Self {
        Self {
            face,
            size,
            leading,
            ink,
            tracking_em: 0.0,
        }
    }

    pub(super) const fn tracked(self, tracking_em: f32) -> Self {
        Self { tracking_em, ..self }
    }

    pub(super) const fn inked(self, ink: Ink) -> Self {
        Self { ink, ..self }
    }
}

/// A piece of one line, ready to be drawn at a point.
#[derive(Clone)]
pub(super) struct Strip {
    shaped: Rc<Shaped>,
    cells: Range<usize>,
    pub(super) style: Style,
    /// Points, without trailing blanks.
    pub(super) width: f32,
}

/// Glyphs of one font that follow each other, with the text that their ranges index.
pub(super) struct StripRun<'a> {
    pub(super) face: &'static Face,
    pub(super) glyphs: &'a [KrillaGlyph],
    pub(super) text: &'a str,
    /// Points from the start of the strip.
    pub(super) offset: f32,
}

struct Shaped {
    text: String,
    glyphs: Vec<KrillaGlyph>,
    cells: Vec<Cell>,
}

/// What is never parted by a line end: a letter, or the code point of a hidden character.
struct Cell {
    face: FaceName,
    glyphs: Range<usize>,
    width_em: f32,
    after: Break,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Break {
    Space,
    Seam,
    None,
}

impl Strip {
    /// The strip's glyphs, one run per font.
    pub(super) fn runs(&self) -> Vec<StripRun<'_>> {
        let mut runs: Vec<StripRun<'_>> = Vec::new();
        let (mut offset, mut index) = (0.0, self.cells.start);
        while index < self.cells.end {
            let first = &self.shaped.cells[index];
            let (mut end, mut width_em) = (index, 0.0);
            while end < self.cells.end && self.shaped.cells[end].face == first.face {
                width_em += self.shaped.cells[end].width_em;
                end += 1;
            }
            runs.push(StripRun {
                face: first.face.face(),
                glyphs: &self.shaped.glyphs[first.glyphs.start..self.shaped.cells[end - 1].glyphs.end],
                text: &self.shaped.text,
                offset,
            });
            offset += width_em * self.style.size;
            index = end;
        }
        runs
    }
}

/// One line, as long as it gets.
pub(super) fn line(text: &str, style: Style) -> Strip {
    let shaped = Rc::new(shape(text, style));
    let cells = 0..shaped.cells.len();
    strip(&shaped, cells, style)
}

/// Lines no wider than `width` points: broken at blanks; else after `-`, `_`, `.`, `/`, `@` in the last third
/// of the line; else anywhere. An empty text gives no line.
pub(super) fn wrap(text: &str, style: Style, width: f32) -> Vec<Strip> {
    let shaped = Rc::new(shape(text, style));
    let limit_em = width / style.size;
    let mut lines = Vec::new();
    let mut start = 0;
    while start < shaped.cells.len() {
        let end = line_end(&shaped.cells, start, limit_em);
        lines.push(strip(&shaped, start..end, style));
        start = end;
    }
    lines
}

fn line_end(cells: &[Cell], start: usize, limit_em: f32) -> usize {
    let (mut width_em, mut space, mut seam) = (0.0, None, None);
    for (index, cell) in cells.iter().enumerate().skip(start) {
        width_em += cell.width_em;
        if width_em > limit_em && cell.after != Break::Space {
            return space.or(seam).unwrap_or(index.max(start + 1));
        }
        match cell.after {
            Break::Space => space = Some(index + 1),
            Break::Seam if width_em > limit_em * 0.67 => seam = Some(index + 1),
            Break::Seam | Break::None => {}
        }
    }
    cells.len()
}

fn strip(shaped: &Rc<Shaped>, cells: Range<usize>, style: Style) -> Strip {
    let blanks = shaped.cells[cells.clone()]
        .iter()
        .rev()
        .take_while(|cell| cell.after == Break::Space)
        .count();
    let width_em: f32 = shaped.cells[cells.start..cells.end - blanks]
        .iter()
        .map(|cell| cell.width_em)
        .sum();
    Strip {
        shaped: Rc::clone(shaped),
        cells,
        style,
        width: width_em * style.size,
    }
}

fn shape(text: &str, style: Style) -> Shaped {
    let mut shaped = Shaped {
        text: String::with_capacity(text.len()),
        glyphs: Vec::new(),
        cells: Vec::new(),
    };
    let face = style.face.face();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let mark = characters
            .peek()
            .copied()
            .and_then(|mark| Some((mark, face.glyph(joined(character, mark)?)?)));
        if let Some((mark, glyph)) = mark {
            characters.next();
            shaped.push(style, &[character, mark], glyph, Break::None);
        } else if let Some(glyph) = face.glyph(character).filter(|_| !character.is_control()) {
            let after = match character {
                ' ' => Break::Space,
                '-' | '_' | '.' | '/' | '@' => Break::Seam,
                _ => Break::None,
            };
            shaped.push(style, &[character], glyph, after);
        } else {
            shaped.push_code_point(style, character);
        }
    }
    shaped
}

impl Shaped {
    fn push(&mut self, style: Style, characters: &[char], glyph: FaceGlyph, after: Break) {
        let first = self.glyphs.len();
        let width_em = self.push_glyph(characters, glyph, style.tracking_em);
        self.cells.push(Cell {
            face: style.face,
            glyphs: first..first + 1,
            width_em,
            after,
        });
    }

    /// Shows a character by its number, in the font that alone has the brackets.
    fn push_code_point(&mut self, style: Style, character: char) {
        let first = self.glyphs.len();
        let face = FaceName::Mono.face();
        let mut width_em = 0.0;
        for shown in format!("⟨U+{:04X}⟩", u32::from(character)).chars() {
            let glyph = face
                .glyph(shown)
                .expect("the mono font has the brackets and ASCII; a test says so");
            width_em += self.push_glyph(&[shown], glyph, style.tracking_em);
        }
        self.cells.push(Cell {
            face: FaceName::Mono,
            glyphs: first..self.glyphs.len(),
            width_em,
            after: Break::Seam,
        });
    }

    fn push_glyph(&mut self, characters: &[char], glyph: FaceGlyph, tracking_em: f32) -> f32 {
        let start = self.text.len();
        self.text.extend(characters);
        let advance = glyph.advance_em + tracking_em;
        let id = GlyphId::new(u32::from(glyph.id));
        self.glyphs.push(KrillaGlyph::new(
            id,
            advance,
            0.0,
            0.0,
            0.0,
            start..self.text.len(),
            None,
        ));
        advance
    }
}

/// Combining accents with the letters they join to (Unicode canonical compositions that our fonts have).
const JOINED: [(char, &str, &str); 14] = [
    ('\u{0300}', "AEIOUaeiou", "ÀÈÌÒÙàèìòù"),
    ('\u{0301}', "AEIOUYaeiouyCcLlNnRrSsZz", "ÁÉÍÓÚÝáéíóúýĆćĹĺŃńŔŕŚśŹź"),
    ('\u{0302}', "AEIOUaeiouCcGgHhJjSsWwYy", "ÂÊÎÔÛâêîôûĈĉĜĝĤĥĴĵŜŝŴŵŶŷ"),
    ('\u{0303}', "ANOanoIiUu", "ÃÑÕãñõĨĩŨũ"),
    ('\u{0304}', "AaEeIiOoUu", "ĀāĒēĪīŌōŪū"),
    ('\u{0306}', "AaEeGgIiOoUu", "ĂăĔĕĞğĬĭŎŏŬŭ"),
    ('\u{0307}', "CcEeGgIZz", "ĊċĖėĠġİŻż"),
    ('\u{0308}', "AEIOUaeiouyY", "ÄËÏÖÜäëïöüÿŸ"),
    ('\u{030A}', "AaUu", "ÅåŮů"),
    ('\u{030B}', "OoUu", "ŐőŰű"),
    ('\u{030C}', "CcDdEeLlNnRrSsTtZz", "ČčĎďĚěĽľŇňŘřŠšŤťŽž"),
    ('\u{0326}', "SsTt", "ȘșȚț"),
    ('\u{0327}', "CcGgKkLlNnRrSsTt", "ÇçĢģĶķĻļŅņŖŗŞşŢţ"),
    ('\u{0328}', "AaEeIiUu", "ĄąĘęĮįŲų"),
];

fn joined(base: char, mark: char) -> Option<char> {
    let (_, bases, whole) = JOINED.iter().find(|(known, _, _)| *known == mark)?;
    let index = bases.chars().position(|known| known == base)?;
    whole.chars().nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style::new(FaceName::Text, 10.0, 13.0, Ink::Black);

    fn shown(lines: &[Strip]) -> Vec<String> {
        lines
            .iter()
            .map(|line| {
                line.runs()
                    .iter()
                    .flat_map(|run| run.glyphs.iter().map(|g| run.text[range(g)].to_owned()))
                    .collect()
            })
            .collect()
    }

    fn range(glyph: &KrillaGlyph) -> Range<usize> {
        krilla::text::Glyph::text_range(glyph)
    }

    #[test]
    fn hostile_characters_are_shown_by_number() {
        let cases = [
            ("a\u{202E}fdp.exe", "a⟨U+202E⟩fdp.exe"),
            ("tab\there", "tab⟨U+0009⟩here"),
            ("soft\u{AD}hyphen", "soft⟨U+00AD⟩hyphen"),
            ("⟨U+202E⟩", "⟨U+27E8⟩U+202E⟨U+27E9⟩"),
            ("poză 😀", "poză ⟨U+1F600⟩"),
            ("\u{0306}a", "⟨U+0306⟩a"),
        ];
        for (name, expected) in cases {
            assert_eq!(shown(&[line(name, STYLE)]).concat(), expected);
        }
    }

    #[test]
    fn a_decomposed_letter_keeps_its_characters_and_takes_one_place() {
        let decomposed = line("s\u{326}", STYLE);
        assert_eq!(shown(std::slice::from_ref(&decomposed)).concat(), "s\u{326}");
        assert_eq!(decomposed.width, line("ș", STYLE).width);
        assert_eq!(decomposed.runs()[0].glyphs.len(), 1);
    }

    #[test]
    fn long_names_wrap_within_the_width_and_lose_nothing() {
        for name in [
            "x".repeat(500),
            "un nume cu blancuri ".repeat(20),
            "a\u{202E}".repeat(90),
            "cerere-și_anexe.".repeat(30),
        ] {
            let lines = wrap(&name, STYLE, 120.0);
            assert!(lines.len() > 3);
            assert!(lines.iter().all(|line| line.width <= 120.0));
            let whole: String = shown(&lines).concat();
            assert_eq!(whole, shown(&[line(&name, STYLE)]).concat());
        }
    }

    #[test]
    fn compositions_are_pairwise() {
        for (_, bases, whole) in JOINED {
            assert_eq!(bases.chars().count(), whole.chars().count(), "{bases}");
        }
    }
}
