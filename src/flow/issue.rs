//! From entries that owe a receipt to the signed receipt and the letter that carries it.
//!
//! Receipts are rendered and signed on all cores; their bytes and the letters' go to the archive first, then all of
//! the batch is committed at once. A failed signature delays a receipt and never drops it: the entry stays owing.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::casework;
use crate::documents::{self, Severity};
use crate::flow::budget::{Way, ways};
use crate::flow::failpoint::reach;
use crate::flow::stopwatch::{Stage, time};
use crate::flow::{FAILED_INSIDE, House, StepError, with_causes};
use crate::outbox::letter::{ComposeError, Composed, ReadReport, Whose};
use crate::outbox::notice::{self, Notice};
use crate::outbox::receipt_letter::{self, Consent};
use crate::outbox::{self, Allowance, Kind, Letterless, Outgoing, Unauthenticated, retry};
use crate::receipt::content::{self, Agency, File, Marking, Office, Receipt, RegisterPlace};
use crate::receipt::signature::{self, SealText, Signer};
use crate::receipt::{page, wording};
use crate::registry::{
    Entry, FileRecord, FindingRecord, InstanceSecret, LinkRecord, Number, RequestType, Spelling, UNDETERMINED,
};
use crate::store::{ArchiveError, Issued, Owing, Wanted};

/// Receipts made before one commit; each needs a few hundred kilobytes meanwhile.
const BATCH_MAX: usize = 32;

/// What receipts say that the entry does not.
pub struct Letterhead {
    pub agency: Agency,
    /// By the office's identifier.
    pub offices: BTreeMap<String, Office>,
    /// Register code to its name.
    pub registers: BTreeMap<String, String>,
    pub request_types: Vec<RequestType>,
    pub spelling: Spelling,
    /// Source to the dedicated address that letters are sent from.
    pub addresses: BTreeMap<String, String>,
    pub signer: Box<dyn Signer>,
    /// Source to the identifier of its office.
    pub offices_of: BTreeMap<String, String>,
    pub allowance: Allowance,
    /// What goes to an address whose domain does not stand by the mail.
    pub unauthenticated: Unauthenticated,
    /// What one mail may weigh.
    pub mail_bytes_max: u64,
    /// Whether the signer's certificate is valid at an instant; the error is for the operator.
    pub signer_valid: Box<dyn Fn(Timestamp) -> Result<(), String> + Send + Sync>,
    pub marking: Marking,
    /// The offices whose letters ask for a read report.
    pub read_reports: BTreeSet<String>,
    /// The blank form that is enclosed where the consent is missing.
    pub consent_form: Form,
}

/// A blank form, a PDF.
pub struct Form {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Letterhead {
    /// Whether the letters of an office ask for a read report.
    pub fn read_report(&self, office: &str) -> ReadReport {
        if self.read_reports.contains(office) {
            ReadReport::Asked
        } else {
            ReadReport::NotAsked
        }
    }

    /// The name of a request type for people.
    pub fn request_type_name(&self, id: &str) -> String {
        let known = self.request_types.iter().find(|one| one.id == id);
        known.map_or_else(|| UNDETERMINED.to_owned(), |one| one.name.clone())
    }

    /// The dedicated address of a source.
    pub(super) fn address_of(&self, source: &str) -> Result<&str, String> {
        let address = self.addresses.get(source).map(String::as_str);
        address.ok_or_else(|| format!("the source `{source}` is no longer in the configuration"))
    }

