//! A mailbox on an IMAP server (RFC 3501, 9051).
//!
//! The identity of a message is folder, UIDVALIDITY and UID; nothing here looks at `\Seen`, sets it, or deletes.
//! Bytes are fetched with `BODY.PEEK[]`, in batches bounded by the caller. Acknowledging is `UID MOVE` (RFC 6851), else `UID COPY` and `UID EXPUNGE` (RFC 4315); on a
//! server with neither, kept messages stay where they are and are recognised at every poll.
//!
//! IDLE and OAuth2 are not here yet.

mod connect;
pub mod probe;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use async_imap::error::Error as ImapError;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::edge::tls::Security;
use crate::mailbox::{
    Extent, Kept, Mailbox, MailboxError, RawMail, Sighting, SourceId, SourceKey, Wanted, Yield,
};

use connect::Session;

/// A command that has not been answered by then never will be; a large fetch gets [`FETCH_TIMEOUT`].
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
const FETCH_TIMEOUT: Duration = Duration::from_secs(300);

/// Where the mailbox is and how to get in.
#[derive(Clone)]
pub struct Account {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: String,
    pub password: String,
    /// The folder that is read; as the server spells it.
    pub folder: String,
    /// Where kept messages go; made when it is missing. `None` leaves them.
    pub move_to: Option<String>,
    /// Certification authorities beside the machine's own.
    pub ca_file: Option<PathBuf>,
}

/// One IMAP source with its connection, which is kept between polls and made again after an error.
pub struct ImapMailbox {
    source: SourceId,
    account: Account,
    runtime: Runtime,
    open: Option<Open>,
}

/// A logged-in connection with the folder selected.
struct Open {
    session: Session,
    can_move: bool,
    can_expunge_by_uid: bool,
    uid_validity: u32,
}

impl ImapMailbox {
    /// A source on this account; nothing is connected yet.
    ///
    /// # Errors
    /// The machine gives no threads or file descriptors.
    pub fn new(source: SourceId, account: Account) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            source,
            account,
            runtime,
            open: None,
        })
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
        work: impl AsyncFnOnce(&mut Open, &Account) -> Result<T, ImapError>,
    ) -> Result<T, MailboxError> {
        let server = self.server();
        let (account, open) = (&self.account, &mut self.open);
        self.runtime.block_on(async {
            let mut opened = match open.take() {
                Some(opened) => opened,
                None => connect::open(account, COMMAND_TIMEOUT)
                    .await
                    .map_err(MailboxError::while_connecting)?,
            };
            match timeout(limit, work(&mut opened, account)).await {
                Ok(Ok(done)) => {
                    *open = Some(opened);
                    Ok(done)
                }
                Ok(Err(error)) => {
                    if matches!(error, ImapError::No(_)) {
                        *open = Some(opened);
                    }
                    Err(translated(error, &server, doing))
                }
                Err(elapsed) => Err(MailboxError::Unreachable {
                    server,
                    doing,
                    source: elapsed.into(),
                }),
            }
        })
    }
}

/// The server's own words out of async-imap's `code: …, info: Some("…")`, which after SELECT and EXAMINE reads
/// `outcome: Outcome { …, information: Some("…") }`.
fn plain(answer: &str) -> String {
    let words = ["info: Some(\"", "information: Some(\""]
        .iter()
        .find_map(|begin| answer.split_once(begin)?.1.rsplit_once("\")"));
    words.map_or_else(|| answer.to_owned(), |(words, _)| words.replace("\\\"", "\""))
}

/// IMAP's errors in our words.
fn translated(error: ImapError, server: &str, doing: &'static str) -> MailboxError {
    let server = server.to_owned();
    if let ImapError::No(answer) | ImapError::Bad(answer) = error {
        return MailboxError::Refused {
            server,
            doing,
            answer: plain(&answer),
        };
    }
    MailboxError::Unreachable {
        server,
        doing,
        source: error.into(),
    }
}

