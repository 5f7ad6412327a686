//! One mail for a person's eyes: its facts, and its bytes for a mail program.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::cli::held::mail;
use crate::cli::{Failure, json, text};
use crate::daemon::House;
use crate::mailbox::Extent;
use crate::message::Message;
use crate::receipt::wording::visible;
use crate::screening::{Outcome, Reason};
use crate::store::{Archive, MailRecord};

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
    if record.extent != Extent::Nothing {
        content(&Message::read(&bytes(house, &record)?));
    }
    text::line("");
    for line in what_to_do(&record) {
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

fn content(message: &Message) {
    let from = message.from.as_ref().map(|from| match &from.name {
        Some(name) => format!("{} <{}>", visible(name), visible(&from.address)),
        None => visible(&from.address),
    });
    text::line(&format!("from      {}", from.as_deref().unwrap_or("–")));
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
fn what_to_do(record: &MailRecord) -> Vec<String> {
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
            lines.push(
                "nothing to do: a letter tells its sender what to do; if it is to be taken all the same:"
                    .to_owned(),
            );
            lines.extend(enter);
        }
        (_, Reason::Duplicate | Reason::Vanished) => lines.push("nothing to decide".to_owned()),
        (Outcome::Filed | Outcome::Ignored, _) => {
            lines.push("nothing to do; if it is a request all the same:".to_owned());
            lines.extend(enter);
        }
    }
    lines
}
