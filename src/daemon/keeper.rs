//! The thread that keeps the status file true: at every change, at most once a second and at least every ten. Beside it,
//! the ledger is looked at.

use std::time::Duration;

use tracing::warn;

use crate::daemon::House;
use crate::daemon::balance::Bookkeeper;
use crate::daemon::run::{EndOnPanic, Ending, doze_unwatched};
use crate::daemon::status_file;
use crate::edge::signing::pkcs12;
use crate::flow::issue::Letterhead;
use crate::flow::with_causes;

const DOZE: Duration = Duration::from_secs(1);
/// The file is written after so many dozes without a change.
const QUIET_MAX: u32 = 10;

/// Works until `ending` is asked, and then writes that it has ended.
pub(super) fn keep(house: &House, letterhead: &Letterhead, ending: &Ending) {
    let _guard = EndOnPanic(ending);
    let (pulse, dir) = (&house.pulse, &house.settings.storage_dir);
    pulse.begin(house.clock.now(), status_file::read(dir));
    let chain = letterhead.signer.certificate_chain();
    let until = chain.first().and_then(|leaf| pkcs12::validity(leaf).ok());
    pulse.certificate(until.map(|validity| validity.until));
    let (mut written, mut quiet) = (None, 0);
    let mut well = true;
    let mut bookkeeper = Bookkeeper::default();
    while !ending.asked() {
        // A store that fails is told by the steps, which need it more.
        let counted = pulse.count(&house.store).is_ok();
        bookkeeper.round(house);
        quiet += 1;
        if written != Some(pulse.changes()) || quiet >= QUIET_MAX {
            (written, quiet) = (Some(pulse.changes()), 0);
            let wrote = status_file::write(dir, &pulse.life_sign(house.clock.now()));
            if let (Err(error), true) = (&wrote, well) {
                let why = with_causes(error);
                warn!(
                    why,
                    "the status file cannot be written; `status` will not know that recipisa works"
                );
            }
            well = wrote.is_ok();
        }
        // An old registry without a file is counted in one go.
        if !counted || pulse.is_counted() {
            doze_unwatched(ending, DOZE);
        }
    }
    let mut last = pulse.life_sign(house.clock.now());
    // New settings are no end.
    last.ended_at = ending.for_good().then_some(last.seen_at);
    if let Err(error) = status_file::write(dir, &last) {
        warn!(why = with_causes(&error), "the status file cannot be written");
    }
}
