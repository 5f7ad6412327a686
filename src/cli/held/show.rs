//! One mail for a person's eyes: its facts, and its bytes for a mail program.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::cli::held::mail;
use crate::cli::{Failure, json, text};
use crate::daemon::House;
use crate::mailbox::Extent;
use crate::message::{Mailbox, Message, Senders};
use crate::outbox::Kind;
use crate::receipt::wording::visible;
use crate::registry::Delivery;
use crate::screening::{Outcome, Reason};
use crate::store::{Archive, LetterRecord, LetterState, MailLetters, MailRecord, Store};

/// More lines of a letter are for a mail program.
const LINES_MAX: usize = 60;

pub(super) fn raw(house: &House, id: i64) -> Result<(), Failure> {
    text::bytes(&bytes(house, &mail(house, id)?)?);
    Ok(())
}

pub(super) fn object(house: &House, id: i64) -> Result<(), Failure> {
    let record = mail(house, id)?;
    text::line(&json::stored_mail(&record, house.settings.spelling()).to_string());
    Ok(())
}

/// Writes the bytes for a mail program.
pub(super) fn open(house: &House, id: i64, to: Option<&Path>) -> Result<(), Failure> {
    let record = mail(house, id)?;
    let bytes = bytes(house, &record)?;
    let Some(to) = to else {
        text::bytes(&bytes);
        return Ok(());
    };
    let failed = |doing: &'static str| {
        move |source| Failure::File {
            doing,
            path: to.display().to_string(),
            source,
        }
    };
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(failed("making"))?;
    file.write_all(&bytes).map_err(failed("writing"))?;
    text::line(&format!(
        "mail {id} is in {}: open it with a mail program (Thunderbird: File, Open, Saved Message), not with a browser; \
         its files have been checked for their form and not for malware. Delete it when you have read it",
        to.display()
    ));
    if record.extent == Extent::HeaderOnly {
        text::line(&format!(
            "only its header is here; `recipisa held release {id}` fetches the rest"
        ));
    }
    Ok(())
}

fn bytes(house: &House, record: &MailRecord) -> Result<Vec<u8>, Failure> {
    if record.extent == Extent::Nothing {
        return Err(Failure::Said(format!(
            "nothing of mail {} is here: the server did not give its bytes; look into the mailbox of source {}",
            record.seq, record.source
        )));
    }
    Ok(house.archive.read(&record.sha256)?)
}

pub(super) fn page(house: &House, id: i64) -> Result<(), Failure> {
    let record = mail(house, id)?;
    let (received, source) = (text::instant(record.received_at), &record.source);
    let here = match record.extent {
        Extent::Whole => format!("{} bytes", record.size_bytes),
        Extent::HeaderOnly => "only its header is here".to_owned(),
        Extent::Nothing => "its bytes are not here".to_owned(),
    };
    text::line(&format!(
        "mail      {id}, received {received} by source {source}, {here}"
    ));
    decision(house, &record);
    let letters = house.store.mail_letters(id)?;
    about(house, &record, &letters);
    if record.extent != Extent::Nothing {
        let bytes = bytes(house, &record)?;
        senders(&Senders::read(&bytes));
        content(&Message::read(&bytes));
    }
    text::line("");
    for line in what_to_do(&record, &letters) {
        text::line(&line);
    }
    Ok(())
}

fn decision(house: &House, record: &MailRecord) {
    let Some(decision) = &record.decision else {
        return text::line("waits     for its decision");
    };
    let since = record
        .decided_at
        .map_or_else(String::new, |at| format!(", since {}", text::instant(at)));
    text::line(&format!(
        "{:<9} {} ({}){since}",
        decision.outcome.as_str(),
        decision.reason.clerk_ro(),
        decision.reason.as_str()
    ));
    if let Some(number) = &decision.number {
        text::line(&format!(
            "number    {}",
            number.spelled(house.settings.spelling())
        ));
    }
    if !decision.detail.is_empty() {
        text::line(&format!("detail    {}", visible(&decision.detail)));
    }
    if record.is_recalled {
        text::line("fetched   at the next poll: a clerk has asked for it");
    }
}

