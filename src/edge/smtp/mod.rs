//! Sending by SMTP submission (RFC 6409) through lettre, over a stream of our own.
//!
//! lettre leaves Nagle's algorithm on, which with delayed acknowledgements costs 40 ms a letter; so the TCP stream is
//! made here with TCP_NODELAY. One connection is kept and used again, and made anew when the server has ended it.

mod login;
pub mod probe;
mod stream;

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::edge::oauth::{Access, Proof, Token};
use crate::edge::tls::{self, Security};
use crate::outbox::{Envelope, Transport, TransportError};

/// RFC 5321 §4.5.3.2 allows ten minutes for the end of DATA; no submission server needs them.
const SEND_TIMEOUT: Duration = Duration::from_secs(180);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const NOOP_TIMEOUT: Duration = Duration::from_secs(10);
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

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
}

/// Letters over one reused SMTP connection.
pub struct SmtpTransport {
    server: Server,
    runtime: Runtime,
    connection: Option<AsyncSmtpConnection>,
}

impl SmtpTransport {
    /// A transport to this server; nothing is connected yet.
    ///
    /// # Errors
    /// The machine gives no threads or file descriptors.
    pub fn new(server: Server) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            server,
            runtime,
            connection: None,
        })
    }
}

impl Transport for SmtpTransport {
    fn send(&mut self, envelope: Envelope<'_>, bytes: &[u8]) -> Result<String, TransportError> {
        let (server, connection) = (&self.server, &mut self.connection);
        self.runtime.block_on(async {
            let envelope = addresses(envelope, server)?;
            let mut kept = connection.take();
            let alive = match &mut kept {
                // A server that does not answer NOOP is as good as gone.
                Some(kept) => timeout(NOOP_TIMEOUT, kept.test_connected())
                    .await
                    .unwrap_or(false),
                None => false,
            };
            let mut open = match kept {
                Some(kept) if alive => kept,
                _ => connect(server).await?,
            };
            let spoken = timeout(SEND_TIMEOUT, converse(&mut open, envelope, bytes, server)).await;
            match spoken {
                Ok(Ok(answer)) => {
                    *connection = Some(open);
                    Ok(answer)
                }
                Ok(Err(error)) => {
                    // lettre says QUIT and waits; a server that does not answer is left without a word.
                    timeout(QUIT_TIMEOUT, open.abort()).await.ok();
                    Err(error)
                }
                Err(elapsed) => Err(TransportError::Broken {
                    server: server.name(),
                    source: elapsed.into(),
                }),
            }
        })
    }

    fn rest(&mut self) {
        if let Some(mut open) = self.connection.take() {
            self.runtime.block_on(async {
                // A server that does not answer QUIT is left without a word.
                timeout(QUIT_TIMEOUT, open.quit()).await.ok();
            });
        }
    }
}

impl Server {
    fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// One letter: MAIL, RCPT, DATA, content. Which command was refused says whom the refusal is about.
async fn converse(
    open: &mut AsyncSmtpConnection,
    (from, to): (Address, Address),
    bytes: &[u8],
    server: &Server,
) -> Result<String, TransportError> {
    let about_sender = |error| about_letter(error, server, Stage::Sender);
    let about_content = |error| about_letter(error, server, Stage::Letter);
    open.command(Mail::new(Some(from), Vec::new()))
        .await
        .map_err(about_sender)?;
    open.command(Rcpt::new(to, Vec::new()))
        .await
        .map_err(about_content)?;
    open.command(Data).await.map_err(about_content)?;
    let response = open.message(bytes).await.map_err(about_content)?;
    Ok(format!(
        "{} {}",
        response.code(),
        response.message().collect::<Vec<_>>().join(" ")
    ))
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

/// The addresses as SMTP takes them. Ours is checked with the configuration; the citizen's may be one that the server
/// could take only with SMTPUTF8 (RFC 6531), which is not spoken here yet.
fn addresses(envelope: Envelope<'_>, server: &Server) -> Result<(Address, Address), TransportError> {
    let refused = |why: &str| TransportError::Refused {
        server: server.name(),
        answer: format!("not asked: {why}"),
    };
    let parsed = |text: &str| {
        text.parse::<Address>()
            .map_err(|_| refused("the address cannot be used in SMTP"))
    };
    if !envelope.to.is_ascii() {
        return Err(refused("the address has letters that need SMTPUTF8"));
    }
    Ok((parsed(envelope.from)?, parsed(envelope.to)?))
}

async fn connect(server: &Server) -> Result<AsyncSmtpConnection, TransportError> {
    match timeout(CONNECT_TIMEOUT, connect_unbounded(server)).await {
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
    timeout(QUIT_TIMEOUT, connection.abort()).await.ok();
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
