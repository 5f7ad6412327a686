//! A letter's envelope as it is said in SMTP: addresses, and the parameters of MAIL and RCPT.

use lettre::Address;
use lettre::transport::smtp::commands::{Mail, Rcpt};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter, RcptParameter};

use super::Server;
use super::offers::Offers;
use crate::outbox::{Envelope, Reports, TransportError};

/// RFC 3461 §4.4: what is longer is left out, and the report is matched by the returned Message-ID.
const ENVID_BYTES_MAX: usize = 100;
/// RFC 3461 §4.2.
const ORCPT_BYTES_MAX: usize = 500;
/// RFC 5321 §4.5.3.1.1.
const LOCAL_PART_BYTES_MAX: usize = 64;

/// The commands that bring an envelope.
pub(super) struct Commands {
    pub(super) mail: Mail,
    pub(super) rcpt: Rcpt,
    /// Without the parameters of RFC 3461, for a server that offers them and then does not take them; `None` where
    /// there are none.
    pub(super) plain: Option<(Mail, Rcpt)>,
}

/// How a letter is said to a server that offers this.
///
/// # Errors
/// The address cannot be said to this server: it is [`TransportError::Refused`] without having been asked.
pub(super) fn commands(
    envelope: Envelope<'_>,
    bytes: &[u8],
    server: &Server,
    offers: Offers,
) -> Result<Commands, TransportError> {
    let refused = |why: &str| TransportError::Refused {
        server: server.name(),
        answer: format!("not asked: {why}"),
    };
    let parsed = |text: &str| {
        text.parse::<Address>()
            .map_err(|_| refused("the address cannot be used in SMTP"))
    };
    let from = match envelope.from {
        "" => None,
        _ => Some(parsed(&sender(envelope, server.verp))?),
    };
    let to = parsed(envelope.to)?;
    let is_ascii = envelope.to.is_ascii() && envelope.from.is_ascii();
    let mut parameters = Vec::new();
    if !is_ascii {
        if !offers.any_address {
            return Err(refused(
                "the address has letters that need SMTPUTF8, which this server does not offer; phone or post",
            ));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !bytes.is_ascii() {
        if !offers.eight_bits {
            return Err(refused(
                "the letter needs 8BITMIME, which this server does not offer",
            ));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    if !(server.delivery_reports && offers.reports_delivery) {
        return Ok(Commands {
            mail: Mail::new(from, parameters),
            rcpt: Rcpt::new(to, Vec::new()),
            plain: None,
        });
    }
    let plain = (
        Mail::new(from.clone(), parameters.clone()),
        Rcpt::new(to.clone(), Vec::new()),
    );
    parameters.extend(of_mail(envelope));
    Ok(Commands {
        mail: Mail::new(from, parameters),
        rcpt: Rcpt::new(to, of_rcpt(envelope)),
        plain: Some(plain),
    })
}

/// The envelope sender: the dedicated address, with the letter's token where that is configured and not too long.
fn sender(envelope: Envelope<'_>, verp: Option<char>) -> String {
    let plain = envelope.from.to_owned();
    let (Some(separator), Some((local, domain))) = (verp, envelope.from.rsplit_once('@')) else {
        return plain;
    };
    let (token, token_domain) = envelope.message_id.rsplit_once('@').unwrap_or_default();
    let fits = local.len() + separator.len_utf8() + token.len() <= LOCAL_PART_BYTES_MAX;
    // A report is matched by the token and the address's own domain.
    if fits && !token.is_empty() && token_domain == domain {
        format!("{local}{separator}{token}@{domain}")
    } else {
        plain
    }
}

/// Only the header comes back with a report: the receipt itself is nobody else's business.
fn of_mail(envelope: Envelope<'_>) -> Vec<MailParameter> {
    let mut parameters = vec![written("RET=HDRS".to_owned())];
    let envid = xtext(envelope.message_id);
    if envid.len() <= ENVID_BYTES_MAX && envelope.message_id.is_ascii() {
        parameters.push(written(format!("ENVID={envid}")));
    }
    parameters
}

fn of_rcpt(envelope: Envelope<'_>) -> Vec<RcptParameter> {
    let wanted = match envelope.reports {
        Reports::All => "SUCCESS,FAILURE,DELAY",
        Reports::Failures => "FAILURE",
        Reports::None => return vec![asked("NOTIFY=NEVER".to_owned())],
    };
    let mut parameters = vec![asked(format!("NOTIFY={wanted}"))];
    let original = if envelope.to.is_ascii() {
        format!("rfc822;{}", xtext(envelope.to))
    } else {
        format!("utf-8;{}", utf8_xtext(envelope.to))
    };
    if original.len() <= ORCPT_BYTES_MAX {
        parameters.push(asked(format!("ORCPT={original}")));
    }
    parameters
}

/// A parameter as it is, since lettre writes values in a form of its own.
fn written(keyword: String) -> MailParameter {
    MailParameter::Other { keyword, value: None }
}

fn asked(keyword: String) -> RcptParameter {
    RcptParameter::Other { keyword, value: None }
}

/// RFC 3461 §4: visible ASCII without `+` and `=` as it is, everything else as `+XX`.
fn xtext(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'+' | b'=' => format!("+{byte:02X}"),
            b'!'..=b'~' => char::from(byte).to_string(),
            _ => format!("+{byte:02X}"),
        })
        .collect()
}

/// RFC 6533 §3: what xtext cannot say, as `\x{XXXX}`.
fn utf8_xtext(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '!'..='~' if !matches!(letter, '+' | '=' | '\\') => letter.to_string(),
            _ => format!("\\x{{{:02X}}}", u32::from(letter)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::tls::Security;

    const ALL: Offers = Offers {
        size_bytes_max: None,
        reports_delivery: true,
        any_address: true,
        eight_bits: true,
        offers_login: false,
    };

    fn server(verp: Option<char>) -> Server {
        Server {
            host: "smtp.exemplu.test".into(),
            port: 587,
            security: Security::StartTls,
            login: None,
            hello: "localhost".into(),
            ca_file: None,
            delivery_reports: true,
            verp,
        }
    }

    fn envelope<'a>(from: &'a str, to: &'a str, reports: Reports) -> Envelope<'a> {
        Envelope {
            message_id: "abc=def@exemplu.test",
            from,
            to,
            reports,
        }
    }

    fn said(
        envelope: Envelope<'_>,
        bytes: &[u8],
        verp: Option<char>,
        offers: Offers,
    ) -> Result<String, String> {
        commands(envelope, bytes, &server(verp), offers)
            .map(|commands| format!("{}{}", commands.mail, commands.rcpt))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn reports_are_asked_for_where_they_are_offered() {
        let letter = envelope("somaj@exemplu.test", "ana+x@citizen.test", Reports::All);
        assert_eq!(
            said(letter, b"x", None, ALL).unwrap(),
            "MAIL FROM:<somaj@exemplu.test> RET=HDRS ENVID=abc+3Ddef@exemplu.test\r\n\
             RCPT TO:<ana+x@citizen.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;ana+2Bx@citizen.test\r\n"
        );
        let plain = "MAIL FROM:<somaj@exemplu.test>\r\nRCPT TO:<ana+x@citizen.test>\r\n";
        assert_eq!(said(letter, b"x", None, Offers::default()).unwrap(), plain);
        let off = Server {
            delivery_reports: false,
            ..server(None)
        };
        let commands = commands(letter, b"x", &off, ALL).unwrap();
        assert_eq!(format!("{}{}", commands.mail, commands.rcpt), plain);
        let digest = said(
            envelope("a@b.test", "c@b.test", Reports::Failures),
            b"x",
            None,
            ALL,
        )
        .unwrap();
        assert!(digest.contains(" NOTIFY=FAILURE ORCPT="), "{digest}");
        let report = said(envelope("", "c@b.test", Reports::None), b"x", Some('+'), ALL).unwrap();
        assert!(report.starts_with("MAIL FROM:<> RET=HDRS"), "{report}");
        assert!(
            report.ends_with("RCPT TO:<c@b.test> NOTIFY=NEVER\r\n"),
            "{report}"
        );
        let long = "x".repeat(120) + "@exemplu.test";
        let long = Envelope {
            message_id: &long,
            ..letter
        };
        assert!(!said(long, b"x", None, ALL).unwrap().contains("ENVID"));
    }

    #[test]
    fn letters_beyond_ascii_go_where_the_server_takes_them() {
        let letter = envelope("somaj@exemplu.test", "șană@citizen.test", Reports::All);
        let told = said(letter, "ș".as_bytes(), None, ALL).unwrap();
        assert!(
            told.contains("<somaj@exemplu.test> SMTPUTF8 BODY=8BITMIME RET=HDRS"),
            "{told}"
        );
        assert!(
            told.contains(r"ORCPT=utf-8;\x{219}an\x{103}@citizen.test"),
            "{told}"
        );
        let without = Offers {
            any_address: false,
            ..ALL
        };
        assert!(
            said(letter, b"x", None, without)
                .unwrap_err()
                .contains("SMTPUTF8")
        );
        let seven = Offers {
            eight_bits: false,
            ..ALL
        };
        let plain = envelope("somaj@exemplu.test", "ana@citizen.test", Reports::All);
        assert!(
            said(plain, "ș".as_bytes(), None, seven)
                .unwrap_err()
                .contains("8BITMIME")
        );
        assert!(said(envelope("a@b.test", "no address", Reports::All), b"x", None, ALL).is_err());
    }

    #[test]
    fn the_token_stands_in_the_sender_where_it_fits() {
        let letter = Envelope {
            message_id: "token@exemplu.test",
            ..envelope("somaj@exemplu.test", "ana@citizen.test", Reports::All)
        };
        assert_eq!(sender(letter, Some('+')), "somaj+token@exemplu.test");
        assert_eq!(sender(letter, None), "somaj@exemplu.test");
        let other = Envelope {
            from: "somaj@alt.test",
            ..letter
        };
        assert_eq!(sender(other, Some('+')), "somaj@alt.test");
        let local = "s".repeat(60) + "@exemplu.test";
        let long = Envelope {
            from: &local,
            ..letter
        };
        assert_eq!(sender(long, Some('+')), local);
    }
}
