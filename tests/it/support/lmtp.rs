//! A mail handed to Dovecot as a mail server would, by LMTP (RFC 2033). Left out: several recipients, dots at the
//! beginning of a line.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::dovecot::{Dovecot, User};
use super::tools::PATIENCE;

/// The mail lies in the mailbox when this returns.
#[track_caller]
pub(crate) fn deliver(dovecot: &Dovecot, to: User, mail: &[u8]) {
    let stream = TcpStream::connect(("127.0.0.1", dovecot.ports.lmtp)).expect("LMTP listens");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a fresh connection");
    let mut line = BufReader::new(stream);
    let to = format!("RCPT TO:<{}>\r\n", to.address());
    let content = [mail, b"\r\n.\r\n"].concat();
    let dialogue: [(&[u8], &str); 6] = [
        (b"", "220"),
        (b"LHLO exemplu.test\r\n", "250"),
        (b"MAIL FROM:<citizen@citizen.test>\r\n", "250"),
        (to.as_bytes(), "250"),
        (b"DATA\r\n", "354"),
        (&content, "250"),
    ];
    for (said, wanted) in dialogue {
        line.get_mut().write_all(said).expect("LMTP takes commands");
        let mut answer = String::new();
        // The last line of an answer has a space behind its code, the others a hyphen.
        while answer.as_bytes().get(3) != Some(&b' ') {
            answer.clear();
            let count = line.read_line(&mut answer).expect("LMTP answers");
            assert_ne!(count, 0, "LMTP hung up");
        }
        assert!(answer.starts_with(wanted), "{answer}");
    }
}
