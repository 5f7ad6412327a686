//! The letter that brings the receipt: plain text and HTML in Romanian, the signed PDF attached, and the blank form of
//! the written consent where it is wanted and was not found.
//!
//! The same facts give the same bytes: identifiers and part boundaries come from the instance secret.

use jiff::civil::Date;
use minijinja::{Value, context};

use super::letter::{
    self, Cause, ComposeError, Composed, Head, ReadReport, Template, Whose, is_plain_id, mailbox,
};
use crate::receipt::content::{File, Marking, Receipt, Verdict};
use crate::receipt::wording::{day, day_and_hour, visible};

const GIVEN: &[&str] = &[
    "accepted_count",
    "agency.address",
    "agency.cui",
    "agency.email",
    "agency.name",
    "agency.phone",
    "applicant",
    "consent.day",
    "consent.file",
    "consent.state",
    "date_hour",
    "demonstration",
    "files",
    "links",
    "number",
    "office.address",
    "office.contact",
    "office.hours",
    "office.name",
    "processing_day",
    "processing_reason",
    "receipt_file",
    "refused_count",
    "subject",
    "submission",
];

pub(super) const TEMPLATES: [Template; 2] = [
    Template {
        name: "receipt.txt",
        source: include_str!("../../config/texts/ro/receipt.txt"),
        given: GIVEN,
    },
    Template {
        name: "receipt.html",
        source: include_str!("../../config/texts/ro/receipt.html"),
        given: GIVEN,
    },
];

/// What the letter needs beyond the receipt.
#[derive(Debug, Clone)]
pub struct Addressing<'a> {
    /// The dedicated address, from which the letter goes out.
    pub from: &'a str,
    /// The references of the citizen's mail, oldest first, without its own Message-ID.
    pub references: &'a [String],
    pub read_report: ReadReport,
}

/// What the letter says of the written consent to run the whole process by e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent<'a> {
    /// Nothing is said of it.
    NotAsked,
    /// It came with this mail.
    Found {
        /// The file's name as received.
        name: &'a str,
    },
    /// It came with an earlier mail on the case.
    FoundEarlier { on: Date },
    /// It has not come; the blank form is attached.
    Missing {
        /// The form's bytes, a PDF.
        form: &'a [u8],
        /// The name under which it is attached.
        form_name: &'a str,
    },
}

impl Consent<'_> {
    fn value(&self) -> Value {
        match self {
            Self::NotAsked => context! { state => "not asked", file => "", day => "" },
            Self::Found { name } => context! { state => "found", file => visible(name), day => "" },
            Self::FoundEarlier { on } => context! { state => "found earlier", file => "", day => day(*on) },
            Self::Missing { form_name, .. } => {
                context! { state => "missing", file => visible(form_name), day => "" }
            }
        }
    }
}

/// The name under which the receipt is attached; `submission` as in [`Receipt::submission`].
pub fn receipt_file_name(number: &str, submission: u32) -> String {
    let number = number.replace('/', "-");
    match submission {
        0 => format!("recipisa-{number}.pdf"),
        nth => format!("recipisa-{number}-completarea-{nth}.pdf"),
    }
}

/// What the letter may weigh as SMTP counts it, with so many files in the receipt and a blank form of so many bytes
/// enclosed; rounded up from measured ones.
pub fn size_bytes_max(files_max: usize, form_bytes: usize) -> u64 {
    const WITHOUT_FILES: u64 = 200_000;
    const A_FILE: u64 = 8_000;
    // Base64 makes four letters of three bytes, and two of each line's end.
    let form = form_bytes as u64 * 11 / 8;
    WITHOUT_FILES + A_FILE * files_max as u64 + form
}

