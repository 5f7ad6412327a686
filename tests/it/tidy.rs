//! The rules of the code that no compiler holds: who may name whom, what pure modules must not touch, where each
//! foreign crate lives, how long files are and how they begin. ARCHITECTURE.md explains them; the tables are in
//! [`table`], what reads Rust is in [`code`], and [`made_up`] shows that each rule can fail.
//!
//! Tests are exempt from the rules on names: files called `tests.rs` or `specimen.rs` or in a folder `tests`, and
//! `#[cfg(test)] mod … {` to the end of its file. Each rule is a function that returns what it found, so that it can be shown to find something.

mod code;
mod made_up;
mod promises;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use code::{Paths, code_of, paths};
use table::{ANYWHERE, CRATES, Exception, MODULES, NAMING_EXCEPTIONS, PURE_UNTIL, WORLD_EXCEPTIONS, WORLDLY};

/// A file of the project: its path from the root, with slashes, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// The top module of a file below `src/`.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let (module, rest) = inside
            .split_once('/')
            .unwrap_or((inside.strip_suffix(".rs")?, ""));
        let is_root = rest.is_empty() && matches!(module, "lib" | "main");
        (!is_root).then_some(module)
    }

    fn is_test(&self) -> bool {
        !self.path.starts_with("src/")
            || self.path.contains("/tests/")
            || ["/tests.rs", "/specimen.rs"]
                .iter()
                .any(|end| self.path.ends_with(end))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below the folders, in the order of their paths.
fn files(folders: &[&str]) -> Vec<File> {
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(root()).unwrap().to_str().unwrap();
                found.push(File::new(
                    &inside.replace('\\', "/"),
                    &fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "the walk found the code");
    found
}

fn position(module: &str) -> Option<usize> {
    MODULES.iter().position(|(name, _)| *name == module)
}

fn starts_with_path(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `lib.rs` declares only modules of the table, in its order.
fn order_of_modules(lib: &str) -> Vec<String> {
    let code = code_of(lib);
    let declared = code
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("pub ").strip_prefix("mod "));
    let mut found = Vec::new();
    let mut last = 0;
    for module in declared.filter_map(|rest| rest.strip_suffix(';')) {
        match position(module) {
            None => found.push(format!("src/lib.rs: `{module}` is not in the table of modules")),
            Some(here) if here < last => found.push(format!("src/lib.rs: `{module}` stands too low")),
            Some(here) => last = here,
        }
    }
    found
}

/// The table itself: a module may only name modules above it.
fn direction_of_table(modules: &[(&str, &[&str])]) -> Vec<String> {
    let mut above = BTreeSet::new();
    let mut found = Vec::new();
    for (module, allowed) in modules {
        let wrong = allowed.iter().filter(|name| !above.contains(*name));
        found.extend(
            wrong.map(|name| format!("the table lets `{module}` name `{name}`, which is not above it")),
        );
        above.insert(*module);
    }
    found
}

/// Each module names only the modules it may, or what an exception lets it. Used exceptions are noted in `used`.
fn names_of_modules(file: &File, exceptions: &[Exception], used: &mut BTreeSet<usize>) -> Vec<String> {
    if file.is_test() {
        return Vec::new();
    }
    let code = code_of(&file.text);
    let Some(module) = file.module() else {
        let mut named = paths(&code, "recipisa");
        named.retain(|path| file.path != "src/main.rs" || !starts_with_path(path, "cli"));
        return named
            .iter()
            .map(|path| format!("{}: names `{path}`", file.path))
            .collect();
    };
    let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == module) else {
        return vec![format!(
            "{}: `{module}` is not in the table of modules",
            file.path
        )];
    };
    let mut named: Paths = paths(&code, "crate");
    named.extend(paths_by_super(&file.path, &code));
    let mut found = Vec::new();
    for path in named {
        let target = path.split("::").next().unwrap_or_default();
        if target == module || allowed.contains(&target) {
            continue;
        }
        match exceptions
            .iter()
            .position(|one| one.module == module && starts_with_path(&path, one.may_name))
        {
            Some(index) => {
                used.insert(index);
            }
            None => found.push(format!("{}: `{module}` may not name `{path}`", file.path)),
        }
    }
    found
}

/// What `super::super::…` reaches when it climbs out of the top module.
fn paths_by_super(path: &str, code: &str) -> Paths {
    let inside = path
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .trim_end_matches("/mod");
    let climb = vec!["super"; inside.split('/').count()].join("::");
    paths(code, &climb)
}

/// Pure modules name nothing of the world outside.
fn worldly_names(file: &File, used: &mut BTreeSet<usize>) -> Vec<String> {
    let pure = file
        .module()
        .and_then(position)
        .is_some_and(|here| here <= position(PURE_UNTIL).unwrap_or(0));
    if !pure || file.is_test() {
        return Vec::new();
    }
    let code = code_of(&file.text);
    let mut found = Vec::new();
    for (root, inside) in WORLDLY {
        let named = paths(&code, root);
        for path in named
            .iter()
            .filter(|path| inside.is_empty() || inside.iter().any(|one| starts_with_path(path, one)))
        {
            let whole = format!("{root}::{path}");
            let exception = WORLD_EXCEPTIONS
                .iter()
                .position(|one| file.module() == Some(one.module) && starts_with_path(&whole, one.may_name));
            match exception {
                Some(index) => {
                    used.insert(index);
                }
                None => found.push(format!("{}: `{whole}` in a pure module", file.path)),
            }
        }
    }
    for word in [
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
        "dbg!",
        "option_env!",
    ] {
        if code
            .match_indices(word)
            .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        {
            found.push(format!("{}: `{word}` in a pure module", file.path));
        }
    }
    found
}

/// Foreign crates are named in their homes only.
fn homes_of_crates(file: &File) -> Vec<String> {
    if file.is_test() {
        return Vec::new();
    }
    let code = code_of(&file.text);
    CRATES
        .iter()
        .filter(|(_, homes)| !homes.iter().any(|home| file.path.starts_with(home)))
        .filter(|(name, _)| !paths(&code, name).is_empty())
        .map(|(name, homes)| {
            format!(
                "{}: the crate `{name}` lives only in {}",
                file.path,
                homes.join(", ")
            )
        })
        .collect()
}

/// Every dependency has a home, and every home a dependency.
fn crates_without_home(manifest: &str) -> Vec<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let depended: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .filter(|name| !name.starts_with('#'))
        .collect();
    let housed: BTreeSet<String> = CRATES
        .iter()
        .map(|(name, _)| *name)
        .chain(ANYWHERE.iter().copied())
        .map(str::to_owned)
        .collect();
    depended
        .symmetric_difference(&housed)
        .map(|name| format!("`{name}`: a dependency or a home is missing"))
        .collect()
}

