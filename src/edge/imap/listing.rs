//! What the folder shows: SELECT, and of each message its UID, time of arrival, size and whether `$MDNSent` stands on it.
//!
//! A folder whose mail stays is not listed whole at every look: UIDs rise (RFC 9051 §2.3.1.1), so nothing new can come
//! below the last one, and when the new ones and those known before make up the number that the server shows, none of
//! the known ones is gone either. Where the sum is another, and now and then in any case, all is listed again.

use std::collections::BTreeSet;

use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response, ResponseCode};
use jiff::Timestamp;
use jiff::fmt::strtime;

use super::dialogue::Fault;
use super::names::quoted;
use super::{Open, Visit};

/// Set on messages whose wish for a read report has been decided (RFC 3503).
pub(super) const MDN_SENT: &str = "$MDNSent";
/// After so many looks at the new part only, the whole is listed.
const PARTS_MAX: u32 = 60;

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) uid: u32,
    /// INTERNALDATE.
    pub(super) received_at: Option<Timestamp>,
    pub(super) size_bytes: u32,
    pub(super) mdn_sent: bool,
}

/// The folder as it was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Selected {
    pub(super) uid_validity: u32,
    uid_next: Option<u32>,
    exists: u32,
    pub(super) can_mark: bool,
}

/// What is known of the folder since the last listing.
#[derive(Debug, Default)]
pub(super) struct Known {
    uid_validity: u32,
    uid_next: Option<u32>,
    /// In the order of their UIDs.
    shown: Vec<Shown>,
    parts: u32,
}

impl Known {
    /// Messages that were moved away are not shown any more.
    pub(super) fn forget(&mut self, uids: &BTreeSet<u32>) {
        self.shown.retain(|one| !uids.contains(&one.uid));
    }
}

/// Opens the folder; what it shows beyond the last listing is news.
pub(super) async fn select(open: &mut Open) -> Result<Selected, Fault> {
    open.selected = None;
    let (mut uid_validity, mut uid_next, mut can_mark, mut is_sticky) = (None, None, true, true);
    let verb = match open.visit {
        Visit::Work => "SELECT",
        Visit::Look => "EXAMINE",
    };
    let command = format!("{verb} {}", quoted(&open.places.folder));
    open.dialogue
        .ask(&command, |response| {
            if let Response::Data { outcome, .. } = response {
                match &outcome.code {
                    Some(ResponseCode::UidValidity(number)) => uid_validity = Some(*number),
                    Some(ResponseCode::UidNext(number)) => uid_next = Some(*number),
                    Some(ResponseCode::UidNotSticky) => is_sticky = false,
                    Some(ResponseCode::PermanentFlags(flags)) => {
                        can_mark = flags
                            .iter()
                            .any(|flag| flag == "\\*" || flag.eq_ignore_ascii_case(MDN_SENT));
                    }
                    Some(_) | None => {}
                }
            }
        })
        .await?;
    let Some(uid_validity) = uid_validity.filter(|_| is_sticky) else {
        return Err(Fault::Refused(
            "it gives its messages no lasting numbers (UIDNOTSTICKY, RFC 4315 §3), so that they cannot be told apart from one \
             session to the next; no mail can be taken from this folder"
                .to_owned(),
        ));
    };
    // After a reconnection in the middle of a fetch nothing is known: then a listing has to tell what is new.
    let known = match open.known.uid_validity == uid_validity {
        true => open.known.shown.len(),
        false => 0,
    };
    open.dialogue.has_news = open.dialogue.shown as usize > known;
    open.dialogue.expunged = 0;
    let selected = Selected {
        uid_validity,
        uid_next,
        exists: open.dialogue.shown,
        can_mark,
    };
    open.selected = Some(selected);
    Ok(selected)
}

/// All that the folder shows, in the order of arrival.
pub(super) async fn list(open: &mut Open) -> Result<Vec<Shown>, Fault> {
    let selected = select(open).await?;
    open.dialogue.has_news = false;
    let known = std::mem::take(&mut open.known);
    let known = match known.uid_validity == selected.uid_validity && known.parts < PARTS_MAX {
        true => continued(open, selected, known).await?,
        false => None,
    };
    open.known = match known {
        Some(known) => known,
        None => whole(open, selected).await?,
    };
    Ok(open.known.shown.clone())
}

/// The known ones and the new ones, when these are all.
async fn continued(open: &mut Open, selected: Selected, mut known: Known) -> Result<Option<Known>, Fault> {
    let unchanged = selected.uid_next.is_some() && selected.uid_next == known.uid_next;
    if !unchanged {
        let last = known.shown.last().map_or(0, |one| one.uid);
        let from = known.uid_next.unwrap_or(last.saturating_add(1)).max(1);
        // `n:*` shows the last message even when its UID is below n.
        let (mut new, refusal) = ask(open, &format!("{from}:*")).await?;
        if refusal.is_some() {
            return Ok(None);
        }
        new.retain(|one| one.uid > last);
        known.shown.extend(new);
    }
    known.uid_next = selected.uid_next;
    known.parts += 1;
    let all = known.shown.len() as u64 == u64::from(selected.exists) && open.dialogue.expunged == 0;
    Ok(all.then_some(known))
}

