//! One pass over all that is due: every source, every decision, every receipt, every letter.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, ScopedJoinHandle};

use jiff::Timestamp;
use tracing::{debug, error, info, warn};

use crate::daemon::House;
use crate::daemon::logging::scrubbed;
use crate::daemon::reader::Remembered;
use crate::edge::clock::Clock;
use crate::flow::admit::{self, Admitted};
use crate::flow::deliver::{self, Delivered};
use crate::flow::fetch::{self, Measure};
use crate::flow::issue::{self, Letterhead, Round};
use crate::flow::{self, StepError, with_causes};
use crate::flow::{answer, remind, report};
use crate::mailbox::{Mailbox, SourceId};
use crate::outbox::{Outgoing, Transport};
use crate::store::Store;

/// What a pass did, and what went wrong on the way.
#[derive(Debug, Default)]
pub struct Pass {
    pub shown: usize,
    pub kept: usize,
    pub decided: usize,
    pub receipts: usize,
    /// Letters of cases written and queued.
    pub written: usize,
    pub letters: usize,
    /// For the operator, with causes.
    pub errors: Vec<String>,
}

/// Works until nothing is due any more. Errors of one partner do not stop the work with the others.
///
/// The steps overlap: while one batch is fetched, the one before is decided and its receipts go out. On a clock that is
/// moved by hand they follow each other, so that the journal's order is the same every time.
pub fn once(
    house: &House,
    letterhead: &Letterhead,
    transport: &mut dyn Transport,
    ending: &(dyn Fn() -> bool + Sync),
) -> Pass {
    let now = || house.clock.now();
    let flow_house = house.for_steps(&now, ending);
    if let Err(error) = house.store.work_begin() {
        return Pass {
            errors: vec![with_causes(&error)],
            ..Pass::default()
        };
    }
    let (kept, told_kept) = mpsc::channel();
    let (issued, told_issued) = mpsc::channel();
    // Each owns its end of the line, so that the next one hears when it is done.
    let fetching = move || fetch_all(house, flow_house, kept);
    let deciding = move || decide_all(house, flow_house, letterhead, told_kept, issued);
    let delivering = move || deliver_all(house, flow_house, transport, told_issued);
    let parts = match house.clock {
        Clock::ByHand(_) => [fetching(), deciding(), delivering()],
        Clock::System => thread::scope(|scope| {
            let (fetching, deciding) = (scope.spawn(fetching), scope.spawn(deciding));
            let delivered = delivering();
            [joined(fetching), joined(deciding), delivered]
        }),
    };
    Pass::sum(parts)
}

/// What a step did; a panic goes on in the thread that waited for it.
fn joined(step: ScopedJoinHandle<'_, Pass>) -> Pass {
    step.join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Pass {
    fn sum(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::default(), |mut sum, part| {
            sum.shown += part.shown;
            sum.kept += part.kept;
            sum.decided += part.decided;
            sum.receipts += part.receipts;
            sum.written += part.written;
            sum.letters += part.letters;
            sum.errors.extend(part.errors);
            sum
        })
    }
}

/// One step tells the next one that there is more; that there will be no more it tells by hanging up.
type Tell = Sender<()>;
type Told = Receiver<()>;

/// Waits until there is more, and takes all that was told at once; false when there will be no more.
fn wait_for_more(told: &Told) -> bool {
    let more = told.recv().is_ok();
    told.try_iter().for_each(drop);
    more
}

fn fetch_all(house: &House, flow_house: flow::House<'_>, tell: Tell) -> Pass {
    let mut pass = Pass::default();
    for source in &house.settings.sources {
        let result = house
            .mailbox(source)
            .map_err(|error| with_causes(&error))
            .and_then(|mut mailbox| {
                // The next step hangs up only after a trouble of its own.
                let mut more = || tell.send(()).unwrap_or_default();
                let fetched = fetch_source(house, flow_house, &source.name, &mut *mailbox, &mut more);
                match &fetched {
                    Ok(_) => Remembered::default().well(house, &source.name),
                    Err(error) => Remembered::default().ill(house, &source.name, error),
                }
                fetched.map_err(|error| with_causes(&error))
            });
        match result {
            Ok(fetched) => {
                pass.shown += fetched.shown;
                pass.kept += fetched.kept;
                if let Some(error) = &fetched.trouble {
                    pass.errors
                        .push(format!("source {}: {}", source.name, with_causes(error)));
                }
            }
            Err(error) => pass.errors.push(format!("source {}: {error}", source.name)),
        }
    }
    pass
}

