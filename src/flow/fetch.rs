//! From the mailbox to [`Kept`]: claim what is unseen, fsync the bytes, commit the row, and only then acknowledge.

use std::collections::HashSet;

use crate::flow::failpoint::reach;
use crate::flow::{House, StepError};
use crate::mailbox::{Kept, Mailbox, MailboxError, RawMail, Sighting, SourceId};
use crate::store::Arrival;

/// How much is taken at once.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// A batch ends before the message that would bring it over this.
    pub batch_bytes_max: u64,
    pub batch_mails_max: usize,
    /// A larger message is kept with its header only, and held.
    pub mail_bytes_max: u64,
}

/// What one pass over a mailbox did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Messages that the mailbox showed.
    pub shown: usize,
    /// Messages newly kept.
    pub kept: usize,
}

/// One pass over one mailbox. `after_batch` is called after each commit, so that the next step can begin.
///
/// # Errors
/// The mailbox, the store or the archive failed; what was kept before stays kept, the rest is fetched next time.
pub fn pass(
    house: House<'_>,
    source: &SourceId,
    mailbox: &mut dyn Mailbox,
    measure: Measure,
    after_batch: &mut dyn FnMut(),
) -> Result<Fetched, StepError> {
    let shown = mailbox.list()?;
    let keys: Vec<_> = shown.iter().map(|sighting| sighting.key.clone()).collect();
    let known: HashSet<_> = house.store.mails_known(source, &keys)?.into_iter().collect();
    let (old, new): (Vec<Sighting>, Vec<Sighting>) = shown
        .into_iter()
        .partition(|sighting| known.contains(&sighting.key));
    let mut fetched = Fetched {
        shown: old.len() + new.len(),
        kept: 0,
    };
    // Kept by a run that died before it could say so to the server.
    let old = old.into_iter().map(Kept::after_commit).collect();
    let mut refused = acknowledge(mailbox, old, measure)?;
    for batch in batches(&new, measure) {
        if (house.ending)() {
            break;
        }
        let mails = mailbox.fetch(batch, measure.mail_bytes_max)?;
        reach("fetch.fetched");
        let kept = keep(house, mails)?;
        reach("fetch.committed");
        fetched.kept += kept.len();
        refused = acknowledge(mailbox, kept, measure)?.or(refused);
        reach("fetch.acknowledged");
        after_batch();
    }
    refused.map_or(Ok(fetched), |error| Err(error.into()))
}

/// Acknowledges what is kept whole; a message of which only the header is kept stays where its other bytes are.
///
/// A server that does not let kept mail go (no space, no right) must not keep new mail from being read: its refusal
/// is given back, to be told at the end of the pass. Every other error ends the pass.
fn acknowledge(
    mailbox: &mut dyn Mailbox,
    mut kept: Vec<Kept>,
    measure: Measure,
) -> Result<Option<MailboxError>, MailboxError> {
    kept.retain(|one| one.sighting().size_bytes <= measure.mail_bytes_max);
    match mailbox.acknowledge(&kept) {
        Ok(()) => Ok(None),
        Err(error @ MailboxError::Refused { .. }) => Ok(Some(error)),
        Err(
            error @ (MailboxError::Unreachable { .. }
            | MailboxError::Login { .. }
            | MailboxError::Unprotected { .. }
            | MailboxError::Folder { .. }),
        ) => Err(error),
    }
}

/// Makes mails durable: the archive first, then the store in one transaction.
fn keep(house: House<'_>, mails: Vec<RawMail>) -> Result<Vec<Kept>, StepError> {
    let mut arrivals = Vec::with_capacity(mails.len());
    for mail in mails {
        let sha256 = house.archive.put(&mail.bytes)?;
        arrivals.push(Arrival {
            sighting: mail.sighting,
            received_at: mail.received_at,
            extent: mail.extent,
            sha256,
            size_bytes: mail.bytes.len() as u64,
        });
    }
    reach("fetch.archived");
    house.store.mail_keep(&arrivals, (house.now)())?;
    Ok(arrivals
        .into_iter()
        .map(|arrival| Kept::after_commit(arrival.sighting))
        .collect())
}

/// Cuts what is new into batches by bytes and count; a large message makes a batch of its own.
fn batches(new: &[Sighting], measure: Measure) -> Vec<&[Sighting]> {
    let (mut cut, mut start, mut bytes) = (Vec::new(), 0, 0_u64);
    for (index, sighting) in new.iter().enumerate() {
        let size = sighting.size_bytes.min(measure.mail_bytes_max);
        let full = bytes + size > measure.batch_bytes_max || index - start >= measure.batch_mails_max;
        if full && index > start {
            cut.push(&new[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    if start < new.len() {
        cut.push(&new[start..]);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::SourceKey;

    #[test]
    fn batches_hold_everything_once_and_stay_within_bounds() {
        let measure = Measure {
            batch_bytes_max: 100,
            batch_mails_max: 3,
            mail_bytes_max: 1_000,
        };
        let sizes = [10, 20, 30, 5, 90, 20, 500, 1, 99_999, 60, 60];
        let new: Vec<Sighting> = sizes
            .iter()
            .enumerate()
            .map(|(index, size)| Sighting {
                source: SourceId("s".into()),
                key: SourceKey(index.to_string()),
                received_at: None,
                size_bytes: *size,
            })
            .collect();
        let cut = batches(&new, measure);
        let again: Vec<_> = cut.iter().flat_map(|batch| batch.iter().cloned()).collect();
        assert_eq!(again, new);
        for batch in &cut {
            let bytes: u64 = batch.iter().map(|sighting| sighting.size_bytes.min(1_000)).sum();
            assert!(
                batch.len() == 1 || (batch.len() <= 3 && bytes <= 100),
                "{batch:?}"
            );
        }
    }
}
