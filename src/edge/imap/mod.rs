//! A mailbox on an IMAP server (RFC 3501, 9051).
//!
//! The identity of a message is folder, UIDVALIDITY and UID; nothing here looks at `\Seen`, sets it, or deletes. What a
//! server can do is asked and not supposed: MOVE, UIDPLUS, IDLE and NAMESPACE are used where they are. Here are the
//! account, its one connection and what the port asks; the rest has a file for each thing that is asked of the server.
//!
//! Left out: CONDSTORE, which would tell changes of flags, of no interest here; and LITERAL+, since no literal is sent.

mod connect;
mod dialogue;
mod fetching;
mod line;
mod listing;
mod login;
mod moving;
mod names;
pub mod probe;
mod waiting;

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::edge::oauth::Proof;
use crate::edge::tls::Security;
use crate::mailbox::{
    Call, Kept, Mailbox, MailboxError, Sighting, SourceId, SourceKey, Wanted, Woken, Yield,
};

pub use dialogue::Times;
use dialogue::{Dialogue, Fault};
use listing::{Known, Selected, Shown};
use moving::Copied;
use names::Places;

/// All of a large folder's numbers.
const LIST_LIMIT: Duration = Duration::from_secs(300);

/// Where the mailbox is and how to get in.
#[derive(Clone)]
pub struct Account {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: String,
    pub proof: Proof,
    /// The folder that is read; as people write it, see `names`.
    pub folder: String,
    /// Where kept messages go; made when it is missing. `None` leaves them.
    pub move_to: Option<String>,
    /// IDLE (RFC 2177) is used where the server has it.
    pub idle: bool,
    /// Certification authorities beside the machine's own.
    pub ca_file: Option<PathBuf>,
    pub visit: Visit,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Mail is taken.
    Work,
    /// Nothing on the server may change: the folder is opened with EXAMINE (RFC 9051 §6.3.3), and nothing is moved.
    Look,
}

/// One IMAP source with its connection, which is kept between looks and made again after an error.
pub struct ImapMailbox {
    source: SourceId,
    account: Account,
    times: Times,
    runtime: Runtime,
    open: Option<Open>,
    /// What the server wants every user to be shown.
    remark: Option<String>,
    copied: Copied,
}

/// What the server says it can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Offers {
    can_move: bool,
    can_expunge_by_uid: bool,
    can_idle: bool,
    has_namespace: bool,
}

/// A logged-in connection.
struct Open {
    dialogue: Dialogue,
    offers: Offers,
    places: Places,
    selected: Option<Selected>,
    known: Known,
    visit: Visit,
    /// The server copies messages and will not take them out of the folder.
    keeps_copied: bool,
}

impl Open {
    /// The folder, opened unless it is already.
    async fn selected(&mut self) -> Result<Selected, Fault> {
        match self.selected {
            Some(selected) => Ok(selected),
            None => listing::select(self).await,
        }
    }
}

impl ImapMailbox {
    /// A source on this account; nothing is connected yet.
    ///
    /// # Errors
    /// The machine gives no threads or file descriptors.
    pub fn new(source: SourceId, account: Account) -> std::io::Result<Self> {
        Self::with_times(source, account, Times::default())
    }

