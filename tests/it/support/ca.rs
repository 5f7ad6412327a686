//! A throw-away certificate authority, and server certificates that it signed, made by the openssl
//! command so that our own TLS library is not its own judge.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::{make_dir, run, set_mode, tool, write};

/// The files of the authority and of its two server certificates; P-256, PEM.
pub(crate) struct TestCa {
    /// The authority's certificate: what a client is told to trust.
    pub(crate) root: PathBuf,
    /// Valid for `localhost`, `mail.exemplu.test` and `127.0.0.1`.
    pub(crate) server: ServerCertificate,
    /// Valid for `other.test` alone: what a client must refuse.
    pub(crate) wrong_name: ServerCertificate,
}

/// A certificate and its key.
#[derive(Clone)]
pub(crate) struct ServerCertificate {
    /// The certificate.
    pub(crate) certificate: PathBuf,
    /// The key, readable by every daemon.
    pub(crate) key: PathBuf,
}

impl TestCa {
    /// Makes all of it in the folder, in about a quarter of a second.
    pub(crate) fn make(dir: &Path) -> Self {
        make_dir(dir);
        openssl(
            dir,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 3650 \
             -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
             -subj /CN=test-authority",
        );
        Self {
            root: dir.join("ca.pem"),
            server: leaf(dir, "server", "DNS:localhost,DNS:mail.exemplu.test,IP:127.0.0.1"),
            wrong_name: leaf(dir, "wrongname", "DNS:other.test"),
        }
    }
}

fn leaf(dir: &Path, name: &str, alternative_names: &str) -> ServerCertificate {
    let key = dir.join(format!("{name}.key"));
    openssl(
        dir,
        &format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr \
             -subj /CN={name}"
        ),
    );
    write(
        &dir.join(format!("{name}.ext")),
        &format!(
            "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n\
             subjectAltName={alternative_names}\n"
        ),
    );
    openssl(
        dir,
        &format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile {name}.ext \
             -out {name}.pem -days 825"
        ),
    );
    set_mode(&key, 0o644);
    ServerCertificate {
        certificate: dir.join(format!("{name}.pem")),
        key,
    }
}

fn openssl(dir: &Path, args: &str) {
    run(Command::new(tool("openssl", "openssl"))
        .args(args.split_whitespace())
        .current_dir(dir));
}
