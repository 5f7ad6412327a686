//! `held`: the mails that need a person, and what the person decides. Mails that were answered, filed or ignored wrongly
//! can be taken up by the same commands.

mod show;

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use crate::cli::{Failure, json, open, text};
use crate::daemon::House;
use crate::mailbox::Extent;
use crate::message;
use crate::registry::Number;
use crate::store::{Desk, HeldAct, MailRecord, Store};

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
    /// Show one mail: why it is held and since when, who sent it, what it says and brings, what to do.
    Show {
        /// Its id, from the list or from `mails`.
        id: i64,
        /// Print the mail's bytes as they came, and nothing else.
        #[arg(long)]
        raw: bool,
        /// Print one JSON object.
        #[arg(long, conflicts_with = "raw")]
        json: bool,
    },
    /// Write the mail as it came, for a mail program; to standard output, or into a new file.
    Open {
        /// Its id, from the list or from `mails`.
        id: i64,
        /// A file that is not there yet, for example mesaj.eml; only its owner may read it.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Try again what failed: fetch it, or decide it by the rules.
    Retry(Common),
    /// Register it, whatever held it, or although it was answered, filed or ignored; `run` or the next `once` does it.
    Release(Common),
    /// Register it by hand, with what you know of it; what you leave out is taken from the mail.
    Register(Register),
    /// Add it to the case that it belongs to; a closed case takes nothing more.
    Join {
        #[command(flatten)]
        common: Common,
        /// The case's number as on the receipt: 12/20.11.2026, or DEJ-12/20.11.2026 where there are several registers.
        number: String,
    },
    /// It is no request, or its sender cannot be told: keep it, with the reason, and do not register it. Of mails that are
    /// held or were answered.
    Discard {
        #[command(flatten)]
        common: Common,
        /// Why; written into the journal.
        #[arg(long)]
        reason: String,
    },
}

/// What all acts share.
#[derive(clap::Args)]
struct Common {
    /// Its id, from the list or from `mails`.
    id: i64,
    /// Who decides; written into the journal. Left out, the user of this session.
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Register {
    #[command(flatten)]
    common: Common,
    /// The citizen's address: the receipt goes there, and what comes from there joins the case.
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// The applicant's name.
    #[arg(long)]
    name: Option<String>,
    /// The identifier of the request type, from the configuration.
    #[arg(long = "type", value_name = "ID")]
    request_type: Option<String>,
}

/// Does what the clerk says.
pub(super) fn main(config: Option<PathBuf>, options: Options) -> Result<(), Failure> {
    let house = open::house(config)?;
    match options.act.unwrap_or(Act::List { json: false }) {
        Act::List { json } => list(&house, json),
        Act::Show { id, raw: true, .. } => show::raw(&house, id),
        Act::Show { id, json: true, .. } => show::object(&house, id),
        Act::Show { id, .. } => show::page(&house, id),
        Act::Open { id, to } => show::open(&house, id, to.as_deref()),
        Act::Retry(common) => act(&house, common, Desk::Retry),
        Act::Release(common) => act(&house, common, Desk::Release),
        Act::Register(register) => by_hand(&house, register),
        Act::Join { common, number } => {
            let number = Number::parse(&number, house.settings.only_register())
                .map_err(|error| Failure::Said(error.to_string()))?;
            act(&house, common, Desk::Join { number })
        }
        Act::Discard { common, reason } => {
            if reason.trim().is_empty() {
                return Err(Failure::Said(
                    "say why with --reason \"…\"; the auditor will read it".into(),
                ));
            }
            act(&house, common, Desk::Discard { reason })
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
                reason_of(record, decision.reason.as_str()),
                decision.reason.clerk_ro().to_owned(),
            ]
        })
        .collect();
    text::table(
        &["id", "received", "from", "subject", "reason", "what to do"],
        &rows,
        110,
    );
    text::line(
        "\n`recipisa held show ID`, then `held release`, `register`, `join`, `retry` or `discard`; `held --help` explains them",
    );
    Ok(())
}

