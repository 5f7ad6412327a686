//! The status as Prometheus reads it: the text format, version 0.0.4.
//!
//! Labels are names of sources, outcomes, steps and queues, and never anything of a mail.

use std::fmt::Write;

use jiff::Timestamp;

use crate::daemon::status::Status;
use crate::edge::oauth::Standing;
use crate::store::Queue;

/// A metric family being written.
struct Page {
    text: String,
}

impl Page {
    /// The head of a family; its samples follow.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text cannot fail.
        write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n").ok();
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
            .collect();
        if labels.is_empty() {
            writeln!(self.text, "{name} {value}").ok();
        } else {
            writeln!(self.text, "{name}{{{}}} {value}", labels.join(",")).ok();
        }
    }
}

/// Backslash, quote and line end, as the format wants them in labels.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}

/// The whole page.
pub(super) fn text(status: &Status) -> String {
    let mut page = Page { text: String::new() };
    process(&mut page, status);
    done(&mut page, status);
    waiting(&mut page, status);
    sources(&mut page, status);
    tokens(&mut page, status);
    ledger(&mut page, status);
    stages(&mut page, status);
    world(&mut page, status);
    page.text
}

fn process(page: &mut Page, status: &Status) {
    let Some(sign) = &status.sign else { return };
    page.family("recipisa_build_info", "gauge", "The version that runs; always 1.");
    page.sample("recipisa_build_info", &[("version", &sign.version)], 1);
    let name = "recipisa_start_time_seconds";
    page.family(name, "gauge", "When the daemon started, in seconds since 1970.");
    page.sample(name, &[], seconds(sign.started_at));
}

fn done(page: &mut Page, status: &Status) {
    // Half a count would look like a burst of mail when the rest comes.
    if !status.tally.is_complete {
        return;
    }
    let name = "recipisa_mails_total";
    page.family(
        name,
        "counter",
        "Decisions about mails since the registry began; a mail that was held counts again when it is decided anew.",
    );
    for ((source, outcome), count) in &status.tally.decided {
        page.sample(name, &[("source", source), ("outcome", outcome)], count);
    }
    let name = "recipisa_letters_total";
    page.family(
        name,
        "counter",
        "Letters that were sent or given up since the registry began.",
    );
    page.sample(name, &[("result", "sent")], status.tally.letters_sent);
    page.sample(name, &[("result", "given-up")], status.tally.letters_given_up);
}

fn waiting(page: &mut Page, status: &Status) {
    let waiting = &status.waiting;
    let queues = [
        ("awaited", waiting.awaited),
        ("undecided", waiting.undecided),
        ("receipts", waiting.receipts),
        ("letters", waiting.letters),
        ("held", waiting.held),
    ];
    let name = "recipisa_waiting";
    page.family(
        name,
        "gauge",
        "What waits: messages whose bytes have not come, mails without a decision, receipts owed, letters queued, mails held for a person.",
    );
    for (queue, Queue { count, .. }) in queues {
        page.sample(name, &[("queue", queue)], count);
    }
    let name = "recipisa_waiting_oldest_seconds";
    page.family(
        name,
        "gauge",
        "How long the oldest in the queue has waited; 0 where nothing waits.",
    );
    for (queue, Queue { oldest, .. }) in queues {
        let age = oldest.map_or(0, |oldest| status.at.duration_since(oldest).as_secs().max(0));
        page.sample(name, &[("queue", queue)], age);
    }
    let name = "recipisa_failing";
    page.family(
        name,
        "gauge",
        "How many of those that wait have failed at least once.",
    );
    page.sample(name, &[("queue", "receipts")], waiting.receipts_failing);
    page.sample(name, &[("queue", "letters")], waiting.letters_failing);
    let name = "recipisa_letters_given_up";
    page.family(name, "gauge", "Letters that need another way to the citizen.");
    page.sample(name, &[], waiting.letters_given_up);
    let name = "recipisa_letters_bounced";
    page.family(
        name,
        "gauge",
        "Letters that came back and need another way to the citizen.",
    );
    page.sample(name, &[], waiting.letters_bounced);
}

