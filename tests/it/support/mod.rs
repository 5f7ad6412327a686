//! The world that the tests run in: real servers on loopback, and ways to make them fail.
//!
//! * [`tools`]: temporary folders, free ports, waiting for something, running a program;
//! * [`process`]: a program in its own process group, ours or a server's;
//! * [`ca`]: a certificate authority and a server certificate;
//! * [`dovecot`] and [`postfix`]: own instances of the real servers; [`lmtp`]: a mail handed to the first;
//! * [`command`]: our program run to its end; [`agency`]: a small agency in a folder;
//! * [`hearing`]: that no process of ours says anything personal;
//! * [`paper`]: receipts and letters as other programs read them;
//! * [`online`], [`citizens`]: the daemon among real servers, and those who write to it; [`books`]: what must hold after;
//! * [`issuer`]: a provider of access tokens;
//! * [`scene`]: an agency on its stage;
//! * [`sink`]: an SMTP server that follows a script; [`prompter`]: an IMAP server that plays a file; [`proxy`]: a line that breaks on demand.
//! * [`dice`], [`mangler`]: random numbers that a seed repeats, and bytes spoiled by them;
//!
//! Everything stops and is removed when its value is dropped; the folder of a failed test stays, for
//! the logs in it. A missing program fails the test and says how to install it: nothing is skipped.

pub(crate) mod agency;
pub(crate) mod books;
pub(crate) mod ca;
pub(crate) mod citizens;
pub(crate) mod command;
pub(crate) mod dice;
pub(crate) mod dovecot;
pub(crate) mod hearing;
pub(crate) mod issuer;
pub(crate) mod lmtp;
pub(crate) mod mangler;
pub(crate) mod online;
pub(crate) mod paper;
pub(crate) mod postfix;
pub(crate) mod process;
pub(crate) mod prompter;
pub(crate) mod proxy;
pub(crate) mod scene;
pub(crate) mod sink;
pub(crate) mod tools;

use ca::TestCa;
use dovecot::{Dovecot, Offer};
use postfix::Postfix;
use tools::TempDir;

/// The usual world: a mailbox server with the agency's and the citizens' mailboxes, and a mail
/// server that the agency submits to and that delivers to those mailboxes.
pub(crate) struct MailWorld {
    // Dropped in this order: servers before the folder that they write in.
    pub(crate) postfix: Postfix,
    pub(crate) dovecot: Dovecot,
    pub(crate) ca: TestCa,
    pub(crate) dir: TempDir,
}

impl MailWorld {
    /// Both servers, ready to be used.
    pub(crate) fn start() -> Self {
        let dir = TempDir::new();
        let ca = TestCa::make(&dir.path().join("ca"));
        let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
        let postfix = Postfix::start(&dir.path().join("p"), &ca, &dovecot);
        Self {
            postfix,
            dovecot,
            ca,
            dir,
        }
    }
}
