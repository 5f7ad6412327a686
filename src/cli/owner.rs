//! Who may work on the registry: its owner, so that no file in it gets another one.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::cli::Failure;
use crate::config::Settings;

/// Refuses when the storage folder that the configuration names is there and belongs to another user than ours. Root
/// could read and write everything, and would leave files behind that the service cannot open.
pub(super) fn refuse_others(config: &Path) -> Result<(), Failure> {
    let Some(dir) = Settings::storage_dir_of(config) else {
        return Ok(());
    };
    // A folder that is not there, or cannot be looked at, is told of where it is opened.
    let Ok(metadata) = fs::metadata(&dir) else {
        return Ok(());
    };
    let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner == own {
        return Ok(());
    }
    let passwd = passwd();
    Err(Failure::Said(format!(
        "the registry in {} belongs to the user {}, and this is {}; run the command as its owner, so that no file in it \
         gets another one:\n    {}",
        dir.display(),
        spelled(&passwd, owner),
        spelled(&passwd, own),
        same_command(&passwd, owner)
    )))
}

/// Refuses a restore whose registry would become root's by mistake. A folder that is missing, or empty and root's, tells
/// nothing about the service's user, and the backup does: only the owner of a registry can have made it. To another
/// user than root, the empty folder that root made is explained.
pub(super) fn refuse_for_restore(config: &Path, backup: &Path) -> Result<(), Failure> {
    let Some(dir) = Settings::storage_dir_of(config) else {
        return Ok(());
    };
    let is_blank = match fs::metadata(&dir) {
        Ok(metadata) => {
            metadata.uid() == 0 && fs::read_dir(&dir).is_ok_and(|mut inside| inside.next().is_none())
        }
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    let own = rustix::process::geteuid().as_raw();
    let (owner, group) = match fs::metadata(backup) {
        Ok(metadata) if own == 0 => (metadata.uid(), metadata.gid()),
        // A missing folder is made with our own rights.
        Ok(_) if dir.exists() => (own, rustix::process::getegid().as_raw()),
        // A backup that is not there is told of where it is opened.
        Ok(_) | Err(_) => return Ok(()),
    };
    if !is_blank || owner == 0 {
        return Ok(());
    }
    let passwd = passwd();
    Err(Failure::Said(format!(
        "the registry would come into {0}, which is root's or not there, and is to belong to the user {1}; make the folder \
         for that user, then restore as that user:\n    sudo install -d -m 0700 -o {owner} -g {group} {2}\n    {3}",
        dir.display(),
        spelled(&passwd, owner),
        quoted(&dir.to_string_lossy()),
        same_command(&passwd, owner)
    )))
}

/// Whether a folder belongs to root.
pub(super) fn is_of_root(dir: &Path) -> bool {
    fs::metadata(dir).is_ok_and(|metadata| metadata.uid() == 0)
}

/// The users of this machine.
fn passwd() -> String {
    fs::read_to_string("/etc/passwd").unwrap_or_default()
}

/// The command that is running, as this user would call it.
fn same_command(passwd: &str, owner: u32) -> String {
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let chosen = std::env::var("RECIPISA_CONFIG").ok();
    command(passwd, owner, chosen.as_deref(), &arguments)
}

/// `recipisa (uid 990)`, or the number alone for a user without a name.
fn spelled(passwd: &str, uid: u32) -> String {
    match name_of(passwd, uid) {
        Some(name) => format!("{name} (uid {uid})"),
        None => format!("with uid {uid}"),
    }
}

/// The name of a user in the form of `/etc/passwd`. A user of a directory service has none there; `sudo` takes the
/// number as well.
fn name_of(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then_some(name)
    })
}

/// The same command, as its owner would call it. `sudo` takes the environment away, so the configuration that was
/// chosen there is chosen again.
fn command(passwd: &str, owner: u32, config: Option<&str>, arguments: &[String]) -> String {
    let user = name_of(passwd, owner).map_or_else(|| format!("'#{owner}'"), quoted);
    let mut words = vec!["sudo".to_owned(), "-u".to_owned(), user];
    if let Some(config) = config {
        words.extend(["env".to_owned(), quoted(&format!("RECIPISA_CONFIG={config}"))]);
    }
    words.extend(arguments.iter().map(|argument| quoted(argument)));
    words.join(" ")
}

/// A word as a POSIX shell reads it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./=:,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\nrecipisa:x:990:985::/var/lib/recipisa:/usr/sbin/nologin\n";

    #[test]
    fn users_are_named_where_they_have_a_name() {
        assert_eq!(spelled(PASSWD, 990), "recipisa (uid 990)");
        assert_eq!(spelled(PASSWD, 985), "with uid 985");
    }

    #[test]
    fn the_command_is_repeated_for_a_shell() {
        let arguments = [
            "recipisa",
            "held",
            "discard",
            "2",
            "--reason",
            "n-are rost, d'oh",
            "",
        ]
        .map(str::to_owned);
        assert_eq!(
            command(PASSWD, 990, None, &arguments),
            r"sudo -u recipisa recipisa held discard 2 --reason 'n-are rost, d'\''oh' ''"
        );
        assert_eq!(
            command(PASSWD, 4_000, Some("/etc/o dată.toml"), &arguments[..2]),
            "sudo -u '#4000' env 'RECIPISA_CONFIG=/etc/o dată.toml' recipisa held"
        );
    }
}
