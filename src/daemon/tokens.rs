//! The thread that keeps access tokens fresh (`[[oauth]]`): each is renewed before its end, also while no connection is
//! made, and the trouble is told while the old one still works.

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::{error, info};

use crate::daemon::House;
use crate::daemon::logging::scrubbed;
use crate::daemon::run::{EndOnPanic, Ending, doze_unwatched};
use crate::edge::oauth::Access;
use crate::flow::with_causes;

const DOZE: Duration = Duration::from_secs(1);

/// Works until `ending` is asked.
pub(super) fn keep_fresh(house: &House, ending: &Ending) {
    let _guard = EndOnPanic(ending);
    let mut told = BTreeMap::new();
    while !ending.asked() {
        for access in &house.settings.oauth {
            look(house, access, &mut told);
        }
        doze_unwatched(ending, DOZE);
    }
}

/// Renews what is due. A trouble is told once and not at every try, until it changes or ends.
fn look<'a>(house: &'a House, access: &'a Access, told: &mut BTreeMap<&'a str, String>) {
    let renewed = access.keep_fresh();
    let standing = access.standing();
    house.pulse.token(access.name(), standing);
    let name = access.name();
    match renewed {
        Ok(_) if standing.failing_since.is_some() => {}
        Ok(_) => {
            if told.remove(name).is_some() {
                info!(oauth = name, "the token is renewed again");
            }
        }
        Err(trouble) => {
            let why = scrubbed(&with_causes(&trouble));
            if told.get(name) != Some(&why) {
                let until = standing.expires_at.map(|end| end.to_string()).unwrap_or_default();
                error!(
                    oauth = name,
                    why,
                    until,
                    "the token cannot be renewed; the old one lasts until then, and it is tried again"
                );
                told.insert(name, why);
            }
        }
    }
}
