//! `run` and `once`: the work itself.

use std::path::PathBuf;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::{Failure, open, text};
use crate::daemon::{self, Ending, StartError, logging};

/// Works until a signal ends it.
pub(super) fn run(config: Option<PathBuf>) -> Result<(), Failure> {
    logging::start();
    let house = open::house(config)?;
    let _lock = house.lock()?;
    let letterhead = house.letterhead()?;
    let ending = Ending::default();
    end_on_signals(&ending)?;
    daemon::run(&house, &letterhead, &ending)?;
    Ok(())
}

/// One pass over all that is due.
pub(super) fn once(config: Option<PathBuf>) -> Result<(), Failure> {
    logging::start();
    let house = open::house(config)?;
    let _lock = house.lock()?;
    let letterhead = house.letterhead()?;
    let mut transport = house.transport()?;
    let ending = Ending::default();
    end_on_signals(&ending)?;
    let asked = || ending.asked();
    let pass = daemon::once(&house, &letterhead, &mut *transport, &asked);
    text::line(&format!(
        "{} messages shown, {} kept, {} decided, {} receipts issued, {} letters sent",
        pass.shown, pass.kept, pass.decided, pass.receipts, pass.letters
    ));
    if pass.errors.is_empty() {
        return Ok(());
    }
    // Standard error is a log too: the full words are for `show` and `held`, which people ask on purpose.
    for error in &pass.errors {
        text::complain(&logging::scrubbed(error));
    }
    Err(Failure::Told(1))
}

fn end_on_signals(ending: &Ending) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(StartError::Machine)?;
    let ending = ending.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            ending.ask();
        }
    });
    Ok(())
}
