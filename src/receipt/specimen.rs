//! Made-up receipts for the tests of this folder.

use jiff::civil::date;

use crate::receipt::content::*;

pub(crate) fn ordinary() -> Receipt {
    let at = |text: &str| text.parse().unwrap();
    Receipt {
        id: "r-mfrggzdfmztwq2lk".into(),
        agency: Agency {
            name: "Agenția Județeană pentru Ocuparea Forței de Muncă Exemplu".into(),
            cui: "00000000".into(),
            address: "Str. Fântânii nr. 3, 400000 Orașul-Exemplu".into(),
            phone: "0264 000 000".into(),
            email: "registratura@exemplu.test".into(),
            website: Some("www.exemplu.test".into()),
        },
        office: Office {
            name: "Punctul de lucru Țăndărei".into(),
            address: "Piața Unirii nr. 1, Țăndărei".into(),
            contact: "Registratură, ghișeul 3, telefon 0264 000 001".into(),
            hours: "luni–joi 08:00–16:30, vineri 08:00–14:00".into(),
        },
        number: "1/20.11.2026".into(),
        submission: 0,
        links: Vec::new(),
        register: RegisterPlace {
            code: "EX".into(),
            name: "Registrul general de intrare-ieșire".into(),
            number: 1,
            year: 2026,
            date: date(2026, 11, 20),
        },
        received_at: at("2026-11-20T07:00:05Z"),
        registered_at: at("2026-11-20T07:00:20Z"),
        issued_at: at("2026-11-20T07:00:21Z"),
        processing_day: date(2026, 11, 20),
        processing_reason:
            "Mesajul a sosit vineri, 20.11.2026, la ora 09:00, în timpul programului de lucru.".into(),
        applicant: Some("Ana Pop-Șerbănescu".into()),
        sender_address: "ana.pop@exemplu.test".into(),
        subject: "Cerere de indemnizație de șomaj – acte".into(),
        message_id: Some("<20261120.0859.7f3a@posta.exemplu.test>".into()),
        in_reply_to: None,
        message_date: Some("Fri, 20 Nov 2026 08:59:58 +0200".into()),
        mail_size_bytes: 1_482_331,
        mail_sha256: "5d41402abc4b2a76b9719d911017c592ae2f3b1c0d9e8f7a6b5c4d3e2f1a0b9c".into(),
        request_type: "indemnizație de șomaj".into(),
        files: vec![accepted(1, "cerere semnată.pdf"), refused(2, "IMG_2041.HEIC")],
        system_version: "0.1.0".into(),
        marking: Marking::None,
    }
}

pub(crate) fn accepted(ordinal: u32, name: &str) -> File {
    File {
        ordinal,
        name: name.into(),
        container: None,
        declared: "application/pdf".into(),
        detected: "pdf".into(),
        kind_ro: "document PDF".into(),
        size_bytes: 245_349,
        sha256: format!("{ordinal:064x}"),
        verdict: Verdict::Accepted,
        reasons: Vec::new(),
    }
}

pub(crate) fn refused(ordinal: u32, name: &str) -> File {
    File {
        declared: "image/heic".into(),
        detected: "heic".into(),
        kind_ro: "fotografie HEIC (Apple)".into(),
        size_bytes: 1_180_220,
        verdict: Verdict::Refused,
        reasons: vec![Reason {
            code: "format.heic".into(),
            severity: Severity::Refusal,
            text_ro: "Fotografia este în formatul HEIC, pe care nu îl putem primi. Pe telefon alegeți Configurări › \
                      Cameră › Formate › „Cel mai compatibil”, faceți fotografia din nou și trimiteți-o ca JPEG."
                .into(),
        }],
        ..accepted(ordinal, name)
    }
}

/// Fifty files with names that try to deceive, to overflow or to vanish.
pub(crate) fn fifty() -> Receipt {
    let ugly = [
        "factura\u{202E}fdp.exe",
        "scan_2026-11-20_cerere_de_eliberare_a_adeverinței_de_vechime_în_muncă_pentru_dosarul_de_pensionare.pdf",
        "a\u{200B}b\u{2066}c\u{2069}\u{0007}.pdf",
        "Cerere ş ţ cu sedilă, ș ț cu virgulă, Adeverint\u{326}a\u{306}.pdf",
        "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX.pdf",
        "poză 😀 документ.jpg",
        "",
        "../../etc/passwd",
        "un nume      cu multe blancuri                                                                .exe",
        "győri őrület.pdf",
    ];
    let mut receipt = ordinary();
    receipt.files = (1..=50)
        .map(|ordinal| {
            let name = ugly[ordinal as usize % ugly.len()];
            let mut file = if ordinal % 4 == 0 {
                refused(ordinal, name)
            } else {
                accepted(ordinal, name)
            };
            if ordinal % 7 == 0 {
                file.container = Some("dosar complet (winmail.dat)".into());
            }
            file.size_bytes = 3u64.pow(ordinal % 20) * 7;
            file
        })
        .collect();
    receipt
}

/// No file, no applicant, no subject, no identifiers.
pub(crate) fn empty() -> Receipt {
    Receipt {
        files: Vec::new(),
        applicant: None,
        subject: String::new(),
        message_id: None,
        message_date: None,
        request_type: "nedeterminat".into(),
        ..ordinary()
    }
}

/// What came later to the same request.
pub(crate) fn completion() -> Receipt {
    Receipt {
        submission: 2,
        ..ordinary()
    }
}

/// The same files came before.
pub(crate) fn linked() -> Receipt {
    Receipt {
        links: vec![Link {
            number: "1/19.11.2026".into(),
            why: "files".into(),
            text_ro: "aceleași fișiere au fost primite și cu nr. 1/19.11.2026".into(),
        }],
        ..ordinary()
    }
}

/// Every text empty: nothing may vanish from the tables.
pub(crate) fn bare() -> Receipt {
    let file = File {
        kind_ro: String::new(),
        sha256: String::new(),
        ..accepted(1, "")
    };
    Receipt {
        sender_address: String::new(),
        mail_sha256: String::new(),
        files: vec![file],
        ..empty()
    }
}
