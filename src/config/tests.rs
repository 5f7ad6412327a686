//! Configurations in `fixtures/configs`: the good ones load, each bad one fails for its own reasons; and the example
//! that operators start from is complete, true and loads.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The configurations of a folder, copied with what they name, because git does not keep the modes of password
/// files: `*.secret` becomes readable for its owner alone, `*.open-secret` for everybody.
fn fixtures(kind: &str) -> (TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let mut configurations = Vec::new();
    for entry in fs::read_dir(project("fixtures/configs").join(kind)).unwrap() {
        let original = entry.unwrap().path();
        let copy = dir.path().join(original.file_name().unwrap());
        fs::copy(&original, &copy).unwrap();
        let extension = copy.extension().unwrap_or_default().to_owned();
        let mode = if extension == "secret" { 0o600 } else { 0o644 };
        fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).unwrap();
        if extension == "toml" {
            configurations.push(copy);
        }
    }
    configurations.sort();
    assert!(!configurations.is_empty());
    (dir, configurations)
}

fn load(file: &Path, credentials: Option<&Path>) -> Settings {
    Settings::load(file, credentials).unwrap_or_else(|problems| {
        panic!(
            "{}",
            problems
                .iter()
                .map(|problem| format!("{problem}\n"))
                .collect::<String>()
        )
    })
}

#[test]
fn good_configurations_load() {
    let (_dir, files) = fixtures("good");
    for file in files {
        load(&file, None);
    }
}

/// Each bad file says in comments `# expect: LINE KEY: words` what must be found, and nothing else may be.
#[test]
fn bad_configurations_fail_for_their_own_reasons() {
    let (_dir, files) = fixtures("bad");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let expected: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# expect: "))
            .collect();
        assert!(!expected.is_empty(), "{} expects nothing", file.display());
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
        let shown: String = problems.iter().map(ToString::to_string).collect();
        assert!(!shown.contains("Parola"), "a password is shown: {shown}");
    }
}

/// The keys that the reading code asks for by name: `.text("key"`, `(&section, "key"`, and the days of the week.
fn keys_asked_for() -> BTreeSet<String> {
    const ASKS: [&str; 13] = [
        ".text(",
        ".text_opt(",
        ".integer(",
        ".flag(",
        ".texts(",
        ".choice(",
        ".path(",
        ".path_opt(",
        ".parsed(",
        ".moment(",
        ".section(",
        "(&section, ",
        "(section, ",
    ];
    let mut keys: BTreeSet<String> = ["monday", "friday", "free", "worked", "kind"]
        .map(str::to_owned)
        .into();
    for source in [
        "mod.rs",
        "places.rs",
        "calendar_file.rs",
        "secret.rs",
        "oauth.rs",
        "sending.rs",
    ] {
        let code = fs::read_to_string(project("src/config").join(source)).unwrap();
        for (at, _) in code.match_indices('"') {
            if ASKS.iter().any(|ask| code[..at].ends_with(ask)) {
                let text = code[at + 1..].split('"').next().unwrap();
                keys.extend(Some(text).filter(|text| !text.contains(' ')).map(str::to_owned));
            }
        }
    }
    assert!(keys.len() > 40, "{keys:?}");
    keys
}

/// Whether a line of an example, commented out or not, sets or opens `key`.
fn shows(example: &str, key: &str) -> bool {
    example.lines().any(|line| {
        let line = line.trim_start_matches(['#', ' ']);
        let name = line
            .split('=')
            .next()
            .unwrap_or_default()
            .trim()
            .trim_matches(['[', ']']);
        name == key
            || name.strip_prefix("hours").and_then(|day| day.strip_prefix('.')) == Some(key)
            || key == "hours" && name.starts_with("hours.")
            || line.starts_with(&format!("{{ {key} = "))
    })
}

/// The example with every default written out: `#key = value` loses its sign, `# A sentence` does not.
fn with_defaults(example: &str) -> String {
    let is_key = |text: &str| text.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    let lines = example.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if is_key(rest) && !rest.starts_with(' ') => rest,
        _ => line,
    });
    lines
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        .replace("/etc/recipisa/ministry-ca", "ministry-ca")
}

