//! The configuration: one TOML file, checked as a whole, every problem told at once with its line and its remedy.
//!
//! `config/recipisa.example.toml` shows every key with its default and its reason; a test keeps it complete.

mod calendar_file;
mod cases;
mod digest;
mod oauth;
mod places;
mod reader;
mod secret;
mod sending;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::calendar::Calendar;
use crate::documents::Limits;
use crate::edge::oauth::Access;
use crate::edge::{imap, smtp};
use crate::flow::fetch::Measure;
use crate::outbox::{Allowance, Unauthenticated};
use crate::receipt::content::Agency;
use crate::registry::{RequestType, Spelling};

pub use calendar_file::calendar_of;
pub use cases::Cases;
pub use digest::Digest;

pub use places::{Office, Register};
pub use reader::Problem;
pub use secret::Secret;
pub use sending::Sending;

use reader::{Page, Section};
use secret::Credentials;

/// The configuration, checked.
#[derive(Clone)]
pub struct Settings {
    pub agency: Agency,
    /// Database, archive and lock live here.
    pub storage_dir: PathBuf,
    pub calendar: Calendar,
    pub registers: Vec<Register>,
    pub offices: Vec<Office>,
    pub sources: Vec<Source>,
    /// Where tokens come from, shared with the sources and the transport that use them.
    pub oauth: Vec<Arc<Access>>,
    pub transport: Carrier,
    pub sending: Sending,
    pub signing: Signing,
    pub request_types: Vec<RequestType>,
    pub cases: Cases,
    /// `None`: no digest is mailed.
    pub digest: Option<Digest>,
    pub limits: Limits,
    pub files_max: usize,
    /// How many letters go out by themselves.
    pub allowance: Allowance,
    pub unauthenticated: Unauthenticated,
    pub measure: Measure,
    /// Where the figures can be read, on this machine only; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
}

/// A dedicated mailbox.
#[derive(Clone)]
pub struct Source {
    pub name: String,
    pub address: String,
    /// Identifier of an office.
    pub office: String,
    pub poll_seconds: u64,
    /// After so long without contact people are told.
    pub alarm_after: SignedDuration,
    /// Mails that reached the server before are only noted.
    pub start: Option<Timestamp>,
    /// The names under which its server writes Authentication-Results, lower case.
    pub authserv_ids: BTreeSet<String>,
    pub kind: SourceKind,
}

/// How a mailbox is reached.
#[derive(Clone)]
pub enum SourceKind {
    Imap(Box<imap::Account>),
    Folder { path: PathBuf, move_to: Option<PathBuf> },
}

/// How letters leave.
#[derive(Clone)]
pub enum Carrier {
    Smtp(Box<smtp::Server>),
    Folder { path: PathBuf },
}

/// The key that seals receipts.
#[derive(Clone)]
pub struct Signing {
    pub pkcs12: PathBuf,
    pub password: Secret,
    /// The agency stands by receipts that carry an unqualified signature.
    pub accept_unqualified: bool,
}

impl Settings {
    /// Numbers carry their register's code where there are several registers.
    pub fn spelling(&self) -> Spelling {
        if self.registers.len() > 1 {
            Spelling::WithCode
        } else {
            Spelling::Plain
        }
    }

    /// The code that may be left out when somebody types a number.
    pub fn only_register(&self) -> Option<&str> {
        match self.registers.as_slice() {
            [one] => Some(&one.code),
            _ => None,
        }
    }

    /// Reads and checks a configuration file. `credentials` is systemd's `$CREDENTIALS_DIRECTORY`.
    ///
    /// # Errors
    /// All problems of the file, in the order of their lines.
    pub fn load(file: &Path, credentials: Option<&Path>) -> Result<Self, Vec<Problem>> {
        Self::read(file, &text_of(file)?, credentials)
    }

