//! `demo`: a small agency with two mailboxes, a dozen made-up citizens' mails, and the real work on them.
//!
//! Everything it needs is in the binary. The clock stands at each mail's arrival, so that the same registry comes out
//! every time; the key is thrown together on the spot, so every receipt is marked as a demonstration.

mod story;
mod weeks;

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use story::{Deed, Scene};

use crate::cli::{Failure, text};
use crate::config::Settings;
use crate::daemon::{House, Pass, export_receipts, once};
use crate::edge::clock::Clock;
use crate::edge::signing::throwaway::{self, ThrowawayKey};
use crate::flow::issue::Letterhead;
use crate::message;
use crate::outbox::Transport;
use crate::screening::Outcome;
use crate::store::Store;

#[derive(clap::Args)]
pub(super) struct Options {
    /// Where to work; made if it is not there. The same folder again gives the same registry and sends nothing again.
    #[arg(long, value_name = "DIR", default_value = "recipisa-demo")]
    dir: PathBuf,
    /// Then live through so many weeks from 20 November 2026: citizens answer, a clerk decides, letters and digests go
    /// out; a timeline of each case is printed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=52))]
    weeks: Option<u32>,
}

macro_rules! mails {
    ($($source:literal $name:literal,)*) => {
        [$(($source, $name, include_bytes!(concat!("../../../fixtures/mails/", $name, "/mail.eml")).as_slice()),)*]
    };
}

/// Source, name and bytes, in the order of arrival.
const MAILS: [(&str, &str, &[u8]); 16] = mails![
    "somaj" "01-cerere-buna",
    "somaj" "02-mai-multe-fisiere",
    "somaj" "03-foto-heic",
    "somaj" "04-docx",
    "dej" "05-pdf-cu-parola",
    "somaj" "06-jpeg-trunchiat",
    "somaj" "07-cms-cu-pdf",
    "dej" "08-diacritice",
    "somaj" "09-raspuns-automat",
    "somaj" "10-acelasi-mesaj",
    "somaj" "11-mesaj-gol",
    "somaj" "12-seara-dinaintea-sarbatorii",
    "somaj" "13-buletin",
    "somaj" "14-redirectionat",
    "somaj" "15-nelivrat",
    "somaj" "16-adresa-proprie",
];

const CONFIGURATION: &str = include_str!("../demo.toml");
const PASSWORD: &str = "demonstratie";
/// How long after its arrival a mail is looked at.
const POLL: SignedDuration = SignedDuration::from_secs(20);

/// Lives through the mails and prints what happened.
pub(super) fn main(options: &Options) -> Result<(), Failure> {
    let dir = &options.dir;
    let failed = |source| Failure::File {
        doing: "preparing the demonstration in",
        path: dir.display().to_string(),
        source,
    };
    if options.weeks.is_some() && dir.join("registry").exists() {
        return Err(Failure::Said(format!(
            "{} has been lived through already; name another folder with --dir",
            dir.display()
        )));
    }
    prepare(dir, &configuration(options)).map_err(failed)?;
    let settings = Settings::load(&dir.join("recipisa.toml"), None).map_err(|problems| {
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::Said(said.join("\n"))
    })?;
    let clock = Clock::standing_at(arrival(MAILS[0].2));
    let house = House::open(settings, clock)?;
    let _lock = house.lock()?;
    let letterhead = house.letterhead()?;
    let mut transport = house.transport()?;
    let (letters, errors) = match options.weeks {
        None => live(&house, &letterhead, &mut *transport, dir).map_err(failed)?,
        Some(weeks) => {
            let letters = weeks::live(&house, &letterhead, &mut *transport, dir, mails(), weeks)?;
            (letters, Vec::new())
        }
    };
    let receipts = export_receipts(&house, &dir.join("receipts")).map_err(failed)?;
    print(&house)?;
    if options.weeks.is_some() {
        weeks::print(&house)?;
    }
    print_where(dir, receipts, letters);
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::Said(errors.join("\n")))
    }
}

/// The mails as scenes of a longer story.
fn mails() -> Vec<Scene> {
    let scene = |(source, name, bytes): &(&'static str, &str, &[u8])| Scene {
        at: arrival(bytes),
        deed: Deed::Mail {
            source,
            file: (*name).to_owned(),
            bytes: bytes.to_vec(),
        },
    };
    MAILS.iter().map(scene).collect()
}

