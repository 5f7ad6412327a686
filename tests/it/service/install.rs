//! `make install` into a scratch root: every file with its mode, and the installed program works.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::command::project;
use crate::support::tools::{TempDir, make_dir, run, tool};

/// What an installation is, with modes; a folder ends in a slash.
const INSTALLED: [&str; 20] = [
    "755 etc/",
    "755 etc/recipisa/",
    "644 etc/recipisa/calendar.example.toml",
    "700 etc/recipisa/credentials/",
    "644 etc/recipisa/recipisa.example.toml",
    "755 usr/",
    "755 usr/bin/",
    "755 usr/bin/recipisa",
    "755 usr/lib/",
    "755 usr/lib/systemd/",
    "755 usr/lib/systemd/system/",
    "644 usr/lib/systemd/system/recipisa.service",
    "755 usr/lib/sysusers.d/",
    "644 usr/lib/sysusers.d/recipisa.conf",
    "755 usr/lib/tmpfiles.d/",
    "644 usr/lib/tmpfiles.d/recipisa.conf",
    "755 usr/share/",
    "755 usr/share/doc/",
    "755 usr/share/doc/recipisa/",
    "644 usr/share/doc/recipisa/ (README.md, CHANGELOG.md, LICENSE, operators.md, json.md)",
];

/// Runs `make install` or `make uninstall` for this root.
#[track_caller]
pub(super) fn make(root: &Path, target: &str, prefix: &str) {
    run(Command::new(tool("make", "make"))
        .arg("-C")
        .arg(project())
        .arg(target)
        .arg(format!("DESTDIR={}", root.display()))
        .arg(format!("PREFIX={prefix}"))
        // The release is built by whoever installs; here the program that the tests have is installed.
        .arg(concat!("BINARY=", env!("CARGO_BIN_EXE_recipisa"))));
}

/// Everything below a folder, with modes, sorted by path.
fn listing(root: &Path) -> Vec<String> {
    let found = run(Command::new("find")
        .arg(root)
        .args(["-mindepth", "1", "(", "-type", "d", "-printf", "%P/ %m\n", ")"])
        .args(["-o", "-printf", "%P %m\n"]));
    let mut lines: Vec<&str> = found.lines().collect();
    lines.sort_unstable();
    lines
        .iter()
        .map(|line| {
            line.rsplit_once(' ')
                .map(|(path, mode)| format!("{mode} {path}"))
                .unwrap()
        })
        .collect()
}

fn expected() -> Vec<String> {
    let (last, rest) = INSTALLED.split_last().unwrap();
    let (folder, names) = last.trim_end_matches(')').split_once(" (").unwrap();
    let mut lines: Vec<String> = rest.iter().map(|line| (*line).to_owned()).collect();
    lines.extend(names.split(", ").map(|name| format!("{folder}{name}")));
    lines.sort_by(|a, b| a[4..].cmp(&b[4..]));
    lines
}

#[test]
fn everything_is_installed_and_taken_away_again() {
    let root = TempDir::new();
    make(root.path(), "install", "/usr");
    assert_eq!(listing(root.path()), expected());
    let program = root.path().join("usr/bin/recipisa");
    let version = run(Command::new(&program).arg("--version"));
    assert_eq!(version, format!("recipisa {}\n", env!("CARGO_PKG_VERSION")));
    let demo = run(Command::new(&program)
        .args(["demo", "--dir"])
        .arg(root.path().join("demo")));
    assert!(demo.contains("1/20.11.2026"), "{demo}");
    fs::remove_dir_all(root.path().join("demo")).unwrap();

    // What an operator has written stays.
    let own = root.path().join("etc/recipisa/recipisa.toml");
    fs::write(&own, "").unwrap();
    make(root.path(), "uninstall", "/usr");
    let left: Vec<String> = listing(root.path())
        .into_iter()
        .filter(|line| !line.ends_with('/'))
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(own.exists());
}

#[test]
fn the_installed_unit_is_sound() {
    for prefix in ["/usr", "/usr/local"] {
        let root = TempDir::new();
        make(root.path(), "install", prefix);
        let units = root
            .path()
            .join(prefix.trim_start_matches('/'))
            .join("lib/systemd/system");
        // A bare root has none of the units that ours names; they are not what is judged.
        let system = root.path().join("usr/lib/systemd/system");
        make_dir(&system);
        for name in ["sysinit", "basic", "shutdown", "network-online", "multi-user"] {
            fs::write(
                system.join(format!("{name}.target")),
                "[Unit]\nDescription=made up\n",
            )
            .unwrap();
        }
        make_dir(&root.path().join("bin"));
        fs::copy(tool("kill", "procps"), root.path().join("bin/kill")).unwrap();
        let verify = |unit: &str| {
            let output = Command::new(tool("systemd-analyze", "systemd"))
                .arg(format!("--root={}", root.path().display()))
                .args(["verify", "--man=false", unit])
                .output()
                .unwrap();
            (
                output.status.success(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )
        };
        assert_eq!(verify("recipisa.service"), (true, String::new()), "{prefix}");
        let unit = units.join("recipisa.service");
        let text = fs::read_to_string(&unit).unwrap();
        assert!(
            text.contains(&format!("ExecStart={prefix}/bin/recipisa run\n")),
            "{text}"
        );
        // That it can say no: a word that systemd does not know, a program that is not there.
        fs::write(&unit, text.replace("WatchdogSec=", "WachdogSec=")).unwrap();
        assert!(verify("recipisa.service").1.contains("WachdogSec"));
        fs::write(&unit, text.replace("bin/recipisa run", "bin/recipisad run")).unwrap();
        let (sound, said) = verify("recipisa.service");
        assert!(!sound && said.contains("recipisad"), "{said}");
    }
}
