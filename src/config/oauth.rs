//! `[[oauth]]`: where access tokens come from, and who uses them with `oauth = "name"` in the place of a password.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;

use super::places::{ca_file, is_name, kind};
use super::reader::Section;
use super::secret::{self, Credentials};
use crate::edge::oauth::{Access, Client, Grant, Proof, why_no_token_url};

/// All sections by their names; one that is faulty is there by its name alone, so that whoever refers to it is no
/// second problem.
pub(super) struct Issuers {
    by_name: BTreeMap<String, Option<Arc<Access>>>,
}

impl Issuers {
    /// Those that can be used, in the order of their names.
    pub(super) fn into_list(self) -> Vec<Arc<Access>> {
        self.by_name.into_values().flatten().collect()
    }
}

/// Reads all sections. A refresh token that a server replaces is kept in a folder below `storage_dir`.
pub(super) fn read(
    root: &Section<'_, '_>,
    credentials: Credentials<'_>,
    storage_dir: Option<&Path>,
) -> Issuers {
    let mut by_name: BTreeMap<String, Option<Arc<Access>>> = BTreeMap::new();
    for section in root.sections("oauth") {
        let name = section.text(
            "name",
            "a short name for `oauth = …` below, for example \"google\"",
        );
        if let Some(name) = &name {
            if !is_name(name) {
                section.wrong(
                    "name",
                    "a name has only letters without diacritics, digits, - and _",
                    "for example \"google\"",
                );
            }
            if by_name.contains_key(name) {
                section.wrong(
                    "name",
                    "this name is used twice",
                    "give every [[oauth]] a name of its own",
                );
            }
        }
        let grant = grant(&section, credentials);
        section.finish();
        if let Some(name) = name {
            let access = grant.zip(storage_dir).map(|(grant, dir)| {
                let folder = dir.join("oauth");
                Arc::new(Access::new(name.clone(), grant, folder))
            });
            by_name.insert(name, access);
        }
    }
    Issuers { by_name }
}

fn grant(section: &Section<'_, '_>, credentials: Credentials<'_>) -> Option<Grant> {
    #[derive(Clone, Copy)]
    enum Word {
        RefreshToken,
        ClientCredentials,
        Command,
    }
    const HINT: &str =
        "write \"refresh-token\" (Google), \"client-credentials\" (Microsoft 365) or \"command\"";
    let words = [
        ("refresh-token", Word::RefreshToken),
        ("client-credentials", Word::ClientCredentials),
        ("command", Word::Command),
    ];
    match kind(section, "this kind of token is not known", HINT, &words)? {
        Word::RefreshToken => {
            let secret = section
                .has("client_secret")
                .then(|| secret::read(section, "client_secret", credentials));
            let refresh_token = secret::read(section, "refresh_token", credentials);
            // One that is there and cannot be read is told already.
            let client_secret = match secret {
                Some(None) => None,
                Some(Some(secret)) => Some(Some(secret.reveal().to_owned())),
                None => Some(None),
            };
            let scope = section.text_opt("scope");
            Some(Grant::RefreshToken {
                client: client(section, client_secret, scope)?,
                refresh_token: refresh_token?.reveal().to_owned(),
            })
        }
        Word::ClientCredentials => {
            let secret = secret::read(section, "client_secret", credentials);
            let scope = section.text(
                "scope",
                "for Microsoft 365: \"https://outlook.office365.com/.default\"",
            );
            let client_secret = secret.map(|secret| Some(secret.reveal().to_owned()));
            let is_whole = scope.is_some();
            let client = client(section, client_secret, scope)?;
            is_whole.then_some(Grant::ClientCredentials { client })
        }
        Word::Command => command(section),
    }
}

/// What both ways to a token server have. The outer `None` of the secret is a problem that was told.
fn client(
    section: &Section<'_, '_>,
    client_secret: Option<Option<String>>,
    scope: Option<String>,
) -> Option<Client> {
    const HINT: &str = "the provider's address for tokens, https://…; http:// only to this machine itself";
    let token_url = section.text("token_url", HINT);
    if let Some(why) = token_url.as_deref().and_then(why_no_token_url) {
        section.wrong("token_url", why, HINT);
    }
    let client_id = section.text(
        "client_id",
        "the name under which the provider knows this program",
    );
    let ca_file = ca_file(section);
    Some(Client {
        token_url: token_url?,
        client_id: client_id?,
        client_secret: client_secret?,
        scope,
        ca_file,
    })
}

fn command(section: &Section<'_, '_>) -> Option<Grant> {
    const HINT: &str =
        "the program with its whole path and its arguments: [\"/usr/local/bin/token\", \"--account\", \"x\"]";
    let argv = section.texts("command");
    let limit = section.integer("timeout_seconds", 30, 1..=120);
    match argv.first() {
        // A value of another kind is told by the reader.
        None if section.is_no_list("command") => return None,
        None => {
            section.wrong("command", "there is no program", HINT);
            return None;
        }
        Some(program) if !program.starts_with('/') => {
            section.wrong("command", "the program is not named by its whole path", HINT);
            return None;
        }
        Some(_) => {}
    }
    Some(Grant::Command {
        argv,
        limit: SignedDuration::from_secs(i64::try_from(limit).unwrap_or(i64::MAX)),
    })
}

/// What the user of `section` shows: `password`, or the token of the `[[oauth]]` that `oauth` names; exactly one of them.
pub(super) fn proof(
    section: &Section<'_, '_>,
    credentials: Credentials<'_>,
    issuers: &Issuers,
) -> Option<Proof> {
    if !section.has("oauth") {
        let password = secret::read(section, "password", credentials)?;
        return Some(Proof::Password(password.reveal().to_owned()));
    }
    let name = section.text("oauth", "the `name` of an [[oauth]]");
    if section.has("password") {
        section.wrong_unshown(
            "password",
            "there are both a password and `oauth`",
            "remove the one that does not hold",
        );
        return None;
    }
    match issuers.by_name.get(&name?) {
        Some(access) => access.clone().map(Proof::Token),
        None => {
            section.wrong(
                "oauth",
                "there is no [[oauth]] with this name",
                "use the `name` of an [[oauth]]",
            );
            None
        }
    }
}
