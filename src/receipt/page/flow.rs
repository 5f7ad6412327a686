//! Blocks of lines, and how they fall onto pages.
//!
//! It knows heights and what must stay together; it leaves out what the lines say and how they are drawn.

use std::rc::Rc;

use super::tags::Node;
use super::text::Strip;

/// A4 in points (ISO 216).
pub(super) const PAGE_WIDTH: f32 = 595.28;
pub(super) const PAGE_HEIGHT: f32 = 841.89;
/// Left edge of the text, and the space kept free on the right.
pub(super) const MARGIN: f32 = 56.0;
/// Width of the text.
pub(super) const MEASURE: f32 = PAGE_WIDTH - 2.0 * MARGIN;

/// Top of the text on the first and on later pages (which carry a running head), and its bottom.
const TOP_FIRST: f32 = 48.0;
const TOP_LATER: f32 = 74.0;
const BOTTOM: f32 = PAGE_HEIGHT - 66.0;

/// Lines that belong together.
pub(super) struct Block {
    pub(super) lines: Vec<Line>,
    /// Space above, dropped at the top of a page.
    pub(super) gap: f32,
    pub(super) cohesion: Cohesion,
    pub(super) ground: Ground,
    /// Lines drawn again, as artifacts, when a page begins with this block or inside it.
    pub(super) repeated: Option<Rc<Vec<Line>>>,
}

/// How a block may be parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cohesion {
    /// Anywhere between two lines.
    Loose,
    /// Not at all, unless it is higher than half a page.
    Whole,
    /// Not at all, and the next block begins on the same page.
    WithNext,
}

/// What is painted behind or below the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    None,
    /// A hairline below.
    Hairline,
    /// A strong line below.
    Rule,
    /// A tinted field with a bar at its left.
    Field,
    /// A pale red field.
    Alarm,
}

/// One line: pieces of text side by side.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) height: f32,
    pub(super) pieces: Vec<Piece>,
}

/// A piece of text in a line.
#[derive(Clone)]
pub(super) struct Piece {
    /// Points from the left edge of the text.
    pub(super) x: f32,
    /// Points from the top of the line to the baseline.
    pub(super) baseline: f32,
    pub(super) strip: Strip,
    pub(super) node: Node,
}

/// A line at its place.
pub(super) struct Placed {
    pub(super) top: f32,
    pub(super) line: Line,
    pub(super) repeat: Repeat,
}

/// Whether a line stands here for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    First,
    Again,
}

/// A ground under the part of a block that stands on one page.
pub(super) struct PlacedGround {
    pub(super) ground: Ground,
    pub(super) top: f32,
    pub(super) bottom: f32,
}

/// What stands on one page.
#[derive(Default)]
pub(super) struct Sheet {
    pub(super) lines: Vec<Placed>,
    pub(super) grounds: Vec<PlacedGround>,
}

impl Block {
    pub(super) fn new(gap: f32, lines: Vec<Line>) -> Self {
        Self {
            lines,
            gap,
            cohesion: Cohesion::Loose,
            ground: Ground::None,
            repeated: None,
        }
    }

    pub(super) fn cohesion(self, cohesion: Cohesion) -> Self {
        Self { cohesion, ..self }
    }

    pub(super) fn ground(self, ground: Ground) -> Self {
        Self { ground, ..self }
    }

    pub(super) fn repeated(self, lines: &Rc<Vec<Line>>) -> Self {
        Self {
            repeated: Some(Rc::clone(lines)),
            ..self
        }
    }

    fn height(&self) -> f32 {
        self.lines.iter().map(|line| line.height).sum::<f32>() + self.padding() * 2.0
    }

    fn padding(&self) -> f32 {
        match self.ground {
            Ground::None => 0.0,
            Ground::Hairline | Ground::Rule => 3.0,
            Ground::Field | Ground::Alarm => 8.0,
        }
    }

    /// The height that must be free for the block to begin here.
    fn need(&self, following: &[Block]) -> f32 {
        let whole = self.height();
        let few = self.lines.iter().take(2).map(|line| line.height).sum::<f32>() + self.padding();
        match self.cohesion {
            Cohesion::Loose => few,
            Cohesion::Whole => {
                if whole <= (BOTTOM - TOP_LATER) / 2.0 {
                    whole
                } else {
                    few
                }
            }
            Cohesion::WithNext => match following {
                [next, rest @ ..] => whole + next.gap + next.need(rest),
                [] => whole,
            },
        }
    }
}

