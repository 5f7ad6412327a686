//! `link`: what a clerk says of two entries that may belong together (conexe).

use std::path::PathBuf;

use crate::cli::entries::parsed;
use crate::cli::held::actor_of_session;
use crate::cli::{Failure, open, text};
use crate::registry::{LinkRecord, Number, Spelling};
use crate::store::{LinkAct, LinkVerdict, Store};

#[derive(clap::Args)]
pub(super) struct Options {
    /// The later entry, as on the receipt; turned round, the two are put in the order of their registration.
    number: String,
    /// The earlier entry.
    earlier: String,
    /// They belong together; this is also what is done when nothing else is said.
    #[arg(long, conflicts_with = "reject")]
    confirm: bool,
    /// They do not: the proposal is put aside, and the record stays.
    #[arg(long)]
    reject: bool,
    /// Who decides; written into the journal.
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
}

/// Records what the clerk says.
pub(super) fn main(config: Option<PathBuf>, options: Options) -> Result<(), Failure> {
    let house = open::house(config)?;
    let (later, earlier) = (
        parsed(&options.number, &house)?,
        parsed(&options.earlier, &house)?,
    );
    let (verdict, done) = if options.reject {
        (LinkVerdict::Reject, "is not linked to")
    } else {
        (LinkVerdict::Confirm, "is linked to")
    };
    house.store.link_act(&LinkAct {
        later: later.clone(),
        earlier: earlier.clone(),
        verdict,
        actor: options.actor.unwrap_or_else(actor_of_session),
        at: house.clock.now(),
    })?;
    let spelling = house.settings.spelling();
    text::line(&format!(
        "{} {done} {}; the journal says so",
        later.spelled(spelling),
        earlier.spelled(spelling)
    ));
    Ok(())
}

/// The links of an entry in words, seen from it.
pub(super) fn in_words(links: &[LinkRecord], of: &Number, spelling: Spelling) -> Vec<String> {
    let words = |link: &LinkRecord| {
        let (arrow, other) = if link.later == *of {
            ("to", &link.earlier)
        } else {
            ("from", &link.later)
        };
        let by = link
            .decided
            .as_ref()
            .map_or_else(String::new, |(_, by)| format!(" by {by}"));
        format!(
            "{arrow} {} ({}), {}{by}",
            other.spelled(spelling),
            link.why.as_str(),
            link.state.as_str()
        )
    };
    links.iter().map(words).collect()
}
