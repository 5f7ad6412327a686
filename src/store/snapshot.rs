//! The port to a registry that is only looked at: copied for a backup, or compared with itself and with its archive.
//!
//! A [`Snapshot`] shows one instant, whatever the daemon writes meanwhile. Left out: the archive's files themselves,
//! which the snapshot only names; and any repair, which is a person's decision.

use std::path::Path;

use jiff::Timestamp;

use crate::registry::Number;
use crate::store::Stored;

/// What can be found wrong, or worth a note, when a registry is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The store's own structure is broken.
    DatabaseDamaged,
    /// A row speaks of another one that is not there.
    ReferenceBroken,
    /// The journal's chain of hashes does not hold.
    JournalBroken,
    /// A mail, entry, letter or part of a case that the journal does not tell of.
    JournalSilent,
    /// The journal tells of a mail, entry, letter or part of a case that is not there.
    RowMissing,
    /// A mail, entry, letter or part of a case differs from what the journal tells of it.
    RowChanged,
    /// A number of a series that no entry has.
    NumberGap,
    /// The series' last number is not that of its last entry.
    SeriesWrong,
    /// A registered mail without an entry, or an entry without a registered mail.
    EntryMissing,
    /// A mail that joined a case without its submission, a submission without its mail, or a gap before it.
    SubmissionMissing,
    /// A message that was shown without its mail, or a mail of which nobody noted that it was shown.
    LedgerWrong,
    /// An entry without its case.
    CaseMissing,
    /// An entry or submission that neither owes nor has a receipt.
    ReceiptMissing,
    /// An answered mail without the letter that its sender is told by, or such a letter without the mail's outcome.
    AnswerMissing,
    /// A file that the database names is not in the archive.
    FileMissing,
    /// A file no longer has the content of its name.
    FileChanged,
    /// A file or folder of the archive cannot be read.
    FileUnreadable,
    /// A receipt's signature does not hold.
    SealBroken,
    /// A database copy in a backup is no longer what its manifest says.
    CopyChanged,
    /// A file in the archive that nothing names.
    FileUnnamed,
    /// A file half written by a process that died, or being written now.
    FileTemporary,
    /// Something in the archive's folder that the archive does not make.
    FileForeign,
}

const FROM_A_BACKUP: &str = "put the file back from a backup (archive/ab/cd/NAME has the same place in both), or, in a \
                             backup, take it out and run `recipisa backup` again, which copies it anew";
const KEEP_AND_COMPARE: &str = "change nothing; keep a copy of the whole folder, compare it with the last good backup \
                                (`recipisa fsck DIR`), and find out who wrote to the database";

impl Fault {
    /// All of them, gravest first.
    pub const ALL: [Self; 22] = [
        Self::DatabaseDamaged,
        Self::ReferenceBroken,
        Self::JournalBroken,
        Self::JournalSilent,
        Self::RowMissing,
        Self::RowChanged,
        Self::NumberGap,
        Self::SeriesWrong,
        Self::EntryMissing,
        Self::SubmissionMissing,
        Self::LedgerWrong,
        Self::CaseMissing,
        Self::ReceiptMissing,
        Self::AnswerMissing,
        Self::FileMissing,
        Self::FileChanged,
        Self::FileUnreadable,
        Self::SealBroken,
        Self::CopyChanged,
        Self::FileUnnamed,
        Self::FileTemporary,
        Self::FileForeign,
    ];

