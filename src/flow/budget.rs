//! What goes out by itself, and how much: so many letters to one address, so that two programs never write to each other for ever, and
//! from the whole house, so that a flood of mail from invented addresses does not become a flood to their owners.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::flow::issue::Letterhead;
use crate::flow::{House, StepError};
use crate::outbox::{self, Allowance, Letterless, Unauthenticated};
use crate::registry::Entry;
use crate::screening::Sender;
use crate::store::{Owing, Stored};

/// What is left, counted on while a batch is decided.
pub(super) struct Budget {
    allowance: Allowance,
    since: Timestamp,
    by_address: HashMap<String, u64>,
    /// Answers of the house; `None` until somebody asks.
    of_house: Option<u64>,
}

impl Budget {
    /// The budget at an instant; nothing is looked up yet.
    pub(super) fn at(allowance: Allowance, at: Timestamp) -> Self {
        Self {
            allowance,
            since: at - SignedDuration::from_hours(24),
            by_address: HashMap::new(),
            of_house: None,
        }
    }

    /// Takes one letter to this address out of the budget; returns whether it was still there.
    pub(super) fn take(&mut self, house: House<'_>, to: &str) -> Stored<bool> {
        let to = to.to_lowercase();
        let of_house = match self.of_house {
            Some(count) => count,
            None => house.store.answers_since(self.since)?,
        };
        self.of_house = Some(of_house);
        let to_address = match self.by_address.get(&to) {
            Some(count) => *count,
            None => house.store.letters_to(&to, self.since)?,
        };
        let is_left = of_house < self.allowance.answers_a_day && to_address < self.allowance.letters_a_day;
        if is_left {
            self.of_house = Some(of_house + 1);
        }
        self.by_address.insert(to, to_address + u64::from(is_left));
        Ok(is_left)
    }
}

/// What goes out by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Letter,
    /// A few lines in its place; the receipt waits for a person.
    Notice,
    /// The receipt waits for a person.
    Nothing(Letterless),
}

/// What goes out with each receipt, within the budget.
pub(super) fn ways(
    house: House<'_>,
    letterhead: &Letterhead,
    owing: &[Owing],
    at: Timestamp,
) -> Result<Vec<Way>, StepError> {
    let mut budget = Budget::at(letterhead.allowance, at);
    let mut ways = Vec::with_capacity(owing.len());
    for one in owing {
        ways.push(way(house, letterhead, &one.entry, &mut budget)?);
    }
    Ok(ways)
}

fn way(
    house: House<'_>,
    letterhead: &Letterhead,
    entry: &Entry,
    budget: &mut Budget,
) -> Result<Way, StepError> {
    let Some(to) = &entry.summary.sender_address else {
        return Ok(Way::Nothing(Letterless::NoAddress));
    };
    if !entry.replies {
        return Ok(Way::Nothing(Letterless::Silence));
    }
    if !outbox::is_usable_address(to) {
        return Ok(Way::Nothing(Letterless::UnusableAddress));
    }
    match (entry.sender, letterhead.unauthenticated) {
        (Sender::Disowned, Unauthenticated::Hold) => Ok(Way::Nothing(Letterless::Unauthenticated)),
        (Sender::Disowned, Unauthenticated::Notice) => Ok(if budget.take(house, to)? {
            Way::Notice
        } else {
            Way::Nothing(Letterless::Unauthenticated)
        }),
        (Sender::Undisputed, _) => Ok(if budget.take(house, to)? {
            Way::Letter
        } else {
            Way::Nothing(Letterless::Budget)
        }),
    }
}
