//! What a receipt says of a file.

use super::*;

#[test]
fn a_refused_file_says_first_what_to_do_and_nothing_that_denies_it() {
    let finding = |code: documents::Code| FindingRecord {
        code: code.as_str().to_owned(),
        severity: code.severity(),
        text_ro: code.citizen_ro().to_owned(),
    };
    let mut file = FileRecord {
        name: "cerere.jpg".into(),
        container: None,
        declared: "image/jpeg".into(),
        detected: "pdf".into(),
        kind_ro: "document PDF".into(),
        size_bytes: 10,
        sha256: "00".repeat(32),
        accepted: false,
        findings: [
            documents::Code::NameDisagrees,
            documents::Code::DeclaredDisagrees,
            documents::Code::PdfTrailingBytes,
            documents::Code::PdfPassword,
        ]
        .map(finding)
        .into(),
    };
    let codes = |file: &FileRecord| -> Vec<String> {
        line(1, file)
            .reasons
            .into_iter()
            .map(|reason| reason.code)
            .collect()
    };
    assert_eq!(codes(&file), ["pdf-password", "pdf-trailing-bytes"]);
    file.accepted = true;
    file.findings.pop();
    assert_eq!(
        codes(&file),
        ["name-disagrees", "declared-disagrees", "pdf-trailing-bytes"]
    );
}
