//! Registers, offices (points of work), sources and the transport.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp};

use super::oauth::{self, Issuers};
use super::reader::Section;
use super::secret::Credentials;
use super::{Carrier, Sending, Source, SourceKind, sending};
use crate::calendar::hours::{Hours, OfficeHours};
use crate::edge::tls::{self, Security};
use crate::edge::{imap, smtp};

/// A register: numbers run from 1 in it each year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// Written before the number where there are several registers.
    pub code: String,
    pub name: String,
}

/// A point of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    pub id: String,
    pub name: String,
    pub address: String,
    /// One line that tells a citizen whom to ask.
    pub contact: String,
    /// Code of the register that it writes into.
    pub register: String,
    pub hours: OfficeHours,
    /// Who gets the digest of this office.
    pub digest_to: Vec<String>,
    /// Letters ask for a read report.
    pub read_reports: bool,
    /// Read reports that citizens ask for are given.
    pub answer_read_reports: bool,
}

const PROTECTED: [(&str, Security); 2] = [("tls", Security::Tls), ("starttls", Security::StartTls)];

const WEEK: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// `[[register]]`; at least one.
pub(super) fn registers(root: &Section<'_, '_>) -> Vec<Register> {
    let mut registers: Vec<Register> = Vec::new();
    let mut codes = BTreeSet::new();
    for section in root.sections("register") {
        let code = section.text("code", "a short code of letters and digits, for example \"CJ\"");
        let name = section.text("name", "the name of the register, as printed on receipts");
        if let Some(code) = &code {
            if !is_name(code) {
                section.wrong(
                    "code",
                    "a code has only letters without diacritics, digits, - and _",
                    "for example \"CJ\"",
                );
            }
            if !codes.insert(code.clone()) {
                section.wrong(
                    "code",
                    "this code is used twice",
                    "give every register a code of its own",
                );
            }
        }
        section.finish();
        if let (Some(code), Some(name)) = (code, name) {
            registers.push(Register { code, name });
        }
    }
    if !root.has("register") {
        root.wrong(
            "register",
            "there is no register",
            "add [[register]] with `code` and `name`",
        );
    }
    registers
}

/// `[[office]]`; at least one.
pub(super) fn offices(root: &Section<'_, '_>) -> Vec<Office> {
    let codes = root.names("register", "code");
    let mut ids = BTreeSet::new();
    let mut offices: Vec<Office> = Vec::new();
    for section in root.sections("office") {
        let id = section.text("id", "a short name for the configuration, for example \"cluj\"");
        let name = section.text("name", "the name of the point of work, as printed on receipts");
        let address = section.text("address", "where citizens come in person");
        let contact = section.text("contact", "one line that tells citizens whom to ask");
        let register = section.text("register", "the `code` of a [[register]]");
        if let Some(code) = &register
            && !codes.is_empty()
            && !codes.contains(code)
        {
            section.wrong(
                "register",
                "there is no register with this code",
                "use the `code` of a [[register]]",
            );
        }
        if let Some(id) = &id
            && !ids.insert(id.clone())
        {
            section.wrong(
                "id",
                "this id is used twice",
                "give every office an id of its own",
            );
        }
        let hours = hours(&section);
        let digest_to = addresses(&section, "digest_to");
        let read_reports = section.flag("read_reports", true);
        let answer_read_reports = section.flag("answer_read_reports", true);
        section.finish();
        if let (Some(id), Some(name), Some(address), Some(contact), Some(register), Some(hours)) =
            (id, name, address, contact, register, hours)
        {
            offices.push(Office {
                id,
                name,
                address,
                contact,
                register,
                hours,
                digest_to,
                read_reports,
                answer_read_reports,
            });
        }
    }
    if !root.has("office") {
        root.wrong(
            "office",
            "there is no office",
            "add [[office]] with `id`, `name`, `address`, `contact`, `register`",
        );
    }
    offices
}

/// `hours = { monday = "08:00-16:30", … }`; a day that is left out is closed.
fn hours(section: &Section<'_, '_>) -> Option<OfficeHours> {
    if !section.has("hours") {
        return Some(OfficeHours::default());
    }
    let table = section.section("hours")?;
    let mut week: [Option<Hours>; 7] = [None; 7];
    let mut sound = true;
    for (key, weekday) in WEEK {
        if table.has(key) {
            let day = table.parsed(key, "write hours as \"08:00-16:30\"");
            sound &= day.is_some();
            week[weekday.to_monday_zero_offset() as usize] = day;
        }
    }
    table.finish();
    if !sound {
        return None;
    }
    match OfficeHours::new(week) {
        Ok(hours) => Some(hours),
        Err(error) => {
            section.wrong("hours", error.to_string(), "open the office on at least one day");
            None
        }
    }
}

