//! What the servers on the way found out about the sender: Authentication-Results (RFC 8601). Anybody can write such a
//! field, so only those of the agency's own server count; which they are, policy says.
//!
//! Left out: any check of our own, and the properties (`header.d=` and the like); a verdict for each method is kept.

use std::collections::BTreeSet;

use mail_parser::Message;

use super::trace::fields;

/// More fields than any chain of servers writes. The agency's own is the topmost, so that those cut off count for
/// nothing.
const FIELDS_MAX: usize = 64;

/// The result of one method (RFC 8601 §2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthResult {
    Pass,
    Fail,
    SoftFail,
    Neutral,
    None,
    TempError,
    PermError,
    /// A word that the standard does not know.
    Other,
}

impl AuthResult {
    fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "pass" => Self::Pass,
            // The second is the word of RFC 5451, which old programs still write.
            "fail" | "hardfail" => Self::Fail,
            "softfail" => Self::SoftFail,
            "neutral" => Self::Neutral,
            "none" => Self::None,
            "temperror" => Self::TempError,
            "permerror" => Self::PermError,
            _ => Self::Other,
        }
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationResults {
    /// Lower case. Empty where the server names none, as Microsoft 365 does against the standard.
    pub authserv_id: String,
    /// Of the envelope's sender (`smtp.mailfrom`) where there are several.
    pub spf: Option<AuthResult>,
    /// `Pass` where one of several signatures passed.
    pub dkim: Option<AuthResult>,
    pub dmarc: Option<AuthResult>,
}

/// The fields of a parsed message, the topmost first. Only its own header is read, never that of a message inside it.
pub(super) fn of(parsed: &Message<'_>) -> Vec<AuthenticationResults> {
    fields(parsed)
        .filter(|field| field.is("authentication-results"))
        .take(FIELDS_MAX)
        .map(|field| read(&field.text()))
        .collect()
}

/// What a server that policy trusts says of DMARC (RFC 8601 §5), in the topmost of its fields that stand one below the
/// other: some servers write one for each method. Whoever wrote a field of the same name before the mail came to that
/// server is below them. The ids are lower case.
pub fn trusted_dmarc(
    fields: &[AuthenticationResults],
    authserv_ids: &BTreeSet<String>,
) -> Option<AuthResult> {
    let is_trusted = |field: &&AuthenticationResults| authserv_ids.contains(&field.authserv_id);
    fields
        .iter()
        .skip_while(|field| !is_trusted(field))
        .take_while(is_trusted)
        .find_map(|field| field.dmarc)
}

/// What stands between the comments and spaces of a field.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Equals,
}

/// Reads one field's value.
fn read(value: &str) -> AuthenticationResults {
    let statements = statements(value);
    let mut found = AuthenticationResults {
        authserv_id: String::new(),
        spf: None,
        dkim: None,
        dmarc: None,
    };
    let mut spf_of_envelope = false;
    for (index, statement) in statements.iter().enumerate() {
        let Some((method, result)) = verdict(statement) else {
            // The first statement is the server's name, and perhaps the version of the syntax.
            if let (0, Some(Token::Word(id))) = (index, statement.first()) {
                found.authserv_id = id.to_lowercase();
            }
            continue;
        };
        match method.as_str() {
            "spf" => {
                let of_envelope = names(statement, "smtp.mailfrom");
                if found.spf.is_none() || of_envelope && !spf_of_envelope {
                    found.spf = Some(result);
                    spf_of_envelope = of_envelope;
                }
            }
            "dkim" if found.dkim.is_none() || result == AuthResult::Pass => found.dkim = Some(result),
            "dmarc" if found.dmarc.is_none() => found.dmarc = Some(result),
            _ => {}
        }
    }
    found
}

/// `method[/version] = result …`; the method in lower case.
fn verdict(statement: &[Token]) -> Option<(String, AuthResult)> {
    let at = statement.iter().position(|token| *token == Token::Equals)?;
    let Token::Word(method) = statement[..at].first()? else {
        return None;
    };
    let Token::Word(result) = statement.get(at + 1)? else {
        return None;
    };
    let method = method.split('/').next().unwrap_or_default().to_ascii_lowercase();
    Some((method, AuthResult::of(result)))
}

fn names(statement: &[Token], property: &str) -> bool {
    statement
        .iter()
        .any(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(property)))
}

