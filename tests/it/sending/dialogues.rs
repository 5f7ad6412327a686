//! Dialogues with servers that break off, stall, refuse at every command and misunderstand: each in a file, each with
//! what must come of it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use recipisa::edge::smtp::{Server, SmtpTransport, Timeouts};
use recipisa::edge::tls::Security;
use recipisa::mailbox::Disposition;
use recipisa::outbox::{Envelope, Reports, Transport, TransportError};

use super::script::Scripted;
use crate::support::ca::TestCa;
use crate::support::tools::TempDir;

const LETTER: &[u8] = b"From: somaj@exemplu.test\r\nSubject: Recipisa\r\n\r\n.\r\n..text\r\n.";

/// As the files spell outcomes.
fn outcome(result: &Result<String, TransportError>) -> (&'static str, String) {
    match result {
        Ok(answer) => ("sent", answer.clone()),
        Err(error) => {
            let word = match error {
                TransportError::Unreachable { .. } => "unreachable",
                TransportError::Login { .. } => "login",
                TransportError::TokenRefused { .. } | TransportError::NoToken { .. } => "token",
                TransportError::Unprotected { .. } => "unprotected",
                TransportError::NotForUs { .. } => "not-for-us",
                TransportError::Broken { .. } => "broken",
                TransportError::Silent { .. } => "silent",
                TransportError::PutOff { .. } => "put-off",
                TransportError::Refused { .. } => "refused",
                TransportError::Folder { .. } => "folder",
            };
            (word, recipisa::flow::with_causes(error))
        }
    }
}

fn timeouts(brief: Option<&str>) -> Timeouts {
    let wait = |of: &str| Duration::from_millis(if brief == Some(of) { 900 } else { 20_000 });
    Timeouts {
        connect: wait("connect"),
        letter: wait("letter"),
        noop: Duration::from_millis(900),
        quit: Duration::from_millis(200),
    }
}

fn play(file: &Path, ca: &TestCa) {
    let text = fs::read_to_string(file).unwrap();
    let name = file.file_name().unwrap().to_string_lossy();
    let lines = || {
        text.lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
    };
    let wanted: Vec<&str> = lines().filter_map(|line| line.strip_prefix("= ")).collect();
    let brief = lines().find_map(|line| line.strip_prefix("brief "));
    let part: Vec<String> = lines()
        .filter(|line| !line.starts_with(['=', 'b']) || line.starts_with("begin"))
        .map(str::to_owned)
        .collect();
    assert!(!wanted.is_empty(), "{name} expects nothing");
    let server = Scripted::start(part, &ca.server);
    let settings = Server {
        host: "localhost".into(),
        port: server.port,
        security: Security::StartTls,
        login: None,
        hello: "agentie.exemplu.test".into(),
        ca_file: Some(ca.root.clone()),
        delivery_reports: true,
        verp: None,
    };
    let mut transport = SmtpTransport::with_timeouts(settings, timeouts(brief)).unwrap();
    for wanted in &wanted {
        let envelope = Envelope {
            message_id: "token@exemplu.test",
            from: "somaj@exemplu.test",
            to: "ana@citizen.test",
            reports: Reports::All,
        };
        let result = transport.send(envelope, LETTER);
        let (word, said) = outcome(&result);
        let (wanted_word, words) = wanted.split_once(' ').unwrap_or((wanted, ""));
        assert_eq!(word, wanted_word, "{name}: {said}");
        assert!(said.contains(words), "{name}: {said}");
        // Only what is final about this very letter ends it.
        let ends = result.is_err_and(|error| error.disposition() == Disposition::GiveUp);
        assert_eq!(ends, word == "refused", "{name}");
    }
    drop(transport);
    let played = server.end();
    assert_eq!(played, Ok(()), "{name}");
}

#[test]
fn every_dialogue_ends_as_it_must() {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialogues/smtp");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 30, "{}", files.len());
    for some in files.chunks(8) {
        std::thread::scope(|scope| {
            let plays: Vec<_> = some.iter().map(|file| scope.spawn(|| play(file, &ca))).collect();
            for (one, file) in plays.into_iter().zip(some) {
                assert!(one.join().is_ok(), "{}", file.display());
            }
        });
    }
}
