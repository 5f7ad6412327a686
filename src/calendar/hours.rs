//! The office's programme, and the day on which the processing of a received mail starts.
//!
//! The rule of the procedure (OUG 97/2020 practice): a mail that comes within the programme is taken
//! up the same day, any other on the next working day; registration and receipt do not wait. Before
//! opening on a working day it is still the same day.
//!
//! Left out: breaks, and hours that end after midnight.

use jiff::civil::{Date, Time, Weekday};
use jiff::{Timestamp, tz};

use super::wording::{date_ro, day_month_ro, day_ro, list_ro, time_ro, weekday_date_ro, weekday_ro};
use super::{Calendar, Day};

/// The zone in which Romanian offices live.
pub const ZONE: tz::TimeZone = tz::get!("Europe/Bucharest");

/// Opening and closing hour of one weekday; closing comes later, on the same day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    opens: Time,
    closes: Time,
}

/// The programme of a week, with at least one day open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeHours {
    week: [Option<Hours>; 7],
}

/// Why hours were not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not two times of day with a hyphen between.
    #[error("\u{201c}{0}\u{201d} is not of the form 08:00-16:30")]
    Form(String),
    /// The closing hour is not after the opening hour.
    #[error("\u{201c}{0}\u{201d} closes before it opens")]
    Order(String),
    /// No day of the week is open.
    #[error("the office is closed all week")]
    Closed,
}

/// When processing starts and why then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessingDay {
    /// The day, in Europe/Bucharest.
    pub date: Date,
    /// Part of a sentence, without capital and full stop, such as `primit luni, 23 noiembrie 2026,
    /// ora 10:15, în timpul programului de lucru`.
    pub reason_ro: String,
}

impl Hours {
    /// From the opening up to and with the minute of the closing hour.
    ///
    /// # Errors
    /// [`HoursError::Order`] when the office would not be open at all.
    pub fn new(opens: Time, closes: Time) -> Result<Self, HoursError> {
        if opens < closes {
            Ok(Self { opens, closes })
        } else {
            Err(HoursError::Order(format!(
                "{}-{}",
                time_ro(opens),
                time_ro(closes)
            )))
        }
    }

    /// When the office opens.
    pub fn opens(self) -> Time {
        self.opens
    }

    /// When the office closes.
    pub fn closes(self) -> Time {
        self.closes
    }
}

impl std::str::FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let form = || HoursError::Form(text.to_owned());
        let (opens, closes) = text.split_once('-').ok_or_else(form)?;
        let opens = time_of_day(opens.trim()).ok_or_else(form)?;
        let closes = time_of_day(closes.trim()).ok_or_else(form)?;
        Self::new(opens, closes)
    }
}

impl OfficeHours {
    /// The week from Monday to Sunday; `None` is a day without programme.
    ///
    /// # Errors
    /// [`HoursError::Closed`] when no day has hours.
    pub fn new(week: [Option<Hours>; 7]) -> Result<Self, HoursError> {
        if week.iter().all(Option::is_none) {
            Err(HoursError::Closed)
        } else {
            Ok(Self { week })
        }
    }

    /// The programme of a weekday.
    pub fn of(&self, weekday: Weekday) -> Option<Hours> {
        let index = usize::try_from(weekday.to_monday_zero_offset()).ok()?;
        self.week.get(index).copied().flatten()
    }

    /// The programme in words, such as `luni–joi 08:00–16:30, vineri 08:00–14:00`.
    pub fn hours_ro(&self) -> String {
        let mut groups: Vec<(Weekday, Weekday, Hours)> = Vec::new();
        for weekday in Weekday::Monday.cycle_forward().take(7) {
            let Some(hours) = self.of(weekday) else { continue };
            match groups.last_mut() {
                Some((_, last, same)) if *same == hours && last.next() == weekday => *last = weekday,
                Some(_) | None => groups.push((weekday, weekday, hours)),
            }
        }
        let words: Vec<String> = groups
            .into_iter()
            .map(|(first, last, hours)| {
                let days = if first == last {
                    weekday_ro(first).to_owned()
                } else {
                    format!("{}\u{2013}{}", weekday_ro(first), weekday_ro(last))
                };
                format!("{days} {}\u{2013}{}", time_ro(hours.opens), time_ro(hours.closes))
            })
            .collect();
        words.join(", ")
    }

    /// The programme of a date, `None` when nobody works then.
    ///
    /// A recovery day whose weekday has no programme is worked by that of the week's first open day,
    /// for the acts that order it name the day and not the hours.
    pub fn on(&self, date: Date, calendar: &Calendar) -> Option<Hours> {
        let own = self.of(date.weekday());
        match calendar.day(date) {
            Day::Working => own,
            Day::Recovery { .. } => own.or_else(|| self.week.iter().copied().flatten().next()),
            Day::Weekend | Day::Holiday(_) | Day::Bridge { .. } => None,
        }
    }
}

