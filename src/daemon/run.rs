//! The daemon: one thread for each source, one that decides and issues, one that delivers.
//!
//! They meet only in the store; bells tell the next one that there is work. A step that fails is tried again after a
//! wait that grows; the others go on. Asked to end, each finishes the item in hand. New settings are taken up the same
//! way: all workers end between two items, the parts are built anew, and the work goes on; store and lock stay.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::{error, info};

use crate::config::Settings;
use crate::daemon::bell::Bell;
use crate::daemon::heart::{Beat, Contact, Heart};
use crate::daemon::logging::scrubbed;
use crate::daemon::once::{
    Issuing, Pass, answer_all, decide_and_issue, remind_all, report_all, report_delivered, seconds_until,
};
use crate::daemon::patience::{Chore, Patience};
use crate::daemon::reload::{self, Reread};
use crate::daemon::watch::{Next, Service};
use crate::daemon::{House, StartError, keeper, metrics, reader, tokens};
use crate::flow::deliver;
use crate::flow::issue::Letterhead;
use crate::flow::with_causes;
use crate::mailbox::Call;
use crate::outbox::Transport;
use crate::store::Store;

/// How long a step may doze: what the CLI changed is noticed by then.
const DOZE: Duration = Duration::from_secs(1);
/// After so many dozes without a letter the connection to the mail server is ended.
const REST_AFTER: u32 = 10;

/// The wish to end, shared with the signal handler; and that for new settings, for which the workers end too.
#[derive(Clone, Default)]
pub struct Ending {
    asked: Arc<AtomicBool>,
    paused: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    pub(super) bells: Arc<Bells>,
}

#[derive(Default)]
pub(super) struct Bells {
    /// Rings for the end, and for all who wait for whatever it may be.
    pub(super) end: Call,
    pub(super) work: Bell,
    letters: Bell,
    /// For the thread that watches the others.
    pub(super) watch: Bell,
}

