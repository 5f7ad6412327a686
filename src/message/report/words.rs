//! Delivery reports that are written for people only: the recipients and the cause found in their words.
//!
//! Left out: the fields of RFC 3464, which [`super`] reads. Nothing else of the text is taken: such mails quote letters.

use mail_parser::{Message, MessagePart, PartType};

use super::causes::{BEFORE_RECIPIENT, CAUSES, RETURNED, TRACES, WARNINGS};
use super::{Action, RECIPIENTS_MAX, Recipient};
use crate::message::machines::{self, plain};
use crate::message::{charset, declared_type, is_address};

/// A server's words, in letters.
const DIAGNOSTIC_MAX: usize = 200;

/// The words of a part for people; of a multipart whose boundary is missing, all of it.
pub(in crate::message) fn for_people(parsed: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    match &part.body {
        PartType::Text(_) => Some(String::from(&*charset::part_text(parsed, part))),
        PartType::Binary(bytes) if declared_type(part).starts_with("multipart/") => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        PartType::Binary(_)
        | PartType::InlineBinary(_)
        | PartType::Html(_)
        | PartType::Message(_)
        | PartType::Multipart(_) => None,
    }
}

/// Whether a text has a phrase of the tables: a number alone may be anybody's telephone.
pub(super) fn tell_of_failure(text: &str) -> bool {
    let words = plain(text);
    machines::text(&words).is_some()
        || has_one_of(&words, WARNINGS)
        || CAUSES.iter().any(|(phrase, _)| words.contains(phrase))
}

/// A report's own text and the letter quoted below it.
pub(super) fn parted(text: &str) -> (&str, &str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim().trim_matches(['-', '=', '|', '*', ' ', '#']);
        // The whole line says it; a sentence such as «the original message was received at» does not.
        let ends = |rest: &str| {
            !rest.trim_start().starts_with("was ") && !rest.contains(['@', '<']) && bare.len() <= 80
        };
        let bare = plain(bare);
        let begins_quote = RETURNED
            .iter()
            .any(|start| bare.strip_prefix(start).is_some_and(ends));
        if begins_quote || TRACES.iter().any(|name| bare.starts_with(name)) {
            return text.split_at(at);
        }
        at += line.len();
    }
    (text, "")
}

/// The recipients that a text speaks of, each with what it says of him. `failed` are those that the header names
/// (X-Failed-Recipients); `returned_to` is the returned letter's, if it has a single one.
pub(super) fn recipients(text: &str, failed: Vec<String>, returned_to: Option<String>) -> Vec<Recipient> {
    let lines: Vec<&str> = text.lines().collect();
    let named = named(&lines);
    let found: Vec<(usize, String)> = if !failed.is_empty() {
        let line_of = |address: &String| {
            let spoken = named
                .iter()
                .find(|(_, other)| other.eq_ignore_ascii_case(address));
            spoken.map_or(0, |(line, _)| *line)
        };
        failed.into_iter().map(|one| (line_of(&one), one)).collect()
    } else if named.is_empty() {
        returned_to.into_iter().map(|one| (0, one)).collect()
    } else {
        named
    };
    let only_a_warning = has_one_of(&plain(text), WARNINGS);
    if found.len() <= 1 {
        let address = found.into_iter().next().map(|(_, address)| address);
        return vec![judged(text, address, only_a_warning)];
    }
    let starts: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
    found
        .into_iter()
        .map(|(start, address)| {
            let next = starts.iter().copied().filter(|line| *line > start).min();
            let about = lines[start..next.unwrap_or(lines.len())].join("\n");
            judged(&about, Some(address), only_a_warning)
        })
        .collect()
}

/// Addresses that stand where a report names a recipient, with their lines: at the beginning of one, else behind a word
/// that says so.
fn named(lines: &[&str]) -> Vec<(usize, String)> {
    let mut first: Vec<(usize, String)> = Vec::new();
    let mut behind: Vec<(usize, String)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        for (at, address) in addresses(line).into_iter().take(RECIPIENTS_MAX) {
            let before = line[..at].trim_end_matches([' ', '\t', '<', '"', '\'', '\\', ':', '=', '[', '(']);
            let list = if before
                .trim_start_matches(['>', '*', '•', '-', ' ', '\t'])
                .is_empty()
            {
                &mut first
            } else if is_before_recipient(before) {
                &mut behind
            } else {
                continue;
            };
            let known = list.iter().any(|(_, other)| other.eq_ignore_ascii_case(&address));
            if !known && list.len() < RECIPIENTS_MAX {
                list.push((index, address));
            }
        }
    }
    if first.is_empty() { behind } else { first }
}

/// Whether a line up to an address says that the address is a recipient's: a word of the table, or a reply code, as
/// sendmail 5 writes it.
fn is_before_recipient(before: &str) -> bool {
    // The words stand directly before the address, however long the line is.
    let near = before.ceil_char_boundary(before.len().saturating_sub(64));
    let before = plain(&before[near..]);
    let word = before.rsplit(' ').next().unwrap_or_default();
    let is_code = word.len() == 3 && reply_code(word).is_some();
    is_code || BEFORE_RECIPIENT.iter().any(|words| before.ends_with(words))
}

