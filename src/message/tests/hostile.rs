//! Mails made to cost as much as they can. Each shape is written large enough that work growing with its square would
//! take minutes; what is read in proportion to its size takes less than a second.

use std::time::{Duration, Instant};

use crate::message::*;

const HEAD: &str = "From: ana@exemplu.test\r\n";
/// Generous, so that a slow and busy machine passes.
const PATIENCE: Duration = Duration::from_secs(15);
const MANY: usize = 100_000;

fn repeated(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

fn parts(count: usize, part: &str) -> String {
    let parts = format!("--q\r\n{part}\r\n").repeat(count);
    format!("{HEAD}Content-Type: multipart/mixed; boundary=q\r\n\r\n{parts}")
}

fn nested(count: usize, kind: &str) -> String {
    let deep = repeated(count, |level| {
        format!("Content-Type: multipart/{kind}; boundary=b{level}\r\n\r\n--b{level}\r\n\r\n")
    });
    format!("{HEAD}{}Text", deep.replace("\r\n\r\nContent", "\r\nContent"))
}

fn in_base64(mail: &str) -> String {
    let encoded = data_encoding::BASE64.encode(mail.as_bytes());
    let lines: Vec<&str> = (0..encoded.len())
        .step_by(76)
        .map(|at| &encoded[at..encoded.len().min(at + 76)])
        .collect();
    format!(
        "{HEAD}Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        lines.join("\r\n")
    )
}

/// Shapes of the header.
fn headers() -> Vec<(&'static str, String)> {
    let field = |name: &str, piece: &str| format!("{name}: {}\r\n\r\nText", piece.repeat(MANY));
    let parameters = |piece: &dyn Fn(usize) -> String| {
        format!("{HEAD}Content-Type: x/y; {}\r\n\r\nText", repeated(MANY, piece))
    };
    vec![
        (
            "header fields",
            format!("{HEAD}{}\r\n\r\nText", "X-A: b\r\n".repeat(MANY)),
        ),
        ("senders", field("From", "a@exemplu.test, ")),
        (
            "senders to be mended",
            field("From", "=?utf-8?q?=C8 <a@exemplu.test>, "),
        ),
        ("groups", field("From", "g: a@b.test; ")),
        ("quotes among senders", field("From", "\"<")),
        ("unclosed words", field("Subject", "=?utf-8?q?")),
        (
            "unclosed words in a row",
            field("Subject", "=?utf-8?q?abc =?utf-8?x? "),
        ),
        ("unclosed words, folded", field("Subject", "=?utf-8?q?a\r\n ")),
        ("unclosed words as a sender", field("From", "=?utf-8?q?")),
        ("blank lines", field("Subject", " \r\n ")),
        ("references", field("References", "<a@b> ")),
        ("comments", field("Received", "from a by b (c (d ")),
        (
            "unclosed words as a name",
            parameters(&|_| "name= =?utf-8?q?".to_owned()),
        ),
        ("pieces of names", parameters(&|at| format!("a{at}*1=x;"))),
        ("languages of names", parameters(&|at| format!("a{at}*=u'l'x;"))),
        (
            "quotes among names",
            parameters(&|_| "name=\"a\"b \"c\" ".to_owned()),
        ),
    ]
}

/// Shapes of what follows it.
fn bodies() -> Vec<(&'static str, String)> {
    let html = |piece: &str| format!("{HEAD}Content-Type: text/html\r\n\r\n{}", piece.repeat(MANY));
    vec![
        ("parts", parts(MANY, "\r\nx")),
        ("HTML parts", parts(MANY, "Content-Type: text/html\r\n\r\n<p>x")),
        (
            "broken base64",
            parts(MANY, "Content-Transfer-Encoding: base64\r\n\r\n%%%"),
        ),
        (
            "broken quoted-printable",
            parts(MANY, "Content-Transfer-Encoding: quoted-printable\r\n\r\n==x"),
        ),
        (
            "boundaries that do not come",
            parts(MANY, "Content-Type: multipart/mixed; boundary=z\r\n\r\nx"),
        ),
        (
            "boundaries, spelled strangely",
            parts(MANY, "Con tent-Type : multipart\r\n boundary=z\r\n\r\nx"),
        ),
        ("nested multiparts", nested(1_000, "mixed")),
        ("deeply nested multiparts", nested(MANY, "mixed")),
        ("nested digests", nested(MANY, "digest")),
        ("nested digests, encoded", in_base64(&nested(MANY, "digest"))),
        ("HTML tags", html("<p><!--")),
        ("HTML entities", html("&amp")),
        ("images that are shown", html("<img src=cid:a>")),
    ]
}

#[test]
fn hostile_shapes_cost_bounded_time() {
    for (shape, text) in headers().into_iter().chain(bodies()) {
        let start = Instant::now();
        let message = Message::read(text.as_bytes());
        let took = start.elapsed();
        assert!(
            took < PATIENCE,
            "{shape}: {took:?}, {} files",
            message.files.len()
        );
    }
}

#[test]
fn what_is_built_beyond_reason_is_not_read_and_what_is_only_much_is() {
    let defects = |text: &str| Message::read(text.as_bytes()).defects;
    let too_deep = [Defect::NestedTooDeep];
    assert_eq!(defects(&nested(MANY, "digest")), too_deep);
    assert_eq!(defects(&in_base64(&nested(MANY, "digest"))), too_deep);
    assert_eq!(
        defects(&parts(MANY, "Content-Type: multipart/mixed; boundary=z\r\n\r\nx")),
        too_deep
    );
    let nested = Message::read(nested(1_000, "mixed").as_bytes());
    assert!(
        !nested.defects.contains(&Defect::NestedTooDeep),
        "{:?}",
        nested.defects
    );
    assert_eq!(
        nested.from.map(|from| from.address).as_deref(),
        Some("ana@exemplu.test")
    );
    let much = format!("{HEAD}{}Subject: Cerere\r\n\r\nText", "X-A: b\r\n".repeat(MANY));
    let much = Message::read(much.as_bytes());
    assert_eq!((much.subject.as_str(), much.text.as_str()), ("Cerere", "Text"));
}

#[test]
fn fifty_megabytes_of_base64_are_one_file() {
    let line = "JVBERi0xLjcKJVBERi0xLjcKJVBERi0xLjcKJVBERi0xLjcKJVBERi0xLjcKJVBERi0xLjcK\r\n";
    let mail = format!(
        "{HEAD}Content-Type: application/pdf; name=mare.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        line.repeat(50_000_000 / line.len())
    );
    let start = Instant::now();
    let message = Message::read(mail.as_bytes());
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert_eq!(message.files.len(), 1);
    assert_eq!(message.files[0].bytes.len(), 50_000_000 / line.len() * 54);
}