impl Ending {
    /// Asks everything to end.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.bells.ring_all();
    }

    /// Asks the workers to end between two items, for new settings.
    pub(super) fn pause(&self) {
        self.paused.store(true, Ordering::SeqCst);
        self.bells.ring_all();
    }

    /// The workers may start again.
    fn resume(&self) {
        self.paused.store(false, Ordering::SeqCst);
        self.bells.end.calm();
        if self.for_good() {
            self.bells.end.ring();
        }
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

    /// Wishes for new settings when SIGHUP comes.
    ///
    /// # Errors
    /// The system lets no handler be set.
    pub fn reload_on_hangup(&self) -> Result<(), StartError> {
        let mut signals = Signals::new([SIGHUP]).map_err(StartError::Machine)?;
        let ending = self.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                ending.reload.store(true, Ordering::SeqCst);
                ending.bells.watch.ring();
            }
        });
        Ok(())
    }

    /// Whether new settings are wished for; told once for each wish.
    pub(super) fn reload_wished(&self) -> bool {
        self.reload.swap(false, Ordering::SeqCst)
    }

    /// Whether the workers are asked to end, for good or for new settings.
    pub fn asked(&self) -> bool {
        self.for_good() || self.paused.load(Ordering::SeqCst)
    }

    /// Whether everything is asked to end.
    pub(super) fn for_good(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Bells {
    fn ring_all(&self) {
        self.end.ring();
        for bell in [&self.work, &self.letters, &self.watch] {
            bell.ring();
        }
    }
}

/// Works until `ending` is asked; reads the settings with `reread` when that is wished for.
///
/// # Errors
/// Something needed at the start is missing; later errors are logged and waited out.
pub fn run(
    mut house: House,
    mut letterhead: Letterhead,
    reread: &Reread<'_>,
    ending: &Ending,
) -> Result<(), StartError> {
    house.store.work_begin()?;
    let mut service = Service::new();
    let mut last_mail = None;
    loop {
        let heart = Heart::new(&house.settings, last_mail);
        let next = work(&house, &letterhead, &heart, &mut service, reread, ending)?;
        match next {
            Next::End => break,
            Next::Reload(settings) => {
                if reload::loses_a_source(&house.settings, &settings) {
                    finish_mail(&house, &letterhead, &heart, &mut service, ending);
                }
                take_up(&mut house, &mut letterhead, *settings);
            }
        }
        last_mail = heart.last_mail();
        ending.resume();
    }
    info!("recipisa has ended");
    Ok(())
}

/// The workers with one set of settings, until they are asked to end and have ended.
fn work(
    house: &House,
    letterhead: &Letterhead,
    heart: &Heart,
    service: &mut Service,
    reread: &Reread<'_>,
    ending: &Ending,
) -> Result<Next, StartError> {
    let mut mailboxes = Vec::new();
    for (source, beat) in house.settings.sources.iter().zip(&heart.sources) {
        mailboxes.push((source, beat, house.mailbox(source)?));
    }
    let mut transport = house.transport()?;
    info!(sources = mailboxes.len(), "recipisa works");
    let next = thread::scope(|scope| {
        let mut workers = Vec::new();
        for (source, beat, mailbox) in mailboxes {
            workers
                .push(scope.spawn(move || reader::read_source(house, source, mailbox, heart, beat, ending)));
        }
        workers.push(scope.spawn(|| register(house, letterhead, &heart.register, ending)));
        workers.push(scope.spawn(|| send(house, &mut *transport, &heart.send, ending)));
        workers.push(scope.spawn(|| keeper::keep(house, letterhead, ending)));
        if !house.settings.oauth.is_empty() {
            workers.push(scope.spawn(|| tokens::keep_fresh(house, ending)));
        }
        if let Some(address) = house.settings.metrics {
            workers.push(scope.spawn(move || metrics::serve(house, address, ending)));
        }
        service.watch(house, heart, reread, ending, &|| {
            workers.iter().all(thread::ScopedJoinHandle::is_finished)
        })
    });
    Ok(next)
}

/// Puts new settings in the place of the old ones, between two rounds of work. What cannot be used is told, and the
/// old ones stay.
fn take_up(house: &mut House, letterhead: &mut Letterhead, settings: Settings) {
    let old = house.adopt(settings);
    match house.letterhead() {
        Ok(new) => {
            *letterhead = new;
            reload::tell_change(&old, &house.settings);
        }
        Err(error) => {
            house.adopt(old);
            let why = scrubbed(&with_causes(&error));
            error!(why, "the new settings cannot be used; the old ones stay");
        }
    }
}

/// Decides what was kept, by the settings under which it came: the new ones may not know its source any more. That may
/// be much, so it is watched like any other work.
fn finish_mail(
    house: &House,
    letterhead: &Letterhead,
    heart: &Heart,
    service: &mut Service,
    ending: &Ending,
) {
    let finish = || {
        let now = || house.clock.now();
        let asked = || {
            heart.register.stamp();
            ending.for_good()
        };
        let _guard = OnEnd(ending, &heart.register);
        let flow_house = house.for_steps(&now, &asked);
        let done = decide_and_issue(
            house,
            flow_house,
            letterhead,
            Issuing::Now,
            &mut Pass::default(),
            &mut || {},
        );
        if let Ok(Some(error)) | Err(error) = done {
            let why = scrubbed(&with_causes(&error));
            error!(why, "not all mail of a source that goes could be finished");
        }
    };
    thread::scope(|scope| {
        let worker = scope.spawn(finish);
        service.until(&|| worker.is_finished(), ending, heart);
    });
}

/// A step that panics outside an item is a fault of the program: everything ends, and the unit starts it again. A
/// worker that has ended is silent from then on.
pub(super) struct OnEnd<'a>(pub(super) &'a Ending, pub(super) &'a Beat);

impl Drop for OnEnd<'_> {
    fn drop(&mut self) {
        self.1.rest();
        if thread::panicking() {
            self.0.ask();
        }
    }
}

