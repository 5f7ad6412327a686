//! An SMTP server that says what a file tells it to say, over TLS, and hears whether the client says what it should.
//!
//! A file of `fixtures/dialogues/smtp` holds both parts. `#` begins a remark. The server's lines:
//!
//! * `begin OFFERS`: greets, takes EHLO and STARTTLS, and answers EHLO twice with these offers (the client asks again for
//!   what it needs);
//! * `C TEXT`: waits for a line that begins so; `C-not TEXT`: for a line that does not hold it;
//! * `S TEXT`: says a line; `H TEXT`: says it without an end of line;
//! * `tls`: agrees on TLS; `content`: takes everything up to the line with a dot;
//! * `drop`: ends the connection; `stall`: says nothing more until the client has gone; `again`: waits for a new connection.
//!
//! Lines that begin with `=` say what must come of each letter; they are for the test. `brief letter` and `brief connect`
//! make the client impatient there.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod, SslStream};

use crate::support::ca::ServerCertificate;
use crate::support::tools::PATIENCE;

/// A server that plays its part once.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    playing: JoinHandle<Result<(), String>>,
}

enum Line {
    Plain(TcpStream),
    Tls(SslStream<TcpStream>),
}

struct Player {
    listener: TcpListener,
    acceptor: SslAcceptor,
    line: Option<Line>,
    unread: Vec<u8>,
}

impl Scripted {
    /// Listens, and plays the lines as clients come.
    pub(crate) fn start(lines: Vec<String>, certificate: &ServerCertificate) -> Self {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        acceptor
            .set_private_key_file(&certificate.key, SslFiletype::PEM)
            .unwrap();
        acceptor
            .set_certificate_chain_file(&certificate.certificate)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = acceptor.build();
        let playing = thread::spawn(move || {
            let mut player = Player {
                listener,
                acceptor,
                line: None,
                unread: Vec::new(),
            };
            player.accept()?;
            for line in &lines {
                player.act(line).map_err(|why| format!("at `{line}`: {why}"))?;
            }
            player.take_leave();
            Ok(())
        });
        Self { port, playing }
    }

    /// Waits for the end of the play, which the client's going brings.
    #[track_caller]
    pub(crate) fn end(self) -> Result<(), String> {
        self.playing.join().unwrap()
    }
}

impl Player {
    fn accept(&mut self) -> Result<(), String> {
        let (stream, _) = self.listener.accept().map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        // A client that never goes would hold up the test for ever.
        stream
            .set_read_timeout(Some(PATIENCE))
            .map_err(|error| error.to_string())?;
        self.line = Some(Line::Plain(stream));
        self.unread.clear();
        Ok(())
    }

    fn act(&mut self, line: &str) -> Result<(), String> {
        let (verb, text) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "S" => self.say(&format!("{text}\r\n")),
            "H" => self.say(text),
            "C" => self.hear(|heard| heard.starts_with(text)),
            "C-not" => self.hear(|heard| !heard.contains(text)),
            "begin" => self.begin(text),
            "tls" => self.tls(),
            "content" => {
                while self.read_line()? != "." {}
                Ok(())
            }
            "drop" => {
                self.line = None;
                Ok(())
            }
            "stall" => {
                while self.read_line().is_ok() {}
                Ok(())
            }
            "again" => {
                self.take_leave();
                self.accept()
            }
            other => Err(format!("`{other}` is no direction")),
        }
    }

    fn begin(&mut self, offers: &str) -> Result<(), String> {
        self.say("220 mx.exemplu.test ESMTP\r\n")?;
        self.hear(|heard| heard.starts_with("EHLO "))?;
        self.say("250-mx.exemplu.test\r\n250 STARTTLS\r\n")?;
        self.hear(|heard| heard == "STARTTLS")?;
        self.say("220 2.0.0 go ahead\r\n")?;
        self.tls()?;
        let mut answer = "250-mx.exemplu.test\r\n".to_owned();
        for offer in offers.split(',').map(str::trim).filter(|offer| !offer.is_empty()) {
            answer.push_str(&format!("250-{offer}\r\n"));
        }
        answer.push_str("250 ENHANCEDSTATUSCODES\r\n");
        for _ in 0..2 {
            self.hear(|heard| heard.starts_with("EHLO "))?;
            self.say(&answer)?;
        }
        Ok(())
    }

    /// The client may still say QUIT, or has gone.
    fn take_leave(&mut self) {
        while let Ok(line) = self.read_line() {
            let answer = match line.as_str() {
                "QUIT" => "221 2.0.0 bye\r\n",
                _ => "503 5.5.1 the play is over\r\n",
            };
            if self.say(answer).is_err() || line == "QUIT" {
                break;
            }
        }
        self.line = None;
    }

    fn tls(&mut self) -> Result<(), String> {
        match self.line.take() {
            Some(Line::Plain(stream)) => {
                let stream = self.acceptor.accept(stream).map_err(|error| error.to_string())?;
                self.line = Some(Line::Tls(stream));
                Ok(())
            }
            Some(Line::Tls(_)) | None => Err("there is no plain line".into()),
        }
    }

    fn hear(&mut self, is_wanted: impl Fn(&str) -> bool) -> Result<(), String> {
        let heard = self.read_line()?;
        if is_wanted(&heard) {
            Ok(())
        } else {
            Err(format!("the client said `{heard}`"))
        }
    }

    fn say(&mut self, text: &str) -> Result<(), String> {
        let bytes = text.as_bytes();
        match self.line.as_mut().ok_or("there is no line")? {
            Line::Plain(stream) => stream.write_all(bytes),
            Line::Tls(stream) => stream.write_all(bytes),
        }
        .map_err(|error| error.to_string())
    }

    fn read_line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let rest = self.unread.split_off(end + 2);
                let line = std::mem::replace(&mut self.unread, rest);
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            let mut piece = [0; 4096];
            let count = match self.line.as_mut().ok_or("there is no line")? {
                Line::Plain(stream) => stream.read(&mut piece),
                Line::Tls(stream) => stream.read(&mut piece),
            };
            match count {
                Ok(0) => return Err("the client has gone".into()),
                Ok(count) => self.unread.extend_from_slice(&piece[..count]),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}
