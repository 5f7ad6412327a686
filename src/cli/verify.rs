//! `verify`: a receipt and the files it names, checked offline.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{Failure, text};
use crate::receipt::proof::{FileMatch, Found, GivenFile, Proof, Trust, anchors_of_pem, prove};

#[derive(clap::Args)]
pub(super) struct Options {
    /// The receipt, as it came by e-mail.
    receipt: PathBuf,
    /// Your own files; each must be one that the receipt names.
    files: Vec<PathBuf>,
    /// A PEM file with certificates that you trust; without it, judge yourself whose seal it is.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Exit code 0 when the receipt is whole, sealed with a valid certificate (and a trusted one, if `--trust` is given),
/// and names every given file.
pub(super) fn main(options: &Options) -> Result<(), Failure> {
    let anchors = match &options.trust {
        None => Vec::new(),
        Some(path) => certificates(path)?,
    };
    let pdf = read(&options.receipt)?;
    if !pdf.starts_with(b"%PDF-") {
        return Err(Failure::Said(format!(
            "{} is no PDF; give the receipt as it came attached to the letter",
            options.receipt.display()
        )));
    }
    let mut files = Vec::new();
    for path in &options.files {
        files.push(GivenFile::of(path.display().to_string(), &read(path)?));
    }
    let proof = prove(&pdf, &files, &anchors);
    let trusted = options.trust.is_none()
        || proof
            .seal
            .as_ref()
            .is_ok_and(|seal| seal.trust == Trust::Anchored);
    let holds = proof.holds() && trusted;
    if options.json {
        text::line(&as_json(&proof, holds).to_string());
    } else {
        print(&proof, holds, trusted);
    }
    if holds { Ok(()) } else { Err(Failure::Told(1)) }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|source| Failure::File {
        doing: "reading",
        path: path.display().to_string(),
        source,
    })
}

fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let said = |error: &dyn std::fmt::Display| Failure::Said(format!("{}: {error}", path.display()));
    let anchors = anchors_of_pem(&read(path)?).map_err(|error| said(&error))?;
    if anchors.is_empty() {
        return Err(said(&"there is no PEM certificate in this file"));
    }
    Ok(anchors)
}

fn print(proof: &Proof, holds: bool, trusted: bool) {
    match &proof.seal {
        Ok(seal) => {
            text::line("seal      intact: nothing in the receipt was changed since it was sealed");
            text::line(&format!(
                "sealed by {} (certificate of {})",
                seal.signer.name, seal.signer.issuer
            ));
            let until = text::instant(seal.signer.valid_until);
            text::line(&format!(
                "          certificate valid from {} to {until}",
                text::instant(seal.signer.valid_from)
            ));
            text::line(match (seal.trust, trusted) {
                (Trust::Anchored, _) => "          issued under a certificate that you trust",
                (Trust::NotAnchored, true) => {
                    "          whose it is, you must judge: no trusted certificates were given (--trust)"
                }
                (Trust::NotAnchored, false) => "          NOT issued under a certificate that you trust",
            });
            if !seal.signer.qualified {
                text::line("          the certificate is NOT a qualified one");
            }
        }
        Err(fault) => text::line(&format!("seal      BROKEN: {fault}")),
    }
    match &proof.twin {
        Ok(twin) => {
            text::line(&format!("number    {} at {}", twin.number, twin.agency));
            if twin.submission > 0 {
                text::line(&format!(
                    "          for what came later: completarea nr. {} la cererea nr. {}",
                    twin.submission, twin.number
                ));
            }
            text::line(&format!(
                "          registered {}, issued {}",
                text::instant(twin.registered_at),
                text::instant(twin.issued_at)
            ));
            if let Ok(seal) = &proof.seal
                && !seal.signer.valid_at(twin.issued_at)
            {
                text::line("          the certificate was NOT valid when the receipt was issued");
            }
            if twin.demonstration {
                text::line("          NEVALID – DEMONSTRAȚIE: this receipt has no legal value");
            }
            for part in &twin.parts {
                text::line(&format!(
                    "file {:<4} {} {} ({})",
                    part.ordinal, part.sha256, part.name, part.verdict
                ));
            }
        }
        Err(fault) => text::line(&format!("content   UNREADABLE: {fault}")),
    }
    for file in &proof.files {
        text::line(&format!("yours     {}: {}", file.given.name, found(file)));
    }
    text::line(if holds {
        "The receipt holds."
    } else {
        "The receipt does NOT hold."
    });
}

fn found(file: &FileMatch) -> String {
    match &file.found {
        Found::Parts(ordinals) => {
            let ordinals: Vec<String> = ordinals.iter().map(u64::to_string).collect();
            format!("is file {} of the receipt", ordinals.join(" and "))
        }
        Found::Message => "is the registered message itself".into(),
        Found::Nowhere => "is NOT named by the receipt (not one byte may differ)".into(),
    }
}

fn as_json(proof: &Proof, holds: bool) -> Value {
    let seal = match &proof.seal {
        Ok(seal) => json!({
            "intact": true, "signer": seal.signer.name, "issuer": seal.signer.issuer,
            "qualified": seal.signer.qualified, "anchored": seal.trust == Trust::Anchored,
            "valid_from": seal.signer.valid_from.to_string(), "valid_until": seal.signer.valid_until.to_string(),
        }),
        Err(fault) => json!({"intact": false, "fault": fault.to_string()}),
    };
    let twin = match &proof.twin {
        Ok(twin) => serde_json::from_slice(&twin.json).unwrap_or(Value::Null),
        Err(_) => Value::Null,
    };
    let files: Vec<Value> = proof
        .files
        .iter()
        .map(|file| {
            let named = match &file.found {
                Found::Parts(ordinals) => json!(ordinals),
                Found::Message => json!("message"),
                Found::Nowhere => Value::Null,
            };
            json!({"name": file.given.name, "sha256": file.given.sha256, "named_as": named})
        })
        .collect();
    json!({"schema": 1, "holds": holds, "seal": seal, "receipt": twin, "files": files})
}
