//! One connection to the sink: the dialogue of RFC 5321 with STARTTLS (RFC 3207) and AUTH (RFC 4954).
//!
//! Left out: pipelining beyond what buffering gives, BDAT, and mercy: what is not understood is 500.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use data_encoding::BASE64;
use openssl::ssl::SslStream;

use super::{Action, Kept, Point, Security, State, locked};

/// Why a connection is over: its peer went, or the script says so.
struct Over;

enum Line {
    Plain(TcpStream),
    Tls(SslStream<TcpStream>),
}

struct Session<'state> {
    /// `None` only while the line changes from plain to TLS.
    line: Option<Line>,
    unread: Vec<u8>,
    number: usize,
    state: &'state State,
    user: Option<String>,
    envelope: Option<Kept>,
}

/// Serves a connection to its end.
pub(super) fn serve(stream: TcpStream, number: usize, state: &State) {
    let Ok(handle) = stream.try_clone() else { return };
    // Answers are short; without this each waits for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let line = match state.security {
        Security::Plain | Security::StartTls => Some(Line::Plain(stream)),
        Security::Implicit => state.acceptor.accept(stream).ok().map(Line::Tls),
    };
    let mut session = Session {
        line,
        unread: Vec::new(),
        number,
        state,
        user: None,
        envelope: None,
    };
    // Every way for the dialogue to end is the same here: the connection is closed.
    let _ = session.talk();
    drop(session);
    let _ = handle.shutdown(Shutdown::Both);
}

