//! What a server offers in its answer to EHLO, as far as letters need it.

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::ClientId;

use super::{Server, about_us};
use crate::outbox::TransportError;

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offers {
    /// SIZE (RFC 1870); `None` where the server names no limit.
    pub size_bytes_max: Option<u64>,
    /// DSN (RFC 3461).
    pub reports_delivery: bool,
    /// SMTPUTF8 (RFC 6531).
    pub any_address: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bits: bool,
    /// AUTH (RFC 4954) is offered.
    pub offers_login: bool,
}

/// EHLO once more: lettre keeps only a part of the first answer, and a server may offer more after the login.
pub(super) async fn ask(
    connection: &mut AsyncSmtpConnection,
    server: &Server,
) -> Result<Offers, TransportError> {
    let hello = Ehlo::new(ClientId::Domain(server.hello.clone()));
    let answer = connection
        .command(hello)
        .await
        .map_err(|error| about_us(error, server, "asking what it offers"))?;
    let lines: Vec<String> = answer.message().map(str::to_ascii_uppercase).collect();
    Ok(read(&lines))
}

fn read(lines: &[String]) -> Offers {
    let mut offers = Offers::default();
    // The first line is the server's greeting.
    for line in lines.iter().skip(1) {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            // Zero means without a fixed limit (RFC 1870 §3).
            Some("SIZE") => {
                let size = words.next().and_then(|word| word.parse().ok());
                offers.size_bytes_max = size.filter(|size| *size > 0);
            }
            Some("DSN") => offers.reports_delivery = true,
            Some("SMTPUTF8") => offers.any_address = true,
            Some("8BITMIME") => offers.eight_bits = true,
            // Some old servers write `AUTH=`.
            Some(word) if word == "AUTH" || word.starts_with("AUTH=") => offers.offers_login = true,
            Some(_) | None => {}
        }
    }
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_ehlo_is_read() {
        let of = |lines: &[&str]| read(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        let found = of(&["SIZE 7 IS MY NAME", "SIZE 41943040", "DSN", "AUTH PLAIN LOGIN"]);
        assert_eq!(found.size_bytes_max, Some(41_943_040));
        assert!(found.reports_delivery && found.offers_login && !found.any_address);
        let other = of(&["MX", "SMTPUTF8", "8BITMIME"]);
        assert!(other.any_address && other.eight_bits && !other.reports_delivery);
        for without in ["SIZE 0", "SIZE", "SIZE MANY", "X-DSN"] {
            let found = of(&["MX", without]);
            assert_eq!(found, Offers::default(), "{without}");
        }
    }
}
