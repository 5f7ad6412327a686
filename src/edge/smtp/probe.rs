//! What the submission server looks like, for `check --online`: the login, the size it takes, reports of delivery.
//!
//! Nothing is sent: after EHLO and the login comes QUIT.

use std::time::Duration;

use tokio::time::timeout;

use super::offers::{self, Offers};
use super::{Server, Timeouts, connect};
use crate::outbox::TransportError;

const QUESTION_TIMEOUT: Duration = Duration::from_secs(20);

/// Connects, logs in where a login is configured, asks, and leaves.
///
/// # Errors
/// As for sending: no connection, no TLS, no login.
pub fn probe(server: &Server) -> Result<Offers, TransportError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| TransportError::Unreachable {
            server: server.name(),
            doing: "preparing the connection",
            source: error.into(),
        })?;
    runtime.block_on(async {
        let mut connection = connect(server, Timeouts::default()).await?;
        let asked = timeout(QUESTION_TIMEOUT, offers::ask(&mut connection, server)).await;
        // A server that does not answer QUIT is left without a word.
        timeout(Timeouts::default().quit, connection.quit()).await.ok();
        asked.unwrap_or_else(|elapsed| {
            Err(TransportError::Unreachable {
                server: server.name(),
                doing: "asking what it offers",
                source: elapsed.into(),
            })
        })
    })
}
