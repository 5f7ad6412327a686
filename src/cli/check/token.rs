//! Access tokens (`[[oauth]]`): where each comes from, whether the daemon has one, until when; and with `--online`, one
//! that is asked for now.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::cli::report::Report;
use crate::cli::text;
use crate::config::Settings;
use crate::daemon::{House, tokens_of_daemon};
use crate::edge::oauth::{Access, Grant, OAuthError, Standing};
use crate::flow::with_causes;

/// A token that lasts shorter than this is renewed all the time.
const LIFE_MIN: SignedDuration = SignedDuration::from_mins(5);

/// What this machine knows; nobody is asked.
pub(super) fn check(house: &House, report: &mut Report) {
    let in_hand = tokens_of_daemon(house);
    for access in &house.settings.oauth {
        let name = access.name();
        let replaced = match access.replaced_at() {
            Ok(None) => String::new(),
            Ok(Some(at)) => format!(
                "; the server has replaced the refresh token, last on {}",
                text::instant(at)
            ),
            Err(error) => {
                report.error("oauth", &with_causes(&error), "as it says");
                continue;
            }
        };
        let (words, trouble) = standing(&in_hand, name, house.clock.now());
        let said = format!("{name}: {}{replaced}; {words}", origin(access));
        if trouble {
            report.error(
                "oauth",
                &said,
                "`recipisa check --online` asks for one and says what is wrong",
            );
        } else {
            report.ok("oauth", &said);
        }
    }
}

/// How the daemon's token stands, and whether that is a trouble.
fn standing(in_hand: &BTreeMap<String, Standing>, name: &str, now: Timestamp) -> (String, bool) {
    let Some(standing) = in_hand
        .get(name)
        .filter(|one| one.obtained_at.is_some() || one.failures > 0)
    else {
        return (
            "no token is in hand, since no daemon has asked for one".to_owned(),
            false,
        );
    };
    let words = match (standing.obtained_at, standing.expires_at) {
        (None, _) => "no token is in hand".to_owned(),
        (Some(at), None) => format!(
            "the daemon has one since {}, without a known end",
            text::instant(at)
        ),
        (Some(_), Some(end)) if end <= now => format!("the daemon's ended {}", text::instant(end)),
        (Some(_), Some(end)) => format!("the daemon has one until {}", text::instant(end)),
    };
    match standing.failing_since {
        None => (words, false),
        Some(since) => {
            let words = format!("{words}; it could not be renewed since {}", text::instant(since));
            (words, true)
        }
    }
}

/// Asks for each.
pub(super) fn ask(settings: &Settings, report: &mut Report) {
    for access in &settings.oauth {
        let name = access.name();
        match access.token() {
            Ok(_) => fetched(access, report),
            Err(error) => report.error(
                "oauth",
                &format!("{name}: {}", with_causes(&error)),
                remedy(&error),
            ),
        }
    }
}

fn fetched(access: &Access, report: &mut Report) {
    let (name, standing) = (access.name(), access.standing());
    if standing.failing_since.is_some() {
        return report.error(
            "oauth",
            &format!("{name}: a token was given, and the new refresh token that came with it could not be kept"),
            "let recipisa's user write the storage folder, and look at the disk: at the next start the old one may be void",
        );
    }
    let Some((from, end)) = standing.obtained_at.zip(standing.expires_at) else {
        return report.ok(
            "oauth",
            &format!("{name}: a token was given, without a known end"),
        );
    };
    let said = format!("{name}: a token was given, until {}", text::instant(end));
    if end.duration_since(from) < LIFE_MIN {
        return report.warning(
            "oauth",
            &said,
            "it lasts less than five minutes: a clock may be wrong, or the provider's settings",
        );
    }
    report.ok("oauth", &said);
}

/// Where tokens come from.
fn origin(access: &Access) -> String {
    match access.grant() {
        Grant::RefreshToken { client, .. } => format!("by a refresh token from {}", client.token_url),
        Grant::ClientCredentials { client } => format!("by client credentials from {}", client.token_url),
        Grant::Command { argv, .. } => format!("by the command {}", argv.first().map_or("", String::as_str)),
    }
}

fn remedy(error: &OAuthError) -> &'static str {
    match error {
        OAuthError::Unreachable { .. } => {
            "check `token_url`, and whether a firewall stands between; where its certificate comes from an authority of \
             your own, name that with `ca_file`"
        }
        OAuthError::Refused { remedy, .. } => remedy,
        OAuthError::Command { .. } => "check `command` of this [[oauth]]",
        OAuthError::File { .. } => "check the owner of the storage folder and the disk",
    }
}
