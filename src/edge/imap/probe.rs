//! What an account looks like, for `check --online`: what the server offers, the folders, how old the mail is.
//!
//! Nothing is changed: the folder is opened with EXAMINE (RFC 9051 §6.3.3), and no folder is made.

use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::types::NameAttribute;
use futures_util::TryStreamExt;
use jiff::ToSpan;
use jiff::civil::Date;
use tokio::time::timeout;

use super::{Account, connect, plain, translated};
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
    Opened(Ages),
    /// With the server's words.
    Refused(String),
}

/// Messages by the day on which they reached the server, in the server's own zone (SEARCH knows days only).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ages {
    pub total: u64,
    /// Of today and yesterday.
    pub days_0_to_1: u64,
    /// Of the six days before those.
    pub days_2_to_7: u64,
    /// Of the 23 days before those.
    pub days_8_to_30: u64,
}

impl Ages {
    /// The rest.
    pub fn older(self) -> u64 {
        self.total
            .saturating_sub(self.days_0_to_1 + self.days_2_to_7 + self.days_8_to_30)
    }
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

/// Connects, logs in, asks, and logs out. `today` is what the ages are counted from.
///
/// # Errors
/// No connection, no TLS, no login, or a server that breaks off. A folder that is not there is no error but a fact.
pub fn probe(account: &Account, today: Date) -> Result<Facts, MailboxError> {
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
    runtime.block_on(async {
        let mut open = connect::open(account, CONNECT_TIMEOUT)
            .await
            .map_err(MailboxError::while_connecting)?;
        let facts = match timeout(QUESTIONS_TIMEOUT, ask(&mut open, account, today)).await {
            Ok(answered) => {
                answered.map_err(|error| translated(error, &server, "asking about the folders"))?
            }
            Err(elapsed) => return Err(away("asking about the folders", elapsed.into())),
        };
        // A server that does not answer LOGOUT is left without a word.
        timeout(LOGOUT_TIMEOUT, open.session.logout()).await.ok();
        Ok(facts)
    })
}

async fn ask(open: &mut super::Open, account: &Account, today: Date) -> Result<Facts, ImapError> {
    let capabilities = open.session.capabilities().await?;
    let target = match &account.move_to {
        Some(name) => Some(target(open, name).await?),
        None => None,
    };
    Ok(Facts {
        can_move: open.can_move,
        can_expunge_by_uid: open.can_expunge_by_uid,
        can_idle: capabilities.has_str("IDLE"),
        target,
        folder: folder(open, &account.folder, today).await?,
    })
}

async fn target(open: &mut super::Open, name: &str) -> Result<Target, ImapError> {
    let listed: Vec<_> = open
        .session
        .list(Some(""), Some(name))
        .await?
        .try_collect()
        .await?;
    // A name with a wildcard in it lists others as well.
    let Some(found) = listed.iter().find(|one| one.name() == name) else {
        return Ok(Target::Missing);
    };
    let closed = found.attributes().contains(&NameAttribute::NoSelect);
    Ok(if closed {
        Target::NotForMail
    } else {
        Target::Exists
    })
}

async fn folder(open: &mut super::Open, name: &str, today: Date) -> Result<Folder, ImapError> {
    let total = match open.session.examine(name).await {
        Ok(examined) => u64::from(examined.exists),
        Err(ImapError::No(answer)) => return Ok(Folder::Refused(plain(&answer))),
        Err(other) => return Err(other),
    };
    // Disjoint, and without the oldest part, which in a mailbox of many years is nearly all of it.
    let day = |ago: i64| today.saturating_sub(ago.days()).strftime("%d-%b-%Y").to_string();
    let mut count = async |query: String| -> Result<u64, ImapError> {
        Ok(open.session.uid_search(query).await?.len() as u64)
    };
    Ok(Folder::Opened(Ages {
        total,
        days_0_to_1: count(format!("SINCE {}", day(1))).await?,
        days_2_to_7: count(format!("SINCE {} BEFORE {}", day(7), day(1))).await?,
        days_8_to_30: count(format!("SINCE {} BEFORE {}", day(30), day(7))).await?,
    }))
}
