//! A program of the machine that prints a token: no shell, one line, a bounded time.
//!
//! What it prints is a secret and is never told, and neither are its complaints, which may hold one.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use rustix::process::{Pid, Signal, kill_process_group};

use super::exchange::{is_one_word, reply_of};
use super::{OAuthError, Reply};

/// A token weighs a few kilobytes.
const OUTPUT_BYTES_MAX: u64 = 256 << 10;

/// How it ended, and what it printed.
type Ended = (io::Result<ExitStatus>, Vec<u8>);

/// Runs it once. Its line is the token, or JSON as a token server answers (`access_token`, `expires_in`).
pub(super) fn ask(name: &str, argv: &[String], limit: SignedDuration) -> Result<Reply, OAuthError> {
    let program = argv.first().map_or("", String::as_str);
    let failed = |what: String| OAuthError::Command {
        name: name.to_owned(),
        program: program.to_owned(),
        what,
    };
    let child = Command::new(program)
        .args(argv.iter().skip(1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    let group = Pid::from_child(&child);
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(wait(child)));
    let patience = Duration::try_from(limit).unwrap_or_default();
    let Ok((status, output)) = told.recv_timeout(patience) else {
        // It may have ended in this very moment.
        kill_process_group(group, Signal::KILL).ok();
        return Err(failed(format!("did not end within {} s", limit.as_secs())));
    };
    match status {
        Ok(status) if status.success() => read(&output).map_err(|what| failed(what.to_owned())),
        Ok(status) => Err(failed(format!("ended with {status}"))),
        Err(error) => Err(failed(format!("cannot be waited for: {error}"))),
    }
}

/// Reads what it says, bounded, until it has ended.
fn wait(mut child: Child) -> Ended {
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(OUTPUT_BYTES_MAX).read_to_end(&mut output).ok();
    }
    let status = child.wait();
    (status, output)
}

fn read(output: &[u8]) -> Result<Reply, &'static str> {
    let text = std::str::from_utf8(output)
        .map_err(|_| "prints something that is no text")?
        .trim();
    if text.is_empty() {
        return Err("prints nothing");
    }
    if text.starts_with('{') {
        let answer = serde_json::from_str(text).map_err(|_| "prints JSON that is broken")?;
        return reply_of(&answer).ok_or("prints JSON without an `access_token`");
    }
    if text.contains('\n') {
        return Err("prints more than one line");
    }
    if !is_one_word(text) {
        return Err("prints a line that is no token");
    }
    Ok(Reply {
        access_token: text.to_owned(),
        expires_in: None,
        refresh_token: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> Result<(String, Option<i64>), String> {
        let argv = ["/bin/sh", "-c", script].map(str::to_owned);
        ask("programul", &argv, SignedDuration::from_secs(20))
            .map(|reply| (reply.access_token, reply.expires_in.map(|life| life.as_secs())))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_or_json_is_a_token() {
        assert_eq!(run("echo ya29.token"), Ok(("ya29.token".into(), None)));
        let json = r#"printf '{"access_token": "t",\n "expires_in": 60}\n'"#;
        assert_eq!(run(json), Ok(("t".into(), Some(60))));
        assert_eq!(
            run("head -c 100000 /dev/zero >&2; echo t"),
            Ok(("t".into(), None))
        );
    }

    #[test]
    fn everything_else_has_its_own_words_and_no_secret() {
        let long = "a".repeat(50);
        for (script, said) in [
            ("true".to_owned(), "prints nothing"),
            ("echo one; echo two".to_owned(), "prints more than one line"),
            ("echo not a token".to_owned(), "prints a line that is no token"),
            ("echo '{\"a\": 1}'".to_owned(), "without an `access_token`"),
            ("echo '{'".to_owned(), "JSON that is broken"),
            ("printf '\\377'".to_owned(), "no text"),
            // Whoever prints without an end finds nobody who reads it.
            ("yes".to_owned(), "ended with"),
            (
                format!("echo secret; echo no; echo token {long} expired >&2; echo >&2; exit 3"),
                "/bin/sh ended with exit status: 3; run it by hand",
            ),
        ] {
            let error = run(&script).unwrap_err();
            assert!(
                error.contains(said) && error.contains("programul"),
                "{script}: {error}"
            );
            assert!(!error.contains("secret") && !error.contains(&long), "{error}");
        }
        let missing = ["/nowhere/token".to_owned()];
        let error = ask("x", &missing, SignedDuration::from_secs(1))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("/nowhere/token cannot be started"), "{error}");
    }

    #[test]
    fn one_that_does_not_end_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("pid");
        let script = format!("echo $$ > {}; sleep 1000; true", mark.display());
        let argv = ["/bin/sh", "-c", &script].map(str::to_owned);
        let limit = SignedDuration::from_millis(300);
        let error = ask("x", &argv, limit).err().unwrap().to_string();
        assert!(error.contains("did not end within"), "{error}");
        let pid = std::fs::read_to_string(&mark).unwrap();
        let process = std::path::Path::new("/proc").join(pid.trim());
        for _ in 0..1_000 {
            if !process.exists() {
                return;
            }
            thread::park_timeout(Duration::from_millis(10));
        }
        panic!("{} still runs", process.display());
    }
}
