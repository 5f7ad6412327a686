//! `entries` and `show`: the register, and everything about one number.

use std::path::{Path, PathBuf};

use crate::cli::{Failure, held, json, link, open, text};
use crate::daemon::House;
use crate::receipt::wording::visible;
use crate::registry::{Delivery, FileRecord, Number, Spelling};
use crate::store::{Archive, Copy, EntryRecord, LetterState, LetterStory, ReceiptState, Step, Store};

#[derive(clap::Args)]
pub(super) struct ShowOptions {
    /// As on the receipt: 12/20.11.2026, or DEJ-12/20.11.2026 where there are several registers.
    number: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also write the signed receipt to this file; `-` prints it and nothing else.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// With --receipt: that of the case's K-th submission (completarea nr. K) and not of the request.
    #[arg(long, value_name = "K", requires = "receipt")]
    submission: Option<u32>,
}

#[derive(clap::Args)]
pub(super) struct ResendOptions {
    /// As on the receipt.
    number: String,
    /// Who decides; written into the journal.
    #[arg(long = "as", value_name = "NAME")]
    actor: Option<String>,
}

/// Queues the letter of an entry again.
pub(super) fn resend(config: Option<PathBuf>, options: ResendOptions) -> Result<(), Failure> {
    let house = open::house(config)?;
    let number = parsed(&options.number, &house)?;
    let actor = options.actor.unwrap_or_else(held::actor_of_session);
    let waiting = house.store.receipts_want(&number, &actor, house.clock.now())?;
    if !waiting.is_empty() {
        text::line(&format!(
            "letters will carry the receipts that waited for a person: {}; `run` sends them within seconds, otherwise \
             `recipisa once` does",
            waiting.len()
        ));
        return Ok(());
    }
    let letter = house.store.letter_requeue(&number, &actor, house.clock.now())?;
    text::line(&format!(
        "the letter ({}) to {} is queued again; `run` sends it within seconds, otherwise `recipisa once` does",
        letter.kind.as_str(),
        letter.to
    ));
    Ok(())
}

