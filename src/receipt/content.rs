//! What a receipt says, as plain data: the page, the machine-readable twin and the tests are made from it.
//!
//! It leaves out how anything looks, where the facts come from and how they are stored; texts for the
//! citizen that depend on a rule (processing day, reasons) arrive here already written.

use jiff::Timestamp;
use jiff::civil::Date;

/// Everything that one receipt says. The same value always gives the same page and the same twin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Id of the receipt, unique for the installation; also the document id of the PDF.
    pub id: String,
    pub agency: Agency,
    pub office: Office,
    /// The number as people write it, e.g. `1/20.11.2026` or `CJ-1/20.11.2026`.
    pub number: String,
    /// 0 for the request itself, k for its completion nr. k (completarea nr. k), which has the request's number.
    pub submission: u32,
    pub register: RegisterPlace,
    /// When the mail reached the agency's server.
    pub received_at: Timestamp,
    /// When the number was given.
    pub registered_at: Timestamp,
    /// When this receipt was composed; also the date of the PDF and of its attachment.
    pub issued_at: Timestamp,
    /// The working day from which terms are counted.
    pub processing_day: Date,
    /// One Romanian sentence that says why it is that day.
    pub processing_reason: String,
    /// Name of the applicant as written in the message, when there is one.
    pub applicant: Option<String>,
    pub sender_address: String,
    /// Subject as received; may be empty.
    pub subject: String,
    pub message_id: Option<String>,
    pub in_reply_to: Option<String>,
    /// The `Date` header as received (RFC 5322 §3.6.1); a claim of the sender.
    pub message_date: Option<String>,
    pub mail_size_bytes: u64,
    /// SHA-256 of the raw message, lower-case hexadecimal.
    pub mail_sha256: String,
    /// Proposed type of the request; `nedeterminat` is allowed.
    pub request_type: String,
    /// Earlier entries of the same sender that this one may belong to; mostly empty.
    pub links: Vec<Link>,
    /// The files of the message in its own order; may be empty.
    pub files: Vec<File>,
    /// Version of recipisa that composed the receipt.
    pub system_version: String,
    pub marking: Marking,
}

/// The public body that issues the receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agency {
    pub name: String,
    /// Fiscal code (cod unic de înregistrare), printed as given.
    pub cui: String,
    pub address: String,
    pub phone: String,
    pub email: String,
    pub website: Option<String>,
}

/// The point of work whose register holds the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Office {
    pub name: String,
    pub address: String,
    /// One line that tells the citizen whom to ask, e.g. `Registratură, tel. 0264 000 000`.
    pub contact: String,
    /// Working hours as text, e.g. `luni–vineri, 08:00–16:00`.
    pub hours: String,
}

/// Place of the entry in its register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterPlace {
    pub code: String,
    pub name: String,
    pub number: u64,
    pub year: i16,
    pub date: Date,
}

/// An earlier entry of the same sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number as people write it.
    pub number: String,
    /// Stable code for programs.
    pub why: String,
    /// Why, with the number, for the citizen; begins with a small letter and has no full stop.
    pub text_ro: String,
}

/// One file of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Position in the message, from 1.
    pub ordinal: u32,
    /// Name as received; hostile characters are shown by code point on the page.
    pub name: String,
    /// Name of the file that this one was taken out of.
    pub container: Option<String>,
    /// Media type that the message declared.
    pub declared: String,
    /// Code of what the content is, e.g. `pdf`.
    pub detected: String,
    /// The same in Romanian, e.g. `document PDF`.
    pub kind_ro: String,
    pub size_bytes: u64,
    /// SHA-256 of the decoded content, lower-case hexadecimal.
    pub sha256: String,
    pub verdict: Verdict,
    pub reasons: Vec<Reason>,
}

/// Whether a file was taken into the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Refused,
}

/// Why a file was refused, or what one should know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable code for programs.
    pub code: String,
    pub severity: Severity,
    /// What is the matter and what to do, for the citizen.
    pub text_ro: String,
}

/// Weight of a [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Note,
    Warning,
    Refusal,
}

/// Whether the receipt must say that it has no legal effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    None,
    /// Signed with a certificate that is not qualified: marked on every page.
    Demonstration,
}

impl Receipt {
    /// The receipt's own name: `Recipisă nr. 12/20.11.2026`, or `Recipisă pentru completarea nr. 1 la cererea nr. …`.
    pub fn name_ro(&self) -> String {
        match self.submission {
            0 => format!("Recipisă {}", self.matter_ro()),
            _ => format!("Recipisă pentru {}", self.matter_ro()),
        }
    }

    /// What was received: `nr. 12/20.11.2026`, or `completarea nr. 1 la cererea nr. 12/20.11.2026`.
    pub fn matter_ro(&self) -> String {
        match self.submission {
            0 => format!("nr. {}", self.number),
            nth => format!("completarea nr. {nth} la cererea nr. {}", self.number),
        }
    }

    /// How many files were refused.
    pub fn refused(&self) -> usize {
        self.files
            .iter()
            .filter(|file| file.verdict == Verdict::Refused)
            .count()
    }
}

impl Verdict {
    /// Code in the machine-readable twin.
    pub fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }

    /// Word on the page.
    pub fn word_ro(self) -> &'static str {
        match self {
            Self::Accepted => "acceptat",
            Self::Refused => "refuzat",
        }
    }
}

impl Severity {
    /// Code in the machine-readable twin.
    pub fn code(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Refusal => "refusal",
        }
    }
}
