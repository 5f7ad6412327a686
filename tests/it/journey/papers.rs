//! The receipt in the hands of others: pdfsig, pyHanko, qpdf, openssl and pdftotext judge it, and our own `verify`
//! must agree with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::online::{Agency, KEY_PASSWORD};
use crate::support::tools::{run, tool};

/// Where `tests/run` puts the signature checkers.
const CHECKERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/bin");

/// The certificate that issued the agency's, taken out of its key file by openssl; PEM.
pub(super) fn authority(agency: &Agency) -> PathBuf {
    let path = agency.dir.join("authority.pem");
    let said = run(Command::new(tool("openssl", "openssl"))
        .args(["pkcs12", "-nokeys", "-cacerts", "-passin"])
        .arg(format!("pass:{KEY_PASSWORD}"))
        .arg("-in")
        .arg(agency.dir.join("seal.p12")));
    let begin = said.find("-----BEGIN").expect("the chain holds its root");
    fs::write(&path, &said[begin..]).unwrap();
    path
}

/// All of them, on one receipt; returns its text.
#[track_caller]
pub(super) fn judged(pdf: &Path, authority: &Path) -> String {
    let said = run(Command::new(tool("pdfsig", "poppler-utils"))
        .args(["-nocert"])
        .arg(pdf));
    for wanted in [
        "Signature #1",
        "ETSI.CAdES.detached",
        "Total document signed",
        "Signature is Valid.",
    ] {
        assert!(said.contains(wanted), "pdfsig: {said}");
    }
    assert!(!said.contains("Signature #2"), "pdfsig: {said}");
    run(Command::new(tool("qpdf", "qpdf")).arg("--check").arg(pdf));
    pyhanko(pdf, authority);
    openssl(pdf, authority);
    run(Command::new(tool("pdftotext", "poppler-utils"))
        .args(["-layout"])
        .arg(pdf)
        .arg("-"))
}

fn pyhanko(pdf: &Path, authority: &Path) {
    let beside = Path::new(CHECKERS).join("pyhanko");
    let program = if beside.is_file() {
        beside
    } else {
        tool("pyhanko", "python3-venv (then tests/run makes it)")
    };
    let said = run(Command::new(program)
        .args(["sign", "validate", "--trust-replace", "--trust"])
        .arg(authority)
        .arg(pdf));
    assert!(said.contains("INTACT:TRUSTED,UNTOUCHED"), "pyHanko: {said}");
}

/// Takes the CMS and the signed bytes out by the byte range and gives them to openssl.
fn openssl(pdf: &Path, authority: &Path) {
    let bytes = fs::read(pdf).unwrap();
    let range = byte_range(&bytes);
    assert_eq!(range[0], 0);
    assert_eq!(
        range[2] + range[3],
        bytes.len(),
        "the byte range covers the file to its end"
    );
    let (before, after) = (&bytes[..range[1]], &bytes[range[2]..]);
    let hole = std::str::from_utf8(&bytes[range[1]..range[2]]).unwrap();
    let hex = hole
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .unwrap();
    let cms = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).unwrap();
    let (cms_file, content) = (pdf.with_extension("cms"), pdf.with_extension("signed"));
    fs::write(&cms_file, cms).unwrap();
    fs::write(&content, [before, after].concat()).unwrap();
    run(Command::new(tool("openssl", "openssl"))
        .args([
            "cms",
            "-verify",
            "-binary",
            "-cades",
            "-purpose",
            "any",
            "-inform",
            "DER",
            "-out",
            "/dev/null",
            "-in",
        ])
        .arg(&cms_file)
        .arg("-content")
        .arg(&content)
        .arg("-CAfile")
        .arg(authority));
}

/// The four numbers of the last `/ByteRange`.
fn byte_range(pdf: &[u8]) -> [usize; 4] {
    let key = b"/ByteRange";
    let at = pdf.windows(key.len()).rposition(|window| window == key).unwrap();
    let rest = &pdf[at + key.len()..];
    let (open, close) = (
        rest.iter().position(|byte| *byte == b'[').unwrap(),
        rest.iter().position(|byte| *byte == b']').unwrap(),
    );
    let numbers: Vec<usize> = std::str::from_utf8(&rest[open + 1..close])
        .unwrap()
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    numbers.try_into().unwrap()
}

/// `recipisa verify` with the citizen's own files: it holds; with a changed file or a flipped byte it does not.
#[track_caller]
pub(super) fn verified(agency: &Agency, pdf: &Path, authority: &Path, files: &[PathBuf]) {
    let verify = |pdf: &Path, files: &[PathBuf]| {
        let mut args = vec![
            "verify",
            "--trust",
            authority.to_str().unwrap(),
            pdf.to_str().unwrap(),
        ];
        args.extend(files.iter().map(|file| file.to_str().unwrap()));
        let output = agency.command(&args);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = verify(pdf, files);
    assert!(code == Some(0) && said.contains("The receipt holds."), "{said}");
    if let Some(file) = files.first() {
        let changed = file.with_extension("changed");
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&changed, bytes).unwrap();
        let (code, said) = verify(pdf, &[changed]);
        assert!(
            code == Some(1) && said.contains("NOT named by the receipt"),
            "{said}"
        );
    }
    let flipped = pdf.with_extension("flipped");
    let bytes = fs::read(pdf).unwrap();
    // In the page, in the middle, and in the last line: all are signed.
    for place in [bytes.len() / 10, bytes.len() / 2, bytes.len() - 8] {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        fs::write(&flipped, bytes).unwrap();
        let (code, said) = verify(&flipped, &[]);
        assert!(
            code == Some(1) && said.contains("does NOT hold"),
            "byte {place}: {said}"
        );
    }
}
