//! The unit, the user and the folder, judged by systemd's own tools.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

use crate::support::command::project;
use crate::support::tools::{TempDir, run, tool};

use super::install::make;

fn systemd_file(name: &str) -> PathBuf {
    project().join("systemd").join(name)
}

#[test]
fn the_service_is_hardened() {
    let said = run(Command::new(tool("systemd-analyze", "systemd"))
        .args(["security", "--offline=true", "--no-pager", "--threshold=15"])
        .arg(systemd_file("recipisa.service")));
    assert!(
        said.contains("Overall exposure level for recipisa.service"),
        "{said}"
    );
}

/// The threshold would not be passed by a service without its hardening, so that the test above can fail.
#[test]
fn the_measure_of_hardness_measures() {
    let dir = TempDir::new();
    let unit = fs::read_to_string(systemd_file("recipisa.service")).unwrap();
    let softer = unit
        .lines()
        .filter(|line| {
            !["Protect", "Private", "SystemCall"]
                .iter()
                .any(|word| line.starts_with(word))
        })
        .collect::<Vec<_>>()
        .join("\n");
    assert_ne!(softer, unit);
    let file = dir.path().join("recipisa.service");
    fs::write(&file, softer).unwrap();
    let judged = Command::new(tool("systemd-analyze", "systemd"))
        .args(["security", "--offline=true", "--no-pager", "--threshold=15"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(judged.status.code(), Some(1));
}

#[test]
fn the_unit_fits_the_program() {
    let unit = fs::read_to_string(systemd_file("recipisa.service")).unwrap();
    let seconds = |key: &str| -> u64 {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim_end_matches('s').parse().unwrap()
    };
    // Connecting and the longest answer that is waited for, in `src/edge/imap/mod.rs`.
    assert!(seconds("TimeoutStopSec=") >= 660 && seconds("TimeoutStartSec=") >= 660);
    assert!(seconds("WatchdogSec=") >= 10);
    // Each credential of the example is handed over, and no other.
    let example = fs::read_to_string(project().join("config/recipisa.example.toml")).unwrap();
    let mut wanted: Vec<&str> = example
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split("credential = \"").nth(1)?.split('"').next())
        .collect();
    let mut given: Vec<&str> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("LoadCredential=")?.split(':').next())
        .collect();
    wanted.sort_unstable();
    given.sort_unstable();
    assert_eq!(given, wanted);
}

#[test]
fn user_and_folder_are_made() {
    let root = TempDir::new();
    make(root.path(), "install", "/usr");
    let in_root = |name: &str| {
        let mut command = Command::new(tool(name, "systemd"));
        command.arg(format!("--root={}", root.path().display()));
        command
    };
    run(in_root("systemd-sysusers").arg("recipisa.conf"));
    let passwd = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    let user: Vec<&str> = passwd
        .lines()
        .find(|line| line.starts_with("recipisa:"))
        .unwrap_or_else(|| panic!("{passwd}"))
        .split(':')
        .collect();
    assert_eq!(user[5..], ["/var/lib/recipisa", "/usr/sbin/nologin"]);
    let group = fs::read_to_string(root.path().join("etc/group")).unwrap();
    let group = group.lines().find(|line| line.starts_with("recipisa:")).unwrap();
    assert_eq!(group.split(':').nth(2), Some(user[3]));
    run(in_root("systemd-tmpfiles").args(["--create", "recipisa.conf"]));
    let folder = fs::metadata(root.path().join("var/lib/recipisa")).unwrap();
    assert_eq!(
        (
            folder.uid().to_string().as_str(),
            folder.gid().to_string().as_str(),
            folder.mode() & 0o7777
        ),
        (user[2], user[3], 0o750)
    );
}
