//! What belongs together (conexe): entries that may be one matter, and mails that came to several offices. The facts,
//! and how page, table and object show them.
//!
//! Left out: what makes two entries belong together, which the registry decides.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::facts::Scope;
use super::sections::{Command, Row, Section, joined_words, numbered, section};
use super::table;
use super::words::{self, shown};
use crate::receipt::wording::day_and_hour;
use crate::registry::LinkWhy;

/// All of it that a digest tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conexe {
    /// Links that no clerk has decided about, whenever they were proposed, oldest first.
    pub links: Vec<ProposedLink>,
    /// Mails of the period that another source had brought before, for the offices of both.
    pub copies: Vec<Copied>,
}

/// A later entry that may belong to an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedLink {
    pub number: String,
    pub applicant: Option<String>,
    pub office: String,
    pub earlier: String,
    pub why: LinkWhy,
}

/// A mail that is registered once and came to two sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its place in the order of arrival.
    pub mail_id: i64,
    pub received_at: Timestamp,
    /// The source that brought it again.
    pub source: String,
    /// The source that brought it before.
    pub first_source: String,
    /// What it is registered as.
    pub number: String,
    pub applicant: Option<String>,
}

/// The section of the links, where there are any.
pub(super) fn proposed(conexe: &Conexe, scope: &Scope) -> Option<Section> {
    let row = |link: &ProposedLink| Row {
        title: numbered(&link.number, link.applicant.as_deref()),
        lines: vec![joined_words(&[&why(link)], &link.office, scope)],
        commands: commands(link)
            .into_iter()
            .map(|(purpose, text)| Command { purpose, text })
            .collect(),
        ..Row::default()
    };
    let title = "Înregistrări care par să aibă legătură (conexe)";
    (!conexe.links.is_empty()).then(|| section(title, "recipisa entries", &conexe.links, row))
}

/// The section of the mails that came twice, where there are any.
pub(super) fn copied(conexe: &Conexe) -> Option<Section> {
    let row = |copy: &Copied| Row {
        title: numbered(&copy.number, copy.applicant.as_deref()),
        when: day_and_hour(copy.received_at),
        lines: vec![shown(&told(copy))],
        ..Row::default()
    };
    let title = "Mesaje sosite și la alt punct de lucru, înregistrate o singură dată";
    (!conexe.copies.is_empty()).then(|| section(title, "recipisa mails", &conexe.copies, row))
}

fn why(link: &ProposedLink) -> String {
    format!("{} {}", link.why.clerk_ro(), link.earlier)
}

fn told(copy: &Copied) -> String {
    format!(
        "mesajul {}, sosit la {}, a sosit și la {}; înregistrat cu nr. {}",
        copy.mail_id, copy.source, copy.first_source, copy.number
    )
}

fn commands(link: &ProposedLink) -> [(&'static str, String); 2] {
    let act = |verb: &str| format!("recipisa link {} {} --{verb}", link.number, link.earlier);
    [
        ("Confirmați legătura:", act("confirm")),
        ("Sau respingeți-o:", act("reject")),
    ]
}

/// The rows of the table.
pub(super) fn rows(conexe: &Conexe) -> Vec<table::Row> {
    let links = conexe.links.iter().map(|link| table::Row {
        section: "Legătură propusă",
        number: link.number.clone(),
        applicant: link.applicant.clone().unwrap_or_default(),
        office: link.office.clone(),
        state: why(link),
        todo: commands(link)
            .map(|(purpose, command)| format!("{purpose} {command}"))
            .join(" | "),
        ..table::Row::default()
    });
    let copies = conexe.copies.iter().map(|copy| table::Row {
        section: "Sosit și la alt punct de lucru",
        number: copy.number.clone(),
        applicant: copy.applicant.clone().unwrap_or_default(),
        date: table::day_of(copy.received_at),
        hour: words::hour(copy.received_at),
        state: told(copy),
        ..table::Row::default()
    });
    links.chain(copies).collect()
}

/// The members of the object: `links_proposed` and `copies`.
pub(super) fn links_json(conexe: &Conexe) -> Vec<Value> {
    let link = |link: &ProposedLink| {
        json!({
            "number": link.number,
            "applicant": link.applicant,
            "office": link.office,
            "earlier": link.earlier,
            "why": link.why.as_str(),
            "commands": commands(link).map(|(_, command)| command),
        })
    };
    conexe.links.iter().map(link).collect()
}

/// See [`links_json`].
pub(super) fn copies_json(conexe: &Conexe) -> Vec<Value> {
    let copy = |copy: &Copied| {
        json!({
            "mail_id": copy.mail_id,
            "received_at": copy.received_at.to_string(),
            "source": copy.source,
            "first_source": copy.first_source,
            "number": copy.number,
            "applicant": copy.applicant,
        })
    };
    conexe.copies.iter().map(copy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::specimen::empty_day;
    use crate::digest::{csv, html, json, text};

    #[test]
    fn what_belongs_together_is_told_only_where_there_is_something() {
        let mut facts = empty_day();
        assert!(!text(&facts).contains("conexe") && !text(&facts).contains("alt punct de lucru"));
        facts.conexe.links.push(ProposedLink {
            number: "13/20.11.2026".into(),
            applicant: Some("<b>Ana</b> Pop".into()),
            office: "Dej-Exemplu".into(),
            earlier: "12/19.11.2026".into(),
            why: LinkWhy::Files,
        });
        facts.conexe.copies.push(Copied {
            mail_id: 9,
            received_at: "2026-11-19T08:00:00Z".parse().unwrap(),
            source: "dej".into(),
            first_source: "somaj".into(),
            number: "12/19.11.2026".into(),
            applicant: None,
        });
        let shown = text(&facts);
        for words in [
            "are aceleași fișiere ca nr. 12/19.11.2026",
            "recipisa link 13/20.11.2026 12/19.11.2026 --reject",
            "a sosit și la somaj; înregistrat cu nr. 12/19.11.2026",
        ] {
            assert!(shown.contains(words), "{words}: {shown}");
            let table = String::from_utf8(csv(&facts)).unwrap();
            assert!(table.contains(words), "{words}: {table}");
        }
        let html = html(&facts);
        assert!(
            html.contains("are aceleași fișiere ca nr.") && !html.contains("<b>Ana"),
            "{html}"
        );
        let object = json(&facts);
        assert_eq!(object["links_proposed"][0]["why"], "files");
        assert_eq!(object["copies"][0]["first_source"], "somaj");
    }
}