/// Lets the blocks fall onto as many pages as they need; there is always at least one.
pub(super) fn paginate(blocks: &[Block]) -> Vec<Sheet> {
    let mut fall = Fall {
        sheets: vec![Sheet::default()],
        y: TOP_FIRST,
    };
    for (index, block) in blocks.iter().enumerate() {
        let fresh = fall.sheet().lines.is_empty();
        if !fresh && fall.y + block.gap + block.need(&blocks[index + 1..]) > BOTTOM {
            fall.turn(block);
        } else if !fresh {
            fall.y += block.gap;
        }
        fall.place(block);
    }
    fall.sheets
}

struct Fall {
    sheets: Vec<Sheet>,
    y: f32,
}

impl Fall {
    fn sheet(&mut self) -> &mut Sheet {
        self.sheets
            .last_mut()
            .expect("there is always at least one sheet")
    }

    fn turn(&mut self, block: &Block) {
        self.sheets.push(Sheet::default());
        self.y = TOP_LATER;
        for line in block.repeated.iter().flat_map(|lines| lines.iter()) {
            self.put(line, Repeat::Again);
        }
        if block.repeated.is_some() {
            let (top, bottom) = (TOP_LATER, self.y + 3.0);
            self.sheet().grounds.push(PlacedGround {
                ground: Ground::Rule,
                top,
                bottom,
            });
            self.y = bottom + 1.0;
        }
    }

    fn put(&mut self, line: &Line, repeat: Repeat) {
        let top = self.y;
        self.sheet().lines.push(Placed {
            top,
            line: line.clone(),
            repeat,
        });
        self.y += line.height;
    }

    fn place(&mut self, block: &Block) {
        let padding = block.padding();
        let mut top = self.y;
        self.y += padding;
        for line in &block.lines {
            if self.y + line.height + padding > BOTTOM {
                self.close(block.ground, top);
                self.turn(block);
                top = self.y;
                self.y += padding;
            }
            self.put(line, Repeat::First);
        }
        self.y += padding;
        self.close(block.ground, top);
    }

    fn close(&mut self, ground: Ground, top: f32) {
        let bottom = self.y;
        if ground != Ground::None && bottom > top {
            self.sheet().grounds.push(PlacedGround { ground, top, bottom });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(count: usize, cohesion: Cohesion) -> Block {
        let line = Line {
            height: 20.0,
            pieces: Vec::new(),
        };
        Block::new(10.0, vec![line; count]).cohesion(cohesion)
    }

    #[test]
    fn a_heading_goes_with_what_follows() {
        // 34 lines of 20 points leave room for the heading alone.
        let blocks = [
            block(34, Cohesion::Loose),
            block(1, Cohesion::WithNext),
            block(3, Cohesion::Whole),
        ];
        let sheets = paginate(&blocks);
        assert_eq!(
            sheets.iter().map(|sheet| sheet.lines.len()).collect::<Vec<_>>(),
            [34, 4]
        );
    }

    #[test]
    fn a_block_higher_than_a_page_goes_on_and_repeats_its_head() {
        let head = Rc::new(vec![Line {
            height: 20.0,
            pieces: Vec::new(),
        }]);
        let sheets = paginate(&[block(90, Cohesion::Whole).repeated(&head)]);
        assert_eq!(sheets.len(), 3);
        let again = |sheet: &Sheet| {
            sheet
                .lines
                .iter()
                .filter(|placed| placed.repeat == Repeat::Again)
                .count()
        };
        assert_eq!(sheets.iter().map(again).collect::<Vec<_>>(), [0, 1, 1]);
        let first: usize = sheets.iter().map(|sheet| sheet.lines.len() - again(sheet)).sum();
        assert_eq!(first, 90);
    }

    #[test]
    fn nothing_stands_below_the_bottom() {
        for count in 1..120 {
            let blocks: Vec<Block> = (0..7)
                .map(|_| block(count, Cohesion::Whole).ground(Ground::Field))
                .collect();
            for sheet in paginate(&blocks) {
                assert!(
                    sheet
                        .lines
                        .iter()
                        .all(|placed| placed.top + placed.line.height <= BOTTOM)
                );
                assert!(!sheet.lines.is_empty());
            }
        }
    }
}