/// What the settings say, as far as a default decides it.
fn decided(settings: &Settings) -> String {
    let sources: Vec<String> = settings
        .sources
        .iter()
        .map(|source| match &source.kind {
            SourceKind::Imap(account) => format!(
                "{} {} {:?} {} {} {:?}",
                source.name,
                source.poll_seconds,
                account.security,
                account.port,
                account.folder,
                account.move_to
            ),
            SourceKind::Folder { path, move_to } => {
                format!("{} {} {path:?} {move_to:?}", source.name, source.poll_seconds)
            }
        })
        .collect();
    let transport = match &settings.transport {
        Carrier::Smtp(server) => format!(
            "{:?} {} {} {} {:?}",
            server.security, server.port, server.hello, server.delivery_reports, server.verp
        ),
        Carrier::Folder { path } => format!("{path:?}"),
    };
    format!(
        "{sources:#?}\n{transport}\n{:#?}\n{:#?}\n{:#?}\n{} {:?} {:?} {}",
        settings.sending,
        settings.offices,
        settings.request_types,
        settings.signing.accept_unqualified,
        settings.limits,
        settings.measure,
        settings.files_max
    )
}

/// The example names every key that the program asks for, loads with the credentials of a unit, and the defaults
/// that it shows are the ones that hold.
#[test]
fn the_example_is_complete_and_loads() {
    let example = fs::read_to_string(project("config/recipisa.example.toml")).unwrap();
    let calendar = fs::read_to_string(project("config/calendar.example.toml")).unwrap();
    for key in keys_asked_for() {
        assert!(
            shows(&example, &key) || shows(&calendar, &key),
            "the examples do not show `{key}`"
        );
    }

    let dir = tempfile::tempdir().unwrap();
    let credentials = dir.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    for name in ["imap-somaj", "imap-dej", "smtp", "seal"] {
        let path = credentials.join(name);
        fs::write(&path, "Parola inventată\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    }
    let authority = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(dir.path().join("ministry-ca.pem"), authority).unwrap();
    fs::write(dir.path().join("calendar.toml"), calendar).unwrap();
    let plain = dir.path().join("plain.toml");
    fs::write(&plain, &example).unwrap();
    let full = dir.path().join("full.toml");
    fs::write(&full, with_defaults(&example)).unwrap();

    let settings = load(&plain, Some(&credentials));
    assert_eq!(settings.signing.password.reveal(), "Parola inventată");
    assert_eq!((settings.offices.len(), settings.sources.len()), (2, 3));
    assert_eq!(settings.spelling(), Spelling::Plain);
    assert!(settings.calendar.is_working(jiff::civil::date(2026, 12, 24)));
    let full = load(&full, Some(&credentials));
    assert!(!full.calendar.is_working(jiff::civil::date(2026, 12, 24)));
    assert_eq!(decided(&full), decided(&settings));

    let problems = Settings::load(&plain, None).err().unwrap_or_default();
    assert_eq!(
        problems.len(),
        4,
        "without systemd each of the four passwords is told"
    );
}

#[test]
fn a_missing_configuration_is_one_problem() {
    let problems = Settings::load(Path::new("no-such-folder/recipisa.toml"), None)
        .err()
        .unwrap_or_default();
    assert!(
        matches!(problems.as_slice(), [one] if one.line == 1 && one.hint.contains("--config")),
        "{problems:?}"
    );
}

#[test]
fn credentials_are_missed_only_where_they_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recipisa.toml");
    let text =
        include_str!("../cli/demo.toml").replace("{ file = \"seal.password\" }", "{ credential = \"seal\" }");
    std::fs::write(&file, &text).unwrap();
    let problems = Settings::load(&file, None).err().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let settings = Settings::load_without_credentials(&file).unwrap_or_else(|said| panic!("{said:?}"));
    assert_eq!(settings.signing.password.reveal(), "");
    std::fs::write(&file, text.replace("\"seal\"", "\"../seal\"")).unwrap();
    assert!(
        Settings::load_without_credentials(&file).is_err(),
        "a name is checked all the same"
    );
}

#[test]
fn the_storage_folder_is_known_in_spite_of_other_problems() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recipisa.toml");
    let dir_of = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Settings::storage_dir_of(&file)
    };
    let expected = folder.path().join("registry");
    assert_eq!(
        dir_of("[storage]\ndir = \"registry\"\n[agency]\ncui = 7\n"),
        Some(expected)
    );
    assert_eq!(dir_of("[agency]\n"), None);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(Settings::storage_dir_of(&file), None);
}