    /// As [`Settings::load`] outside the service, where systemd's credentials are not at hand: the passwords that are
    /// kept as credentials are empty. For whoever connects to no server and opens no key.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn load_without_credentials(file: &Path) -> Result<Self, Vec<Problem>> {
        Self::load_with_names(file).map(|(settings, _)| settings)
    }

    /// As [`Settings::load_without_credentials`], with the names of the credentials that are not at hand.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn load_with_names(file: &Path) -> Result<(Self, Vec<String>), Vec<Problem>> {
        let names = RefCell::new(Vec::new());
        let settings = Self::read_with(file, &text_of(file)?, Credentials::NotNeeded(&names))?;
        Ok((settings, names.into_inner()))
    }

    /// The storage folder that a file names, whatever else is wrong in it; reads no password.
    pub fn storage_dir_of(file: &Path) -> Option<PathBuf> {
        let text = text_of(file).ok()?;
        let page = Page::new(file, &text);
        let table = page.parse();
        let storage = Section::root(&page, &table).section("storage")?;
        storage.path_opt("dir")
    }

    /// As [`Settings::load`], from a text that stands in `file`.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn read(file: &Path, text: &str, credentials: Option<&Path>) -> Result<Self, Vec<Problem>> {
        Self::read_with(
            file,
            text,
            credentials.map_or(Credentials::Missing, Credentials::Folder),
        )
    }

    fn read_with(file: &Path, text: &str, credentials: Credentials<'_>) -> Result<Self, Vec<Problem>> {
        let page = Page::new(file, text);
        let table = page.parse();
        let root = Section::root(&page, &table);
        let settings = read_all(&root, credentials);
        root.finish();
        let mut problems = page.problems.into_inner();
        problems.sort_by(|a, b| (&a.file, a.line, &a.key).cmp(&(&b.file, b.line, &b.key)));
        match settings {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(problems),
        }
    }
}

/// The text of a configuration file; that it cannot be read is its one problem.
fn text_of(file: &Path) -> Result<String, Vec<Problem>> {
    std::fs::read_to_string(file).map_err(|error| {
        vec![Problem {
            file: file.to_owned(),
            line: 1,
            key: String::new(),
            value: None,
            why: format!("the configuration cannot be read: {error}"),
            hint: "name another file with --config, or copy config/recipisa.example.toml there".into(),
        }]
    })
}

/// Reads everything, so that every problem is found, and only then gives up.
fn read_all(root: &Section<'_, '_>, credentials: Credentials<'_>) -> Option<Settings> {
    let agency = root
        .section_needed("agency", "say who the agency is")
        .and_then(agency);
    let storage_dir = root
        .section_needed("storage", "say where the registry lives")
        .and_then(|section| {
            let dir = section.path(
                "dir",
                "name the folder of the registry, for example \"/var/lib/recipisa\"",
            );
            section.finish();
            dir
        });
    let calendar = calendar_file::read(root);
    let registers = places::registers(root);
    let offices = places::offices(root);
    let issuers = oauth::read(root, credentials, storage_dir.as_deref());
    let sources = places::sources(root, credentials, &issuers);
    let transport = root
        .section_needed("transport", "say how letters leave")
        .and_then(|section| places::transport(section, credentials, &issuers));
    let (transport, sending) = transport.unzip();
    let signing = root
        .section_needed("signing", "say which key seals the receipts")
        .and_then(|section| {
            let pkcs12 = section.path("pkcs12", "name the PKCS#12 file (.p12, .pfx) of the agency's key");
            let password = secret::read(&section, "password", credentials);
            let accept_unqualified = section.flag("accept_unqualified", false);
            section.finish();
            Some(Signing {
                pkcs12: pkcs12?,
                password: password?,
                accept_unqualified,
            })
        });
    let (request_types, terms) = request_types(root);
    let cases = cases::read(root, terms);
    let digest = digest::read(root, digest_readers(&offices));
    let Caps {
        documents: limits,
        files_max,
        allowance,
        measure,
    } = limits(root);
    let unauthenticated = unauthenticated(root);
    let metrics = metrics(root);
    Some(Settings {
        agency: agency?,
        storage_dir: storage_dir?,
        calendar: calendar?,
        registers,
        offices,
        sources,
        oauth: issuers.into_list(),
        transport: transport?,
        sending: sending?,
        signing: signing?,
        request_types,
        cases,
        digest,
        limits,
        files_max,
        allowance,
        unauthenticated,
        measure,
        metrics,
    })
}

/// `[answers]`.
fn unauthenticated(root: &Section<'_, '_>) -> Unauthenticated {
    const WORDS: [(&str, Unauthenticated); 2] = [
        ("notice", Unauthenticated::Notice),
        ("hold", Unauthenticated::Hold),
    ];
    let Some(section) = root.section("answers") else {
        return Unauthenticated::Notice;
    };
    let chosen = section.choice("unauthenticated", Some(Unauthenticated::Notice), &WORDS);
    section.finish();
    chosen.unwrap_or(Unauthenticated::Notice)
}

/// `[metrics]`.
fn metrics(root: &Section<'_, '_>) -> Option<SocketAddr> {
    const HINT: &str = "write an address of this machine itself with a port, for example \"127.0.0.1:9464\"";
    let section = root.section("metrics")?;
    let listen = section
        .has("listen")
        .then(|| section.parsed::<SocketAddr>("listen", HINT))
        .flatten();
    if let Some(address) = listen {
        if !address.ip().is_loopback() {
            let why = "anybody on the network could read it there, without a password";
            section.wrong("listen", why, HINT);
        } else if address.port() == 0 {
            section.wrong("listen", "port 0 is no port that others could ask", HINT);
        }
    }
    section.finish();
    listen
}

