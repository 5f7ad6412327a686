//! Schedules as people write them, and the odd nights of 2026.

use jiff::civil::Weekday;
use proptest::prelude::*;

use super::*;

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap()
}

/// An instant from what the clock shows, such as `2026-11-20T07:00[Europe/Bucharest]`; the earlier of two.
fn local(text: &str) -> Timestamp {
    let civil: civil::DateTime = text.parse().unwrap();
    civil.to_zoned(ZONE).unwrap().timestamp()
}

fn shown(schedule: &Schedule, after: &str, until: &str) -> Vec<String> {
    schedule
        .occurrences_between(local(after), local(until))
        .map(|at| at.to_zoned(ZONE).strftime("%a %d.%m.%Y %H:%M %:z").to_string())
        .collect()
}

#[test]
fn weekdays_are_those_of_people() {
    let monday_to_friday = [
        "Fri 20.11.2026 07:00 +02:00",
        "Mon 23.11.2026 07:00 +02:00",
        "Tue 24.11.2026 07:00 +02:00",
    ];
    for text in [
        "0 7 * * 1-5",
        "0 7 * * MON-fri",
        "0  7 * * 1,2,3,4,5",
        " 0 7 * * 1-5 ",
    ] {
        assert_eq!(
            shown(&schedule(text), "2026-11-20T06:59", "2026-11-24T07:00"),
            monday_to_friday
        );
    }
    for text in ["0 7 * * 0", "0 7 * * 7", "0 7 * * sun"] {
        let sundays = shown(&schedule(text), "2026-11-20T00:00", "2026-11-29T12:00");
        assert_eq!(
            sundays,
            ["Sun 22.11.2026 07:00 +02:00", "Sun 29.11.2026 07:00 +02:00"]
        );
    }
    let weekend = shown(&schedule("0 7 * * 6-7"), "2026-11-20T00:00", "2026-11-23T00:00");
    assert_eq!(
        weekend,
        ["Sat 21.11.2026 07:00 +02:00", "Sun 22.11.2026 07:00 +02:00"]
    );
}

#[test]
fn either_day_is_enough_where_both_are_restricted() {
    let fridays_and_the_13th = shown(&schedule("0 7 13 * 5"), "2026-12-01T00:00", "2026-12-20T00:00");
    assert_eq!(
        fridays_and_the_13th,
        [
            "Fri 04.12.2026 07:00 +02:00",
            "Fri 11.12.2026 07:00 +02:00",
            "Sun 13.12.2026 07:00 +02:00",
            "Fri 18.12.2026 07:00 +02:00"
        ]
    );
    // A field that begins with a star restricts nothing in this sense, as in crontab(5).
    let odd_fridays = shown(&schedule("0 7 */2 * 5"), "2026-12-01T00:00", "2026-12-20T00:00");
    assert_eq!(odd_fridays, ["Fri 11.12.2026 07:00 +02:00"]);
}

#[test]
fn the_hour_that_is_left_out_counts_once_at_its_end() {
    let in_the_gap = shown(&schedule("30 3 * * *"), "2026-03-28T00:00", "2026-03-31T00:00");
    assert_eq!(
        in_the_gap,
        [
            "Sat 28.03.2026 03:30 +02:00",
            "Sun 29.03.2026 04:00 +03:00",
            "Mon 30.03.2026 03:30 +03:00"
        ]
    );
    let many = shown(
        &schedule("*/20 2-4 * * *"),
        "2026-03-29T02:30",
        "2026-03-29T04:30",
    );
    assert_eq!(
        many,
        [
            "Sun 29.03.2026 02:40 +02:00",
            "Sun 29.03.2026 04:00 +03:00",
            "Sun 29.03.2026 04:20 +03:00"
        ],
        "three times of the gap and 04:00 itself are one"
    );
    let end = local("2026-03-29T04:00");
    let daily = schedule("30 3 * * *");
    assert_eq!(daily.next_after(end - SignedDuration::from_nanos(1)), Some(end));
    assert_eq!(daily.next_after(end), Some(local("2026-03-30T03:30")));
    assert_eq!(daily.last_until(end, Timestamp::MIN), Some(end));
}

