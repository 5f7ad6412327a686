//! Sending by SMTP submission (RFC 6409) through lettre, over a stream of our own.
//!
//! lettre leaves Nagle's algorithm on, which with delayed acknowledgements costs 40 ms a letter; so the TCP stream is
//! made here with TCP_NODELAY. One connection is kept and used again, and made anew when the server has ended it.

mod login;
mod content;
mod envelope;
mod offers;
pub mod probe;
mod stream;

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Rset};
use lettre::transport::smtp::extension::ClientId;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use self::envelope::Commands;
use crate::edge::oauth::{Access, Proof, Token};
use crate::edge::tls::{self, Security};
use crate::outbox::{Envelope, Transport, TransportError};

pub use offers::Offers;

/// How long one waits for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection, TLS and the login together.
    pub connect: Duration,
    /// For one letter, from MAIL to the answer behind its last dot.
    pub letter: Duration,
    /// For the question whether a kept connection is alive.
    pub noop: Duration,
    pub quit: Duration,
}

impl Default for Timeouts {
    /// RFC 5321 §4.5.3.2 allows ten minutes for the end of DATA; no submission server needs them.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            letter: Duration::from_secs(180),
            noop: Duration::from_secs(10),
            quit: Duration::from_secs(2),
        }
    }
}

/// The submission server.
#[derive(Clone)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// User with password or token; `None` where the server knows us by our address.
    pub login: Option<(String, Proof)>,
    /// The name said in EHLO.
    pub hello: String,
    /// Certification authorities beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// Delivery reports (RFC 3461) are asked for where the server offers them.
    pub delivery_reports: bool,
    /// What stands between our address and the letter's token in the envelope sender; `None`: no token.
    pub verp: Option<char>,
}

/// Letters over one reused SMTP connection.
pub struct SmtpTransport {
    server: Server,
    timeouts: Timeouts,
    runtime: Runtime,
    connection: Option<Line>,
}

/// A connection, with what its server offers.
struct Line {
    smtp: AsyncSmtpConnection,
    offers: Offers,
}

impl SmtpTransport {
    /// A transport to this server; nothing is connected yet.
    ///
    /// # Errors
    /// The machine gives no threads or file descriptors.
    pub fn new(server: Server) -> std::io::Result<Self> {
        Self::with_timeouts(server, Timeouts::default())
    }

    /// The same with waits of one's own.
    ///
    /// # Errors
    /// As for [`SmtpTransport::new`].
    pub fn with_timeouts(server: Server, timeouts: Timeouts) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            server,
            timeouts,
            runtime,
            connection: None,
        })
    }
}

impl Transport for SmtpTransport {
    fn send(&mut self, envelope: Envelope<'_>, bytes: &[u8]) -> Result<String, TransportError> {
        let (server, timeouts, connection) = (&self.server, self.timeouts, &mut self.connection);
        let bytes = &*content::canonical(bytes);
        self.runtime.block_on(async {
            let mut line = open(server, timeouts, connection.take()).await?;
            let commands = match envelope::commands(envelope, bytes, server, line.offers) {
                Ok(commands) => commands,
                Err(error) => {
                    // Nothing was said of this letter, so the next one finds the line as it was.
                    *connection = Some(line);
                    return Err(error);
                }
            };
            let spoken = timeout(timeouts.letter, converse(&mut line.smtp, commands, bytes, server));
            match spoken.await {
                Ok(Ok(answer)) => {
                    *connection = Some(line);
                    Ok(answer)
                }
                Ok(Err(error)) => {
                    // lettre says QUIT and waits; a server that does not answer is left without a word.
                    timeout(timeouts.quit, line.smtp.abort()).await.ok();
                    Err(error)
                }
                Err(_elapsed) => Err(TransportError::Silent {
                    server: server.name(),
                    seconds: timeouts.letter.as_secs(),
                }),
            }
        })
    }

    fn rest(&mut self) {
        if let Some(mut line) = self.connection.take() {
            let quit = self.timeouts.quit;
            self.runtime.block_on(async {
                // A server that does not answer QUIT is left without a word.
                timeout(quit, line.smtp.quit()).await.ok();
            });
        }
    }
}

/// The kept connection while it is alive, else a new one.
async fn open(server: &Server, timeouts: Timeouts, kept: Option<Line>) -> Result<Line, TransportError> {
    if let Some(mut kept) = kept {
        // A server that does not answer NOOP is as good as gone.
        let alive = timeout(timeouts.noop, kept.smtp.test_connected()).await;
        if alive.unwrap_or(false) {
            return Ok(kept);
        }
    }
    let mut smtp = connect(server, timeouts).await?;
    let offers = timeout(timeouts.connect, offers::ask(&mut smtp, server)).await;
    let offers = offers.unwrap_or_else(|elapsed| {
        Err(TransportError::Unreachable {
            server: server.name(),
            doing: "asking what it offers",
            source: elapsed.into(),
        })
    })?;
    Ok(Line { smtp, offers })
}