fn agency(section: Section<'_, '_>) -> Option<Agency> {
    let name = section.text("name", "the full official name, as it stands on letters");
    let cui = section.text("cui", "the fiscal code (CUI) of the agency");
    let address = section.text("address", "the postal address of the headquarters");
    let phone = section.text("phone", "the telephone number for citizens");
    let email = places::address(&section, "email", "the e-mail address for citizens' questions");
    let website = section.text_opt("website");
    section.finish();
    Some(Agency {
        name: name?,
        cui: cui?,
        address: address?,
        phone: phone?,
        email: email?,
        website,
    })
}

/// The offices whose digest somebody gets.
fn digest_readers(offices: &[Office]) -> BTreeMap<String, Vec<String>> {
    offices
        .iter()
        .filter(|office| !office.digest_to.is_empty())
        .map(|office| (office.id.clone(), office.digest_to.clone()))
        .collect()
}

/// The types, and the terms of those that have their own.
fn request_types(root: &Section<'_, '_>) -> (Vec<RequestType>, Vec<(String, u16)>) {
    let sources = root.names("source", "name");
    let mut seen = BTreeSet::new();
    let mut types = Vec::new();
    let mut terms = Vec::new();
    for section in root.sections("request_type") {
        let id = section.text(
            "id",
            "a short name for records, for example \"indemnizatie-somaj\"",
        );
        let name = section.text("name", "the name as citizens and clerks read it");
        let keywords = section.texts("keywords");
        let wanted = section.texts("sources");
        let term_days = section
            .has("term_days")
            .then(|| section.integer("term_days", 30, 1..=365) as u16);
        for unknown in wanted
            .iter()
            .filter(|name| !sources.is_empty() && !sources.contains(*name))
        {
            section.wrong(
                "sources",
                format!("there is no source \"{unknown}\""),
                "use the `name` of a [[source]]",
            );
        }
        if let Some(id) = &id
            && !seen.insert(id.clone())
        {
            section.wrong(
                "id",
                "this id is used twice",
                "give every request type an id of its own",
            );
        }
        section.finish();
        if let (Some(id), Some(name)) = (id, name) {
            terms.extend(term_days.map(|days| (id.clone(), days)));
            types.push(RequestType {
                id,
                name,
                keywords,
                sources: wanted,
            });
        }
    }
    (types, terms)
}

/// What `[limits]` says.
#[derive(Debug, Clone)]
pub struct Caps {
    pub documents: Limits,
    pub files_max: usize,
    pub allowance: Allowance,
    pub measure: Measure,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            documents: Limits::default(),
            files_max: 200,
            allowance: Allowance {
                letters_a_day: 20,
                answers_a_day: 5_000,
            },
            measure: Measure {
                batch_bytes_max: 16 * MB,
                batch_mails_max: 200,
                mail_bytes_max: 50 * MB,
                start: None,
            },
        }
    }
}

const MB: u64 = 1_000_000;

fn limits(root: &Section<'_, '_>) -> Caps {
    let Some(section) = root.section("limits") else {
        return Caps::default();
    };
    let Caps {
        mut documents,
        files_max,
        mut allowance,
        mut measure,
    } = Caps::default();
    measure.mail_bytes_max = section.integer("mail_bytes_max", measure.mail_bytes_max, 100_000..=500 * MB);
    measure.batch_bytes_max = section.integer("batch_bytes_max", measure.batch_bytes_max, 100_000..=500 * MB);
    documents.size_bytes_max = section.integer("file_bytes_max", documents.size_bytes_max, 10_000..=500 * MB);
    documents.pixels_max = section.integer("pixels_max", documents.pixels_max, 1_000_000..=500 * MB);
    documents.pages_max = section.integer("pages_max", documents.pages_max.into(), 1..=100_000) as u32;
    documents.nesting_max = section.integer("nesting_max", documents.nesting_max.into(), 1..=10) as u8;
    let files_max = section.integer("files_max", files_max as u64, 1..=10_000) as usize;
    allowance.letters_a_day = section.integer("letters_a_day", allowance.letters_a_day, 1..=10_000);
    allowance.answers_a_day = section.integer("answers_a_day", allowance.answers_a_day, 1..=10_000_000);
    section.finish();
    Caps {
        documents,
        files_max,
        allowance,
        measure,
    }
}

#[cfg(test)]
mod tests;