#[test]
fn the_hour_that_comes_twice_counts_once() {
    let in_the_fold = shown(&schedule("30 3 * * *"), "2026-10-24T00:00", "2026-10-26T12:00");
    assert_eq!(
        in_the_fold,
        [
            "Sat 24.10.2026 03:30 +03:00",
            "Sun 25.10.2026 03:30 +03:00",
            "Mon 26.10.2026 03:30 +02:00"
        ]
    );
    let first = local("2026-10-25T03:30");
    let second = first + SignedDuration::from_hours(1);
    let daily = schedule("30 3 * * *");
    for at in [
        first,
        second - SignedDuration::from_mins(15),
        second,
        second + SignedDuration::from_mins(15),
    ] {
        assert_eq!(daily.next_after(at), Some(local("2026-10-26T03:30")), "{at}");
        assert_eq!(daily.last_until(at, Timestamp::MIN), Some(first), "{at}");
    }
}

#[test]
fn leap_days_and_long_months_are_found() {
    let leap = schedule("0 0 29 2 *");
    assert_eq!(
        leap.next_after(local("2026-11-20T00:00")),
        Some(local("2028-02-29T00:00"))
    );
    let long = shown(&schedule("0 8 31 * *"), "2026-12-31T08:00", "2027-05-31T08:00");
    assert_eq!(
        long,
        [
            "Sun 31.01.2027 08:00 +02:00",
            "Wed 31.03.2027 08:00 +03:00",
            "Mon 31.05.2027 08:00 +03:00"
        ]
    );
}

#[test]
fn an_absence_is_counted_exactly() {
    let daily = schedule("0 7 * * 1-5");
    let (gone, back) = (local("2026-11-18T06:12"), local("2026-11-23T10:00"));
    assert_eq!(daily.occurrences_between(gone, back).count(), 4);
    assert_eq!(daily.last_until(back, gone), Some(local("2026-11-23T07:00")));
    assert_eq!(
        daily.last_until(local("2026-11-23T06:59"), local("2026-11-20T07:00")),
        None
    );
    assert_eq!(daily.occurrences_between(back, gone).count(), 0);
    assert_eq!(daily.next_after(Timestamp::MAX), None);
}

#[test]
fn what_is_wrong_is_said_with_an_example() {
    let cases = [
        ("", "has 0 fields"),
        ("7", "has 1 field and not five"),
        ("0 0 7 * * 1-5", "has 6 fields"),
        ("@daily", "has 1 field"),
        (
            "60 7 * * *",
            "the minute `60` is not made of numbers from 0 to 59;",
        ),
        ("0 24 * * *", "the hour `24`"),
        (
            "0 7 0 * *",
            "the day of the month `0` is not made of numbers from 1 to 31;",
        ),
        (
            "0 7 * 13 *",
            "the month `13` is not made of numbers from 1 to 12 or a name from jan to dec",
        ),
        ("0 7 * * 8", "the day of the week `8`"),
        ("0 7 * * luni", "a name from sun to sat"),
        ("0 7 * * fri-mon", "`fri-mon` is a range that runs backwards"),
        ("0/15 7 * * *", "has a step after a single value"),
        ("*/0 7 * * *", "has a step that is not a number from 1"),
        ("0, 7 * * *", "the minute `0,`"),
        ("-1 7 * * *", "the minute `-1`"),
        ("+5 7 * * *", "the minute `+5`"),
        ("0 7 ? * 1", "the day of the month `?`"),
        ("0 7 30 2 *", "never comes"),
        ("0 7 31 4,6,9,11 *", "never comes"),
    ];
    for (text, words) in cases {
        let error = text.parse::<Schedule>().unwrap_err().to_string();
        assert!(
            error.contains(words) && error.contains("`0 7 * * 1-5`"),
            "{text}: {error}"
        );
    }
}

/// The five fields of a schedule, to ask without any search whether a minute is named.
struct Named {
    fields: [BTreeSet<u8>; 5],
    either: bool,
}

