//! `restore`: a backup becomes the registry, and what a person must do before it goes to work.

use std::path::PathBuf;

use crate::cli::{Failure, fsck, open, owner, text};
use crate::daemon::safekeeping::{self, OnFindings, Restored};

#[derive(clap::Args)]
pub(super) struct Options {
    /// The folder that `recipisa backup` was given.
    dir: PathBuf,
    /// An earlier copy, by the name of its file in DIR/databases without the ending; else the newest.
    #[arg(long, value_name = "NAME")]
    copy: Option<String>,
    /// Restore although something in the backup is lost or damaged; the findings are printed.
    #[arg(long)]
    accept_findings: bool,
}

/// Exit code 1 when nothing is restored.
pub(super) fn main(config: Option<PathBuf>, options: &Options) -> Result<(), Failure> {
    let file = open::file(config);
    owner::refuse_for_restore(&file, &options.dir)?;
    let settings = open::settings_of_storage(&file)?;
    let on_findings = if options.accept_findings {
        OnFindings::Accept
    } else {
        OnFindings::Refuse
    };
    let done = safekeeping::restore(
        &options.dir,
        options.copy.as_deref(),
        &settings.storage_dir,
        on_findings,
        &mut |finding| text::progress(&fsck::said(&finding)),
    )?;
    let facts = &done.facts;
    text::progress(&format!(
        "restored   {} into {}: {} mails, {} entries, {} letters, {} files",
        done.name,
        settings.storage_dir.display(),
        facts.mails,
        facts.entries,
        facts.letters,
        done.files
    ));
    if done.accepted > 0 {
        text::progress(&format!("accepted   {} findings, printed above", done.accepted));
    }
    fsck::last_numbers(facts)
        .iter()
        .for_each(|line| text::progress(line));
    if owner::is_of_root(&settings.storage_dir) {
        text::progress(&format!(
            "owner      the registry belongs to root; where the service has a user of its own, first\n           chown -R \
             USER: '{}'",
            settings.storage_dir.display()
        ));
    }
    next_steps(&done);
    Ok(())
}

fn next_steps(done: &Restored) {
    let taken = text::instant(done.manifest.taken_at);
    text::progress(&format!(
        "
This is the registry as it was on {taken}. What came later is not in it. BEFORE recipisa goes to work:

1. GRAVE: numbers that were given after {taken} will be given a second time, to other requests.
   Compare the last numbers above with the last receipts that went out (the mail server's log, the citizens'
   receipts, the paper register). Where higher numbers are out, write down which, and to whom; their requests
   come back with step 2 and get new receipts, and the citizens must be told that the earlier ones are void.
2. Mails that came after {taken} were moved on the server, out of the inbox (`move_to` of each [[source]]).
   Move them back to the inbox, from the hour before that time. Too many do no harm: a mail that is in the
   registry is known by its bytes, and is ignored as a duplicate.
3. Letters that waited when the backup was taken go out again, with the same Message-ID; most mail programs
   show them once.
4. `recipisa check`, then `recipisa once`, then start the service. Acts of clerks after {taken} (released,
   discarded, sent again) are lost, and must be done again."
    ));
}