/// Writes the letter.
///
/// # Errors
/// An address that no mail server would take, which a person must solve.
pub fn compose(
    receipt: &Receipt,
    pdf: Vec<u8>,
    message_id: &str,
    addressing: &Addressing<'_>,
    consent: &Consent<'_>,
) -> Result<Composed, ComposeError> {
    let mut thread = Vec::new();
    if let Some(id) = receipt.message_id.as_deref().filter(|id| is_plain_id(id)) {
        thread.extend(addressing.references.iter().map(String::as_str));
        thread.push(id);
    }
    let head = Head {
        from: mailbox(Some(&receipt.agency.name), addressing.from, Whose::Mailbox)?,
        to: mailbox(
            receipt.applicant.as_deref(),
            &receipt.sender_address,
            Whose::Sender,
        )?,
        date: receipt.issued_at,
        message_id,
        subject: subject(receipt),
        cause: Cause::Mail,
        thread,
        read_report: addressing.read_report,
    };
    let values = values(receipt, consent);
    let words = letter::words(TEMPLATES[0].name, TEMPLATES[1].name, &values)?;
    let file_name = receipt_file_name(&receipt.number, receipt.submission);
    let mut files = vec![letter::attached(&file_name, "application/pdf", pdf)];
    if let Consent::Missing { form, form_name } = consent {
        files.push(letter::attached(form_name, "application/pdf", form.to_vec()));
    }
    letter::assemble(head, words, files)
}

fn subject(receipt: &Receipt) -> String {
    let mut subject = format!("Recipisa nr. {}", receipt.number);
    if receipt.submission > 0 {
        subject.push_str(&format!(", completarea nr. {}", receipt.submission));
    }
    // A reply's own subject repeats ours.
    if receipt.submission == 0 && !receipt.subject.is_empty() {
        subject.push_str(&format!(" – {}", visible(&receipt.subject)));
    }
    subject
}

pub(super) fn values(receipt: &Receipt, consent: &Consent<'_>) -> Value {
    let files: Vec<_> = receipt.files.iter().map(file).collect();
    let refused_count = receipt.refused();
    context! {
        agency => letter::agency(&receipt.agency),
        office => letter::office(&receipt.office),
        number => receipt.number,
        submission => receipt.submission,
        date_hour => day_and_hour(receipt.received_at),
        applicant => receipt.applicant.as_deref().map(visible).unwrap_or_default(),
        subject => visible(&receipt.subject),
        links => receipt.links.iter().map(|link| link.text_ro.as_str()).collect::<Vec<_>>(),
        accepted_count => receipt.files.len() - refused_count,
        refused_count,
        files,
        consent => consent.value(),
        processing_day => day(receipt.processing_day),
        processing_reason => receipt.processing_reason,
        receipt_file => receipt_file_name(&receipt.number, receipt.submission),
        demonstration => receipt.marking == Marking::Demonstration,
    }
}

fn file(file: &File) -> Value {
    let name = match &file.container {
        Some(container) => format!("{} › {}", visible(container), visible(&file.name)),
        None => visible(&file.name),
    };
    let verdict = match file.verdict {
        Verdict::Accepted => "acceptat",
        Verdict::Refused => "neacceptat",
    };
    let reasons: Vec<&str> = file
        .reasons
        .iter()
        .map(|reason| reason.text_ro.as_str())
        .collect();
    context! { name, kind => file.kind_ro, verdict, reasons }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::{page, specimen};

    /// A signature with a chain of four RSA certificates of 4096 bits, in hexadecimal, is below this.
    const SIGNATURE: usize = 40_000;
    const FORM: usize = 100_000;

    #[test]
    fn no_letter_weighs_more_than_is_said() {
        for count in [0, 10, 200] {
            let mut receipt = specimen::ordinary();
            let name = "Adeverință de vechime în muncă ".repeat(8);
            receipt.files = (1..=count)
                .map(|ordinal| specimen::refused(ordinal, &name))
                .collect();
            for file in &mut receipt.files {
                let again = file.reasons.clone();
                file.reasons.extend(again);
            }
            let mut pdf = page::render(&receipt).unwrap();
            pdf.resize(pdf.len() + SIGNATURE, b'0');
            let addressing = Addressing {
                from: "somaj@exemplu.test",
                references: &vec!["a".repeat(200); 30],
                read_report: ReadReport::Asked,
            };
            let consent = Consent::Missing {
                form: &[b'x'; FORM],
                form_name: "acord.pdf",
            };
            let letter = compose(&receipt, pdf, "abc@exemplu.test", &addressing, &consent).unwrap();
            let (weight, said) = (letter.bytes.len() as u64, size_bytes_max(count as usize, FORM));
            assert!(weight <= said, "{count} files: {weight} bytes, said {said}");
            // A bound that is far too high would warn of servers that do well.
            assert!(weight * 4 >= said, "{count} files: {weight} bytes, said {said}");
        }
    }
}