    /// The office that answers for a source.
    pub(super) fn office_of(&self, source: &str) -> Result<&Office, String> {
        let office = self.offices_of.get(source).and_then(|id| self.offices.get(id));
        office.ok_or_else(|| format!("the source `{source}` is no longer in the configuration"))
    }
}

/// What one round issued.
#[derive(Debug, Default)]
pub struct Round {
    pub issued: Vec<Issued>,
    /// Number and submission whose receipt could not be made this time, with the error.
    pub failed: Vec<(Number, u32, String)>,
}

/// Issues the receipts that are owed longest; an empty result means that none is owed.
///
/// # Errors
/// The store failed; the receipts stay owed and are made again with the same content.
pub fn round(house: House<'_>, letterhead: &Letterhead) -> Result<Round, StepError> {
    let at = (house.now)();
    let owing = house.store.receipts_owed(at, BATCH_MAX)?;
    if owing.is_empty() {
        return Ok(Round::default());
    }
    // About all receipts alike: none of them has failed by it.
    (letterhead.signer_valid)(at).map_err(StepError::Signing)?;
    let ways = ways(house, letterhead, &owing, at)?;
    let secret = house.store.instance_secret();
    let results: Vec<_> = owing
        .par_iter()
        .zip(&ways)
        .map(|(one, way)| {
            let made = catch_unwind(AssertUnwindSafe(|| {
                issue_one(house, letterhead, &secret, one, *way, at)
            }));
            (
                &one.entry,
                made.unwrap_or_else(|_| Err(Trouble::WithThisOne(FAILED_INSIDE.to_owned()))),
            )
        })
        .collect();
    let mut round = Round::default();
    for (entry, made) in results {
        match made {
            Ok(issued) => round.issued.push(issued),
            Err(Trouble::WithThisOne(why)) => {
                round.failed.push((entry.number.clone(), entry.submission, why));
            }
            // The disk is full or away; nothing of this round is recorded, and all of it is made again.
            Err(Trouble::WithTheArchive(error)) => return Err(error.into()),
        }
    }
    time(Stage::Issue, || house.store.receipts_issue(&round.issued))?;
    if !round.issued.is_empty() {
        reach("issue.committed");
    }
    for (number, submission, why) in &round.failed {
        let attempts = owing
            .iter()
            .find(|one| one.entry.number == *number && one.entry.submission == *submission)
            .map_or(1, |one| one.attempts + 1);
        house
            .store
            .receipt_failed(number, *submission, why, at + retry::wait(attempts))?;
    }
    Ok(round)
}

/// Why a receipt, or the letter that carries it, was not made.
pub(super) enum Trouble {
    /// Something about this entry: it is counted and tried again later.
    WithThisOne(String),
    /// The world's fault: no entry has failed by it.
    WithTheArchive(ArchiveError),
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::WithThisOne(why)
    }
}

impl From<ArchiveError> for Trouble {
    fn from(error: ArchiveError) -> Self {
        Self::WithTheArchive(error)
    }
}

fn issue_one(
    house: House<'_>,
    letterhead: &Letterhead,
    secret: &InstanceSecret,
    owing: &Owing,
    way: Way,
    at: Timestamp,
) -> Result<Issued, Trouble> {
    let entry = &owing.entry;
    let content = compose(letterhead, secret, owing, at)?;
    let pdf = time(Stage::Render, || page::render(&content)).map_err(|error| with_causes(&error))?;
    let sealed = time(Stage::Sign, || {
        signature::seal(pdf, &*letterhead.signer, at, &seal_text(&content))
    })
    .map_err(|error| with_causes(&error))?;
    reach("issue.sealed");
    let receipt_sha256 = time(Stage::Issue, || house.archive.put(&sealed))?;
    reach("issue.receipt-archived");
    let (letter, letterless) = match way {
        Way::Letter => match letter(house, letterhead, secret, owing, &content, sealed, at)? {
            Some(letter) => (Some(letter), None),
            None => (None, Some(Letterless::UnusableAddress)),
        },
        Way::Notice => (
            notice(house, letterhead, secret, entry, at)?,
            Some(Letterless::Unauthenticated),
        ),
        Way::Nothing(why) => (None, Some(why)),
    };
    reach("issue.letter-archived");
    Ok(Issued {
        number: entry.number.clone(),
        submission: entry.submission,
        receipt_sha256,
        at,
        letter,
        letterless,
    })
}

/// The letter that carries a receipt which was issued before, queued now; `None` where no server would take the address.
pub(super) fn carrying_letter(
    house: House<'_>,
    letterhead: &Letterhead,
    wanted: &Wanted,
    pdf: Vec<u8>,
    at: Timestamp,
) -> Result<Option<Outgoing>, Trouble> {
    let secret = house.store.instance_secret();
    let mut content = compose(letterhead, &secret, &wanted.owing, wanted.issued_at)?;
    // The letter is of today, whatever day its receipt is of.
    content.issued_at = at;
    letter(house, letterhead, &secret, &wanted.owing, &content, pdf, at)
}

