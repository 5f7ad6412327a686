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

pub(super) async fn settle(open: &mut Open, account: &Account, kept: &[Kept]) -> Result<(), Fault> {
    let selected = open.selected().await?;
    // After a change of UIDVALIDITY the numbers mean other messages.
    let prefix = format!("{};", selected.prefix(account));
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
        move_or_make(open, chunk).await?;
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

async fn move_or_make(open: &mut Open, uids: &[u32]) -> Result<(), Fault> {
    let Some(Place { name, or }) = open.places.target.clone() else {
        return Ok(());
    };
    match move_away(open, uids, &name).await {
        // Most often the folder is not there yet (RFC 9051 §6.4.7: TRYCREATE).
        Err(Fault::Refused(_)) => {}
        moved => return moved,
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
    move_away(open, uids, &target).await
}

/// Moves messages; nothing else in the folder is touched.
async fn move_away(open: &mut Open, uids: &[u32], target: &str) -> Result<(), Fault> {
    let (set, target) = (uid_set(uids), quoted(target));
    if open.offers.can_move {
        open.dialogue.order(&format!("UID MOVE {set} {target}")).await?;
    } else if open.offers.can_expunge_by_uid {
        open.dialogue.order(&format!("UID COPY {set} {target}")).await?;
        open.dialogue
            .order(&format!(r"UID STORE {set} +FLAGS.SILENT (\Deleted)"))
            .await?;
        open.dialogue.order(&format!("UID EXPUNGE {set}")).await?;
    } else {
        return Ok(());
    }
    open.known
        .forget(&uids.iter().copied().collect::<BTreeSet<u32>>());
    Ok(())
}