    /// The stable spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DatabaseDamaged => "database-damaged",
            Self::ReferenceBroken => "reference-broken",
            Self::JournalBroken => "journal-broken",
            Self::JournalSilent => "journal-silent",
            Self::RowMissing => "row-missing",
            Self::RowChanged => "row-changed",
            Self::NumberGap => "number-gap",
            Self::SeriesWrong => "series-wrong",
            Self::EntryMissing => "entry-missing",
            Self::SubmissionMissing => "submission-missing",
            Self::LedgerWrong => "ledger-wrong",
            Self::CaseMissing => "case-missing",
            Self::ReceiptMissing => "receipt-missing",
            Self::AnswerMissing => "answer-missing",
            Self::FileMissing => "file-missing",
            Self::FileChanged => "file-changed",
            Self::FileUnreadable => "file-unreadable",
            Self::SealBroken => "seal-broken",
            Self::CopyChanged => "copy-changed",
            Self::FileUnnamed => "file-unnamed",
            Self::FileTemporary => "file-temporary",
            Self::FileForeign => "file-foreign",
        }
    }

    /// Whether it is only worth knowing: nothing of the registry is lost or changed.
    pub fn is_note(self) -> bool {
        match self {
            Self::FileUnnamed | Self::FileTemporary | Self::FileForeign => true,
            Self::DatabaseDamaged
            | Self::ReferenceBroken
            | Self::JournalBroken
            | Self::JournalSilent
            | Self::RowMissing
            | Self::RowChanged
            | Self::NumberGap
            | Self::SeriesWrong
            | Self::EntryMissing
            | Self::SubmissionMissing
            | Self::LedgerWrong
            | Self::CaseMissing
            | Self::ReceiptMissing
            | Self::AnswerMissing
            | Self::FileMissing
            | Self::FileChanged
            | Self::FileUnreadable
            | Self::SealBroken
            | Self::CopyChanged => false,
        }
    }

    /// What a person does about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::DatabaseDamaged => {
                "stop recipisa, keep a copy of the folder, check the disk, and restore the last good backup"
            }
            Self::ReferenceBroken
            | Self::JournalBroken
            | Self::JournalSilent
            | Self::RowMissing
            | Self::RowChanged
            | Self::NumberGap
            | Self::SeriesWrong
            | Self::EntryMissing
            | Self::SubmissionMissing
            | Self::LedgerWrong
            | Self::CaseMissing
            | Self::ReceiptMissing
            | Self::AnswerMissing => KEEP_AND_COMPARE,
            Self::FileMissing | Self::FileChanged => FROM_A_BACKUP,
            Self::FileUnreadable => "check the file's owner and mode, and the disk's health",
            Self::SealBroken => {
                "the file is as it was made: ask for help, and issue no receipts until it is understood"
            }
            Self::CopyChanged => {
                "do not restore this copy: check the disk, take a new backup, or restore an earlier copy with --copy"
            }
            Self::FileUnnamed => {
                "nothing to do: a process died between the file and its record, or is just about to write it"
            }
            Self::FileTemporary => "nothing to do: the next start clears what a dead process left",
            Self::FileForeign => "find out who put it there; recipisa neither reads nor removes it",
        }
    }
}

/// One thing found: what, where, and in words without anybody's personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub fault: Fault,
    /// The key of what it is about, as in the journal: `mail/17`, `entry/CJ/2026/3`, `letter/<Message-ID>`; with what it is
    /// a part of before it, `entry/CJ/2026/3/submission/1`; or a path.
    pub place: String,
    pub what: String,
}

impl Finding {
    /// Puts one together.
    pub fn new(fault: Fault, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            fault,
            place: place.into(),
            what: what.into(),
        }
    }
}

/// How deep a check goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything that is written down; of the files only whether they are there, and their size where it is known.
    Quick,
    /// Also the content of every file, and the store's indexes.
    Full,
    /// Also the signature of every issued receipt.
    Seals,
}

/// A file of the archive, and who names it first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// As the store has it: 64 lower-case hexadecimal digits, unless somebody changed it.
    pub sha256: String,
    /// `mail/17`, `receipt/CJ/2026/3`, `letter/<Message-ID>`, `journal/5` …
    pub named_by: String,
    /// Where the store knows it.
    pub size_bytes: Option<u64>,
}

impl NamedFile {
    /// Whether it is an issued receipt.
    pub fn is_receipt(&self) -> bool {
        self.named_by.starts_with("receipt/")
    }
}

/// What a registry holds, as far as one compares it with another state of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The same for the life of the registry, and another for every other registry; tells nothing about its secret.
    pub registry: String,
    /// Of the tables; a store that is older than the program is brought forward at its start.
    pub version: u32,
    pub mails: u64,
    pub entries: u64,
    pub letters: u64,
    pub journal_rows: u64,
    /// Hash of the journal's last row.
    pub journal_hash: String,
    /// When the last mail was kept.
    pub last_kept_at: Option<Timestamp>,
    /// The last number of each register and year, in their order.
    pub last_numbers: Vec<Number>,
}

/// A registry at one instant, only read. Work that goes on beside it neither waits for it nor shows in it.
///
/// # Errors
/// Every method gives [`crate::store::StoreError`] when the store cannot be read at all.
pub trait Snapshot {
    /// What is in it.
    fn facts(&self) -> Stored<Facts>;

    /// Every file that it names, each once, in the order of their names.
    fn files_each(&self, each: &mut dyn FnMut(NamedFile)) -> Stored<()>;

    /// Compares all that is written down with itself: the store's structure, the journal's chain, numbers without a
    /// gap, and each mail, entry, letter and part of a case with what the journal tells of it. What is damaged becomes a
    /// finding; the check goes on with the rest.
    ///
    /// # Errors
    /// Also when the store has an older form than this program's.
    fn audit(&self, depth: Depth, each: &mut dyn FnMut(Finding)) -> Stored<()>;

    /// Writes the whole store into a new file, sound by the store's own check, complete in itself, and durable.
    ///
    /// # Errors
    /// Also when the file is there already or the disk is full; what was written is of no use then.
    fn copy_to(&self, file: &Path) -> Stored<()>;
}