/// At most 500 lines, and a first comment that says what the file is for.
fn length_and_first_comment(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let lines = file.text.lines().count();
    if lines > 500 {
        found.push(format!("{}: {lines} lines; split it", file.path));
    }
    let first = file.text.lines().next().unwrap_or_default();
    if first
        .strip_prefix("//! ")
        .is_none_or(|words| words.trim().len() < 15)
    {
        found.push(format!("{}: does not begin with `//!` and a sentence", file.path));
    }
    found
}

/// Names that say nothing.
fn empty_names(file: &File) -> Vec<String> {
    const EMPTY: [&str; 10] = [
        "utils", "util", "common", "helpers", "helper", "misc", "manager", "base", "stuff", "shared",
    ];
    let names = file.path.trim_end_matches(".rs").split('/');
    let empty = names.filter(|name| EMPTY.contains(name));
    empty
        .map(|name| format!("{}: `{name}` says nothing", file.path))
        .collect()
}

/// No unwrap outside tests, and no notes to oneself anywhere.
fn unwraps_and_notes(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    if !file.is_test()
        && code_of(&file.text)
            .replace(char::is_whitespace, "")
            .contains(".unwrap()")
    {
        found.push(format!("{}: `.unwrap()` outside tests", file.path));
    }
    // Put together here, so that this file does not hold them.
    for note in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")] {
        if file
            .text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| word == note)
        {
            found.push(format!("{}: `{note}`", file.path));
        }
    }
    found
}

fn assert_none(found: Vec<String>) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

fn assert_used(exceptions: &[Exception], used: &BTreeSet<usize>) {
    for (index, one) in exceptions.iter().enumerate() {
        assert!(
            one.reason.len() > 20,
            "the exception for `{}` gives no reason",
            one.module
        );
        assert!(
            used.contains(&index),
            "nobody needs the exception for `{}` to name `{}`",
            one.module,
            one.may_name
        );
    }
}

#[test]
fn modules_stand_and_name_in_the_order_of_dependency() {
    assert_none(direction_of_table(MODULES));
    assert_none(order_of_modules(
        &fs::read_to_string(root().join("src/lib.rs")).unwrap(),
    ));
    let mut used = BTreeSet::new();
    assert_none(
        files(&["src"])
            .iter()
            .flat_map(|file| names_of_modules(file, NAMING_EXCEPTIONS, &mut used))
            .collect(),
    );
    assert_used(NAMING_EXCEPTIONS, &used);
}

#[test]
fn pure_modules_name_nothing_worldly() {
    let mut used = BTreeSet::new();
    assert_none(
        files(&["src"])
            .iter()
            .flat_map(|file| worldly_names(file, &mut used))
            .collect(),
    );
    assert_used(WORLD_EXCEPTIONS, &used);
}

#[test]
fn foreign_crates_stay_at_home() {
    assert_none(files(&["src"]).iter().flat_map(homes_of_crates).collect());
    assert_none(crates_without_home(
        &fs::read_to_string(root().join("Cargo.toml")).unwrap(),
    ));
}

#[test]
fn files_are_short_named_and_finished() {
    let files = files(&["src", "tests"]);
    assert_none(files.iter().flat_map(length_and_first_comment).collect());
    assert_none(files.iter().flat_map(empty_names).collect());
    assert_none(files.iter().flat_map(unwraps_and_notes).collect());
}
