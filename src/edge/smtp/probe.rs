//! What the submission server looks like, for `check --online`: the login, the size it takes, reports of delivery.
//!
//! Nothing is sent: after EHLO and the login comes QUIT.

use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use super::{QUIT_TIMEOUT, Server, about_us, connect};
use crate::outbox::TransportError;

const QUESTION_TIMEOUT: Duration = Duration::from_secs(20);

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// SIZE (RFC 1870); `None` where the server names no limit.
    pub size_bytes_max: Option<u64>,
    /// DSN (RFC 3461).
    pub reports_delivery: bool,
    /// AUTH (RFC 4954) is offered.
    pub offers_login: bool,
}

/// Connects, logs in where a login is configured, asks, and leaves.
///
/// # Errors
/// As for sending: no connection, no TLS, no login.
pub fn probe(server: &Server) -> Result<Facts, TransportError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| TransportError::Unreachable {
            server: server.name(),
            doing: "preparing the connection",
            source: error.into(),
        })?;
    runtime.block_on(async {
        let mut connection = connect(server).await?;
        let asked = timeout(QUESTION_TIMEOUT, ask(&mut connection, server)).await;
        // A server that does not answer QUIT is left without a word.
        timeout(QUIT_TIMEOUT, connection.quit()).await.ok();
        asked.unwrap_or_else(|elapsed| {
            Err(TransportError::Unreachable {
                server: server.name(),
                doing: "asking what it offers",
                source: elapsed.into(),
            })
        })
    })
}

/// EHLO once more: lettre keeps only a part of the first answer, and a server may offer more after the login.
async fn ask(connection: &mut AsyncSmtpConnection, server: &Server) -> Result<Facts, TransportError> {
    let hello = Ehlo::new(ClientId::Domain(server.hello.clone()));
    let answer = connection
        .command(hello)
        .await
        .map_err(|error| about_us(error, server, "asking what it offers"))?;
    let lines: Vec<String> = answer.message().map(str::to_ascii_uppercase).collect();
    Ok(facts(&lines))
}

fn facts(lines: &[String]) -> Facts {
    let mut facts = Facts {
        size_bytes_max: None,
        reports_delivery: false,
        offers_login: false,
    };
    // The first line is the server's greeting.
    for line in lines.iter().skip(1) {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            // Zero means without a fixed limit (RFC 1870 §3).
            Some("SIZE") => {
                let size = words.next().and_then(|word| word.parse().ok());
                facts.size_bytes_max = size.filter(|size| *size > 0);
            }
            Some("DSN") => facts.reports_delivery = true,
            Some("AUTH") => facts.offers_login = true,
            Some(_) | None => {}
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_ehlo_is_read() {
        let of = |lines: &[&str]| facts(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        let found = of(&["SIZE 7 IS MY NAME", "SIZE 41943040", "DSN", "AUTH PLAIN LOGIN"]);
        assert_eq!(found.size_bytes_max, Some(41_943_040));
        assert!(found.reports_delivery && found.offers_login);
        for without in ["SIZE 0", "SIZE", "SIZE MANY", "8BITMIME"] {
            let found = of(&["MX", without]);
            assert_eq!(found.size_bytes_max, None, "{without}");
            assert!(!found.reports_delivery && !found.offers_login);
        }
    }
}
