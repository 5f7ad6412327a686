//! What is answered without a number, recognised, linked, or left to a person: with the real process on an agency in a
//! folder.
//!
//! [`deaths`]: killed in between; [`damage`]: rows changed by somebody; [`twice`]: what came before in another form, or belongs to something earlier; [`waiting`]: what is told instead of
//! being taken, and receipts that wait for a person; [`reasons`]: the table of all codes. Left out: the rules one by one, which the stages' own tests hold, and mail servers, which are in [`crate::journey`].

mod damage;
#[cfg(feature = "failpoints")]
mod deaths;
mod reasons;
mod twice;
mod waiting;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::agency::Agency;
use crate::support::command::Said;

/// A mail; `header` is put on top, and the sender's name is the address's local part.
struct Mail<'a> {
    id: &'a str,
    from: &'a str,
    header: &'a str,
    subject: &'a str,
    text: &'a str,
    /// Name and content of the one file; none where it is empty.
    file: (&'a str, &'a str),
}

impl Default for Mail<'_> {
    fn default() -> Self {
        Self {
            id: "1@exemplu.test",
            from: "ana@exemplu.test",
            header: "",
            subject: "Cerere",
            text: "Vă trimit actele.",
            file: ("", ""),
        }
    }
}

impl Mail<'_> {
    fn bytes(&self) -> String {
        let Self {
            id,
            from,
            header,
            subject,
            text,
            file: (name, content),
        } = self;
        let mut mail = format!(
            "{header}From: {from}\r\nTo: somaj@ajofm-exemplu.test\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        );
        if !name.is_empty() {
            mail.push_str(&format!(
                "--b\r\nContent-Type: text/xml; name={name}\r\nContent-Disposition: attachment; filename={name}\r\n\
                 \r\n<cerere>{content}</cerere>\r\n"
            ));
        }
        mail + "--b--\r\n"
    }
}

/// Puts a mail into a mailbox; mails are read in the order of their names.
fn post(agency: &Agency, source: &str, name: &str, mail: &Mail<'_>) {
    let folder = agency.path().join("mailboxes").join(source);
    fs::write(folder.join(format!("{name}.eml")), mail.bytes()).unwrap();
}

#[track_caller]
fn once(agency: &Agency) -> Said {
    agency.run(&["once"]).ended_with(0)
}

#[track_caller]
fn listed(agency: &Agency, args: &[&str]) -> Vec<Value> {
    agency.run(args).ended_with(0).json()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {value}"))
}

/// The letters that went out, as they lie in the folder, decoded as far as these tests need.
fn letters(agency: &Agency) -> Vec<String> {
    let folder = agency.path().join("letters");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .map(|files| files.map(|file| file.unwrap().path()).collect())
        .unwrap_or_default();
    files.sort();
    files.iter().map(|file| readable(file)).collect()
}

fn readable(file: &Path) -> String {
    let bytes = fs::read(file).unwrap();
    let message = recipisa::message::Message::read(&bytes);
    let to: Vec<String> = message.to.into_iter().map(|to| to.address).collect();
    let files: Vec<&str> = message.files.iter().map(|file| file.name.as_str()).collect();
    format!(
        "To: {}\nSubject: {}\nIn-Reply-To: {}\nFiles: {}\n\n{}",
        to.join(", "),
        message.subject,
        message.in_reply_to.join(" "),
        files.join(", "),
        message.text
    )
}

#[track_caller]
fn sound(agency: &Agency) {
    agency.run(&["fsck"]).ended_with(0);
}
