//! Made-up snippets that show of each rule of the tidy test that it finds what it should, and nothing else.

use std::collections::BTreeSet;
use std::fs;

use super::table::Exception;
use super::{
    File, crates_without_home, direction_of_table, empty_names, homes_of_crates, length_and_first_comment,
    names_of_modules, order_of_modules, root, unwraps_and_notes, worldly_names,
};

/// Whether `rule` finds exactly as many things as told in a made-up file.
#[track_caller]
fn finds(rule: impl Fn(&File) -> Vec<String>, path: &str, text: &str, count: usize) {
    let found = rule(&File::new(path, text));
    assert_eq!(found.len(), count, "{path}: {text}\n{found:#?}");
}

#[test]
fn rules_on_modules_can_fail() {
    assert_eq!(
        order_of_modules("pub mod journal;\npub mod store;\nmod edge;\n"),
        Vec::<String>::new()
    );
    assert_eq!(order_of_modules("pub mod store;\npub mod journal;\n").len(), 1);
    assert_eq!(order_of_modules("pub mod cellar;\n").len(), 1);
    assert_eq!(
        direction_of_table(&[("a", &[]), ("b", &["a"])]),
        Vec::<String>::new()
    );
    assert_eq!(direction_of_table(&[("a", &["b"]), ("b", &["b"])]).len(), 2);
    let exception = [Exception {
        module: "mailbox",
        may_name: "edge::clock",
        reason: "made up",
    }];
    let rule = |file: &File| names_of_modules(file, &exception, &mut BTreeSet::new());
    finds(
        rule,
        "src/store/mod.rs",
        "use crate::journal::Row;\nuse crate::store::archive;",
        0,
    );
    finds(rule, "src/flow/mod.rs", "use crate::edge::clock;", 1);
    finds(
        rule,
        "src/edge/a/b.rs",
        "fn f() { crate::flow::with_causes(&e) }",
        1,
    );
    finds(
        rule,
        "src/message/mod.rs",
        "use crate::{\n    store::{Store, self},\n    message::Origin,\n    journal,\n};",
        3,
    );
    finds(
        rule,
        "src/message/files.rs",
        "use super::super::store::Store;\nuse super::Defect;",
        1,
    );
    finds(
        rule,
        "src/documents/formats/mod.rs",
        "use super::super::store;\nuse super::Finding;",
        1,
    );
    finds(
        rule,
        "src/message/mod.rs",
        "//! [`crate::store`]\n/* crate::flow */\nconst A: &str = \"crate::edge\";",
        0,
    );
    finds(
        rule,
        "src/message/mod.rs",
        "fn f() {}\n#[cfg(test)]\nmod tests {\n    use crate::store::Store;\n}",
        0,
    );
    finds(rule, "src/message/tests.rs", "use crate::store::Store;", 0);
    finds(rule, "src/mailbox/mod.rs", "use crate::edge::clock::now;", 0);
    finds(rule, "src/mailbox/mod.rs", "use crate::edge::clockwork;", 1);
    finds(rule, "src/cellar/mod.rs", "", 1);
    finds(
        rule,
        "src/main.rs",
        "fn main() { recipisa::cli::main(); recipisa::edge::x() }",
        1,
    );
}

#[test]
fn rules_on_names_can_fail() {
    let rule = |file: &File| worldly_names(file, &mut BTreeSet::new());
    finds(
        rule,
        "src/journal/mod.rs",
        "use std::{fmt, fs::File, time::{Duration, SystemTime}};",
        2,
    );
    finds(
        rule,
        "src/receipt/page/mod.rs",
        "let x = Timestamp::now(); println!(\"{x}\"); std::env::var(y)",
        3,
    );
    finds(
        rule,
        "src/store/mod.rs",
        "use ::tokio::net; use rusqlite as db; tracing::info!(\"x\");",
        3,
    );
    finds(
        rule,
        "src/registry/mod.rs",
        "openssl::rand::rand_bytes(&mut x); openssl::sign::y()",
        1,
    );
    finds(
        rule,
        "src/registry/mod.rs",
        "use std::time::Duration; use std::io::Cursor; let tokio = 1; env!(\"A\")",
        0,
    );
    finds(rule, "src/edge/clock.rs", "use std::fs; Timestamp::now()", 0);
}

#[test]
fn rules_on_crates_can_fail() {
    finds(
        homes_of_crates,
        "src/message/mod.rs",
        "use mail_parser::Message;",
        0,
    );
    finds(
        homes_of_crates,
        "src/screening/mod.rs",
        "use mail_parser::{Message, Header};",
        1,
    );
    finds(
        homes_of_crates,
        "src/flow/mod.rs",
        "use tokio::net::TcpStream; async_imap::x(); use lettre as mail;",
        3,
    );
    finds(
        homes_of_crates,
        "src/config/places.rs",
        "x.parse::<lettre::Address>()",
        0,
    );
    finds(
        homes_of_crates,
        "src/config/mod.rs",
        "x.parse::<lettre::Address>()",
        1,
    );
    finds(
        homes_of_crates,
        "src/edge/mod.rs",
        "use crate::documents::formats::png::Png; self.png.x; png(1)",
        0,
    );
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let more = manifest.replace("\n[dependencies]\n", "\n[dependencies]\nleft-pad = \"1\"\n");
    assert_eq!(
        crates_without_home(&more).len(),
        crates_without_home(&manifest).len() + 1
    );
    assert!(!crates_without_home("\n[dependencies]\n").is_empty());
}

#[test]
fn rules_on_files_can_fail() {
    finds(length_and_first_comment, "src/a.rs", "//! What it is for.\n", 0);
    finds(
        length_and_first_comment,
        "src/a.rs",
        "use x;\n//! What it is for.\n",
        1,
    );
    finds(length_and_first_comment, "src/a.rs", "//! x\n", 1);
    finds(length_and_first_comment, "src/a.rs", &"\n".repeat(501), 2);
    finds(empty_names, "src/edge/utils.rs", "", 1);
    finds(empty_names, "tests/it/common/mod.rs", "", 1);
    finds(empty_names, "src/database/commonplace.rs", "", 0);
    finds(unwraps_and_notes, "src/a.rs", "x\n    .unwrap();", 1);
    finds(
        unwraps_and_notes,
        "src/a.rs",
        "x.unwrap_or(1); // .unwrap()\nlet s = \".unwrap()\";",
        0,
    );
    finds(
        unwraps_and_notes,
        "src/a.rs",
        "#[cfg(test)]\nmod tests {\n    x.unwrap()\n}",
        0,
    );
    finds(unwraps_and_notes, "tests/it/a.rs", "x.unwrap()", 0);
    finds(
        unwraps_and_notes,
        "src/a.rs",
        concat!("// TO", "DO: later\n// FIX", "ME\n// XX", "X"),
        3,
    );
    finds(
        unwraps_and_notes,
        "src/a.rs",
        concat!("let XX", "XX = TO", "DOS;"),
        0,
    );
}
