//! Access tokens instead of passwords (OAuth 2.0, RFC 6749): had from a token server or a command, renewed before they
//! expire, and shared by all connections that name the same `[[oauth]]`.
//!
//! A token lives in memory alone; what must outlive the process is the refresh token that a server hands out in place
//! of the last one (see [`kept`]). Left out: the consent of a person in a browser, which is given once, before.

mod command;
mod exchange;
mod kept;
pub mod sasl;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::edge::clock::Clock;
use crate::mailbox::Disposition;

use kept::Keeping;

pub use exchange::why_no_token_url;

/// While the old token works, a failed renewal is tried again after this.
const RENEW_AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// Without a token that lasts, after this: whoever waited for the answer meanwhile shares it.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(15);
/// A token whose end nobody told is asked for anew at the first login after this.
const LIFE_UNKNOWN: SignedDuration = SignedDuration::from_mins(5);

/// What is shown to a mail server beside the user's name.
#[derive(Clone)]
pub enum Proof {
    Password(String),
    Token(Arc<Access>),
}

/// How a token is had.
#[derive(Clone)]
pub enum Grant {
    /// A person's consent, given once (RFC 6749 §6).
    RefreshToken {
        client: Client,
        /// That of the configuration; the server may have replaced it since.
        refresh_token: String,
    },
    /// The program stands for itself (RFC 6749 §4.4).
    ClientCredentials { client: Client },
    /// A program of the machine prints it.
    Command {
        argv: Vec<String>,
        limit: SignedDuration,
    },
}

/// The program as the token server knows it.
#[derive(Clone)]
pub struct Client {
    pub token_url: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    pub scope: Option<String>,
    /// Certification authorities beside the machine's own.
    pub ca_file: Option<PathBuf>,
}

/// An access token; nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token itself, for the one line that shows it to the server.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Why there is no token. `name` is that of the `[[oauth]]`; no variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// The token server cannot be reached, or does not answer as such servers do.
    #[error("[[oauth]] \"{name}\": asking {server} for a token")]
    Unreachable {
        name: String,
        server: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The token server answered, and its answer was no (RFC 6749 §5.2).
    #[error("[[oauth]] \"{name}\": {server} gives no token ({answer}); {remedy}")]
    Refused {
        name: String,
        server: String,
        answer: String,
        remedy: &'static str,
    },
    /// The command did not print a token.
    #[error("[[oauth]] \"{name}\": {program} {what}; run it by hand as recipisa's user")]
    Command {
        name: String,
        program: String,
        what: String,
    },
    /// The refresh token that replaces the last one could not be read or kept.
    #[error("[[oauth]] \"{name}\": {doing} {}; check the owner of the storage folder and the disk", path.display())]
    File {
        name: String,
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl OAuthError {
    /// The same for another who asks; of the causes their words.
    fn again(&self) -> Self {
        match self {
            Self::Unreachable { name, server, source } => {
                let mut words = source.to_string();
                let mut cause = source.source();
                while let Some(next) = cause {
                    words.push_str(&format!(": {next}"));
                    cause = next.source();
                }
                Self::Unreachable {
                    name: name.clone(),
                    server: server.clone(),
                    source: words.into(),
                }
            }
            Self::Refused {
                name,
                server,
                answer,
                remedy,
            } => Self::Refused {
                name: name.clone(),
                server: server.clone(),
                answer: answer.clone(),
                remedy,
            },
            Self::Command { name, program, what } => Self::Command {
                name: name.clone(),
                program: program.clone(),
                what: what.clone(),
            },
            Self::File {
                name,
                doing,
                path,
                source,
            } => Self::File {
                name: name.clone(),
                doing,
                path: path.clone(),
                source: std::io::Error::new(source.kind(), source.to_string()),
            },
        }
    }

    /// It is tried again in any case; what only a person can mend is told so.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Unreachable { .. } => Disposition::Retry,
            Self::Refused { .. } | Self::Command { .. } | Self::File { .. } => Disposition::Stop,
        }
    }
}

/// How the tokens of one `[[oauth]]` stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the token in hand was had; `None` without one.
    pub obtained_at: Option<Timestamp>,
    /// When it ends; `None` where nobody told.
    pub expires_at: Option<Timestamp>,
    /// Since when it could not be renewed.
    pub failing_since: Option<Timestamp>,
    /// Failed renewals since the start of the process.
    pub failures: u64,
}