impl Session<'_> {
    fn talk(&mut self) -> Result<(), Over> {
        if !self.fault(Point::Connect, "")? {
            self.say("220 sink.exemplu.test ESMTP")?;
        }
        loop {
            let line = self.read_line()?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => self.hello(&line)?,
                "STARTTLS" => self.start_tls(&line)?,
                "AUTH" => self.auth(&line, rest)?,
                "MAIL" => self.mail_from(&line, rest)?,
                "RCPT" => self.rcpt_to(&line, rest)?,
                "DATA" => self.data(&line)?,
                "RSET" => {
                    self.envelope = None;
                    self.say("250 2.0.0 reset")?;
                }
                "NOOP" => self.say("250 2.0.0 here")?,
                "QUIT" => {
                    self.say("221 2.0.0 bye")?;
                    return Ok(());
                }
                _ => self.say("500 5.5.2 not understood")?,
            }
        }
    }

    fn hello(&mut self, line: &str) -> Result<(), Over> {
        if self.fault(Point::Hello, line)? {
            return Ok(());
        }
        let mut offers = vec![
            "sink.exemplu.test",
            "PIPELINING",
            "8BITMIME",
            "SMTPUTF8",
            "DSN",
            "SIZE 41943040",
        ];
        if self.must_start_tls() {
            offers.push("STARTTLS");
        } else {
            offers.push("AUTH PLAIN LOGIN");
        }
        offers.push("ENHANCEDSTATUSCODES");
        offers.retain(|offer| !self.state.without.contains(offer));
        let last = offers.len() - 1;
        let lines: Vec<String> = offers
            .iter()
            .enumerate()
            .map(|(index, offer)| format!("250{}{offer}", if index == last { ' ' } else { '-' }))
            .collect();
        self.say(&lines.join("\r\n"))
    }

    fn start_tls(&mut self, line: &str) -> Result<(), Over> {
        if self.fault(Point::StartTls, line)? {
            return Ok(());
        }
        if !self.must_start_tls() {
            return self.say("503 5.5.1 not now");
        }
        self.say("220 2.0.0 go ahead")?;
        // Anything sent before the handshake would be an injection (RFC 3207, section 5).
        self.unread.clear();
        self.envelope = None;
        match self.line.take() {
            Some(Line::Plain(stream)) => {
                self.line = Some(Line::Tls(self.state.acceptor.accept(stream).map_err(|_| Over)?));
                Ok(())
            }
            Some(Line::Tls(_)) | None => Err(Over),
        }
    }

    fn auth(&mut self, line: &str, rest: &str) -> Result<(), Over> {
        if self.fault(Point::Auth, line)? {
            return Ok(());
        }
        if self.must_start_tls() {
            return self.say("538 5.7.11 encryption required");
        }
        let (mechanism, initial) = rest
            .split_once(' ')
            .map_or((rest, None), |(name, text)| (name, Some(text)));
        let (user, password) = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = self.secret(initial, "")?;
                let mut parts = answer.split('\0').map(str::to_owned);
                (parts.nth(1).unwrap_or_default(), parts.next().unwrap_or_default())
            }
            "LOGIN" => (
                self.secret(initial, "Username:")?,
                self.secret(None, "Password:")?,
            ),
            _ => return self.say("504 5.5.4 unknown mechanism"),
        };
        if self
            .state
            .login
            .is_none_or(|login| login == (user.as_str(), password.as_str()))
        {
            self.user = Some(user);
            self.say("235 2.7.0 welcome")
        } else {
            self.say("535 5.7.8 wrong name or password")
        }
    }

    /// The client's next answer in base64, asked for where it did not come with the command.
    fn secret(&mut self, initial: Option<&str>, question: &str) -> Result<String, Over> {
        let answer = match initial {
            Some(text) => text.to_owned(),
            None => {
                self.say(&format!("334 {}", BASE64.encode(question.as_bytes())))?;
                self.read_line()?
            }
        };
        let bytes = BASE64.decode(answer.as_bytes()).map_err(|_| Over)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn mail_from(&mut self, line: &str, rest: &str) -> Result<(), Over> {
        if self.fault(Point::MailFrom, line)? {
            return Ok(());
        }
        if self.must_start_tls() {
            return self.say("530 5.7.0 say STARTTLS first");
        }
        if self.state.login.is_some() && self.user.is_none() {
            return self.say("530 5.7.0 log in first");
        }
        let Some((from, from_parameters)) = path(rest, "FROM:") else {
            return self.say("501 5.5.4 no sender");
        };
        self.envelope = Some(Kept {
            from,
            from_parameters,
            to: Vec::new(),
            bytes: Vec::new(),
            user: self.user.clone(),
            encrypted: matches!(self.line, Some(Line::Tls(_))),
            connection: self.number,
        });
        self.say("250 2.1.0 sender noted")
    }

    fn rcpt_to(&mut self, line: &str, rest: &str) -> Result<(), Over> {
        if self.fault(Point::RcptTo, line)? {
            return Ok(());
        }
        let Some(recipient) = path(rest, "TO:") else {
            return self.say("501 5.5.4 no recipient");
        };
        match &mut self.envelope {
            Some(envelope) => envelope.to.push(recipient),
            None => return self.say("503 5.5.1 MAIL first"),
        }
        self.say("250 2.1.5 recipient noted")
    }

    fn data(&mut self, line: &str) -> Result<(), Over> {
        if self.fault(Point::Data, line)? {
            return Ok(());
        }
        let Some(mut mail) = self.envelope.take().filter(|mail| !mail.to.is_empty()) else {
            return self.say("503 5.5.1 no recipient was accepted");
        };
        self.say("354 go ahead")?;
        mail.bytes = self.read_content()?;
        match self.state.fault(Point::Content, "") {
            Some(Action::Reply(reply)) => self.say(reply),
            Some(Action::Drop) => Err(Over),
            Some(Action::Stall) => self.stall().map(|_: bool| ()),
            Some(Action::KeepAndDrop) => {
                locked(&self.state.kept).push(mail);
                Err(Over)
            }
            None => {
                locked(&self.state.kept).push(mail);
                self.say("250 2.0.0 kept")
            }
        }
    }

    /// Whether the script had something for this place, which then was done.
    fn fault(&mut self, point: Point, line: &str) -> Result<bool, Over> {
        match self.state.fault(point, line) {
            None => Ok(false),
            Some(Action::Reply(reply)) => self.say(reply).map(|()| true),
            Some(Action::Drop | Action::KeepAndDrop) => Err(Over),
            Some(Action::Stall) => self.stall(),
        }
    }

    fn stall(&mut self) -> Result<bool, Over> {
        loop {
            self.read_line()?;
        }
    }

    fn must_start_tls(&self) -> bool {
        self.state.security == Security::StartTls && matches!(self.line, Some(Line::Plain(_)))
    }

    fn say(&mut self, reply: &str) -> Result<(), Over> {
        let text = format!("{reply}\r\n");
        match self.line.as_mut().ok_or(Over)? {
            Line::Plain(stream) => stream.write_all(text.as_bytes()),
            Line::Tls(stream) => stream.write_all(text.as_bytes()),
        }
        .map_err(|_| Over)
    }

    /// A command without its line end.
    fn read_line(&mut self) -> Result<String, Over> {
        let bytes = self.read_through(b"\r\n")?;
        Ok(String::from_utf8_lossy(&bytes[..bytes.len() - 2]).into_owned())
    }

    /// The mail after DATA, without the final dot and with the stuffed dots taken out.
    fn read_content(&mut self) -> Result<Vec<u8>, Over> {
        let mut content = Vec::new();
        loop {
            let line = self.read_through(b"\r\n")?;
            match line.strip_prefix(b".") {
                Some(b"\r\n") => return Ok(content),
                Some(stuffed) => content.extend_from_slice(stuffed),
                None => content.extend_from_slice(&line),
            }
        }
    }

    /// Everything up to and with the mark, which holds at least one byte.
    fn read_through(&mut self, mark: &[u8]) -> Result<Vec<u8>, Over> {
        let mut searched = 0;
        loop {
            if let Some(found) = self.unread[searched..]
                .windows(mark.len())
                .position(|window| window == mark)
            {
                let rest = self.unread.split_off(searched + found + mark.len());
                return Ok(std::mem::replace(&mut self.unread, rest));
            }
            searched = self.unread.len().saturating_sub(mark.len() - 1);
            let mut piece = [0; 16 * 1024];
            let count = match self.line.as_mut().ok_or(Over)? {
                Line::Plain(stream) => stream.read(&mut piece),
                Line::Tls(stream) => stream.read(&mut piece),
            };
            match count {
                Ok(0) | Err(_) => return Err(Over),
                Ok(count) => self.unread.extend_from_slice(&piece[..count]),
            }
        }
    }
}

/// `FROM:<a@b.test> SIZE=3` as the address and what follows.
fn path(text: &str, keyword: &str) -> Option<(String, String)> {
    let head = text.get(..keyword.len())?;
    let tail = text.get(keyword.len()..)?;
    let (address, parameters) = tail.trim_start().strip_prefix('<')?.split_once('>')?;
    head.eq_ignore_ascii_case(keyword)
        .then(|| (address.to_owned(), parameters.trim().to_owned()))
}