/// `[[source]]`; at least one.
pub(super) fn sources(
    root: &Section<'_, '_>,
    credentials: Credentials<'_>,
    issuers: &Issuers,
) -> Vec<Source> {
    let ids = root.names("office", "id");
    let mut sources: Vec<Source> = Vec::new();
    let mut names = BTreeSet::new();
    for section in root.sections("source") {
        let name = section.text(
            "name",
            "a short name for records, for example \"somaj\"; it never changes",
        );
        if let Some(name) = &name {
            if !is_name(name) {
                section.wrong(
                    "name",
                    "a name has only letters without diacritics, digits, - and _",
                    "for example \"somaj\"",
                );
            }
            if !names.insert(name.clone()) {
                section.wrong(
                    "name",
                    "this name is used twice",
                    "give every source a name of its own",
                );
            }
        }
        let address = address(
            &section,
            "address",
            "the dedicated e-mail address of this mailbox",
        );
        let office = section.text("office", "the `id` of an [[office]]");
        if let Some(id) = &office
            && !ids.is_empty()
            && !ids.contains(id)
        {
            section.wrong(
                "office",
                "there is no office with this id",
                "use the `id` of an [[office]]",
            );
        }
        let poll_seconds = section.integer("poll_seconds", 30, 1..=3_600);
        let hours = section.integer("alarm_after_hours", 4, 1..=720);
        let alarm_after = SignedDuration::from_hours(i64::try_from(hours).unwrap_or(i64::MAX));
        let start = start(&section);
        let authserv_ids = authserv_ids(&section);
        let kind = source_kind(&section, credentials, issuers);
        section.finish();
        if let (Some(name), Some(address), Some(office), Some(kind)) = (name, address, office, kind) {
            sources.push(Source {
                name,
                address,
                office,
                poll_seconds,
                alarm_after,
                authserv_ids,
                start,
                kind,
            });
        }
    }
    if !root.has("source") {
        root.wrong(
            "source",
            "there is no source",
            "add [[source]] with `name`, `kind`, `address`, `office`",
        );
    }
    sources
}

/// `start = 2026-12-01`, or a date with an hour: the legal time of Romania unless it says another offset.
fn start(section: &Section<'_, '_>) -> Option<Timestamp> {
    let at = section.moment("start")?;
    if at < Timestamp::UNIX_EPOCH {
        section.wrong(
            "start",
            "there was no mail then",
            "remove it, and all mails are registered",
        );
    }
    Some(at)
}

/// The names of the servers whose Authentication-Results are believed in this mailbox.
fn authserv_ids(section: &Section<'_, '_>) -> BTreeSet<String> {
    let ids = section.texts("authserv_ids");
    for wrong in ids
        .iter()
        .filter(|id| id.is_empty() || id.contains(|c: char| c.is_whitespace() || c.is_control() || c == ';'))
    {
        section.wrong(
            "authserv_ids",
            format!("\"{wrong}\" is no name that a server writes there"),
            "look into the header of a mail in this mailbox: it is the first word behind `Authentication-Results:`",
        );
    }
    ids.iter().map(|id| id.to_lowercase()).collect()
}

fn source_kind(
    section: &Section<'_, '_>,
    credentials: Credentials<'_>,
    issuers: &Issuers,
) -> Option<SourceKind> {
    #[derive(Clone, Copy)]
    enum Word {
        Imap,
        Folder,
    }
    const HINT: &str = "write \"imap\" for a mail server, \"folder\" for a Maildir or a folder of .eml files";
    let words = [("imap", Word::Imap), ("folder", Word::Folder)];
    match kind(section, "this kind of source is not known", HINT, &words)? {
        Word::Imap => {
            imap_account(section, credentials, issuers).map(|account| SourceKind::Imap(Box::new(account)))
        }
        Word::Folder => {
            let path = section.path("path", "the Maildir, or the folder of .eml files");
            let move_to = section.path_opt("move_to");
            if path.is_some() && path == move_to {
                section.wrong("move_to", SAME_FOLDER, "name another folder");
            }
            Some(SourceKind::Folder { path: path?, move_to })
        }
    }
}

const SAME_FOLDER: &str = "kept mail cannot be moved into the folder it is read from";

/// The word of `kind`, which decides which other keys there are.
pub(super) fn kind<T: Copy>(
    section: &Section<'_, '_>,
    why: &str,
    hint: &str,
    words: &[(&str, T)],
) -> Option<T> {
    let text = section.text("kind", hint);
    let found = text
        .as_ref()
        .and_then(|text| words.iter().find(|(word, _)| word == text));
    if found.is_none() {
        section.pass_over();
        if text.is_some() {
            section.wrong("kind", why, hint);
        }
    }
    found.map(|(_, value)| *value)
}

