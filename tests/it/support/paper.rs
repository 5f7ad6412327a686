//! Receipts and letters as programs that are not ours read them: pdfsig, pyHanko, qpdf, poppler, Python.
//!
//! Left out: our own `verify`, which the tests run as a command.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::command::project;
use super::tools::{run, tool};

/// Whether pdfsig calls the one signature valid and the whole document signed.
#[track_caller]
pub(crate) fn assert_pdfsig_valid(pdf: &Path) {
    // Its certificate database is of no interest here: whose seal it is, pyHanko is asked.
    let said = run(Command::new(tool("pdfsig", "poppler-utils"))
        .arg("-nocert")
        .arg(pdf));
    let valid = said.matches("Signature Validation: Signature is Valid.").count();
    assert_eq!(valid, 1, "{said}");
    assert!(said.contains("Total document signed"), "{said}");
    assert!(said.contains("ETSI.CAdES.detached"), "{said}");
    assert!(!said.contains("Signature #2"), "{said}");
}

/// Whether pyHanko, strict, finds every file's one signature intact, covering all of it, and of this root.
#[track_caller]
pub(crate) fn assert_pyhanko_intact(pdfs: &[PathBuf], root: &Path, at: &str) {
    let said = run(Command::new(python_with_pyhanko())
        .arg(project().join("tests/it/support/pyhanko_says.py"))
        .arg(root)
        .arg(at)
        .args(pdfs));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), pdfs.len(), "{said}");
    for (line, pdf) in lines.iter().zip(pdfs) {
        let wanted = "1 signature intact=True valid=True trusted=True coverage=ENTIRE_FILE";
        assert_eq!(*line, wanted, "{}", pdf.display());
    }
}

/// Whether qpdf finds nothing to say about the structure.
#[track_caller]
pub(crate) fn assert_qpdf_clean(pdf: &Path) {
    let said = run(Command::new(tool("qpdf", "qpdf")).arg("--check").arg(pdf));
    assert!(
        said.contains("No syntax or stream encoding errors found"),
        "{said}"
    );
    assert!(!said.contains("WARNING"), "{said}");
}

/// Whether every font is embedded.
#[track_caller]
pub(crate) fn assert_fonts_embedded(pdf: &Path) {
    let said = run(Command::new(tool("pdffonts", "poppler-utils")).arg(pdf));
    let mut lines = said.lines();
    let head = lines.next().unwrap_or_default();
    let column = head.find("emb").expect("pdffonts has a column for it");
    let fonts: Vec<&str> = lines.skip(1).collect();
    assert!(!fonts.is_empty(), "{said}");
    for font in fonts {
        assert_eq!(font.get(column..column + 3), Some("yes"), "{said}");
    }
}

/// The text, in the order in which it stands in the file, without any white space: names break over lines.
#[track_caller]
pub(crate) fn dense_text(pdf: &Path) -> String {
    dense(&run(Command::new(tool("pdftotext", "poppler-utils"))
        .args(["-raw", "-enc", "UTF-8"])
        .arg(pdf)
        .arg("-")))
}

/// A text without white space.
pub(crate) fn dense(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

/// Mails as Python's email package reads them; attachments are written into `folder`, as `NN-K` in the mails' order.
#[track_caller]
pub(crate) fn mails_by_python(mails: &[PathBuf], folder: &Path) -> Vec<Value> {
    let said = run(Command::new(tool("python3", "python3"))
        .arg(project().join("tests/it/support/read_mails.py"))
        .arg(folder)
        .args(mails));
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Python with the packages that `tests/run` installs.
#[track_caller]
pub(crate) fn python_with_pyhanko() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([project().join("target/test-tools/bin")])
        .find(|dir| dir.join("pyhanko").is_file() && dir.join("python3").exists())
        .map(|dir| dir.join("python3"))
        .unwrap_or_else(|| panic!("pyHanko is missing; tests/run installs it into target/test-tools"))
}
