//! Letters as old, careless and foreign programs write them, and letters in envelopes: small mails, written out by hand.

use crate::message::*;

const HEAD: &str = "From: Ana Exemplu <ana@exemplu.test>\r\nSubject: Cerere\r\n";

fn read(fields: &str, body: &[u8]) -> Message {
    Message::read(&[HEAD.as_bytes(), fields.as_bytes(), b"\r\n\r\n", body].concat())
}

fn names(message: &Message) -> Vec<&str> {
    message.files.iter().map(|file| file.name.as_str()).collect()
}

fn assert_bodies(cases: &[(&str, &[u8], &str)]) {
    for (fields, body, expected) in cases {
        assert_eq!(
            read(fields, body).text,
            *expected,
            "{fields}: {}",
            body.escape_ascii()
        );
    }
}

#[test]
fn bodies_are_read_in_every_charset() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let marked = [&b"\xFF\xFE"[..], &wide("Vreau șomaj")].concat();
    assert_bodies(&[
        (
            "Content-Type: text/plain; charset=windows-1250",
            b"\xBAomaj \xFEar\xE3",
            "şomaj ţară",
        ),
        (
            "Content-Type: text/plain; charset=ISO-8859-16",
            b"\xBAomaj \xFEar\xE3",
            "șomaj țară",
        ),
        (
            "Content-Type: text/plain; charset=koi8-r",
            b"\xF0\xD2\xC9\xD7\xC5\xD4",
            "Привет",
        ),
        ("Content-Type: text/plain; charset=utf-7", b"+Ahk-omaj", "șomaj"),
        (
            "Content-Type: text/plain; charset=utf-7",
            b"sf+AOI-r+Ahk",
            "sfârș",
        ),
        ("Content-Type: text/plain; charset=utf-16", &marked, "Vreau șomaj"),
        (
            "Content-Type: text/plain; charset=utf-16le",
            &wide("Vreau șomaj"),
            "Vreau șomaj",
        ),
        ("Content-Type: text/plain", &marked, "Vreau șomaj"),
        (
            "Content-Type: text/plain; charset=utf-8",
            b"\xBAomaj \xFEar\xE3",
            "şomaj ţară",
        ),
        (
            "Content-Type: text/plain; charset=utf-8",
            "\u{FEFF}șomaj".as_bytes(),
            "șomaj",
        ),
        (
            "Content-Type: text/plain; charset=\"cp-1250\"",
            b"\xBAomaj",
            "şomaj",
        ),
    ]);
}

#[test]
fn bodies_are_read_in_every_form() {
    assert_bodies(&[
        (
            "Content-Type: text/html",
            b"<meta charset=\"iso-8859-16\"><p>\xBAomaj \xFEar\xE3</p>",
            "șomaj țară",
        ),
        (
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64;",
            b"yJlvbWFq",
            "șomaj",
        ),
        (
            "Content-Transfer-Encoding: base64",
            "Nu este codat, doar așa se spune: șomaj.".as_bytes(),
            "Nu este codat, doar așa se spune: șomaj.",
        ),
        (
            "Content-Transfer-Encoding: quoted-printable",
            b"a=C8=99a =ZZ\r\nfin=\r\nal",
            "așa =ZZ\r\nfinal",
        ),
        (
            "Content-Type: text/plain; format=flowed",
            b"Vreau \r\nsomaj.\r\n> citat",
            "Vreau somaj.\n> citat",
        ),
        (
            "Content-Type: text/plain; format=flowed; delsp=yes",
            b"ade \r\nverinta",
            "adeverinta",
        ),
        (
            "Content-Type: text/plain",
            b"un NUL\0 aici",
            "un NUL\u{FFFD} aici",
        ),
    ]);
}

