//! The registry belongs to one user: nobody else writes into it, root included, and clerks need no password of the
//! service.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::agency::Agency;
use crate::support::command::{Said, project, recipisa, said};
use crate::support::tools::{run, set_mode, tool, write};

/// The user and group that own nothing.
const NOBODY: u32 = 65_534;

/// A copy of the program in a place that every user may enter.
fn program(agency: &Agency) -> PathBuf {
    let copy = agency.path().join("recipisa");
    fs::copy(env!("CARGO_BIN_EXE_recipisa"), &copy).unwrap();
    set_mode(&copy, 0o755);
    copy
}

/// Runs the copy as a user without any right.
#[track_caller]
fn as_nobody(agency: &Agency, program: &Path, args: &[&str]) -> Said {
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
        .env("RECIPISA_CONFIG", agency.config())
        .current_dir(agency.path());
    said(&mut command)
}

/// Name, owner and size of everything below a folder.
fn everything(dir: &Path) -> String {
    run(Command::new("find")
        .arg(dir)
        .args(["-printf", "%p %u %g %m %s %T@\n"]))
}

#[test]
fn root_is_refused_on_another_users_registry() {
    let agency = Agency::new();
    agency.deliver("somaj", "01-cerere-buna");
    agency.run(&["once"]).ended_with(0);
    agency.deliver("somaj", "21-fara-expeditor");
    let registry = agency.path().join("registry");
    chown(&registry, Some(NOBODY), Some(NOBODY)).unwrap();
    let before = everything(agency.path());
    for args in [
        &["once"][..],
        &["run"],
        &["check"],
        &["mails"],
        &["entries", "--json"],
        &["show", "1/20.11.2026"],
        &["held", "discard", "1", "--reason", "nu e o cerere"],
    ] {
        let refused = agency.run(args).ended_with(1);
        assert_eq!(refused.out, "", "{args:?}");
        assert!(
            refused
                .err
                .contains("belongs to the user nobody (uid 65534), and this is root (uid 0)"),
            "{}",
            refused.err
        );
        let program = env!("CARGO_BIN_EXE_recipisa");
        let config = agency.config();
        let same = args.join(" ").replace("nu e o cerere", "'nu e o cerere'");
        let command = format!(
            "    sudo -u nobody env RECIPISA_CONFIG={} {program} {same}\n",
            config.display()
        );
        assert!(
            refused.err.ends_with(&command),
            "{} is not {command}",
            refused.err
        );
    }
    assert_eq!(everything(agency.path()), before, "nothing was touched");
    // The rehearsal and what needs no registry are for everybody.
    let mails = project().join("fixtures/mails/01-cerere-buna");
    agency.run(&["inspect", mails.to_str().unwrap()]).ended_with(0);
    said(&mut recipisa(&["--version"])).ended_with(0);
    chown(&registry, Some(0), Some(0)).unwrap();
    agency.run(&["mails"]).ended_with(0);
}

#[test]
fn another_user_is_refused_before_any_password_is_read() {
    let agency = Agency::new();
    agency.run(&["once"]).ended_with(0);
    let program = program(&agency);
    let before = everything(&agency.path().join("registry"));
    for args in [&["entries"][..], &["once"]] {
        let refused = as_nobody(&agency, &program, args).ended_with(1);
        assert!(
            refused
                .err
                .contains("belongs to the user root (uid 0), and this is nobody (uid 65534)")
                && refused.err.contains("sudo -u root env RECIPISA_CONFIG="),
            "{}",
            refused.err
        );
        // Its password file is root's, which would be a problem of the configuration.
        assert!(!refused.err.contains("seal.password"), "{}", refused.err);
    }
    assert_eq!(everything(&agency.path().join("registry")), before);
}

#[test]
fn the_owner_works_without_being_root() {
    let agency = Agency::new();
    agency.deliver("somaj", "01-cerere-buna");
    let program = program(&agency);
    run(Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(agency.path()));
    as_nobody(&agency, &program, &["once"]).ended_with(0);
    let entries = as_nobody(&agency, &program, &["entries", "--json"]).ended_with(0);
    assert_eq!(entries.json().len(), 1);
    agency.run(&["entries"]).ended_with(1);
}

#[test]
fn clerks_need_no_credential_of_the_service() {
    let agency = Agency::new();
    agency.configure(|text| text.replace("{ file = \"seal.password\" }", "{ credential = \"seal\" }"));
    let credentials = agency.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::copy(agency.path().join("seal.password"), credentials.join("seal")).unwrap();
    set_mode(&credentials.join("seal"), 0o600);
    agency.deliver("somaj", "01-cerere-buna");
    agency.deliver("somaj", "21-fara-expeditor");
    for command in ["once", "run"] {
        let refused = agency.run(&[command]).ended_with(3);
        assert!(
            refused.err.contains("CREDENTIALS_DIRECTORY is not set"),
            "{}",
            refused.err
        );
    }
    let mut once = recipisa(&["once"]);
    once.env("RECIPISA_CONFIG", agency.config())
        .env("CREDENTIALS_DIRECTORY", &credentials);
    said(&mut once).ended_with(0);
    for args in [&["entries"][..], &["mails"], &["held"]] {
        agency.run(args).ended_with(0);
    }
    // What is wrong otherwise is told to clerks too.
    agency.configure(|text| text.replace("cui = \"00000000\"", "cui = 7"));
    write(&agency.path().join("seal.password"), "");
    agency.run(&["entries"]).ended_with(3);
}