/// The addresses in a line, each with the place where it begins.
fn addresses(line: &str) -> Vec<(usize, String)> {
    let of_local = |letter: char| letter.is_alphanumeric() || "!#$%&*+/=?^_`{|}~.-".contains(letter);
    let of_domain = |letter: char| letter.is_alphanumeric() || letter == '.' || letter == '-';
    let mut found = Vec::new();
    for (at, _) in line.match_indices('@') {
        let start = line[..at]
            .char_indices()
            .rev()
            .take_while(|(_, letter)| of_local(*letter))
            .last()
            .map_or(at, |(index, _)| index);
        let domain = &line[at + 1..];
        let end = domain.find(|letter| !of_domain(letter)).unwrap_or(domain.len());
        let address = format!(
            "{}@{}",
            &line[start..at],
            domain[..end].trim_end_matches(['.', '-'])
        );
        if is_address(&address) {
            found.push((start, address));
        }
    }
    found
}

/// What a text says of the recipient it is about.
fn judged(about: &str, address: Option<String>, only_a_warning: bool) -> Recipient {
    let status = status(about, only_a_warning);
    Recipient {
        address,
        action: match (&status[..1], only_a_warning) {
            ("2", _) => Action::Delivered,
            (_, true) => Action::Delayed,
            (_, false) => Action::Failed,
        },
        diagnostic: diagnostic(about),
        status: Some(status),
    }
}

/// The enhanced status code (RFC 3463): one that is written there; else the class of the SMTP reply and the cause by
/// its words.
pub(super) fn status(text: &str, only_a_warning: bool) -> String {
    if let Some(code) = enhanced_code(text) {
        return code;
    }
    let words = plain(text);
    let cause = CAUSES.iter().find(|(words_of, _)| words.contains(words_of));
    let class = match reply_code(text) {
        Some(code) => code,
        None if only_a_warning => '4',
        None => '5',
    };
    format!("{class}.{}", cause.map_or("0.0", |(_, code)| code))
}

/// The first status code `d.d.d` of a text that tells a cause; a failure's goes before a success's.
pub(super) fn enhanced_code(text: &str) -> Option<String> {
    let mut codes = codes(text);
    codes.sort_by_key(|code| (code.starts_with('2'), code.ends_with(".0.0"), is_vague(code)));
    codes.into_iter().next()
}

/// Whether a status says little of the cause: undefined, or that all attempts failed for a cause that it does not tell.
pub(super) fn is_vague(status: &str) -> bool {
    status.ends_with(".0") || status.ends_with(".4.7")
}

/// What stands in a text like `5.1.1`, and not within an address of the network or a version.
fn codes(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for at in 0..bytes.len() {
        let before = at.checked_sub(1).map(|index| bytes[index]);
        let stands_free =
            before.is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'.' | b'_' | b'/'));
        if !stands_free || !matches!(bytes[at], b'2' | b'4' | b'5') || bytes.get(at + 1) != Some(&b'.') {
            continue;
        }
        let digits = |from: usize| {
            let digits = bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
            (1..=3).contains(&digits).then_some(from + digits)
        };
        let end = digits(at + 2)
            .filter(|end| bytes.get(*end) == Some(&b'.'))
            .and_then(|end| digits(end + 1));
        if let Some(end) = end {
            let goes_on = match (bytes.get(end), bytes.get(end + 1)) {
                (Some(b'.'), Some(next)) => next.is_ascii_digit(),
                (Some(next), _) => next.is_ascii_alphanumeric(),
                (None, _) => false,
            };
            if !goes_on {
                found.push(text[at..end].to_owned());
            }
        }
    }
    found
}

/// The class of the first negative SMTP reply (RFC 5321 §4.2) in a text.
fn reply_code(text: &str) -> Option<char> {
    let bytes = text.as_bytes();
    bytes.windows(3).enumerate().find_map(|(at, three)| {
        let free = |index: Option<usize>, allowed: &[u8]| {
            index
                .and_then(|index| bytes.get(index))
                .is_none_or(|b| allowed.contains(b))
        };
        let is_code =
            matches!(three[0], b'4' | b'5') && three[1..].iter().all(u8::is_ascii_digit) && three[1] <= b'5';
        (is_code
            && free(at.checked_sub(1), b" \t\n:<(\"'")
            && free(Some(at + 3), b" \t\r\n-:.,\"'>")
            && !is_within_telephone(&bytes[..at], &bytes[at + 3..]))
        .then(|| char::from(three[0]))
    })
}

