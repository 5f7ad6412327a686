//! How old the mail in a mailbox is, and what of it would be registered: what an operator has to know before the first
//! start on a mailbox that is already full.

use std::collections::HashSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::calendar::hours::ZONE;
use crate::cli::report::Report;
use crate::cli::text;
use crate::config::Source;
use crate::daemon::{House, looking_mailbox};
use crate::flow::with_causes;
use crate::mailbox::{Sighting, SourceId, SourceKey};
use crate::store::Store;

/// Messages by the legal day on which they reached the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ages {
    today: usize,
    days_1_to_7: usize,
    days_8_to_30: usize,
    days_31_to_365: usize,
    older: usize,
    /// Nobody said when.
    undated: usize,
}

impl Ages {
    fn of<'a>(sightings: impl Iterator<Item = &'a Sighting>, today: Date) -> Self {
        let mut ages = Self::default();
        let before = |days: i64| today.saturating_sub(days.days());
        let (week, month, year) = (before(7), before(30), before(365));
        for sighting in sightings {
            let day = sighting.received_at.map(|at| at.to_zoned(ZONE).date());
            let class = match day {
                None => &mut ages.undated,
                Some(day) if day >= today => &mut ages.today,
                Some(day) if day >= week => &mut ages.days_1_to_7,
                Some(day) if day >= month => &mut ages.days_8_to_30,
                Some(day) if day >= year => &mut ages.days_31_to_365,
                Some(_) => &mut ages.older,
            };
            *class += 1;
        }
        ages
    }

    fn spelled(self) -> String {
        let mut said = format!(
            "{} of today, {} of 1 to 7 days ago, {} of 8 to 30 days ago, {} of 31 to 365 days ago, {} older",
            self.today, self.days_1_to_7, self.days_8_to_30, self.days_31_to_365, self.older
        );
        if self.undated > 0 {
            said.push_str(&format!(", {} without a date", self.undated));
        }
        said
    }

    fn beyond_a_week(self) -> usize {
        self.days_8_to_30 + self.days_31_to_365 + self.older
    }
}

/// Counts what lies in the mailbox `place`. What the registry knows already is told apart, where there is one.
pub(super) fn check(
    source: &Source,
    place: &str,
    house: Option<&House>,
    now: Timestamp,
    report: &mut Report,
) {
    let name = &source.name;
    let listed = looking_mailbox(source)
        .map_err(|error| with_causes(&error))
        .and_then(|mut mailbox| mailbox.list().map_err(|error| with_causes(&error)));
    let shown = match listed {
        Ok(shown) => shown,
        Err(error) => {
            let said = format!("{name}: {place} cannot be listed: {error}");
            return report.error(
                "folder",
                &said,
                "ask whoever runs the server what its answer means",
            );
        }
    };
    let today = now.to_zoned(ZONE).date();
    let count = shown.len();
    let held = if count == 0 {
        "no messages".to_owned()
    } else {
        format!("{}: {}", messages(count), Ages::of(shown.iter(), today).spelled())
    };
    report.ok("folder", &format!("{name}: {place} holds {held}"));
    let known = known(source, house, &shown);
    let new: Vec<&Sighting> = shown.iter().filter(|one| !known.contains(&one.key)).collect();
    if !known.is_empty() {
        let said = format!("{name}: the registry knows {} of them already", known.len());
        report.ok("start", &said);
    }
    match source.start {
        Some(start) => with_start(name, start, now, &new, report),
        None => without_start(
            name,
            Ages::of(new.iter().copied(), today),
            new.len(),
            today,
            report,
        ),
    }
}

fn messages(count: usize) -> String {
    match count {
        1 => "1 message".to_owned(),
        _ => format!("{count} messages"),
    }
}

fn known(source: &Source, house: Option<&House>, shown: &[Sighting]) -> HashSet<SourceKey> {
    let keys: Vec<SourceKey> = shown.iter().map(|sighting| sighting.key.clone()).collect();
    // A store that fails has its own line.
    house
        .and_then(|house| {
            house
                .store
                .mails_known(&SourceId(source.name.clone()), &keys)
                .ok()
        })
        .map(|known| known.into_iter().map(|(key, _)| key).collect())
        .unwrap_or_default()
}

fn with_start(name: &str, start: Timestamp, now: Timestamp, new: &[&Sighting], report: &Report) {
    let noted = new.iter().filter(|one| is_before(one, start)).count();
    let mut said = format!(
        "{name}: mails from {} on are registered: {} of those that lie there now; {} earlier would only be noted, without an \
         answer",
        text::instant(start),
        new.len() - noted,
        noted
    );
    if start > now {
        said.push_str("; that day is still to come");
    }
    report.ok("start", &said);
}

/// Whether a message is only noted. One without a date is not passed over.
pub(in crate::cli) fn is_before(sighting: &Sighting, start: Timestamp) -> bool {
    sighting.received_at.is_some_and(|at| at < start)
}

fn without_start(name: &str, ages: Ages, count: usize, today: Date, report: &Report) {
    let old = ages.beyond_a_week();
    if count == 0 {
        return;
    }
    let said = format!(
        "{name}: without `start`, {} would be registered and answered",
        messages(count)
    );
    if old == 0 {
        return report.ok("start", &said);
    }
    report.warning(
        "start",
        &format!("{said}, {old} of them older than 7 days"),
        &format!(
            "write `start = {today}` under this [[source]], and earlier mails are only noted; `recipisa inspect --source \
             {name}` rehearses it"
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(received_at: Option<&str>) -> Sighting {
        Sighting {
            source: SourceId("s".into()),
            key: SourceKey("k".into()),
            received_at: received_at.map(|at| at.parse().unwrap()),
            size_bytes: 1,
            mdn_sent: false,
        }
    }

    #[test]
    fn days_are_those_of_romania() {
        let shown = [
            // Half past midnight on the day itself.
            Some("2026-11-21T22:30:00Z"),
            // The evening before.
            Some("2026-11-21T21:59:59Z"),
            Some("2026-11-15T10:00:00Z"),
            Some("2026-11-14T10:00:00Z"),
            Some("2026-10-23T10:00:00Z"),
            Some("2026-10-22T10:00:00Z"),
            Some("2025-11-22T10:00:00Z"),
            Some("2025-11-21T10:00:00Z"),
            None,
        ]
        .map(sighting);
        let ages = Ages::of(shown.iter(), jiff::civil::date(2026, 11, 22));
        let expected = Ages {
            today: 1,
            days_1_to_7: 2,
            days_8_to_30: 2,
            days_31_to_365: 2,
            older: 1,
            undated: 1,
        };
        assert_eq!(ages, expected);
        assert!(ages.spelled().ends_with("1 older, 1 without a date"));
    }

    #[test]
    fn the_start_itself_counts() {
        let start: Timestamp = "2026-11-30T22:00:00Z".parse().unwrap();
        assert!(is_before(&sighting(Some("2026-11-30T21:59:59.999999Z")), start));
        assert!(!is_before(&sighting(Some("2026-11-30T22:00:00Z")), start));
        assert!(!is_before(&sighting(None), start));
    }
}