#[test]
fn line_ends_of_every_kind_are_line_ends() {
    let mail = "From: ana@exemplu.test\r\nSubject: Cerere\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n\r\n\
                Text\r\n--q\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n\
                JVBERi0x\r\nLjcK\r\n--q--\r\n";
    for (kind, end) in [("CRLF", "\r\n"), ("LF", "\n"), ("CR", "\r")] {
        let message = Message::read(mail.replace("\r\n", end).as_bytes());
        assert_eq!(
            message.from.as_ref().map(|from| from.address.as_str()),
            Some("ana@exemplu.test"),
            "{kind}"
        );
        assert_eq!(
            (message.subject.as_str(), message.text.as_str()),
            ("Cerere", "Text"),
            "{kind}"
        );
        assert_eq!(names(&message), ["a.pdf"], "{kind}");
        assert_eq!(message.files[0].bytes, b"%PDF-1.7\n", "{kind}");
    }
    let marked = Message::read(&[b"\xEF\xBB\xBF", mail.as_bytes()].concat());
    assert_eq!(marked.subject, "Cerere", "a byte order mark before the header");
}

#[test]
fn senders_and_subjects_are_read_in_the_wrong_forms_too() {
    let cases: &[(&[u8], &str, &str)] = &[
        (
            b"=?utf-8?Q?=C8?= =?utf-8?Q?=98tefan?= <s@exemplu.test>",
            "Ștefan",
            "s@exemplu.test",
        ),
        (
            b"\"=?utf-8?Q?Ion_=22Nelu=22?=\" <i@exemplu.test>",
            "Ion \"Nelu\"",
            "i@exemplu.test",
        ),
        (
            b"=?utf-8?B?QW5hIDxhbmFAZXhlbXBsdS50ZXN0Pg==?=",
            "Ana",
            "ana@exemplu.test",
        ),
        (
            b"=?x-nimic?Q?=BAerban?= <s@exemplu.test>",
            "şerban",
            "s@exemplu.test",
        ),
        (
            b"=?utf-8?Q?fals_=3Cx@rau.test=3E=2C?= <ana@exemplu.test>",
            "fals <x@rau.test>,",
            "ana@exemplu.test",
        ),
    ];
    for (from, name, address) in cases {
        let mail = [
            b"From: ",
            *from,
            b"\r\nSubject: =?utf-8?Q?=C8?=\r\n =?utf-8?Q?=99omaj_nou?=\r\n\r\n",
        ]
        .concat();
        let message = Message::read(&mail);
        let sender = message.from.unwrap();
        assert_eq!(sender.name.as_deref(), Some(*name), "{}", from.escape_ascii());
        assert_eq!(sender.address, *address);
        assert_eq!(message.subject, "șomaj nou");
        assert_eq!(message.defects, []);
    }
}

#[test]
fn encrypted_letters_are_told_and_stay_closed() {
    // ContentInfo of EnvelopedData (1.2.840.113549.1.7.3) with nothing in it, and of AuthEnvelopedData.
    let enveloped = "MAsGCSqGSIb3DQEHAw==";
    let authenticated = "MA0GCyqGSIb3DQEJEAEX";
    let encoded = "Content-Transfer-Encoding: base64";
    let mime = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m";
    let octets = "Content-Type: application/octet-stream; name=smime.p7m";
    for content in [enveloped, authenticated] {
        for kind in [mime, octets] {
            let message = read(&format!("{kind}\r\n{encoded}"), content.as_bytes());
            assert_eq!(message.defects, [Defect::Encrypted], "{kind}");
        }
    }
    let pgp = "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=e";
    let body = "--e\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--e\r\n\
                Content-Type: application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n--e--\r\n";
    let message = read(pgp, body.as_bytes());
    assert_eq!(
        (message.defects.as_slice(), names(&message)),
        (&[Defect::Encrypted][..], vec!["encrypted.asc"])
    );
    let armoured = b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n-----END PGP MESSAGE-----\r\n";
    assert_eq!(read("", armoured).defects, [Defect::Encrypted]);
    let mixed = "Content-Type: multipart/mixed; boundary=m";
    let file = "--m\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\n\
                hQEMA\r\n-----END PGP MESSAGE-----\r\n";
    let pdf = "--m\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF\r\n";
    let words = "--m\r\nContent-Type: text/plain\r\n\r\nVreau somaj.\r\n";
    let blank = "--m\r\nContent-Type: text/plain\r\n\r\n \r\n";
    for (parts, defects) in [
        (vec![file], &[Defect::Encrypted][..]),
        (vec![blank, file], &[Defect::Encrypted]),
        (vec![file, pdf], &[]),
        (vec![words, file], &[]),
    ] {
        let message = read(mixed, format!("{}--m--\r\n", parts.concat()).as_bytes());
        assert_eq!(message.defects, defects, "{parts:?}");
        assert!(names(&message).contains(&"encrypted.asc"));
    }
    let with_words = [&b"Buna ziua, va rog:\r\n"[..], armoured].concat();
    assert_eq!(
        read("", &with_words).defects,
        [],
        "words that can be read make a request"
    );
    let signed = b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\nVreau somaj.\r\n-----BEGIN PGP SIGNATURE-----\r\n";
    let message = read("", signed);
    assert!(message.defects.is_empty() && message.text.contains("Vreau somaj."));
    let beside = format!(
        "--m\r\n{mime}\r\n{encoded}\r\n\r\n{enveloped}\r\n--m\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF\r\n--m--\r\n"
    );
    let message = read("Content-Type: multipart/mixed; boundary=m", beside.as_bytes());
    assert_eq!(
        (message.defects.as_slice(), names(&message)),
        (&[][..], vec!["smime.p7m", "a.pdf"])
    );
}

