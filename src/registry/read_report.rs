//! When a read report is owed to a sender who asks for one: only where RFC 8098 §2.1 lets it go by itself.
//!
//! Left out: whether `$MDNSent` stood on the message, which the store knows, and the report itself.

use crate::message::Message;
use crate::screening::Outcome;

/// Whether a report may be sent by itself: the message was taken up as a person's, a letter may go to its sender, and
/// it asks for exactly one report, to the very address that its envelope came from and that From names.
pub(super) fn is_owed(message: &Message, outcome: Outcome, replies: bool) -> bool {
    let taken_up = match outcome {
        Outcome::Registered | Outcome::Joined => true,
        Outcome::Answered | Outcome::Filed | Outcome::Ignored | Outcome::Held => false,
    };
    let is_machines = message.report.is_some() || !message.origin.may_be_answered();
    taken_up && replies && !is_machines && asked_from(message).is_some()
}

/// The one address that the report is asked for and may go to. Only From is what the mailbox's server vouches for
/// (DMARC); whoever writes the envelope may name anybody.
pub fn asked_from(message: &Message) -> Option<&str> {
    let [asked] = message.read_report_to.as_slice() else {
        return None;
    };
    let return_path = message.return_path.as_deref()?;
    let from = &message.from.as_ref()?.address;
    (is_same_address(asked, return_path) && is_same_address(asked, from)).then_some(asked.as_str())
}

/// The local parts are compared letter by letter, the domains without regard to case (RFC 8098 §2.1).
fn is_same_address(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((local, domain)), Some((other_local, other_domain))) => {
            !local.is_empty() && local == other_local && domain.eq_ignore_ascii_case(other_domain)
        }
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Origin;

    fn asking(asked: &[&str], return_path: Option<&str>) -> Message {
        let mut message = Message::read(b"From: ana@b.test\r\nSubject: x\r\n\r\ntext\r\n");
        message.read_report_to = asked.iter().map(|&one| one.to_owned()).collect();
        message.return_path = return_path.map(str::to_owned);
        message
    }

    #[test]
    fn a_machine_gets_none_whatever_a_clerk_says() {
        let mut machines = asking(&["ana@b.test"], Some("ana@b.test"));
        machines.origin = Origin::List;
        assert!(!is_owed(&machines, Outcome::Registered, true));
    }

    #[test]
    fn it_goes_only_to_where_the_envelope_came_from() {
        let owed = |asked: &[&str], path| is_owed(&asking(asked, path), Outcome::Registered, true);
        assert!(owed(&["ana@b.test"], Some("ana@B.TEST")));
        for (asked, path) in [
            (&[][..], Some("ana@b.test")),
            (&["ana@b.test", "ion@b.test"], Some("ana@b.test")),
            (&["Ana@b.test"], Some("ana@b.test")),
            (&["ana@b.test"], Some("")),
            (&["ana@b.test"], None),
            (&["ana@b.test"], Some("ion@b.test")),
            // Another's address, with the envelope made to fit.
            (&["ion@b.test"], Some("ion@b.test")),
            (&["ana"], Some("ana")),
        ] {
            assert!(!owed(asked, path), "{asked:?} {path:?}");
        }
        let asking = asking(&["ana@b.test"], Some("ana@b.test"));
        assert!(is_owed(&asking, Outcome::Joined, true));
        assert!(
            !is_owed(&asking, Outcome::Registered, false),
            "a machine, or several senders"
        );
        for outcome in [Outcome::Held, Outcome::Ignored, Outcome::Filed] {
            assert!(!is_owed(&asking, outcome, true));
        }
    }
}
