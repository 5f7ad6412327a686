//! `docs/reasons.md` is complete: every reason with its outcome, every code of waiting receipts and of links.

use std::collections::BTreeMap;
use std::fs;

use recipisa::outbox::Letterless;
use recipisa::registry::LinkWhy;
use recipisa::screening::Reason;

use crate::support::command::project;

/// The cells of each row whose first cell is a code.
fn rows(table: &str) -> BTreeMap<String, Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_matches('|');
        inner.split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    let rows = table.lines().filter(|line| line.starts_with("| `")).map(cells);
    let mut found = BTreeMap::new();
    for row in rows {
        let code = row[0].trim_matches('`').to_owned();
        assert!(row.iter().all(|cell| !cell.is_empty()), "{code}");
        assert!(
            found.insert(code.clone(), row).is_none(),
            "{code} stands there twice"
        );
    }
    found
}

#[test]
fn every_code_stands_in_the_table_with_its_meaning() {
    let text = fs::read_to_string(project().join("docs/reasons.md")).unwrap();
    let tables: Vec<&str> = text.split("\n| --- |").collect();
    let [_, reasons, letterless, links] = tables[..] else {
        panic!("{} tables", tables.len() - 1)
    };
    let found = rows(reasons);
    for reason in Reason::ALL {
        let row = found
            .get(reason.as_str())
            .unwrap_or_else(|| panic!("docs/reasons.md says nothing of {}", reason.as_str()));
        assert_eq!(row.len(), 4, "{row:?}");
        assert_eq!(row[1], format!("`{}`", reason.outcome().as_str()), "{row:?}");
    }
    assert_eq!(found.len(), Reason::ALL.len(), "a code that no mail has");
    let codes = |all: &[&'static str]| {
        let mut all: Vec<String> = all.iter().map(|&code| code.to_owned()).collect();
        all.sort();
        all
    };
    let letterless: Vec<String> = rows(letterless).into_keys().collect();
    assert_eq!(letterless, codes(&Letterless::ALL.map(Letterless::as_str)));
    let links: Vec<String> = rows(links).into_keys().collect();
    assert_eq!(links, codes(&LinkWhy::ALL.map(LinkWhy::as_str)));
    for page in ["README.md", "docs/json.md"] {
        let page = fs::read_to_string(project().join(page)).unwrap();
        assert!(page.contains("reasons.md"), "nothing leads to the table");
    }
}
