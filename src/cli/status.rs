//! `status`: how the registry stands now, for the operator at night: what, how much, how old, what to do.
//!
//! Exit code 0 while a daemon works, 1 when none does or it gives no sign of life.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cli::report::{Form, Report};
use crate::cli::{Failure, open, text};
use crate::daemon::{Life, SourceStatus, Status};
use crate::edge::oauth::Standing;
use crate::flow::balance::DAYS;
use crate::store::{Misfit, Queue};

/// What waits longer than this waits for something that does not come by itself.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// How many messages that do not fit are named.
const MISFITS_MAX: usize = 10;
/// As in `check`.
const EXPIRY_WARNING_DAYS: i64 = 30;

/// Prints the status.
pub(super) fn main(config: Option<PathBuf>, as_json: bool) -> Result<(), Failure> {
    let house = open::house_even_if_new(config)?;
    let status = Status::from_outside(&house)?;
    if as_json {
        text::line(&object(&status).to_string());
    } else {
        print(&status);
    }
    match status.life {
        Life::Works => Ok(()),
        Life::Silent | Life::Ended | Life::Died | Life::Never => Err(Failure::Told(1)),
    }
}

fn print(status: &Status) {
    let mut report = Report::new(Form::Text);
    daemon(status, &mut report);
    for source in &status.sources {
        one_source(status, source, &mut report);
    }
    for (name, standing) in &status.tokens {
        token(status, name, *standing, &mut report);
    }
    queues(status, &report);
    ledger(status, &mut report);
    let outcomes: Vec<String> = status
        .tally
        .outcomes()
        .iter()
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    let outcomes = if outcomes.is_empty() {
        "none decided yet".to_owned()
    } else {
        outcomes.join(", ")
    };
    report.ok("mails", &format!("{outcomes} since the registry began"));
    report.ok("letters", &format!("{} sent so far", status.tally.letters_sent));
    let given_up = status.waiting.letters_given_up;
    if given_up > 0 {
        report.warning(
            "letters",
            &format!("{given_up} given up"),
            "hand the receipts over another way, or `recipisa resend NUMBER`; `recipisa entries` lists them",
        );
    }
    let bounced = status.waiting.letters_bounced;
    if bounced > 0 {
        report.warning(
            "letters",
            &format!("{bounced} came back undelivered"),
            "reach the citizens another way, or `recipisa resend NUMBER`; `recipisa entries` lists them",
        );
    }
    certificate(status, &mut report);
    if let Some(space) = status.space {
        let said = format!(
            "{} free of {}",
            text::bytes_of(space.free),
            text::bytes_of(space.size)
        );
        report.ok("disk", &said);
    }
}

fn daemon(status: &Status, report: &mut Report) {
    let Some(sign) = &status.sign else {
        let (said, remedy) = match status.life {
            Life::Silent => (
                "somebody works, and has left no sign of life yet",
                "ask again in a minute",
            ),
            Life::Works | Life::Ended | Life::Died | Life::Never => (
                "no daemon runs, and none ever did",
                "start it: `systemctl start recipisa`, or `recipisa run`",
            ),
        };
        return report.error("daemon", said, remedy);
    };
    let seen = ago(status.at, sign.seen_at);
    match status.life {
        Life::Works => report.ok(
            "daemon",
            &format!(
                "works since {} (version {}, process {}), last sign of life {seen}",
                text::instant(sign.started_at),
                sign.version,
                sign.pid
            ),
        ),
        Life::Silent => report.error(
            "daemon",
            &format!("somebody works on the registry, and the last sign of life of a daemon is {seen}"),
            "where it is no `recipisa once`, the daemon hangs: read its log, and restart it; nothing is lost",
        ),
        Life::Ended => report.error(
            "daemon",
            &format!("no daemon runs; the last one ended as it was told to, {seen}. What follows is from the registry"),
            "start it: `systemctl start recipisa`, or `recipisa run`",
        ),
        Life::Died | Life::Never => report.error(
            "daemon",
            &format!("no daemon runs; the last one died, and its last sign of life is {seen}"),
            "read its log (`journalctl -u recipisa`), and start it; nothing is lost",
        ),
    }
}