/// The value cut at its semicolons, without comments and spaces. A comment or a quoted string that does not end reaches
/// to the end of the field, so that nothing can be made to look like a verdict by leaving it open.
fn statements(value: &str) -> Vec<Vec<Token>> {
    let mut all = Vec::new();
    let (mut now, mut word) = (Vec::new(), None::<String>);
    let (mut depth, mut quoted) = (0_usize, false);
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        let escaped = (letter == '\\' && (quoted || depth > 0))
            .then(|| letters.next())
            .flatten();
        match (escaped.unwrap_or(letter), escaped.is_some()) {
            (_, true) if depth > 0 => {}
            ('(', false) if !quoted => depth += 1,
            (')', false) if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            ('"', false) => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            (letter, _) if quoted => word.get_or_insert_default().push(letter),
            (';', _) => {
                now.extend(word.take().map(Token::Word));
                all.push(std::mem::take(&mut now));
            }
            ('=', _) => {
                now.extend(word.take().map(Token::Word));
                now.push(Token::Equals);
            }
            (space, _) if space.is_whitespace() => now.extend(word.take().map(Token::Word)),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    now.extend(word.map(Token::Word));
    all.push(now);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: [Option<AuthResult>; 3] = [None, None, None];
    const PASS: Option<AuthResult> = Some(AuthResult::Pass);
    const FAIL: Option<AuthResult> = Some(AuthResult::Fail);

    fn verdicts(value: &str) -> (String, [Option<AuthResult>; 3]) {
        let read = read(value);
        (read.authserv_id, [read.spf, read.dkim, read.dmarc])
    }

    fn of_mail(raw: &str) -> Vec<AuthenticationResults> {
        crate::message::Message::read(raw.as_bytes()).authentication
    }

    #[test]
    fn the_syntax_is_read_as_the_standard_says() {
        let cases = [
            ("mx.exemplu.test; none", "mx.exemplu.test", NOTHING),
            ("mx.exemplu.test 1; none", "mx.exemplu.test", NOTHING),
            (
                "MX.Exemplu.TEST (Postfix) 1;\r\n\tspf=pass smtp.mailfrom=a@b.test;\r\n dkim=fail reason=\"bad; dmarc=pass\" \
                 header.d=b.test; dmarc=none",
                "mx.exemplu.test",
                [PASS, FAIL, Some(AuthResult::None)],
            ),
            (
                "\"mx; spf=pass\" ; spf=softfail",
                "mx; spf=pass",
                [Some(AuthResult::SoftFail), None, None],
            ),
            (
                "mx.test; DKIM/1 = Pass (2048 bit); spf = temperror",
                "mx.test",
                [Some(AuthResult::TempError), PASS, None],
            ),
            (
                "mx.test; dkim=fail header.d=a.test; dkim=pass header.d=b.test; dkim=neutral",
                "mx.test",
                [None, PASS, None],
            ),
            (
                "mx.test; spf=none smtp.helo=h.test; spf=fail smtp.mailfrom=a.test; spf=pass smtp.mailfrom=b.test",
                "mx.test",
                [FAIL, None, None],
            ),
            (
                "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.test; dkim=permerror; dmarc=bestguesspass action=none",
                "",
                [PASS, Some(AuthResult::PermError), Some(AuthResult::Other)],
            ),
            ("", "", NOTHING),
            (";;;=;=pass;dkim=", "", NOTHING),
        ];
        for (value, id, expected) in cases {
            assert_eq!(verdicts(value), (id.to_owned(), expected), "{value}");
        }
    }

    #[test]
    fn comments_and_strings_left_open_hide_what_follows() {
        for value in [
            "mx.test (a comment; dmarc=pass",
            "mx.test; (dmarc=fail) (\\); dmarc=pass) none",
            "mx.test ((inner); dmarc=pass) ; none",
            "mx.test; reason=\"open; dmarc=pass",
            "mx.test; x=\"a\\\"; dmarc=pass\"",
        ] {
            assert_eq!(verdicts(value).1, NOTHING, "{value}");
        }
        // A parenthesis that closes nothing opens nothing.
        assert_eq!(verdicts("mx.test); dmarc=fail").1[2], FAIL);
    }

    #[test]
    fn only_the_topmost_field_of_a_trusted_server_counts() {
        let mail = "Authentication-Results: far.test; dmarc=pass\r\nAUTHENTICATION-RESULTS: Mx.Exemplu.Test;\r\n dmarc=fail\r\n\
                    Authentication-Results: mx.exemplu.test; dmarc=pass\r\nFrom: a@b.test\r\n\
                    Content-Type: message/rfc822\r\n\r\n\
                    Authentication-Results: nested.test; dmarc=pass\r\nSubject: x\r\n\r\ntext\r\n";
        let fields = of_mail(mail);
        assert_eq!(fields.len(), 3);
        let trusts = |id: &str| trusted_dmarc(&fields, &BTreeSet::from([id.to_owned()]));
        assert_eq!(trusts("mx.exemplu.test"), FAIL);
        assert_eq!(trusts("nested.test"), None);
        assert_eq!(trusts("other.test"), None);
        assert_eq!(trusted_dmarc(&fields, &BTreeSet::new()), None);
    }

    #[test]
    fn a_server_may_write_a_field_for_each_method() {
        let trusts = |mail: &str| trusted_dmarc(&of_mail(mail), &BTreeSet::from(["mx.test".to_owned()]));
        let two =
            "Authentication-Results: mx.test; dkim=none\r\nAuthentication-Results: mx.test; dmarc=fail\r\n";
        assert_eq!(trusts(&format!("{two}From: a@b.test\r\n\r\ntext\r\n")), FAIL);
        // Below another server's field anybody may have written it.
        let apart = two.replacen("\r\n", "\r\nAuthentication-Results: far.test; spf=pass\r\n", 1);
        assert_eq!(trusts(&format!("{apart}From: a@b.test\r\n\r\ntext\r\n")), None);
    }

    #[test]
    fn very_many_fields_and_very_long_ones_cost_little() {
        let mut mail = String::from("Authentication-Results: mx.test; dmarc=fail\r\n");
        mail.push_str(&"Authentication-Results: mx.test; dmarc=pass\r\n".repeat(10_000));
        mail.push_str("From: a@b.test\r\n\r\ntext\r\n");
        let fields = of_mail(&mail);
        assert_eq!(fields.len(), FIELDS_MAX);
        let trusted = trusted_dmarc(&fields, &BTreeSet::from(["mx.test".to_owned()]));
        assert_eq!(trusted, FAIL);
        assert_eq!(verdicts(&"((((;=".repeat(200_000)).1, NOTHING);
        assert_eq!(verdicts(&"a=b;".repeat(200_000)).1, NOTHING);
    }

    #[test]
    fn bytes_that_are_no_text_do_not_hide_a_field() {
        let mail = b"Authentication-Results: mx.test (caf\xE9); dmarc=fail\r\nFrom: a@b.test\r\n\r\ntext\r\n";
        let fields = crate::message::Message::read(mail).authentication;
        assert_eq!(fields.len(), 1);
        assert_eq!(fields[0].dmarc, FAIL);
    }
}
