//! A full disk and a read-only one: a small file system of its own below the storage folder.
//!
//! Where the machine lets nobody mount, only the second ways are taken, which need no mount: a limit on the size of
//! files, and the mode of the database for a process that must obey it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Scene;
use crate::support::books::wait_until_quiet;
use crate::support::online::end;
use crate::support::process::{Group, OURS, Process};
use crate::support::tools::{PATIENCE, make_dir, run, set_mode, tool, wait_until};

/// A file system in memory, mounted for as long as the value lives.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// `None` where mounting is not permitted.
    fn mount(path: &Path, size_bytes: u64) -> Option<Self> {
        make_dir(path);
        let mounted = Command::new(tool("mount", "mount"))
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={size_bytes},mode=0755"),
                "tmpfs",
            ])
            .arg(path)
            .output()
            .unwrap();
        mounted.status.success().then(|| Self {
            path: path.to_owned(),
        })
    }

    fn remount(&self, how: &str) {
        run(Command::new(tool("mount", "mount"))
            .args(["-o", &format!("remount,{how}")])
            .arg(&self.path));
    }

    /// Leaves only so many bytes free.
    fn fill(&self, leave_bytes: u64) -> PathBuf {
        let ballast = self.path.join("ballast");
        // The daemon's status file comes and goes beside it: measure again where the space was just taken.
        wait_until("room for the ballast", PATIENCE, || {
            fs::write(&ballast, "").ok()?;
            let free = rustix::fs::statvfs(&self.path).unwrap();
            let size = (free.f_bavail * free.f_frsize).saturating_sub(leave_bytes);
            fs::write(&ballast, vec![0x55; usize::try_from(size).unwrap()]).ok()
        });
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazy, because a process that is being killed may still hold a file.
        let _ = Command::new("umount").arg("-l").arg(&self.path).output();
    }
}

/// What a person reads when there is no space.
fn tells_of_a_full_disk(said: &str) -> bool {
    said.contains("the disk is full") || said.contains("No space left on device")
}

#[test]
fn a_full_disk_delays_and_loses_nothing() {
    let mut scene = Scene::new();
    let Some(disk) = SmallDisk::mount(&scene.agency.storage(), 32 << 20) else {
        println!("mounting is not permitted here; the limit on files stands for it");
        return;
    };
    let mut process = scene.agency.run_at_work("full");
    // Full for the mail itself, for the database, for receipts, for letters.
    for (round, leave_bytes) in [0, 12 << 10, 40 << 10, 100 << 10, 160 << 10]
        .into_iter()
        .enumerate()
    {
        let ballast = disk.fill(leave_bytes);
        let heard = process.stderr().len();
        scene.write(4);
        wait_until("an error about the disk", PATIENCE, || {
            tells_of_a_full_disk(&process.stderr()[heard..]).then_some(())
        });
        assert_eq!(process.ended(), None, "round {round}");
        fs::remove_file(ballast).unwrap();
        wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    }
    end(process);
    assert_eq!(scene.check(), 0);
    drop(disk);
}

/// The same without a file system of its own: the process may not write a file beyond a size, until it may.
#[test]
fn files_that_may_not_grow_delay_and_lose_nothing() {
    let mut scene = Scene::new();
    scene.house().once_well();
    let pid = scene.dir.path().join("pid");
    let limits = format!("trap '' XFSZ; ulimit -S -f 40; echo $$ >{}", pid.display());
    let mut process = wrapped(&scene, &limits, "small");
    scene.write(4);
    wait_until("an error about the file", PATIENCE, || {
        assert_eq!(process.ended(), None, "{}", process.stderr());
        let said = process.stderr();
        (said.contains("File too large") || said.contains("the disk gave an error")).then_some(())
    });
    let pid = fs::read_to_string(pid).unwrap();
    run(Command::new(tool("prlimit", "util-linux")).args(["--fsize=unlimited", "--pid", pid.trim()]));
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    end(process);
    assert_eq!(scene.check(), 0);
}

/// `recipisa run`, by a shell that does something before.
fn wrapped(scene: &Scene, before: &str, name: &str) -> Process {
    let mut command = Command::new(tool("bash", "bash"));
    command
        .args([
            "-c",
            &format!("{before}; exec \"$0\" --config \"$1\" run"),
            env!("CARGO_BIN_EXE_recipisa"),
        ])
        .arg(scene.agency.config());
    Process::start(command, Group::Ours, &scene.agency.dir, &format!("{OURS}{name}"))
}

/// Root may write any file; without that right, a file's mode counts for root too.
#[test]
fn a_database_that_may_not_be_written_is_told_at_the_start() {
    let mut scene = Scene::new();
    scene.write(2);
    let mut process = scene.agency.run_at_work("first");
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    end(process);
    scene.write(2);
    let database = scene.agency.storage().join("recipisa.db");
    set_mode(&database, 0o444);
    let output = Command::new(tool("setpriv", "util-linux"))
        .args([
            "--bounding-set",
            "-dac_override,-dac_read_search",
            env!("CARGO_BIN_EXE_recipisa"),
            "--config",
        ])
        .arg(scene.agency.config())
        .arg("run")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the database cannot be written; check the owner and mode"),
        "{said}"
    );
    set_mode(&database, 0o644);
    let mut process = scene.agency.run_at_work("again");
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    end(process);
    assert_eq!(scene.check(), 0);
}

#[test]
fn a_read_only_disk_is_told_at_the_start() {
    let mut scene = Scene::new();
    let Some(disk) = SmallDisk::mount(&scene.agency.storage(), 32 << 20) else {
        println!(
            "mounting is not permitted here: a database of another owner takes the read-only disk's place"
        );
        return;
    };
    scene.write(2);
    let mut process = scene.agency.run_at_work("first");
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    end(process);
    disk.remount("ro");
    scene.write(2);
    for command in ["run", "once"] {
        let output = scene.agency.command(&[command]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("cannot be written") || said.contains("Read-only file system"),
            "{command}: {said}"
        );
    }
    disk.remount("rw");
    let mut process = scene.agency.run_at_work("again");
    wait_until_quiet(&scene.agency, &scene.dovecot, &mut process);
    end(process);
    assert_eq!(scene.check(), 0);
    drop(disk);
}