fn one_source(status: &Status, source: &SourceStatus, report: &mut Report) {
    let name = &source.name;
    let since = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| ago(status.at, at));
    let contact = format!(
        "last contact {}, last mail {}",
        since(source.beat.last_contact),
        since(source.last_mail)
    );
    if let (Some(since), Some((trouble, _))) = (source.no_contact_since(status.at), source.beat.failing) {
        let said = format!(
            "{name}: no contact since {} ({}), which is an alarm ({}); {contact}",
            text::instant(since),
            ago(status.at, since),
            trouble.as_str()
        );
        return report.error(
            "source",
            &said,
            "no mail of citizens is taken from it: `recipisa check --online` says what is wrong",
        );
    }
    if let Some((trouble, at)) = source.beat.failing {
        let said = format!(
            "{name}: trouble ({}), first {}; {contact}",
            trouble.as_str(),
            ago(status.at, at)
        );
        return report.error("source", &said, "`recipisa check --online` says what is wrong");
    }
    let late = SignedDuration::from_secs(i64::try_from(source.poll_seconds).unwrap_or(i64::MAX))
        .saturating_add(PATIENCE);
    let is_late = source
        .beat
        .last_contact
        .is_none_or(|at| status.at.duration_since(at) > late);
    if is_late && status.life == Life::Works {
        let said = format!("{name}: {contact}");
        report.warning(
            "source",
            &said,
            "it has just started, or the server holds it up: read the log",
        );
    } else {
        report.ok("source", &format!("{name}: {contact}"));
    }
}

fn token(status: &Status, name: &str, standing: Standing, report: &mut Report) {
    let end = match (standing.obtained_at, standing.expires_at) {
        (None, _) => "none was asked for yet".to_owned(),
        (Some(_), None) => "in hand, and nobody told until when".to_owned(),
        (Some(_), Some(end)) if end <= status.at => format!("ended {}", ago(status.at, end)),
        (Some(_), Some(end)) => format!("in hand until {}", text::instant(end)),
    };
    match standing.failing_since {
        None => report.ok("token", &format!("{name}: {end}")),
        Some(since) => report.error(
            "token",
            &format!(
                "{name}: could not be renewed, first {}; {end}",
                ago(status.at, since)
            ),
            "`recipisa check --online` says what is wrong",
        ),
    }
}

fn queues(status: &Status, report: &Report) {
    let waiting = &status.waiting;
    let lines = [
        (
            waiting.awaited,
            "messages whose bytes have not come",
            0,
            "the server shows them and does not give them; `recipisa held` lists them after half an hour",
        ),
        (
            waiting.undecided,
            "mails without a decision",
            0,
            "read the log for \"a decision failed\"",
        ),
        (
            waiting.receipts,
            "receipts owed",
            waiting.receipts_failing,
            "`recipisa check` looks at the key; `recipisa entries`, then `show NUMBER`, say the error",
        ),
        (
            waiting.letters,
            "letters queued",
            waiting.letters_failing,
            "`recipisa check --online` asks the mail server; `recipisa entries`, then `show NUMBER`, say the error",
        ),
    ];
    for (Queue { count, oldest }, what, failing, remedy) in lines {
        let Some(oldest) = oldest else {
            report.ok("waiting", &format!("{count} {what}"));
            continue;
        };
        let mut said = format!("{count} {what}, the oldest {}", ago(status.at, oldest));
        if failing > 0 {
            said.push_str(&format!("; {failing} have failed at least once"));
        }
        if status.at.duration_since(oldest) > PATIENCE {
            report.warning("waiting", &said, remedy);
        } else {
            report.ok("waiting", &said);
        }
    }
    match waiting.held.oldest {
        None => report.ok("waiting", "0 mails held for a person"),
        Some(oldest) => report.warning(
            "waiting",
            &format!(
                "{} mails held for a person, the oldest {}",
                waiting.held.count,
                ago(status.at, oldest)
            ),
            "`recipisa held` lists them",
        ),
    }
}

/// Every message shown is a mail with one outcome, or awaited.
fn ledger(status: &Status, report: &mut Report) {
    let Some(balance) = &status.balance else { return };
    let shown = balance.shown;
    if balance.misfits_total == 0 {
        let said = format!("every one of {shown} messages shown in the last {DAYS} days is accounted for");
        return report.ok("ledger", &said);
    }
    let named: Vec<String> = balance
        .misfits
        .iter()
        .take(MISFITS_MAX)
        .map(|one| format!("{} of source {} ({})", one.key.0, one.source, one.fault.words()))
        .collect();
    let said = format!(
        "{} of {shown} messages shown in the last {DAYS} days are not accounted for: {}",
        balance.misfits_total,
        named.join("; ")
    );
    report.error(
        "ledger",
        &said,
        "run `recipisa fsck`, and restore what is missing from a backup",
    );
}

