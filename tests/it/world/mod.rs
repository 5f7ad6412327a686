//! The world when it is not well: a full disk, a read-only database, servers that are away, refuse, lie or break off.
//!
//! In each case the error is clear, nothing is lost, and the work goes on by itself when the world is well again.
//! Left out: deaths of our own process, which are in the fault tests.

use recipisa::daemon::{self, House, Pass};
use recipisa::edge::clock::Clock;
use recipisa::flow::issue::Letterhead;
use recipisa::outbox::Transport;

use crate::support::books;
use crate::support::ca::TestCa;
use crate::support::citizens::Citizens;
use crate::support::dovecot::{Dovecot, Offer, User};
use crate::support::online::{Agency, Inbox, Submission};
use crate::support::sink::{Security, Sink};
use crate::support::tools::TempDir;

mod disk;
mod imap;
mod smtp;
mod wiretap;

/// An agency, its mailboxes and a sink for its letters.
struct Scene {
    // Dropped in this order: servers before the folder that they write in.
    sink: Sink,
    dovecot: Dovecot,
    agency: Agency,
    citizens: Citizens,
    ca: TestCa,
    dir: TempDir,
}

impl Scene {
    fn new() -> Self {
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
    fn write(&mut self, count: usize) {
        self.citizens.write_to_both(&self.dovecot, count);
    }

    /// Writes the configuration again.
    fn configure(&self, inboxes: &[Inbox], submission: Submission) {
        self.agency.configure(&self.ca, inboxes, submission);
    }

    /// Checks that nothing is lost or doubled; returns how many letters went out more than once.
    #[track_caller]
    fn check(&self) -> usize {
        books::check(&self.agency, &self.dovecot, &self.citizens, &self.sink.kept())
    }

    /// The house inside the test, at work when it is told to, with a clock that is moved by hand.
    fn house(&self) -> InHouse {
        let house = House::open(self.agency.settings(), Clock::standing_at(Clock::System.now())).unwrap();
        let letterhead = house.letterhead().unwrap();
        let transport = house.transport().unwrap();
        InHouse {
            house,
            letterhead,
            transport,
        }
    }
}

/// An opened house that makes one pass at a time.
struct InHouse {
    house: House,
    letterhead: Letterhead,
    transport: Box<dyn Transport>,
}

impl InHouse {
    fn once(&mut self) -> Pass {
        daemon::once(&self.house, &self.letterhead, &mut *self.transport, &|| false)
    }

    /// A pass in which something goes wrong; returns what was said about it.
    #[track_caller]
    fn once_badly(&mut self) -> String {
        let errors = self.once().errors.join("\n");
        assert!(!errors.is_empty(), "nothing went wrong");
        errors
    }

    /// A pass in which nothing goes wrong.
    #[track_caller]
    fn once_well(&mut self) -> Pass {
        let pass = self.once();
        assert!(pass.errors.is_empty(), "{:?}", pass.errors);
        pass
    }

    fn later(&mut self, seconds: i64) {
        let now = self.house.clock.now();
        self.house
            .clock
            .move_to(now + jiff::SignedDuration::from_secs(seconds));
    }
}