fn reason_of(record: &MailRecord, reason: &str) -> String {
    if record.is_recalled {
        format!("{reason}, asked for again")
    } else {
        reason.to_owned()
    }
}

fn mail(house: &House, id: i64) -> Result<MailRecord, Failure> {
    let record = house.store.mail(id)?;
    record.ok_or_else(|| {
        Failure::Said(format!(
            "there is no mail {id}; `recipisa held` lists the held ones, `recipisa mails` all"
        ))
    })
}

/// Registers with the clerk's words, after a look at them.
fn by_hand(house: &House, register: Register) -> Result<(), Failure> {
    let trimmed = |text: Option<String>| {
        text.map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    let (sender, name) = (trimmed(register.sender), trimmed(register.name));
    let refused = |why: &str| Err(Failure::Said(why.to_owned()));
    if sender.is_none() && name.is_none() && register.request_type.is_none() {
        return refused(
            "say what you know of it with --sender, --name or --type; as it is, `held release` registers it",
        );
    }
    if let Some(sender) = &sender {
        if !message::is_address(sender) {
            return refused("--sender is no e-mail address; write it as nume@domeniu.ro");
        }
        let own = crate::daemon::policy(&house.settings).screening.own_addresses;
        if own.contains(&sender.to_lowercase()) {
            return refused(
                "--sender is an address of the agency, and the receipt would come back; name the citizen's, or leave it out",
            );
        }
    }
    if let Some(wanted) = &register.request_type {
        let types = &house.settings.request_types;
        if !types.iter().any(|one| one.id == *wanted) {
            let known: Vec<&str> = types.iter().map(|one| one.id.as_str()).collect();
            let known = if known.is_empty() {
                "the configuration has none".to_owned()
            } else {
                format!("there are {}", known.join(", "))
            };
            return refused(&format!("there is no request type `{wanted}`; {known}"));
        }
    }
    let desk = Desk::Register {
        sender,
        name,
        request_type: register.request_type,
    };
    act(house, register.common, desk)
}

fn act(house: &House, common: Common, desk: Desk) -> Result<(), Failure> {
    let Common { id, actor, json } = common;
    let actor = actor.unwrap_or_else(actor_of_session);
    let act = HeldAct {
        mail_seq: id,
        desk,
        actor,
        at: house.clock.now(),
    };
    house.store.mail_held_act(&act)?;
    let record = mail(house, id)?;
    if json {
        let object = json!({
            "schema": json::SCHEMA, "kind": "held-act", "act": verb(&act.desk), "mail_id": id, "actor": act.actor,
            "fetched_first": record.is_recalled,
        });
        text::line(&object.to_string());
    } else {
        text::line(&said(&act.desk, &record));
    }
    Ok(())
}

fn verb(desk: &Desk) -> &'static str {
    match desk {
        Desk::Retry => "retry",
        Desk::Release => "release",
        Desk::Register { .. } => "register",
        Desk::Join { .. } => "join",
        Desk::Discard { .. } => "discard",
    }
}

fn said(desk: &Desk, record: &MailRecord) -> String {
    let id = record.seq;
    let what = match desk {
        Desk::Discard { .. } => {
            return format!("mail {id} is discarded; its bytes and your reason are kept");
        }
        Desk::Retry => "is decided again",
        Desk::Release => "is released, and registered",
        Desk::Register { .. } => "is registered with your words",
        Desk::Join { .. } => "joins its case",
    };
    if record.is_recalled {
        let source = &record.source;
        let part = match record.extent {
            Extent::HeaderOnly => "only its header is here",
            Extent::Whole | Extent::Nothing => "its bytes are not here",
        };
        return format!(
            "mail {id} {what} when it has been fetched, for {part}: source {source} is asked for it at its next poll"
        );
    }
    format!("mail {id} {what} by `run` within seconds, otherwise by `recipisa once`")
}

/// Who sits at the keyboard, as far as the system knows.
pub(super) fn actor_of_session() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|name| !name.trim().is_empty())
        .unwrap_or_else(|| "unknown".into())
}
