//! From the mailbox to [`Kept`]: claim what is unseen, fsync the bytes, commit the row, and only then acknowledge.

use std::collections::HashMap;

use crate::flow::failpoint::reach;
use crate::flow::stopwatch::{Stage, time};
use crate::flow::{House, StepError};
use crate::mailbox::{
    Extent, Kept, Mailbox, MailboxError, RawMail, Sighting, SourceId, SourceKey, Wanted, Yield,
};
use crate::message;
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

/// A source may hold a whole answer in memory, so larger messages are asked for one by one.
const ALONE_FROM_BYTES: u64 = 4 << 20;

/// What one pass over a mailbox did.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Messages that the mailbox showed.
    pub shown: usize,
    /// Messages newly kept.
    pub kept: usize,
    /// The first thing that went wrong with single messages or with moving; the rest went on.
    pub trouble: Option<StepError>,
}

/// One pass over one mailbox. `after_batch` is called after each commit, so that the next step can begin.
///
/// # Errors
/// The mailbox could not be listed, or the store or the archive failed; what was kept before stays kept, the rest is
/// fetched next time. Trouble with single messages is no error of the pass: see [`Fetched::trouble`].
pub fn pass(
    house: House<'_>,
    source: &SourceId,
    mailbox: &mut dyn Mailbox,
    measure: Measure,
    after_batch: &mut dyn FnMut(),
) -> Result<Fetched, StepError> {
    let shown = time(Stage::Fetch, || mailbox.list())?;
    let keys: Vec<_> = shown.iter().map(|sighting| sighting.key.clone()).collect();
    let known: HashMap<SourceKey, Extent> = house.store.mails_known(source, &keys)?.into_iter().collect();
    let (old, new): (Vec<Sighting>, Vec<Sighting>) = shown
        .into_iter()
        .partition(|sighting| is_done(known.get(&sighting.key), sighting, measure));
    let mut fetched = Fetched {
        shown: old.len() + new.len(),
        ..Fetched::default()
    };
    let mut trouble = None;
    // Kept by a run that died before it could say so to the server; of an oversized one only the header is here.
    let old: Vec<Kept> = old
        .into_iter()
        .filter(|sighting| known.get(&sighting.key) == Some(&Extent::Whole))
        .map(Kept::after_commit)
        .collect();
    let mut tell = |error: StepError| {
        trouble.get_or_insert(error);
    };
    time(Stage::Acknowledge, || mailbox.acknowledge(&old)).unwrap_or_else(|error| tell(error.into()));
    for batch in batches(&new, measure) {
        if (house.ending)() {
            break;
        }
        let mails = time(Stage::Fetch, || {
            fetch_what_can_be(house, mailbox, batch, measure, &mut tell)
        })?;
        reach("fetch.fetched");
        fetched.kept += mails.len();
        let kept = time(Stage::Keep, || keep(house, mails))?;
        reach("fetch.committed");
        after_batch();
        time(Stage::Acknowledge, || mailbox.acknowledge(&kept)).unwrap_or_else(|error| tell(error.into()));
        reach("fetch.acknowledged");
    }
    fetched.trouble = trouble;
    Ok(fetched)
}

/// Whether nothing is to be fetched for a message. One that was too large comes whole when the limit has been raised.
fn is_done(known: Option<&Extent>, sighting: &Sighting, measure: Measure) -> bool {
    match known {
        None => false,
        Some(Extent::Whole) => true,
        Some(Extent::HeaderOnly | Extent::Nothing) => sighting.size_bytes > measure.mail_bytes_max,
    }
}

