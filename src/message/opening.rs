//! Whether bytes begin like a mail, for those who do not know where they come from.

/// Header fields that a mail begins with (RFC 5322 §3.6), one of which must be among the first lines.
const TELLING: [&str; 16] = [
    "return-path",
    "received",
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "delivered-to",
    "x-original-to",
    "reply-to",
    "sender",
    "cc",
    "dkim-signature",
    "content-transfer-encoding",
];

/// Whether a file starts like a mail: header lines, after an mbox line or empty lines perhaps.
pub fn begins_like_mail(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let head = String::from_utf8_lossy(&start[..start.len().min(16_384)]);
    let mut lines = head.lines().skip_while(|line| line.trim().is_empty()).peekable();
    if lines
        .peek()
        .is_some_and(|line| line.starts_with("From ") || line.starts_with(">From "))
    {
        lines.next();
    }
    for (index, line) in lines.take(100).enumerate() {
        if line.is_empty() {
            return false;
        }
        if index > 0 && line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else {
            return false;
        };
        let name = name.trim_end();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        if TELLING.contains(&name.to_ascii_lowercase().as_str()) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_and_documents_are_told_apart_by_how_they_begin() {
        let mails: [&[u8]; 5] = [
            b"From: a@exemplu.test\r\n\r\n",
            b"X-Unknown: 1\r\n folded\r\nSubject: x\r\n\r\n",
            b"From MAILER-DAEMON Mon Mar  2\nDate: x\n\n",
            b"\n\nReturn-Path: <>\n\n",
            b"\xEF\xBB\xBFReceived: by x\n",
        ];
        assert!(mails.iter().all(|bytes| begins_like_mail(bytes)));
        let documents: [&[u8]; 6] = [
            b"",
            b"%PDF-1.4\n",
            b"<?xml version=\"1.0\"?>\n<a/>",
            b"Nota: ceva\nSubject\n",
            b"note: x\n\nSubject: y\n",
            b"\xFF\xD8\xFF\xE0From: a\n",
        ];
        assert!(!documents.iter().any(|bytes| begins_like_mail(bytes)));
    }
}