    /// The same with a patience of its own, for servers that are known to be slower, or to be made to fail.
    ///
    /// # Errors
    /// As [`ImapMailbox::new`].
    pub fn with_times(source: SourceId, account: Account, times: Times) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            source,
            account,
            times,
            runtime,
            open: None,
            remark: None,
            copied: Copied::default(),
        })
    }

    /// The same for a look that changes nothing on the server.
    ///
    /// # Errors
    /// As [`ImapMailbox::new`].
    pub fn looking(source: SourceId, account: Account) -> std::io::Result<Self> {
        let visit = Visit::Look;
        Self::new(source, Account { visit, ..account })
    }

    fn server(&self) -> String {
        format!("{}:{}", self.account.host, self.account.port)
    }

    /// Runs one conversation. After a NO the connection is as good as before; after anything worse it is not used
    /// again.
    fn converse<T>(
        &mut self,
        doing: &'static str,
        limit: Duration,
        work: impl AsyncFnOnce(&mut Open, &Account) -> Result<T, Fault>,
    ) -> Result<T, MailboxError> {
        let server = self.server();
        let (account, times, open) = (&self.account, self.times, &mut self.open);
        let remark = &mut self.remark;
        self.runtime.block_on(async {
            let mut opened = match open.take() {
                Some(opened) => opened,
                None => connect::open(account, times)
                    .await
                    .map_err(MailboxError::while_connecting)?,
            };
            opened.dialogue.set_limit(limit);
            let done = work(&mut opened, account).await;
            if let Some(alert) = opened.dialogue.alert.take() {
                *remark = Some(alert);
            }
            if let Ok(_) | Err(Fault::Refused(_)) = done {
                *open = Some(opened);
            }
            done.map_err(|fault| fault.told(&server, doing))
        })
    }

    fn list_once(&mut self) -> Result<Vec<Sighting>, MailboxError> {
        let source = self.source.clone();
        self.converse("listing the mailbox", LIST_LIMIT, async |open, account| {
            let shown = listing::list(open).await?;
            let prefix = open.selected().await?.prefix(account);
            Ok(shown
                .into_iter()
                .map(|one| sighting(&source, &prefix, one))
                .collect())
        })
    }
}

fn sighting(source: &SourceId, prefix: &str, one: Shown) -> Sighting {
    Sighting {
        source: source.clone(),
        key: SourceKey(format!("{prefix};{}", one.uid)),
        received_at: one.received_at,
        size_bytes: u64::from(one.size_bytes),
        mdn_sent: one.mdn_sent,
    }
}

impl Mailbox for ImapMailbox {
    fn list(&mut self) -> Result<Vec<Sighting>, MailboxError> {
        let was_open = self.open.is_some();
        match self.list_once() {
            // Between two looks a server may end a line without a word; that is no trouble worth telling.
            Err(MailboxError::Unreachable { .. }) if was_open => self.list_once(),
            listed => listed,
        }
    }

    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Yield, MailboxError> {
        self.fetch_all(wanted)
    }

    fn acknowledge(&mut self, kept: &[Kept]) -> Result<(), MailboxError> {
        let stays = self.account.move_to.is_none();
        let looks = self.account.visit == Visit::Look;
        if looks || kept.is_empty() || stays && !kept.iter().any(Kept::settles_read_report) {
            return Ok(());
        }
        let limit = self.times.call;
        let mut copied = std::mem::take(&mut self.copied);
        let settled = self.converse("moving kept mail", limit, async |open, account| {
            moving::settle(open, account, kept, &mut copied).await
        });
        self.copied = copied;
        settled
    }

    fn wait(&mut self, limit: Duration, call: &Call) -> Result<Woken, MailboxError> {
        self.wait_for_news(limit, call)
    }

    fn remark(&mut self) -> Option<String> {
        self.remark.take()
    }
}

impl Selected {
    /// What stands before the UID in the keys of this folder's messages.
    fn prefix(self, account: &Account) -> String {
        format!("{};{}", account.folder, self.uid_validity)
    }
}

fn uid_of(key: &SourceKey) -> Option<u32> {
    key.0.rsplit(';').next()?.parse().ok()
}

/// `3:5,7` (RFC 9051 §9 sequence-set), in rising order.
fn uid_set(uids: &[u32]) -> String {
    let mut uids = uids.to_vec();
    uids.sort_unstable();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match runs.last_mut() {
            Some((_, last)) if uid <= last.saturating_add(1) => *last = uid,
            Some(_) | None => runs.push((uid, uid)),
        }
    }
    let spelled = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}:{last}"),
    });
    spelled.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_uids_are_short() {
        for (uids, set) in [
            (vec![7], "7"),
            (vec![4, 3, 5, 9], "3:5,9"),
            (vec![1, 3, u32::MAX], "1,3,4294967295"),
            (vec![2, 2, 3], "2:3"),
        ] {
            assert_eq!(uid_set(&uids), set);
        }
    }
}