impl Named {
    fn new(text: &str) -> Self {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let read = |index: usize, field: &Field| field.read(fields[index]).unwrap();
        Self {
            fields: [
                read(0, &MINUTE),
                read(1, &HOUR),
                read(2, &DAY),
                read(3, &MONTH),
                read(4, &WEEKDAY),
            ],
            either: !fields[2].starts_with('*') && !fields[4].starts_with('*'),
        }
    }

    fn fits(&self, at: civil::DateTime) -> bool {
        let has = |index: usize, value: i8| self.fields[index].contains(&u8::try_from(value).unwrap());
        let sunday = at.date().weekday() == Weekday::Sunday && has(4, 7);
        let weekday = sunday || has(4, at.date().weekday().to_sunday_zero_offset());
        let day = has(2, at.day());
        has(0, at.minute())
            && has(1, at.hour())
            && has(3, at.month())
            && if self.either {
                day || weekday
            } else {
                day && weekday
            }
    }
}

fn texts() -> impl Strategy<Value = String> {
    let minute = prop::sample::select(vec!["0", "30", "*/20", "0,59", "5-10", "*"]);
    let hour = prop::sample::select(vec!["7", "3", "*", "2-4", "0", "23", "*/6"]);
    let day = prop::sample::select(vec!["*", "*", "1", "31", "*/3", "28-31", "25,29"]);
    let month = prop::sample::select(vec!["*", "*", "*", "3,10", "feb", "1-6"]);
    let weekday = prop::sample::select(vec!["*", "*", "1-5", "0", "7", "5-7", "*/2", "sat", "1,3"]);
    (minute, hour, day, month, weekday).prop_map(|(a, b, c, d, e)| format!("{a} {b} {c} {d} {e}"))
}

/// Instants near the odd nights as often as any others.
fn instants() -> impl Strategy<Value = Timestamp> {
    let anywhere = 1_750_000_000_i64..1_950_000_000;
    let spring = local("2026-03-29T00:00").as_second();
    let autumn = local("2026-10-25T00:00").as_second();
    prop_oneof![anywhere, spring..spring + 30_000, autumn..autumn + 30_000]
        .prop_map(|second| Timestamp::from_second(second).unwrap())
}

proptest! {
    /// Every minute of three days is walked through, and the clock is looked at.
    #[test]
    fn the_search_finds_what_a_walk_finds(text in texts(), start in instants()) {
        let named = Named::new(&text);
        let end = start + SignedDuration::from_hours(72);
        let mut walked = BTreeSet::new();
        let minute = SignedDuration::from_mins(1);
        let first = Timestamp::from_second(start.as_second().div_euclid(60) * 60 + 60).unwrap();
        let mut at = first;
        let mut before = (at - minute).to_zoned(ZONE).datetime();
        while at <= end {
            let now = at.to_zoned(ZONE).datetime();
            let jump = now.duration_since(before);
            let was_here = jump <= SignedDuration::ZERO;
            // All minutes that the clock leaves out belong to the first one after them.
            let mut left_out = before.checked_add(minute).unwrap();
            let mut hit = !was_here && named.fits(now);
            while left_out < now {
                hit |= named.fits(left_out);
                left_out = left_out.checked_add(minute).unwrap();
            }
            if hit {
                walked.insert(at);
            }
            // In the second passing nothing counts until the clock shows something new.
            before = if was_here { before } else { now };
            at += minute;
        }
        // A start inside the second passing has no walk before it that would know.
        let hour_before = (first - SignedDuration::from_hours(1)).to_zoned(ZONE);
        prop_assume!(hour_before.offset() == first.to_zoned(ZONE).offset());
        let schedule: Schedule = match text.parse() {
            Ok(schedule) => schedule,
            Err(_) => { prop_assert!(walked.is_empty()); return Ok(()); }
        };
        let found: BTreeSet<Timestamp> = schedule.occurrences_between(start, end).collect();
        prop_assert_eq!(&found, &walked);
        prop_assert_eq!(schedule.last_until(end, start), walked.last().copied());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9*/,a-z -]{0,24}") {
        if let Ok(schedule) = text.parse::<Schedule>() {
            let again: Schedule = schedule.as_str().parse().unwrap();
            prop_assert_eq!(again, schedule);
        }
    }
}
