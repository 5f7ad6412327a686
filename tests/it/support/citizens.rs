//! Citizens who write: each mail is its own, from an address of its own, so that what became of it can be told apart.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::{BASE64_MIME, HEXLOWER};
use recipisa::edge::clock::Clock;
use sha2::{Digest, Sha256};

use super::dovecot::{Dovecot, User};

const PICTURE: &[u8] = include_bytes!("../../../fixtures/documents/png/accept/scan.png");

/// A mail that was put into a mailbox of the agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) from: String,
    pub(crate) to: User,
    /// Of the mail's bytes, lower-case hexadecimal.
    pub(crate) sha256: String,
}

/// All the mails of a test.
#[derive(Debug, Default)]
pub(crate) struct Citizens {
    pub(crate) sent: Vec<Sent>,
}

impl Citizens {
    /// The next citizen writes to this mailbox.
    pub(crate) fn write(&mut self, dovecot: &Dovecot, to: User) {
        let number = self.sent.len() + 1;
        let from = format!("citizen+{number}@citizen.test");
        let mail = mail(number, &from, to.address());
        dovecot.deliver(to, &mail, now());
        self.sent.push(Sent {
            from,
            to,
            sha256: sha256(&mail),
        });
    }

    /// So many write, to both mailboxes in turn.
    pub(crate) fn write_to_both(&mut self, dovecot: &Dovecot, count: usize) {
        for number in 0..count {
            let to = if number % 2 == 0 { User::Amt } else { User::Dej };
            self.write(dovecot, to);
        }
    }
}

/// The time of the machine, for the time of arrival.
pub(crate) fn now() -> SystemTime {
    let seconds = Clock::System.now().as_second();
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).expect("later than 1970"))
}

/// Lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn mail(number: usize, from: &str, to: &str) -> Vec<u8> {
    let picture = BASE64_MIME.encode(PICTURE);
    let text = format!(
        "Return-Path: <{from}>\r\nFrom: \"Cet\u{103}\u{21b}ean {number}\" <{from}>\r\nTo: <{to}>\r\n\
         Subject: Cerere {number}\r\nDate: Fri, 20 Nov 2026 10:00:00 +0200\r\n\
         Message-ID: <cerere-{number}@citizen.test>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=hotar\r\n\r\n\
         --hotar\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nV\u{103} trimit actul {number}.\r\n\
         --hotar\r\nContent-Type: image/png; name=act-{number}.png\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=act-{number}.png\r\n\r\n{picture}\r\n--hotar--\r\n"
    );
    text.into_bytes()
}