/// Lives through the arrivals; returns how many letters went out and what went wrong.
fn live(
    house: &House,
    letterhead: &Letterhead,
    transport: &mut dyn Transport,
    dir: &Path,
) -> io::Result<(usize, Vec<String>)> {
    let mut errors = Vec::new();
    let mut letters = 0;
    for (index, (source, name, bytes)) in MAILS.iter().enumerate() {
        deliver(dir, source, name, bytes)?;
        // Several mails may arrive in one minute; the next poll sees them all.
        let next = MAILS.get(index + 1).map(|(_, _, bytes)| arrival(bytes));
        let at = arrival(bytes) + POLL;
        if next.is_some_and(|next| next > arrival(bytes) && next <= at) {
            continue;
        }
        house.clock.move_to(at);
        let pass: Pass = once(house, letterhead, transport, &|| false);
        letters += pass.letters;
        errors.extend(pass.errors);
    }
    Ok((letters, errors))
}

/// When the mail says it reached the agency's server; the fixtures all do.
fn arrival(bytes: &[u8]) -> Timestamp {
    message::received_at(bytes).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// With digests where weeks are lived through.
fn configuration(options: &Options) -> String {
    match options.weeks {
        None => CONFIGURATION.to_owned(),
        Some(_) => format!("{CONFIGURATION}{}", weeks::DIGEST),
    }
}

fn is_ours(text: &str) -> bool {
    text.strip_prefix(CONFIGURATION)
        .is_some_and(|rest| rest.is_empty() || rest == weeks::DIGEST)
}

fn prepare(dir: &Path, text: &str) -> io::Result<()> {
    let configuration = dir.join("recipisa.toml");
    if configuration.exists() && !is_ours(&fs::read_to_string(&configuration)?) {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a recipisa.toml that is not the demonstration's; name another folder with --dir",
        ));
    }
    for folder in ["mailboxes/somaj", "mailboxes/dej"] {
        fs::create_dir_all(dir.join(folder))?;
    }
    fs::write(configuration, text)?;
    let key = dir.join("seal.p12");
    if !key.exists() {
        let bytes =
            throwaway::make(ThrowawayKey::P256, PASSWORD, arrival(MAILS[0].2)).map_err(io::Error::other)?;
        write_private(&key, &bytes)?;
        write_private(&dir.join("seal.password"), PASSWORD.as_bytes())?;
    }
    Ok(())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    io::Write::write_all(&mut file, bytes)
}

/// Puts a mail into its mailbox, as a mail server would.
fn deliver(dir: &Path, source: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = dir.join("mailboxes").join(source).join(format!("{name}.eml"));
    if path.exists() {
        Ok(())
    } else {
        fs::write(path, bytes)
    }
}

fn print(house: &House) -> Result<(), Failure> {
    let spelling = house.settings.spelling();
    let mut rows = Vec::new();
    house.store.mails_each(&mut |record| {
        let Some(decision) = record.decision else { return };
        let accepted = decision.files.iter().filter(|file| file.accepted).count();
        let refused: Vec<&str> = decision
            .files
            .iter()
            .filter(|file| !file.accepted)
            .map(|file| file.detected.as_str())
            .collect();
        let files = match (decision.outcome, refused.as_slice()) {
            (Outcome::Registered | Outcome::Joined, []) => format!("{accepted} accepted"),
            (Outcome::Registered | Outcome::Joined, kinds) => format!(
                "{accepted} accepted, {} refused ({})",
                kinds.len(),
                kinds.join(", ")
            ),
            (Outcome::Answered | Outcome::Filed | Outcome::Ignored | Outcome::Held, _) => String::new(),
        };
        rows.push(vec![
            record.seq.to_string(),
            text::instant(record.received_at),
            record.source.0,
            decision.summary.sender_address.unwrap_or_default(),
            decision.outcome.as_str().to_owned(),
            decision.reason.as_str().to_owned(),
            decision
                .number
                .map(|number| number.spelled(spelling))
                .unwrap_or_default(),
            files,
        ]);
    })?;
    text::table(
        &[
            "id", "received", "source", "from", "outcome", "reason", "number", "files",
        ],
        &rows,
        44,
    );
    Ok(())
}

fn print_where(dir: &Path, receipts: usize, letters: usize) {
    let dir = dir.display();
    // As it was called, so that the lines can be copied: after `cargo run` the program is on no search path.
    let program = std::env::args().next().unwrap_or_else(|| "recipisa".into());
    text::line(&format!(
        "
{receipts} receipts, {letters} letters sent now. Where to look:
  {dir}/receipts/    the signed receipts; open one, or check it: {program} verify {dir}/receipts/recipisa-….pdf
  {dir}/letters/     the letters that citizens would get, as .eml files
  {dir}/mailboxes/   the citizens' mails as they came
  {dir}/registry/    the database and the archive of every byte
Go on with:
  {program} --config {dir}/recipisa.toml entries
  {program} --config {dir}/recipisa.toml show 1/20.11.2026
  {program} --config {dir}/recipisa.toml mails --json"
    ));
}