/// A token in hand.
struct Held {
    token: Token,
    obtained_at: Timestamp,
    expires_at: Option<Timestamp>,
    renew_at: Timestamp,
    /// A mail server did not accept it.
    is_refused: bool,
}

impl Held {
    fn is_valid(&self, now: Timestamp) -> bool {
        !self.is_refused && self.expires_at.is_none_or(|end| now < end)
    }
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// A replaced refresh token that could not be written to its file so far.
    unkept: Option<String>,
    failing_since: Option<Timestamp>,
    failures: u64,
    /// No renewal is tried before.
    not_before: Option<Timestamp>,
    /// Why the last renewal failed.
    last_error: Option<OAuthError>,
}

/// The tokens of one `[[oauth]]`.
pub struct Access {
    name: String,
    grant: Grant,
    keeping: Keeping,
    clock: Mutex<Clock>,
    state: Mutex<State>,
}

impl Access {
    /// Nothing is asked for and no file is touched yet. A replaced refresh token is kept in `folder`.
    pub fn new(name: String, grant: Grant, folder: PathBuf) -> Self {
        Self {
            keeping: Keeping::new(name.clone(), folder),
            name,
            grant,
            clock: Mutex::new(Clock::System),
            state: Mutex::default(),
        }
    }

    /// The `name` of the `[[oauth]]`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How tokens are had.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Goes by this clock from now on.
    pub fn go_by(&self, clock: &Clock) {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = clock.clone();
    }