async fn whole(open: &mut Open, selected: Selected) -> Result<Known, Fault> {
    let (mut shown, refusal) = match selected.exists {
        0 => (Vec::new(), None),
        _ => ask(open, "1:*").await?,
    };
    // What the server said was taken away meanwhile need not be there; anything else that is missing would be lost.
    let is_short = |open: &Open, shown: &[Shown]| {
        let expected = selected.exists.saturating_sub(open.dialogue.expunged);
        ((shown.len() as u64) < u64::from(expected)).then_some(expected)
    };
    if is_short(open, &shown).is_some() {
        // One broken message must not stop the folder: it is shown by its UID alone, and its own fetch tells the rest.
        if let Err(gone @ Fault::Gone(_)) = search(open, &mut shown).await {
            return Err(gone);
        }
        if let Some(expected) = is_short(open, &shown) {
            let counted = || format!("it shows {} of {expected} messages", shown.len());
            return Err(Fault::Refused(refusal.unwrap_or_else(counted)));
        }
    }
    Ok(Known {
        uid_validity: selected.uid_validity,
        uid_next: selected.uid_next,
        shown,
        parts: 0,
    })
}

/// Adds the messages that only their UIDs are told of: no size, no time of arrival.
async fn search(open: &mut Open, shown: &mut Vec<Shown>) -> Result<(), Fault> {
    let known: BTreeSet<u32> = shown.iter().map(|one| one.uid).collect();
    let mut found = BTreeSet::new();
    open.dialogue
        .ask("UID SEARCH ALL", |response| {
            if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                found.extend(uids.iter().copied());
            }
        })
        .await?;
    shown.extend(found.difference(&known).map(|uid| Shown {
        uid: *uid,
        received_at: None,
        size_bytes: 0,
        mdn_sent: false,
    }));
    shown.sort_by_key(|one| one.uid);
    Ok(())
}

/// The rows that came, and the server's words where it broke the listing off with a NO.
async fn ask(open: &mut Open, set: &str) -> Result<(Vec<Shown>, Option<String>), Fault> {
    let command = format!("UID FETCH {set} (UID INTERNALDATE RFC822.SIZE FLAGS)");
    let mut shown = Vec::new();
    let asked = open
        .dialogue
        .ask(&command, |response| {
            if let Response::Fetch(_, attributes) = response {
                shown.extend(read(attributes));
            }
        })
        .await;
    let refusal = match asked {
        Ok(()) => None,
        Err(Fault::Refused(answer)) => Some(answer),
        Err(gone @ Fault::Gone(_)) => return Err(gone),
    };
    shown.sort_by_key(|one: &Shown| one.uid);
    shown.dedup_by_key(|one| one.uid);
    Ok((shown, refusal))
}

/// `None` for what a server says by itself of a change of flags, which has no UID or no size.
fn read(attributes: &[AttributeValue<'_>]) -> Option<Shown> {
    let (mut uid, mut size, mut received_at, mut mdn_sent) = (None, None, None, false);
    for attribute in attributes {
        if let AttributeValue::Uid(number) = attribute {
            uid = Some(*number);
        } else if let AttributeValue::Rfc822Size(bytes) = attribute {
            size = Some(*bytes);
        } else if let AttributeValue::InternalDate(text) = attribute {
            received_at = instant(text);
        } else if let AttributeValue::Flags(flags) = attribute {
            mdn_sent = flags.iter().any(|flag| flag.eq_ignore_ascii_case(MDN_SENT));
        }
    }
    Some(Shown {
        uid: uid?,
        received_at,
        size_bytes: size?,
        mdn_sent,
    })
}

/// `" 1-Feb-2026 09:05:00 +0200"` (RFC 3501 §9: date-time).
fn instant(text: &str) -> Option<Timestamp> {
    strtime::parse("%d-%b-%Y %H:%M:%S %z", text.trim())
        .ok()?
        .to_timestamp()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_arrival_is_read() {
        for (text, instant_utc) in [
            ("22-Nov-2026 09:05:00 +0200", "2026-11-22T07:05:00Z"),
            (" 1-Feb-2026 23:59:59 -0530", "2026-02-02T05:29:59Z"),
        ] {
            assert_eq!(instant(text), Some(instant_utc.parse().unwrap()), "{text}");
        }
        assert_eq!(instant("32-Nov-2026 09:05:00 +0200"), None);
    }
}
