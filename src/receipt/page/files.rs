//! The table of files: number, name as received, what it is, size, verdict with reason and remedy, SHA-256.
//!
//! A row is several lines: the cells side by side, then the reasons, then the fingerprint over the width.
//! To a screen reader it is a regular table of six columns.

use std::rc::Rc;

use super::face::FaceName;
use super::flow::{Block, Cohesion, Ground, Line, MEASURE};
use super::sections::{Composition, abreast, lines, width_of};
use super::tags::{Node, Role};
use super::text::{Ink, Style};
use crate::receipt::content::{File, Reason, Receipt, Severity, Verdict};
use crate::receipt::wording;

const BODY: Style = Style::new(FaceName::Text, 9.4, 13.4, Ink::Black);
const HEAD: Style = Style::new(FaceName::Bold, 8.2, 11.4, Ink::Navy);
const NAME: Style = Style::new(FaceName::Bold, 9.2, 12.4, Ink::Black);
const PLAIN: Style = Style::new(FaceName::Text, 8.8, 12.4, Ink::Black);
const FINE: Style = Style::new(FaceName::Text, 7.8, 11.0, Ink::Grey);
const REASON: Style = Style::new(FaceName::Text, 8.8, 12.2, Ink::Black);
const VERDICT: Style = Style::new(FaceName::Bold, 9.0, 12.4, Ink::Green);
const FINGERPRINT: Style = Style::new(FaceName::Mono, 7.2, 11.6, Ink::Grey);

/// Left edge and width of the columns.
const ORDINAL: (f32, f32) = (0.0, 22.0);
const FILE: (f32, f32) = (24.0, 240.0);
const KIND: (f32, f32) = (276.0, 84.0);
const SIZE: (f32, f32) = (366.0, 62.0);
const RESULT: (f32, f32) = (436.0, MEASURE - 436.0);
/// Reasons and fingerprints stand below the name, over the width.
const BELOW: (f32, f32) = (FILE.0, MEASURE - FILE.0);

/// Adds the section with the table, or with the sentence that there are no files.
pub(super) fn compose(to: &mut Composition, receipt: &Receipt) {
    let section = to.section("Fișierele primite");
    if receipt.files.is_empty() {
        to.paragraph(section, "Mesajul nu a avut fișiere atașate.", BODY, 2.0);
        return;
    }
    let node = to.tags.plant(section, Role::Paragraph);
    let introduction = lines(&introduction(receipt), BODY, 0.0, MEASURE, node);
    to.blocks
        .push(Block::new(2.0, introduction).cohesion(Cohesion::WithNext));
    let summary = "Fișierele mesajului, câte un rând pentru fiecare".to_owned();
    let table = to.tags.plant(section, Role::Table { summary });
    let head = Rc::new(head(to, table));
    let block = Block::new(8.0, head.as_ref().clone()).ground(Ground::Rule);
    to.blocks.push(block.cohesion(Cohesion::WithNext));
    let body = to.tags.plant(table, Role::TableBody);
    for file in &receipt.files {
        let row = row(to, body, file);
        let block = Block::new(2.0, row)
            .ground(Ground::Hairline)
            .cohesion(Cohesion::Whole);
        to.blocks.push(block.repeated(&head));
    }
}

fn introduction(receipt: &Receipt) -> String {
    let refused = receipt.refused();
    let accepted = receipt.files.len() - refused;
    let total = wording::count(receipt.files.len() as u64, "fișier", "fișiere");
    match (accepted, refused) {
        (1, 0) => format!("{total}, acceptat."),
        (_, 0) => format!("{total}, toate acceptate."),
        (0, 1) => {
            format!("{total}, refuzat. Mesajul este totuși înregistrat; mai jos scrie ce aveți de făcut.")
        }
        (0, _) => format!(
            "{total}, toate refuzate. Mesajul este totuși înregistrat; mai jos scrie ce aveți de făcut."
        ),
        _ => format!(
            "{total}: {accepted} {}, {refused} {}. Pentru cele refuzate, mai jos scrie motivul și ce aveți de făcut.",
            if accepted == 1 { "acceptat" } else { "acceptate" },
            if refused == 1 { "refuzat" } else { "refuzate" },
        ),
    }
}

