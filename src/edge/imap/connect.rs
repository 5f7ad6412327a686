//! From a host name to a logged-in session: TCP, TLS or STARTTLS, the login ([`super::login`]), CAPABILITY, and how the
//! folders are spelled.

use async_imap::Client;
use async_imap::error::Error as ImapError;
use async_imap::imap_proto::{Response, Status};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::dialogue::{self, Dialogue, Fault, Session, Times};
use super::line::{Arrived, Line};
use super::listing::Known;
use super::names::{self, Places};
use super::{Account, Offers, Open, login};
use crate::edge::oauth::{Access, Proof, Token};
use crate::edge::tls::{self, Security};
use crate::mailbox::MailboxError;

/// Connects and logs in; password and token go only over TLS whose certificate has the right name.
pub(super) async fn open(account: &Account, times: Times) -> Result<Open, MailboxError> {
    let server = format!("{}:{}", account.host, account.port);
    let doing = "connecting";
    match timeout(times.connect, open_unbounded(account, &server, times)).await {
        Ok(result) => result,
        Err(elapsed) => Err(MailboxError::Unreachable {
            server,
            doing,
            source: elapsed.into(),
        }),
    }
}

async fn open_unbounded(account: &Account, server: &str, times: Times) -> Result<Open, MailboxError> {
    let (mut session, arrived) = match &account.proof {
        Proof::Password(password) => {
            let (client, arrived) = protected(account, server).await?;
            let session = login::with_password(client, account, password, server).await?;
            (session, arrived)
        }
        Proof::Token(access) => with_token(account, access, server).await?,
    };
    let capabilities = session
        .capabilities()
        .await
        .map_err(|error| translated(error, server, "asking for capabilities"))?;
    let offers = Offers {
        can_move: capabilities.has_str("MOVE"),
        can_expunge_by_uid: capabilities.has_str("UIDPLUS"),
        can_idle: capabilities.has_str("IDLE"),
        has_namespace: capabilities.has_str("NAMESPACE"),
    };
    let mut open = Open {
        dialogue: Dialogue::new(session, arrived, times),
        offers,
        places: Places::default(),
        selected: None,
        known: Known::default(),
        visit: account.visit,
        keeps_copied: false,
    };
    open.places = names::settle(&mut open, account)
        .await
        .map_err(|fault| fault.told(server, "asking for the folders"))?;
    Ok(open)
}

/// Logs in with a token; one that the server does not want is put in another's place, once. That needs a connection of
/// its own, since some servers end the one on which a login failed.
async fn with_token(
    account: &Account,
    access: &Access,
    server: &str,
) -> Result<(Session, Arrived), MailboxError> {
    let token = token_for(access, server)?;
    let (client, arrived) = protected(account, server).await?;
    let refused = match login::with_token(client, account, access, &token, server).await {
        Err(error @ MailboxError::TokenRefused { .. }) => error,
        other => return Ok((other?, arrived)),
    };
    access.refused(&token);
    let fresh = token_for(access, server)?;
    if fresh == token {
        return Err(refused);
    }
    let (client, arrived) = protected(account, server).await?;
    let outcome = login::with_token(client, account, access, &fresh, server).await;
    if matches!(outcome, Err(MailboxError::TokenRefused { .. })) {
        access.refused(&fresh);
    }
    Ok((outcome?, arrived))
}

/// Waits for the token server on this thread, which has nothing else to do, and has its own time-outs.
fn token_for(access: &Access, server: &str) -> Result<Token, MailboxError> {
    access.token().map_err(|error| MailboxError::NoToken {
        server: server.to_owned(),
        disposition: error.disposition(),
        source: error.into(),
    })
}

/// A protected connection on which nobody has logged in yet.
async fn protected(account: &Account, server: &str) -> Result<(Client<Line>, Arrived), MailboxError> {
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
    let line = Line::new(stream);
    let arrived = line.arrived();
    let mut client = Client::new(line);
    if account.security == Security::Tls {
        greeting(&mut client, server).await?;
    }
    Ok((client, arrived))
}

/// The library's errors in our words.
pub(super) fn translated(error: ImapError, server: &str, doing: &'static str) -> MailboxError {
    let fault = if let ImapError::No(answer) | ImapError::Bad(answer) = &error {
        Fault::Refused(plain(answer))
    } else {
        Fault::from_library(error)
    };
    fault.told(server, doing)
}

/// The server's own words out of the library's `code: …, info: Some("…")`.
pub(super) fn plain(answer: &str) -> String {
    let words = answer
        .split_once("info: Some(\"")
        .and_then(|(_, words)| words.rsplit_once("\")"));
    words.map_or_else(|| answer.to_owned(), |(words, _)| words.replace("\\\"", "\""))
}

async fn greeting<T>(client: &mut Client<T>, server: &str) -> Result<(), MailboxError>
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + std::fmt::Debug + Send,
{
    let doing = "waiting for the greeting";
    match client.read_response().await {
        Ok(Some(response)) => {
            if let Response::Data {
                status: Status::Bye,
                outcome,
            } = response.parsed()
            {
                return Err(Fault::Refused(dialogue::words(outcome)).told(server, doing));
            }
            Ok(())
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_are_taken_out_of_debug_text() {
        for (answer, said) in [
            (
                r#"code: None, info: Some("[LIMIT] Too \"many\" connections.")"#,
                r#"[LIMIT] Too "many" connections."#,
            ),
            (r#"code: Some(Alert), info: Some("Oprit")"#, "Oprit"),
            ("code: None, info: None", "code: None, info: None"),
        ] {
            assert_eq!(plain(answer), said);
        }
    }
}
