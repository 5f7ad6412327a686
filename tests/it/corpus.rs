//! The shared corpus of other people's test files through `inspect`: no panic, one line each, right verdicts.
//!
//! It lies outside the repository; where it is absent the test says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::support::command::{Said, project, recipisa, said};

mod agreement;

/// Of valid files, so many in a hundred may be refused.
const REFUSED_PERCENT_MAX: usize = 2;

pub(crate) fn corpus() -> Option<PathBuf> {
    let told = std::env::var_os("RECIPISA_CORPUS").map(PathBuf::from);
    let beside = project().join("../shared/corpus");
    told.or_else(|| beside.is_dir().then_some(beside))
}

fn files_below(folder: &Path) -> usize {
    let inside = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    inside
        .map(|path| if path.is_dir() { files_below(&path) } else { 1 })
        .sum()
}

fn inspected(args: &[&str], folder: &Path) -> Said {
    let begun = Instant::now();
    let said = said(recipisa(&["inspect", "--json"]).args(args).arg(folder)).ended_with(0);
    println!(
        "inspect {}: {} files in {:.1?}",
        args.join(" "),
        said.out.lines().count(),
        begun.elapsed()
    );
    assert_eq!(said.err, "");
    said
}

/// Path inside the corpus to what was said of the file; each file once.
fn by_path(said: &Said, corpus: &Path) -> BTreeMap<String, Value> {
    let lines = said.json();
    let count = lines.len();
    let named: BTreeMap<String, Value> = lines
        .into_iter()
        .map(|line| {
            let path = Path::new(line["path"].as_str().unwrap())
                .strip_prefix(corpus)
                .unwrap();
            (path.to_str().unwrap().to_owned(), line)
        })
        .collect();
    assert_eq!(named.len(), count, "a file has two lines");
    for (path, line) in &named {
        assert!(line["error"].is_null(), "{path}: {}", line["error"]);
    }
    named
}

#[test]
fn the_whole_corpus_is_judged() {
    let Some(corpus) = corpus() else {
        println!("corpus: not here");
        return;
    };
    let everything = inspected(&[], &corpus);
    assert_eq!(by_path(&everything, &corpus).len(), files_below(&corpus));
    judge_documents(&corpus);
    judge_mails(&corpus);
}

#[test]
fn names_and_texts_are_read_as_others_read_them() {
    match corpus() {
        Some(corpus) => agreement::judge(&corpus),
        None => println!("corpus: not here"),
    }
}

/// Against the verdicts that two independent sources agree on.
fn judge_documents(corpus: &Path) {
    let lines = by_path(&inspected(&["--as", "document"], corpus), corpus);
    let gold = fs::read_to_string(corpus.join("GOLD.tsv")).unwrap();
    let (mut valid, mut refused, mut accepted) = (0, Vec::new(), Vec::new());
    for row in gold.lines().skip(1) {
        let [path, class, verdict, _] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("GOLD.tsv: {row}");
        };
        if verdict == "DISPUTED" || class == "pades-signature" {
            continue;
        }
        // A document type definition is refused by rule, whatever it says.
        let good = matches!(verdict, "valid" | "well-formed") && class != "xml+doctype";
        let line = lines.get(path).unwrap_or_else(|| panic!("no line for {path}"));
        valid += usize::from(good);
        match (good, line["verdict"].as_str()) {
            (true, Some("refused")) => refused.push(format!("{path}: {}", line["documents"][0]["findings"])),
            (false, Some("accepted")) => accepted.push(path),
            (true, Some("accepted")) | (false, Some("refused")) => {}
            (_, other) => panic!("{path}: verdict {other:?}"),
        }
    }
    println!(
        "valid and refused, {} of {valid}:\n  {}",
        refused.len(),
        refused.join("\n  ")
    );
    assert!(accepted.is_empty(), "invalid and accepted: {accepted:#?}");
    assert!(valid > 800, "only {valid} valid files");
    assert!(
        refused.len() * 100 <= valid * REFUSED_PERCENT_MAX,
        "{} of {valid}",
        refused.len()
    );
}

fn judge_mails(corpus: &Path) {
    let folder = corpus.join("mail");
    let lines = by_path(&inspected(&["--as", "mail"], &folder), &folder);
    let mut outcomes = BTreeMap::<String, usize>::new();
    for (path, line) in &lines {
        assert_eq!(line["kind"], "mail", "{path}");
        let outcome = line["outcome"]
            .as_str()
            .unwrap_or_else(|| panic!("{path} has no outcome"));
        assert!(line["reason"].is_string(), "{path}");
        // Only a registered mail is answered.
        assert!(line["replies"] == false || outcome == "registered", "{path}");
        *outcomes.entry(outcome.to_owned()).or_default() += 1;
    }
    println!("mails: {outcomes:?}");
    assert_eq!(outcomes.values().sum::<usize>(), files_below(&folder));
    for outcome in outcomes.keys() {
        assert!(
            ["registered", "filed", "ignored", "held"].contains(&outcome.as_str()),
            "{outcome}"
        );
    }
}
