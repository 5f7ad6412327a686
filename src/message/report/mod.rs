//! What a report about a letter says: delivery reports (RFC 3464) and the common forms that are none, read reports
//! (RFC 8098), complaints (RFC 5965). Reports are easily forged: they are evidence and change no case.
//!
//! Nothing else is taken out of a report, because it quotes other people's data: no subject, no text of a letter.

mod causes;
mod fields;
mod returned;
pub(super) mod words;

use mail_parser::{HeaderName, Message};

use super::origin::Origin;
use super::trace::{fields as header_fields, within_brackets};
use super::{ids, is_address};
use fields::{Said, first, typed_address, xtext};
use returned::Returned;

/// How much of a report's text is read; what it quotes is behind that, and of no concern.
const TEXT_BYTES_MAX: usize = 1 << 16;
/// More recipients than one letter of ours has are not looked for.
const RECIPIENTS_MAX: usize = 100;

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    Delivery,
    Read,
    Complaint,
}

/// What became of a letter on its way to one recipient (RFC 3464 §2.3.3, RFC 8098 §3.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Failed,
    Delayed,
    Delivered,
    /// Handed to a server that gives no reports.
    Relayed,
    Expanded,
    /// Shown to its reader.
    Displayed,
    /// Taken up without being shown.
    Processed,
    /// Thrown away, perhaps unread.
    Deleted,
}

/// What a report says of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Final-Recipient, else Original-Recipient, without its type.
    pub address: Option<String>,
    /// Of a complaint always [`Action::Delivered`], since nobody complains of what he has not got.
    pub action: Action,
    /// Enhanced status code `d.d.d` (RFC 3463); the more exact one where the field says only `5.0.0` and the server's
    /// words say more.
    pub status: Option<String>,
    /// The server's words, in one line of at most 200 letters.
    pub diagnostic: Option<String>,
}

/// A report, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub kind: ReportKind,
    /// Original-Envelope-Id (RFC 3464 §2.2.1), decoded.
    pub envelope_id: Option<String>,
    /// The Message-ID of the letter it speaks of, without angle brackets: from Original-Message-ID or from the
    /// returned header, else from In-Reply-To, which some servers set in their reports.
    pub original_message_id: Option<String>,
    /// Never empty for a delivery report that could be read.
    pub recipients: Vec<Recipient>,
}

/// The report that a parsed message is; `None` for every other message, and for one that says nothing that can be read.
pub(super) fn of(parsed: &Message<'_>, origin: Origin) -> Option<Report> {
    let kind = match origin {
        Origin::Bounce => ReportKind::Delivery,
        Origin::ReadReport => ReportKind::Read,
        Origin::Complaint => ReportKind::Complaint,
        Origin::Person | Origin::AutoReply | Origin::List | Origin::Bulk | Origin::AsksForSilence => {
            return None;
        }
    };
    let said = Said::of(parsed);
    let returned = Returned::of(parsed, &said.quoted);
    let recipients = match kind {
        ReportKind::Delivery => delivery(&said, &returned, parsed),
        ReportKind::Read => read(&said),
        ReportKind::Complaint => complaint(&said, &returned),
    };
    let original_message_id = said
        .first("original-message-id")
        .map(|id| within_brackets(id).to_owned())
        .or(returned.message_id)
        .or_else(|| ids(parsed, HeaderName::InReplyTo).into_iter().next())
        .filter(|id| !id.is_empty());
    if recipients.is_empty() && original_message_id.is_none() {
        return None;
    }
    Some(Report {
        kind,
        envelope_id: said
            .first("original-envelope-id")
            .map(xtext)
            .filter(|id| !id.is_empty()),
        original_message_id,
        recipients,
    })
}

/// Whether a letter lies in the message, or its header below the words, as a server gives it back.
pub(super) fn returns_a_letter(parsed: &Message<'_>) -> bool {
    let said = Said::of(parsed);
    !said.groups.is_empty() || Returned::of(parsed, &said.quoted).message_id.is_some()
}

/// Whether the words for people are a server's about a letter that it could not deliver.
pub(super) fn speaks_of_failure(parsed: &Message<'_>) -> bool {
    words::tell_of_failure(&Said::of(parsed).text)
}

/// RFC 3464 §2.3; where there are no fields, by the words.
fn delivery(said: &Said, returned: &Returned, parsed: &Message<'_>) -> Vec<Recipient> {
    let mut found: Vec<Recipient> = Vec::new();
    for group in &said.groups {
        let names_one = ["final-recipient", "original-recipient", "action", "status"]
            .iter()
            .any(|name| first(group, name).is_some());
        if !names_one {
            continue;
        }
        let recipient = of_group(group);
        if !found.contains(&recipient) && found.len() < RECIPIENTS_MAX {
            found.push(recipient);
        }
    }
    let failed = failed_recipients(parsed);
    if found.is_empty() {
        return by_words(said, returned, failed);
    }
    let is_bare = |one: &Recipient| {
        one.address.is_none() || one.diagnostic.is_none() && one.status.as_deref().is_none_or(words::is_vague)
    };
    if found.iter().any(is_bare) {
        let told = words::recipients(&said.text, failed, returned.to.clone());
        let alone = found.len() == 1 && told.len() == 1;
        for one in found.iter_mut().filter(|one| is_bare(one)) {
            let of_him = |other: &&Recipient| alone && one.address.is_none() || other.address == one.address;
            if let Some(other) = told.iter().find(of_him) {
                complete(one, other);
            }
        }
    }
    found
}

