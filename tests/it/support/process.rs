//! A program that runs beside the test: the daemon under test, or a server it talks to.
//!
//! Each has a process group of its own, so that what it started ends with it. Left out: asking a
//! program that ends by itself, for which [`super::tools::run`] is shorter.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::hearing::assert_nothing_personal;
use super::tools::poll;

/// Who makes the process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// We do, before the program starts.
    Ours,
    /// The program does when it starts, with a session of its own, and refuses to be the leader of a
    /// group before (Postfix).
    Programs,
}

/// The names of our own program begin so, and its errors are looked through when it has ended.
pub(crate) const OURS: &str = "recipisa-";

/// A running program, killed with its whole group when dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
    ended: Option<ExitStatus>,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Our own binary; its output goes to `DIR/recipisa-NAME.out` and `.err`.
    pub(crate) fn recipisa<S: AsRef<OsStr>>(
        dir: &Path,
        name: &str,
        args: &[S],
        env: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_recipisa"));
        command.args(args).envs(env.iter().copied()).current_dir(dir);
        Self::start(command, Group::Ours, dir, &format!("{OURS}{name}"))
    }

    /// Any program, whose output goes to `DIR/NAME.out` and `.err`.
    #[track_caller]
    pub(crate) fn start(mut command: Command, group: Group, dir: &Path, name: &str) -> Self {
        let stdout = dir.join(format!("{name}.out"));
        let stderr = dir.join(format!("{name}.err"));
        let file = |path: &Path| {
            File::options()
                .create(true)
                .append(true)
                .open(path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        match group {
            Group::Ours => {
                command.process_group(0);
            }
            Group::Programs => {}
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(file(&stdout))
            .stderr(file(&stderr))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
        Self {
            name: name.to_owned(),
            child,
            ended: None,
            stdout,
            stderr,
        }
    }

    /// How it ended, or `None` while it runs.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            let status = self
                .child
                .try_wait()
                .unwrap_or_else(|error| panic!("{}: {error}", self.name));
            if status.is_some() {
                // What it left behind belongs to the same group; later the number may be another's.
                let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
                self.ended = status;
                self.hear();
            }
        }
        self.ended
    }

    /// SIGTERM to the program alone, as a service manager would first do.
    pub(crate) fn terminate(&mut self) {
        if self.ended().is_none() {
            kill_process(Pid::from_child(&self.child), Signal::TERM)
                .unwrap_or_else(|error| panic!("{}: {error}", self.name));
        }
    }

    /// SIGHUP to the program alone: it should read its configuration again.
    pub(crate) fn hang_up(&mut self) {
        assert_eq!(self.ended(), None, "{}", self.name);
        kill_process(Pid::from_child(&self.child), Signal::HUP)
            .unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// SIGKILL to the program and all it started; returns when the program is gone.
    pub(crate) fn kill(&mut self) {
        if self.ended.is_some() {
            return;
        }
        // Errors here mean that it is already gone, which is what is wanted. The program itself is
        // named too because it may not have made its group yet.
        let pid = Pid::from_child(&self.child);
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = kill_process(pid, Signal::KILL);
        self.ended = self.child.wait().ok();
        self.hear();
    }

    /// Looks through what our own program has said in its life.
    fn hear(&self) {
        if self.name.starts_with(OURS) {
            assert_nothing_personal(&self.name, &self.stderr());
        }
    }

    /// Waits for its end; panics with its errors after `limit`.
    #[track_caller]
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        match poll(limit, || self.ended()) {
            Some(status) => status,
            None => panic!("{} still runs after {limit:?}:\n{}", self.name, self.stderr()),
        }
    }

    /// What it has printed so far.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stdout).unwrap_or_default()).into_owned()
    }

    /// What it has complained about so far.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stderr).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
