//! A provider of access tokens: the token endpoint that our program asks (RFC 6749), in clear or over TLS, and the
//! introspection that Dovecot asks (RFC 7662) whether a token is good.
//!
//! It knows one refresh token and one client secret, and notes every form that it gets. What a token is good for is
//! decided by [`Issuer::accept`] and [`Issuer::revoke_all`]. Left out: a person's consent.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use serde_json::{Value, json};

use super::ca::ServerCertificate;
use super::tools::free_port;

/// The client's secret, and the first refresh token.
pub(crate) const CLIENT_SECRET: &str = "client-secret-7Q";
pub(crate) const REFRESH_TOKEN: &str = "1//refresh-zero";

/// A form as it was sent.
pub(crate) type Form = BTreeMap<String, String>;

/// How it behaves; may be changed at any time.
pub(crate) struct Manner {
    /// Seconds that a token lasts by its own word; `None` says nothing.
    pub(crate) life: Option<i64>,
    /// Each use of the refresh token makes a new one, and the old one void.
    pub(crate) rotates: bool,
    /// Every question gets this status and body instead.
    pub(crate) refuses: Option<(u16, Value)>,
    /// Whom all tokens stand for, by the word of the introspection.
    pub(crate) user: &'static str,
}

struct State {
    manner: Manner,
    refresh_token: String,
    good: BTreeSet<String>,
    given: usize,
    asked: Vec<Form>,
}

/// A provider, until the test ends.
pub(crate) struct Issuer {
    port: u16,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
}

impl Issuer {
    /// In clear, for this machine; tokens last an hour and stand for `user`.
    pub(crate) fn start(user: &'static str) -> Self {
        Self::listen(user, None)
    }

    /// Over TLS.
    pub(crate) fn over_tls(user: &'static str, certificate: &ServerCertificate) -> Self {
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
        acceptor
            .set_private_key_file(&certificate.key, SslFiletype::PEM)
            .unwrap();
        acceptor
            .set_certificate_chain_file(&certificate.certificate)
            .unwrap();
        Self::listen(user, Some(acceptor.build()))
    }

    fn listen(user: &'static str, tls: Option<SslAcceptor>) -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let state = Arc::new(Mutex::new(State {
            manner: Manner {
                life: Some(3_600),
                rotates: false,
                refuses: None,
                user,
            },
            refresh_token: REFRESH_TOKEN.to_owned(),
            good: BTreeSet::new(),
            given: 0,
            asked: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let scheme = if tls.is_some() { "https" } else { "http" };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                thread::spawn(move || talk(stream, tls.as_ref(), &state));
            }
        });
        Self { port, scheme, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where tokens are asked for.
    pub(crate) fn token_url(&self) -> String {
        format!("{}://localhost:{}/token", self.scheme, self.port)
    }

    /// Where Dovecot asks.
    pub(crate) fn introspection_url(&self) -> String {
        format!("http://127.0.0.1:{}/introspect", self.port)
    }

    /// Changes how it behaves.
    pub(crate) fn now(&self, change: impl FnOnce(&mut Manner)) {
        change(&mut self.state().manner);
    }

    /// No token given so far is good any more.
    pub(crate) fn revoke_all(&self) {
        self.state().good.clear();
    }

    /// This token is good, although it was not given here.
    pub(crate) fn accept(&self, token: &str) {
        self.state().good.insert(token.to_owned());
    }

    /// The consent is given anew: this refresh token is the right one.
    pub(crate) fn consent(&self, refresh_token: &str) {
        self.state().refresh_token = refresh_token.to_owned();
    }

    /// All questions for tokens so far.
    pub(crate) fn asked(&self) -> Vec<Form> {
        self.state().asked.clone()
    }
}

fn talk(stream: TcpStream, tls: Option<&SslAcceptor>, state: &Mutex<State>) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok();
    match tls {
        None => answer(stream, state),
        Some(acceptor) => {
            // A client that does not trust us ends here.
            if let Ok(stream) = acceptor.accept(stream) {
                answer(stream, state);
            }
        }
    }
}

fn answer(stream: impl Read + Write, state: &Mutex<State>) {
    let mut stream = BufReader::new(stream);
    let Some((path, form)) = request(&mut stream) else {
        return;
    };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, body) = match path.as_str() {
        "/token" => token(&mut state, form),
        "/introspect" => (200, introspect(&state, &form)),
        _ => (404, json!({})),
    };
    drop(state);
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let stream = stream.get_mut();
    stream.write_all((head + &body).as_bytes()).ok();
    stream.flush().ok();
}

/// The path and the form of a POST.
fn request(stream: &mut impl BufRead) -> Option<(String, Form)> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    Some((
        path,
        pairs
            .map(|(name, value)| (name.to_owned(), decoded(value)))
            .collect(),
    ))
}

fn decoded(value: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), value.as_bytes());
    while let Some((first, later)) = rest.split_first() {
        rest = later;
        match (first, later) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = after;
            }
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn token(state: &mut State, form: Form) -> (u16, Value) {
    state.asked.push(form.clone());
    if let Some(refusal) = &state.manner.refuses {
        return refusal.clone();
    }
    let of = |name: &str| form.get(name).map_or("", String::as_str);
    if of("client_id") != "recipisa" || of("client_secret") != CLIENT_SECRET {
        return (
            401,
            json!({"error": "invalid_client", "error_description": "unknown client"}),
        );
    }
    match of("grant_type") {
        "refresh_token" if of("refresh_token") == state.refresh_token => {}
        "refresh_token" => {
            let description = format!("Token {} has been expired or revoked.", of("refresh_token"));
            return (
                400,
                json!({"error": "invalid_grant", "error_description": description}),
            );
        }
        "client_credentials" if of("scope") == "mail/.default" => {}
        "client_credentials" => return (400, json!({"error": "invalid_scope"})),
        _ => return (400, json!({"error": "unsupported_grant_type"})),
    }
    state.given += 1;
    let token = format!("access-token-{}", state.given);
    state.good.insert(token.clone());
    let mut answer = json!({"access_token": token, "token_type": "Bearer"});
    if let Some(life) = state.manner.life {
        answer["expires_in"] = life.into();
    }
    if state.manner.rotates && of("grant_type") == "refresh_token" {
        state.refresh_token = format!("1//refresh-{}", state.given);
        answer["refresh_token"] = state.refresh_token.as_str().into();
    }
    (200, answer)
}

fn introspect(state: &State, form: &Form) -> Value {
    let is_good = form.get("token").is_some_and(|token| state.good.contains(token));
    if is_good {
        json!({"active": true, "username": state.manner.user, "scope": "mail"})
    } else {
        json!({"active": false})
    }
}
