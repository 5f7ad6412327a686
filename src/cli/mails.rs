//! `mails`: every message that the mailboxes ever showed, and what became of it.

use std::path::PathBuf;

use crate::cli::{Failure, json, open, text};
use crate::store::Store;

/// Lists mails, oldest first.
pub(super) fn main(config: Option<PathBuf>, as_json: bool) -> Result<(), Failure> {
    let house = open::house(config)?;
    let spelling = house.settings.spelling();
    if as_json {
        house
            .store
            .mails_each(&mut |record| text::line(&json::stored_mail(&record, spelling).to_string()))?;
        return Ok(());
    }
    let mut rows = Vec::new();
    house.store.mails_each(&mut |record| {
        let decision = record.decision.as_ref();
        rows.push(vec![
            record.seq.to_string(),
            text::instant(record.received_at),
            record.source.0.clone(),
            decision
                .and_then(|one| one.summary.sender_address.clone())
                .unwrap_or_default(),
            decision
                .map(|one| one.summary.subject.clone())
                .unwrap_or_default(),
            decision.map_or("waits", |one| one.outcome.as_str()).to_owned(),
            decision.map_or("", |one| one.reason.as_str()).to_owned(),
            decision
                .and_then(|one| one.number.as_ref())
                .map(|one| one.spelled(spelling))
                .unwrap_or_default(),
        ]);
    })?;
    text::table(
        &[
            "id", "received", "source", "from", "subject", "outcome", "reason", "number",
        ],
        &rows,
        40,
    );
    Ok(())
}
