//! The commands, and how they print.
//!
//! Exit codes: 0 all is well; 1 something went wrong or is not as it should be; 2 the command line is not understood;
//! 3 the configuration has problems; 4 another recipisa holds the registry.

mod backup;
mod calendar;
mod case;
mod check;
mod demo;
mod digest;
mod entries;
mod fsck;
mod held;
mod inspect;
mod json;
mod link;
mod mails;
mod open;
mod owner;
mod rehearsal;
mod report;
mod restore;
mod serve;
mod status;
mod term;
mod text;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::flow::with_causes;

/// Where the configuration is looked for when nothing else is said.
const CONFIG_DEFAULT: &str = "/etc/recipisa/recipisa.toml";

/// Turns e-mails to a public agency into registry entries and signed receipts.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "\
Exit codes: 0 all is well; 1 something went wrong or is not as it should be; 2 the command line is not understood;
3 the configuration has problems; 4 another recipisa holds the registry.

First steps: `recipisa demo`, then read config/recipisa.example.toml, then `recipisa check`."
)]
struct Arguments {
    /// The configuration file; where none is named, /etc/recipisa/recipisa.toml (`inspect`, `calendar` and `term` need none).
    #[arg(long, global = true, env = "RECIPISA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole way of a dozen made-up mails, without any server or configuration.
    Demo(demo::Options),
    /// Work as a daemon until SIGTERM or SIGINT; the item in hand is finished first. SIGHUP reads the configuration
    /// again; a faulty one is logged and not used.
    Run(serve::RunOptions),
    /// Make one pass over all that is due, and end.
    Once(serve::OnceOptions),
    /// Check configuration, storage, letters, key and certificate, and the mail servers if asked to.
    Check(check::Options),
    /// Say how the registry stands now: the daemon, contact with the mailboxes, what waits and for how long.
    Status(JsonOption),
    /// Say what would become of mails or documents, in files or in a live mailbox; writes nothing.
    Inspect(inspect::Options),
    /// List all messages that the mailboxes ever showed, with what became of each.
    Mails(JsonOption),
    /// List all registry entries.
    Entries(JsonOption),
    /// Show everything about one registration number, for example 12/20.11.2026.
    Show(entries::ShowOptions),
    /// Look at a case and move it on: ask, decide, invite, hand over.
    Case(case::Options),
    /// Print the clerks' digest of a day or a period.
    Digest(digest::Options),
    /// Show what the next days hold: terms, answers, appointments, letters.
    Agenda(case::AgendaOptions),
    /// Send the letter of an entry again, for example after it was given up; or send a receipt that waited for a person.
    Resend(entries::ResendOptions),
    /// Say that two entries belong together (conexe), or that they do not.
    Link(link::Options),
    /// Check a receipt, and the files it names, without any network.
    Verify(verify::Options),
    /// List held mails and decide about them.
    Held(held::Options),
    /// Show a year's legal holidays and working days; needs no configuration.
    Calendar(calendar::Options),
    /// Say when a legal term ends, and why; needs no configuration.
    Term(term::Options),
    /// Copy the registry into a folder, beside the running daemon; only what is not there yet.
    Backup(backup::Options),
    /// Bring a backup back, into a storage folder that holds no registry.
    Restore(restore::Options),
    /// Compare database, archive and journal, of the registry or of a backup; changes nothing.
    Fsck(fsck::Options),
}

#[derive(clap::Args)]
struct JsonOption {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Why a command ended badly.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Told in full already.
    #[error("")]
    Told(u8),
    #[error("{0}")]
    Said(String),
    #[error(transparent)]
    Start(#[from] crate::daemon::StartError),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    #[error(transparent)]
    Archive(#[from] crate::store::ArchiveError),
    #[error(transparent)]
    Mailbox(#[from] crate::mailbox::MailboxError),
    #[error(transparent)]
    Safekeeping(#[from] crate::daemon::safekeeping::SafekeepingError),
    #[error("{doing} {path}")]
    File {
        doing: &'static str,
        path: String,
        #[source]
        source: std::io::Error,
    },
}

impl Failure {
    fn code(&self) -> u8 {
        use crate::daemon::StartError::Busy;
        use crate::daemon::safekeeping::SafekeepingError;
        match self {
            Self::Told(code) => *code,
            Self::Start(Busy { .. }) | Self::Safekeeping(SafekeepingError::Start(Busy { .. })) => 4,
            Self::Said(_)
            | Self::Start(_)
            | Self::Store(_)
            | Self::Archive(_)
            | Self::Mailbox(_)
            | Self::Safekeeping(_)
            | Self::File { .. } => 1,
        }
    }
}

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = arguments.config;
    let result = match arguments.command {
        Command::Demo(options) => demo::main(&options),
        Command::Run(options) => serve::run(config, &options),
        Command::Once(options) => serve::once(config, &options),
        Command::Check(options) => check::main(config, &options),
        Command::Status(options) => status::main(config, options.json),
        Command::Inspect(options) => inspect::main(config, &options),
        Command::Mails(options) => mails::main(config, options.json),
        Command::Entries(options) => entries::list(config, options.json),
        Command::Show(options) => entries::show(config, &options),
        Command::Case(options) => case::main(config, options),
        Command::Digest(options) => digest::main(config, &options),
        Command::Agenda(options) => case::agenda(config, &options),
        Command::Resend(options) => entries::resend(config, options),
        Command::Link(options) => link::main(config, options),
        Command::Verify(options) => verify::main(&options),
        Command::Held(options) => held::main(config, options),
        Command::Calendar(options) => calendar::main(config, &options),
        Command::Term(options) => term::main(config, &options),
        Command::Backup(options) => backup::main(config, &options),
        Command::Restore(options) => restore::main(config, &options),
        Command::Fsck(options) => fsck::main(config, &options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let said = with_causes(&failure);
            if !said.is_empty() {
                text::complain(&said);
            }
            ExitCode::from(failure.code())
        }
    }
}
