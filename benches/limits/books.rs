//! Made-up mails, letters and registries of any size.

use std::path::Path;

use jiff::{Timestamp, civil};
use recipisa::casework::Opening;
use recipisa::edge::sqlite::SqliteStore;
use recipisa::mailbox::{Extent, Sighting, SourceId, SourceKey};
use recipisa::outbox::{self, Outgoing};
use recipisa::registry::{Decided, Draft, Entry, FileRecord, Likeness, Summary};
use recipisa::screening::{Reason, Sender};
use recipisa::store::{Arrival, Issued, MailVerdict, Store};
use sha2::{Digest, Sha256};

/// Mails written in one transaction while a registry is filled.
const BATCH: usize = 1_000;

pub(crate) fn sha256(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// The registry of [`super::stage::configuration`].
pub(crate) fn store(dir: &Path) -> SqliteStore {
    SqliteStore::open(&dir.join("registry/recipisa.db")).unwrap()
}

/// A mail with files: name, media type, bytes.
pub(crate) fn mail(from: &str, subject: &str, files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut mail = format!(
        "From: {from}\r\nTo: amt@amt.test\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Message-ID: <{}@exemplu.test>\r\nContent-Type: multipart/mixed; boundary=\"parte\"\r\n\r\n\
         --parte\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBuna ziua, depun cererea.\r\n",
        &sha256(&format!("{from}{subject}"))[..20]
    )
    .into_bytes();
    for (name, media_type, bytes) in files {
        let head = format!(
            "--parte\r\nContent-Type: {media_type}; name=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n"
        );
        mail.extend_from_slice(head.as_bytes());
        for line in data_encoding::BASE64.encode(bytes).as_bytes().chunks(76) {
            mail.extend_from_slice(line);
            mail.extend_from_slice(b"\r\n");
        }
    }
    mail.extend_from_slice(b"--parte--\r\n");
    mail
}

/// Bytes that no packer makes smaller, the same every time.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..count.div_ceil(8)).flat_map(|_| next()).take(count).collect()
}

/// A picture of about so many bytes.
pub(crate) fn noise_png(bytes: usize) -> Vec<u8> {
    let width = 2_000;
    let height = bytes / (3 * width);
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&noise(3 * width * height)).unwrap();
    writer.finish().unwrap();
    png
}

/// A PDF of one page with an unpacked picture of about so many bytes.
pub(crate) fn scan_pdf(bytes: usize) -> Vec<u8> {
    let (width, height) = (2_000, bytes / 2_000);
    let picture = noise(width * height);
    let content = b"q 500 0 0 700 40 40 cm /S Do Q";
    let objects: [(String, &[u8]); 5] = [
        ("<</Type/Catalog/Pages 2 0 R>>".into(), b""),
        ("<</Type/Pages/Kids[3 0 R]/Count 1>>".into(), b""),
        (
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R\
             /Resources<</XObject<</S 5 0 R>>>>>>"
                .into(),
            b"",
        ),
        (format!("<</Length {}>>", content.len()), content),
        (
            format!(
                "<</Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceGray\
                 /BitsPerComponent 8/Length {}>>",
                picture.len()
            ),
            &picture,
        ),
    ];
    let mut pdf = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, (dictionary, stream)) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.extend_from_slice(format!("{} 0 obj\n{dictionary}\n", index + 1).as_bytes());
        if !stream.is_empty() {
            pdf.extend_from_slice(b"stream\n");
            pdf.extend_from_slice(stream);
            pdf.extend_from_slice(b"\nendstream\n");
        }
        pdf.extend_from_slice(b"endobj\n");
    }
    let at = pdf.len();
    pdf.extend_from_slice(table.as_bytes());
    let end = format!(
        "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n",
        objects.len() + 1
    );
    pdf.extend_from_slice(end.as_bytes());
    pdf
}

/// A letter of about so many bytes.
pub(crate) fn letter(index: usize, bytes: usize) -> Vec<u8> {
    let text = data_encoding::BASE64.encode(&noise(bytes * 3 / 4));
    let head = format!(
        "From: amt@amt.test\r\nTo: ion@exemplu.test\r\nSubject: Recipisa\r\nMessage-ID: <scrisoare-{index}@amt.test>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
    );
    let mut letter = head.into_bytes();
    for line in text.as_bytes().chunks(76) {
        letter.extend_from_slice(line);
        letter.extend_from_slice(b"\r\n");
    }
    letter
}

