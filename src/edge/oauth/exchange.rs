//! A question to a token server over HTTP, and its answer (RFC 6749 §5).
//!
//! One POST on a connection of its own; redirects are not followed, since they would carry the secrets elsewhere. Plain
//! HTTP is for this machine alone. A proxy of the environment (`https_proxy`) is used for HTTPS.

use std::io::Read;
use std::time::Duration;

use attohttpc::header::{ACCEPT, CONTENT_TYPE};
use attohttpc::{Method, ProxySettings, RequestBuilder};
use jiff::SignedDuration;
use serde_json::Value;

use super::{Client, OAuthError, Reply};
use crate::edge::tls;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const WHOLE_TIMEOUT: Duration = Duration::from_secs(20);
/// A token weighs a few kilobytes.
const ANSWER_BYTES_MAX: u64 = 256 << 10;
/// What is told of a server's words.
const WORDS_MAX: usize = 300;
/// No server means a token for longer than ten years, and sums must stay within the calendar.
const LIFE_SECONDS_MAX: i64 = 10 * 366 * 86_400;

/// Why tokens may not be asked for there; `None` where they may.
pub fn why_no_token_url(url: &str) -> Option<&'static str> {
    let Ok(mut request) = RequestBuilder::try_new(Method::POST, url) else {
        return Some("this is no web address");
    };
    let request = request.inspect();
    let url = request.url();
    let host = url.host_str().unwrap_or_default();
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Some("a user, a password or a #part has no place in this address");
    }
    match url.scheme() {
        "https" if !host.is_empty() => None,
        "http" if is_loopback(host) => None,
        "http" => Some("secrets would go over the network in clear"),
        _ => Some("this is no web address"),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Asks once. `secret` is what the form holds beside the client's own secret; both are taken out of the server's words.
pub(super) fn ask(
    name: &str,
    client: &Client,
    form: &[(&str, &str)],
    secret: &str,
) -> Result<Reply, OAuthError> {
    let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| OAuthError::Unreachable {
        name: name.to_owned(),
        server: server_of(&client.token_url),
        source,
    };
    let mut pairs = form.to_vec();
    pairs.push(("client_id", &client.client_id));
    pairs.extend(
        client
            .client_secret
            .as_deref()
            .map(|text| ("client_secret", text)),
    );
    pairs.extend(client.scope.as_deref().map(|text| ("scope", text)));
    let (status, body) = post(client, &encoded(&pairs)).map_err(unreachable)?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    match (status, reply_of(&answer)) {
        (200, Some(reply)) => Ok(reply),
        // The server's own trouble, which passes.
        (429 | 500.., _) => Err(unreachable(format!("it answers with status {status}").into())),
        (200, None) => Err(unreachable("its answer holds no bearer token".into())),
        _ => {
            let secrets = [Some(secret), client.client_secret.as_deref()];
            Err(OAuthError::Refused {
                name: name.to_owned(),
                server: server_of(&client.token_url),
                answer: words_of(status, &answer, secrets.into_iter().flatten()),
                remedy: remedy(answer["error"].as_str().unwrap_or_default()),
            })
        }
    }
}

fn post(client: &Client, form: &str) -> Result<(u16, Vec<u8>), Box<dyn std::error::Error + Send + Sync>> {
    // OpenSSL 3 refuses TLS older than 1.2 by its own security level.
    let mut request = RequestBuilder::try_new(Method::POST, &client.token_url)?
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(WHOLE_TIMEOUT)
        .timeout(WHOLE_TIMEOUT)
        .follow_redirects(false)
        .try_header(CONTENT_TYPE, "application/x-www-form-urlencoded")?
        .try_header(ACCEPT, "application/json")?;
    if request.inspect().url().scheme() == "http" {
        request = request.proxy_settings(ProxySettings::builder().build());
    }
    for pem in tls::pem_authorities(client.ca_file.as_deref())? {
        request = request.add_root_certificate(native_tls::Certificate::from_pem(pem.as_bytes())?);
    }
    let (status, _, reader) = request.bytes(form.as_bytes()).send()?.split();
    let mut body = Vec::new();
    reader.take(ANSWER_BYTES_MAX).read_to_end(&mut body)?;
    Ok((status.as_u16(), body))
}

/// The members of RFC 6749 §5.1; `None` where there is no bearer token among them. Some servers write the seconds as text.
pub(super) fn reply_of(answer: &Value) -> Option<Reply> {
    let text = |member: &str| {
        answer[member]
            .as_str()
            .map(str::to_owned)
            .filter(|text| !text.is_empty())
    };
    let is_bearer = text("token_type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    let seconds = &answer["expires_in"];
    let seconds = seconds
        .as_f64()
        .or_else(|| seconds.as_str()?.trim().parse().ok())
        .map(|seconds| seconds as i64)
        .filter(|seconds| *seconds > 0);
    Some(Reply {
        access_token: text("access_token").filter(|token| is_bearer && is_one_word(token))?,
        expires_in: seconds.map(|seconds| SignedDuration::from_secs(seconds.min(LIFE_SECONDS_MAX))),
        refresh_token: text("refresh_token"),
    })
}

/// Whether it can stand in a line that is sent to a mail server (RFC 6750 §2.1 allows less still).
pub(super) fn is_one_word(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The server's own words, on one line, short, and without what we sent it.
fn words_of<'a>(status: u16, answer: &Value, secrets: impl Iterator<Item = &'a str>) -> String {
    let member = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    let mut words = format!("{} {}", member("error"), member("error_description"));
    for secret in secrets.filter(|secret| secret.len() > 3) {
        let sent = form_value(secret);
        for spelling in [
            secret,
            &sent,
            &sent.replace('+', "%20"),
            &sent.to_ascii_lowercase(),
        ] {
            words = words.replace(spelling, "[…]");
        }
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        return format!("status {status}");
    }
    words.chars().take(WORDS_MAX).collect()
}

/// What to do about an error code of RFC 6749 §5.2.
fn remedy(code: &str) -> &'static str {
    match code {
        "invalid_grant" => {
            "the consent was withdrawn or has run out: give it again, and put the new refresh token in the place of the \
             one that `refresh_token` names"
        }
        "invalid_client" | "unauthorized_client" => {
            "check `client_id` and `client_secret`; a secret may have run out at the provider"
        }
        "invalid_scope" => "check `scope`",
        "unsupported_grant_type" => "check `kind` and `token_url`",
        _ => "check `token_url`, `client_id`, `client_secret` and `scope`",
    }
}

fn server_of(url: &str) -> String {
    RequestBuilder::try_new(Method::POST, url)
        .ok()
        .and_then(|mut request| Some(request.inspect().url().host_str()?.to_owned()))
        .unwrap_or_else(|| "the token server".to_owned())
}

/// `application/x-www-form-urlencoded` (RFC 6749 appendix B).
fn encoded(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(&form_value(value));
    }
    text
}