impl Mailbox for ImapMailbox {
    fn list(&mut self) -> Result<Vec<Sighting>, MailboxError> {
        let source = self.source.clone();
        self.converse(
            "listing the mailbox",
            FETCH_TIMEOUT,
            async move |open, account| {
                let selected = open.session.select(&account.folder).await?;
                open.uid_validity = selected.uid_validity.unwrap_or_default();
                if selected.exists == 0 {
                    return Ok(Vec::new());
                }
                let query = "(UID INTERNALDATE RFC822.SIZE)";
                let answers: Vec<_> = open.session.uid_fetch("1:*", query).await?.try_collect().await?;
                let mut sightings: Vec<(u32, Sighting)> = answers
                    .iter()
                    .filter_map(|answer| Some((answer.uid?, answer)))
                    .map(|(uid, answer)| {
                        let received_at = answer
                            .internal_date()
                            .and_then(|date| Timestamp::from_second(date.timestamp()).ok());
                        let key = SourceKey(format!("{};{};{uid}", account.folder, open.uid_validity));
                        let size_bytes = u64::from(answer.size.unwrap_or_default());
                        (
                            uid,
                            Sighting {
                                source: source.clone(),
                                key,
                                received_at,
                                size_bytes,
                            },
                        )
                    })
                    .collect();
                if (sightings.len() as u64) < u64::from(selected.exists) {
                    // The library passes over a NO to FETCH; a listing that is too short must not look like an
                    // empty mailbox.
                    let answer = format!("it shows {} of {} messages", sightings.len(), selected.exists);
                    return Err(ImapError::Bad(answer));
                }
                // UIDs rise in the order of arrival (RFC 9051 §2.3.1.1).
                sightings.sort_by_key(|(uid, _)| *uid);
                sightings.dedup_by_key(|(uid, _)| *uid);
                Ok(sightings.into_iter().map(|(_, sighting)| sighting).collect())
            },
        )
    }

    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Yield, MailboxError> {
        let mut mails = Vec::new();
        for (item, extent) in [
            ("BODY.PEEK[]", Extent::Whole),
            ("BODY.PEEK[HEADER]", Extent::HeaderOnly),
        ] {
            let by_uid: HashMap<u32, &Sighting> = wanted
                .iter()
                .filter(|one| one.extent == extent)
                .filter_map(|one| Some((uid_of(&one.sighting.key)?, &one.sighting)))
                .collect();
            if by_uid.is_empty() {
                continue;
            }
            mails.extend(
                self.converse("fetching mail", FETCH_TIMEOUT, async move |open, account| {
                    let mut found = Vec::new();
                    if !same_folder(open, account, &by_uid).await? {
                        return Ok(found);
                    }
                    let query = format!("(UID {item})");
                    let mut answers = Box::pin(open.session.uid_fetch(uid_set(by_uid.keys()), query).await?);
                    while let Some(answer) = answers.try_next().await? {
                        let bytes = match extent {
                            Extent::Whole => answer.body(),
                            Extent::HeaderOnly => answer.header(),
                            Extent::Nothing => None,
                        };
                        let sighting = answer.uid.and_then(|uid| by_uid.get(&uid));
                        // A message that has vanished, or an answer about another one, is passed over.
                        let (Some(sighting), Some(bytes)) = (sighting, bytes) else {
                            continue;
                        };
                        found.push(RawMail {
                            sighting: (*sighting).clone(),
                            extent,
                            bytes: bytes.to_vec(),
                        });
                    }
                    Ok(found)
                })?,
            );
        }
        mails.sort_by_key(|mail| uid_of(&mail.sighting.key));
        Ok(Yield {
            mails,
            refused: Vec::new(),
        })
    }

    fn acknowledge(&mut self, kept: &[Kept]) -> Result<(), MailboxError> {
        if self.account.move_to.is_none() || kept.is_empty() {
            return Ok(());
        }
        let keys: Vec<SourceKey> = kept.iter().map(|one| one.sighting().key.clone()).collect();
        self.converse("moving kept mail", COMMAND_TIMEOUT, async move |open, account| {
            let target = account.move_to.as_deref().unwrap_or_default();
            select_if_needed(open, account).await?;
            // After a change of UIDVALIDITY the numbers mean other messages.
            let prefix = format!("{};{};", account.folder, open.uid_validity);
            let uids: Vec<u32> = keys
                .iter()
                .filter(|key| key.0.starts_with(&prefix))
                .filter_map(uid_of)
                .collect();
            for chunk in uids.chunks(500) {
                let set = uid_set(chunk.iter());
                if move_away(open, &set, target).await.is_err() {
                    // Most often the folder is not there yet (RFC 9051 §6.4.7: TRYCREATE).
                    open.session.create(target).await.ok();
                    move_away(open, &set, target).await?;
                }
            }
            Ok(())
        })
    }
}

/// A connection made anew has no folder selected yet.
async fn select_if_needed(open: &mut Open, account: &Account) -> Result<(), ImapError> {
    if open.uid_validity == 0 {
        open.uid_validity = open
            .session
            .select(&account.folder)
            .await?
            .uid_validity
            .unwrap_or_default();
    }
    Ok(())
}

/// Whether the UIDs still mean the messages that were listed.
async fn same_folder(
    open: &mut Open,
    account: &Account,
    wanted: &HashMap<u32, &Sighting>,
) -> Result<bool, ImapError> {
    select_if_needed(open, account).await?;
    let prefix = format!("{};{};", account.folder, open.uid_validity);
    Ok(wanted
        .values()
        .all(|sighting| sighting.key.0.starts_with(&prefix)))
}

/// Moves messages; nothing else in the folder is touched.
async fn move_away(open: &mut Open, set: &str, target: &str) -> Result<(), ImapError> {
    if open.can_move {
        return open.session.uid_mv(set, target).await;
    }
    if !open.can_expunge_by_uid {
        return Ok(());
    }
    open.session.uid_copy(set, target).await?;
    let _: Vec<_> = open
        .session
        .uid_store(set, r"+FLAGS.SILENT (\Deleted)")
        .await?
        .try_collect()
        .await?;
    let _: Vec<_> = open.session.uid_expunge(set).await?.try_collect().await?;
    Ok(())
}

fn uid_of(key: &SourceKey) -> Option<u32> {
    key.0.rsplit(';').next()?.parse().ok()
}

/// `3,4,5` (RFC 9051 §9 sequence-set), in rising order.
fn uid_set<'a>(uids: impl Iterator<Item = &'a u32>) -> String {
    let mut uids: Vec<u32> = uids.copied().collect();
    uids.sort_unstable();
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
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
            (
                r#"outcome: Outcome { code: None, information: Some("Mailbox doesn't exist: \"a\" (0.1 secs).") }"#,
                r#"Mailbox doesn't exist: "a" (0.1 secs)."#,
            ),
            ("code: None, info: None", "code: None, info: None"),
        ] {
            assert_eq!(plain(answer), said);
        }
    }
}