/// The notice that goes in the place of the letter; `None` where no server would take the address.
fn notice(
    house: House<'_>,
    letterhead: &Letterhead,
    secret: &InstanceSecret,
    entry: &Entry,
    at: Timestamp,
) -> Result<Option<Outgoing>, Trouble> {
    let from = letterhead.address_of(&entry.source)?;
    let to = entry.summary.sender_address.as_deref().unwrap_or_default();
    let key = format!("{}/{}", Kind::Notice.as_str(), filing_key(entry));
    let composed = notice::compose(&Notice {
        agency: &letterhead.agency,
        office: office_of_entry(letterhead, entry)?,
        number: &entry.number.spelled(letterhead.spelling),
        submission: entry.submission,
        received_at: entry.draft.received_at,
        from,
        to,
        mail_message_id: entry.summary.message_id.as_deref(),
        message_id: &outbox::message_id(secret, &key, from),
        date: at,
        marking: letterhead.marking,
    });
    outgoing(house, composed, Kind::Notice, entry, from, at)
}

fn letter(
    house: House<'_>,
    letterhead: &Letterhead,
    secret: &InstanceSecret,
    owing: &Owing,
    content: &Receipt,
    pdf: Vec<u8>,
    at: Timestamp,
) -> Result<Option<Outgoing>, Trouble> {
    let entry = &owing.entry;
    let from = letterhead.address_of(&entry.source)?;
    let message_id = outbox::message_id(secret, &letter_key(entry), from);
    let addressing = receipt_letter::Addressing {
        from,
        references: &entry.summary.references,
        read_report: letterhead.read_report(&entry.draft.office),
    };
    let composed = time(Stage::Compose, || {
        receipt_letter::compose(
            content,
            pdf,
            &message_id,
            &addressing,
            &consent(letterhead, owing),
        )
    });
    outgoing(house, composed, Kind::Receipt, entry, from, at)
}

/// Archives a letter about an entry; `None` where no server would take the address: a person hands the receipt over.
fn outgoing(
    house: House<'_>,
    composed: Result<Composed, ComposeError>,
    kind: Kind,
    entry: &Entry,
    from: &str,
    at: Timestamp,
) -> Result<Option<Outgoing>, Trouble> {
    let composed = match composed {
        Ok(composed) => composed,
        Err(ComposeError::Address {
            whose: Whose::Sender, ..
        }) => return Ok(None),
        Err(error) => return Err(Trouble::WithThisOne(with_causes(&error))),
    };
    let sha256 = time(Stage::Issue, || house.archive.put(&composed.bytes))?;
    Ok(Some(Outgoing {
        message_id: composed.message_id,
        kind,
        number: Some(entry.number.clone()),
        ordinal: entry.submission,
        from: from.to_owned(),
        to: entry.summary.sender_address.clone().unwrap_or_default(),
        sha256,
        queued_at: at,
        not_after: None,
    }))
}

/// The key under which the receipt of an entry or submission is known.
fn filing_key(entry: &Entry) -> String {
    match entry.submission {
        0 => entry.number.key(),
        nth => format!("{}/{nth}", entry.number.key()),
    }
}

fn letter_key(entry: &Entry) -> String {
    format!("{}/{}", Kind::Receipt.as_str(), filing_key(entry))
}

/// What the letter says of the consent: seen from this mail, by what the case knows now.
fn consent<'a>(letterhead: &'a Letterhead, owing: &'a Owing) -> Consent<'a> {
    match &owing.consent {
        casework::Consent::NotAsked => Consent::NotAsked,
        casework::Consent::Missing => Consent::Missing {
            form: &letterhead.consent_form.bytes,
            form_name: &letterhead.consent_form.name,
        },
        casework::Consent::Found(found) if found.submission == owing.entry.submission => Consent::Found {
            name: &found.file_name,
        },
        casework::Consent::Found(found) => Consent::FoundEarlier { on: found.on },
    }
}

