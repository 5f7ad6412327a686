//! Logging in (RFC 4954): with a password, or with a token by the mechanism that the server offers.
//!
//! lettre knows one of the two token mechanisms, and none of the answer that a server expects after it has refused a
//! token; so both are spoken here, by lettre's plain commands.

use data_encoding::BASE64;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism as PasswordMechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::ClientId;

use super::{Server, about_us, answer_of};
use crate::edge::oauth::sasl::{Mechanism, OFFERS_NEITHER, words};
use crate::edge::oauth::{Access, Token};
use crate::outbox::TransportError;

/// The server wants to say why, before its 535 (RFC 7628 §3.2.3, RFC 4954 §4).
const CONTINUE: u16 = 334;
/// Of a command, with its end (RFC 5321 §4.5.3.1.4).
const LINE_MAX: usize = 512;

/// With the password.
pub(super) async fn with_password(
    connection: &mut AsyncSmtpConnection,
    server: &Server,
    user: &str,
    password: &str,
) -> Result<(), TransportError> {
    let credentials = Credentials::new(user.to_owned(), password.to_owned());
    let mechanisms = [PasswordMechanism::Plain, PasswordMechanism::Login];
    match connection.auth(&mechanisms, &credentials).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_permanent() || error.is_client() => Err(TransportError::Login {
            server: server.name(),
            answer: answer_of(&error),
        }),
        Err(error) => Err(about_us(error, server, "logging in")),
    }
}

/// With the token. [`TransportError::TokenRefused`] says that the server does not want this token.
pub(super) async fn with_token(
    connection: &mut AsyncSmtpConnection,
    server: &Server,
    user: &str,
    access: &Access,
    token: &Token,
) -> Result<(), TransportError> {
    let refused = |answer: String| TransportError::TokenRefused {
        server: server.name(),
        oauth: access.name().to_owned(),
        answer,
    };
    let failed = |error: SmtpError| {
        if error.is_permanent() {
            refused(answer_of(&error))
        } else {
            about_us(error, server, "logging in with a token")
        }
    };
    let offered = mechanisms(connection, server).await?;
    let Some(mechanism) = Mechanism::choose(offered.iter().map(String::as_str)) else {
        return Err(refused(OFFERS_NEITHER.to_owned()));
    };
    let initial = BASE64.encode(
        mechanism
            .initial(user, &server.host, server.port, token)
            .as_bytes(),
    );
    let mut line = format!("AUTH {} {initial}\r\n", mechanism.as_str());
    if line.len() > LINE_MAX {
        // The command has the bounds of any other, and only the line behind it may be longer (RFC 4954 §4).
        let answer = connection
            .command(format!("AUTH {}\r\n", mechanism.as_str()))
            .await
            .map_err(failed)?;
        if u16::from(answer.code()) != CONTINUE {
            return Err(refused(answer.message().collect()));
        }
        line = format!("{initial}\r\n");
    }
    let answer = connection.command(line).await.map_err(failed)?;
    if u16::from(answer.code()) != CONTINUE {
        return Ok(());
    }
    let encoded: String = answer.message().collect();
    let said = BASE64.decode(encoded.trim().as_bytes()).unwrap_or_default();
    let said = words(&said, token);
    let line = format!("{}\r\n", BASE64.encode(mechanism.after_failure().as_bytes()));
    match connection.command(line).await {
        Err(error) if error.is_permanent() => Err(refused(format!("{} {said}", answer_of(&error)))),
        Err(error) => Err(failed(error)),
        Ok(_) => Err(refused(said)),
    }
}

/// The words of the AUTH line (RFC 4954 §3): lettre keeps only those that it knows.
async fn mechanisms(
    connection: &mut AsyncSmtpConnection,
    server: &Server,
) -> Result<Vec<String>, TransportError> {
    let hello = Ehlo::new(ClientId::Domain(server.hello.clone()));
    let answer = connection
        .command(hello)
        .await
        .map_err(|error| about_us(error, server, "asking how to log in"))?;
    let mut found = Vec::new();
    for line in answer.message() {
        let mut words = line.split_ascii_whitespace();
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("AUTH")) {
            found.extend(words.map(str::to_owned));
        }
    }
    Ok(found)
}
