//! One command and all that is answered to it, up to the tagged answer (RFC 3501 §2.2).
//!
//! Written on the library's raw commands and not on its finished ones, since those pass over a NO to FETCH, and over
//! what the server says by itself in between: new mail, EXPUNGE, BYE, ALERT.

use std::io::ErrorKind;
use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::imap_proto::{MailboxDatum, Outcome, RequestId, Response, ResponseCode, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::line::{Arrived, Line};
use crate::mailbox::MailboxError;

pub(super) type Session = async_imap::Session<Line>;

/// How long a server may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// From the first packet to the answer to the login.
    pub connect: Duration,
    /// Without a single byte while an answer is awaited.
    pub silence: Duration,
    /// For all that one call of the port asks; the watchdog's bound is longer.
    pub call: Duration,
    /// After so long IDLE is ended and begun anew: a line that has died in silence is noticed by the answer that does
    /// not come. It also keeps the line open through firewalls that forget quiet ones. RFC 2177 asks for 29 minutes at most.
    pub idle: Duration,
    /// How long the server may take to answer the end of IDLE.
    pub idle_answer: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(60),
            silence: Duration::from_secs(60),
            call: Duration::from_secs(600),
            idle: Duration::from_secs(45),
            idle_answer: Duration::from_secs(10),
        }
    }
}

/// What went wrong with a command.
#[derive(Debug)]
pub(super) enum Fault {
    /// The tagged answer was NO or BAD; the server's words. The session is as good as before.
    Refused(String),
    /// The session cannot be used any more.
    Gone(Box<dyn std::error::Error + Send + Sync>),
}

/// How a session ends.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the server said goodbye: {0}")]
    Goodbye(String),
    #[error("the server ended the connection")]
    Closed,
    #[error("not a byte came for {0} s")]
    Silent(u64),
    #[error("it took too long as a whole")]
    TooLong,
    #[error("the server answered a command that was not given")]
    OutOfTurn,
    #[error("the server's answer is no IMAP, or was cut in the middle")]
    Unreadable,
}

impl From<End> for Fault {
    fn from(end: End) -> Self {
        Self::Gone(end.into())
    }
}

impl Fault {
    /// In the port's words.
    pub(super) fn told(self, server: &str, doing: &'static str) -> MailboxError {
        let server = server.to_owned();
        match self {
            Self::Refused(answer) if is_limit(&answer) => MailboxError::Limit { server, answer },
            Self::Refused(answer) => MailboxError::Refused {
                server,
                doing,
                answer,
            },
            Self::Gone(source) => MailboxError::Unreachable {
                server,
                doing,
                source,
            },
        }
    }
}

/// More than any answer in one line is.
const LINES_BYTES_MAX: usize = 16 * 1024;

/// Where the tagged line begins, once it is there to its end.
fn tagged(heard: &[u8], tag: &str) -> Option<usize> {
    // Bytes, since a server may say what is no UTF-8.
    let begins = |at: &usize| *at == 0 || heard[at - 1] == b'\n';
    let mut places = (0..heard.len()).filter(begins);
    places.find(|at| heard[*at..].starts_with(tag.as_bytes()) && heard[*at..].contains(&b'\n'))
}

/// Whether a server counts connections (RFC 5530: LIMIT), or says so in the words of those that know no code.
pub(super) fn is_limit(answer: &str) -> bool {
    let answer = answer.to_ascii_lowercase();
    [
        "[limit]",
        "maximum number of connections",
        "too many simultaneous",
    ]
    .iter()
    .any(|words| answer.contains(words))
}

/// A session with what the server says by itself.
pub(super) struct Dialogue {
    session: Session,
    arrived: Arrived,
    pub(super) times: Times,
    /// No answer is waited for beyond this.
    until: Instant,
    /// Messages in the selected folder, by what the server has told.
    pub(super) shown: u32,
    /// The server told of messages that no SELECT has shown.
    pub(super) has_news: bool,
    /// Messages that the server said were taken away.
    pub(super) expunged: u32,
    goodbye: Option<String>,
    /// What every user should be shown (RFC 3501 §7.1: ALERT), once.
    pub(super) alert: Option<String>,
    /// The command that ends with DONE, and when it began.
    idling: Option<(RequestId, Instant)>,
}

impl Dialogue {
    pub(super) fn new(session: Session, arrived: Arrived, times: Times) -> Self {
        Self {
            session,
            arrived,
            times,
            until: Instant::now() + times.call,
            shown: 0,
            has_news: false,
            expunged: 0,
            goodbye: None,
            alert: None,
            idling: None,
        }
    }

    /// From now on, and not longer than `limit`.
    pub(super) fn set_limit(&mut self, limit: Duration) {
        self.until = Instant::now() + limit;
    }

