//! `run` and `once`: the work itself.

use std::path::PathBuf;

use crate::cli::held::actor_of_session;
use crate::cli::{Failure, open, text};
use crate::config::Settings;
use crate::daemon::{self, Ending, logging};
use crate::flow::stopwatch;
use crate::store::Store;

#[derive(clap::Args)]
pub(super) struct RunOptions {
    /// How to log: `text` and `json` write lines to standard error, `journal` hands fields to journald. Left out,
    /// `journal` where standard error goes to the journal, as under systemd, and `text` otherwise.
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
    Journal,
}

/// Works until a signal ends it.
pub(super) fn run(config: Option<PathBuf>, options: &RunOptions) -> Result<(), Failure> {
    logging::start(options.log_format.map(|format| match format {
        LogFormat::Text => logging::Format::Text,
        LogFormat::Json => logging::Format::Json,
        LogFormat::Journal => logging::Format::Journal,
    }));
    let file = open::file(config);
    // A hangup before the work begins must not end the process either.
    let ending = Ending::default();
    ending.reload_on_hangup()?;
    let house = open::house_at_work(&file)?;
    let lock = house.lock()?;
    let letterhead = house.letterhead()?;
    ending.on_signals()?;
    let reread = || Settings::load(&file, open::credentials().as_deref());
    daemon::run(house, letterhead, &reread, &ending)?;
    drop(lock);
    Ok(())
}

#[derive(clap::Args)]
pub(super) struct OnceOptions {
    /// Also print what each stage took: processor time and wall time, summed over all threads.
    #[arg(long)]
    timings: bool,
    /// The clock is right now and was ahead when the last entry was made: go on registering. Written into the journal.
    #[arg(long)]
    clock_is_right: bool,
}

/// One pass over all that is due.
pub(super) fn once(config: Option<PathBuf>, options: &OnceOptions) -> Result<(), Failure> {
    logging::start(None);
    let house = open::house_at_work(&open::file(config))?;
    let _lock = house.lock()?;
    if options.clock_is_right {
        house.store.clock_accept(&actor_of_session(), house.clock.now())?;
    }
    let letterhead = house.letterhead()?;
    let mut transport = house.transport()?;
    let ending = Ending::default();
    ending.on_signals()?;
    let asked = || ending.asked();
    let pass = daemon::once(&house, &letterhead, &mut *transport, &asked);
    text::line(&format!(
        "{} messages shown, {} kept, {} decided, {} receipts issued, {} letters sent",
        pass.shown, pass.kept, pass.decided, pass.receipts, pass.letters
    ));
    if options.timings {
        print_timings();
    }
    if pass.errors.is_empty() {
        return Ok(());
    }
    // Standard error is a log too: the full words are for `show` and `held`, which people ask on purpose.
    for error in &pass.errors {
        text::complain(&logging::scrubbed(error));
    }
    Err(Failure::Told(1))
}

fn print_timings() {
    let rows: Vec<Vec<String>> = stopwatch::taken()
        .iter()
        .map(|taken| {
            let ms = |us: u64| format!("{}.{:01}", us / 1_000, us % 1_000 / 100);
            vec![
                taken.stage.as_str().to_owned(),
                taken.times.to_string(),
                ms(taken.cpu_us),
                ms(taken.wall_us),
            ]
        })
        .collect();
    text::table(&["stage", "times", "cpu ms", "wall ms"], &rows, 20);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(highest) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        text::line(&format!("highest resident memory {}", highest.trim()));
    }
}