/// A whole mail of the fixtures.
fn fixture(name: &str) -> Message {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mails");
    Message::read(&std::fs::read(path.join(name).join("mail.eml")).unwrap())
}

#[test]
fn signed_envelopes_give_their_letter() {
    for name in ["40-plic-semnat", "41-plic-in-plic"] {
        let message = fixture(name);
        assert_eq!(message.text, "Vă rog să primiți cererea mea.", "{name}");
        let container = message.files[0]
            .container
            .as_ref()
            .map(|container| container.name.as_str());
        assert_eq!(
            (names(&message), container),
            (vec!["cerere.pdf"], Some("smime.p7m")),
            "{name}"
        );
        assert!(message.files[0].bytes.starts_with(b"%PDF-"), "{name}");
        assert_eq!(message.defects, [], "{name}");
    }
    for name in ["42-semnatura-alaturata", "46-semnat-pgp"] {
        assert_eq!(fixture(name).text, "Vă rog să primiți cererea mea.", "{name}");
    }
}

#[test]
fn an_envelope_that_cannot_be_opened_is_a_file() {
    let kind = "Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64";
    for content in ["MAsGCSqGSIb3DQEHAg==", "MAsGCSqG", "JVBERi0xLjcK", ""] {
        let message = read(kind, content.as_bytes());
        assert_eq!(names(&message), ["smime.p7m"], "{content}");
        assert_eq!(message.defects, [], "{content}");
    }
}

#[test]
fn parts_behind_a_message_that_is_itself_a_message_are_not_lost() {
    let body = "--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: message/rfc822\r\n\r\n\
                Subject: unu\r\nContent-Type: message/rfc822\r\n\r\nSubject: doi\r\n\r\nText\r\n--i--\r\n\
                --o\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF\r\n--o--\r\n";
    let message = read("Content-Type: multipart/mixed; boundary=o", body.as_bytes());
    assert_eq!(
        (names(&message), message.defects.len()),
        (vec!["atasament-01.eml", "a.pdf"], 0)
    );
}

#[test]
fn a_part_of_a_forwarded_message_does_not_take_what_follows_the_message() {
    let body = format!(
        "--o\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n\
         --i\r\n\r\n--i--\r\n--o\r\n--i\r\n\r\n{}",
        "unu doi trei\r\n".repeat(40)
    );
    let message = read("Content-Type: multipart/mixed; boundary=o", body.as_bytes());
    let in_files: usize = message.files.iter().map(|file| file.bytes.len()).sum();
    assert!(
        in_files <= body.len(),
        "{in_files} of {}: {:?}",
        body.len(),
        names(&message)
    );
}
