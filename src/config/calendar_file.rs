//! The calendar's override file: free days that the government adds and Saturdays that are worked for them.

use std::path::Path;

use jiff::civil::Date;

use super::reader::{Page, Problem, Section};
use crate::calendar::Calendar;
use crate::calendar::overrides::{Override, Working};

/// Reads `[calendar] overrides = "…"`; without it the legal holidays alone hold.
pub(super) fn read(root: &Section<'_, '_>) -> Option<Calendar> {
    let Some(section) = root.section("calendar") else {
        return Some(Calendar::without_overrides());
    };
    let path = section.path_opt("overrides");
    let calendar = match &path {
        None => Some(Calendar::without_overrides()),
        Some(path) => read_file(&section, path),
    };
    section.finish();
    calendar
}

/// The calendar of a configuration whose other sections are not looked at, for questions that anybody may ask who
/// may not read the passwords that the rest names.
///
/// # Errors
/// The problems of the file's syntax, of its `[calendar]`, and of the file that this names.
pub fn calendar_of(file: &Path) -> Result<Calendar, Vec<Problem>> {
    let text = super::text_of(file)?;
    let page = Page::new(file, &text);
    let table = page.parse();
    let calendar = read(&Section::root(&page, &table));
    let problems = page.problems.into_inner();
    match calendar {
        Some(calendar) if problems.is_empty() => Ok(calendar),
        _ => Err(problems),
    }
}

fn read_file(section: &Section<'_, '_>, path: &Path) -> Option<Calendar> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let hint = "make the file, or remove the key; config/calendar.example.toml shows its form";
            section.wrong("overrides", format!("the file cannot be read: {error}"), hint);
            return None;
        }
    };
    let page = Page::new(path, &text);
    let table = page.parse();
    let root = Section::root(&page, &table);
    let mut overrides = Vec::new();
    for (key, working) in [("free", Working::NonWorking), ("worked", Working::Working)] {
        for day in root.sections(key) {
            let date: Option<Date> = day.parsed("date", "write the day as \"2026-12-24\"");
            let source = day.text(
                "source",
                "name the act that says so, for example \"HG 1234/2026\"",
            );
            day.finish();
            if let (Some(date), Some(source)) = (date, source) {
                overrides.push(Override {
                    date,
                    working,
                    source,
                });
            }
        }
    }
    root.finish();
    let calendar = Calendar::new(overrides).map_err(|contradiction| {
        page.add(
            0,
            "",
            None,
            contradiction.to_string(),
            "keep one of the two lines",
        );
    });
    let problems = page.problems.into_inner();
    let sound = problems.is_empty();
    section.adopt(problems);
    calendar.ok().filter(|_| sound)
}
