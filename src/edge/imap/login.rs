//! Logging in: with a password, or with a token by the mechanism that the server offers.

use async_imap::error::Error as ImapError;
use async_imap::imap_proto::{Capability, Response};
use async_imap::{Authenticator, Client};
use tokio::io::AsyncWriteExt;

use super::Account;
use super::connect::{plain, translated};
use super::dialogue::{self, Session};
use super::line::Line;
use crate::edge::oauth::sasl::{Mechanism, OFFERS_NEITHER, words};
use crate::edge::oauth::{Access, Token};
use crate::mailbox::MailboxError;

type Unknown = Client<Line>;

/// With the password.
pub(super) async fn with_password(
    client: Unknown,
    account: &Account,
    password: &str,
    server: &str,
) -> Result<Session, MailboxError> {
    client
        .login(&account.user, password)
        .await
        .map_err(|(error, _)| match refusal(&error) {
            Some(answer) => MailboxError::Login {
                server: server.to_owned(),
                answer,
            },
            None => translated(error, server, "logging in"),
        })
}

/// With the token (RFC 7628 for OAUTHBEARER; XOAUTH2 goes the same way). [`MailboxError::TokenRefused`] says that the
/// server does not want this token.
pub(super) async fn with_token(
    mut client: Unknown,
    account: &Account,
    access: &Access,
    token: &Token,
    server: &str,
) -> Result<Session, MailboxError> {
    let doing = "logging in with a token";
    let refused = |answer: String| MailboxError::TokenRefused {
        server: server.to_owned(),
        oauth: access.name().to_owned(),
        answer,
    };
    let offered = mechanisms(&mut client)
        .await
        .map_err(|error| translated(error, server, doing))?;
    let Some(mechanism) = Mechanism::choose(offered.iter().map(String::as_str)) else {
        return Err(refused(OFFERS_NEITHER.to_owned()));
    };
    let mut said = Vec::new();
    let bearer = Bearer {
        initial: Some(mechanism.initial(&account.user, &account.host, account.port, token)),
        mechanism,
        said: &mut said,
    };
    match client.authenticate(mechanism.as_str(), bearer).await {
        Ok(session) => Ok(session),
        Err((error, _)) => Err(match refusal(&error) {
            Some(answer) if said.is_empty() => refused(answer),
            Some(answer) => refused(format!("{answer} {}", words(&said, token))),
            None => translated(error, server, doing),
        }),
    }
}

/// The `AUTH=` capabilities before the login (RFC 9051 §6.1.1); the library asks only after it.
async fn mechanisms(client: &mut Unknown) -> Result<Vec<String>, ImapError> {
    const TAG: &str = "cap";
    let question = format!("{TAG} CAPABILITY\r\n");
    let stream = client.get_mut();
    stream.write_all(question.as_bytes()).await?;
    stream.flush().await?;
    let mut found = Vec::new();
    while let Some(response) = client.read_response().await? {
        // Whatever else it says is not about this question.
        if let Response::Capabilities(list) = response.parsed() {
            found = list.iter().filter_map(mechanism).collect();
        } else if let Response::Done { tag, .. } = response.parsed()
            && tag.0 == TAG
        {
            return Ok(found);
        }
    }
    Err(ImapError::ConnectionLost)
}

fn mechanism(capability: &Capability<'_>) -> Option<String> {
    match capability {
        Capability::Auth(mechanism) => Some(mechanism.to_string()),
        Capability::Imap4rev1 | Capability::Atom(_) => None,
    }
}

/// The client's side of the two mechanisms.
struct Bearer<'a> {
    /// Taken by the server's first challenge, which is empty.
    initial: Option<String>,
    mechanism: Mechanism,
    /// What the server has against the token, as JSON.
    said: &'a mut Vec<u8>,
}

impl Authenticator for Bearer<'_> {
    type Response = String;

    fn process(&mut self, challenge: &[u8]) -> String {
        self.initial.take().unwrap_or_else(|| {
            self.said.clear();
            self.said.extend_from_slice(challenge);
            self.mechanism.after_failure().to_owned()
        })
    }
}

/// The server's words when they are about the user, the password or the token.
fn refusal(error: &ImapError) -> Option<String> {
    if let ImapError::No(answer) = error
        && !is_passing(answer)
        && !dialogue::is_limit(answer)
    {
        return Some(plain(answer));
    }
    None
}

/// A NO that is not about the password (RFC 5530).
fn is_passing(answer: &str) -> bool {
    ["UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG"]
        .iter()
        .any(|code| answer.contains(code))
}
