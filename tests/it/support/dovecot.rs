//! An own instance of Dovecot: the agency's IMAP server, the citizens' mailboxes, and the judge of
//! passwords for Postfix.
//!
//! Mails go in and are read back as Maildir files, so that a test does not depend on the IMAP client
//! it tests. Left out: Dovecot 2.4 (another configuration language).

use std::fs;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::ca::TestCa;
use super::process::{Group, Process};
use super::tools::{PATIENCE, free_port, make_dir, poll, port_is_free, run, tool, wait_until, write};

/// The user that the mails belong to; no account of this number need exist.
const MAIL_UID: u32 = 5000;

const PACKAGES: &str = "dovecot-imapd dovecot-lmtpd";

/// Those who have a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// The agency's first office.
    Amt,
    /// The agency's second office.
    Dej,
    /// A person; `citizen+anything@citizen.test` is the same mailbox.
    Citizen,
}

impl User {
    pub(crate) const ALL: [Self; 3] = [Self::Amt, Self::Dej, Self::Citizen];

    /// The name to log in with.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Amt => "amt",
            Self::Dej => "dej",
            Self::Citizen => "citizen",
        }
    }

    /// The password.
    pub(crate) fn password(self) -> &'static str {
        match self {
            Self::Amt => "secret-amt",
            Self::Dej => "secret-dej",
            Self::Citizen => "secret-cit",
        }
    }

    /// The e-mail address.
    pub(crate) fn address(self) -> &'static str {
        match self {
            Self::Amt => "amt@amt.test",
            Self::Dej => "dej@amt.test",
            Self::Citizen => "citizen@citizen.test",
        }
    }
}

/// What the IMAP server says it can do. Hidden commands still work: what counts is what a client
/// that believes the server would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// All that Dovecot has.
    Everything,
    /// This list instead, such as `IMAP4rev1 IDLE NAMESPACE` for a server without MOVE and UIDPLUS.
    Only(&'static str),
}

/// How an instance differs from the usual one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habit {
    pub(crate) offer: Offer,
    /// Before the names of a person's folders, such as `INBOX.`
    pub(crate) prefix: &'static str,
    /// Between the levels of a name.
    pub(crate) separator: char,
    /// Connections of one person at a time.
    pub(crate) connections_max: u32,
    /// What a mailbox may hold, in KiB; 0 is without end.
    pub(crate) quota_kib: u32,
}

impl Default for Habit {
    fn default() -> Self {
        Self {
            offer: Offer::Everything,
            prefix: "",
            separator: '.',
            connections_max: 100,
            quota_kib: 0,
        }
    }
}

/// Who says whether an access token is good.
pub(crate) struct Tokens {
    pub(crate) introspection_url: String,
    /// As Dovecot writes them: `oauthbearer xoauth2`.
    pub(crate) mechanisms: &'static str,
}

/// Where the instance listens, all on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    /// IMAP with STARTTLS.
    pub(crate) imap: u16,
    /// IMAP over TLS.
    pub(crate) imaps: u16,
    /// LMTP, for Postfix.
    pub(crate) lmtp: u16,
    /// Dovecot's authentication protocol, for Postfix.
    pub(crate) auth: u16,
}

/// A mail as it lies in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The Maildir flags, such as `S` (seen), `R` (answered), `T` (deleted), or nothing.
    pub(crate) flags: String,
    /// The file's time: what IMAP calls INTERNALDATE.
    pub(crate) received: SystemTime,
    /// The whole mail, with the line ends it was stored with.
    pub(crate) bytes: Vec<u8>,
}

/// A Dovecot of its own.
pub(crate) struct Dovecot {
    dir: PathBuf,
    /// Where it listens; the same after a restart.
    pub(crate) ports: Ports,
    process: Option<Process>,
}

impl Dovecot {
    /// Writes a configuration into the folder and starts; ready when it greets.
    pub(crate) fn start(dir: &Path, ca: &TestCa, offer: Offer) -> Self {
        let habit = Habit {
            offer,
            ..Habit::default()
        };
        Self::start_as(dir, ca, habit, None)
    }

