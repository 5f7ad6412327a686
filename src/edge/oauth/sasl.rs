//! How a token is shown to a mail server: OAUTHBEARER (RFC 7628) and the older XOAUTH2, for IMAP and SMTP alike.

use super::Token;

/// The two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    OAuthBearer,
    XOAuth2,
}

/// What a server has against a token, on one line, short, and without the token.
pub(in crate::edge) fn words(said: &[u8], token: &Token) -> String {
    let said = String::from_utf8_lossy(said).replace(token.reveal(), "[…]");
    let printable = said
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter });
    printable.take(300).collect()
}

/// What is told of a server that has neither.
pub(in crate::edge) const OFFERS_NEITHER: &str = "it offers neither OAUTHBEARER nor XOAUTH2";

impl Mechanism {
    /// The better of those that the server offers, whatever the case of its letters.
    pub fn choose<'a>(offered: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut found = None;
        for word in offered {
            if word.eq_ignore_ascii_case(Self::OAuthBearer.as_str()) {
                return Some(Self::OAuthBearer);
            }
            if word.eq_ignore_ascii_case(Self::XOAuth2.as_str()) {
                found = Some(Self::XOAuth2);
            }
        }
        found
    }

    /// Its name in AUTHENTICATE and AUTH.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
        }
    }

    /// The first answer of the client, before base64.
    pub fn initial(self, user: &str, host: &str, port: u16, token: &Token) -> String {
        let token = token.reveal();
        match self {
            // RFC 7628 §3.1; the user is a saslname (RFC 5801 §4).
            Self::OAuthBearer => {
                let user = user.replace('=', "=3D").replace(',', "=2C");
                format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01")
            }
            Self::XOAuth2 => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
        }
    }

    /// The answer to the server's words after a failure, before base64: only then comes its NO (RFC 7628 §3.2.3).
    pub fn after_failure(self) -> &'static str {
        match self {
            Self::OAuthBearer => "\x01",
            Self::XOAuth2 => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_mechanism_is_chosen() {
        let chosen = |words: &str| Mechanism::choose(words.split(' '));
        assert_eq!(chosen("PLAIN XOAUTH2 OAUTHBEARER"), Some(Mechanism::OAuthBearer));
        assert_eq!(chosen("xoauth2 plain"), Some(Mechanism::XOAuth2));
        assert_eq!(chosen("PLAIN LOGIN"), None);
    }

    #[test]
    fn a_server_that_repeats_the_token_does_not_make_us_tell_it() {
        let said = words(
            b"{\"status\":\"401\",\"token\":\"abc.def\"}\r\n\x1b[2J",
            &Token("abc.def".into()),
        );
        assert_eq!(said, "{\"status\":\"401\",\"token\":\"[…]\"}   [2J");
    }

    #[test]
    fn the_answers_are_those_of_the_standards() {
        let token = Token("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==".into());
        assert_eq!(
            Mechanism::OAuthBearer.initial("a,b=c@exemplu.test", "mail.exemplu.test", 143, &token),
            "n,a=a=2Cb=3Dc@exemplu.test,\x01host=mail.exemplu.test\x01port=143\x01\
             auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
        assert_eq!(
            Mechanism::XOAuth2.initial("ana@exemplu.test", "", 0, &Token("t".into())),
            "user=ana@exemplu.test\x01auth=Bearer t\x01\x01"
        );
    }
}