impl Default for OfficeHours {
    /// Monday to Thursday 08:00–16:30, Friday 08:00–14:00, the usual programme of county offices.
    fn default() -> Self {
        let opens = jiff::civil::time(8, 0, 0, 0);
        let long = Some(Hours {
            opens,
            closes: jiff::civil::time(16, 30, 0, 0),
        });
        let short = Some(Hours {
            opens,
            closes: jiff::civil::time(14, 0, 0, 0),
        });
        Self {
            week: [long, long, long, long, short, None, None],
        }
    }
}

/// The first instant from `at` on at which the office is open; `at` itself within the hours, else an opening.
pub fn next_open(at: Timestamp, hours: &OfficeHours, calendar: &Calendar) -> Timestamp {
    let local = at.to_zoned(ZONE);
    let mut date = local.date();
    if let Some(open) = hours.on(date, calendar)
        && local.time() < open.closes
    {
        if local.time() >= open.opens {
            return at;
        }
        return opening(date, open).unwrap_or(at);
    }
    while let Ok(tomorrow) = date.tomorrow() {
        date = tomorrow;
        if let Some(open) = hours.on(date, calendar) {
            return opening(date, open).unwrap_or(at);
        }
    }
    at
}

fn opening(date: Date, open: Hours) -> Option<Timestamp> {
    let opening = date.to_datetime(open.opens).to_zoned(ZONE).ok()?;
    Some(opening.timestamp())
}

/// The day on which a mail received at this instant is taken up.
///
/// Minutes decide, not seconds, so that the sentence never contradicts the hour it prints: a mail of
/// 16:30:40 was received at 16:30, when the office closed.
pub fn processing_day(received: Timestamp, hours: &OfficeHours, calendar: &Calendar) -> ProcessingDay {
    let local = received.to_zoned(ZONE);
    let date = local.date();
    let minute = Time::new(local.hour(), local.minute(), 0, 0).unwrap_or(Time::MIN);
    let received_ro = format!("primit {}, ora {}", weekday_date_ro(date), time_ro(minute));
    let Some(open) = hours.on(date, calendar) else {
        let why = match calendar.day(date) {
            Day::Working | Day::Recovery { .. } => "zi fără program de lucru".to_owned(),
            Day::Weekend => "la sfârșit de săptămână".to_owned(),
            Day::Holiday(kinds) => {
                format!("zi de sărbătoare legală ({})", day_ro(date, &Day::Holiday(kinds)))
            }
            Day::Bridge { source } => format!("zi liberă ({source})"),
        };
        return next_open_day(date, format!("{received_ro}, {why}"), hours, calendar);
    };
    if minute > open.closes {
        return next_open_day(
            date,
            format!("{received_ro}, după programul de lucru"),
            hours,
            calendar,
        );
    }
    let when = if minute < open.opens {
        format!(
            "înainte de începerea programului de lucru (ora {})",
            time_ro(open.opens)
        )
    } else {
        "în timpul programului de lucru".to_owned()
    };
    ProcessingDay {
        date,
        reason_ro: format!("{received_ro}, {when}"),
    }
}

/// The first day after the date on which the office is open, with the free days on the way named.
///
/// Plain weekends are not named: everybody knows them, and the sentence gives the weekday.
fn next_open_day(after: Date, reason: String, hours: &OfficeHours, calendar: &Calendar) -> ProcessingDay {
    let mut date = after;
    let mut free = Vec::new();
    while let Ok(tomorrow) = date.tomorrow() {
        date = tomorrow;
        if hours.on(date, calendar).is_some() {
            break;
        }
        let day = calendar.day(date);
        match day {
            Day::Holiday(_) | Day::Bridge { .. } => free.push((date, day_ro(date, &day))),
            Day::Weekend | Day::Working | Day::Recovery { .. } => {}
        }
    }
    let named: Vec<String> = free
        .iter()
        .map(|(day, name)| {
            // A list that crosses into another year says the year, as "2 ianuarie" alone would puzzle.
            let when = if day.year() == after.year() {
                day_month_ro(*day)
            } else {
                date_ro(*day)
            };
            format!("{when} ({name})")
        })
        .collect();
    let reason_ro = match named.as_slice() {
        [] => reason,
        [one] => format!("{reason}; {one} este zi nelucrătoare"),
        [..] => format!("{reason}; {} sunt zile nelucrătoare", list_ro(&named)),
    };
    ProcessingDay { date, reason_ro }
}