/// Adds to what the fields say of a recipient what the words for people say of him.
fn complete(one: &mut Recipient, other: &Recipient) {
    one.address = one.address.take().or_else(|| other.address.clone());
    if one.diagnostic.is_none() && one.status.as_deref().is_none_or(words::is_vague) {
        let is_better = match (&one.status, &other.status) {
            (None, _) => true,
            (Some(ours), Some(told)) => ours[..1] == told[..1] && !words::is_vague(told),
            (Some(_), None) => false,
        };
        if is_better {
            one.status.clone_from(&other.status);
        }
        one.diagnostic.clone_from(&other.diagnostic);
    }
}

/// What the words for people say; nothing where neither an address nor a returned letter is there, since then it is
/// some other mail without a sender.
fn by_words(said: &Said, returned: &Returned, failed: Vec<String>) -> Vec<Recipient> {
    let told = words::recipients(&said.text, failed, returned.to.clone());
    let says_something = told
        .iter()
        .any(|one| one.address.is_some() || one.diagnostic.is_some());
    if says_something || returned.message_id.is_some() {
        told
    } else {
        Vec::new()
    }
}

fn of_group(group: &[(String, String)]) -> Recipient {
    let address = ["final-recipient", "original-recipient", "x-actual-recipient"]
        .iter()
        .find_map(|name| first(group, name).and_then(typed_address));
    let diagnostic = first(group, "diagnostic-code").map(|value| {
        let words = value.split_once(';').map_or(value, |(kind, words)| {
            // `smtp; 550 …`: the type is one word.
            if kind.trim().contains(' ') { value } else { words }
        });
        words::one_line(words)
    });
    let field = first(group, "status").and_then(words::enhanced_code);
    let told = diagnostic.as_deref().and_then(words::enhanced_code);
    let status = match (field, told) {
        (Some(field), Some(told)) if words::is_vague(&field) && field[..1] == told[..1] => Some(told),
        (Some(field), _) => Some(field),
        (None, told) => told.or_else(|| diagnostic.as_deref().map(|words| words::status(words, false))),
    };
    let action = match first(group, "action").map(|value| value.trim().to_ascii_lowercase()) {
        Some(word) if word.starts_with("fail") => Action::Failed,
        Some(word) if word.starts_with("delay") => Action::Delayed,
        Some(word) if word.starts_with("deliver") => Action::Delivered,
        Some(word) if word.starts_with("relay") => Action::Relayed,
        Some(word) if word.starts_with("expand") => Action::Expanded,
        Some(_) | None => match status.as_deref().map(|status| &status[..1]) {
            Some("2") => Action::Delivered,
            Some("4") => Action::Delayed,
            Some(_) | None => Action::Failed,
        },
    };
    Recipient {
        address,
        action,
        status,
        diagnostic: diagnostic.filter(|words| !words.is_empty()),
    }
}

/// RFC 8098 §3.2; one report speaks of one recipient.
fn read(said: &Said) -> Vec<Recipient> {
    let Some(group) = said
        .groups
        .iter()
        .find(|group| first(group, "disposition").is_some())
    else {
        return Vec::new();
    };
    let disposition = first(group, "disposition")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let kind = disposition.rsplit(';').next().unwrap_or_default();
    let kind = kind.trim().split('/').next().unwrap_or_default();
    let action = match kind {
        "displayed" => Action::Displayed,
        "deleted" => Action::Deleted,
        "failed" => Action::Failed,
        // `dispatched` (printed, forwarded) is of RFC 3798; whatever else, some program took it up.
        _ => Action::Processed,
    };
    let address = ["final-recipient", "original-recipient"]
        .iter()
        .find_map(|name| first(group, name).and_then(typed_address));
    vec![Recipient {
        address,
        action,
        status: None,
        diagnostic: None,
    }]
}

/// RFC 5965 §3.2, else the returned letter's single recipient.
fn complaint(said: &Said, returned: &Returned) -> Vec<Recipient> {
    let mut addresses: Vec<String> = Vec::new();
    let told = said.groups.iter().flatten().filter(|(name, _)| {
        matches!(
            name.as_str(),
            "original-rcpt-to" | "removal-recipient" | "redacted-address"
        )
    });
    for (_, value) in told {
        if let Some(address) = typed_address(value)
            && !addresses.contains(&address)
            && addresses.len() < RECIPIENTS_MAX
        {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        addresses.extend(returned.to.clone());
    }
    let recipient = |address| Recipient {
        address,
        action: Action::Delivered,
        status: None,
        diagnostic: None,
    };
    if addresses.is_empty() {
        return vec![recipient(None)];
    }
    addresses.into_iter().map(|one| recipient(Some(one))).collect()
}

/// X-Failed-Recipients, as Exim and Google write it.
fn failed_recipients(parsed: &Message<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for field in header_fields(parsed).filter(|field| field.is("x-failed-recipients")) {
        for one in field.text().split(',') {
            let address = within_brackets(one);
            if is_address(address)
                && !found.iter().any(|known| known == address)
                && found.len() < RECIPIENTS_MAX
            {
                found.push(address.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
