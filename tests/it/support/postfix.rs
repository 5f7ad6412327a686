//! An own instance of Postfix: takes submissions with a password over TLS, and delivers to Dovecot.
//!
//! Recipients choose their fate by domain: `citizen.test` and `amt.test` are delivered, [`REFUSED`]
//! is refused for good, [`DEFERRED`] for now, [`UNREACHABLE`] is taken and bounces after twenty
//! seconds. Left out: anything that needs DNS.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::ca::TestCa;
use super::dovecot::{Dovecot, Ports as DovecotPorts, greets};
use super::process::{Group, Process};
use super::tools::{PATIENCE, free_port, make_dir, poll, port_is_free, set_mode, tool, wait_until, write};

/// Recipients of this domain get 550 5.1.1.
pub(crate) const REFUSED: &str = "bad.test";
/// Recipients of this domain get 450 4.2.0.
pub(crate) const DEFERRED: &str = "slow.test";
/// Mails to this domain are accepted and cannot be passed on.
pub(crate) const UNREACHABLE: &str = "unreach.test";

/// Where the instance listens, all on 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    /// Mail from other servers, without a password.
    pub(crate) smtp: u16,
    /// Submission: STARTTLS first, then a password.
    pub(crate) submission: u16,
    /// Submission inside TLS.
    pub(crate) smtps: u16,
}

/// A Postfix of its own.
pub(crate) struct Postfix {
    dir: PathBuf,
    /// Where it listens; the same after a restart.
    pub(crate) ports: Ports,
    process: Option<Process>,
}

impl Postfix {
    /// Writes a configuration into the folder and starts; ready when it greets. Users and passwords
    /// are Dovecot's, which must outlive it.
    pub(crate) fn start(dir: &Path, ca: &TestCa, dovecot: &Dovecot) -> Self {
        let ports = Ports {
            smtp: free_port(),
            submission: free_port(),
            smtps: free_port(),
        };
        for part in ["", "etc", "queue", "data", "log"] {
            make_dir(&dir.join(part));
        }
        make_queue(dir);
        for (file, text) in [
            ("main.cf", main_cf(dir, ca, dovecot.ports, ports)),
            ("master.cf", master_cf(ports)),
        ] {
            let path = dir.join("etc").join(file);
            write(&path, &text);
            // Postfix waits seconds for a configuration that is still warm.
            let warm = fs::metadata(&path)
                .and_then(|meta| meta.modified())
                .expect("it was just written");
            let cold = warm
                .checked_sub(Duration::from_secs(60))
                .expect("later than 1970");
            File::options()
                .append(true)
                .open(&path)
                .and_then(|file| file.set_modified(cold))
                .expect("it is ours");
        }
        let mut postfix = Self {
            dir: dir.to_owned(),
            ports,
            process: None,
        };
        postfix.start_again();
        postfix
    }

    /// Starts with the same configuration, queue and ports as before.
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        let ports = [self.ports.smtp, self.ports.submission, self.ports.smtps];
        wait_until("Postfix's ports to be free", PATIENCE, || {
            ports.iter().all(|port| port_is_free(*port)).then_some(())
        });
        // Its own foreground command moves to another session, where it could not be killed.
        let mut command = Command::new(tool("master", "postfix"));
        command.arg("-c").arg(self.dir.join("etc")).arg("-s");
        let mut process = Process::start(command, Group::Programs, &self.dir.join("log"), "postfix");
        let ready = poll(PATIENCE, || {
            if let Some(status) = process.ended() {
                panic!("Postfix ended with {status}:\n{}{}", process.stderr(), self.log());
            }
            greets(self.ports.submission, b"220 ").then_some(())
        });
        assert!(ready.is_some(), "Postfix does not greet:\n{}", self.log());
        self.process = Some(process);
    }

    /// Kills the server with all that it is doing; its queue stays.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.join("log/maillog")).unwrap_or_default()).into_owned()
    }
}

/// The folders that `postfix check` would make, in a second instead of now.
fn make_queue(dir: &Path) {
    let postfix = id_of("/etc/passwd", "postfix");
    let postdrop = id_of("/etc/group", "postdrop");
    let give = |path: &Path, user: u32, group: u32, mode: u32| {
        make_dir(path);
        chown(path, Some(user), Some(group))
            .unwrap_or_else(|error| panic!("{}: {error} (Postfix needs root)", path.display()));
        set_mode(path, mode);
    };
    let queue = dir.join("queue");
    let private = [
        "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
        "trace",
    ];
    for part in private {
        give(&queue.join(part), postfix, 0, 0o700);
    }
    give(&queue.join("maildrop"), postfix, postdrop, 0o730);
    give(&queue.join("public"), postfix, postdrop, 0o710);
    give(&queue.join("pid"), 0, 0, 0o755);
    give(&dir.join("data"), postfix, 0, 0o755);
}

/// The number of a user or group that the package made.
fn id_of(table: &str, name: &str) -> u32 {
    let text = fs::read_to_string(table).unwrap_or_else(|error| panic!("{table}: {error}"));
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find_map(|row| {
            (row.first() == Some(&name))
                .then(|| row.get(2)?.parse().ok())
                .flatten()
        })
        .unwrap_or_else(|| {
            panic!("no {name} in {table}; install it: apt-get install -y --no-install-recommends postfix")
        })
}

fn main_cf(dir: &Path, ca: &TestCa, dovecot: DovecotPorts, ports: Ports) -> String {
    let programs = tool("master", "postfix");
    let programs = programs.parent().expect("a file lies in a folder").display();
    let (dir, root) = (dir.display(), ca.root.display());
    let (certificate, key) = (ca.server.certificate.display(), ca.server.key.display());
    let DovecotPorts { lmtp, auth, .. } = dovecot;
    let name = ports.smtp;
    format!(
        "compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = {programs}
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {dir}/log/maillog
maillog_file_prefixes = {dir}
syslog_name = test-{name}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.exemplu.test
mydomain = exemplu.test
myorigin = exemplu.test
mydestination =
mynetworks =
mynetworks_style = host
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = citizen.test amt.test
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
transport_maps = inline:{{ {{{REFUSED}=error:5.1.1 no such user}} {{{DEFERRED}=retry:4.2.0 try later}} \
         {{{UNREACHABLE}=smtp:[127.0.0.1]:1}} }}
smtp_dns_support_level = disabled
smtp_host_lookup = native
lmtp_host_lookup = native
default_transport = error:5.1.2 outside the test's world
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
delay_warning_time = 1s
bounce_queue_lifetime = 20s
maximal_queue_lifetime = 20s
smtpd_tls_security_level = may
smtpd_tls_chain_files = {key}, {certificate}
smtpd_tls_auth_only = yes
smtp_tls_CAfile = {root}
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth}
smtpd_sasl_security_options = noanonymous
smtpd_recipient_restrictions = permit_sasl_authenticated, reject_unauth_destination
message_size_limit = 41943040
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_peername_lookup = no
"
    )
}

fn master_cf(ports: Ports) -> String {
    let Ports {
        smtp,
        submission,
        smtps,
    } = ports;
    format!(
        "127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 2 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"
    )
}
