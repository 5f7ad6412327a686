//! From a host name to a logged-in session: TCP, TLS or STARTTLS, LOGIN, CAPABILITY.

use std::time::Duration;

use async_imap::Client;
use async_imap::error::Error as ImapError;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_native_tls::TlsStream;

use super::{Account, Open, plain, translated};
use crate::edge::tls::{self, Security};
use crate::mailbox::MailboxError;

pub(super) type Session = async_imap::Session<TlsStream<TcpStream>>;

/// Connects and logs in; the password goes only over TLS whose certificate has the right name.
pub(super) async fn open(account: &Account, limit: Duration) -> Result<Open, MailboxError> {
    let server = format!("{}:{}", account.host, account.port);
    let doing = "connecting";
    match timeout(limit, open_unbounded(account, &server)).await {
        Ok(result) => result,
        Err(elapsed) => Err(MailboxError::Unreachable {
            server,
            doing,
            source: elapsed.into(),
        }),
    }
}

async fn open_unbounded(account: &Account, server: &str) -> Result<Open, MailboxError> {
    let unreachable = |doing, source: Box<dyn std::error::Error + Send + Sync>| MailboxError::Unreachable {
        server: server.to_owned(),
        doing,
        source,
    };
    let tcp = TcpStream::connect((account.host.as_str(), account.port))
        .await
        .map_err(|error| unreachable("connecting", error.into()))?;
    tcp.set_nodelay(true)
        .map_err(|error| unreachable("connecting", error.into()))?;
    let connector = tls::connector(account.ca_file.as_deref())
        .map_err(|error| unreachable("setting up TLS", error.into()))?;
    let connector = tokio_native_tls::TlsConnector::from(connector);
    let tcp = match account.security {
        Security::Tls => tcp,
        Security::StartTls => start_tls(tcp, server).await?,
    };
    let stream = connector
        .connect(&account.host, tcp)
        .await
        .map_err(|error| unreachable(tls::AGREEING, error.into()))?;
    let mut client = Client::new(stream);
    if account.security == Security::Tls {
        greeting(&mut client, server).await?;
    }
    let mut session = client
        .login(&account.user, &account.password)
        .await
        .map_err(|(error, _)| login_refused(error, server))?;
    let capabilities = session
        .capabilities()
        .await
        .map_err(|error| translated(error, server, "asking for capabilities"))?;
    Ok(Open {
        can_move: capabilities.has_str("MOVE"),
        can_expunge_by_uid: capabilities.has_str("UIDPLUS"),
        uid_validity: 0,
        session,
    })
}

fn login_refused(error: ImapError, server: &str) -> MailboxError {
    if let ImapError::No(answer) = &error
        && !is_passing(answer)
    {
        return MailboxError::Login {
            server: server.to_owned(),
            answer: plain(answer),
        };
    }
    translated(error, server, "logging in")
}

/// A NO that is not about the password (RFC 5530).
fn is_passing(answer: &str) -> bool {
    ["UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG"]
        .iter()
        .any(|code| answer.contains(code))
}

async fn greeting<T>(client: &mut Client<T>, server: &str) -> Result<(), MailboxError>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + std::fmt::Debug + Send,
{
    let doing = "waiting for the greeting";
    match client.read_response().await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(translated(ImapError::ConnectionLost, server, doing)),
        Err(error) => Err(translated(ImapError::Io(error), server, doing)),
    }
}

/// Asks for STARTTLS and gives the bare stream back. Bytes that the server (or somebody between) sent early are
/// dropped with the client's buffer and never read as part of the protected session (RFC 9051 §6.2.1).
async fn start_tls(tcp: TcpStream, server: &str) -> Result<TcpStream, MailboxError> {
    let mut client = Client::new(tcp);
    greeting(&mut client, server).await?;
    match client.run_command_and_check_ok("STARTTLS", None).await {
        Ok(()) => Ok(client.into_inner()),
        Err(ImapError::No(_) | ImapError::Bad(_)) => Err(MailboxError::Unprotected {
            server: server.to_owned(),
        }),
        Err(other) => Err(translated(other, server, "asking for STARTTLS")),
    }
}
