//! Backups: taken while mails are registered, brought back, and held against themselves.
//!
//! The real program on folders. What each kind of damage is called is in [`damage`] and [`cases`], deaths in the middle of a backup or
//! a restore in [`deaths`], who may do it in [`owners`]. Left out: the content of letters and receipts, which the journey tests read.

mod cases;
mod damage;
mod ledger;
#[cfg(feature = "failpoints")]
mod deaths;
mod owners;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cases::{act_on, number_of, reply};
use serde_json::Value;

use crate::support::agency::Agency;
use crate::support::command::{Said, recipisa, said};
use crate::support::process::Process;
use crate::support::tools::{PATIENCE, write};

/// A small request.
fn post(agency: &Agency, ordinal: u32) {
    let mail = format!(
        "Received: by mx.ajofm-exemplu.test; Fri, 20 Nov 2026 10:{:02}:{:02} +0200\r\nFrom: p{ordinal}@exemplu.test\r\n\
         To: somaj@ajofm-exemplu.test\r\nSubject: cerere {ordinal}\r\nMessage-ID: <c.{ordinal}@exemplu.test>\r\n\
         \r\nVă rog o adeverință.\r\n",
        ordinal / 60,
        ordinal % 60
    );
    let path = agency.path().join(format!("mailboxes/somaj/m{ordinal:04}.eml"));
    fs::write(path, mail).unwrap();
}