/// Registers `count` mails whose receipts are issued; their letters are queued when bytes for them are named.
pub(crate) fn fill(store: &SqliteStore, count: usize, letters: Option<&[String]>) {
    let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let mut done = 0;
    while done < count {
        let many = BATCH.min(count - done);
        let entries = register(store, done, many, at);
        let issued: Vec<Issued> = entries
            .iter()
            .map(|entry| {
                let index = usize::try_from(entry.number.number).unwrap();
                Issued {
                    number: entry.number.clone(),
                    submission: 0,
                    receipt_sha256: sha256(&format!("receipt {index}")),
                    at,
                    letter: letters.map(|letters| outgoing(entry, &letters[index % letters.len()], at)),
                    letterless: letters.is_none().then_some(outbox::Letterless::Silence),
                }
            })
            .collect();
        store.receipts_issue(&issued).unwrap();
        done += many;
    }
}

/// Keeps and registers mails, named by their place from `first` on.
pub(crate) fn register(store: &SqliteStore, first: usize, many: usize, at: Timestamp) -> Vec<Entry> {
    keep(store, first, many, at);
    let undecided = store.mails_undecided(many).unwrap();
    let verdicts: Vec<MailVerdict> = undecided.iter().map(|mail| verdict(mail.seq, at)).collect();
    assert_eq!(verdicts.len(), many);
    store.mails_decide(&verdicts, at).unwrap()
}

pub(crate) fn keep(store: &SqliteStore, first: usize, many: usize, at: Timestamp) {
    let arrivals: Vec<Arrival> = (first..first + many)
        .map(|index| Arrival {
            sighting: Sighting {
                source: SourceId("somaj".into()),
                key: SourceKey(format!("INBOX 1700000000 {index}")),
                received_at: Some(at),
                size_bytes: 20_000,
                mdn_sent: false,
            },
            received_at: at,
            extent: Extent::Whole,
            sha256: sha256(&format!("mail {index}")),
            size_bytes: 20_000,
        })
        .collect();
    store.mail_keep(&arrivals, at).unwrap();
}

pub(crate) fn verdict(mail_seq: i64, at: Timestamp) -> MailVerdict {
    let draft = Draft {
        office: "cluj".into(),
        register: "CJ".into(),
        applicant: Some("Ion Exemplu".into()),
        request_type: "nedeterminat".into(),
        received_at: at,
        registered_at: at,
        processing_day: civil::date(2026, 11, 20),
        processing_reason: "în timpul programului".into(),
    };
    let file = FileRecord {
        name: "cerere.pdf".into(),
        container: None,
        declared: "application/pdf".into(),
        detected: "pdf".into(),
        kind_ro: "document PDF".into(),
        size_bytes: 15_000,
        sha256: sha256(&format!("file {mail_seq}")),
        accepted: true,
        findings: Vec::new(),
    };
    let summary = Summary {
        sender_name: Some("Ion Exemplu".into()),
        sender_address: Some(format!("ion.{}@exemplu.test", mail_seq % 50_000)),
        subject: "Cerere".into(),
        date: Some(at),
        message_id: Some(format!("{mail_seq}@exemplu.test")),
        references: Vec::new(),
    };
    let decided = Decided {
        outcome: Reason::Request.outcome(),
        reason: Reason::Request,
        replies: true,
        sender: Sender::Undisputed,
        summary,
        files: vec![file],
        likeness: Likeness {
            message_id: Some(format!("{mail_seq}@exemplu.test")),
            sender: Some(format!("ion.{}@exemplu.test", mail_seq % 50_000)),
            content: sha256(&format!("content {mail_seq}")),
            text: Some(sha256(&format!("text {mail_seq}"))),
            files: Some(sha256(&format!("files {mail_seq}"))),
        },
        same_as: None,
        links: Vec::new(),
        draft: Some(draft),
        joins: None,
        evidence: None,
        owes_read_report: false,
    };
    let opening = Opening {
        due_on: civil::date(2026, 12, 18),
        consent_asked: true,
        consent_file: None,
    };
    MailVerdict {
        mail_seq,
        decided,
        opening: Some(opening),
    }
}

fn outgoing(entry: &Entry, sha256: &str, at: Timestamp) -> Outgoing {
    Outgoing {
        message_id: format!("{}@amt.test", entry.number.key().replace('/', "-")),
        kind: outbox::Kind::Receipt,
        number: Some(entry.number.clone()),
        ordinal: 0,
        from: "amt@amt.test".into(),
        to: entry.summary.sender_address.clone().unwrap(),
        sha256: sha256.to_owned(),
        queued_at: at,
        not_after: None,
    }
}
