//! The daemon: one thread for each source, one that decides and issues, one that delivers.
//!
//! They meet only in the store; bells tell the next one that there is work. A step that fails is tried again after a
//! wait that grows; the others go on. Asked to end, each finishes the item in hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::{error, info};

use crate::config::Source;
use crate::daemon::bell::Bell;
use crate::daemon::logging::scrubbed;
use crate::daemon::once::{
    Issuing, Pass, decide_and_issue, fetch_source, remind_all, report_all, report_delivered, seconds_until,
};
use crate::daemon::{House, StartError};
use crate::flow::deliver;
use crate::flow::fetch::Fetched;
use crate::flow::issue::Letterhead;
use crate::flow::{StepError, with_causes};
use crate::mailbox::Disposition;
use crate::outbox::Transport;
use crate::store::Store;

/// How long a step may doze: what the CLI changed is noticed by then.
const DOZE: Duration = Duration::from_secs(1);
/// After so many dozes without a letter the connection to the mail server is ended.
const REST_AFTER: u32 = 10;
/// Waits after errors grow from the first to the last of these.
const WAITS_S: [u64; 6] = [1, 5, 15, 60, 120, 300];

/// The wish to end, shared with the signal handler.
#[derive(Clone, Default)]
pub struct Ending {
    asked: Arc<AtomicBool>,
    bells: Arc<Bells>,
}

#[derive(Default)]
struct Bells {
    sources: Bell,
    work: Bell,
    letters: Bell,
}

impl Ending {
    /// Asks everything to end.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.bells.sources.ring();
        self.bells.work.ring();
        self.bells.letters.ring();
    }

    /// Asks when SIGTERM or SIGINT comes.
    ///
    /// # Errors
    /// The system lets no handler be set.
    pub fn on_signals(&self) -> Result<(), StartError> {
        let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(StartError::Machine)?;
        let ending = self.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                ending.ask();
            }
        });
        Ok(())
    }

    /// Whether it was asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Works until `ending` is asked.
///
/// # Errors
/// Something needed at the start is missing; later errors are logged and waited out.
pub fn run(house: &House, letterhead: &Letterhead, ending: &Ending) -> Result<(), StartError> {
    house.store.work_begin()?;
    let mut mailboxes = Vec::new();
    for source in &house.settings.sources {
        mailboxes.push((source, house.mailbox(source)?));
    }
    let mut transport = house.transport()?;
    info!(sources = mailboxes.len(), "recipisa works");
    thread::scope(|scope| {
        for (source, mailbox) in mailboxes {
            scope.spawn(move || read_source(house, source, mailbox, ending));
        }
        scope.spawn(|| register(house, letterhead, ending));
        scope.spawn(|| send(house, &mut *transport, ending));
    });
    info!("recipisa has ended");
    Ok(())
}

/// A step that panics outside an item is a fault of the program: everything ends, and the unit starts it again.
struct EndOnPanic<'a>(&'a Ending);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.ask();
        }
    }
}

/// Errors in a row, and the wait that they earn.
struct Patience {
    errors: usize,
}

impl Patience {
    /// The next wait in seconds; longer each time.
    fn next_s(&mut self) -> u64 {
        let wait = WAITS_S[self.errors.min(WAITS_S.len() - 1)];
        self.errors += 1;
        wait
    }

    fn wait_after(&mut self, step: &'static str, source: &str, error: &StepError) -> Duration {
        let wait = self.next_s();
        let needs_person = error.disposition() == Disposition::Stop;
        let why = scrubbed(&with_causes(error));
        error!(
            step,
            source,
            needs_person,
            wait_s = wait,
            why,
            "a step failed; it is tried again"
        );
        Duration::from_secs(wait)
    }
}

fn read_source(
    house: &House,
    source: &Source,
    mut mailbox: Box<dyn crate::mailbox::Mailbox>,
    ending: &Ending,
) {
    let now = || house.clock.now();
    let asked = || ending.asked();
    let flow_house = house.for_steps(&now, &asked);
    let mut patience = Patience { errors: 0 };
    let mut told = String::new();
    let _guard = EndOnPanic(ending);
    while !ending.asked() {
        let mut ring = || ending.bells.work.ring();
        let wait = match fetch_source(house, flow_house, &source.name, &mut *mailbox, &mut ring) {
            Ok(fetched) => {
                patience.errors = 0;
                report_fetched(source, &fetched, &mut told);
                Duration::from_secs(source.poll_seconds)
            }
            Err(error) => patience.wait_after("fetch", &source.name, &error),
        };
        doze(ending, wait);
    }
}

