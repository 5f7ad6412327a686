//! `held`: the mails that need a person, and what the person decides.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::{Failure, json, open, text};
use crate::daemon::House;
use crate::message::Message;
use crate::store::{Archive, Desk, HeldAct, MailRecord, Store};

#[derive(clap::Args)]
pub(super) struct Options {
    #[command(subcommand)]
    act: Option<Act>,
}

#[derive(Subcommand)]
enum Act {
    /// List the held mails (the default).
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one held mail: why it is held, who sent it, what it says.
    Show {
        /// Its id, from the list.
        id: i64,
        /// Print the mail's bytes as they came, and nothing else.
        #[arg(long)]
        raw: bool,
    },
    /// Register it, whatever held it; `run` or the next `once` does it.
    Release {
        /// Its id, from the list.
        id: i64,
        /// Who decides; written into the journal.
        #[arg(long = "as", value_name = "NAME")]
        actor: Option<String>,
    },
    /// It is no request: keep it, with the reason, and do not register it.
    Discard {
        /// Its id, from the list.
        id: i64,
        /// Why; written into the journal.
        #[arg(long)]
        reason: String,
        /// Who decides; written into the journal.
        #[arg(long = "as", value_name = "NAME")]
        actor: Option<String>,
    },
}

/// Does what the clerk says.
pub(super) fn main(config: Option<PathBuf>, options: Options) -> Result<(), Failure> {
    let house = open::house(config)?;
    match options.act.unwrap_or(Act::List { json: false }) {
        Act::List { json } => list(&house, json),
        Act::Show { id, raw } => show(&house, id, raw),
        Act::Release { id, actor } => act(&house, id, Desk::Release, actor),
        Act::Discard { id, reason, actor } => {
            if reason.trim().is_empty() {
                return Err(Failure::Said(
                    "say why with --reason \"…\"; the auditor will read it".into(),
                ));
            }
            act(&house, id, Desk::Discard { reason }, actor)
        }
    }
}

fn list(house: &House, as_json: bool) -> Result<(), Failure> {
    let held = house.store.mails_held()?;
    if as_json {
        for record in &held {
            text::line(&json::stored_mail(record, house.settings.spelling()).to_string());
        }
        return Ok(());
    }
    if held.is_empty() {
        text::line("no mail is held");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = held
        .iter()
        .filter_map(|record| Some((record, record.decision.as_ref()?)))
        .map(|(record, decision)| {
            vec![
                record.seq.to_string(),
                text::instant(record.received_at),
                decision.summary.sender_address.clone().unwrap_or_default(),
                decision.summary.subject.clone(),
                decision.reason.as_str().to_owned(),
                decision.reason.clerk_ro().to_owned(),
            ]
        })
        .collect();
    text::table(
        &["id", "received", "from", "subject", "reason", "what to do"],
        &rows,
        110,
    );
    text::line("\n`recipisa held show ID`, then `held release ID` or `held discard ID --reason \"…\"`");
    Ok(())
}

fn held_mail(house: &House, id: i64) -> Result<MailRecord, Failure> {
    let record = house.store.mail(id)?;
    record.ok_or_else(|| {
        Failure::Said(format!(
            "there is no mail {id}; `recipisa held` lists the held ones"
        ))
    })
}

fn show(house: &House, id: i64, raw: bool) -> Result<(), Failure> {
    let record = held_mail(house, id)?;
    let bytes = house.archive.read(&record.sha256)?;
    if raw {
        text::bytes(&bytes);
        return Ok(());
    }
    let message = Message::read(&bytes);
    let from = message.from.as_ref().map(|from| from.address.clone());
    text::line(&format!(
        "mail      {id}, received {}, {} bytes",
        text::instant(record.received_at),
        bytes.len()
    ));
    if let Some(decision) = &record.decision {
        text::line(&format!(
            "{:<9} {} ({})",
            decision.outcome.as_str(),
            decision.reason.clerk_ro(),
            decision.reason.as_str()
        ));
        if !decision.detail.is_empty() {
            text::line(&format!("detail    {}", decision.detail));
        }
    }
    text::line(&format!("from      {}", from.as_deref().unwrap_or("–")));
    text::line(&format!("subject   {}", message.subject));
    for file in &message.files {
        text::line(&format!(
            "file      {} ({}, {} bytes)",
            crate::receipt::wording::visible(&file.name),
            file.declared,
            file.bytes.len()
        ));
    }
    text::line("");
    text::line(
        message
            .text
            .lines()
            .take(60)
            .collect::<Vec<_>>()
            .join("\n")
            .as_str(),
    );
    Ok(())
}

fn act(house: &House, id: i64, desk: Desk, actor: Option<String>) -> Result<(), Failure> {
    let actor = actor.unwrap_or_else(actor_of_session);
    let released = desk == Desk::Release;
    house.store.mail_held_act(&HeldAct {
        mail_seq: id,
        desk,
        actor,
        at: house.clock.now(),
    })?;
    text::line(&if released {
        format!("mail {id} is released; `run` registers it within seconds, otherwise `recipisa once` does")
    } else {
        format!("mail {id} is discarded; its bytes and your reason are kept")
    });
    Ok(())
}

/// Who sits at the keyboard, as far as the system knows.
pub(super) fn actor_of_session() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "unknown".into())
}