/// Whether three digits between these are a group of a longer number, as in `0722 550 123`.
fn is_within_telephone(before: &[u8], behind: &[u8]) -> bool {
    let digits = |from: &mut dyn Iterator<Item = &u8>| from.take_while(|b| b.is_ascii_digit()).count();
    let goes_on = |parts: &[u8]| behind.first().is_some_and(|b| parts.contains(b));
    let behind = if goes_on(b" -.") {
        let rest = &behind[1..];
        let count = digits(&mut rest.iter());
        // `550-5.7.1` and `550 5.1.1` are a code and its status.
        let ends = rest.get(count).is_none_or(|b| {
            !b.is_ascii_alphanumeric() && (*b != b'.' || !rest.get(count + 1).is_some_and(u8::is_ascii_digit))
        });
        if ends { count } else { 0 }
    } else {
        0
    };
    let before = match before.split_last() {
        Some((b' ', rest)) => digits(&mut rest.iter().rev()),
        Some(_) | None => 0,
    };
    behind >= 2 || before >= 3
}

/// The line of a report that tells the cause: with a code, else with words of the table, and none otherwise.
fn diagnostic(text: &str) -> Option<String> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let with_code = lines
        .clone()
        .find(|line| !codes(line).is_empty() || reply_code(line).is_some());
    let telling = with_code.or_else(|| {
        lines.find(|line| {
            let line = plain(line);
            CAUSES.iter().any(|(words, _)| line.contains(words))
        })
    })?;
    Some(one_line(telling))
}

/// A server's words in one line of at most 200 letters.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    line.chars()
        .filter(|letter| !letter.is_control())
        .take(DIAGNOSTIC_MAX)
        .collect()
}

fn has_one_of(plain_text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| plain_text.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_versions_and_network_addresses() {
        assert_eq!(
            codes("550-5.7.26 x (#5.1.1 - y) [4.1.9]. \"5.2.2\", 2.1.5."),
            ["5.7.26", "5.1.1", "4.1.9", "5.2.2", "2.1.5"]
        );
        for none in [
            "192.0.2.25",
            "4.8.5.36",
            "v5.1.1",
            "5.1",
            "5.1.1234",
            "15.1.1",
            "5.1.1a",
            "4.80",
            "(8.13.1/4.13.1)",
        ] {
            assert!(codes(none).is_empty(), "{none}");
        }
        assert_eq!(
            enhanced_code("250 2.1.0 ok; 554 5.0.0 no; 550 5.7.1 x").as_deref(),
            Some("5.7.1")
        );
        assert_eq!(enhanced_code("250 2.6.0 ok").as_deref(), Some("2.6.0"));
    }

    #[test]
    fn replies_are_told_from_other_numbers() {
        assert_eq!(reply_code("said: 550 no"), Some('5'));
        assert_eq!(reply_code("<<< 421-try"), Some('4'));
        assert_eq!(reply_code("550 5.1.1 no"), Some('5'));
        assert_eq!(reply_code("550-5.7.1 no"), Some('5'));
        assert_eq!(reply_code("port 25 550 no"), Some('5'));
        assert_eq!(reply_code("ERROR_CODE :452, x"), Some('4'));
        for none in [
            "SIZE=550 x",
            "at 4500",
            "port 587 x",
            "-0500",
            "id 1450a",
            "250 ok",
            "0550 ",
            "tel. 0722 550 123",
            "tel. 0722-550-123",
            "tel. 550 123 456",
            "(0722) 550-123",
            "+40 722 550 123",
        ] {
            assert_eq!(reply_code(none), None, "{none}");
        }
    }

    #[test]
    fn several_recipients_have_their_own_causes() {
        let text = "The following addresses failed:\n\n<ion@exemplu.test>:\n550 5.1.1 User unknown\n\n\
                    \"ana@exemplu.test\":\nMailbox full\n";
        let found = recipients(text, Vec::new(), None);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.address.as_deref(), one.action, one.status.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                (Some("ion@exemplu.test"), Action::Failed, Some("5.1.1")),
                (Some("ana@exemplu.test"), Action::Failed, Some("5.2.2")),
            ]
        );
        assert_eq!(found[0].diagnostic.as_deref(), Some("550 5.1.1 User unknown"));
        assert_eq!(found[1].diagnostic.as_deref(), Some("Mailbox full"));
    }

    #[test]
    fn a_romanian_report_is_understood() {
        let text = "Mesajul dumneavoastră nu a putut fi livrat către ion@exemplu.test.\nCutia poştală este plină.\n\n\
                    --- Mesajul original ---\nTo: altcineva@exemplu.test\n";
        let (own, quoted) = parted(text);
        assert!(!own.contains("altcineva") && quoted.contains("altcineva"));
        let found = recipients(own, Vec::new(), None);
        assert_eq!(found[0].address.as_deref(), Some("ion@exemplu.test"));
        assert_eq!(found[0].status.as_deref(), Some("5.2.2"));
    }

    #[test]
    fn a_warning_is_a_delay() {
        let text =
            "Your message has not yet been delivered to:\n  ion@exemplu.test\n    retry timeout exceeded\n";
        let found = recipients(text, Vec::new(), None);
        assert_eq!(
            (found[0].action, found[0].status.as_deref()),
            (Action::Delayed, Some("4.4.7"))
        );
    }

    #[test]
    fn a_text_without_sense_gives_one_unknown_recipient() {
        let found = recipients("@ @@ a@ @b \u{0} 5.5 550", Vec::new(), None);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].address, None);
    }
}
