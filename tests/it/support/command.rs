//! Our own program run to its end, and what it said.
//!
//! Every run is looked at for words that only a programmer understands, and its complaints for what belongs to a
//! citizen. Left out: the daemon that stays
//! running, which is in [`super::process`].

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::hearing::assert_nothing_personal;

/// What Rust prints for its own people, and no clerk's IT colleague should read.
const DEBUG_PRINT: [&str; 8] = [
    "Error {",
    "Os {",
    "Some(",
    "None,",
    "Err(",
    "unwrap",
    "panicked",
    "RUST_BACKTRACE",
];

/// How a run ended and what it printed.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The lines of standard output, each a JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}")))
            .collect()
    }

    /// Itself, when it ended with this code.
    #[track_caller]
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

/// The project's folder, where the fixtures are.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program with these arguments, and nothing of the caller's surroundings that it listens to.
pub(crate) fn recipisa<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recipisa"));
    command.args(args).stdin(Stdio::null());
    for name in ["RECIPISA_CONFIG", "RECIPISA_LOG", "CREDENTIALS_DIRECTORY"] {
        command.env_remove(name);
    }
    command
}

/// Runs to the end; panics where the program speaks to programmers.
#[track_caller]
pub(crate) fn said(command: &mut Command) -> Said {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    };
    assert_nothing_personal(&format!("{command:?}"), &said.err);
    for print in DEBUG_PRINT {
        assert!(
            !said.err.contains(print),
            "{command:?} says {print}: {}",
            said.err
        );
    }
    said
}
