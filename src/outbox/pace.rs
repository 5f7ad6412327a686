//! How many letters leave in a minute, in all and to one domain: which of those that are due go now, and when the
//! others may. Nobody sleeps for it: a letter whose turn is later is simply due later.
//!
//! Left out: counting what went, which is the store's.

use std::collections::HashMap;
use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};

/// What is counted together.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// Bounds on the letters that are tried in any minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// In all; `None`: as many as there are.
    pub a_minute: Option<NonZeroU32>,
    /// To one domain; `None`: as many as there are.
    pub to_one_domain: Option<NonZeroU32>,
}

/// The turn of a letter that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Now,
    /// Not before.
    At(Timestamp),
}

/// An attempt that counts: one of the last minute, or one that is just being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub at: Timestamp,
    /// As [`domain_of`] gives it.
    pub domain: String,
}

/// The domain of an address, in lower case; the whole address where it has none.
pub fn domain_of(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or(address, |(_, domain)| domain);
    domain.to_lowercase()
}

/// One bound, with what it has let through and how many wait before it.
struct Gate {
    a_minute: usize,
    /// Oldest first.
    passed: Vec<Timestamp>,
    waiting: usize,
}

impl Gate {
    fn new(a_minute: NonZeroU32) -> Self {
        Self {
            a_minute: a_minute.get() as usize,
            passed: Vec::new(),
            waiting: 0,
        }
    }

    /// When one more may pass, if that is not now. Those who wait are called so many a minute, so that each is put off
    /// once and not at every look; the bound is kept all the same, since everybody is judged anew when called.
    fn keeps_back(&mut self) -> Option<Timestamp> {
        let filling = self.passed.len().checked_sub(self.a_minute)?;
        let (turn, place) = (self.waiting / self.a_minute, self.waiting % self.a_minute);
        self.waiting += 1;
        let minutes = i32::try_from(turn).unwrap_or(i32::MAX - 1).saturating_add(1);
        Some(self.passed[filling + place] + WINDOW.saturating_mul(minutes))
    }
}

impl Pace {
    /// Whether nothing is bounded.
    pub fn is_free(&self) -> bool {
        self.a_minute.is_none() && self.to_one_domain.is_none()
    }

    /// The turns of the letters that are due, given by their domains in the order in which they should go. Each domain
    /// has its own row: one that is full keeps back no letter to another.
    pub fn turns(&self, now: Timestamp, tried: &[Tried], due: &[String]) -> Vec<Turn> {
        let mut tried: Vec<&Tried> = tried.iter().collect();
        tried.sort_by_key(|one| one.at);
        let mut all = self.a_minute.map(Gate::new);
        let mut by_domain: HashMap<&str, Gate> = HashMap::new();
        for one in tried {
            if let Some(gate) = &mut all {
                gate.passed.push(one.at);
            }
            if let Some(bound) = self.to_one_domain {
                let gate = by_domain.entry(&one.domain).or_insert_with(|| Gate::new(bound));
                gate.passed.push(one.at);
            }
        }
        due.iter()
            .map(|domain| {
                let own = self
                    .to_one_domain
                    .map(|bound| by_domain.entry(domain).or_insert_with(|| Gate::new(bound)));
                let (mut own, all) = (own, all.as_mut());
                if let Some(at) = own.as_mut().and_then(|gate| gate.keeps_back()) {
                    return Turn::At(at);
                }
                match all {
                    None => {}
                    Some(gate) => match gate.keeps_back() {
                        Some(at) => return Turn::At(at),
                        None => gate.passed.push(now),
                    },
                }
                if let Some(gate) = own {
                    gate.passed.push(now);
                }
                Turn::Now
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn pace(all: u32, domain: u32) -> Pace {
        Pace {
            a_minute: NonZeroU32::new(all),
            to_one_domain: NonZeroU32::new(domain),
        }
    }

    fn domains(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn without_bounds_everything_goes() {
        assert!(pace(0, 0).is_free());
        let turns = pace(0, 0).turns(at(0), &[], &domains(&["a.test"; 500]));
        assert!(turns.iter().all(|turn| *turn == Turn::Now));
    }

    #[test]
    fn a_full_domain_keeps_back_no_other() {
        let due = domains(&["a.test", "a.test", "a.test", "b.test", "a.test"]);
        let turns = pace(0, 2).turns(at(0), &[], &due);
        assert_eq!(
            turns,
            [
                Turn::Now,
                Turn::Now,
                Turn::At(at(60)),
                Turn::Now,
                Turn::At(at(60))
            ]
        );
    }

    #[test]
    fn the_total_counts_what_went_a_moment_ago() {
        let tried = [at(-50), at(-20)].map(|at| Tried {
            at,
            domain: "a.test".into(),
        });
        let turns = pace(3, 0).turns(at(0), &tried, &domains(&["b.test"; 5]));
        assert_eq!(
            turns,
            [
                Turn::Now,
                Turn::At(at(10)),
                Turn::At(at(40)),
                Turn::At(at(60)),
                Turn::At(at(70)),
            ]
        );
    }

    #[test]
    fn those_who_wait_are_called_so_many_a_minute() {
        let due = domains(&[
            "a.test", "a.test", "a.test", "a.test", "a.test", "a.test", "b.test",
        ]);
        let turns = pace(9, 2).turns(at(0), &[], &due);
        let later = |second| Turn::At(at(second));
        assert_eq!(
            turns,
            [
                Turn::Now,
                Turn::Now,
                later(60),
                later(60),
                later(120),
                later(120),
                Turn::Now
            ]
        );
    }

    /// In every minute, whatever is due and in whatever order: played as the store plays it.
    #[test]
    fn no_minute_sees_more() {
        let mut queue: Vec<(Timestamp, String)> = (0..200)
            .map(|number| (at(0), format!("d{}.test", number % 7 % 3)))
            .collect();
        let mut tried: Vec<Tried> = Vec::new();
        for second in 0..3_000 {
            let now = at(second);
            tried.sort_by_key(|one| one.at);
            let (due, later): (Vec<_>, Vec<_>) = queue.into_iter().partition(|(turn, _)| *turn <= now);
            queue = later;
            let names: Vec<String> = due.iter().map(|(_, domain)| domain.clone()).collect();
            let recent: Vec<Tried> = tried
                .iter()
                .filter(|one| one.at > now - WINDOW)
                .cloned()
                .collect();
            for (turn, (_, domain)) in pace(9, 4).turns(now, &recent, &names).into_iter().zip(due) {
                match turn {
                    Turn::Now => tried.push(Tried { at: now, domain }),
                    Turn::At(at) => {
                        assert!(at > now, "it would be asked again at once");
                        queue.push((at, domain));
                    }
                }
            }
        }
        assert_eq!((tried.len(), queue.len()), (200, 0));
        for from in &tried {
            let within = |one: &&Tried| one.at >= from.at && one.at < from.at + WINDOW;
            let minute: Vec<_> = tried.iter().filter(within).collect();
            assert!(minute.len() <= 9, "{}", minute.len());
            let own = minute.iter().filter(|one| one.domain == from.domain).count();
            assert!(own <= 4, "{own}");
        }
        assert_eq!(domain_of("Ana@EXEMPLU.test"), "exemplu.test");
    }
}