/// The number that somebody typed.
pub(super) fn parsed(text: &str, house: &House) -> Result<Number, Failure> {
    Number::parse(text, house.settings.only_register()).map_err(|error| Failure::Said(error.to_string()))
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

/// Where the receipt of an entry or submission is, in a few words.
pub(super) fn receipt_state(record: &EntryRecord) -> String {
    match &record.receipt {
        ReceiptState::Owed { attempts: 0, .. } => "owed".into(),
        ReceiptState::Owed { attempts, .. } => format!("owed, failed {attempts} times"),
        ReceiptState::Issued { .. } => match record.letters.first() {
            None => match record.letterless {
                Some(why) => format!("NO LETTER ({})", why.as_str()),
                None => "issued, NO LETTER: hand it over".into(),
            },
            Some(letter) => match letter.state {
                LetterState::Sent => match &letter.reported {
                    Some(reported) if reported.delivery == Delivery::Bounced => match reported.of_another {
                        Some(_) => "CAME BACK (of another address)".into(),
                        None => "CAME BACK".into(),
                    },
                    Some(reported) => reported.delivery.as_str().into(),
                    None => "sent".into(),
                },
                LetterState::Queued => "letter queued".into(),
                LetterState::GivenUp => "letter GIVEN UP".into(),
                LetterState::Void => "letter void".into(),
            },
        },
    }
}

/// Shows one entry.
pub(super) fn show(config: Option<PathBuf>, options: &ShowOptions) -> Result<(), Failure> {
    let house = open::house(config)?;
    let spelling = house.settings.spelling();
    let number = parsed(&options.number, &house)?;
    let record = house.store.entry(&number)?.ok_or_else(|| {
        Failure::Said(format!(
            "there is no entry {}; `recipisa entries` lists them all",
            number.spelled(spelling)
        ))
    })?;
    if let Some(path) = &options.receipt {
        let wanted = match options.submission {
            None => record.receipt.clone(),
            Some(nth) => submission(&house, &number, nth)?.receipt,
        };
        let ReceiptState::Issued { sha256, .. } = &wanted else {
            return Err(Failure::Said("its receipt is not issued yet".into()));
        };
        write_archived(&house, sha256, path)?;
        if path.as_os_str() == "-" {
            return Ok(());
        }
    }
    let stories = house.store.letter_stories(&number)?;
    let copies = house.store.copies_of(&number)?;
    if options.json {
        let mut object = json::entry(&record, spelling);
        object["lives"] = stories.iter().map(json::life).collect();
        object["copies"] = copies
            .iter()
            .map(|copy| serde_json::json!({"source": copy.source.0, "mail_id": copy.mail_seq}))
            .collect();
        text::line(&object.to_string());
    } else {
        print(&record, &copies, &stories, spelling);
    }
    Ok(())
}

fn submission(house: &House, number: &Number, nth: u32) -> Result<EntryRecord, Failure> {
    let submissions = house.store.case(number)?.map(|case| case.submissions);
    let mut found = submissions.into_iter().flatten();
    found
        .find(|one| one.entry.submission == nth)
        .ok_or_else(|| Failure::Said(format!("there is no submission {nth}; see `recipisa case show`")))
}

/// Writes a file of the archive where a person wants it.
pub(super) fn write_archived(house: &House, sha256: &str, path: &Path) -> Result<(), Failure> {
    let bytes = house.archive.read(sha256)?;
    if path.as_os_str() == "-" {
        text::bytes(&bytes);
        return Ok(());
    }
    std::fs::write(path, bytes).map_err(|source| Failure::File {
        doing: if source.kind() == std::io::ErrorKind::PermissionDenied {
            "the file may not be written by this user; use `-` and `> FILE`. Writing"
        } else {
            "writing"
        },
        path: path.display().to_string(),
        source,
    })
}

fn print(record: &EntryRecord, copies: &[Copy], stories: &[LetterStory], spelling: Spelling) {
    print_facts(record, spelling);
    for copy in copies {
        let (source, mail) = (visible(&copy.source.0), copy.mail_seq);
        text::line(&format!("{:<15} {source} (mail {mail})", "also came to"));
    }
    for words in link::in_words(&record.links, &record.entry.number, spelling) {
        text::line(&format!("{:<15} {words}", "linked"));
    }
    print_sending(record, stories);
    text::line("");
    print_files(&record.entry.files);
}

fn print_facts(record: &EntryRecord, spelling: Spelling) {
    let (entry, draft, summary) = (&record.entry, &record.entry.draft, &record.entry.summary);
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    let mail = format!(
        "{} from source {}, sha256 {}",
        entry.mail_seq, entry.source, entry.mail_sha256
    );
    let facts = [
        ("number", entry.number.spelled(spelling)),
        ("registered", text::instant(draft.registered_at)),
        ("received", text::instant(draft.received_at)),
        (
            "processing day",
            draft.processing_day.strftime("%d.%m.%Y").to_string(),
        ),
        ("", draft.processing_reason.clone()),
        ("office", draft.office.clone()),
        ("applicant", or_dash(&draft.applicant)),
        ("from", or_dash(&summary.sender_address)),
        ("subject", summary.subject.clone()),
        ("request type", draft.request_type.clone()),
        ("Message-ID", or_dash(&summary.message_id)),
        ("mail", mail),
        ("receipt", receipt_state(record)),
    ];
    for (name, value) in facts {
        text::line(&format!("{name:<15} {}", visible(&value)));
    }
}

fn print_sending(record: &EntryRecord, stories: &[LetterStory]) {
    if let ReceiptState::Owed {
        last_error: Some(error),
        ..
    } = &record.receipt
    {
        text::line(&format!("{:<15} last error: {error}", ""));
    }
    for story in stories {
        let letter = &story.record.letter;
        let what = match letter.ordinal {
            0 => letter.kind.as_str().to_owned(),
            nth => format!("{} {nth}", letter.kind.as_str()),
        };
        text::line(&format!(
            "{:<15} {what}, <{}> to {}",
            "letter",
            letter.message_id,
            visible(&letter.to)
        ));
        for step in &story.steps {
            text::line(&format!("{:<15} {}", "", said(step)));
        }
    }
}

/// `20.11.2026 12:00:03 sent: 250 2.0.0 ok`.
fn said(step: &Step) -> String {
    let mut said = format!("{} {}", text::instant(step.at), step.kind.as_str());
    if !step.words.is_empty() {
        said.push_str(&format!(": {}", visible(&step.words)));
    }
    if let Some(mail) = step.mail_seq {
        said.push_str(&format!(" [mail {mail}]"));
    }
    said
}

/// The files as a table.
pub(super) fn print_files(files: &[FileRecord]) {
    let row = |(ordinal, file): (u32, &FileRecord)| {
        let name = match &file.container {
            Some(container) => format!("{} › {}", visible(container), visible(&file.name)),
            None => visible(&file.name),
        };
        let codes: Vec<&str> = file
            .findings
            .iter()
            .map(|finding| finding.code.as_str())
            .collect();
        vec![
            ordinal.to_string(),
            visible(&name),
            file.detected.clone(),
            file.size_bytes.to_string(),
            if file.accepted { "accepted" } else { "refused" }.to_owned(),
            codes.join(" "),
            file.sha256.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = (1..).zip(files).map(row).collect();
    text::table(
        &["nr", "file", "kind", "bytes", "verdict", "findings", "sha256"],
        &rows,
        64,
    );
}
