//! Dates, weekdays and counts in Romanian, as they stand inside a sentence of a letter.
//!
//! Left out: every other text for citizens, which lives with the letter that says it.

use jiff::civil::{Date, Time, Weekday};

use super::Day;

/// `27 noiembrie 2026`.
pub fn date_ro(date: Date) -> String {
    format!("{} {} {}", date.day(), month_ro(date), date.year())
}

/// `vineri, 27 noiembrie 2026`.
pub fn weekday_date_ro(date: Date) -> String {
    format!("{}, {}", weekday_ro(date.weekday()), date_ro(date))
}

/// `27 noiembrie`, for a list whose year is clear.
pub fn day_month_ro(date: Date) -> String {
    format!("{} {}", date.day(), month_ro(date))
}

/// `18:40`.
pub fn time_ro(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// The weekday's name.
pub fn weekday_ro(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "luni",
        Weekday::Tuesday => "marți",
        Weekday::Wednesday => "miercuri",
        Weekday::Thursday => "joi",
        Weekday::Friday => "vineri",
        Weekday::Saturday => "sâmbătă",
        Weekday::Sunday => "duminică",
    }
}

/// `o zi`, `5 zile`, `20 de zile`, `101 zile`, with what follows the noun given for both numbers.
pub fn days_ro(count: u16, singular: &str, plural: &str) -> String {
    match (count, count % 100) {
        (1, _) => format!("o zi {singular}"),
        (0, _) | (_, 1..=19) => format!("{count} zile {plural}"),
        _ => format!("{count} de zile {plural}"),
    }
}

/// What a day is, short enough for parentheses: `Sfântul Andrei`, `duminică`, the act of a bridge day.
pub fn day_ro(date: Date, day: &Day) -> String {
    match day {
        Day::Working | Day::Weekend => weekday_ro(date.weekday()).to_owned(),
        Day::Holiday(kinds) => {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name_ro()).collect();
            names.join(" și ")
        }
        Day::Recovery { source } => format!("zi de recuperare, {source}"),
        Day::Bridge { source } => format!("zi liberă, {source}"),
    }
}

/// `a`, `a și b`, `a, b și c`.
pub fn list_ro(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} și {last}", before.join(", ")),
    }
}

/// The name of the date's month.
pub fn month_ro(date: Date) -> &'static str {
    const MONTHS: [&str; 12] = [
        "ianuarie",
        "februarie",
        "martie",
        "aprilie",
        "mai",
        "iunie",
        "iulie",
        "august",
        "septembrie",
        "octombrie",
        "noiembrie",
        "decembrie",
    ];
    usize::try_from(date.month() - 1)
        .ok()
        .and_then(|month| MONTHS.get(month))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn dates() {
        assert_eq!(weekday_date_ro(date(2026, 11, 27)), "vineri, 27 noiembrie 2026");
        assert_eq!(date_ro(date(2027, 1, 1)), "1 ianuarie 2027");
        assert_eq!(day_month_ro(date(2027, 12, 31)), "31 decembrie");
        assert_eq!(time_ro(jiff::civil::time(8, 5, 59, 0)), "08:05");
    }

    #[test]
    fn counts_take_de_where_romanian_does() {
        let cases = [
            (0, "0 zile"),
            (2, "2 zile"),
            (19, "19 zile"),
            (20, "20 de zile"),
            (45, "45 de zile"),
        ];
        for (count, expected) in cases {
            assert_eq!(days_ro(count, "", "").trim_end(), expected);
        }
        assert_eq!(days_ro(1, "lucrătoare", "lucrătoare"), "o zi lucrătoare");
        assert_eq!(days_ro(100, "a", "b"), "100 de zile b");
        assert_eq!(days_ro(101, "a", "b"), "101 zile b");
        assert_eq!(days_ro(119, "a", "b"), "119 zile b");
        assert_eq!(days_ro(120, "a", "b"), "120 de zile b");
    }

    #[test]
    fn lists() {
        let items = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(list_ro(&items[..0]), "");
        assert_eq!(list_ro(&items[..1]), "a");
        assert_eq!(list_ro(&items[..2]), "a și b");
        assert_eq!(list_ro(&items), "a, b și c");
    }
}
