//! `recipisa demo --weeks 6`: the timeline of every case is the same at every run, and every letter is in the folder.
//!
//! After a wanted change `RECIPISA_REWRITE=1 cargo test --test it weeks` writes the golden file anew.

use std::fs;

use crate::support::command::{project, recipisa, said};
use crate::support::tools::TempDir;

/// From Monday to Friday in six weeks; the schedule does not ask whether a Monday is a holiday.
const DIGESTS: usize = 30;

/// Between the table of the mails and the list of the folders.
fn timeline(printed: &str) -> String {
    let lines: Vec<&str> = printed
        .lines()
        .skip_while(|line| !line.is_empty())
        .take_while(|line| !line.contains("Where to look:"))
        .collect();
    format!("{}\n", lines.join("\n").trim())
}

#[test]
fn six_weeks_have_the_timeline_that_they_had() {
    let dir = TempDir::new();
    let demo = dir.path().join("demo");
    let live = || said(recipisa(&["demo", "--weeks", "6", "--dir"]).arg(&demo));
    let out = live().ended_with(0);
    assert_eq!(out.err, "");
    let lived = timeline(&out.out);
    let golden = project().join("fixtures/demo/weeks-6.txt");
    if std::env::var_os("RECIPISA_REWRITE").is_some() {
        fs::write(&golden, &lived).unwrap();
    }
    assert_eq!(lived, fs::read_to_string(&golden).unwrap());
    let letters = fs::read_dir(demo.join("letters")).unwrap().count();
    assert_eq!(letters, lived.matches("→ letter: ").count() + DIGESTS);
    // Lived through once, the folder is left as it is.
    let again = live().ended_with(1);
    assert!(
        again.err.contains("name another folder with --dir"),
        "{}",
        again.err
    );
    let mut fsck = recipisa(&["fsck", "--config"]);
    said(fsck.arg(demo.join("recipisa.toml"))).ended_with(0);
}
