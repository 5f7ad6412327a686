//! Small messages written out by hand: names and letters in every spelling that programs use, which parts are files,
//! broken and hostile bytes. Whole mails with their expected outcome are elsewhere, in `fixtures/mails`.

use proptest::prelude::*;

use super::*;

mod hostile;
mod oddities;

const HEAD: &str =
    "From: Ana Exemplu <ana@exemplu.test>\r\nTo: somaj@ajofm-exemplu.test\r\nSubject: Cerere\r\n";

/// A mail with one text body and one part whose header is `fields`.
fn with_part(fields: &[u8], body: &[u8]) -> Message {
    let mut bytes = HEAD.as_bytes().to_vec();
    bytes.extend_from_slice(b"Content-Type: multipart/mixed; boundary=q\r\n\r\n");
    bytes.extend_from_slice(b"--q\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nScrisoarea\r\n--q\r\n");
    bytes.extend_from_slice(fields);
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(b"\r\n--q--\r\n");
    Message::read(&bytes)
}

fn names(message: &Message) -> Vec<&str> {
    message.files.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn file_names_are_read_in_every_spelling() {
    const NAME: &str = "adeverință șomaj.pdf";
    let cases: &[(&str, &[u8], &str)] = &[
        ("plain", b"Content-Disposition: attachment; filename=\"scan.pdf\"", "scan.pdf"),
        ("RFC 2231", b"Content-Disposition: attachment;\r\n filename*=UTF-8''adeverin%C8%9B%C4%83%20%C8%99omaj.pdf", NAME),
        (
            "RFC 2231 in pieces",
            b"Content-Disposition: attachment;\r\n filename*0*=UTF-8''adeverin%C8%9B%C4%83;\r\n filename*1*=%20%C8%99omaj;\r\n filename*2=\".pdf\"",
            NAME,
        ),
        ("RFC 2047, Q", b"Content-Disposition: attachment; filename=\"=?UTF-8?Q?adeverin=C8=9B=C4=83_=C8=99omaj.pdf?=\"", NAME),
        ("RFC 2047, B", b"Content-Disposition: attachment;\r\n filename=\"=?utf-8?B?YWRldmVyaW7Im8SDIMiZb21hai5wZGY=?=\"", NAME),
        ("raw UTF-8", "Content-Disposition: attachment; filename=\"adeverință șomaj.pdf\"".as_bytes(), NAME),
        ("name of Content-Type", "Content-Type: application/pdf; name=\"adeverință șomaj.pdf\"".as_bytes(), NAME),
        ("cedilla stays", "Content-Disposition: attachment; filename=\"adeverinţă şomaj.pdf\"".as_bytes(), "adeverinţă şomaj.pdf"),
        ("raw ISO-8859-2", b"Content-Disposition: attachment; filename=\"adeverin\xFE\xE3 \xBAomaj.pdf\"", "adeverinţă şomaj.pdf"),
        (
            "raw ISO-8859-2 in Content-Type",
            b"Content-Type: application/pdf; name=\"adeverin\xFE\xE3.pdf\"\r\nContent-Disposition: attachment",
            "adeverinţă.pdf",
        ),
        ("slashes and dots", b"Content-Disposition: attachment; filename=\"../../etc/passwd\"", "../../etc/passwd"),
        ("no name", b"Content-Type: application/pdf\r\nContent-Disposition: attachment", "atasament-01.pdf"),
    ];
    for (case, fields, expected) in cases {
        let message = with_part(fields, b"%PDF-1.7");
        assert_eq!(names(&message), [*expected], "{case}");
        assert_eq!(
            (message.text.as_str(), message.defects.as_slice()),
            ("Scrisoarea", &[][..]),
            "{case}"
        );
    }
}

#[test]
fn an_inline_photograph_is_a_file_and_a_shown_logo_is_none() {
    let inline = b"Content-Type: image/jpeg\r\nContent-Disposition: inline; filename=IMG_1.jpg";
    assert_eq!(names(&with_part(inline, b"\xFF\xD8")), ["IMG_1.jpg"]);
    let bare = b"Content-Type: image/jpeg";
    assert_eq!(
        names(&with_part(bare, b"\xFF\xD8")),
        ["atasament-01.jpg"],
        "neither name nor disposition"
    );

    let related = |disposition: &str, shown: &str| {
        let text = format!(
            "{HEAD}Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n\
             <p>Text</p><img src=\"cid:{shown}\">\r\n--r\r\nContent-Type: image/png; name=a.png\r\n\
             Content-ID: <one@exemplu>\r\n{disposition}\r\nPNG\r\n--r--\r\n"
        );
        Message::read(text.as_bytes()).files.len()
    };
    assert_eq!(related("", "one@exemplu"), 0, "shown: it adorns the letter");
    assert_eq!(
        related("", "one%40exemplu"),
        0,
        "shown, with the address sign escaped"
    );
    assert_eq!(related("", "other@exemplu"), 1, "not shown: somebody sent it");
    assert_eq!(
        related("Content-Disposition: attachment\r\n", "one@exemplu"),
        1,
        "declared an attachment"
    );
}

#[test]
fn signatures_and_machine_parts_are_no_files() {
    let text = format!(
        "{HEAD}Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=s\r\n\r\n--s\r\n\r\n\
         Text\r\n--s\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nX\r\n--s--\r\n"
    );
    let message = Message::read(text.as_bytes());
    assert_eq!((message.text.as_str(), message.files.len()), ("Text", 0));
    let text = format!(
        "{HEAD}Content-Type: multipart/report; report-type=delivery-status; boundary=s\r\n\r\n--s\r\n\r\n\
         Text\r\n--s\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n--s--\r\n"
    );
    let message = Message::read(text.as_bytes());
    assert_eq!((message.origin, message.files.len()), (Origin::Bounce, 0));
}

/// A mail that carries `depth` forwarded messages inside each other, the innermost with a file.
fn forwarded(depth: usize) -> Vec<u8> {
    let mut inner = b"Subject: act\r\nContent-Type: application/pdf; name=act.pdf\r\n\r\n%PDF".to_vec();
    for level in (0..depth).rev() {
        let mut outer = format!(
            "{HEAD}Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n\
             Content-Type: message/rfc822; name=m{level}.eml\r\n\r\n"
        )
        .into_bytes();
        outer.append(&mut inner);
        outer.extend_from_slice(format!("\r\n--b{level}--\r\n").as_bytes());
        inner = outer;
    }
    inner
}

#[test]
fn forwarded_messages_are_opened_down_to_the_limit() {
    let message = Message::read(&forwarded(2));
    assert_eq!(names(&message), ["act.pdf"]);
    let container = message.files[0]
        .container
        .as_ref()
        .map(|container| container.name.as_str());
    assert_eq!(container, Some("m1.eml"), "the nearest one");
    assert_eq!(message.files[0].bytes, b"%PDF");
    assert_eq!(names(&Message::read(&forwarded(NESTING_MAX))), ["act.pdf"]);
    let deeper = Message::read(&forwarded(NESTING_MAX + 1));
    assert_eq!(
        names(&deeper),
        [format!("m{NESTING_MAX}.eml")],
        "the message itself is listed"
    );
    assert!(deeper.files[0].bytes.ends_with(b"%PDF") || deeper.files[0].bytes.ends_with(b"%PDF\r\n"));
    let deepest = Message::read(&forwarded(cost::MESSAGES_MAX + 1));
    assert_eq!(deepest.defects, [Defect::NestedTooDeep]);
    let empty = with_part(
        b"Content-Type: message/rfc822; name=gol.eml",
        b"Subject: x\r\n\r\nfara fisier",
    );
    assert_eq!(names(&empty), ["gol.eml"], "a message without a file is the file");
}

#[test]
fn broken_base64_gives_what_can_be_read_and_a_defect() {
    let fields = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64";
    let good = with_part(fields, b"JVBERi0x\r\nLjcKRklO");
    assert_eq!(
        (good.files[0].bytes.as_slice(), good.defects.len()),
        (&b"%PDF-1.7\nFIN"[..], 0)
    );
    let spoiled = with_part(fields, b"JVBERi0x\r\n!!\xA0LjcKRklO");
    assert_eq!(
        spoiled.files[0].bytes, b"%PDF-1.7\nFIN",
        "characters that are not base64 are passed over"
    );
    assert_eq!(spoiled.defects, [Defect::BrokenEncoding]);
    let cut = with_part(fields, b"JVBERi0xL");
    assert_eq!(cut.files[0].bytes, b"%PDF-1");
}

#[test]
fn a_text_file_keeps_its_own_bytes() {
    let xml = b"<?xml version=\"1.0\" encoding=\"windows-1250\"?>\r\n<a>\xBAomaj</a>";
    for charset in ["", "; charset=windows-1250", "; charset=utf-8"] {
        let fields =
            format!("Content-Type: text/xml{charset}\r\nContent-Disposition: attachment; filename=a.xml");
        let message = with_part(fields.as_bytes(), xml);
        assert_eq!(message.files[0].bytes, xml, "{charset}");
        assert_eq!(
            (message.files[0].declared.as_str(), message.text.as_str()),
            ("text/xml", "Scrisoarea")
        );
    }
    let fields = b"Content-Type: text/xml; name=a.xml\r\nContent-Transfer-Encoding: quoted-printable";
    assert_eq!(
        with_part(fields, b"<a>=BA=\r\nomaj</a>").files[0].bytes,
        b"<a>\xBAomaj</a>"
    );
    let fields =
        b"Content-Type: text/plain; charset=iso-8859-2; name=a.txt\r\nContent-Transfer-Encoding: base64";
    assert_eq!(with_part(fields, b"umE=").files[0].bytes, b"\xBAa");
}

#[test]
fn subjects_are_one_clean_line() {
    let cases: &[(&[u8], &str)] = &[
        (
            b"=?UTF-8?B?QWRldmVyaW7Im8SD?=\r\n =?UTF-8?Q?_=C8=99omaj?=",
            "Adeverință șomaj",
        ),
        ("Adeverință\r\n\tșomaj".as_bytes(), "Adeverință șomaj"),
        (b"Adeverin\xFE\xE3 \xBAomaj", "Adeverinţă şomaj"),
        (b"=?iso-8859-2?Q?=BAomaj?=", "şomaj"),
        (b"=?UTF-8?Q?a=00b=0D=0ABcc:_x=1B[31m?=", "a b Bcc: x [31m"),
        (b"a\0b\rc", "a b c"),
        (b"", ""),
    ];
    for (raw, expected) in cases {
        let mut bytes = b"From: ana@exemplu.test\r\nSubject: ".to_vec();
        bytes.extend_from_slice(raw);
        bytes.extend_from_slice(b"\r\n\r\nText\r\n");
        let message = Message::read(&bytes);
        assert_eq!(message.subject, *expected, "{}", raw.escape_ascii());
        assert_eq!(message.text, "Text");
    }
}

#[test]
fn bodies_are_read_as_people_meant_them() {
    let cases: &[(&str, &[u8], &str)] = &[
        (
            "",
            b"Vreau \xBAomaj, m\xE3 numesc \xDEuca\xFE",
            "Vreau şomaj, mă numesc Ţucaţ",
        ),
        ("", "Vreau șomaj\0".as_bytes(), "Vreau șomaj\u{FFFD}"),
        (
            "Content-Type: text/plain; charset=iso-8859-2\r\n",
            b"\xBAomaj",
            "şomaj",
        ),
        (
            "Content-Type: text/plain; charset=iso-8859-16\r\n",
            b"\xBAomaj",
            "șomaj",
        ),
        (
            "Content-Type: text/plain; charset=us-ascii\r\n",
            b"\xBAomaj",
            "şomaj",
        ),
        (
            "Content-Type: text/plain; charset=us-ascii\r\n",
            "Vreau șomaj".as_bytes(),
            "Vreau șomaj",
        ),
        (
            "Content-Type: text/plain; charset=x-unknown\r\n",
            b"\xBAomaj",
            "şomaj",
        ),
        ("Content-Type: text/html\r\n", b"<p>Bun\xE3 ziua</p>", "Bună ziua"),
        (
            "Content-Transfer-Encoding: quoted-printable\r\n",
            b"=BAomaj",
            "şomaj",
        ),
    ];
    for (fields, body, expected) in cases {
        let mut bytes = format!("{HEAD}{fields}\r\n").into_bytes();
        bytes.extend_from_slice(body);
        assert_eq!(
            Message::read(&bytes).text,
            *expected,
            "{fields}{}",
            body.escape_ascii()
        );
    }
}

#[test]
fn senders_are_one_plain_address_or_a_defect() {
    let read = |from: &[u8]| {
        let bytes = [b"From: ".as_slice(), from, b"\r\nSubject: x\r\n\r\n"].concat();
        let message = Message::read(&bytes);
        let from = message
            .from
            .map(|from| (from.name.unwrap_or_default(), from.address));
        (from, message.defects)
    };
    let some = |name: &str, address: &str| Some((name.to_owned(), address.to_owned()));
    assert_eq!(read(b"ana@exemplu.test"), (some("", "ana@exemplu.test"), vec![]));
    assert_eq!(
        read(b"=?iso-8859-2?Q?=AAtefan?= <stefan@exemplu.test>"),
        (some("Ştefan", "stefan@exemplu.test"), vec![])
    );
    assert_eq!(
        read(b"\xAAtefan <stefan@exemplu.test>"),
        (some("Ştefan", "stefan@exemplu.test"), vec![])
    );
    let two = read(b"a@exemplu.test, b@exemplu.test");
    assert_eq!(two, (some("", "a@exemplu.test"), vec![Defect::SeveralSenders]));
    let folded = read(b"\"Ion\r\n \xDEuca\" <ion@exemplu.test>, b@exemplu.test");
    assert_eq!(
        folded,
        (some("Ion Ţuca", "ion@exemplu.test"), vec![Defect::SeveralSenders])
    );
    for none in [&b""[..], b"<>", b"undisclosed", b"@exemplu.test", b"a b"] {
        assert_eq!(
            read(none),
            (None, vec![Defect::NoSender]),
            "{}",
            none.escape_ascii()
        );
    }
}

#[test]
fn bytes_without_a_header_are_a_defect() {
    for bytes in [&b""[..], b"\r\n", b"\r\n\r\n"] {
        let message = Message::read(bytes);
        assert!(message.files.is_empty() && message.from.is_none());
        assert!(
            message.defects.contains(&Defect::NoHeader),
            "{}: {:?}",
            bytes.escape_ascii(),
            message.defects
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_give_a_message(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let message = Message::read(&bytes);
        prop_assert!(!message.subject.contains(char::is_control));
        received_at(&bytes);
    }

    /// Pieces of real mails in any order reach deeper than random bytes do.
    #[test]
    fn any_pieces_of_mail_give_a_message(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "From: ana@exemplu.test\r\n", "Subject: =?utf-8?q?=C8?=\r\n", "Subject: =?utf-8?b?", "\r\n", "\r\n\r\n", "--q\r\n",
        "--q--\r\n", "--q", "Content-Type: multipart/mixed; boundary=q\r\n", "Content-Type: multipart/related; boundary=\"\"\r\n",
        "Content-Type: message/rfc822\r\n", "Content-Type: text/html; charset=utf-7\r\n", "Content-Type: ;;=\"\r\n",
        "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: quoted-printable\r\n", "=\r\n", "=C8=9", "JVBERi0",
        "Content-Disposition: attachment; filename*0*=UTF-8''%C8;\r\n filename*1=\"", "Content-ID: <>\r\n", "<img src=cid:>",
        "Received: from x; Mon, 99 Foo 2026 99:99:99 +9999\r\n", "Date: Mon, 23 Nov 99999 08:00:00 +0200\r\n", "\0", "ț",
    ]), 0..60)) {
        let text = pieces.concat();
        let message = Message::read(text.as_bytes());
        prop_assert!(!message.text.contains('\0'));
        prop_assert!(message.files.iter().all(|file| !file.name.trim().is_empty()));
        received_at(text.as_bytes());
    }
}

#[test]
fn white_space_before_the_header_hides_nothing() {
    let message =
        Message::read(b"  \r\n\r\n \nFrom: Ana <ana@exemplu.test>\r\nSubject: cerere\r\n\r\ntext\r\n");
    assert_eq!(
        message.from.map(|from| from.address).as_deref(),
        Some("ana@exemplu.test")
    );
    assert_eq!(
        (message.subject.as_str(), message.text.as_str()),
        ("cerere", "text")
    );
}
