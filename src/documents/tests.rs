//! Walks `fixtures/documents`: each file beside its `NAME.expect` with what it is, the verdict and the
//! finding codes.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn fixtures(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fixtures(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "expect") {
            found.push(path.with_extension(""));
        }
    }
}

fn described(document: &Document) -> String {
    let codes = document.findings.iter().map(|finding| finding.code.as_str());
    let lines: Vec<_> = [document.detected.code(), document.verdict().as_str()]
        .into_iter()
        .chain(codes)
        .collect();
    lines.join("\n") + "\n"
}

#[test]
fn every_fixture_is_judged_for_its_own_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/documents");
    let mut paths = Vec::new();
    fixtures(&root, &mut paths);
    assert!(paths.len() > 60, "only {} fixtures", paths.len());
    let mut wrong = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let expected = fs::read_to_string(format!("{}.expect", path.display())).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let document = examine(
            File {
                name,
                declared: "",
                bytes: &bytes,
            },
            &Limits::default(),
        );
        let got = described(&document);
        if got != expected {
            wrong.push(format!(
                "{}: expected {expected:?}, got {:?}",
                path.display(),
                document.findings
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_message_carries_the_document_under_its_own_name() {
    let bytes = include_bytes!("../../fixtures/documents/cms/accept/bucati.pdf.p7m");
    let file = File {
        name: "bucati.pdf.p7m",
        declared: "application/pkcs7-mime",
        bytes,
    };
    let document = examine(file, &Limits::default());
    let (name, inner) = &document.contents[0];
    assert_eq!(
        (name.as_str(), inner.detected, inner.pages),
        ("bucati.pdf", Detected::Pdf, Some(1))
    );
    let plain = include_bytes!("../../fixtures/documents/pdf/accept/cerere.pdf");
    assert_eq!(
        inner.sha256,
        examine(
            File {
                name: "",
                declared: "",
                bytes: plain
            },
            &Limits::default()
        )
        .sha256
    );
}

#[test]
fn limits_are_kept() {
    let bytes = include_bytes!("../../fixtures/documents/pdf/accept/cerere.pdf");
    let limits = Limits {
        size_bytes_max: 10,
        ..Limits::default()
    };
    let document = examine(
        File {
            name: "cerere.pdf",
            declared: "image/png",
            bytes,
        },
        &limits,
    );
    let codes: Vec<_> = document.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::DeclaredDisagrees, Code::TooLarge]);
    let limits = Limits {
        pages_max: 0,
        ..Limits::default()
    };
    let document = examine(
        File {
            name: "cerere.pdf",
            declared: "",
            bytes,
        },
        &limits,
    );
    assert_eq!(document.findings[0].code, Code::PdfPagesTooMany);
}

#[test]
fn codes_are_told_apart_and_speak_to_the_citizen() {
    let mut seen = std::collections::HashSet::new();
    for code in Code::PLAIN {
        assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
        let text = code.citizen_ro();
        assert!(text.ends_with('.') && !text.contains(['ş', 'ţ']), "{text}");
        assert_eq!(
            asks_nothing(text),
            text.replace('\n', " ").contains("faceți nimic"),
            "{text}"
        );
        if code.severity() == Severity::Refusal {
            assert!(!asks_nothing(text), "{text}");
            assert!(text.contains("Vă rugăm"), "{} names no step to do", code.as_str());
        }
    }
}