fn certificate(status: &Status, report: &mut Report) {
    const REMEDY: &str = "renew it; mail is registered meanwhile, and receipts wait";
    match status.certificate_days() {
        None => report.error(
            "certificate",
            "the key cannot be opened",
            "`recipisa check` says why",
        ),
        Some(days) if days < 0 => report.error("certificate", "no longer valid", REMEDY),
        Some(days) if days < EXPIRY_WARNING_DAYS => {
            report.warning("certificate", &format!("{days} days left"), REMEDY);
        }
        Some(days) => report.ok("certificate", &format!("{days} days left")),
    }
}

/// How long ago, in the one unit that matters.
fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    match seconds {
        i64::MIN..=-1 => "in the future (is the clock right?)".to_owned(),
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} hours ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

fn object(status: &Status) -> Value {
    let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let queue = |queue: Queue| json!({"count": queue.count, "oldest": instant(queue.oldest)});
    let sources = status.sources.iter().map(|source| {
        let failing = source.beat.failing;
        json!({
            "source": source.name,
            "last_contact": instant(source.beat.last_contact),
            "last_mail": instant(source.last_mail),
            "no_contact_since": instant(source.no_contact_since(status.at)),
            "trouble": failing.map(|(trouble, _)| trouble.as_str()),
            "trouble_since": instant(failing.map(|(_, since)| since)),
        })
    });
    let tokens = status.tokens.iter().map(|(name, standing)| {
        json!({
            "oauth": name, "obtained_at": instant(standing.obtained_at), "expires_at": instant(standing.expires_at),
            "failing_since": instant(standing.failing_since), "failures": standing.failures,
        })
    });
    let mails = status
        .tally
        .decided
        .iter()
        .map(|((source, outcome), count)| json!({"source": source, "outcome": outcome, "count": count}));
    let steps = status.stages.iter().map(|taken| {
        json!({
            "step": taken.stage.step(), "stage": taken.stage.as_str(), "times": taken.times,
            "wall_ms": taken.wall_us / 1_000, "cpu_ms": taken.cpu_us / 1_000,
        })
    });
    let waiting = &status.waiting;
    let misfit =
        |one: &Misfit| json!({"source": one.source.0, "key": one.key.0, "fault": one.fault.as_str()});
    let ledger = status.balance.as_ref().map(|balance| {
        json!({
            "days": DAYS, "shown": balance.shown, "unaccounted": balance.misfits_total,
            "messages": balance.misfits.iter().map(misfit).collect::<Vec<_>>(),
        })
    });
    json!({
        "schema": 1,
        "at": status.at.to_string(),
        "daemon": {
            "state": status.life.as_str(),
            "version": status.sign.as_ref().map(|sign| sign.version.as_str()),
            "pid": status.sign.as_ref().map(|sign| sign.pid),
            "started_at": instant(status.sign.as_ref().map(|sign| sign.started_at)),
            "seen_at": instant(status.sign.as_ref().map(|sign| sign.seen_at)),
            "ended_at": instant(status.sign.as_ref().and_then(|sign| sign.ended_at)),
        },
        "sources": sources.collect::<Vec<_>>(),
        "tokens": tokens.collect::<Vec<_>>(),
        "waiting": {
            "awaited": queue(waiting.awaited), "undecided": queue(waiting.undecided), "receipts": queue(waiting.receipts),
            "letters": queue(waiting.letters), "held": queue(waiting.held),
            "receipts_failing": waiting.receipts_failing, "letters_failing": waiting.letters_failing,
        },
        "ledger": ledger,
        "mails": mails.collect::<Vec<_>>(),
        "letters": {
            "sent": status.tally.letters_sent, "given_up": status.tally.letters_given_up,
            "given_up_now": waiting.letters_given_up, "bounced_now": waiting.letters_bounced,
        },
        "steps": steps.collect::<Vec<_>>(),
        "certificate_days": status.certificate_days(),
        "disk": status.space.map(|space| json!({"free": space.free, "size": space.size})),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_one_unit() {
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        for (seconds, said) in [
            (0, "0 s ago"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7_199, "119 min ago"),
            (7_200, "2 hours ago"),
            (172_799, "47 hours ago"),
            (172_800, "2 days ago"),
            (-1, "in the future (is the clock right?)"),
        ] {
            assert_eq!(ago(now, now - SignedDuration::from_secs(seconds)), said);
        }
    }
}