fn sources(page: &mut Page, status: &Status) {
    let name = "recipisa_source_last_contact_timestamp_seconds";
    page.family(
        name,
        "gauge",
        "When the source was last read to its end, in seconds since 1970.",
    );
    for source in &status.sources {
        if let Some(at) = source.beat.last_contact {
            page.sample(name, &[("source", &source.name)], seconds(at));
        }
    }
    let name = "recipisa_source_last_mail_timestamp_seconds";
    page.family(
        name,
        "gauge",
        "When the source last brought a mail, in seconds since 1970.",
    );
    for source in &status.sources {
        if let Some(at) = source.last_mail {
            page.sample(name, &[("source", &source.name)], seconds(at));
        }
    }
    let name = "recipisa_source_up";
    page.family(
        name,
        "gauge",
        "1 when the last look at the source was without trouble.",
    );
    for source in &status.sources {
        let up = source.beat.last_contact.is_some() && source.beat.failing.is_none();
        page.sample(name, &[("source", &source.name)], u8::from(up));
    }
    let name = "recipisa_source_alarm";
    page.family(
        name,
        "gauge",
        "1 while nobody could reach the source for longer than its alarm_after_hours.",
    );
    for source in &status.sources {
        let alarm = source.no_contact_since(status.at).is_some();
        page.sample(name, &[("source", &source.name)], u8::from(alarm));
    }
    let name = "recipisa_source_failures_total";
    page.family(
        name,
        "counter",
        "Looks at the source that had trouble, by its kind.",
    );
    for source in &status.sources {
        for (kind, count) in &source.beat.failures {
            page.sample(name, &[("source", &source.name), ("kind", kind.as_str())], count);
        }
    }
}

/// Only of those that were ever asked for.
fn tokens(page: &mut Page, status: &Status) {
    let known = |(_, standing): &&(String, Standing)| standing.obtained_at.is_some() || standing.failures > 0;
    let tokens: Vec<&(String, Standing)> = status.tokens.iter().filter(known).collect();
    if tokens.is_empty() {
        return;
    }
    let name = "recipisa_oauth_token_end_timestamp_seconds";
    page.family(
        name,
        "gauge",
        "When the access token in hand ends, in seconds since 1970; absent where nobody told.",
    );
    for (oauth, standing) in &tokens {
        if let Some(end) = standing.expires_at {
            page.sample(name, &[("oauth", oauth)], seconds(end));
        }
    }
    let name = "recipisa_oauth_up";
    page.family(name, "gauge", "1 when the last renewal of the token went well.");
    for (oauth, standing) in &tokens {
        page.sample(
            name,
            &[("oauth", oauth)],
            u8::from(standing.failing_since.is_none()),
        );
    }
    let name = "recipisa_oauth_failures_total";
    page.family(name, "counter", "Renewals of the token that failed.");
    for (oauth, standing) in &tokens {
        page.sample(name, &[("oauth", oauth)], standing.failures);
    }
}

/// The daemon's last look at the ledger.
fn ledger(page: &mut Page, status: &Status) {
    let Some(balance) = &status.balance else { return };
    let name = "recipisa_messages_unaccounted";
    page.family(
        name,
        "gauge",
        "Messages shown in the last 7 days that are not accounted for; anything but 0 needs a person.",
    );
    page.sample(name, &[], balance.misfits_total);
    let name = "recipisa_messages_balanced_timestamp_seconds";
    page.family(
        name,
        "gauge",
        "When the messages shown were last compared with the mails, in seconds since 1970.",
    );
    page.sample(name, &[], seconds(balance.at));
}

/// Sums and counts; a summary may do without quantiles. The mean over any time is their quotient.
fn stages(page: &mut Page, status: &Status) {
    let name = "recipisa_step_duration_seconds";
    page.family(
        name,
        "summary",
        "Wall time of the stages of each step, summed over all threads.",
    );
    for taken in &status.stages {
        let labels = [("step", taken.stage.step()), ("stage", taken.stage.as_str())];
        page.sample(&format!("{name}_sum"), &labels, taken.wall_us as f64 / 1e6);
        page.sample(&format!("{name}_count"), &labels, taken.times);
    }
    let name = "recipisa_step_cpu_seconds_total";
    page.family(name, "counter", "Processor time of the stages of each step.");
    for taken in &status.stages {
        let labels = [("step", taken.stage.step()), ("stage", taken.stage.as_str())];
        page.sample(name, &labels, taken.cpu_us as f64 / 1e6);
    }
}

fn world(page: &mut Page, status: &Status) {
    if let Some(until) = status.certificate_until {
        let name = "recipisa_certificate_days_left";
        page.family(
            name,
            "gauge",
            "Days until the certificate that seals receipts is no longer valid.",
        );
        let days = until.duration_since(status.at).as_secs_f64() / 86_400.0;
        page.sample(name, &[], format!("{days:.3}"));
    }
    if let Some(space) = status.space {
        let name = "recipisa_storage_free_bytes";
        page.family(name, "gauge", "Space left where the registry lies.");
        page.sample(name, &[], space.free);
        let name = "recipisa_storage_size_bytes";
        page.family(name, "gauge", "Size of the file system where the registry lies.");
        page.sample(name, &[], space.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut page = Page { text: String::new() };
        page.sample("a", &[("b", "c\\\"\nd"), ("e", "f")], 1.5);
        page.sample("g", &[], 2);
        assert_eq!(page.text, "a{b=\"c\\\\\\\"\\nd\",e=\"f\"} 1.5\ng 2\n");
    }
}