/// A trouble with single messages is told once and not at every poll, until it changes.
fn report_fetched(source: &Source, fetched: &Fetched, told: &mut String) {
    if fetched.kept > 0 {
        info!(
            source = source.name,
            shown = fetched.shown,
            kept = fetched.kept,
            "mail kept"
        );
    }
    let why = fetched
        .trouble
        .as_ref()
        .map(|error| scrubbed(&with_causes(error)))
        .unwrap_or_default();
    if *told != why {
        if !why.is_empty() {
            error!(
                source = source.name,
                why, "some mail could not be read or moved; the rest goes on"
            );
        }
        *told = why;
    }
}

/// Waits, but ends within a second of being asked. The sources share one bell, which rings only at the end.
fn doze(ending: &Ending, wait: Duration) {
    let mut left = wait;
    while !left.is_zero() && !ending.asked() {
        let piece = left.min(DOZE);
        ending.bells.sources.wait(piece);
        left -= piece;
    }
}

fn register(house: &House, letterhead: &Letterhead, ending: &Ending) {
    let now = || house.clock.now();
    let asked = || ending.asked();
    let flow_house = house.for_steps(&now, &asked);
    let mut patience = Patience { errors: 0 };
    let mut issuing = Patience { errors: 0 };
    let mut not_before = house.clock.now();
    let _guard = EndOnPanic(ending);
    while !ending.asked() {
        let mut pass = Pass::default();
        let when = if house.clock.now() < not_before {
            Issuing::Later
        } else {
            Issuing::Now
        };
        // What failed item by item is told already and has its own time for another try.
        match decide_and_issue(house, flow_house, letterhead, when, &mut pass) {
            Ok(None) if when == Issuing::Now => (patience.errors, issuing.errors) = (0, 0),
            Ok(None) => patience.errors = 0,
            // Only receipts wait: mails go on being decided.
            Ok(Some(error)) => {
                let wait = issuing.wait_after("issue", "", &error);
                not_before = house.clock.now() + SignedDuration::try_from(wait).unwrap_or_default();
            }
            Err(error) => doze(ending, patience.wait_after("register", "", &error)),
        }
        if let Err(error) = remind_all(house, flow_house, letterhead, &mut pass) {
            doze(ending, patience.wait_after("remind", "", &error));
        }
        if let Err(error) = report_all(house, flow_house, &mut pass) {
            doze(ending, patience.wait_after("report", "", &error));
        }
        if pass.receipts + pass.written > 0 {
            ending.bells.letters.ring();
        }
        ending.bells.work.wait(DOZE);
    }
}

fn send(house: &House, transport: &mut dyn Transport, ending: &Ending) {
    let now = || house.clock.now();
    let asked = || ending.asked();
    let flow_house = house.for_steps(&now, &asked);
    let mut patience = Patience { errors: 0 };
    let _guard = EndOnPanic(ending);
    let mut silence = 0;
    while !ending.asked() {
        match deliver::round(flow_house, &house.times, transport) {
            Ok(delivered) => {
                report_delivered(&delivered, &mut Vec::new());
                if delivered.transport_down {
                    doze(ending, Duration::from_secs(patience.next_s()));
                } else if delivered.is_empty() {
                    patience.errors = 0;
                    silence = if wait_for_letters(house, ending) {
                        silence + 1
                    } else {
                        0
                    };
                    if silence == REST_AFTER {
                        transport.rest();
                    }
                } else {
                    (patience.errors, silence) = (0, 0);
                }
            }
            Err(error) => doze(ending, patience.wait_after("deliver", "", &error)),
        }
    }
    transport.rest();
}

/// Nothing is due: waits for the bell or for the next letter's time. The connection is kept through short silences,
/// since the next letter may come in a second; true when the silence has lasted a doze.
fn wait_for_letters(house: &House, ending: &Ending) -> bool {
    let next = house.store.letter_next_due().ok().flatten();
    let until_next = Duration::from_secs(seconds_until(next, house.clock.now()).min(DOZE.as_secs()));
    !ending
        .bells
        .letters
        .wait(until_next.max(Duration::from_millis(50)))
}
