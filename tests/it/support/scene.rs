//! An agency with two mailboxes on a Dovecot and a sink for its letters: the stage of the fault tests.

use super::books;
use super::ca::TestCa;
use super::citizens::Citizens;
use super::dovecot::{Dovecot, Offer, User};
use super::online::{Agency, Inbox, Submission};
use super::sink::{Security, Sink};
use super::tools::TempDir;

/// An agency, its mailboxes and a sink for its letters.
pub(crate) struct Scene {
    // Dropped in this order: servers before the folder that they write in.
    pub(crate) sink: Sink,
    pub(crate) dovecot: Dovecot,
    pub(crate) agency: Agency,
    pub(crate) citizens: Citizens,
    pub(crate) ca: TestCa,
    pub(crate) dir: TempDir,
}

impl Scene {
    /// Everything started, nothing written yet.
    pub(crate) fn new() -> Self {
        let dir = TempDir::new();
        let ca = TestCa::make(&dir.path().join("ca"));
        let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
        let login = (User::Amt.name(), User::Amt.password());
        let sink = Sink::start(Security::StartTls, &ca.server, Some(login));
        let folder = dir.path().join("a");
        let agency = Agency::found(
            &folder,
            &ca,
            &Inbox::both(&dovecot),
            Submission::starttls(sink.port),
        );
        Self {
            sink,
            dovecot,
            agency,
            citizens: Citizens::default(),
            ca,
            dir,
        }
    }

    /// So many citizens write to both offices in turn.
    pub(crate) fn write(&mut self, count: usize) {
        self.citizens.write_to_both(&self.dovecot, count);
    }

    /// Writes the configuration again.
    pub(crate) fn configure(&self, inboxes: &[Inbox], submission: Submission) {
        self.agency.configure(&self.ca, inboxes, submission);
    }

    /// Checks that nothing is lost or doubled; returns how many letters went out more than once.
    #[track_caller]
    pub(crate) fn check(&self) -> usize {
        books::check(&self.agency, &self.dovecot, &self.citizens, &self.sink.kept())
    }
}
