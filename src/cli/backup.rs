//! `backup`: a copy of the registry beside the running daemon, and what else to save.

use std::path::PathBuf;

use crate::cli::{Failure, fsck, open, text};
use crate::daemon::safekeeping::{self, BackedUp, Progress};
use crate::edge::clock::Clock;

#[derive(clap::Args)]
pub(super) struct Options {
    /// The folder of the backup, best on another disk; made where it is missing, but not the folder above it.
    dir: PathBuf,
    /// How many copies of the database are kept; the files of the archive are there once and all stay.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    keep: u16,
}

/// Exit code 1 when the backup could not be made, or lacks a file that the registry itself has lost.
pub(super) fn main(config: Option<PathBuf>, options: &Options) -> Result<(), Failure> {
    let file = open::file(config);
    let settings = open::settings_of_storage(&file)?;
    let mut tell = |progress| match progress {
        Progress::First => text::progress(&format!("first backup into {}", options.dir.display())),
        Progress::Database { size_bytes } => {
            text::progress(&format!("database   copied and sound, {}", megabytes(size_bytes)));
        }
        Progress::Files { done } => text::progress(&format!("archive    {done} files so far")),
        Progress::Lacking(finding) => text::progress(&fsck::said(&finding)),
        Progress::FaultyCopy(fault) => text::complain(&fault),
    };
    let done = safekeeping::back_up(
        &settings.storage_dir,
        &options.dir,
        options.keep.into(),
        Clock::System.now(),
        &mut tell,
    )?;
    print(&done);
    text::progress(&format!(
        "not in it  save these elsewhere, once and after each change: {}, the files that it names, the key {}",
        file.display(),
        settings.signing.pkcs12.display()
    ));
    if done.manifest.lacking > 0 {
        return Err(Failure::Said(format!(
            "{} files of the registry are lost or damaged, and in no backup here; `recipisa fsck` tells more",
            done.manifest.lacking
        )));
    }
    Ok(())
}

fn print(done: &BackedUp) {
    let facts = &done.manifest.facts;
    text::progress(&format!(
        "archive    {} files: {} were there, {} copied ({})",
        done.manifest.files,
        done.manifest.files - done.files_new - done.manifest.lacking,
        done.files_new,
        megabytes(done.bytes_new)
    ));
    text::progress(&format!(
        "backup     {}: {} mails, {} entries, {} letters",
        done.name, facts.mails, facts.entries, facts.letters
    ));
    fsck::last_numbers(facts)
        .iter()
        .for_each(|line| text::progress(line));
    if done.removed > 0 {
        text::progress(&format!("removed    {} old copies of the database", done.removed));
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}
