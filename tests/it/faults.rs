//! The real process, killed: at every failpoint, and at random moments; then started again and checked.
//!
//! Real Dovecot, and the sink for letters. What must hold is in [`crate::support::books`]. Left out: a machine that
//! loses its power, for which the order of fsyncs is checked where they are made.
//!
//! `RECIPISA_TEST_LONG=1` kills 400 times instead of 40; `RECIPISA_TEST_SEED=N` repeats the dice of an earlier run,
//! which prints its seed (the machine's own timing stays its own).

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use recipisa::flow::failpoint;

use crate::support::books::wait_until_quiet;
use crate::support::dice::Dice;
use crate::support::dovecot::User;
use crate::support::online::end;
use crate::support::process::Process;
use crate::support::scene::Scene;
use crate::support::tools::poll;

/// How long until a failpoint must be reached, with mails coming all the time.
const REACH: Duration = Duration::from_secs(60);

/// One agency for many deaths.
struct Deaths {
    scene: Scene,
    starts: usize,
}

impl Deaths {
    fn new() -> Self {
        Self {
            scene: Scene::new(),
            starts: 0,
        }
    }

    fn start(&mut self, env: &[(&str, &str)]) -> Process {
        self.starts += 1;
        self.scene.agency.run(&format!("{}", self.starts), env)
    }

    /// Lets the process finish all there is, ends it and checks the books; returns how many letters were repeated.
    #[track_caller]
    fn recover_and_check(&mut self) -> usize {
        self.starts += 1;
        let mut process = self.scene.agency.run_at_work(&format!("{}", self.starts));
        wait_until_quiet(&self.scene.agency, &self.scene.dovecot, &mut process);
        end(process);
        self.scene.check()
    }

    /// Starts with a failpoint, and kills when it is reached.
    fn die_at(&mut self, point: &str) {
        self.scene.citizens.write_to_both(&self.scene.dovecot, 3);
        let mut process = self.start(&[("RECIPISA_FAILPOINT", point)]);
        let (name, _) = point.split_once(':').unwrap();
        let wanted = format!("failpoint reached: {name}");
        let mut looks = 0;
        let reached = poll(REACH, || {
            if let Some(status) = process.ended() {
                panic!("{point}: recipisa ended with {status}:\n{}", process.stderr());
            }
            looks += 1;
            // More work, so that a second arrival comes.
            if looks % 25 == 0 {
                self.scene.citizens.write_to_both(&self.scene.dovecot, 2);
            }
            process.stderr().contains(&wanted).then_some(())
        });
        assert!(
            reached.is_some(),
            "{point} is never reached:\n{}",
            process.stderr()
        );
        process.kill();
    }
}

#[test]
fn killed_at_every_failpoint_nothing_is_lost_or_doubled() {
    let mut deaths = Deaths::new();
    let mut repeats = 0;
    for name in failpoint::MAIL {
        for nth in [1, 2] {
            let point = format!("{name}:{nth}");
            deaths.die_at(&point);
            let now = deaths.recover_and_check();
            // Only a death between the server's answer and the record sends a letter again. At a point of another step
            // the sender goes on beside it, and the kill may hit it at just that instant.
            let again = now - repeats;
            if name.starts_with("deliver.") {
                let expected = usize::from(name == "deliver.sent");
                assert_eq!(again, expected, "letters repeated after {point}");
            } else {
                assert!(again <= 1, "{again} letters repeated after {point}");
            }
            repeats = now;
        }
    }
    assert!(deaths.scene.dir.path().is_dir());
}

#[test]
fn killed_at_random_moments_nothing_is_lost_or_doubled() {
    let kills = if std::env::var_os("RECIPISA_TEST_LONG").is_some() {
        400
    } else {
        40
    };
    let seed = match std::env::var("RECIPISA_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    println!("RECIPISA_TEST_SEED={seed}");
    let mut dice = Dice(seed);
    let mut deaths = Deaths::new();
    let mut tally: BTreeMap<String, usize> = BTreeMap::new();
    for kill in 1..=kills {
        *tally.entry(deaths.die_at_random(&mut dice)).or_default() += 1;
        if kill % 40 == 0 {
            let repeats = deaths.recover_and_check();
            let mails = deaths.scene.citizens.sent.len();
            println!("{kill} kills: {mails} mails, {repeats} letters sent again; killed after {tally:?}");
        }
    }
}

impl Deaths {
    /// Lets the process work for a moment that the dice choose, with mails coming in meanwhile; returns the last
    /// thing that it said.
    fn die_at_random(&mut self, dice: &mut Dice) -> String {
        let before = 1 + dice.below(4);
        self.scene.citizens.write_to_both(&self.scene.dovecot, before);
        let mut process = self.start(&[]);
        // How far it gets, told by what it has said, so that a slow machine is killed at the same places.
        let lines = dice.below(4 * before + 4);
        let far = poll(Duration::from_secs(2), || {
            assert_eq!(process.ended(), None, "{}", process.stderr());
            (process.stderr().lines().count() >= lines).then_some(())
        });
        let to = if dice.below(2) == 0 { User::Amt } else { User::Dej };
        self.scene.citizens.write(&self.scene.dovecot, to);
        let moment = Duration::from_millis(dice.below(30) as u64);
        if far.is_some() {
            assert_eq!(poll(moment, || process.ended()), None, "{}", process.stderr());
        }
        process.kill();
        let said = process.stderr();
        let last = said.lines().last().unwrap_or_default();
        [
            "recipisa works",
            "mail kept",
            "mail decided",
            "receipt issued",
            "letter sent",
        ]
        .into_iter()
        .find(|words| last.contains(words))
        .unwrap_or("(starting)")
        .to_owned()
    }
}
