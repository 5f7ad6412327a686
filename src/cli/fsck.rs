//! `fsck`: the registry, or a backup of it, held against itself; each finding with its place and its remedy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::{Failure, open, text};
use crate::daemon::safekeeping::{self, Checked};
use crate::registry::Number;
use crate::store::{Depth, Facts, Fault, Finding};

/// More findings of one kind are only counted, except in JSON.
const SHOWN_MAX: u64 = 50;

#[derive(clap::Args)]
pub(super) struct Options {
    /// A backup's folder; without it the configured registry is checked, also while recipisa works on it.
    dir: Option<PathBuf>,
    /// Of the files only whether they are there and their size, not their content.
    #[arg(long, conflicts_with = "seals")]
    quick: bool,
    /// Also check the signature of every receipt.
    #[arg(long)]
    seals: bool,
    /// Print one JSON object a line: the findings, then the summary.
    #[arg(long)]
    json: bool,
}

/// Exit code 1 when something is wrong; notes alone are no fault.
pub(super) fn main(config: Option<PathBuf>, options: &Options) -> Result<(), Failure> {
    let depth = match (options.quick, options.seals) {
        (true, _) => Depth::Quick,
        (false, true) => Depth::Seals,
        (false, false) => Depth::Full,
    };
    let mut counts: BTreeMap<Fault, u64> = BTreeMap::new();
    let mut each = |finding: Finding| {
        let count = counts.entry(finding.fault).or_default();
        *count += 1;
        if options.json {
            text::line(&finding_json(&finding).to_string());
        } else if *count <= SHOWN_MAX {
            text::line(&said(&finding));
        }
    };
    let checked = match &options.dir {
        Some(dir) => safekeeping::check_backup(dir, depth, &mut each)?,
        None => {
            let settings = open::settings_of_storage(&open::file(config))?;
            safekeeping::check_registry(&settings.storage_dir, depth, &mut each)?
        }
    };
    if options.json {
        text::line(&summary_json(&checked).to_string());
    } else {
        for (fault, count) in counts.iter().filter(|(_, count)| **count > SHOWN_MAX) {
            let more = count - SHOWN_MAX;
            text::line(&format!(
                "… and {more} more of {}; --json tells all",
                fault.as_str()
            ));
        }
        print_summary(&checked);
    }
    if checked.errors > 0 {
        return Err(Failure::Told(1));
    }
    Ok(())
}

/// A finding on two lines, as `check` prints them.
pub(super) fn said(finding: &Finding) -> String {
    let weight = if finding.fault.is_note() { "note" } else { "ERROR" };
    format!(
        "{weight:<8} {:<16} {}: {}\n{:26}{}",
        finding.fault.as_str(),
        finding.place,
        finding.what,
        "",
        finding.fault.remedy()
    )
}

fn print_summary(checked: &Checked) {
    if let Some(facts) = &checked.facts {
        text::line(&format!(
            "checked    {} mails, {} entries, {} letters, {} journal rows, {} files",
            facts.mails, facts.entries, facts.letters, facts.journal_rows, checked.files
        ));
        last_numbers(facts).iter().for_each(|line| text::line(line));
    }
    text::line(&format!(
        "result     {} errors, {} notes",
        checked.errors, checked.notes
    ));
}

/// What a clerk compares with the last receipt that went out.
pub(super) fn last_numbers(facts: &Facts) -> Vec<String> {
    if facts.last_numbers.is_empty() {
        return vec!["numbers    none given yet".to_owned()];
    }
    let line = |last: &Number| format!("numbers    the last one of {} is {last}", last.register);
    facts.last_numbers.iter().map(line).collect()
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "schema": 1, "kind": "finding", "fault": finding.fault.as_str(),
        "severity": if finding.fault.is_note() { "note" } else { "error" },
        "place": finding.place, "what": finding.what, "remedy": finding.fault.remedy(),
    })
}

fn summary_json(checked: &Checked) -> Value {
    let facts = checked.facts.as_ref();
    let last: Option<Vec<String>> =
        facts.map(|facts| facts.last_numbers.iter().map(ToString::to_string).collect());
    json!({
        "schema": 1, "kind": "summary", "errors": checked.errors, "notes": checked.notes, "files": checked.files,
        "mails": facts.map(|facts| facts.mails), "entries": facts.map(|facts| facts.entries),
        "letters": facts.map(|facts| facts.letters), "journal_rows": facts.map(|facts| facts.journal_rows),
        "last_numbers": last,
    })
}
