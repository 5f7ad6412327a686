//! Configurations in `fixtures/configs`: the good ones load, each bad one fails for its own reasons.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/configs")
        .join(kind);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn good_configurations_load() {
    for file in fixtures("good") {
        if let Err(problems) = Settings::load(&file, None) {
            panic!(
                "{}: {}",
                file.display(),
                problems.iter().map(ToString::to_string).collect::<String>()
            );
        }
    }
}

/// Each bad file says in comments `# expect: LINE KEY: words` what must be found, and nothing else may be.
#[test]
fn bad_configurations_fail_for_their_own_reasons() {
    for file in fixtures("bad") {
        let text = fs::read_to_string(&file).unwrap();
        let expected: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# expect: "))
            .collect();
        let problems = Settings::load(&file, None).err().unwrap_or_default();
        let found: Vec<String> = problems
            .iter()
            .map(|one| format!("{} {}: {} | {}", one.line, one.key, one.why, one.hint))
            .collect();
        assert_eq!(found.len(), expected.len(), "{}: {found:#?}", file.display());
        for (found, expected) in found.iter().zip(&expected) {
            let (place, words) = expected.split_once(": ").unwrap();
            assert!(
                found.starts_with(&format!("{place}: ")),
                "{}: {found}\nexpected {expected}",
                file.display()
            );
            assert!(
                found.contains(words),
                "{}: {found}\nexpected {expected}",
                file.display()
            );
        }
    }
}

/// The example names every key that the program asks for, and loads.
#[test]
fn the_example_is_complete_and_loads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/recipisa.example.toml");
    let example = fs::read_to_string(&path).unwrap();
    for source in ["mod.rs", "places.rs", "calendar_file.rs"] {
        let code = fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("src/config")
                .join(source),
        )
        .unwrap();
        for piece in code.split("section").skip(1) {
            let Some(rest) = piece.strip_prefix('.') else {
                continue;
            };
            let Some((call, argument)) = rest.split_once("(\"") else {
                continue;
            };
            let asks = [
                "text", "text_opt", "integer", "flag", "texts", "choice", "path", "path_opt", "parsed",
            ];
            let key = argument.split('"').next().unwrap();
            if asks.contains(&call) {
                let named = example.lines().any(|line| {
                    line.trim_start_matches(['#', ' '])
                        .split('=')
                        .next()
                        .is_some_and(|name| name.trim() == key)
                });
                assert!(
                    named,
                    "{source} asks for `{key}`, and the example does not show it"
                );
            }
        }
    }
}