    /// The same with habits of its own; with `tokens` it takes access tokens as well as passwords.
    pub(crate) fn start_as(dir: &Path, ca: &TestCa, habit: Habit, tokens: Option<&Tokens>) -> Self {
        for part in ["", "etc", "run", "state", "mail", "log"] {
            make_dir(&dir.join(part));
        }
        // Dovecot looks the names of users up in this file, for passwords and for homes.
        let users: Vec<String> = User::ALL
            .iter()
            .map(|user| {
                let home = dir.join("mail").join(user.name());
                let (name, password) = (user.name(), user.password());
                format!(
                    "{name}:{{PLAIN}}{password}:{MAIL_UID}:{MAIL_UID}::{}::\n",
                    home.display()
                )
            })
            .collect();
        write(&dir.join("etc/users"), &users.concat());
        own(&dir.join("mail"));
        let ports = Ports {
            imap: free_port(),
            imaps: free_port(),
            lmtp: free_port(),
            auth: free_port(),
        };
        write(
            &dir.join("etc/dovecot.conf"),
            &configuration(dir, ca, habit, ports, tokens),
        );
        if let Some(tokens) = tokens {
            let url = &tokens.introspection_url;
            let text = format!(
                "introspection_mode = post\nintrospection_url = {url}\nusername_attribute = username\n\
                 active_attribute = active\nactive_value = true\n"
            );
            write(&dir.join("etc/oauth2.conf.ext"), &text);
        }
        let mut dovecot = Self {
            dir: dir.to_owned(),
            ports,
            process: None,
        };
        for user in User::ALL {
            make_maildir(&dovecot.maildir(user, "INBOX"));
            own(&dovecot.dir.join("mail").join(user.name()));
        }
        dovecot.start_again();
        dovecot
    }

    /// Starts with the same configuration, mails and ports as before.
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        let ports = [
            self.ports.imap,
            self.ports.imaps,
            self.ports.lmtp,
            self.ports.auth,
        ];
        wait_until("Dovecot's ports to be free", PATIENCE, || {
            ports.iter().all(|port| port_is_free(*port)).then_some(())
        });
        // The server is one package, each protocol another.
        for program in ["imap", "lmtp"] {
            tool(program, PACKAGES);
        }
        let mut command = Command::new(tool("dovecot", PACKAGES));
        // IMAP shows times in the server's zone: the same on every machine.
        command
            .env("TZ", "UTC")
            .arg("-F")
            .arg("-c")
            .arg(self.dir.join("etc/dovecot.conf"));
        let mut process = Process::start(command, Group::Ours, &self.dir.join("log"), "dovecot");
        let ready = poll(PATIENCE, || {
            if let Some(status) = process.ended() {
                panic!("Dovecot ended with {status}:\n{}{}", process.stderr(), self.log());
            }
            greets(self.ports.imap, b"* OK").then_some(())
        });
        assert!(ready.is_some(), "Dovecot does not greet:\n{}", self.log());
        self.process = Some(process);
    }

    /// Kills the server and every session at once, as when the machine's plug is pulled.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// Down and up again.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start_again();
    }

    /// Puts a mail into the user's INBOX with this time of arrival, without any mail server.
    pub(crate) fn deliver(&self, user: User, mail: &[u8], received: SystemTime) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let maildir = self.maildir(user, "INBOX");
        let seconds = received
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let name = format!(
            "{seconds}.M{:06}P{}.exemplu",
            NEXT.fetch_add(1, Ordering::Relaxed),
            std::process::id()
        );
        let draft = maildir.join("tmp").join(&name);
        fs::write(&draft, mail).expect("the mailbox was made at the start");
        own(&draft);
        let file = fs::File::options()
            .append(true)
            .open(&draft)
            .expect("it was just written");
        file.set_modified(received).expect("the file is ours");
        fs::rename(&draft, maildir.join("new").join(&name)).expect("both folders were made at the start");
    }

    /// The mails in a mailbox, in the order of their arrival; none where there is no such mailbox.
    pub(crate) fn mails(&self, user: User, mailbox: &str) -> Vec<Stored> {
        let maildir = self.maildir(user, mailbox);
        // The server moves files from new to cur and renames them for their flags: look again then.
        poll(PATIENCE, || read_maildir(&maildir))
            .unwrap_or_else(|| panic!("{} does not hold still", maildir.display()))
    }

    /// Waits until the mailbox holds at least so many mails, and returns them all.
    #[track_caller]
    pub(crate) fn wait_for_mails(&self, user: User, mailbox: &str, count: usize) -> Vec<Stored> {
        wait_until(
            &format!("{count} mails for {} in {mailbox}", user.name()),
            PATIENCE,
            || {
                let mails = self.mails(user, mailbox);
                (mails.len() >= count).then_some(mails)
            },
        )
    }

    /// Runs doveadm on this instance; panics where it fails.
    #[track_caller]
    pub(crate) fn doveadm(&self, args: &[&str]) -> String {
        let conf = self.dir.join("etc/dovecot.conf");
        run(Command::new(tool("doveadm", PACKAGES))
            .arg("-c")
            .arg(conf)
            .args(args))
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log/dovecot.log")).unwrap_or_default()).into_owned()
    }

    /// The folder of a mailbox; `INBOX`, or a name in modified UTF-7 without the prefix.
    pub(crate) fn maildir(&self, user: User, mailbox: &str) -> PathBuf {
        let inbox = self.dir.join("mail").join(user.name()).join("Maildir");
        if mailbox == "INBOX" {
            inbox
        } else {
            inbox.join(format!(".{mailbox}"))
        }
    }
}