    fn now(&self) -> Timestamp {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).now()
    }

    /// A panic while asking leaves the state as it was.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token that should be accepted now; asked for where there is none, or where the one in hand nears its end. While
    /// that cannot be renewed, the old one is given as long as it lasts. Others who ask meanwhile wait for the answer.
    ///
    /// # Errors
    /// There is no token that still lasts, and none could be had.
    pub fn token(&self) -> Result<Token, OAuthError> {
        let now = self.now();
        let mut state = self.state();
        if let Some(held) = &state.held
            && held.is_valid(now)
            && (now < held.renew_at || state.not_before.is_some_and(|again| now < again))
        {
            return Ok(held.token.clone());
        }
        // Those who waited while one asked in vain would each wait for a dead server again.
        if let Some(error) = &state.last_error
            && state.not_before.is_some_and(|again| now < again)
        {
            return Err(error.again());
        }
        let renewed = self.renew(&mut state, now);
        match (&state.held, renewed) {
            (Some(held), Ok(())) => Ok(held.token.clone()),
            // The trouble is in `standing`, and is told by whoever keeps the tokens fresh.
            (Some(held), Err(_)) if held.is_valid(now) => Ok(held.token.clone()),
            (_, Err(error)) => Err(error),
            (None, Ok(())) => unreachable!("a renewal that went well leaves a token"),
        }
    }

    /// A mail server has not accepted this token: it is not given again.
    pub fn refused(&self, token: &Token) {
        if let Some(held) = &mut self.state().held
            && held.token == *token
        {
            held.is_refused = true;
        }
    }

    /// Renews a token that nears its end, although nobody asks for one now, and tries again what could not be written.
    /// A token that was never asked for is not asked for here either. True when there was something to do.
    ///
    /// # Errors
    /// It could not be renewed; the old one may still last.
    pub fn keep_fresh(&self) -> Result<bool, OAuthError> {
        let now = self.now();
        let mut state = self.state();
        let waits = state.not_before.is_some_and(|again| now < again);
        if waits {
            return Ok(false);
        }
        if let Some(unkept) = state.unkept.clone() {
            let kept = self.keep(&unkept);
            self.note(&mut state, now, kept.is_ok());
            kept?;
            state.unkept = None;
            return Ok(true);
        }
        // Where nobody told the end, logging in is soon enough.
        let is_due = |held: &Held| held.expires_at.is_some() && !held.is_refused && held.renew_at <= now;
        if !state.held.as_ref().is_some_and(is_due) {
            return Ok(false);
        }
        self.renew(&mut state, now).map(|()| true)
    }

    /// How the tokens stand.
    pub fn standing(&self) -> Standing {
        let state = self.state();
        let held = state.held.as_ref();
        Standing {
            obtained_at: held.map(|held| held.obtained_at),
            expires_at: held.and_then(|held| held.expires_at),
            failing_since: state.failing_since,
            failures: state.failures,
        }
    }

    /// When the refresh token of the configuration was last replaced by the server; `None` where it still holds.
    ///
    /// # Errors
    /// The file that keeps it is there and cannot be read.
    pub fn replaced_at(&self) -> Result<Option<Timestamp>, OAuthError> {
        match &self.grant {
            Grant::RefreshToken { refresh_token, .. } => self.keeping.replaced_at(refresh_token),
            Grant::ClientCredentials { .. } | Grant::Command { .. } => Ok(None),
        }
    }

    /// Asks for a token and puts it in the place of the old one.
    fn renew(&self, state: &mut State, now: Timestamp) -> Result<(), OAuthError> {
        let asked = self.ask(state, now);
        self.note(state, now, asked.is_ok());
        state.last_error = asked.as_ref().err().map(OAuthError::again);
        let granted = asked?;
        let life = granted.expires_in;
        state.held = Some(Held {
            token: Token(granted.access_token),
            obtained_at: now,
            expires_at: life.map(|life| now + life),
            renew_at: now + life.map_or(LIFE_UNKNOWN, |life| life * 4 / 5),
            is_refused: false,
        });
        if let Some(error) = granted.unkept {
            // The token is good and is used; that its successor is in memory only has to be told.
            self.note(state, now, false);
            return Err(error);
        }
        Ok(())
    }

    fn note(&self, state: &mut State, now: Timestamp, went_well: bool) {
        if went_well {
            (state.failing_since, state.not_before) = (None, None);
        } else {
            state.failures += 1;
            state.failing_since.get_or_insert(now);
            let lasts = state
                .held
                .as_ref()
                .is_some_and(|held| held.is_valid(now + RENEW_AGAIN));
            // Asking itself has taken its time.
            state.not_before = Some(self.now() + if lasts { RENEW_AGAIN } else { ASK_AGAIN });
        }
    }

    fn ask(&self, state: &mut State, now: Timestamp) -> Result<Granted, OAuthError> {
        match &self.grant {
            Grant::ClientCredentials { client } => {
                let form = [("grant_type", "client_credentials")];
                exchange::ask(&self.name, client, &form, "").map(Granted::from)
            }
            Grant::Command { argv, limit } => command::ask(&self.name, argv, *limit).map(Granted::from),
            Grant::RefreshToken {
                client,
                refresh_token,
            } => {
                // Two processes must not use the same refresh token: some servers take the second use for a theft.
                let place = self.keeping.lock()?;
                let current = match &state.unkept {
                    Some(unkept) => unkept.clone(),
                    None => place.current(refresh_token)?,
                };
                let form = [("grant_type", "refresh_token"), ("refresh_token", &current)];
                let reply = exchange::ask(&self.name, client, &form, &current)?;
                let next = reply.refresh_token.clone().filter(|next| *next != current);
                let mut granted = Granted::from(reply);
                if let Some(next) = next {
                    state.unkept = None;
                    if let Err(error) = place.replace(refresh_token, &next, now) {
                        state.unkept = Some(next);
                        granted.unkept = Some(error);
                    }
                }
                Ok(granted)
            }
        }
    }

    fn keep(&self, next: &str) -> Result<(), OAuthError> {
        match &self.grant {
            Grant::RefreshToken { refresh_token, .. } => {
                self.keeping.lock()?.replace(refresh_token, next, self.now())
            }
            Grant::ClientCredentials { .. } | Grant::Command { .. } => Ok(()),
        }
    }
}

/// What a server or a command says.
struct Reply {
    access_token: String,
    expires_in: Option<SignedDuration>,
    refresh_token: Option<String>,
}

/// A token to be used.
struct Granted {
    access_token: String,
    expires_in: Option<SignedDuration>,
    /// Why the refresh token that came with it could not be kept.
    unkept: Option<OAuthError>,
}

impl From<Reply> for Granted {
    fn from(reply: Reply) -> Self {
        Self {
            access_token: reply.access_token,
            expires_in: reply.expires_in,
            unkept: None,
        }
    }
}