/// Begins with the first batch kept, or when there is none, and works at least once: earlier passes may have left
/// something.
fn decide_all(
    house: &House,
    flow_house: flow::House<'_>,
    letterhead: &Letterhead,
    told: Told,
    tell: Tell,
) -> Pass {
    let mut pass = Pass::default();
    let mut issuing = Issuing::Now;
    let mut more = || tell.send(()).unwrap_or_default();
    loop {
        let is_over = !wait_for_more(&told);
        match decide_and_issue(house, flow_house, letterhead, issuing, &mut pass, &mut more) {
            Ok(None) => {}
            Ok(Some(error)) => {
                pass.errors.push(with_causes(&error));
                issuing = Issuing::Later;
            }
            Err(error) => {
                pass.errors.push(with_causes(&error));
                break;
            }
        }
        if is_over {
            break;
        }
    }
    // After the mail, since an answer may have made a letter needless.
    for written in [
        answer_all(flow_house, letterhead, &mut pass),
        remind_all(house, flow_house, letterhead, &mut pass),
        report_all(house, flow_house, &mut pass),
    ] {
        if let Err(error) = written {
            pass.errors.push(with_causes(&error));
        }
    }
    if pass.written > 0 {
        more();
    }
    pass
}

pub(super) fn fetch_source(
    house: &House,
    flow_house: flow::House<'_>,
    name: &str,
    mailbox: &mut dyn Mailbox,
    after_batch: &mut dyn FnMut(),
) -> Result<fetch::Fetched, StepError> {
    let id = SourceId(name.to_owned());
    let source = house.settings.sources.iter().find(|source| source.name == name);
    let measure = Measure {
        start: source.and_then(|source| source.start),
        ..house.settings.measure
    };
    let fetched = fetch::pass(flow_house, &id, mailbox, measure, after_batch)?;
    for mail in &fetched.bodiless {
        warn!(
            source = name,
            mail.id = mail,
            "a message has its outcome without bytes: the server did not give them; `recipisa mails` says which"
        );
    }
    Ok(fetched)
}

/// Whether receipts are issued in this pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Issuing {
    Now,
    /// It has just failed as a whole; mails are decided all the same.
    Later,
}

/// Decides all undecided mails and issues all receipts owed; `after_issue` is called after each batch of receipts. When
/// receipts cannot be issued at all, that trouble is returned at the end, and the mails are decided first.
pub(super) fn decide_and_issue(
    house: &House,
    flow_house: flow::House<'_>,
    letterhead: &Letterhead,
    mut issuing: Issuing,
    pass: &mut Pass,
    after_issue: &mut dyn FnMut(),
) -> Result<Option<StepError>, StepError> {
    let mut trouble = None;
    while !(flow_house.ending)() {
        let before = (pass.decided, pass.receipts);
        let admitted = admit::round(flow_house, house.rules())?;
        pass.decided += admitted.decided.len();
        report_admitted(house, &admitted, &mut pass.errors);
        if issuing == Issuing::Now {
            match issue::round(flow_house, letterhead) {
                Ok(round) => {
                    pass.receipts += round.issued.len();
                    report_issued(house, &round, &mut pass.errors);
                    if !round.issued.is_empty() {
                        after_issue();
                    }
                }
                Err(error) => {
                    issuing = Issuing::Later;
                    trouble = Some(error);
                }
            }
        }
        // What failed stays due; it is tried again at the next pass and not in a circle now.
        if (pass.decided, pass.receipts) == before {
            break;
        }
    }
    Ok(trouble)
}