/// The letters that answer it, and of a report those that it speaks of.
fn about(house: &House, record: &MailRecord, letters: &MailLetters) {
    for answer in &letters.answers {
        let state = match answer.reported.as_ref().map(|reported| reported.delivery) {
            Some(delivery) if answer.state == LetterState::Sent => delivery.as_str(),
            Some(_) | None => answer.state.as_str(),
        };
        let reported = answer.reported.as_ref().map(|reported| &reported.words);
        let words = reported.or(answer.last_answer.as_ref());
        let words = words.filter(|words| !words.is_empty());
        text::line(&format!(
            "letter    {} to {}, {state}{}",
            answer.letter.kind.as_str(),
            visible(&answer.letter.to),
            words.map_or_else(String::new, |words| format!(": {}", visible(words)))
        ));
    }
    let is_filed = record.decision.as_ref().map(|decision| decision.outcome) == Some(Outcome::Filed);
    if is_filed && letters.spoken_of.is_empty() {
        text::line("about     no letter of ours");
    }
    for letter in &letters.spoken_of {
        let of = letter.number.as_ref().map_or_else(String::new, |number| {
            format!(" of {}", number.spelled(house.settings.spelling()))
        });
        text::line(&format!(
            "about     our {}{of} to {}",
            letter.kind.as_str(),
            visible(&letter.to)
        ));
    }
}

/// Whether a letter that answers the mail did not arrive, as far as is known.
fn is_lost(answer: &LetterRecord) -> bool {
    let is_returned = answer.reported.as_ref().map(|reported| reported.delivery) == Some(Delivery::Bounced);
    answer.letter.kind != Kind::ReadReport
        && (answer.state == LetterState::GivenUp || answer.state == LetterState::Sent && is_returned)
}

/// All of them: where there are several, the clerk says which one is the citizen.
fn senders(senders: &Senders) {
    let line = |label: &str, mailbox: &Mailbox| {
        let address = visible(&mailbox.address);
        let words = match &mailbox.name {
            Some(name) => format!("{} <{address}>", visible(name)),
            None => address,
        };
        text::line(&format!("{label:<9} {words}"));
    };
    if senders.from.is_empty() {
        text::line("from      –");
    }
    for from in &senders.from {
        line("from", from);
    }
    for reply_to in senders.reply_to.iter().filter(|one| !senders.from.contains(one)) {
        line("reply to", reply_to);
    }
}

fn content(message: &Message) {
    let to: Vec<String> = message.to.iter().map(|one| visible(&one.address)).collect();
    if !to.is_empty() {
        text::line(&format!("to        {}", to.join(", ")));
    }
    text::line(&format!("subject   {}", visible(&message.subject)));
    if let Some(date) = message.date {
        text::line(&format!("dated     {}", text::instant(date)));
    }
    for file in &message.files {
        text::line(&format!(
            "file      {} ({}, {} bytes)",
            visible(&file.name),
            file.declared,
            file.bytes.len()
        ));
    }
    text::line("");
    for line in message.text.lines().take(LINES_MAX) {
        text::line(&visible(line));
    }
}

/// The commands that are of use now, each with its purpose.
fn what_to_do(record: &MailRecord, letters: &MailLetters) -> Vec<String> {
    let id = record.seq;
    let Some(decision) = &record.decision else {
        return vec![
            "nothing to do: it is decided by `run` within seconds, otherwise by `recipisa once`".to_owned(),
        ];
    };
    let command = |verb: &str, rest: &str, purpose: &str| {
        let line = format!("recipisa held {verb} {id}{rest}");
        format!("{line:<62} {purpose}")
    };
    let open = command("open", " --to mesaj.eml", "read it in a mail program");
    let enter = [
        command("release", "", "register it as it is"),
        command(
            "register",
            " --sender ADDRESS --name NAME",
            "register it with what you know",
        ),
        command("join", " NUMBER", "add it to its case"),
    ];
    let mut lines = Vec::new();
    if record.extent != Extent::Nothing {
        lines.push(open);
    }
    match (decision.outcome, decision.reason) {
        (Outcome::Registered | Outcome::Joined, _) => {
            lines.push(
                "nothing to decide: it has its number; `recipisa show NUMBER` tells the rest".to_owned(),
            );
        }
        (Outcome::Held, _) => {
            lines.push(command("retry", "", "try again what failed"));
            lines.extend(enter);
            lines.push(command("discard", " --reason \"…\"", "it is no request"));
        }
        (Outcome::Answered, _) => {
            let said = if letters.answers.iter().any(is_lost) {
                "the letter that tells its sender what to do did not arrive: find another way to its sender, or:"
            } else {
                "nothing to do: a letter tells its sender what to do; if it is to be taken all the same:"
            };
            lines.push(said.to_owned());
            lines.extend(enter);
            lines.push(command(
                "discard",
                " --reason \"…\"",
                "nothing more is to be done",
            ));
        }
        (_, Reason::Duplicate | Reason::Vanished) => lines.push("nothing to decide".to_owned()),
        (Outcome::Filed | Outcome::Ignored, _) => {
            lines.push("nothing to do; if it is a request all the same:".to_owned());
            lines.extend(enter);
        }
    }
    lines
}
