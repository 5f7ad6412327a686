//! What a header asks for, found without parsing the message: every byte of every mail passes here.

/// Whether the sender wishes to be told that the message was read: it has a `Disposition-Notification-To` field with
/// something in it (RFC 8098 §2.1).
pub fn asks_for_read_report(bytes: &[u8]) -> bool {
    const FIELD: &[u8] = b"disposition-notification-to:";
    let mut rest = super::from_first_line(bytes);
    loop {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let (line, after) = rest.split_at(end);
        // An empty line ends the header (RFC 5322 §2.1).
        if line.trim_ascii().is_empty() {
            return false;
        }
        let begins = line
            .get(..FIELD.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(FIELD));
        if begins {
            let is_folded = after.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
            return is_folded || !line[FIELD.len()..].trim_ascii().is_empty();
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_field_of_the_header_asks() {
        for asks in [
            "From: a@exemplu.test\r\nDisposition-Notification-To: <a@exemplu.test>\r\n\r\ntext",
            "\r\nDISPOSITION-notification-to: a@exemplu.test\n\ntext",
            "Disposition-Notification-To:\r\n a@exemplu.test\r\n\r\n",
        ] {
            assert!(asks_for_read_report(asks.as_bytes()), "{asks}");
        }
        for silent in [
            "",
            "From: a@exemplu.test\r\n\r\nDisposition-Notification-To: a@exemplu.test\r\n",
            "Disposition-Notification-To:\r\nFrom: a@exemplu.test\r\n\r\n",
            "X-Disposition-Notification-To: a\r\nSubject: Disposition-Notification-To: a\r\n",
            "Disposition-Notification-T",
        ] {
            assert!(!asks_for_read_report(silent.as_bytes()), "{silent}");
        }
    }
}
