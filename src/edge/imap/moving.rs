//! Kept messages leave the inbox: `UID MOVE` (RFC 6851), else `UID COPY`, `\Deleted` and `UID EXPUNGE` (RFC 4315).
//!
//! On a server with neither they stay; a plain EXPUNGE, which would take other people's deletions with it, is never said.

use std::collections::BTreeSet;

use super::dialogue::Fault;
use super::listing::MDN_SENT;
use super::names::{Place, quoted};
use super::{Account, Open, uid_of, uid_set};
use crate::mailbox::Kept;

/// UIDs in one command: some servers take lines of no more than 8,000 characters.
const AT_ONCE: usize = 500;

/// Messages of one folder that were copied and are still in it. They are never copied again, whatever becomes of the
/// connection.
#[derive(Debug, Default)]
pub(super) struct Copied {
    /// The folder, and by its UIDVALIDITY what the numbers mean.
    prefix: String,
    uids: BTreeSet<u32>,
}

pub(super) async fn settle(
    open: &mut Open,
    account: &Account,
    kept: &[Kept],
    copied: &mut Copied,
) -> Result<(), Fault> {
    let selected = open.selected().await?;
    // After a change of UIDVALIDITY the numbers mean other messages.
    let prefix = format!("{};", selected.prefix(account));
    if copied.prefix != prefix {
        *copied = Copied {
            prefix: prefix.clone(),
            uids: BTreeSet::new(),
        };
    }
    let ours: Vec<&Kept> = kept
        .iter()
        .filter(|one| one.sighting().key.0.starts_with(&prefix))
        .collect();
    let uids = |ours: &mut dyn Iterator<Item = &&Kept>| -> Vec<u32> {
        ours.filter_map(|one| uid_of(&one.sighting().key)).collect()
    };
    if selected.can_mark {
        let settled = uids(&mut ours.iter().filter(|one| one.settles_read_report()));
        for chunk in settled.chunks(AT_ONCE) {
            mark(open, chunk).await?;
        }
    }
    for chunk in uids(&mut ours.iter()).chunks(AT_ONCE) {
        move_away(open, chunk, copied).await?;
    }
    Ok(())
}

/// A server that will not mark a message has only its own convenience to lose.
async fn mark(open: &mut Open, uids: &[u32]) -> Result<(), Fault> {
    let command = format!("UID STORE {} +FLAGS.SILENT ({MDN_SENT})", uid_set(uids));
    match open.dialogue.order(&command).await {
        Ok(()) | Err(Fault::Refused(_)) => Ok(()),
        Err(gone) => Err(gone),
    }
}

/// Moves messages; nothing else in the folder is touched. Where the server copies and will not take away, that is told
/// once, and this connection moves nothing more: it would fill the mailbox with copies.
async fn move_away(open: &mut Open, uids: &[u32], copied: &mut Copied) -> Result<(), Fault> {
    if open.keeps_copied || open.places.target.is_none() {
        return Ok(());
    }
    if open.offers.can_move {
        put_or_make(open, "MOVE", uids).await?;
    } else if open.offers.can_expunge_by_uid {
        let new: Vec<u32> = uids
            .iter()
            .copied()
            .filter(|uid| !copied.uids.contains(uid))
            .collect();
        if !new.is_empty() {
            put_or_make(open, "COPY", &new).await?;
        }
        copied.uids.extend(new);
        take_out(open, &uid_set(uids)).await?;
    } else {
        return Ok(());
    }
    let gone: BTreeSet<u32> = uids.iter().copied().collect();
    copied.uids.retain(|uid| !gone.contains(uid));
    open.known.forget(&gone);
    Ok(())
}

/// Takes out of the folder what was copied.
async fn take_out(open: &mut Open, set: &str) -> Result<(), Fault> {
    for command in [
        format!(r"UID STORE {set} +FLAGS.SILENT (\Deleted)"),
        format!("UID EXPUNGE {set}"),
    ] {
        match open.dialogue.order(&command).await {
            Ok(()) => {}
            Err(Fault::Refused(answer)) => {
                open.keeps_copied = true;
                return Err(Fault::Refused(format!(
                    "messages were copied, and stay here all the same: {answer}"
                )));
            }
            Err(gone) => return Err(gone),
        }
    }
    Ok(())
}

/// Gives the command that puts messages into the folder for kept mail; where it is refused, after making that folder.
async fn put_or_make(open: &mut Open, verb: &str, uids: &[u32]) -> Result<(), Fault> {
    let Some(Place { name, or }) = open.places.target.clone() else {
        return Ok(());
    };
    let put = |target: &str| format!("UID {verb} {} {}", uid_set(uids), quoted(target));
    match open.dialogue.order(&put(&name)).await {
        // Most often the folder is not there yet (RFC 9051 §6.4.7: TRYCREATE).
        Err(Fault::Refused(_)) => {}
        done => return done,
    }
    let mut target = name.clone();
    for spelling in [name].into_iter().chain(or) {
        match open
            .dialogue
            .order(&format!("CREATE {}", quoted(&spelling)))
            .await
        {
            Ok(()) => {
                target = spelling;
                break;
            }
            Err(Fault::Refused(_)) => {}
            Err(gone) => return Err(gone),
        }
    }
    open.places.target = Some(Place {
        name: target.clone(),
        or: Vec::new(),
    });
    open.dialogue.order(&put(&target)).await
}