fn form_value(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => text.push(byte.into()),
            b' ' => text.push('+'),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for url in [
            "https://login.exemplu.test/token",
            "http://localhost:8080/token",
            "http://127.0.0.1/token",
            "http://[::1]:81/t",
        ] {
            assert_eq!(why_no_token_url(url), None, "{url}");
        }
        for (url, why) in [
            ("http://login.exemplu.test/token", "in clear"),
            ("http://127.0.0.1.exemplu.test/", "in clear"),
            ("https://user:pw@login.exemplu.test/", "has no place"),
            ("file:///etc/passwd", "no web address"),
            ("token", "no web address"),
            ("", "no web address"),
        ] {
            assert!(
                why_no_token_url(url).is_some_and(|said| said.contains(why)),
                "{url}"
            );
        }
    }

    #[test]
    fn answers_are_read_as_servers_write_them() {
        let read = |answer: Value| reply_of(&answer).map(|reply| (reply.access_token, reply.expires_in));
        let life = |seconds| Some(SignedDuration::from_secs(seconds));
        assert_eq!(
            read(json!({"access_token": "t", "token_type": "Bearer", "expires_in": 3599})),
            Some(("t".into(), life(3599)))
        );
        assert_eq!(
            read(json!({"access_token": "t", "expires_in": "3599"})),
            Some(("t".into(), life(3599)))
        );
        for seconds in [json!(0), json!(-5), json!("soon"), json!(null)] {
            assert_eq!(
                read(json!({"access_token": "t", "expires_in": seconds})),
                Some(("t".into(), None))
            );
        }
        let endless = read(json!({"access_token": "t", "expires_in": 1e300}));
        assert_eq!(endless, Some(("t".into(), life(LIFE_SECONDS_MAX))));
        for none in [
            json!({}),
            json!([]),
            json!(null),
            json!({"access_token": ""}),
            json!({"access_token": "a\r\nb"}),
            json!({"access_token": "t", "token_type": "mac"}),
        ] {
            assert_eq!(read(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn what_we_sent_never_comes_back_in_words() {
        let answer = json!({"error": "invalid_grant", "error_description": "Token 1//taina42\nis  bad"});
        assert_eq!(
            words_of(400, &answer, ["1//taina42"].into_iter()),
            "invalid_grant Token […] is bad"
        );
        let echo = json!({"error": "invalid_grant", "error_description": "got refresh_token=1%2F%2Ftaina42"});
        assert_eq!(
            words_of(400, &echo, ["1//taina42"].into_iter()),
            "invalid_grant got refresh_token=[…]"
        );
        assert_eq!(words_of(403, &json!("x"), ["secret"].into_iter()), "status 403");
    }

    #[test]
    fn forms_are_encoded() {
        assert_eq!(
            encoded(&[("a", "1//x y+&=ș"), ("b", "")]),
            "a=1%2F%2Fx+y%2B%26%3D%C8%99&b="
        );
    }
}