fn post_and_register(agency: &Agency, ordinals: std::ops::RangeInclusive<u32>) {
    for ordinal in ordinals {
        post(agency, ordinal);
    }
    agency.run(&["once"]).ended_with(0);
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A configuration like the agency's, with its registry in the folder `dir` of the agency.
fn elsewhere(agency: &Agency, dir: &str) -> PathBuf {
    let config = agency.path().join(format!("{dir}.toml"));
    let own = fs::read_to_string(agency.config()).unwrap();
    write(
        &config,
        &own.replace("dir = \"registry\"", &format!("dir = \"{dir}\"")),
    );
    config
}

/// Runs a command on the registry of another configuration.
#[track_caller]
fn run_with(config: &Path, args: &[&str]) -> Said {
    said(recipisa(args).env("RECIPISA_CONFIG", config))
}

#[track_caller]
fn back_up(agency: &Agency, dir: &Path) -> Said {
    agency.run(&["backup", text(dir)]).ended_with(0)
}

/// Restores into a fresh folder, and returns the configuration for it.
#[track_caller]
fn restored(agency: &Agency, backup: &Path, copy: Option<&str>, into: &str) -> PathBuf {
    let config = elsewhere(agency, into);
    let mut args = vec!["restore", text(backup)];
    args.extend(copy.map(|name| ["--copy", name]).iter().flatten());
    run_with(&config, &args).ended_with(0);
    config
}

#[track_caller]
fn entries(config: &Path) -> Vec<Value> {
    run_with(config, &["entries", "--json"]).ended_with(0).json()
}

/// What an entry is, whatever became of its letter.
fn identity(entry: &Value) -> [String; 4] {
    ["number", "mail_sha256", "registered_at", "from"].map(|member| entry[member].to_string())
}

fn copies(backup: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(backup.join("databases"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// How many entries a copy has, by its manifest.
fn entries_of_copy(backup: &Path, name: &str) -> u64 {
    let manifest = fs::read(backup.join(format!("databases/{name}.json"))).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["entries"].as_u64().unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn backups_taken_under_load_are_whole_and_of_their_moment() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=3);
    let number = number_of(&agency.config(), 2);
    for ordinal in 4..=200 {
        post(&agency, ordinal);
        if ordinal % 10 == 0 {
            reply(&agency, 2, &number, &format!("sub{ordinal}"));
        }
    }
    let backup = agency.path().join("copie");
    let config = agency.config();
    let args = ["once", "--config", text(&config)];
    let mut work = Process::recipisa(agency.path(), "once", &args, &[]);
    let mut taken = 0;
    while work.ended().is_none() {
        agency
            .run(&["backup", text(&backup), "--keep", "1000"])
            .ended_with(0);
        taken += 1;
        if taken == 1 {
            act_on(&agency, &number_of(&agency.config(), 1));
        }
        if taken % 4 == 1 {
            agency.run(&["fsck"]).ended_with(0);
        }
    }
    assert_eq!(work.wait(PATIENCE).code(), Some(0), "{}", work.stderr());
    assert!(taken >= 3, "only {taken} backups while 200 mails were worked on");
    let checked = agency
        .run(&["fsck", text(&backup), "--seals", "--json"])
        .ended_with(0);
    let summary = checked.json().pop().unwrap();
    assert_eq!(summary["errors"], 0);

    let all = entries(&agency.config());
    assert_eq!(all.len(), 200);
    let mails = agency.run(&["mails", "--json"]).ended_with(0).json();
    let joined = mails.iter().filter(|mail| mail["outcome"] == "joined").count();
    assert_eq!(joined, 20, "every tenth to 200");
    let names = copies(&backup);
    assert_eq!(names.len(), taken);
    // One of each state of the register, and of these at most eight.
    let mut distinct = names.clone();
    distinct.dedup_by_key(|name| entries_of_copy(&backup, name));
    let step = distinct.len().div_ceil(8);
    let mut sizes = Vec::new();
    for (index, name) in distinct.iter().enumerate().step_by(step) {
        let config = restored(&agency, &backup, Some(name), &format!("back{index}"));
        let clean = run_with(&config, &["fsck"]).ended_with(0);
        assert!(clean.out.contains("0 errors, 0 notes"), "{}", clean.out);
        let then = entries(&config);
        let before: Vec<_> = all.iter().take(then.len()).map(identity).collect();
        assert_eq!(then.iter().map(identity).collect::<Vec<_>>(), before, "{name}");
        sizes.push(then.len());
    }
    assert!(sizes.is_sorted() && sizes[0] >= 3, "{sizes:?}");
    println!("{taken} backups under load; entries in those restored: {sizes:?}");
}

#[test]
fn a_second_backup_copies_only_what_is_new() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=5);
    let backup = agency.path().join("copie");
    let first = back_up(&agency, &backup);
    assert!(first.out.contains("first backup into"), "{}", first.out);
    assert!(
        first.out.contains("15 files: 0 were there, 15 copied"),
        "{}",
        first.out
    );
    for words in [
        "5 mails, 5 entries, 5 letters",
        "the last one of CJ is CJ-5/",
        "not in it",
        "seal.p12",
    ] {
        assert!(first.out.contains(words), "no {words}: {}", first.out);
    }
    let before: Vec<(PathBuf, u64)> = files(&backup.join("archive"))
        .into_iter()
        .map(|path| (path.clone(), fs::metadata(&path).unwrap().ino()))
        .collect();
    assert_eq!(before.len(), 15);
    let again = back_up(&agency, &backup);
    assert!(
        again.out.contains("15 files: 15 were there, 0 copied"),
        "{}",
        again.out
    );
    post_and_register(&agency, 6..=6);
    let third = back_up(&agency, &backup);
    assert!(
        third.out.contains("18 files: 15 were there, 3 copied"),
        "{}",
        third.out
    );
    for (path, inode) in before {
        assert_eq!(
            fs::metadata(&path).unwrap().ino(),
            inode,
            "{} was written again",
            path.display()
        );
    }
    for path in files(&backup) {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let is_private = mode == 0o600 || path.ends_with("recipisa-backup.lock");
        assert!(is_private, "{} {mode:o}", path.display());
    }
    for folder in [&backup, &backup.join("archive"), &backup.join("databases")] {
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let names = copies(&backup);
    assert_eq!(names.len(), 3);
    let two = agency
        .run(&["backup", text(&backup), "--keep", "2"])
        .ended_with(0);
    assert!(two.out.contains("removed    2 old copies"), "{}", two.out);
    assert_eq!(copies(&backup)[0], names[2]);
    assert_eq!(files(&backup.join("databases")).len(), 4);
    agency.run(&["fsck", text(&backup)]).ended_with(0);
}

#[test]
fn a_restored_registry_goes_on_numbering() {
    let agency = Agency::new();
    agency.deliver("somaj", "02-mai-multe-fisiere");
    agency.deliver("dej", "08-diacritice");
    post_and_register(&agency, 1..=2);
    let backup = agency.path().join("copie");
    back_up(&agency, &backup);
    let all = entries(&agency.config());
    // After the backup, and therefore lost with the disk; the mail itself is still in its mailbox.
    post_and_register(&agency, 3..=3);

    let config = elsewhere(&agency, "registry");
    let occupied = run_with(&config, &["restore", text(&backup)]).ended_with(1);
    let registry = agency.path().join("registry");
    let command = format!(
        "mv '{0}' '{0}.before-restore' && install -d -m 0700 -o ",
        registry.display()
    );
    assert!(occupied.err.contains(&command), "{}", occupied.err);
    assert_eq!(entries(&agency.config()).len(), 5, "nothing was touched");
    fs::rename(&registry, agency.path().join("registry.before-restore")).unwrap();
    let done = run_with(&config, &["restore", text(&backup)]).ended_with(0);
    for words in [
        "4 mails, 4 entries, 4 letters, 12 files",
        "the last one of CJ is CJ-4/",
        "GRAVE: numbers that were given after",
        "Move them back to the inbox",
        "recipisa check",
    ] {
        assert!(done.out.contains(words), "no {words}: {}", done.out);
    }
    assert_eq!(entries(&config), all, "the same to the last member");
    assert!(
        run_with(&config, &["fsck", "--seals"])
            .ended_with(0)
            .out
            .contains("0 errors, 0 notes")
    );
    run_with(&config, &["check"]).ended_with(0);
    run_with(&config, &["once"]).ended_with(0);
    let after = entries(&config);
    assert_eq!(after.len(), 5);
    let number = after[4]["number"].as_str().unwrap();
    assert!(
        number.starts_with("5/") && after[4]["from"] == "p3@exemplu.test",
        "{}",
        after[4]
    );
    run_with(&config, &["fsck"]).ended_with(0);
    // The registry that came from a backup is the same one, and goes on with its backups.
    run_with(&config, &["backup", text(&backup)]).ended_with(0);
    assert_eq!(copies(&backup).len(), 2);
}

#[test]
fn a_mail_that_was_moved_away_and_back_is_recognised_after_a_restore() {
    let agency = Agency::new();
    agency.configure(|text| {
        text.replace(
            "path = \"mailboxes/somaj\"",
            "path = \"mailboxes/somaj\"\nmove_to = \"kept\"",
        )
    });
    post_and_register(&agency, 1..=2);
    let backup = agency.path().join("copie");
    back_up(&agency, &backup);
    post_and_register(&agency, 3..=4);
    let config = restored(&agency, &backup, None, "back");
    for path in files(&agency.path().join("kept")) {
        let name = path.file_name().unwrap();
        fs::rename(&path, agency.path().join("mailboxes/somaj").join(name)).unwrap();
    }
    run_with(&config, &["once"]).ended_with(0);
    let after = entries(&config);
    let from: Vec<&str> = after
        .iter()
        .map(|entry| entry["from"].as_str().unwrap())
        .collect();
    assert_eq!(
        from,
        [
            "p1@exemplu.test",
            "p2@exemplu.test",
            "p3@exemplu.test",
            "p4@exemplu.test"
        ]
    );
    run_with(&config, &["fsck"]).ended_with(0);
}

#[test]
fn what_cannot_be_done_is_refused_with_its_remedy() {
    let agency = Agency::new();
    let nothing = agency.run(&["backup", "copie"]).ended_with(1);
    assert!(nothing.err.contains("there is no registry in"), "{}", nothing.err);
    let nothing = agency.run(&["fsck"]).ended_with(1);
    assert!(nothing.err.contains("recipisa restore"), "{}", nothing.err);
    post_and_register(&agency, 1..=1);
    for inside in ["registry", "registry/copie", "registry/archive/../copie"] {
        let refused = agency
            .run(&["backup", text(&agency.path().join(inside))])
            .ended_with(1);
        assert!(
            refused.err.contains("lies inside the registry"),
            "{}",
            refused.err
        );
    }
    assert!(!agency.path().join("registry/copie").exists());
    let unmounted = agency
        .run(&["backup", text(&agency.path().join("disc/copie"))])
        .ended_with(1);
    assert!(unmounted.err.contains("disc"), "{}", unmounted.err);
    let backup = agency.path().join("copie");
    let config = elsewhere(&agency, "back");
    for command in ["restore", "fsck"] {
        let empty = run_with(&config, &[command, text(&backup)]).ended_with(1);
        assert!(empty.err.contains("holds no complete backup"), "{}", empty.err);
    }
    assert!(!agency.path().join("back").exists());
    back_up(&agency, &backup);
    let other = run_with(&config, &["restore", text(&backup), "--copy", "recipisa-000009"]).ended_with(1);
    assert!(other.err.contains("there are: recipisa-000001-"), "{}", other.err);
    let stranger = Agency::new();
    post_and_register(&stranger, 1..=1);
    let mixed = stranger.run(&["backup", text(&backup)]).ended_with(1);
    assert!(
        mixed.err.contains("the backup of another registry"),
        "{}",
        mixed.err
    );
    agency
        .run(&["backup", text(&backup), "--keep", "0"])
        .ended_with(2);
    agency.run(&["fsck", "--quick", "--seals"]).ended_with(2);
    assert_eq!(copies(&backup).len(), 1);
}

#[test]
fn one_backup_at_a_time_and_beside_the_daemon() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=1);
    let backup = agency.path().join("copie");
    back_up(&agency, &backup);
    let lock = fs::File::open(backup.join("recipisa-backup.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let busy = agency.run(&["backup", text(&backup)]).ended_with(1);
    assert!(busy.err.contains("another backup into"), "{}", busy.err);
    drop(lock);
    let registry = fs::File::open(agency.path().join("registry/recipisa.lock")).unwrap();
    rustix::fs::flock(&registry, rustix::fs::FlockOperation::LockExclusive).unwrap();
    agency.run(&["once"]).ended_with(4);
    back_up(&agency, &backup);
    agency.run(&["fsck"]).ended_with(0);
}

#[test]
fn help_tells_what_is_written_and_what_is_not() {
    for (command, words) in [
        (
            "backup",
            &["<DIR>", "--keep <N>", "[default: 7]", "another disk"][..],
        ),
        (
            "restore",
            &["<DIR>", "--copy <NAME>", "--accept-findings", "holds no registry"],
        ),
        (
            "fsck",
            &["[DIR]", "--quick", "--seals", "--json", "changes nothing"],
        ),
    ] {
        let help = said(recipisa(&[command]).arg("--help")).ended_with(0).out;
        let flat = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(flat.contains(word), "{command} does not speak of {word}: {help}");
        }
    }
}

#[test]
fn a_backup_goes_on_when_nobody_reads_its_words() {
    let agency = Agency::new();
    post_and_register(&agency, 1..=1);
    let backup = agency.path().join("copie");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = recipisa(&["backup", text(&backup)]);
    command.env("RECIPISA_CONFIG", agency.config()).stdout(writer);
    let status = command.status().unwrap();
    assert!(status.success());
    assert_eq!(copies(&backup).len(), 1);
}
