//! The page on other systems' failures names tests; each of them must exist.

use std::collections::BTreeSet;
use std::fs;

use super::{files, root};

/// Every word in backticks of the lines that begin with `Tests:`, up to the next failure.
fn named(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut within = false;
    for line in page.lines() {
        within = line.trim_start().starts_with("Tests:") || within && line.starts_with(' ');
        if within {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

#[test]
fn every_failure_names_tests_that_exist() {
    let page = fs::read_to_string(root().join("docs/failures.md")).unwrap();
    let failures = page
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .count();
    let lists = page
        .lines()
        .filter(|line| line.trim_start().starts_with("Tests:"))
        .count();
    assert_eq!((failures, lists), (20, 20));
    let code: Vec<String> = files(&["src", "tests"])
        .into_iter()
        .map(|file| file.text)
        .collect();
    let exists = |name: &str| code.iter().any(|text| text.contains(&format!("fn {name}()")));
    let missing: BTreeSet<&str> = named(&page).into_iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "docs/failures.md names {missing:?}");
    assert!(named(&page).len() >= 20);
    assert_eq!(named("1. x\n   Tests: `a`,\n   `b`.\n2. `c`\n"), ["a", "b"]);
}
