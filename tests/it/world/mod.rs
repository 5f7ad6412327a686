//! The world when it is not well: a full disk, a read-only database, servers that are away, refuse, lie or break off.
//!
//! In each case the error is clear, nothing is lost, and the work goes on by itself when the world is well again.
//! Left out: deaths of our own process, which are in the fault tests.

use recipisa::daemon::{self, House, Pass};
use recipisa::edge::clock::Clock;
use recipisa::flow::issue::Letterhead;
use recipisa::outbox::Transport;

use crate::support::scene::Scene;

mod check;
mod disk;
mod imap;
mod rehearsal;
mod smtp;
mod tokens;
mod wiretap;

impl Scene {
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
