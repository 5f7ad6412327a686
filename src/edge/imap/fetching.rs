//! The bytes of messages, so that one broken message holds up no other.
//!
//! A batch is asked for in one command. What is missing afterwards, because the server said NO, broke off in the middle of
//! a literal or left it out in silence, is asked for one by one; what is still there and cannot be had is told with the
//! server's words, and the rest goes on.

use std::collections::BTreeMap;

use async_imap::imap_proto::{AttributeValue, Response};
use tokio::time::Instant;

use super::dialogue::Fault;
use super::{ImapMailbox, Open, uid_of, uid_set};
use crate::mailbox::{Extent, MailboxError, RawMail, SourceKey, Wanted, Yield};

const DOING: &str = "fetching mail";
/// After so many messages that each broke the connection, it is not the messages: the rest waits for the next pass.
const BREAKS_MAX: usize = 2;

/// Bytes by UID.
type Got = BTreeMap<u32, Vec<u8>>;

/// How one question went, when the server answered it well.
enum Asked {
    Answered,
    /// The server still shows the message that it gave nothing for.
    Withheld,
    /// The UIDs mean other messages now.
    Elsewhere,
}

impl ImapMailbox {
    pub(super) fn fetch_all(&mut self, wanted: &[Wanted]) -> Result<Yield, MailboxError> {
        let until = Instant::now() + self.times.call;
        let mut given = Yield {
            unasked: wanted.iter().map(|one| one.sighting.key.clone()).collect(),
            ..Yield::default()
        };
        for (item, extent) in [
            ("BODY.PEEK[]", Extent::Whole),
            ("BODY.PEEK[HEADER]<0.262144>", Extent::HeaderOnly),
        ] {
            let batch: BTreeMap<u32, &Wanted> = wanted
                .iter()
                .filter(|one| one.extent == extent)
                .filter_map(|one| Some((uid_of(&one.sighting.key)?, one)))
                .collect();
            let fetched = self.fetch_batch(&batch, item, until, &mut given);
            if let Err(error) = fetched {
                // What is here already is worth more than the error, which the next question brings again.
                if given.mails.is_empty() && given.refused.is_empty() {
                    return Err(error);
                }
                break;
            }
        }
        given.mails.sort_by_key(|mail| uid_of(&mail.sighting.key));
        Ok(given)
    }

    fn fetch_batch(
        &mut self,
        batch: &BTreeMap<u32, &Wanted>,
        item: &str,
        until: Instant,
        given: &mut Yield,
    ) -> Result<(), MailboxError> {
        if batch.is_empty() {
            return Ok(());
        }
        let uids: Vec<u32> = batch.keys().copied().collect();
        let mut got = Got::new();
        let asked = self.ask_for(&uids, &batch_prefix(batch), item, until, &mut got);
        let missing: Vec<u32> = uids
            .iter()
            .copied()
            .filter(|uid| !got.contains_key(uid))
            .collect();
        take(batch, got, given);
        match asked {
            Ok(Asked::Elsewhere) => return Ok(()),
            Err(error) if error.is_away() => return Err(error),
            Ok(Asked::Answered | Asked::Withheld) | Err(_) => {}
        }
        let mut breaks = 0;
        for uid in missing {
            if Instant::now() >= until || breaks >= BREAKS_MAX {
                break;
            }
            let mut got = Got::new();
            let asked = self.ask_for(&[uid], &batch_prefix(batch), item, until, &mut got);
            let is_here = got.contains_key(&uid);
            take(batch, got, given);
            let key = batch.get(&uid).map(|one| one.sighting.key.clone());
            let is_answered = match &asked {
                Ok(asked) => !matches!(asked, Asked::Elsewhere),
                Err(error) => !error.is_away(),
            };
            if let Some(key) = key.as_ref().filter(|_| is_answered) {
                given.unasked.remove(key);
            }
            let refuse = |why: String| {
                given.refused.extend(key.map(|key: SourceKey| (key, why)));
            };
            match asked {
                Ok(Asked::Elsewhere) => return Ok(()),
                Ok(_) if is_here => {}
                Ok(Asked::Answered) => {}
                Ok(Asked::Withheld) => refuse("the server shows it and gives no bytes".to_owned()),
                Err(MailboxError::Refused { answer, .. }) => {
                    if self.is_still_there(uid, until)? {
                        refuse(answer);
                    }
                }
                Err(error) if error.is_away() => return Err(error),
                Err(error) => {
                    breaks += 1;
                    refuse(told(&error));
                }
            }
        }
        Ok(())
    }

