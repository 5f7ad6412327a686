//! Folder names: as people write them in the configuration, and as a server spells them.
//!
//! Servers differ in three ways: the character between levels (`.` or `/`), a prefix that all folders of a person have
//! (`INBOX.`), and letters outside ASCII, which travel in modified UTF-7 (RFC 3501 §5.1.3). A folder that is there under
//! the written name is always meant; else the name is put into the server's form. Left out: other people's folders, and
//! `UTF8=ACCEPT`, which changes nothing before a client asks for it.

use async_imap::imap_proto::{MailboxDatum, NameAttribute, Response};

use super::dialogue::Fault;
use super::{Account, Open};

/// A folder of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// As the server spells it, not yet quoted.
    pub(super) name: String,
    /// Other spellings to try where this one cannot be made.
    pub(super) or: Vec<String>,
}

/// The folders of the account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) folder: String,
    /// Where kept mail goes.
    pub(super) target: Option<Place>,
}

/// Where a person's folders are (RFC 2342), as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Namespace {
    /// Unknown where the server has no NAMESPACE.
    prefix: Option<String>,
    /// Between levels.
    separator: Option<char>,
}

/// Asks the server for what it takes to spell the account's folders.
pub(super) async fn settle(open: &mut Open, account: &Account) -> Result<Places, Fault> {
    let names = [Some(&account.folder), account.move_to.as_ref()];
    let plain = names.iter().flatten().all(|name| is_inbox(name));
    let namespace = match plain {
        true => Namespace::default(),
        false => namespace(open).await?,
    };
    let folder = place(open, &account.folder, &namespace).await?.name;
    let target = match &account.move_to {
        Some(name) => Some(place(open, name, &namespace).await?),
        None => None,
    };
    Ok(Places { folder, target })
}

async fn namespace(open: &mut Open) -> Result<Namespace, Fault> {
    if open.offers.has_namespace
        && let Some(namespace) = open
            .dialogue
            .ask_line("NAMESPACE")
            .await?
            .as_deref()
            .and_then(personal)
    {
        return Ok(namespace);
    }
    let mut separator = None;
    let listed = open.dialogue.ask(r#"LIST "" """#, |response| {
        if let Response::MailboxData(MailboxDatum::List(root)) = response {
            separator = root.delimiter.as_ref().and_then(|text| text.chars().next());
        }
    });
    passable(listed.await)?;
    Ok(Namespace {
        prefix: None,
        separator,
    })
}

/// A refused question is as good as an answer that knows nothing.
fn passable(asked: Result<(), Fault>) -> Result<(), Fault> {
    match asked {
        Ok(()) | Err(Fault::Refused(_)) => Ok(()),
        Err(gone) => Err(gone),
    }
}

/// The spelling that is there; where none is, the one that fits the server.
async fn place(open: &mut Open, name: &str, namespace: &Namespace) -> Result<Place, Fault> {
    let written = encoded(name);
    let mut fitting = fitting(name, namespace);
    if fitting.first() == Some(&written) && fitting.len() == 1 {
        return Ok(Place {
            name: written,
            or: Vec::new(),
        });
    }
    let asked = fitting.iter().filter(|spelling| **spelling != written);
    for spelling in [&written].into_iter().chain(asked) {
        if find(open, spelling).await?.is_some() {
            return Ok(Place {
                name: spelling.clone(),
                or: Vec::new(),
            });
        }
    }
    let first = fitting.remove(0);
    Ok(Place {
        name: first,
        or: fitting,
    })
}

/// Whether the folder is there, and whether mail can lie in it.
pub(super) async fn find(open: &mut Open, spelling: &str) -> Result<Option<bool>, Fault> {
    let mut found = None;
    let command = format!(r#"LIST "" {}"#, quoted(spelling));
    let listed = open.dialogue.ask(&command, |response| {
        // A name with a wildcard in it lists others as well.
        if let Response::MailboxData(MailboxDatum::List(one)) = response
            && one.name == spelling
        {
            let absent = NameAttribute::Extension("\\NonExistent".into());
            if !one.name_attributes.contains(&absent) {
                found = Some(!one.name_attributes.contains(&NameAttribute::NoSelect));
            }
        }
    });
    passable(listed.await)?;
    Ok(found)
}

/// The spellings that fit the server, the likeliest first; never empty.
fn fitting(name: &str, namespace: &Namespace) -> Vec<String> {
    if is_inbox(name) {
        return vec!["INBOX".to_owned()];
    }
    let Some(separator) = namespace.separator else {
        return vec![encoded(name)];
    };
    let levels = name.replace(['.', '/'], &separator.to_string());
    let below_inbox = format!("INBOX{separator}");
    match namespace.prefix.as_deref() {
        Some(prefix) if starts_with(&levels, prefix) => vec![encoded(&levels)],
        // The prefix comes from the server and is spelled already.
        Some(prefix) => vec![format!("{prefix}{}", encoded(&levels))],
        None if starts_with(&levels, &below_inbox) => vec![encoded(&levels)],
        None => vec![encoded(&levels), format!("{below_inbox}{}", encoded(&levels))],
    }
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
}

fn is_inbox(name: &str) -> bool {
    name.eq_ignore_ascii_case("INBOX")
}

/// The first personal namespace of `* NAMESPACE (("INBOX." ".")) NIL NIL`; `None` where it is in another form.
fn personal(line: &str) -> Option<Namespace> {
    let rest = line.split_once("((")?.1;
    // The personal ones come first, and may be NIL.
    if line.split("((").next()?.to_ascii_uppercase().contains("NIL") {
        return None;
    }
    let (prefix, rest) = string(rest)?;
    let separator = string(rest.strip_prefix(' ')?).and_then(|(text, _)| text.chars().next());
    Some(Namespace {
        prefix: Some(prefix),
        separator,
    })
}

/// A quoted string (RFC 3501 §4.3), and what follows it.
fn string(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let (mut said, mut characters) = (String::new(), inner.char_indices());
    loop {
        match characters.next()? {
            (end, '"') => return Some((said, &inner[end + 1..])),
            (_, '\\') => said.push(characters.next()?.1),
            (_, other) => said.push(other),
        }
    }
}

/// For a command (RFC 3501 §4.3: quoted); the name is ASCII without control characters.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', r"\\").replace('"', "\\\""))
}

