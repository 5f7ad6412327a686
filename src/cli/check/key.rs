//! The key that seals receipts and its certificate.

use jiff::Timestamp;

use crate::cli::report::Report;
use crate::cli::text;
use crate::config::Settings;
use crate::daemon::{StartError, signer};
use crate::edge::disk;
use crate::edge::signing::pkcs12::Pkcs12Error;
use crate::flow::with_causes;
use crate::receipt::signature::Signer;

/// The weeks in which an operator can still renew a certificate without haste.
const EXPIRY_WARNING_DAYS: i64 = 30;

/// Opens the key as `run` would, and looks at the certificate at `now`.
pub(super) fn check(settings: &Settings, now: Timestamp, report: &mut Report) {
    let signer = match signer(settings) {
        Ok(signer) => signer,
        Err(error) => {
            return report.error("key", &with_causes(&error), remedy(&error));
        }
    };
    report.ok(
        "key",
        &format!(
            "opens and signs, and is the key of the certificate of {}",
            signer.name()
        ),
    );
    secrecy(settings, report);
    match signer.certificate_chain().len() {
        1 => report.warning(
            "chain",
            "the file holds no certificate of the issuer, so readers may not find the way to an authority they trust",
            "export the key again together with the whole chain",
        ),
        count => report.ok("chain", &format!("{count} certificates, each issued by the next")),
    }
    let validity = signer.validity();
    match validity.check(now) {
        Ok(()) => {
            let days = validity.until.duration_since(now).as_hours() / 24;
            let said = format!("valid until {}, {days} days left", text::instant(validity.until));
            if days < EXPIRY_WARNING_DAYS {
                report.warning(
                    "certificate",
                    &said,
                    "renew it now; receipts are not issued with an expired one",
                );
            } else {
                report.ok("certificate", &said);
            }
        }
        Err(error) => report.error(
            "certificate",
            &error.to_string(),
            "renew it; mail is registered, receipts wait",
        ),
    }
    let is_qualified = signer.is_qualified();
    match (is_qualified, settings.signing.accept_unqualified) {
        (true, _) => report.ok(
            "qualified",
            "the certificate says that it is qualified (QcCompliance)",
        ),
        (false, true) => report.warning(
            "qualified",
            "the certificate is not qualified, and the configuration accepts it",
            "receipts are not marked; be sure that the agency may do so",
        ),
        (false, false) => report.warning(
            "qualified",
            "the certificate is not qualified: every receipt is marked NEVALID – DEMONSTRAȚIE",
            "use a qualified seal or signature, or set accept_unqualified = true if the agency stands by it",
        ),
    }
}

fn remedy(error: &StartError) -> &'static str {
    match error {
        StartError::KeyFile { .. } => {
            "check `pkcs12` under [signing], and that recipisa's user may read the file"
        }
        StartError::Key {
            source: Pkcs12Error::Password(_),
            ..
        } => "check `password` under [signing]: is it the one of this file?",
        StartError::Key { .. }
        | StartError::Folder { .. }
        | StartError::Busy { .. }
        | StartError::HalfRestored { .. }
        | StartError::Outdated { .. }
        | StartError::Form { .. }
        | StartError::FormKind { .. }
        | StartError::Store(_)
        | StartError::Archive(_)
        | StartError::Machine(_) => "check `pkcs12` and `password` under [signing]",
    }
}

/// The passwords' own files are looked at with the configuration; one that is open to all is refused there.
fn secrecy(settings: &Settings, report: &mut Report) {
    let path = &settings.signing.pkcs12;
    if let Ok(true) = disk::is_open_to_all(path) {
        report.warning(
            "key",
            &format!("{} can be read by everybody on this machine", path.display()),
            &format!("chmod 0600 {}", path.display()),
        );
    }
}