    /// Asks for some messages; `got` has what came, whatever happened afterwards.
    fn ask_for(
        &mut self,
        uids: &[u32],
        prefix: &str,
        item: &str,
        until: Instant,
        got: &mut Got,
    ) -> Result<Asked, MailboxError> {
        let limit = until.saturating_duration_since(Instant::now());
        let command = format!("UID FETCH {} (UID {item})", uid_set(uids));
        self.converse(DOING, limit, async |open, account| {
            if open.selected().await?.prefix(account) != prefix {
                return Ok(Asked::Elsewhere);
            }
            open.dialogue
                .ask(&command, |response| {
                    if let Response::Fetch(_, attributes) = response {
                        got.extend(bytes_of(attributes));
                    }
                })
                .await?;
            // One that is alone and silent: has it gone, or is it kept back?
            match uids {
                [uid] if !got.contains_key(uid) && is_shown(open, *uid).await? => Ok(Asked::Withheld),
                _ => Ok(Asked::Answered),
            }
        })
    }

    fn is_still_there(&mut self, uid: u32, until: Instant) -> Result<bool, MailboxError> {
        let limit = until.saturating_duration_since(Instant::now());
        self.converse(DOING, limit, async |open, _| {
            open.selected().await?;
            // A server that answers even this with NO shows it no longer than it likes: the next listing tells.
            match is_shown(open, uid).await {
                Err(Fault::Refused(_)) => Ok(true),
                asked => asked,
            }
        })
    }
}

async fn is_shown(open: &mut Open, uid: u32) -> Result<bool, Fault> {
    let mut is_shown = false;
    let command = format!("UID FETCH {uid} (UID)");
    open.dialogue
        .ask(&command, |response| {
            if let Response::Fetch(_, attributes) = response {
                is_shown |= attributes.contains(&AttributeValue::Uid(uid));
            }
        })
        .await?;
    Ok(is_shown)
}

/// What stands before the UID in the keys of a batch; all come from one listing.
fn batch_prefix(batch: &BTreeMap<u32, &Wanted>) -> String {
    let first = batch.values().next();
    let key = first.and_then(|one| one.sighting.key.0.rsplit_once(';'));
    key.map_or_else(String::new, |(prefix, _)| prefix.to_owned())
}

fn bytes_of(attributes: &[AttributeValue<'_>]) -> Option<(u32, Vec<u8>)> {
    let (mut uid, mut bytes) = (None, None);
    for attribute in attributes {
        if let AttributeValue::Uid(number) = attribute {
            uid = Some(*number);
        } else if let AttributeValue::BodySection { data, .. } = attribute {
            bytes = data.as_ref();
        }
    }
    Some((uid?, bytes?.to_vec()))
}

/// An answer about another message than those asked for is passed over.
fn take(batch: &BTreeMap<u32, &Wanted>, got: Got, given: &mut Yield) {
    for (uid, bytes) in got {
        if let Some(wanted) = batch.get(&uid) {
            given.unasked.remove(&wanted.sighting.key);
            given.mails.push(RawMail {
                sighting: wanted.sighting.clone(),
                extent: wanted.extent,
                bytes,
            });
        }
    }
}

/// What broke, without the name of the server.
fn told(error: &MailboxError) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    format!(
        "the connection broke while it was fetched: {}",
        cause.unwrap_or_default()
    )
}
