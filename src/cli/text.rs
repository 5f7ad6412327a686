//! Printing: lines to standard output that may be a closed pipe, complaints to standard error, and tables.

use std::io::{self, Write};

use crate::receipt::wording::visible;

/// Prints a line; a reader who has gone away (`| head`) ends the program quietly.
pub(super) fn line(text: &str) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Prints a line of a work that goes on to its end, and to its own exit code, also when nobody reads any more.
pub(super) fn progress(text: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).ok();
}

/// Prints bytes as they are; a reader who has gone away ends the program quietly.
pub(super) fn bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Says what went wrong.
pub(super) fn complain(text: &str) {
    // Where standard error is closed there is nobody to tell.
    writeln!(io::stderr().lock(), "recipisa: {text}").ok();
}

/// Prints rows with columns wide enough for their cells; cells longer than `cell_max` letters are cut with `…`.
pub(super) fn table(head: &[&str], rows: &[Vec<String>], cell_max: usize) {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text, cell_max)).collect())
        .collect();
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let print = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}", width = *width))
            .collect();
        line(padded.join("  ").trim_end());
    };
    print(head.to_vec());
    let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    print(rules.iter().map(String::as_str).collect());
    for row in &rows {
        print(row.iter().map(String::as_str).collect());
    }
}

/// A text as it stands in one line of a table: control characters are spaces, and a sign that hides or turns other
/// letters is shown by its number, so that nobody's file name looks like another.
fn cell(text: &str, letters_max: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let clean = visible(&line);
    if clean.chars().count() <= letters_max {
        return clean;
    }
    clean.chars().take(letters_max - 1).chain(['…']).collect()
}

/// A size in the unit that leaves one to three digits before the point: `41.9 MB`.
pub(super) fn bytes_of(size: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let (mut whole, mut tenths, mut unit) = (size, 0, 0);
    while whole >= 1_000 && unit + 1 < UNITS.len() {
        (whole, tenths, unit) = (whole / 1_000, whole % 1_000 / 100, unit + 1);
    }
    if unit == 0 {
        format!("{whole} {}", UNITS[unit])
    } else {
        format!("{whole}.{tenths} {}", UNITS[unit])
    }
}

/// An instant as people in Romania write it.
pub(super) fn instant(at: jiff::Timestamp) -> String {
    at.to_zoned(crate::calendar::hours::ZONE)
        .strftime("%d.%m.%Y %H:%M:%S")
        .to_string()
}

/// `2026-12-10` or `10.12.2026`.
pub(super) fn day(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse()
        .or_else(|_| jiff::civil::Date::strptime("%d.%m.%Y", text))
        .map_err(|_| "write the date as 2026-12-10 or 10.12.2026".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_hide_and_turn_nothing() {
        assert_eq!(cell("cerere\u{202E}fdp.exe", 60), "cerere⟨U+202E⟩fdp.exe");
        assert_eq!(cell("a\nb\u{1b}[31m\u{200B}", 60), "a b [31m⟨U+200B⟩");
        assert_eq!(cell("șomaj și ajutor", 6), "șomaj…");
    }
}
