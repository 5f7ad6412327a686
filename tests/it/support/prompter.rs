//! An IMAP server that says what a file tells it to say, over TLS, and hears whether the client asks what it should.
//!
//! A file of `fixtures/dialogues/imap` holds both parts. `#` begins a remark. The server's lines:
//!
//! * `login CAPABILITIES`: greets, takes a LOGIN and answers CAPABILITY;
//! * `C TEXT`: waits for a command that begins so (without its tag);
//! * `S TEXT`: says a line; `{tag}` is that of the last command;
//! * `H TEXT`: says it without an end of line (half a line);
//! * `M SEQUENCE UID BYTES`: gives a message of so many bytes; `M SEQUENCE UID BYTES of ALL`: announces all and stops there;
//! * `drop`: ends the connection; `stall`: says nothing more until the client has gone; `again`: waits for a new connection.
//!
//! Lines that begin with `>` are what the client is made to do and `=` what must come of it; they are for the test.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::thread::{self, JoinHandle};

use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod, SslStream};

use super::ca::ServerCertificate;
use super::tools::{PATIENCE, free_port};

/// The server's part of a file, being played.
pub(crate) struct Prompter {
    pub(crate) port: u16,
    playing: Option<JoinHandle<Result<(), String>>>,
}

/// What the client does, and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cue {
    pub(crate) act: String,
    pub(crate) outcome: Vec<String>,
}

/// Both parts of a file.
pub(crate) fn read(path: &Path) -> (Vec<String>, Vec<Cue>) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut server, mut cues): (Vec<String>, Vec<Cue>) = Default::default();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(act) = line.strip_prefix("> ") {
            cues.push(Cue {
                act: act.to_owned(),
                outcome: Vec::new(),
            });
        } else if let Some(outcome) = line.strip_prefix("= ") {
            let cue = cues.last_mut();
            let cue = cue.unwrap_or_else(|| panic!("{}: an outcome of nothing", path.display()));
            cue.outcome.push(outcome.to_owned());
        } else {
            server.push(line.to_owned());
        }
    }
    (server, cues)
}

impl Prompter {
    /// Listens and plays.
    pub(crate) fn start(certificate: &ServerCertificate, script: Vec<String>) -> Self {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        acceptor
            .set_private_key_file(&certificate.key, SslFiletype::PEM)
            .unwrap();
        acceptor
            .set_certificate_chain_file(&certificate.certificate)
            .unwrap();
        let acceptor = acceptor.build();
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let playing = thread::spawn(move || {
            for scene in script.split(|line| line == "again") {
                let (stream, _) = listener.accept().map_err(|error| error.to_string())?;
                stream
                    .set_read_timeout(Some(PATIENCE))
                    .map_err(|error| error.to_string())?;
                let stream = acceptor.accept(stream).map_err(|error| error.to_string())?;
                let mut stage = Stage {
                    line: BufReader::new(stream),
                    tag: String::new(),
                };
                for line in scene {
                    stage
                        .play(line)
                        .map_err(|error| format!("at \"{line}\": {error}"))?;
                }
                // A proper end unless the file says otherwise; the client may be gone already.
                let _ = stage.line.get_mut().shutdown();
            }
            Ok(())
        });
        Self {
            port,
            playing: Some(playing),
        }
    }

    /// The whole file must have been played, and every command have been the expected one.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        let playing = self.playing.take().unwrap();
        if let Err(why) = playing.join().unwrap() {
            panic!("the dialogue took another turn {why}");
        }
    }
}

struct Stage {
    line: BufReader<SslStream<TcpStream>>,
    tag: String,
}

impl Stage {
    fn play(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "login" => {
                self.say("* OK server de probă\r\n")?;
                self.hear("LOGIN")?;
                self.say("{tag} OK bun venit\r\n")?;
                self.hear("CAPABILITY")?;
                self.say(&format!("* CAPABILITY {rest}\r\n{{tag}} OK gata\r\n"))
            }
            "C" => self.hear(rest),
            "S" => self.say(&format!("{rest}\r\n")),
            "H" => self.say(rest),
            "M" => self.message(rest),
            "drop" => {
                let stream = self.line.get_mut().get_mut();
                stream.shutdown(Shutdown::Both).map_err(|error| error.to_string())
            }
            "stall" => {
                // Whatever it still says is not answered.
                let mut rest = Vec::new();
                let _ = self.line.read_to_end(&mut rest);
                Ok(())
            }
            other => Err(format!("\"{other}\" is no stage direction")),
        }
    }

    fn hear(&mut self, wanted: &str) -> Result<(), String> {
        let mut line = String::new();
        self.line
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        // DONE has no tag (RFC 2177).
        let (tag, command) = match line.trim_end() {
            "DONE" => (self.tag.clone(), "DONE"),
            other => other
                .split_once(' ')
                .map(|(tag, command)| (tag.to_owned(), command))
                .ok_or_else(|| format!("the client said {other:?}"))?,
        };
        if !command.starts_with(wanted) {
            return Err(format!("the client said \"{command}\""));
        }
        self.tag = tag;
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), String> {
        let text = text.replace("{tag}", &self.tag);
        let stream = self.line.get_mut();
        let said = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
        said.map_err(|error| error.to_string())
    }

    fn message(&mut self, facts: &str) -> Result<(), String> {
        let facts: Vec<&str> = facts.split(' ').collect();
        let (sequence, uid, bytes, of) = match facts.as_slice() {
            [sequence, uid, bytes] => (sequence, uid, bytes, None),
            [sequence, uid, bytes, "of", all] => (sequence, uid, bytes, Some(all)),
            _ => return Err("a message has a sequence number, a UID and a size".to_owned()),
        };
        let count: usize = bytes.parse().map_err(|_| "the size is no number")?;
        let announced = of.unwrap_or(bytes);
        self.say(&format!(
            "* {sequence} FETCH (UID {uid} BODY[] {{{announced}}}\r\n"
        ))?;
        self.say(&"x".repeat(count))?;
        match of {
            Some(_) => Ok(()),
            None => self.say(")\r\n"),
        }
    }
}