/// The same for the threads that no mail waits for, which the watchdog does not ask about.
pub(super) struct EndOnPanic<'a>(pub(super) &'a Ending);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.ask();
        }
    }
}

/// Whether a worker is asked to end. It asks between two items, so each question is a step forward.
pub(super) fn still_asked(beat: &Beat, ending: &Ending) -> bool {
    beat.stamp();
    ending.asked()
}

/// Waits, but ends as soon as it is asked to.
pub(super) fn doze(beat: &Beat, ending: &Ending, wait: Duration) {
    doze_until(&|| still_asked(beat, ending), ending, wait);
}

/// The same for a thread that the watchdog does not ask about.
pub(super) fn doze_unwatched(ending: &Ending, wait: Duration) {
    doze_until(&|| ending.asked(), ending, wait);
}

pub(super) fn doze_until(asked: &dyn Fn() -> bool, ending: &Ending, wait: Duration) {
    let mut left = wait;
    while !left.is_zero() && !asked() {
        let piece = left.min(DOZE);
        ending.bells.end.wait(piece);
        left -= piece;
    }
}

fn register(house: &House, letterhead: &Letterhead, beat: &Beat, ending: &Ending) {
    let now = || house.clock.now();
    let asked = || still_asked(beat, ending);
    let flow_house = house.for_steps(&now, &asked);
    let mut patience = Patience::with("register");
    let mut issuing = Patience::with("issue");
    let mut not_before = house.clock.now();
    let mut answering = Chore::new("answer");
    let (mut reminding, mut reporting) = (Chore::new("remind"), Chore::new("report"));
    let _guard = OnEnd(ending, beat);
    while !asked() {
        let mut pass = Pass::default();
        let when = if house.clock.now() < not_before {
            Issuing::Later
        } else {
            Issuing::Now
        };
        // What failed item by item is told already and has its own time for another try.
        match decide_and_issue(house, flow_house, letterhead, when, &mut pass, &mut || {}) {
            Ok(None) if when == Issuing::Now => {
                (patience.errors, issuing.errors) = (0, 0);
                beat.met(Contact::Well);
            }
            Ok(None) => patience.errors = 0,
            // Only receipts wait: mails go on being decided.
            Ok(Some(error)) => {
                beat.met(Contact::Ill);
                let wait = issuing.wait_after("issue", "", &error);
                not_before = house.clock.now() + SignedDuration::try_from(wait).unwrap_or_default();
            }
            Err(error) => {
                beat.met(Contact::Ill);
                doze(beat, ending, patience.wait_after("register", "", &error));
            }
        }
        answering.round(house, || answer_all(flow_house, letterhead, &mut pass));
        reminding.round(house, || remind_all(house, flow_house, letterhead, &mut pass));
        reporting.round(house, || report_all(house, flow_house, &mut pass));
        if pass.receipts + pass.written > 0 {
            ending.bells.letters.ring();
        }
        ending.bells.work.wait(DOZE);
    }
}

fn send(house: &House, transport: &mut dyn Transport, beat: &Beat, ending: &Ending) {
    let now = || house.clock.now();
    let asked = || still_asked(beat, ending);
    let flow_house = house.for_steps(&now, &asked);
    let mut patience = Patience::with("send");
    let _guard = OnEnd(ending, beat);
    let mut silence = 0;
    while !asked() {
        match deliver::round(flow_house, &house.times, house.manner(), transport) {
            Ok(delivered) => {
                report_delivered(house, &delivered, &mut Vec::new());
                if delivered.transport_down {
                    beat.met(Contact::Ill);
                    doze(beat, ending, patience.next());
                } else if delivered.is_empty() {
                    patience.errors = 0;
                    beat.met(Contact::Well);
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
                    beat.met(Contact::Well);
                }
            }
            Err(error) => {
                beat.met(Contact::Ill);
                doze(beat, ending, patience.wait_after("deliver", "", &error));
            }
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
