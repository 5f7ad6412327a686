//! Who may back up, check and bring back: the owner of the registry, so that no file gets another one.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{copies, elsewhere, entries, post_and_register, run_with, text};
use crate::support::agency::Agency;
use crate::support::command::{Said, said};
use crate::support::tools::{run, set_mode, tool};

/// The user and group that own nothing.
const NOBODY: u32 = 65_534;

/// An agency of that user, with two entries, and a program in a place that the user may enter.
fn agency_of_nobody() -> (Agency, PathBuf) {
    let agency = Agency::new();
    post_and_register(&agency, 1..=2);
    let program = agency.path().join("recipisa");
    fs::copy(env!("CARGO_BIN_EXE_recipisa"), &program).unwrap();
    set_mode(&program, 0o755);
    run(Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(agency.path()));
    (agency, program)
}

#[track_caller]
fn as_nobody(program: &Path, config: &Path, args: &[&str]) -> Said {
    let mut command = Command::new(tool("setpriv", "util-linux"));
    command
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=-all",
        ])
        .arg(program)
        .args(args)
        .env("RECIPISA_CONFIG", config)
        .current_dir("/");
    said(&mut command)
}

#[test]
fn root_is_refused_and_the_owner_backs_up_checks_and_restores() {
    let (agency, program) = agency_of_nobody();
    let backup = agency.path().join("copie");
    for args in [
        &["backup", text(&backup)][..],
        &["restore", text(&backup)],
        &["fsck"],
    ] {
        let refused = agency.run(args).ended_with(1);
        assert!(
            refused
                .err
                .contains("belongs to the user nobody (uid 65534), and this is root"),
            "{args:?}: {}",
            refused.err
        );
    }
    assert!(!backup.exists());
    as_nobody(&program, &agency.config(), &["backup", text(&backup)]).ended_with(0);
    as_nobody(&program, &agency.config(), &["fsck"]).ended_with(0);
    // A backup is checked by whoever may read it, also where there is no registry.
    agency.run(&["fsck", text(&backup)]).ended_with(0);
    assert_eq!(copies(&backup).len(), 1);
    let owners: Vec<u32> = super::files(&backup)
        .iter()
        .map(|path| fs::metadata(path).unwrap().uid())
        .collect();
    assert!(owners.iter().all(|owner| *owner == NOBODY), "{owners:?}");

    let config = elsewhere(&agency, "back");
    chown(&config, Some(NOBODY), Some(NOBODY)).unwrap();
    as_nobody(&program, &config, &["restore", text(&backup)]).ended_with(0);
    let entries = as_nobody(&program, &config, &["entries", "--json"]).ended_with(0);
    assert_eq!(entries.json().len(), 2);
}

#[test]
fn root_makes_no_registry_out_of_another_users_backup() {
    let (agency, program) = agency_of_nobody();
    let backup = agency.path().join("copie");
    as_nobody(&program, &agency.config(), &["backup", text(&backup)]).ended_with(0);
    let config = elsewhere(&agency, "back");
    chown(&config, Some(NOBODY), Some(NOBODY)).unwrap();
    let back = agency.path().join("back");
    let remedy = format!("sudo install -d -m 0700 -o 65534 -g 65534 {}\n", back.display());
    for is_made in [false, true] {
        if is_made {
            fs::create_dir(&back).unwrap();
            // The user cannot take what root has made, and learns what root must do.
            let refused = as_nobody(&program, &config, &["restore", text(&backup)]).ended_with(1);
            assert!(refused.err.contains(&remedy), "{}", refused.err);
        }
        let refused = run_with(&config, &["restore", text(&backup)]).ended_with(1);
        assert!(refused.err.contains(&remedy), "{}", refused.err);
        assert!(
            refused.err.contains("    sudo -u nobody env RECIPISA_CONFIG="),
            "{}",
            refused.err
        );
        assert_eq!(back.exists(), is_made, "nothing is made");
    }
    // What the remedy does.
    chown(&back, Some(NOBODY), Some(NOBODY)).unwrap();
    set_mode(&back, 0o700);
    let refused = run_with(&config, &["restore", text(&backup)]).ended_with(1);
    assert!(refused.err.contains("sudo -u nobody"), "{}", refused.err);
    let done = as_nobody(&program, &config, &["restore", text(&backup)]).ended_with(0);
    assert!(!done.out.contains("belongs to root"), "{}", done.out);
    as_nobody(&program, &config, &["fsck"]).ended_with(0);
}

#[test]
fn a_backup_that_root_has_carried_over_is_said_to_be_roots() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=2);
    let backup = agency.path().join("copie");
    super::back_up(&agency, &backup);
    let config = elsewhere(&agency, "back");
    let done = run_with(&config, &["restore", text(&backup)]).ended_with(0);
    let remedy = format!("chown -R USER: '{}'", agency.path().join("back").display());
    assert!(done.out.contains(&remedy), "{}", done.out);
    assert_eq!(entries(&config).len(), 2);
}

#[test]
fn no_credential_of_the_service_is_needed() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=1);
    agency.configure(|text| text.replace("{ file = \"seal.password\" }", "{ credential = \"seal\" }"));
    agency.run(&["once"]).ended_with(3);
    let backup = agency.path().join("copie");
    super::back_up(&agency, &backup);
    agency.run(&["fsck"]).ended_with(0);
    let config = elsewhere(&agency, "back");
    run_with(&config, &["restore", text(&backup)]).ended_with(0);
}
