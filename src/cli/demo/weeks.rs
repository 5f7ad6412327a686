//! `demo --weeks N`: the demonstration's cases lived through on a clock that is set forward, and a timeline of each.

use std::fs;
use std::path::Path;

use jiff::civil::Time;
use jiff::{SignedDuration, Span, Timestamp};

use super::story::{self, CLERK, Deed, Scene};
use crate::calendar::hours::ZONE;
use crate::calendar::wording::weekday_ro;
use crate::cli::{Failure, text};
use crate::daemon::{House, once};
use crate::flow::desk::Mode;
use crate::flow::issue::Letterhead;
use crate::flow::with_causes;
use crate::outbox::{self, Transport};
use crate::registry::{Number, Spelling};
use crate::store::{CaseRecord, EntryRecord, LetterState, Store};

/// What the demonstration's configuration gets in addition, so that digests go out.
pub(super) const DIGEST: &str = "
[digest]
schedule = \"0 7 * * 1-5\"
from = \"somaj@ajofm-exemplu.test\"
to = [\"registratura@ajofm-exemplu.test\"]
";

/// How long after an event the daemon looks.
const POLL: SignedDuration = SignedDuration::from_secs(20);

/// Lives from the first of the mails to the end of so many weeks, with the story between them; returns how many letters
/// went out.
pub(super) fn live(
    house: &House,
    letterhead: &Letterhead,
    transport: &mut dyn Transport,
    dir: &Path,
    mails: Vec<Scene>,
    weeks: u32,
) -> Result<usize, Failure> {
    let begin = house.clock.now();
    let end = begin + SignedDuration::from_hours(i64::from(weeks) * 7 * 24);
    let mut letters = 0;
    let mut scenes = mails;
    scenes.extend(story::scenes());
    scenes.sort_by_key(|scene| scene.at);
    let mut waiting = scenes.iter().filter(|scene| scene.at < end).peekable();
    for at in instants(begin, end, &scenes) {
        house.clock.move_to(at);
        while let Some(scene) = waiting.next_if(|scene| scene.at <= at) {
            play(house, dir, scene)?;
        }
        let pass = once(house, letterhead, transport, &|| false);
        letters += pass.letters;
        if let Some(error) = pass.errors.first() {
            return Err(Failure::Said(error.clone()));
        }
    }
    Ok(letters)
}

/// Each hour of the day, so that nothing that is due waits for long, and a little after each scene.
fn instants(begin: Timestamp, end: Timestamp, scenes: &[Scene]) -> Vec<Timestamp> {
    let mut instants: Vec<Timestamp> = scenes.iter().map(|scene| scene.at + POLL).collect();
    let mut day = begin.to_zoned(ZONE).date();
    while let Ok(midnight) = day.to_datetime(Time::midnight()).to_zoned(ZONE) {
        if midnight.timestamp() >= end {
            break;
        }
        instants.extend(
            (7..20).filter_map(|hour| Some(midnight.checked_add(Span::new().hours(hour)).ok()?.timestamp())),
        );
        match day.tomorrow() {
            Ok(tomorrow) => day = tomorrow,
            Err(_) => break,
        }
    }
    instants.retain(|at| *at >= begin && *at < end);
    instants.sort();
    instants.dedup();
    instants
}

fn play(house: &House, dir: &Path, scene: &Scene) -> Result<(), Failure> {
    match &scene.deed {
        Deed::Mail { source, file, bytes } => {
            let path = dir.join("mailboxes").join(source).join(format!("{file}.eml"));
            if path.exists() {
                return Ok(());
            }
            fs::write(&path, bytes).map_err(|source| Failure::File {
                doing: "writing",
                path: path.display().to_string(),
                source,
            })
        }
        Deed::Clerk { number, wish } => {
            let number = Number::parse(number, house.settings.only_register())
                .map_err(|error| Failure::Said(error.to_string()))?;
            house
                .desk(&number, wish.clone(), CLERK, Mode::Do)
                .map_err(|error| Failure::Said(format!("{number}: {}", with_causes(&error))))?;
            Ok(())
        }
    }
}

/// Prints what happened to each case that somebody moved.
pub(super) fn print(house: &House) -> Result<(), Failure> {
    let spelling = house.settings.spelling();
    let mut numbers = Vec::new();
    house
        .store
        .entries_each(&mut |record| numbers.push(record.entry.number))?;
    let today = house.clock.now().to_zoned(ZONE).date();
    for number in numbers {
        let Some(record) = house.store.case(&number)? else {
            continue;
        };
        let case = &record.case;
        text::line("");
        text::line(&format!(
            "{}  {}, {}",
            number.spelled(spelling),
            case.applicant.as_deref().unwrap_or("–"),
            case.subject
        ));
        for (at, what) in timeline(&record, spelling) {
            let zoned = at.to_zoned(ZONE);
            text::line(&format!(
                "  {:<9} {}  {what}",
                weekday_ro(zoned.date().weekday()),
                zoned.strftime("%d.%m.%Y %H:%M")
            ));
        }
        let policy = &house.settings.cases.policy;
        let due = case.due_on.strftime("%d.%m.%Y");
        if case.decision.is_none() && case.due_on < today {
            text::line(&format!("  => LATE: the decision was due on {due}"));
        } else if case.is_awaited(today, policy, &house.settings.calendar) {
            text::line(&format!("  => decision awaited, due on {due}"));
        }
    }
    Ok(())
}

/// What happened in a case and which letters went out, by their time.
fn timeline(record: &CaseRecord, spelling: Spelling) -> Vec<(Timestamp, String)> {
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    let number = record.case.number.spelled(spelling);
    let mut came = |filing: &EntryRecord, what: String| {
        let entry = &filing.entry;
        let accepted = entry.files.iter().filter(|file| file.accepted).count();
        let files = format!("{what}; {accepted} of {} files accepted", entry.files.len());
        lines.push((entry.draft.registered_at, files));
    };
    came(&record.entry, format!("request registered as {number}"));
    for submission in &record.submissions {
        came(
            submission,
            format!("submission {} joins the case", submission.entry.submission),
        );
    }
    for row in &record.history {
        let what = match row.kind.as_str() {
            "consent.found" => "the written consent is found",
            "clarification.asked" => "clerk: asks for a clarification",
            "clarification.answered" => "the clarification is answered",
            "decision.recorded" => "clerk: records the decision",
            "pickup.arranged" => "clerk: arranges the pickup",
            "case.set-aside" => "clerk: closes the case without a decision",
            "case.closed" => "clerk: the document is handed over, the case closed",
            _ => continue,
        };
        lines.extend(
            Timestamp::from_microsecond(row.at)
                .ok()
                .map(|at| (at, what.to_owned())),
        );
    }
    for letter in &record.entry.letters {
        let mut what = letter.letter.kind.as_str().to_owned();
        if letter.letter.kind == outbox::Kind::Receipt && letter.letter.ordinal > 0 {
            what = format!("{what} of submission {}", letter.letter.ordinal);
        }
        if letter.state != LetterState::Sent {
            what = format!("{what} ({})", letter.state.as_str());
        }
        lines.push((letter.letter.queued_at, format!("→ letter: {what}")));
    }
    for one in &record.followups {
        if one.state == crate::store::FollowupState::Void {
            let at = one.settled_at.unwrap_or(one.planned.due_at);
            lines.push((at, format!("called off: {}", one.planned.kind.as_str())));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    lines
}
