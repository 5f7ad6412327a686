//! `case show`: everything about one case, as a clerk wants to see it.

use jiff::Timestamp;

use crate::casework::Consent;
use crate::cli::case::{object, parsed};
use crate::cli::{Failure, entries, link, text};
use crate::daemon::House;
use crate::receipt::wording::visible;
use crate::store::{CaseRecord, EntryRecord, Store};

#[derive(clap::Args)]
pub(super) struct Options {
    /// As on the receipt: 12/20.11.2026, or DEJ-12/20.11.2026 where there are several registers.
    number: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also write the decision's document to this file; `-` prints it and nothing else.
    #[arg(long, value_name = "FILE")]
    decision: Option<std::path::PathBuf>,
}

/// Shows one case.
pub(super) fn main(house: &House, options: &Options) -> Result<(), Failure> {
    let number = parsed(&options.number, house)?;
    let spelling = house.settings.spelling();
    let record = house.store.case(&number)?.ok_or_else(|| {
        Failure::Said(format!(
            "there is no case {}; `recipisa case list` shows the open ones",
            number.spelled(spelling)
        ))
    })?;
    if let Some(path) = &options.decision {
        let Some(decision) = &record.case.decision else {
            return Err(Failure::Said("the case has no decision yet".into()));
        };
        entries::write_archived(house, &decision.document_sha256, path)?;
        if path.as_os_str() == "-" {
            return Ok(());
        }
    }
    if options.json {
        text::line(&object::full(&record, spelling).to_string());
    } else {
        print_facts(&record, house);
        print_mails(&record);
        print_letters(&record);
        print_history(&record);
    }
    Ok(())
}

fn fact(name: &str, value: &str) {
    text::line(&format!("{name:<15} {}", visible(value)));
}

fn day(date: jiff::civil::Date) -> String {
    date.strftime("%d.%m.%Y").to_string()
}

fn print_facts(record: &CaseRecord, house: &House) {
    let case = &record.case;
    let state = case.state();
    fact("number", &case.number.spelled(house.settings.spelling()));
    fact("state", &format!("{} ({})", state.as_str(), state.clerk_ro()));
    fact("applicant", case.applicant.as_deref().unwrap_or("–"));
    fact("address", case.address.as_deref().unwrap_or("–"));
    fact("request type", &case.request_type);
    fact("subject", &case.subject);
    fact("office", &case.office);
    fact("received", &text::instant(case.received_at));
    fact("decision due", &day(case.due_on));
    let consent = match &case.consent {
        Consent::NotAsked => "not asked for".to_owned(),
        Consent::Missing => "MISSING; the citizen has got the blank form".to_owned(),
        Consent::Found(found) if found.submission == 0 => {
            format!("{}, with the request on {}", found.file_name, day(found.on))
        }
        Consent::Found(found) => format!(
            "{}, with submission {} on {}",
            found.file_name,
            found.submission,
            day(found.on)
        ),
    };
    fact("consent", &consent);
    for words in link::in_words(&record.entry.links, &case.number, house.settings.spelling()) {
        fact("linked", &words);
    }
    print_acts(record);
}

/// What the clerks have done so far.
fn print_acts(record: &CaseRecord) {
    let case = &record.case;
    for asked in &case.clarifications {
        let answer = asked.answer.map_or_else(
            || format!("no answer yet, until {}", day(asked.until)),
            |answer| {
                format!(
                    "answered by submission {} on {}",
                    answer.submission,
                    text::instant(answer.at)
                )
            },
        );
        fact(
            &format!("clarification {}", asked.ordinal),
            &format!("{answer} (asked by {})", asked.asked_by),
        );
        for line in asked.what.lines() {
            fact("", line);
        }
    }
    if let Some(decision) = &case.decision {
        let said = format!(
            "{} of {}, recorded by {}",
            decision.document_name,
            day(decision.on),
            decision.recorded_by
        );
        fact("decision", &said);
        fact("", &format!("sha256 {}", decision.document_sha256));
    }
    if let Some(appointment) = case.appointment() {
        let said = format!(
            "{}, {} minutes, {}",
            text::instant(appointment.starts_at),
            appointment.minutes,
            appointment.place
        );
        fact("pickup", &said);
    }
    if let Some(aside) = &case.set_aside {
        let said = format!(
            "{} without a decision: {}, recorded by {}",
            text::instant(aside.recorded_at),
            aside.reason,
            aside.recorded_by
        );
        fact("closed", &said);
    }
    if let Some(handover) = &case.handover {
        let said = format!(
            "{} on {}, recorded by {}",
            handover.how.as_str(),
            day(handover.on),
            handover.recorded_by
        );
        fact("handed over", &said);
    }
}

fn print_mails(record: &CaseRecord) {
    let print = |title: &str, filing: &EntryRecord| {
        text::line("");
        let entry = &filing.entry;
        text::line(&format!(
            "{title}, {}, mail {}, receipt {}",
            text::instant(entry.draft.received_at),
            entry.mail_seq,
            entries::receipt_state(filing)
        ));
        if entry.files.is_empty() {
            text::line("  no files");
        } else {
            entries::print_files(&entry.files);
        }
    };
    print("request", &record.entry);
    for submission in &record.submissions {
        print(&format!("submission {}", submission.entry.submission), submission);
    }
}

fn print_letters(record: &CaseRecord) {
    text::line("");
    let mut rows: Vec<Vec<String>> = record
        .entry
        .letters
        .iter()
        .map(|letter| {
            vec![
                letter.letter.kind.as_str().to_owned(),
                text::instant(letter.letter.queued_at),
                match &letter.reported {
                    Some(reported) => reported.delivery.as_str().to_owned(),
                    None => letter.state.as_str().to_owned(),
                },
                match &letter.reported {
                    Some(reported) if !reported.words.is_empty() => reported.words.clone(),
                    Some(_) | None => letter.last_answer.clone().unwrap_or_default(),
                },
            ]
        })
        .collect();
    for one in &record.followups {
        if one.state != crate::store::FollowupState::Done {
            rows.push(vec![
                one.planned.kind.as_str().to_owned(),
                text::instant(one.planned.due_at),
                one.state.as_str().to_owned(),
                one.last_error.clone().unwrap_or_default(),
            ]);
        }
    }
    text::table(&["letter", "written or due", "state", "answer"], &rows, 60);
}

fn print_history(record: &CaseRecord) {
    text::line("");
    let rows: Vec<Vec<String>> = record
        .history
        .iter()
        .map(|row| {
            let at = Timestamp::from_microsecond(row.at).unwrap_or(Timestamp::UNIX_EPOCH);
            vec![text::instant(at), row.kind.clone(), row.actor.clone()]
        })
        .collect();
    text::table(&["when", "what", "who"], &rows, 60);
}
