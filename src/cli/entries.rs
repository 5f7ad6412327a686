//! `entries` and `show`: the register, and everything about one number.

use std::path::PathBuf;

use crate::cli::{Failure, json, open, text};
use crate::registry::{Number, Spelling};
use crate::store::{Archive, EntryRecord, LetterState, ReceiptState, Store};

#[derive(clap::Args)]
pub(super) struct ShowOptions {
    /// As on the receipt: 12/20.11.2026, or DEJ-12/20.11.2026 where there are several registers.
    number: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also write the signed receipt to this file.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

/// Lists all entries in the order of registration.
pub(super) fn list(config: Option<PathBuf>, as_json: bool) -> Result<(), Failure> {
    let house = open::house(config)?;
    let spelling = house.settings.spelling();
    if as_json {
        house
            .store
            .entries_each(&mut |record| text::line(&json::entry(&record, spelling).to_string()))?;
        return Ok(());
    }
    let mut rows = Vec::new();
    house.store.entries_each(&mut |record| {
        let entry = &record.entry;
        rows.push(vec![
            entry.number.spelled(spelling),
            text::instant(entry.draft.registered_at),
            entry.draft.office.clone(),
            entry.draft.applicant.clone().unwrap_or_default(),
            entry.summary.sender_address.clone().unwrap_or_default(),
            entry.draft.request_type.clone(),
            entry.draft.processing_day.strftime("%d.%m.%Y").to_string(),
            entry.files.len().to_string(),
            receipt_state(&record),
        ]);
    })?;
    let head = [
        "number",
        "registered",
        "office",
        "applicant",
        "from",
        "type",
        "processing",
        "files",
        "receipt",
    ];
    text::table(&head, &rows, 32);
    Ok(())
}

fn receipt_state(record: &EntryRecord) -> String {
    match &record.receipt {
        ReceiptState::Owed { attempts: 0, .. } => "owed".into(),
        ReceiptState::Owed { attempts, .. } => format!("owed, failed {attempts} times"),
        ReceiptState::Issued { .. } => match record.letters.first() {
            None => "issued, no letter".into(),
            Some(letter) => match letter.state {
                LetterState::Sent => "sent".into(),
                LetterState::Queued => "letter queued".into(),
                LetterState::GivenUp => "letter given up".into(),
            },
        },
    }
}

/// Shows one entry.
pub(super) fn show(config: Option<PathBuf>, options: &ShowOptions) -> Result<(), Failure> {
    let house = open::house(config)?;
    let spelling = house.settings.spelling();
    let number = Number::parse(&options.number, house.settings.only_register())
        .map_err(|error| Failure::Said(error.to_string()))?;
    let record = house.store.entry(&number)?.ok_or_else(|| {
        Failure::Said(format!(
            "there is no entry {}; `recipisa entries` lists them all",
            number.spelled(spelling)
        ))
    })?;
    if let Some(path) = &options.receipt {
        let ReceiptState::Issued { sha256, .. } = &record.receipt else {
            return Err(Failure::Said("its receipt is not issued yet".into()));
        };
        let bytes = house.archive.read(sha256)?;
        let shown = path.display().to_string();
        std::fs::write(path, bytes).map_err(|source| Failure::File {
            doing: "writing",
            path: shown,
            source,
        })?;
    }
    if options.json {
        text::line(&json::entry(&record, spelling).to_string());
    } else {
        print(&record, spelling);
    }
    Ok(())
}

fn print(record: &EntryRecord, spelling: Spelling) {
    let entry = &record.entry;
    let nothing = || "–".to_owned();
    let facts = [
        ("number", entry.number.spelled(spelling)),
        ("registered", text::instant(entry.draft.registered_at)),
        ("received", text::instant(entry.draft.received_at)),
        (
            "processing day",
            entry.draft.processing_day.strftime("%d.%m.%Y").to_string(),
        ),
        ("", entry.draft.processing_reason.clone()),
        ("office", entry.draft.office.clone()),
        ("applicant", entry.draft.applicant.clone().unwrap_or_else(nothing)),
        (
            "from",
            entry.summary.sender_address.clone().unwrap_or_else(nothing),
        ),
        ("subject", entry.summary.subject.clone()),
        ("request type", entry.draft.request_type.clone()),
        (
            "Message-ID",
            entry.summary.message_id.clone().unwrap_or_else(nothing),
        ),
        (
            "mail",
            format!(
                "{} from source {}, sha256 {}",
                entry.mail_seq, entry.source, entry.mail_sha256
            ),
        ),
        ("receipt", receipt_state(record)),
    ];
    for (name, value) in facts {
        let clean: String = value
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        text::line(&format!("{name:<15} {clean}"));
    }
    if let ReceiptState::Owed {
        last_error: Some(error),
        ..
    } = &record.receipt
    {
        text::line(&format!("                last error: {error}"));
    }
    for letter in &record.letters {
        let answer = letter.last_answer.as_deref().unwrap_or("not tried yet");
        text::line(&format!(
            "letter          <{}> to {}",
            letter.letter.message_id, letter.letter.to
        ));
        text::line(&format!(
            "                {}, {} attempts, {answer}",
            letter.state.as_str(),
            letter.attempts
        ));
    }
    text::line("");
    let rows: Vec<Vec<String>> = (1..)
        .zip(&entry.files)
        .map(|(ordinal, file)| {
            let name = match &file.container {
                Some(container) => format!("{container} › {}", file.name),
                None => file.name.clone(),
            };
            let codes: Vec<&str> = file
                .findings
                .iter()
                .map(|finding| finding.code.as_str())
                .collect();
            let verdict = if file.accepted { "accepted" } else { "refused" };
            let cells = [
                ordinal.to_string(),
                name,
                file.detected.clone(),
                file.size_bytes.to_string(),
            ];
            cells
                .into_iter()
                .chain([verdict.to_owned(), codes.join(" "), file.sha256.clone()])
                .collect()
        })
        .collect();
    text::table(
        &["nr", "file", "kind", "bytes", "verdict", "findings", "sha256"],
        &rows,
        64,
    );
}
