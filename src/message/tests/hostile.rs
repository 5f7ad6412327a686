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

/// Declarations of an encoding in a forwarded message.
fn encodings(declared: &str) -> String {
    format!(
        "{HEAD}Content-Type: message/rfc822\r\n\r\n{}",
        declared.repeat(MANY / 4)
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
        (
            "dispositions in one field",
            format!(
                "{HEAD}Subject: x\n{}\r\n\r\nText",
                " Content-Disposition:x\n".repeat(MANY)
            ),
        ),
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
        (
            "dispositions in one field of the body",
            format!("{HEAD}\r\n{}", " Content-Disposition:x\n".repeat(MANY)),
        ),
        (
            "encodings of one body",
            encodings("Content-Transfer-Encoding: base64\r\n"),
        ),
        (
            "encodings of many bodies",
            encodings("Content-Transfer-Encoding: base64\r\n\r\n"),
        ),
        (
            "encodings of many bodies, quoted-printable",
            encodings("Content-Transfer-Encoding: quoted-printable\r\n\r\n"),
        ),
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

/// DER of a tag with these contents.
fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, contents].concat()
}

/// A signed letter (RFC 5652 §5.1) as far as it is read: one signer who says nothing, and the content.
fn signed(letter: &str) -> Vec<u8> {
    let data = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    let content = element(0xA0, &element(0x04, letter.as_bytes()));
    let fields = [
        b"\x02\x01\x01\x31\x00",
        &*element(0x30, &[&data[..], &content].concat()),
        &element(
            0x31,
            &element(0x30, b"\x02\x01\x01\x30\x00\x30\x00\x30\x00\x04\x00"),
        ),
    ];
    let kind = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    let body = element(0xA0, &element(0x30, &fields.concat()));
    element(0x30, &[&kind[..], &body].concat())
}

#[test]
fn all_signed_letters_of_a_mail_share_its_budget() {
    let dear = signed(&parts(
        8_000,
        "Content-Type: multipart/mixed; boundary=z\r\n\r\nx",
    ));
    let part = format!(
        "Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        data_encoding::BASE64.encode(&dear)
    );
    let message = Message::read(parts(3, &part).as_bytes());
    let closed: Vec<_> = message
        .files
        .iter()
        .filter(|file| file.name == "smime.p7m")
        .collect();
    assert_eq!(closed.len(), 2, "{} files", message.files.len());
}

#[test]
fn a_digest_hidden_behind_other_declarations_is_found() {
    let digest = data_encoding::BASE64.encode(nested(300, "digest").as_bytes());
    for hidden in [
        // Of two types the last counts.
        format!(
            "Content-Type: text/plain\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{digest}"
        ),
        // A header longer than one looks far for its end.
        format!(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\nX-A: {}\r\n\r\n{digest}",
            "x".repeat(9_000)
        ),
        format!("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\x0C\r\n{digest}"),
        // A line that looks like a boundary and is none.
        format!(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nX-A: b\r\n--x\r\n{}",
            nested(300, "digest").replace("Content-Type:", "Content-Type=3A")
        ),
    ] {
        let message = Message::read(format!("{HEAD}{hidden}").as_bytes());
        assert_eq!(message.defects, [Defect::NestedTooDeep], "{}", &hidden[..120]);
    }
}