/// Writes all letters that are owed beside receipts.
pub(super) fn answer_all(
    flow_house: flow::House<'_>,
    letterhead: &Letterhead,
    pass: &mut Pass,
) -> Result<(), StepError> {
    while !(flow_house.ending)() {
        let answered = answer::round(flow_house, letterhead)?;
        for (mail, kind) in &answered.written {
            info!(mail.id = mail, kind = kind.as_str(), "letter written");
        }
        for (number, submission) in &answered.carried {
            info!(entry.number = %number, submission, "a letter carries the receipt now");
        }
        for (mail, why) in &answered.failed {
            error!(
                mail.id = mail,
                why = scrubbed(why),
                "a letter could not be written; it is tried again"
            );
            pass.errors.push(format!("letter about mail {mail}: {why}"));
        }
        pass.written += answered.written.len() + answered.carried.len();
        if answered.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Writes all planned letters that are due.
pub(super) fn remind_all(
    house: &House,
    flow_house: flow::House<'_>,
    letterhead: &Letterhead,
    pass: &mut Pass,
) -> Result<(), StepError> {
    while !(flow_house.ending)() {
        let reminded = remind::round(flow_house, &house.times, letterhead)?;
        for (number, kind) in &reminded.written {
            let number = number.spelled(house.settings.spelling());
            debug!(entry.number = number, kind = kind.as_str(), "letter written");
        }
        for (number, why) in &reminded.failed {
            error!(entry.number = %number, why = scrubbed(why), "a letter could not be written; it is tried again");
            pass.errors.push(format!("letter of {number}: {why}"));
        }
        pass.written += reminded.written.len();
        if reminded.written.is_empty() && reminded.put_off == 0 {
            break;
        }
    }
    Ok(())
}

/// Writes the digests that are due.
pub(super) fn report_all(
    house: &House,
    flow_house: flow::House<'_>,
    pass: &mut Pass,
) -> Result<(), StepError> {
    let Some(mailing) = &house.mailing else {
        return Ok(());
    };
    for made in report::round(flow_house, &house.bureau, mailing)? {
        let (office, letters, covers) = (made.scope, made.letters, made.covers);
        info!(office, letters, covers, "digest written");
        pass.written += letters;
    }
    Ok(())
}

/// Sends what is due, at least once, until no more will come or the transport does not work.
fn deliver_all(
    house: &House,
    flow_house: flow::House<'_>,
    transport: &mut dyn Transport,
    told: Told,
) -> Pass {
    let mut pass = Pass::default();
    wait_for_more(&told);
    loop {
        match deliver_due(house, flow_house, transport, &mut pass) {
            Ok(Line::Up) => {}
            Ok(Line::Down) => break,
            Err(error) => {
                pass.errors.push(with_causes(&error));
                break;
            }
        }
        if !wait_for_more(&told) {
            break;
        }
    }
    transport.rest();
    pass
}

/// Whether it is of use to try more letters.
enum Line {
    Up,
    Down,
}

fn deliver_due(
    house: &House,
    flow_house: flow::House<'_>,
    transport: &mut dyn Transport,
    pass: &mut Pass,
) -> Result<Line, StepError> {
    while !(flow_house.ending)() {
        let delivered = deliver::round(flow_house, &house.times, house.manner(), transport)?;
        report_delivered(house, &delivered, &mut pass.errors);
        pass.letters += delivered.sent.len();
        if delivered.transport_down {
            return Ok(Line::Down);
        }
        if delivered.is_empty() {
            break;
        }
    }
    Ok(Line::Up)
}

fn report_admitted(house: &House, admitted: &Admitted, errors: &mut Vec<String>) {
    for (mail, outcome, reason) in &admitted.decided {
        let entry = admitted.entries.iter().find(|entry| entry.mail_seq == *mail);
        let number = entry.map(|entry| entry.number.spelled(house.settings.spelling()));
        info!(
            mail.id = mail,
            outcome = outcome.as_str(),
            reason = reason.as_str(),
            entry.number = number,
            "mail decided"
        );
    }
    for (mail, why) in &admitted.failed {
        warn!(mail.id = mail, why = scrubbed(why), "a decision failed");
        errors.push(format!("mail {mail}: {why}"));
    }
}

fn report_issued(house: &House, round: &Round, errors: &mut Vec<String>) {
    for issued in &round.issued {
        let number = issued.number.spelled(house.settings.spelling());
        info!(
            entry.number = number,
            submission = issued.submission,
            letter = issued.letter.is_some(),
            "receipt issued"
        );
    }
    for (number, _, why) in &round.failed {
        error!(entry.number = %number, why = scrubbed(why), "a receipt could not be made; it stays owed");
        errors.push(format!("receipt {number}: {why}"));
    }
}

pub(super) fn report_delivered(house: &House, delivered: &Delivered, errors: &mut Vec<String>) {
    let number = |letter: &Outgoing| {
        let number = letter.number.as_ref();
        number.map(|number| number.spelled(house.settings.spelling()))
    };
    for letter in &delivered.sent {
        let (id, kind) = (local_part(&letter.message_id), letter.kind.as_str());
        info!(letter.id = id, kind, entry.number = number(letter), "letter sent");
    }
    for (letter, why) in &delivered.put_off {
        let (id, kind) = (local_part(&letter.message_id), letter.kind.as_str());
        let said = scrubbed(why);
        let number = number(letter);
        warn!(
            letter.id = id,
            kind,
            entry.number = number,
            why = said,
            "letter put off; it is tried again"
        );
        errors.push(format!("letter put off, it is tried again: {why}"));
    }
    for (letter, why) in &delivered.given_up {
        let (id, kind) = (local_part(&letter.message_id), letter.kind.as_str());
        let said = scrubbed(why);
        let number = number(letter);
        error!(
            letter.id = id,
            kind,
            entry.number = number,
            why = said,
            "letter given up; reach the citizen another way"
        );
        errors.push(format!("letter given up: {why}"));
    }
}

/// Our own identifiers carry nothing personal, but an `@` would look as if they did.
fn local_part(message_id: &str) -> &str {
    message_id.split('@').next().unwrap_or_default()
}

/// The time of the next letter, seen from `now`.
pub(super) fn seconds_until(next: Option<Timestamp>, now: Timestamp) -> u64 {
    next.map_or(u64::MAX, |next| {
        u64::try_from(next.duration_since(now).as_secs()).unwrap_or_default()
    })
}