fn head(to: &mut Composition, table: Node) -> Vec<Line> {
    let head = to.tags.plant(table, Role::TableHead);
    let row = to.tags.plant(head, Role::TableRow);
    let titles = [
        ("Nr.", ORDINAL),
        ("Numele fișierului, așa cum a fost primit", FILE),
        ("Ce este", KIND),
        ("Mărime", SIZE),
        ("Rezultat", RESULT),
    ];
    let mut columns = Vec::new();
    for (title, (x, width)) in titles {
        let node = to.tags.plant(row, Role::ColumnHeader);
        columns.push(lines(title, HEAD, x, width, node));
    }
    let mut all = abreast(columns);
    let node = to.tags.plant(row, Role::ColumnHeader);
    all.extend(lines("Amprenta SHA-256", FINE, BELOW.0, BELOW.1, node));
    all
}

fn row(to: &mut Composition, body: Node, file: &File) -> Vec<Line> {
    let row = to.tags.plant(body, Role::TableRow);
    let ordinal = to.tags.plant(row, Role::RowHeader);
    let name = to.tags.plant(row, Role::Cell);
    let kind = to.tags.plant(row, Role::Cell);
    let size = to.tags.plant(row, Role::Cell);
    let result = to.tags.plant(row, Role::Cell);
    let fingerprint = to.tags.plant(row, Role::Cell);
    let word = to.tags.plant(result, Role::Paragraph);
    let ink = match file.verdict {
        Verdict::Accepted => Ink::Green,
        Verdict::Refused => Ink::Red,
    };
    let mut all = abreast(vec![
        lines(
            &format!("{}.", file.ordinal),
            PLAIN,
            ORDINAL.0,
            ORDINAL.1,
            ordinal,
        ),
        name_lines(to, name, file),
        lines(&file.kind_ro, PLAIN, KIND.0, KIND.1, kind),
        size_lines(to, size, file),
        lines(
            file.verdict.word_ro(),
            VERDICT.inked(ink),
            RESULT.0,
            RESULT.1,
            word,
        ),
    ]);
    for reason in &file.reasons {
        let node = to.tags.plant(result, Role::Paragraph);
        all.extend(reason_lines(reason, node));
    }
    all.extend(lines(&file.sha256, FINGERPRINT, BELOW.0, BELOW.1, fingerprint));
    all
}

/// The name, and the container it was taken out of.
fn name_lines(to: &mut Composition, cell: Node, file: &File) -> Vec<Line> {
    let node = to.tags.plant(cell, Role::Paragraph);
    let shown = if file.name.is_empty() {
        "(fără nume)"
    } else {
        &file.name
    };
    let mut all = lines(shown, NAME, FILE.0, FILE.1, node);
    if let Some(container) = &file.container {
        let node = to.tags.plant(cell, Role::Paragraph);
        all.extend(lines(&format!("din {container}"), FINE, FILE.0, FILE.1, node));
    }
    all
}

/// The size as one pictures it and, below, to the byte.
fn size_lines(to: &mut Composition, cell: Node, file: &File) -> Vec<Line> {
    let node = to.tags.plant(cell, Role::Paragraph);
    let short = wording::size(file.size_bytes);
    let mut all = lines(&short, PLAIN, SIZE.0, SIZE.1, node);
    if file.size_bytes >= 1_000 {
        let exact = wording::octets(file.size_bytes);
        let node = to.tags.plant(cell, Role::Paragraph);
        // The exact size may be wider than its column: there is room up to the verdict.
        let room = width_of(&exact, FINE).min(RESULT.0 + RESULT.1 - SIZE.0);
        all.extend(lines(&exact, FINE, SIZE.0, SIZE.1.max(room), node));
    }
    all
}

fn reason_lines(reason: &Reason, node: Node) -> Vec<Line> {
    let (word, ink) = match reason.severity {
        Severity::Note => ("Notă: ", Ink::Grey),
        Severity::Warning => ("Atenție: ", Ink::Black),
        Severity::Refusal => ("Motiv: ", Ink::Red),
    };
    lines(
        &format!("{word}{}", reason.text_ro),
        REASON.inked(ink),
        BELOW.0,
        BELOW.1,
        node,
    )
}
