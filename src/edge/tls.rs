//! One way to make a TLS connector for IMAP and SMTP: OpenSSL, TLS 1.2 or newer, names always checked.

use std::path::Path;

use native_tls::{Certificate, Protocol, TlsConnector};

/// What an error of the handshake says we were doing.
pub const AGREEING: &str = "agreeing on TLS (is the certificate's name right?)";

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (IMAP: port 993, SMTP: 465).
    Tls,
    /// Plain at first, then STARTTLS before anything else; refused where the server has none (IMAP: 143, SMTP: 587).
    StartTls,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("reading the certificates in {path}")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the file {path} holds no PEM certificate")]
    Empty { path: String },
    #[error("setting up TLS")]
    Library(#[source] native_tls::Error),
}

/// A connector that trusts the machine's certification authorities and those in `ca_file`.
///
/// # Errors
/// The file cannot be read or holds no certificate.
pub fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    for certificate in extra_authorities(ca_file)? {
        builder.add_root_certificate(certificate);
    }
    builder.build().map_err(TlsError::Library)
}

fn extra_authorities(ca_file: Option<&Path>) -> Result<Vec<Certificate>, TlsError> {
    pem_authorities(ca_file)?
        .iter()
        .map(|pem| Certificate::from_pem(pem.as_bytes()).map_err(TlsError::Library))
        .collect()
}

/// The certificates of a PEM file, one text each.
///
/// # Errors
/// As [`connector`].
pub fn pem_authorities(ca_file: Option<&Path>) -> Result<Vec<String>, TlsError> {
    const END: &str = "-----END CERTIFICATE-----";
    let Some(path) = ca_file else {
        return Ok(Vec::new());
    };
    let shown = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| TlsError::File {
        path: shown(),
        source,
    })?;
    let found: Vec<String> = text
        .split_inclusive(END)
        .filter(|piece| piece.contains("-----BEGIN CERTIFICATE-----"))
        .map(str::to_owned)
        .collect();
    if found.is_empty() {
        Err(TlsError::Empty { path: shown() })
    } else {
        Ok(found)
    }
}
