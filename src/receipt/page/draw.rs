//! Puts placed lines, grounds, running head, foot and the diagonal mark onto krilla's pages.
//!
//! Content is hung onto its node in the structure tree while it is drawn; everything else is an artifact.

use krilla::Document;
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect, Transform};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag};

use super::face::FaceName;
use super::flow::{Ground, MARGIN, MEASURE, PAGE_HEIGHT, PAGE_WIDTH, Placed, PlacedGround, Repeat, Sheet};
use super::tags::Tags;
use super::text::{Ink, Strip, Style, line};
use crate::receipt::content::Marking;

const RUNNING: Style = Style::new(FaceName::Text, 8.0, 10.0, Ink::Grey);
const DIAGONAL: Style = Style::new(FaceName::Bold, 51.0, 60.0, Ink::Pale);
/// Words of the diagonal mark.
const DIAGONAL_WORDS: &str = "NEVALID – DEMONSTRAȚIE";

/// What stands on every page besides the text.
pub(super) struct Frame<'a> {
    /// Left of the running head, from the second page on.
    pub(super) head: &'a str,
    /// Left of the foot.
    pub(super) foot: &'a str,
    pub(super) marking: Marking,
}

/// Draws all sheets; the headings given with their nodes become the outline.
pub(super) fn draw(document: &mut Document, sheets: &[Sheet], frame: &Frame<'_>, tags: &mut Tags) {
    let mut outline = Outline::new();
    for (index, sheet) in sheets.iter().enumerate() {
        let settings = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT).expect("A4 has a positive size");
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for ground in &sheet.grounds {
            draw_ground(&mut surface, ground);
        }
        draw_frame(&mut surface, frame, index + 1, sheets.len());
        for placed in &sheet.lines {
            draw_line(&mut surface, placed, tags);
            for heading in headings(placed, tags) {
                let top = Point::from_xy(MARGIN, (placed.top - 8.0).max(0.0));
                outline.push_child(OutlineNode::new(heading, XyzDestination::new(index, top)));
            }
        }
        surface.finish();
        page.finish();
    }
    document.set_outline(outline);
}

fn headings(placed: &Placed, tags: &Tags) -> Vec<String> {
    placed
        .line
        .pieces
        .iter()
        .filter_map(|piece| tags.heading(piece.node))
        .map(str::to_owned)
        .collect()
}

fn draw_frame(surface: &mut Surface<'_>, frame: &Frame<'_>, number: usize, total: usize) {
    match frame.marking {
        Marking::None => {}
        Marking::Demonstration => draw_diagonal(surface),
    }
    if number > 1 {
        artifact(surface, ArtifactType::Header, |surface| {
            draw_strip(surface, &cut(frame.head, MEASURE), MARGIN, 54.0);
            bar(surface, Ink::Grey, MARGIN, 60.0, MEASURE, 0.4);
        });
    }
    artifact(surface, ArtifactType::Footer, |surface| {
        let bottom = PAGE_HEIGHT - 38.0;
        bar(surface, Ink::Grey, MARGIN, bottom - 14.0, MEASURE, 0.4);
        let count = line(&format!("pagina {number}/{total}"), RUNNING);
        draw_strip(
            surface,
            &cut(frame.foot, MEASURE - count.width - 20.0),
            MARGIN,
            bottom,
        );
        draw_strip(surface, &count, MARGIN + MEASURE - count.width, bottom);
    });
}

/// The text's first line; a running head or foot never takes two.
fn cut(text: &str, width: f32) -> Strip {
    super::text::wrap(text, RUNNING, width)
        .into_iter()
        .next()
        .unwrap_or_else(|| line("", RUNNING))
}

fn draw_diagonal(surface: &mut Surface<'_>) {
    artifact(surface, ArtifactType::Watermark, |surface| {
        let words = line(DIAGONAL_WORDS, DIAGONAL);
        let centre = (PAGE_WIDTH / 2.0, PAGE_HEIGHT / 2.0);
        surface.push_transform(&Transform::from_rotate_at(-54.0, centre.0, centre.1));
        draw_strip(surface, &words, centre.0 - words.width / 2.0, centre.1 + 20.0);
        surface.pop();
    });
}

fn draw_ground(surface: &mut Surface<'_>, placed: &PlacedGround) {
    let height = placed.bottom - placed.top;
    artifact(surface, ArtifactType::Layout, |surface| match placed.ground {
        Ground::None => {}
        Ground::Hairline => bar_coloured(surface, [200, 206, 214], [MARGIN, placed.bottom, MEASURE, 0.5]),
        Ground::Rule => bar(surface, Ink::Navy, MARGIN, placed.bottom, MEASURE, 1.0),
        Ground::Field => {
            bar_coloured(surface, [237, 242, 248], [MARGIN, placed.top, MEASURE, height]);
            bar(surface, Ink::Navy, MARGIN, placed.top, 3.0, height);
        }
        Ground::Alarm => {
            bar_coloured(surface, [252, 235, 235], [MARGIN, placed.top, MEASURE, height]);
            bar(surface, Ink::Red, MARGIN, placed.top, 3.0, height);
        }
    });
}

fn draw_line(surface: &mut Surface<'_>, placed: &Placed, tags: &mut Tags) {
    for piece in &placed.line.pieces {
        let (x, y) = (MARGIN + piece.x, placed.top + piece.baseline);
        match placed.repeat {
            Repeat::First => {
                let content = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
                draw_strip(surface, &piece.strip, x, y);
                surface.end_tagged();
                tags.hang(piece.node, content);
            }
            Repeat::Again => artifact(surface, ArtifactType::PaginationOther, |surface| {
                draw_strip(surface, &piece.strip, x, y);
            }),
        }
    }
}

fn draw_strip(surface: &mut Surface<'_>, strip: &Strip, x: f32, y: f32) {
    surface.set_fill(Some(fill(strip.style.ink.rgb())));
    for run in strip.runs() {
        let start = Point::from_xy(x + run.offset, y);
        surface.draw_glyphs(
            start,
            run.glyphs,
            run.face.font.clone(),
            run.text,
            strip.style.size,
            false,
        );
    }
}

fn artifact(surface: &mut Surface<'_>, kind: ArtifactType, draw: impl FnOnce(&mut Surface<'_>)) {
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
    draw(surface);
    surface.end_tagged();
}

fn bar(surface: &mut Surface<'_>, ink: Ink, x: f32, y: f32, width: f32, height: f32) {
    bar_coloured(surface, ink.rgb(), [x, y, width, height]);
}

/// Fills the rectangle `[left, top, width, height]`.
fn bar_coloured(surface: &mut Surface<'_>, colour: [u8; 3], [x, y, width, height]: [f32; 4]) {
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(x, y, width, height) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        surface.set_fill(Some(fill(colour)));
        surface.draw_path(&path);
    }
}

fn fill([red, green, blue]: [u8; 3]) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        ..Fill::default()
    }
}

impl Ink {
    fn rgb(self) -> [u8; 3] {
        match self {
            Self::Black => [26, 30, 36],
            Self::Navy => [22, 54, 97],
            Self::Grey => [88, 96, 107],
            Self::Green => [20, 98, 56],
            Self::Red => [158, 27, 30],
            Self::Pale => [250, 226, 226],
        }
    }
}