impl Server {
    fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// One letter: MAIL, RCPT, DATA, content. Which command was refused says whom the refusal is about.
async fn converse(
    open: &mut AsyncSmtpConnection,
    commands: Commands,
    bytes: &[u8],
    server: &Server,
) -> Result<String, TransportError> {
    let about_content = |error| about_letter(error, server, Stage::Letter);
    introduce(open, commands, server).await?;
    open.command(Data).await.map_err(about_content)?;
    let response = open.message(bytes).await.map_err(about_content)?;
    Ok(format!(
        "{} {}",
        response.code(),
        response.message().collect::<Vec<_>>().join(" ")
    ))
}

/// MAIL and RCPT. A relay before the server may offer delivery reports in its name and then not know their parameters;
/// the letter is more than the proof, so it is introduced once more without them.
async fn introduce(
    open: &mut AsyncSmtpConnection,
    commands: Commands,
    server: &Server,
) -> Result<(), TransportError> {
    let Commands { mail, rcpt, plain } = commands;
    let mut rcpt = rcpt;
    if let Err(error) = open.command(mail).await {
        match plain.as_ref().filter(|_| is_about_parameters(&error)) {
            Some((plain_mail, plain_rcpt)) => {
                rcpt = plain_rcpt.clone();
                let again = open.command(plain_mail.clone()).await;
                again.map_err(|error| about_letter(error, server, Stage::Sender))?;
            }
            None => return Err(about_letter(error, server, Stage::Sender)),
        }
    }
    if let Err(error) = open.command(rcpt).await {
        let (Some((mail, rcpt)), true) = (plain, is_about_parameters(&error)) else {
            return Err(about_letter(error, server, Stage::Letter));
        };
        open.command(Rset)
            .await
            .map_err(|error| about_letter(error, server, Stage::Sender))?;
        open.command(mail)
            .await
            .map_err(|error| about_letter(error, server, Stage::Sender))?;
        open.command(rcpt)
            .await
            .map_err(|error| about_letter(error, server, Stage::Letter))?;
    }
    Ok(())
}

/// 501 and 504 are about a parameter's form, 555 about one that is not known (RFC 5321 §4.1.1.11).
fn is_about_parameters(error: &SmtpError) -> bool {
    let code = error.status().map(u16::from);
    matches!(code, Some(501 | 504 | 555))
}

/// How far a letter had come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// MAIL: only our own address was named.
    Sender,
    /// RCPT, DATA and the content.
    Letter,
}

/// What went wrong with one letter. A refusal of our own address, and one for reasons of policy (5.7.x, RFC 3463
/// §3.8), are mended by a person and not by the citizen: the letter waits and is tried again. A broken connection may
/// be this letter's doing, so it counts as an attempt and lets the letters behind it go first.
fn about_letter(error: SmtpError, server: &Server, stage: Stage) -> TransportError {
    let name = server.name();
    if error.status().is_none() && !error.is_client() {
        return TransportError::Broken {
            server: name,
            source: error.into(),
        };
    }
    let answer = answer_of(&error);
    let is_policy = answer
        .split_whitespace()
        .nth(1)
        .is_some_and(|code| code.starts_with("5.7."));
    let translated = translated(error, server, "sending");
    if matches!(translated, TransportError::Refused { .. }) && (stage == Stage::Sender || is_policy) {
        return TransportError::PutOff { server: name, answer };
    }
    translated
}

async fn connect(server: &Server, timeouts: Timeouts) -> Result<AsyncSmtpConnection, TransportError> {
    match timeout(timeouts.connect, connect_unbounded(server)).await {
        Ok(result) => result,
        Err(elapsed) => Err(TransportError::Unreachable {
            server: server.name(),
            doing: "connecting",
            source: elapsed.into(),
        }),
    }
}

async fn connect_unbounded(server: &Server) -> Result<AsyncSmtpConnection, TransportError> {
    let Some((user, proof)) = &server.login else {
        return protected(server).await;
    };
    match proof {
        Proof::Password(password) => {
            let mut connection = protected(server).await?;
            login::with_password(&mut connection, server, user, password).await?;
            Ok(connection)
        }
        Proof::Token(access) => with_token(server, user, access).await,
    }
}