/// Hours and minutes with two digits each, nothing else.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<i8>().ok()).flatten()
    };
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    use super::super::overrides::{Override, Working};
    use super::*;

    fn at(local: &str) -> Timestamp {
        local
            .parse::<jiff::civil::DateTime>()
            .unwrap()
            .to_zoned(ZONE)
            .unwrap()
            .timestamp()
    }

    fn calendar() -> Calendar {
        let change = |day, working, source: &str| Override {
            date: day,
            working,
            source: source.to_owned(),
        };
        Calendar::new([
            change(date(2027, 8, 16), Working::NonWorking, "HG nr. 1/2027"),
            change(date(2027, 8, 21), Working::Working, "HG nr. 1/2027"),
        ])
        .unwrap()
    }

    #[test]
    fn processing_days() {
        let table = include_str!("../../fixtures/calendar/processing.tsv");
        let mut rows = 0;
        for row in table.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<&str> = row.split('\t').collect();
            let [received, expected_date, expected_reason] = cells[..] else {
                panic!("{row}")
            };
            let day = processing_day(received.parse().unwrap(), &OfficeHours::default(), &calendar());
            assert_eq!(
                (day.date.to_string().as_str(), day.reason_ro.as_str()),
                (expected_date, expected_reason)
            );
            rows += 1;
        }
        assert_eq!(rows, 18);
    }

    #[test]
    fn both_instants_of_the_hour_that_comes_twice_are_one_day() {
        let first: Timestamp = "2026-10-25T00:30:00Z".parse().unwrap();
        let second: Timestamp = "2026-10-25T01:30:00Z".parse().unwrap();
        let hours = OfficeHours::default();
        assert_eq!(
            processing_day(first, &hours, &calendar()),
            processing_day(second, &hours, &calendar()),
            "03:30 in summer and in winter time"
        );
    }

    #[test]
    fn a_day_without_programme_is_passed_over() {
        let mut week = OfficeHours::default().week;
        week[4] = None;
        let hours = OfficeHours::new(week).unwrap();
        let day = processing_day(at("2026-11-27T10:00"), &hours, &calendar());
        assert_eq!(day.date, date(2026, 12, 2));
        assert!(
            day.reason_ro.contains("zi fără program de lucru"),
            "{}",
            day.reason_ro
        );
    }

    #[test]
    fn texts_of_hours() {
        let default = OfficeHours::default();
        assert_eq!(
            default.hours_ro(),
            "luni\u{2013}joi 08:00\u{2013}16:30, vineri 08:00\u{2013}14:00"
        );
        let hours: Hours = " 09:15 - 17:00 ".parse().unwrap();
        assert_eq!(
            (hours.opens(), hours.closes()),
            (time(9, 15, 0, 0), time(17, 0, 0, 0))
        );
        let gap = OfficeHours::new([Some(hours), None, Some(hours), None, None, None, Some(hours)]).unwrap();
        assert_eq!(
            gap.hours_ro(),
            "luni 09:15\u{2013}17:00, miercuri 09:15\u{2013}17:00, duminică 09:15\u{2013}17:00"
        );
    }

    #[test]
    fn hours_that_are_none() {
        for text in [
            "",
            "08:00",
            "8:00-16:30",
            "08:00-24:00",
            "08:60-16:30",
            "08:00-16:30-17:00",
            "+8:00-16:30",
        ] {
            assert_eq!(text.parse::<Hours>(), Err(HoursError::Form(text.to_owned())));
        }
        assert!(matches!(
            "16:30-08:00".parse::<Hours>(),
            Err(HoursError::Order(_))
        ));
        assert!(matches!(
            "08:00-08:00".parse::<Hours>(),
            Err(HoursError::Order(_))
        ));
        assert_eq!(OfficeHours::new([None; 7]), Err(HoursError::Closed));
    }

    #[test]
    fn letters_wait_for_the_opening() {
        let next = |local: &str| {
            next_open(at(local), &OfficeHours::default(), &calendar())
                .to_zoned(ZONE)
                .datetime()
                .to_string()
        };
        assert_eq!(
            next("2026-11-27T10:00"),
            "2026-11-27T10:00:00",
            "within the hours: now"
        );
        assert_eq!(next("2026-11-27T07:59"), "2026-11-27T08:00:00");
        // Friday at closing, St Andrew's Day and the National Day behind the weekend.
        assert_eq!(next("2026-11-27T14:00"), "2026-12-02T08:00:00");
        assert_eq!(next("2027-08-13T18:00"), "2027-08-17T08:00:00", "a bridge day");
        assert_eq!(
            next("2027-08-20T18:00"),
            "2027-08-21T08:00:00",
            "a recovery Saturday"
        );
    }

    proptest! {
        #[test]
        fn processing_starts_on_an_open_day_and_never_before_the_mail(minutes in 0_i64..45_000_000) {
            let received = at("2012-01-01T00:00").checked_add(minutes.minutes()).unwrap();
            let hours = OfficeHours::default();
            let day = processing_day(received, &hours, &calendar());
            prop_assert!(day.date >= received.to_zoned(ZONE).date());
            prop_assert!(hours.on(day.date, &calendar()).is_some());
        }
    }
}