/// Whether a server on the port begins with these bytes.
pub(crate) fn greets(port: u16, greeting: &[u8]) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let mut begin = vec![0; greeting.len()];
    stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
        && stream.read_exact(&mut begin).is_ok()
        && begin == greeting
}

fn make_maildir(maildir: &Path) {
    for part in ["cur", "new", "tmp"] {
        make_dir(&maildir.join(part));
        own(&maildir.join(part));
    }
    own(maildir);
}

fn own(path: &Path) {
    chown(path, Some(MAIL_UID), Some(MAIL_UID)).unwrap_or_else(|error| {
        panic!(
            "{}: {error} (the tests with real servers run as root)",
            path.display()
        )
    });
}

/// `None` where a file went away between listing and reading.
fn read_maildir(maildir: &Path) -> Option<Vec<Stored>> {
    let mut mails = Vec::new();
    for part in ["new", "cur"] {
        let entries = match fs::read_dir(maildir.join(part)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Some(Vec::new()),
            Err(error) => panic!("{}: {error}", maildir.display()),
        };
        for entry in entries {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_string_lossy().into_owned();
            let (unique, flags) = name.split_once(":2,").unwrap_or((&name, ""));
            let received = fs::metadata(&path).ok()?.modified().ok()?;
            let bytes = fs::read(&path).ok()?;
            mails.push((
                (received, unique.to_owned()),
                Stored {
                    flags: flags.to_owned(),
                    received,
                    bytes,
                },
            ));
        }
    }
    mails.sort_by(|one, other| one.0.cmp(&other.0));
    // New comes first: a mail that the server moved in between is then seen twice and not missed.
    mails.dedup_by(|one, other| one.0.1 == other.0.1);
    Some(mails.into_iter().map(|(_, mail)| mail).collect())
}

fn configuration(dir: &Path, ca: &TestCa, habit: Habit, ports: Ports, tokens: Option<&Tokens>) -> String {
    let dir = dir.display();
    let certificate = ca.server.certificate.display();
    let key = ca.server.key.display();
    let name = ports.imap;
    let services = services(habit, ports);
    let Habit {
        prefix, separator, ..
    } = habit;
    let mechanisms = tokens.map_or("", |tokens| tokens.mechanisms);
    let by_token = match mechanisms {
        "" => String::new(),
        _ => format!(
            "passdb {{\n  driver = oauth2\n  mechanisms = {mechanisms}\n  args = {dir}/etc/oauth2.conf.ext\n}}\n"
        ),
    };
    format!(
        "base_dir = {dir}/run
state_dir = {dir}/state
instance_name = test-{name}
protocols = imap lmtp
listen = 127.0.0.1
log_path = {dir}/log/dovecot.log
auth_verbose = yes
auth_failure_delay = 0
default_vsz_limit = 0
shutdown_clients = yes
verbose_proctitle = no
mail_location = maildir:~/Maildir
mail_uid = {MAIL_UID}
mail_gid = {MAIL_UID}
first_valid_uid = 1
last_valid_uid = 0
first_valid_gid = 0
mail_privileged_group =
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = {separator}
}}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_dh =
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = yes
auth_mechanisms = plain login {mechanisms}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {dir}/etc/users
}}
{by_token}userdb {{
  driver = passwd-file
  args = username_format=%n {dir}/etc/users
}}
postmaster_address = postmaster@amt.test
{services}"
    )
}

fn services(habit: Habit, ports: Ports) -> String {
    let capability = match habit.offer {
        Offer::Everything => String::new(),
        Offer::Only(list) => format!("imap_capability = {list}"),
    };
    let connections = habit.connections_max;
    let quota = match habit.quota_kib {
        0 => String::new(),
        kib => format!(
            "mail_plugins = quota\nplugin {{\n  quota = maildir:User quota\n  quota_rule = *:storage={kib}K\n}}\n"
        ),
    };
    let Ports {
        imap,
        imaps,
        lmtp,
        auth,
    } = ports;
    format!(
        "{quota}service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    port = {auth}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
protocol imap {{
  mail_max_userip_connections = {connections}
  {capability}
}}
protocol lmtp {{
  auth_username_format = %n
}}
"
    )
}
