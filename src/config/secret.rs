//! Passwords: read from a file of their own or from a systemd credential, never from the configuration itself.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::reader::Section;

/// A password that nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The password itself, for the one call that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What stands behind `{ credential = "name" }`.
#[derive(Clone, Copy)]
pub(super) enum Credentials<'a> {
    /// systemd's `$CREDENTIALS_DIRECTORY`.
    Folder(&'a Path),
    /// Nothing: that is a problem of the configuration here.
    Missing,
    /// Nothing, and nobody will use the password; the names are noted here.
    NotNeeded(&'a RefCell<Vec<String>>),
}

const HINT: &str = "write { file = \"path\" } for a file that only recipisa can read, or { credential = \"name\" } \
                    for a LoadCredential= of the systemd unit";

/// Reads `key = { file = … }` or `{ credential = … }`.
pub(super) fn read(section: &Section<'_, '_>, key: &str, credentials: Credentials<'_>) -> Option<Secret> {
    if !section.has(key) {
        section.wrong(key, "this key is missing", HINT);
        return None;
    }
    if section.is_no_table(key) {
        section.wrong_unshown(key, "a password does not stand in the configuration itself", HINT);
        return None;
    }
    let place = section.section(key)?;
    let both_or_none = place.has("file") == place.has("credential");
    let file = place.path_opt("file");
    let credential = place.text_opt("credential");
    place.finish();
    let path = match (file, credential) {
        (Some(file), None) => file,
        (None, Some(name)) => match place_of(section, key, &name, credentials)? {
            Place::File(path) => path,
            Place::Nowhere => return Some(Secret(String::new())),
        },
        (Some(_), Some(_)) | (None, None) => {
            if !both_or_none {
                return None;
            }
            section.wrong(key, "exactly one of `file` and `credential` is needed", HINT);
            return None;
        }
    };
    read_file(section, key, &path)
}

/// Where a credential is.
enum Place {
    File(PathBuf),
    /// Not here, and not needed.
    Nowhere,
}

fn place_of(section: &Section<'_, '_>, key: &str, name: &str, credentials: Credentials<'_>) -> Option<Place> {
    if name.is_empty() || name.starts_with('.') || name.contains('/') {
        section.wrong(
            key,
            "this is no name of a systemd credential",
            "write the name alone, without a path",
        );
        return None;
    }
    match credentials {
        Credentials::Folder(folder) => return Some(Place::File(folder.join(name))),
        Credentials::NotNeeded(names) => {
            names.borrow_mut().push(name.to_owned());
            return Some(Place::Nowhere);
        }
        Credentials::Missing => {}
    }
    section.wrong(
        key,
        "there are no systemd credentials here ($CREDENTIALS_DIRECTORY is not set)",
        format!("start recipisa by its unit with LoadCredential={name}:…, or use {{ file = \"…\" }}"),
    );
    None
}

fn read_file(section: &Section<'_, '_>, key: &str, path: &Path) -> Option<Secret> {
    let shown = path.display();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            section.wrong(
                key,
                format!("{shown} cannot be read: {error}"),
                "make the file, and let recipisa's user read it",
            );
            return None;
        }
    };
    let open_to_others = fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0);
    if open_to_others {
        section.wrong(
            key,
            format!("{shown} can be read by everybody on this machine"),
            format!("chmod 0600 {shown}"),
        );
        return None;
    }
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        section.wrong(
            key,
            format!("{shown} is empty"),
            "write the password into it, on one line",
        );
        return None;
    }
    Some(Secret(secret.to_owned()))
}
