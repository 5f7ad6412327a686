//! What an account looks like, for `check --online`: what the server offers, and the folders.
//!
//! Nothing is changed: the folder is opened with EXAMINE (RFC 9051 §6.3.3), and no folder is made. How old the mail is
//! tells a listing by [`super::ImapMailbox::looking`].

use std::time::Duration;

use tokio::time::timeout;

use super::dialogue::{Fault, Times};
use super::names::{self, quoted};
use super::{Account, Open, connect};
use crate::mailbox::MailboxError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const QUESTIONS_TIMEOUT: Duration = Duration::from_secs(120);
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(2);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// MOVE (RFC 6851).
    pub can_move: bool,
    /// UIDPLUS (RFC 4315).
    pub can_expunge_by_uid: bool,
    /// IDLE (RFC 2177).
    pub can_idle: bool,
    pub folder: Folder,
    /// Where kept mail goes; `None` where it stays.
    pub target: Option<Target>,
}

/// The folder that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folder {
    Opened,
    /// With the server's words.
    Refused(String),
}

/// The folder that kept mail goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Exists,
    /// The first mail makes it.
    Missing,
    /// The name is there, and no mail can lie in it (`\Noselect`).
    NotForMail,
}

/// Connects, logs in, asks, and logs out.
///
/// # Errors
/// No connection, no TLS, no login, or a server that breaks off. A folder that is not there is no error but a fact.
pub fn probe(account: &Account) -> Result<Facts, MailboxError> {
    let server = format!("{}:{}", account.host, account.port);
    let away = |doing, source: Box<dyn std::error::Error + Send + Sync>| MailboxError::Away {
        server: server.clone(),
        doing,
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| away("preparing the connection", error.into()))?;
    let times = Times {
        connect: CONNECT_TIMEOUT,
        call: QUESTIONS_TIMEOUT,
        ..Times::default()
    };
    runtime.block_on(async {
        let mut open = connect::open(account, times)
            .await
            .map_err(MailboxError::while_connecting)?;
        open.dialogue.set_limit(times.call);
        let facts = ask(&mut open).await;
        if facts.is_ok() {
            // A server that does not answer LOGOUT is left without a word.
            timeout(LOGOUT_TIMEOUT, open.dialogue.order("LOGOUT")).await.ok();
        }
        facts.map_err(|fault| fault.told(&server, "asking about the folders"))
    })
}

async fn ask(open: &mut Open) -> Result<Facts, Fault> {
    let target = match open.places.target.clone() {
        Some(place) => Some(match names::find(open, &place.name).await? {
            None => Target::Missing,
            Some(true) => Target::Exists,
            Some(false) => Target::NotForMail,
        }),
        None => None,
    };
    Ok(Facts {
        can_move: open.offers.can_move,
        can_expunge_by_uid: open.offers.can_expunge_by_uid,
        can_idle: open.offers.can_idle,
        target,
        folder: folder(open).await?,
    })
}

async fn folder(open: &mut Open) -> Result<Folder, Fault> {
    let command = format!("EXAMINE {}", quoted(&open.places.folder));
    match open.dialogue.order(&command).await {
        Ok(()) => Ok(Folder::Opened),
        Err(Fault::Refused(answer)) => Ok(Folder::Refused(answer)),
        Err(gone) => Err(gone),
    }
}