/// Modified UTF-7 (RFC 3501 §5.1.3): printable ASCII stands for itself, `&` is `&-`, all else is UTF-16 in a Base64 that
/// has a comma for the slash and no padding, between `&` and `-`.
pub(super) fn encoded(name: &str) -> String {
    let (mut spelled, mut foreign) = (String::with_capacity(name.len()), String::new());
    for character in name.chars() {
        if matches!(character, ' '..='~') {
            shift(&mut foreign, &mut spelled);
            spelled.push(character);
            if character == '&' {
                spelled.push('-');
            }
        } else {
            foreign.push(character);
        }
    }
    shift(&mut foreign, &mut spelled);
    spelled
}

fn shift(foreign: &mut String, spelled: &mut String) {
    if foreign.is_empty() {
        return;
    }
    let bytes: Vec<u8> = foreign.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let base64 = data_encoding::BASE64_NOPAD.encode(&bytes).replace('/', ",");
    spelled.push('&');
    spelled.push_str(&base64);
    spelled.push('-');
    foreign.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(prefix: &str, separator: char) -> Namespace {
        Namespace {
            prefix: Some(prefix.to_owned()),
            separator: Some(separator),
        }
    }

    #[test]
    fn letters_outside_ascii_are_spelled_in_modified_utf_7() {
        // The second is the standard's own example; the others were read off Dovecot's folders.
        for (name, spelled) in [
            ("Inregistrate", "Inregistrate"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Înregistrate", "&AM4-nregistrate"),
            ("Cereri și răspunsuri", "Cereri &Ahk-i r&AQM-spunsuri"),
            ("A & B", "A &- B"),
            ("😀", "&2D3eAA-"),
            ("", ""),
        ] {
            assert_eq!(encoded(name), spelled, "{name}");
        }
    }

    #[test]
    fn names_are_put_into_the_form_of_the_server() {
        for (name, namespace, spelled) in [
            ("inbox", known("INBOX.", '.'), vec!["INBOX"]),
            ("Inregistrate", known("", '.'), vec!["Inregistrate"]),
            ("Inregistrate", known("INBOX.", '.'), vec!["INBOX.Inregistrate"]),
            (
                "INBOX.Inregistrate",
                known("INBOX.", '.'),
                vec!["INBOX.Inregistrate"],
            ),
            (
                "INBOX/Cereri/Vechi",
                known("INBOX.", '.'),
                vec!["INBOX.Cereri.Vechi"],
            ),
            ("Cereri.Inregistrate", known("", '/'), vec!["Cereri/Inregistrate"]),
            (
                "Înregistrate",
                known("INBOX/", '/'),
                vec!["INBOX/&AM4-nregistrate"],
            ),
            ("a/b", Namespace::default(), vec!["a/b"]),
            (
                "a/b",
                Namespace {
                    prefix: None,
                    separator: Some('.'),
                },
                vec!["a.b", "INBOX.a.b"],
            ),
        ] {
            assert_eq!(fitting(name, &namespace), spelled, "{name} {namespace:?}");
        }
    }

    #[test]
    fn the_personal_namespace_is_read() {
        for (line, read) in [
            (
                r#"* NAMESPACE (("INBOX." ".")) NIL NIL"#,
                Some(known("INBOX.", '.')),
            ),
            (
                r#"* NAMESPACE (("" "/")("Arhiva/" "/")) (("~" "/")) NIL"#,
                Some(known("", '/')),
            ),
            (r#"* NAMESPACE (("" "\\")) NIL NIL"#, Some(known("", '\\'))),
            (
                r#"* NAMESPACE (("" NIL)) NIL NIL"#,
                Some(Namespace {
                    prefix: Some(String::new()),
                    separator: None,
                }),
            ),
            (r#"* NAMESPACE NIL NIL (("Comun/" "/"))"#, None),
            ("* NAMESPACE ((", None),
            ("* NAMESPACE ((\"a", None),
        ] {
            assert_eq!(personal(line), read, "{line}");
        }
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    }
}