    /// Gives a command and hands every untagged answer on; ends with the tagged OK.
    pub(super) async fn ask(
        &mut self,
        command: &str,
        mut each: impl FnMut(&Response<'_>),
    ) -> Result<(), Fault> {
        self.end_idle().await?;
        let tag = self.say(command).await?;
        loop {
            let conclusion = self.next(|response| {
                let conclusion = conclusion(&tag, response);
                if conclusion.is_none() {
                    each(response);
                }
                conclusion
            });
            if let Some(concluded) = conclusion.await? {
                return concluded;
            }
        }
    }

    /// A command whose untagged answers tell nothing that is needed.
    pub(super) async fn order(&mut self, command: &str) -> Result<(), Fault> {
        self.ask(command, |_| {}).await
    }

    /// The one untagged line that answers a command, for answers that the library cannot read and would take for the end
    /// of the session. `None` where the server refuses or gives no such line; only right after a tagged answer, while no
    /// folder is selected, since the library's own buffer must be empty.
    pub(super) async fn ask_line(&mut self, command: &str) -> Result<Option<String>, Fault> {
        const TAG: &str = "L1";
        let line = self.session.get_mut();
        let asked = async {
            line.write_all(format!("{TAG} {command}\r\n").as_bytes()).await?;
            line.flush().await?;
            let mut heard = Vec::new();
            let mut buffer = [0; 1024];
            while heard.len() < LINES_BYTES_MAX && tagged(&heard, TAG).is_none() {
                let count = line.read(&mut buffer).await?;
                if count == 0 {
                    return Ok(None);
                }
                heard.extend_from_slice(&buffer[..count]);
            }
            Ok(Some(heard))
        };
        let heard = match timeout(self.times.silence, asked).await {
            Ok(Ok(Some(heard))) => String::from_utf8_lossy(&heard).into_owned(),
            Ok(Ok(None)) => return Err(End::Closed.into()),
            Ok(Err(error)) => return Err(self.broken(error)),
            Err(_) => return Err(End::Silent(self.times.silence.as_secs()).into()),
        };
        match tagged(heard.as_bytes(), TAG) {
            Some(_) => {
                let mut lines = heard.lines().filter_map(|line| line.strip_prefix("* "));
                let wanted = |line: &&str| line.to_ascii_uppercase().starts_with(command);
                Ok(lines.find(wanted).map(str::to_owned))
            }
            None => Err(End::Unreadable.into()),
        }
    }

    /// Begins to idle (RFC 2177), unless it does already.
    pub(super) async fn begin_idle(&mut self) -> Result<(), Fault> {
        if self.idling.is_some() {
            return Ok(());
        }
        let tag = self.say("IDLE").await?;
        loop {
            let heard = self.next(|response| {
                let is_begun = matches!(response, Response::Continue(_));
                (is_begun, conclusion(&tag, response))
            });
            match heard.await? {
                (true, _) => {
                    self.idling = Some((tag, Instant::now()));
                    return Ok(());
                }
                (false, Some(concluded)) => return concluded.and(Err(End::OutOfTurn.into())),
                (false, None) => {}
            }
        }
    }

    /// Whether the server idles, and for how long already.
    pub(super) fn idle_age(&self) -> Option<Duration> {
        self.idling.as_ref().map(|(_, since)| since.elapsed())
    }

    /// Hears what the server says by itself while it idles, until it tells of new messages. May be dropped at any time.
    pub(super) async fn listen(&mut self) -> Result<(), Fault> {
        while !self.has_news {
            match self.session.read_response().await {
                Ok(Some(response)) => {
                    self.heed(response.parsed());
                    if let Response::Done { .. } = response.parsed() {
                        return Err(self.ended(End::OutOfTurn));
                    }
                }
                Ok(None) => return Err(self.ended(End::Closed)),
                Err(error) => return Err(self.broken(error)),
            }
        }
        Ok(())
    }

    /// Ends idling; the server has a short time to answer, since it has nothing else to do.
    pub(super) async fn end_idle(&mut self) -> Result<(), Fault> {
        let Some((tag, _)) = self.idling.take() else {
            return Ok(());
        };
        let limit = self.times.idle_answer;
        let ended = async {
            let said = self.session.run_command_untagged("DONE").await;
            said.map_err(Fault::from_library)?;
            loop {
                if let Some(concluded) = self.next(|response| conclusion(&tag, response)).await? {
                    return concluded;
                }
            }
        };
        match timeout(limit, ended).await {
            Ok(ended) => ended,
            Err(_) => Err(End::Silent(limit.as_secs()).into()),
        }
    }

    async fn say(&mut self, command: &str) -> Result<RequestId, Fault> {
        match timeout(self.times.silence, self.session.run_command(command)).await {
            Ok(said) => said.map_err(Fault::from_library),
            Err(_) => Err(End::Silent(self.times.silence.as_secs()).into()),
        }
    }

    /// What is to be made of the next answer, while bytes come and there is time.
    async fn next<R>(&mut self, each: impl FnOnce(&Response<'_>) -> R) -> Result<R, Fault> {
        loop {
            let before = self.arrived.bytes();
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(End::TooLong.into());
            }
            match timeout(left.min(self.times.silence), self.session.read_response()).await {
                Ok(Ok(Some(response))) => {
                    self.heed(response.parsed());
                    return Ok(each(response.parsed()));
                }
                Ok(Ok(None)) => return Err(self.ended(End::Closed)),
                Ok(Err(error)) => return Err(self.broken(error)),
                // A large message on a slow line.
                Err(_) if self.arrived.bytes() > before => {}
                Err(_) if left > self.times.silence => {
                    return Err(End::Silent(self.times.silence.as_secs()).into());
                }
                Err(_) => return Err(End::TooLong.into()),
            }
        }
    }

    /// Notes what concerns the session as a whole.
    fn heed(&mut self, response: &Response<'_>) {
        if let Response::MailboxData(MailboxDatum::Exists(count)) = response {
            self.has_news |= *count > self.shown;
            self.shown = *count;
        }
        if let Response::Expunge(_) = response {
            self.shown = self.shown.saturating_sub(1);
            self.expunged += 1;
        }
        if let Response::Data {
            status: Status::Bye,
            outcome,
        } = response
        {
            self.goodbye = Some(words(outcome));
        }
        if let Response::Data { outcome, .. } | Response::Done { outcome, .. } = response
            && let Some(ResponseCode::Alert) = outcome.code
        {
            self.alert = Some(words(outcome));
        }
    }

    /// The end, with the server's last words where there were any.
    fn ended(&mut self, end: End) -> Fault {
        self.goodbye.take().map_or(end, End::Goodbye).into()
    }

    fn broken(&mut self, error: std::io::Error) -> Fault {
        // The library's error holds all that it could not read, which is somebody's mail.
        let is_librarys = matches!(error.kind(), ErrorKind::Other | ErrorKind::UnexpectedEof);
        if is_librarys || self.goodbye.is_some() {
            return self.ended(End::Unreadable);
        }
        Fault::Gone(error.into())
    }
}

impl Fault {
    pub(super) fn from_library(error: ImapError) -> Self {
        if let ImapError::No(answer) | ImapError::Bad(answer) = error {
            return Self::Refused(answer);
        }
        if let ImapError::ConnectionLost = error {
            return End::Closed.into();
        }
        if let ImapError::Io(error) = error
            && error.kind() != ErrorKind::Other
        {
            return Self::Gone(error.into());
        }
        // What could not be read may be somebody's mail, and stays untold.
        End::Unreadable.into()
    }
}

/// The tagged answer, where this is it.
fn conclusion(asked: &RequestId, response: &Response<'_>) -> Option<Result<(), Fault>> {
    let Response::Done { tag, status, outcome } = response else {
        return None;
    };
    if asked != tag {
        return Some(Err(End::OutOfTurn.into()));
    }
    Some(match status {
        Status::Ok => Ok(()),
        Status::No | Status::Bad => Err(Fault::Refused(words(outcome))),
        Status::PreAuth | Status::Bye => Err(End::OutOfTurn.into()),
    })
}

/// The server's own words; what stands in brackets as well where it is no code that the library knows.
pub(super) fn words(outcome: &Outcome<'_>) -> String {
    let said = outcome.information.as_deref().unwrap_or_default().trim();
    match outcome.code {
        Some(ResponseCode::Alert) => format!("[ALERT] {said}"),
        Some(ResponseCode::TryCreate) => format!("[TRYCREATE] {said}"),
        Some(_) | None if said.is_empty() => "it gives no reason".to_owned(),
        Some(_) | None => said.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tagged_line_is_found_behind_what_is_no_text() {
        assert_eq!(
            tagged(b"* NAMESPACE ((\"\xFFL1 \" \".\")) NIL NIL\r\nL1 OK\r\n", "L1"),
            Some(36)
        );
        assert_eq!(tagged(b"L1 OK\r\n", "L1"), Some(0));
        assert_eq!(tagged(b"* x L1\r\nL1 OK", "L1"), None, "not to its end");
    }

    #[test]
    fn servers_that_count_connections_are_recognised() {
        for answer in [
            "[LIMIT] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=1)",
            "Maximum number of connections from user+IP exceeded",
            "[ALERT] Too many simultaneous connections. (Failure)",
        ] {
            assert!(is_limit(answer), "{answer}");
        }
        assert!(!is_limit("[AUTHENTICATIONFAILED] Authentication failed."));
    }
}