/// Logs in with a token; one that the server does not want is put in another's place, once, on a new connection.
async fn with_token(
    server: &Server,
    user: &str,
    access: &Access,
) -> Result<AsyncSmtpConnection, TransportError> {
    let token = token_for(access, server)?;
    let mut connection = protected(server).await?;
    let refused = match login::with_token(&mut connection, server, user, access, &token).await {
        Ok(()) => return Ok(connection),
        Err(error @ TransportError::TokenRefused { .. }) => error,
        Err(other) => return Err(other),
    };
    timeout(Timeouts::default().quit, connection.abort()).await.ok();
    access.refused(&token);
    let fresh = token_for(access, server)?;
    if fresh == token {
        return Err(refused);
    }
    let mut connection = protected(server).await?;
    let outcome = login::with_token(&mut connection, server, user, access, &fresh).await;
    if matches!(outcome, Err(TransportError::TokenRefused { .. })) {
        access.refused(&fresh);
    }
    outcome.map(|()| connection)
}

/// Waits for the token server on this thread, which has nothing else to do, and has its own time-outs.
fn token_for(access: &Access, server: &Server) -> Result<Token, TransportError> {
    access.token().map_err(|error| TransportError::NoToken {
        server: server.name(),
        source: error.into(),
    })
}

/// A protected connection on which nobody has logged in yet.
async fn protected(server: &Server) -> Result<AsyncSmtpConnection, TransportError> {
    let unreachable = |doing, source: Box<dyn std::error::Error + Send + Sync>| TransportError::Unreachable {
        server: server.name(),
        doing,
        source,
    };
    let tcp = TcpStream::connect((server.host.as_str(), server.port))
        .await
        .map_err(|error| unreachable("connecting", error.into()))?;
    tcp.set_nodelay(true)
        .map_err(|error| unreachable("connecting", error.into()))?;
    let hello = ClientId::Domain(server.hello.clone());
    let stream: Box<dyn AsyncTokioStream> = match server.security {
        Security::StartTls => Box::new(tcp),
        Security::Tls => {
            let connector = tls::connector(server.ca_file.as_deref())
                .map_err(|error| unreachable("setting up TLS", error.into()))?;
            Box::new(
                stream::Protected::connect(connector, &server.host, tcp)
                    .await
                    .map_err(|error| unreachable(tls::AGREEING, error))?,
            )
        }
    };
    let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &hello)
        .await
        .map_err(|error| about_us(error, server, "greeting"))?;
    if server.security == Security::StartTls {
        if !connection.can_starttls() {
            connection.abort().await;
            return Err(TransportError::Unprotected {
                server: server.name(),
            });
        }
        let parameters = tls_parameters(server)?;
        connection
            .starttls(parameters, &hello)
            .await
            .map_err(|error| about_us(error, server, tls::AGREEING))?;
    }
    Ok(connection)
}

fn tls_parameters(server: &Server) -> Result<TlsParameters, TransportError> {
    let unreachable = |source| TransportError::Unreachable {
        server: server.name(),
        doing: "setting up TLS",
        source,
    };
    let mut builder = TlsParameters::builder(server.host.clone());
    for pem in tls::pem_authorities(server.ca_file.as_deref()).map_err(|error| unreachable(error.into()))? {
        let certificate = Certificate::from_pem(pem.as_bytes()).map_err(|error| unreachable(error.into()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_native().map_err(|error| unreachable(error.into()))
}

/// Before a recipient is named, even a 5xx says nothing about the letter.
fn about_us(error: SmtpError, server: &Server, doing: &'static str) -> TransportError {
    if error.is_permanent() {
        return TransportError::NotForUs {
            server: server.name(),
            doing,
            answer: answer_of(&error),
        };
    }
    translated(error, server, doing)
}

/// Answers about the login, whatever command they are given to (RFC 4954 §6).
const ABOUT_LOGIN: [u16; 4] = [530, 534, 535, 538];

/// 4xx and 5xx told apart; everything without an answer is the connection's fault.
fn translated(error: SmtpError, server: &Server, doing: &'static str) -> TransportError {
    if error
        .status()
        .is_some_and(|code| ABOUT_LOGIN.contains(&code.into()))
    {
        TransportError::Login {
            server: server.name(),
            answer: answer_of(&error),
        }
    } else if error.is_permanent() {
        TransportError::Refused {
            server: server.name(),
            answer: answer_of(&error),
        }
    } else if error.is_transient() {
        TransportError::PutOff {
            server: server.name(),
            answer: answer_of(&error),
        }
    } else {
        TransportError::Unreachable {
            server: server.name(),
            doing,
            source: error.into(),
        }
    }
}

/// The code and the server's own words.
fn answer_of(error: &SmtpError) -> String {
    let words = error
        .source()
        .map(ToString::to_string)
        .unwrap_or_else(|| error.to_string());
    match error.status() {
        Some(code) => format!("{code} {words}"),
        None => words,
    }
}
