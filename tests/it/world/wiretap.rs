//! A server without TLS that writes down all it hears: what a password must never reach.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::support::tools::free_port;

/// Which protocol it pretends to speak.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tongue {
    Imap,
    Smtp,
}

/// Listens for as long as the test runs.
pub(super) struct Wiretap {
    pub(super) port: u16,
    heard: Arc<Mutex<String>>,
}

impl Wiretap {
    pub(super) fn start(tongue: Tongue) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let heard = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Its peer may hang up at any moment, and may.
                let _ = listen(stream, tongue, &shared);
            }
        });
        Self { port, heard }
    }

    /// All lines so far.
    pub(super) fn heard(&self) -> String {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn listen(mut stream: TcpStream, tongue: Tongue, heard: &Mutex<String>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    stream.write_all(match tongue {
        Tongue::Imap => b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n",
        Tongue::Smtp => b"220 plain.exemplu.test ESMTP\r\n".as_slice(),
    })?;
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(&line);
        let tag = line.split_whitespace().next().unwrap_or("*").to_owned();
        let answer = match tongue {
            Tongue::Imap if line.to_uppercase().contains("STARTTLS") => {
                format!("{tag} BAD unknown command\r\n")
            }
            Tongue::Imap => format!("{tag} OK done\r\n"),
            Tongue::Smtp if tag.eq_ignore_ascii_case("EHLO") => {
                "250-plain.exemplu.test\r\n250 AUTH PLAIN LOGIN\r\n".to_owned()
            }
            Tongue::Smtp => "235 2.0.0 welcome\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes())?;
        line.clear();
    }
    Ok(())
}
