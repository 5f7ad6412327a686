//! What the service manager is told: ready, reloading, stopping, the watchdog's food, and one line of status.
//!
//! The protocol is `sd_notify(3)`; without `$NOTIFY_SOCKET` nothing is told. What is ready and what the line says is
//! decided by [`readiness`] and [`sentence`], which look at nothing but their arguments.

use std::time::Duration;

use jiff::Timestamp;
use sd_notify::NotifyState;
use tracing::warn;

use crate::daemon::heart::Contact;

/// The start of a machine must not fail because one mail server is down, so after this long the service is ready all
/// the same, with a status that names the source.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// Whether systemd may take the service for started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    NotYet,
    Ready,
}

/// Ready when every source has been reached, or when [`GRACE`] is over. The key is open before anything starts.
pub(super) fn readiness(contacts: impl IntoIterator<Item = Contact>, since_start: Duration) -> Readiness {
    if since_start >= GRACE || contacts.into_iter().all(|contact| contact == Contact::Well) {
        Readiness::Ready
    } else {
        Readiness::NotYet
    }
}

/// What the line of status is made of.
pub(super) struct Facts<'a> {
    pub(super) sources: Vec<(&'a str, Contact)>,
    /// Mails that need a person; unknown while the database does not answer.
    pub(super) held: Option<usize>,
    pub(super) last_mail: Option<Timestamp>,
    pub(super) now: Timestamp,
    /// Mail cannot be decided, or receipts cannot be made.
    pub(super) register: Contact,
    /// Letters do not leave.
    pub(super) send: Contact,
    /// What was wrong with the last reading of the settings.
    pub(super) reload: Option<&'a str>,
}

/// One line for `systemctl status`: `3 sources, 0 held, last mail 2 min ago`. What needs a person stands first.
pub(super) fn sentence(facts: &Facts<'_>) -> String {
    let mut said: Vec<String> = facts.reload.map(str::to_owned).into_iter().collect();
    let named = |wanted: Contact| {
        let names = facts.sources.iter().filter(|(_, contact)| *contact == wanted);
        names.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    for (contact, words) in [
        (Contact::Ill, "not reached"),
        (Contact::Untried, "not answered yet"),
    ] {
        let names = named(contact);
        if !names.is_empty() {
            said.push(format!("{words}: {names}"));
        }
    }
    if facts.register == Contact::Ill {
        said.push("receipts wait (see the log)".into());
    }
    if facts.send == Contact::Ill {
        said.push("letters wait (see the log)".into());
    }
    let count = facts.sources.len();
    said.push(format!("{count} source{}", if count == 1 { "" } else { "s" }));
    said.push(match facts.held {
        Some(held) => format!("{held} held"),
        None => "the database does not answer".into(),
    });
    said.push(match facts.last_mail {
        Some(at) => format!("last mail {}", ago(facts.now.duration_since(at).as_secs())),
        None => "no mail since the start".into(),
    });
    said.join(", ")
}

fn ago(seconds: i64) -> String {
    match seconds {
        ..60 => "less than a minute ago".into(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        172_800.. => format!("{} days ago", seconds / 86_400),
    }
}

/// Tells the service manager.
pub(super) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        // Its watchdog and its time for starting see to the rest.
        warn!(%error, "the service manager could not be told");
    }
}

/// The beginning of a reload: the manager wants the time with it (systemd 253 and later).
pub(super) fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// How often the watchdog is fed: three times in its interval. `None` where there is no watchdog.
pub(super) fn feeding_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled()
        .filter(|interval| !interval.is_zero())
        .map(|interval| interval / 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_THREE: [Contact; 3] = [Contact::Well, Contact::Ill, Contact::Untried];

    #[test]
    fn ready_only_when_every_source_was_reached_or_the_grace_is_over() {
        let soon = Duration::from_secs(59);
        assert_eq!(readiness([Contact::Well; 2], Duration::ZERO), Readiness::Ready);
        for contact in [Contact::Ill, Contact::Untried] {
            assert_eq!(readiness([Contact::Well, contact], soon), Readiness::NotYet);
            assert_eq!(readiness([Contact::Well, contact], GRACE), Readiness::Ready);
        }
    }

    #[test]
    fn the_status_names_what_needs_a_person_first() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let mut facts = Facts {
            sources: ["somaj", "dej", "turda"]
                .into_iter()
                .map(|name| (name, Contact::Well))
                .collect(),
            held: Some(0),
            last_mail: Some(now - jiff::SignedDuration::from_secs(125)),
            now,
            register: Contact::Well,
            send: Contact::Untried,
            reload: None,
        };
        assert_eq!(sentence(&facts), "3 sources, 0 held, last mail 2 min ago");
        for ((_, contact), new) in facts.sources.iter_mut().zip(ALL_THREE) {
            *contact = new;
        }
        (facts.held, facts.last_mail) = (None, None);
        (facts.register, facts.send) = (Contact::Ill, Contact::Ill);
        facts.reload = Some("new settings refused (see the log)");
        assert_eq!(
            sentence(&facts),
            "new settings refused (see the log), not reached: dej, not answered yet: turda, receipts wait (see the log), \
             letters wait (see the log), 3 sources, the database does not answer, no mail since the start"
        );
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let told = [0, 59, 60, 3_599, 3_600, 172_799, 172_800].map(ago);
        assert_eq!(
            told,
            [
                "less than a minute ago",
                "less than a minute ago",
                "1 min ago",
                "59 min ago",
                "1 h ago",
                "47 h ago",
                "2 days ago"
            ]
        );
    }
}