fn imap_account(
    section: &Section<'_, '_>,
    credentials: Credentials<'_>,
    issuers: &Issuers,
) -> Option<imap::Account> {
    let host = section.text("host", "the name of the IMAP server, as in its certificate");
    let security = section.choice("security", Some(Security::Tls), &PROTECTED);
    let usual = if security == Some(Security::StartTls) {
        143
    } else {
        993
    };
    let port = section.integer("port", usual, 1..=65_535) as u16;
    let user = section.text("user", "the user name of the mailbox");
    let proof = oauth::proof(section, credentials, issuers);
    let folder = section.text_opt("folder").unwrap_or_else(|| "INBOX".into());
    let move_to = match section.text_opt("move_to") {
        None => Some("Inregistrate".to_owned()),
        Some(text) => Some(text).filter(|text| !text.is_empty()),
    };
    if move_to.as_deref() == Some(folder.as_str()) {
        section.wrong("move_to", SAME_FOLDER, "name another folder");
    }
    let idle = section.flag("idle", true);
    let ca_file = ca_file(section);
    Some(imap::Account {
        host: host?,
        port,
        security: security?,
        user: user?,
        proof: proof?,
        folder,
        move_to,
        idle,
        ca_file,
        visit: imap::Visit::Work,
    })
}

/// `[transport]`.
pub(super) fn transport(
    section: Section<'_, '_>,
    credentials: Credentials<'_>,
    issuers: &Issuers,
) -> Option<(Carrier, Sending)> {
    #[derive(Clone, Copy)]
    enum Word {
        Smtp,
        Folder,
    }
    const HINT: &str = "write \"smtp\" for a mail server, \"folder\" to write letters as files";
    let words = [("smtp", Word::Smtp), ("folder", Word::Folder)];
    let carrier = match kind(&section, "this kind of transport is not known", HINT, &words) {
        Some(Word::Smtp) => {
            smtp_server(&section, credentials, issuers).map(|server| Carrier::Smtp(Box::new(server)))
        }
        Some(Word::Folder) => section
            .path("path", "the folder for letters")
            .map(|path| Carrier::Folder { path }),
        None => None,
    };
    let sending = sending::read(&section);
    section.finish();
    carrier.map(|carrier| (carrier, sending))
}

fn smtp_server(
    section: &Section<'_, '_>,
    credentials: Credentials<'_>,
    issuers: &Issuers,
) -> Option<smtp::Server> {
    let host = section.text("host", "the name of the submission server, as in its certificate");
    let security = section.choice("security", Some(Security::StartTls), &PROTECTED);
    let usual = if security == Some(Security::Tls) { 465 } else { 587 };
    let port = section.integer("port", usual, 1..=65_535) as u16;
    let user = section.text_opt("user");
    let proof = if section.has("user") {
        oauth::proof(section, credentials, issuers)
    } else {
        for (key, what) in [("password", "a password"), ("oauth", "a token")] {
            if section.has(key) {
                section.wrong_unshown(
                    key,
                    format!("there is {what} and no user"),
                    format!("add `user`, or remove `{key}`"),
                );
            }
        }
        None
    };
    let hello = section.text_opt("hello").unwrap_or_else(|| "localhost".into());
    let ca_file = ca_file(section);
    let delivery_reports = section.flag("delivery_reports", true);
    let verp = sending::verp(section);
    let login = match (user, proof) {
        (None, None) => None,
        (Some(user), Some(proof)) => Some((user, proof)),
        // Told above; a server with half a login must not be built.
        (Some(_), None) | (None, Some(_)) => return None,
    };
    Some(smtp::Server {
        host: host?,
        port,
        security: security?,
        login,
        hello,
        ca_file,
        delivery_reports,
        verp,
    })
}

pub(super) fn ca_file(section: &Section<'_, '_>) -> Option<PathBuf> {
    let path = section.path_opt("ca_file")?;
    if let Err(error) = tls::pem_authorities(Some(&path)) {
        let hint = "name a PEM file with the certificate of the authority, or remove the key";
        section.wrong("ca_file", crate::flow::with_causes(&error), hint);
    }
    Some(path)
}

/// A list of plain mail addresses.
pub(super) fn addresses(section: &Section<'_, '_>, key: &str) -> Vec<String> {
    let mut addresses = section.texts(key);
    let mut seen = BTreeSet::new();
    addresses.retain(|address| seen.insert(address.to_lowercase()));
    for wrong in addresses
        .iter()
        .filter(|text| text.parse::<lettre::Address>().is_err())
    {
        section.wrong(
            key,
            format!("\"{wrong}\" is no e-mail address"),
            "write addresses as \"registratura@exemplu.test\"",
        );
    }
    addresses
}

/// A plain mail address.
pub(super) fn address(section: &Section<'_, '_>, key: &str, hint: &str) -> Option<String> {
    let text = section.text(key, hint)?;
    if text.parse::<lettre::Address>().is_err() {
        section.wrong(key, "this is no e-mail address", hint);
        return None;
    }
    Some(text)
}

pub(super) fn is_name(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