/// Everything that the receipt of an entry says.
fn compose(
    letterhead: &Letterhead,
    secret: &InstanceSecret,
    owing: &Owing,
    at: Timestamp,
) -> Result<Receipt, String> {
    let entry = &owing.entry;
    let office = office_of_entry(letterhead, entry)?;
    let number = &entry.number;
    Ok(Receipt {
        id: secret.id("receipt", &filing_key(entry)),
        agency: letterhead.agency.clone(),
        office: office.clone(),
        number: number.spelled(letterhead.spelling),
        submission: entry.submission,
        register: RegisterPlace {
            code: number.register.clone(),
            name: letterhead
                .registers
                .get(&number.register)
                .cloned()
                .unwrap_or_default(),
            number: number.number,
            year: number.date.year(),
            date: number.date,
        },
        received_at: entry.draft.received_at,
        registered_at: entry.draft.registered_at,
        issued_at: at,
        processing_day: entry.draft.processing_day,
        processing_reason: entry.draft.processing_reason.clone(),
        applicant: entry.draft.applicant.clone(),
        sender_address: entry.summary.sender_address.clone().unwrap_or_default(),
        subject: entry.summary.subject.clone(),
        message_id: entry.summary.message_id.clone(),
        in_reply_to: entry.summary.references.last().cloned(),
        message_date: entry.summary.date.map(wording::instant),
        mail_size_bytes: entry.mail_size_bytes,
        mail_sha256: entry.mail_sha256.clone(),
        request_type: letterhead.request_type_name(&entry.draft.request_type),
        links: owing.links.iter().map(|one| link(letterhead, one)).collect(),
        files: (1..)
            .zip(&entry.files)
            .map(|(ordinal, file)| line(ordinal, file))
            .collect(),
        system_version: env!("CARGO_PKG_VERSION").to_owned(),
        marking: letterhead.marking,
    })
}

fn office_of_entry<'a>(letterhead: &'a Letterhead, entry: &Entry) -> Result<&'a Office, String> {
    let id = &entry.draft.office;
    let office = letterhead.offices.get(id);
    office.ok_or_else(|| format!("the office `{id}` is no longer in the configuration"))
}

fn link(letterhead: &Letterhead, record: &LinkRecord) -> content::Link {
    let number = record.earlier.spelled(letterhead.spelling);
    content::Link {
        why: record.why.as_str().to_owned(),
        text_ro: format!("{} {number}", record.why.citizen_ro()),
        number,
    }
}

/// The words of the signature dictionary.
fn seal_text(receipt: &Receipt) -> SealText {
    SealText {
        reason: receipt.name_ro(),
        location: receipt.office.name.clone(),
        contact: receipt.office.contact.clone(),
        alternate: match receipt.submission {
            0 => format!("Semnătura electronică a recipisei {}", receipt.matter_ro()),
            _ => format!("Semnătura electronică a recipisei pentru {}", receipt.matter_ro()),
        },
    }
}

fn line(ordinal: u32, file: &FileRecord) -> File {
    let mut findings: Vec<&FindingRecord> = file.findings.iter().collect();
    if !file.accepted {
        // "You need not do anything" beside what must be done would mislead.
        findings.retain(|finding| {
            finding.severity == Severity::Refusal || !documents::asks_nothing(&finding.text_ro)
        });
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }
    let reasons = findings.into_iter().map(|finding| content::Reason {
        code: finding.code.clone(),
        severity: match finding.severity {
            Severity::Note => content::Severity::Note,
            Severity::Warning => content::Severity::Warning,
            Severity::Refusal => content::Severity::Refusal,
        },
        text_ro: finding.text_ro.clone(),
    });
    File {
        ordinal,
        name: file.name.clone(),
        container: file.container.clone(),
        declared: file.declared.clone(),
        detected: file.detected.clone(),
        kind_ro: file.kind_ro.clone(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
        verdict: if file.accepted {
            content::Verdict::Accepted
        } else {
            content::Verdict::Refused
        },
        reasons: reasons.collect(),
    }
}

#[cfg(test)]
mod tests;
