//! The golden digests read by programs that we did not write: Python's csv, json and html.parser.
//!
//! Left out: that the golden files are what the program makes today, which the unit tests of the module hold.

use std::process::Command;

use crate::support::tools::{run, tool};

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/digests/read_digest.py");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/digests");

#[test]
fn others_read_the_same_in_every_form() {
    let said = run(Command::new(tool("python3", "python3")).args([READER, FOLDER]));
    for day in ["full", "empty", "wrong"] {
        assert!(said.contains(&format!("{day}: sound")), "{said}");
    }
}