/// The bytes of a batch; when it fails as a whole, message by message, so that one broken message holds up no other.
fn fetch_what_can_be(
    house: House<'_>,
    mailbox: &mut dyn Mailbox,
    batch: &[Sighting],
    measure: Measure,
    tell: &mut dyn FnMut(StepError),
) -> Result<Vec<RawMail>, MailboxError> {
    let wanted: Vec<Wanted> = batch.iter().map(|sighting| wanted(sighting, measure)).collect();
    let mut given = Yield::default();
    match mailbox.fetch(&wanted) {
        Ok(fetched) => given = fetched,
        Err(error) if error.is_away() => return Err(error),
        Err(error) if batch.len() == 1 => {
            tell(error.into());
            return Ok(given.mails);
        }
        Err(_) => {
            for one in wanted.iter().take_while(|_| !(house.ending)()) {
                match mailbox.fetch(std::slice::from_ref(one)) {
                    Ok(fetched) => {
                        given.mails.extend(fetched.mails);
                        given.refused.extend(fetched.refused);
                    }
                    // What came before is kept; the next batch will tell that the server is gone.
                    Err(error) if error.is_away() => break,
                    Err(error) => tell(error.into()),
                }
            }
        }
    }
    let silent: Vec<&str> = batch
        .iter()
        .filter(|one| !given.mails.iter().any(|mail| mail.sighting.key == one.key))
        .map(|one| one.key.0.as_str())
        .collect();
    if let Some(first) = silent.first() {
        // Taken away by somebody meanwhile, or kept back by the server; the next pass tells which.
        tell(StepError::NoBytes {
            messages: silent.len(),
            first: (*first).to_owned(),
        });
    }
    Ok(given.mails)
}

/// An oversized message is asked for by its header only.
fn wanted(sighting: &Sighting, measure: Measure) -> Wanted {
    Wanted {
        sighting: sighting.clone(),
        extent: match sighting.size_bytes > measure.mail_bytes_max {
            true => Extent::HeaderOnly,
            false => Extent::Whole,
        },
    }
}

/// Makes mails durable: the archive first, then the store in one transaction.
fn keep(house: House<'_>, mails: Vec<RawMail>) -> Result<Vec<Kept>, StepError> {
    let at = (house.now)();
    let mut arrivals = Vec::with_capacity(mails.len());
    for mail in mails {
        let sha256 = house.archive.put(&mail.bytes)?;
        // A server that gives no INTERNALDATE leaves the top Received; without one, the moment of keeping counts.
        let received_at = mail
            .sighting
            .received_at
            .or_else(|| message::received_at(&mail.bytes))
            .unwrap_or(at);
        arrivals.push(Arrival {
            sighting: mail.sighting,
            received_at,
            extent: mail.extent,
            sha256,
            size_bytes: mail.bytes.len() as u64,
        });
    }
    reach("fetch.archived");
    house.store.mail_keep(&arrivals, at)?;
    // The whole of an oversized message is only on the server, so it stays where it is.
    Ok(arrivals
        .into_iter()
        .filter(|arrival| arrival.extent == Extent::Whole)
        .map(|arrival| Kept::after_commit(arrival.sighting))
        .collect())
}

/// Cuts what is new into batches by bytes and count; a large message makes a batch of its own.
fn batches(new: &[Sighting], measure: Measure) -> Vec<&[Sighting]> {
    let (mut cut, mut start, mut bytes) = (Vec::new(), 0, 0_u64);
    for (index, sighting) in new.iter().enumerate() {
        let size = sighting.size_bytes.min(measure.mail_bytes_max);
        let full = bytes + size > measure.batch_bytes_max || index - start >= measure.batch_mails_max;
        let alone = size > ALONE_FROM_BYTES || bytes > ALONE_FROM_BYTES && index - start == 1;
        if (full || alone) && index > start {
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

    #[test]
    fn large_messages_come_alone() {
        let measure = Measure {
            batch_bytes_max: 16 << 20,
            batch_mails_max: 50,
            mail_bytes_max: 50 << 20,
        };
        let sizes = [1 << 20, 5 << 20, 1 << 20, 1 << 20, 6 << 20, 7 << 20, 10];
        let new: Vec<Sighting> = (0..)
            .zip(sizes)
            .map(|(index, size_bytes): (u32, u64)| Sighting {
                source: SourceId("s".into()),
                key: SourceKey(index.to_string()),
                received_at: None,
                size_bytes,
            })
            .collect();
        let cut: Vec<usize> = batches(&new, measure).iter().map(|batch| batch.len()).collect();
        assert_eq!(cut, [1, 1, 2, 1, 1, 1]);
    }
}
