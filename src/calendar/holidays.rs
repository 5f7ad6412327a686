//! The legal holidays of Romania (Labour Code, Law 53/2003, art. 139 (1)), each from the year in
//! which its rule entered.
//!
//! Complete for the years 2012 to 2099. There is no substitute day for a holiday that falls on a
//! weekend. Left out: the free days of persons of other cults (art. 139 (1) last indent and
//! (2^1)), which are theirs and do not close the office.

use jiff::civil::Date;

/// A legal holiday, in the order of art. 139 (1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HolidayKind {
    /// 1 January.
    NewYear,
    /// 2 January.
    NewYearSecond,
    /// 6 January, since 2024.
    Epiphany,
    /// 7 January, since 2024.
    SaintJohn,
    /// 24 January, since 2017.
    Union,
    /// The Friday before Easter, since 2018.
    GoodFriday,
    /// Orthodox Easter Sunday.
    Easter,
    /// The day after it.
    EasterMonday,
    /// 1 May.
    Labour,
    /// 1 June, since 2017.
    Children,
    /// Pentecost: Easter and 49 days, since 2009.
    Pentecost,
    /// The day after it, since 2009.
    PentecostMonday,
    /// 15 August, since 2009.
    Dormition,
    /// 30 November, since 2012.
    SaintAndrew,
    /// 1 December.
    National,
    /// 25 December.
    Christmas,
    /// 26 December.
    ChristmasSecond,
}

/// A holiday of one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holiday {
    /// Its date in that year.
    pub date: Date,
    /// Which one it is.
    pub kind: HolidayKind,
}

/// When in the year a holiday falls.
enum Falls {
    /// Month and day.
    On(i8, i8),
    /// Days after Orthodox Easter Sunday.
    AfterEaster(i32),
}

impl HolidayKind {
    /// All of them, in the order of the law.
    pub const ALL: [Self; 17] = [
        Self::NewYear,
        Self::NewYearSecond,
        Self::Epiphany,
        Self::SaintJohn,
        Self::Union,
        Self::GoodFriday,
        Self::Easter,
        Self::EasterMonday,
        Self::Labour,
        Self::Children,
        Self::Pentecost,
        Self::PentecostMonday,
        Self::Dormition,
        Self::SaintAndrew,
        Self::National,
        Self::Christmas,
        Self::ChristmasSecond,
    ];

    /// The name as it stands in a sentence of a letter.
    pub fn name_ro(self) -> &'static str {
        match self {
            Self::NewYear => "Anul Nou",
            Self::NewYearSecond => "a doua zi de Anul Nou",
            Self::Epiphany => "Boboteaza",
            Self::SaintJohn => "Soborul Sfântului Ioan Botezătorul",
            Self::Union => "Ziua Unirii Principatelor Române",
            Self::GoodFriday => "Vinerea Mare",
            Self::Easter => "prima zi de Paști",
            Self::EasterMonday => "a doua zi de Paști",
            Self::Labour => "Ziua Muncii",
            Self::Children => "Ziua Copilului",
            Self::Pentecost => "prima zi de Rusalii",
            Self::PentecostMonday => "a doua zi de Rusalii",
            Self::Dormition => "Adormirea Maicii Domnului",
            Self::SaintAndrew => "Sfântul Andrei",
            Self::National => "Ziua Națională",
            Self::Christmas => "prima zi de Crăciun",
            Self::ChristmasSecond => "a doua zi de Crăciun",
        }
    }

    /// The act that made it a holiday.
    pub fn law(self) -> &'static str {
        match self {
            Self::NewYear
            | Self::NewYearSecond
            | Self::Easter
            | Self::EasterMonday
            | Self::Labour
            | Self::National
            | Self::Christmas
            | Self::ChristmasSecond => "Legea nr. 75/1996; Codul muncii, art. 139",
            Self::Pentecost | Self::PentecostMonday | Self::Dormition => "Legea nr. 202/2008",
            Self::SaintAndrew => "Legea nr. 147/2012",
            Self::Union => "Legea nr. 176/2016",
            Self::Children => "Legea nr. 220/2016",
            Self::GoodFriday => "Legea nr. 64/2018",
            Self::Epiphany | Self::SaintJohn => "Legea nr. 52/2023",
        }
    }

    /// The first year in which it was a holiday.
    pub fn since(self) -> i16 {
        match self {
            Self::NewYear
            | Self::NewYearSecond
            | Self::Easter
            | Self::EasterMonday
            | Self::Labour
            | Self::National
            | Self::Christmas
            | Self::ChristmasSecond => 1997,
            Self::Pentecost | Self::PentecostMonday | Self::Dormition => 2009,
            Self::SaintAndrew => 2012,
            Self::Union | Self::Children => 2017,
            Self::GoodFriday => 2018,
            Self::Epiphany | Self::SaintJohn => 2024,
        }
    }

    /// Its date in the year; `None` before the rule's entry.
    pub fn date_in(self, year: i16) -> Option<Date> {
        if year < self.since() {
            return None;
        }
        match self.falls() {
            Falls::On(month, day) => Date::new(year, month, day).ok(),
            Falls::AfterEaster(days) => orthodox_easter(year)?
                .checked_add(jiff::Span::new().days(days))
                .ok(),
        }
    }

    fn falls(self) -> Falls {
        match self {
            Self::NewYear => Falls::On(1, 1),
            Self::NewYearSecond => Falls::On(1, 2),
            Self::Epiphany => Falls::On(1, 6),
            Self::SaintJohn => Falls::On(1, 7),
            Self::Union => Falls::On(1, 24),
            Self::GoodFriday => Falls::AfterEaster(-2),
            Self::Easter => Falls::AfterEaster(0),
            Self::EasterMonday => Falls::AfterEaster(1),
            Self::Labour => Falls::On(5, 1),
            Self::Children => Falls::On(6, 1),
            Self::Pentecost => Falls::AfterEaster(49),
            Self::PentecostMonday => Falls::AfterEaster(50),
            Self::Dormition => Falls::On(8, 15),
            Self::SaintAndrew => Falls::On(11, 30),
            Self::National => Falls::On(12, 1),
            Self::Christmas => Falls::On(12, 25),
            Self::ChristmasSecond => Falls::On(12, 26),
        }
    }
}

/// The holidays of a year by date; two that meet on one date are both there, in the law's order.
pub fn of_year(year: i16) -> Vec<Holiday> {
    let mut holidays: Vec<Holiday> = HolidayKind::ALL
        .into_iter()
        .filter_map(|kind| kind.date_in(year).map(|date| Holiday { date, kind }))
        .collect();
    holidays.sort_by_key(|holiday| (holiday.date, holiday.kind));
    holidays
}

/// The holidays that fall on the date: mostly none, sometimes two.
pub fn on(date: Date) -> Vec<HolidayKind> {
    HolidayKind::ALL
        .into_iter()
        .filter(|kind| kind.date_in(date.year()) == Some(date))
        .collect()
}

/// Orthodox Easter Sunday in today's (Gregorian) calendar; `None` outside the years 1583 to 9998.
///
/// Meeus' algorithm gives the Julian date; the two calendars drift apart by three days in four
/// centuries.
pub fn orthodox_easter(year: i16) -> Option<Date> {
    if !(1583..=9998).contains(&year) {
        return None;
    }
    let years = i32::from(year);
    let (a, b, c) = (years % 4, years % 7, years % 19);
    let d = (19 * c + 15) % 30;
    let e = (2 * a + 4 * b - d + 34) % 7;
    // Counted in days from 1 March so that the digits of a Julian date never have to be a date.
    let from_march = (d + e + 114) - 3 * 31;
    let drift = years / 100 - years / 400 - 2;
    Date::new(year, 3, 1)
        .ok()?
        .checked_add(jiff::Span::new().days(from_march + drift))
        .ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::civil::{Weekday, date};

    use super::*;

    fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
        table
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split('\t').collect())
    }

    fn short(weekday: Weekday) -> &'static str {
        match weekday {
            Weekday::Monday => "Mon",
            Weekday::Tuesday => "Tue",
            Weekday::Wednesday => "Wed",
            Weekday::Thursday => "Thu",
            Weekday::Friday => "Fri",
            Weekday::Saturday => "Sat",
            Weekday::Sunday => "Sun",
        }
    }

    #[test]
    fn full_lists() {
        let expected: Vec<(String, String)> = rows(include_str!("../../fixtures/calendar/holidays.tsv"))
            .map(|row| (row[0].to_owned(), row[1].to_owned()))
            .collect();
        let dates: BTreeSet<Date> = (2024..=2030)
            .flat_map(of_year)
            .map(|holiday| holiday.date)
            .collect();
        let computed: Vec<(String, String)> = dates
            .iter()
            .map(|date| (date.to_string(), short(date.weekday()).to_owned()))
            .collect();
        assert_eq!(computed, expected);
        assert_eq!(expected.len(), 118);
    }

    #[test]
    fn movable_dates_and_counts() {
        let mut years = 0;
        for row in rows(include_str!("../../fixtures/calendar/movable.tsv")) {
            let year: i16 = row[0].parse().unwrap();
            let movable = [
                HolidayKind::GoodFriday,
                HolidayKind::Easter,
                HolidayKind::EasterMonday,
                HolidayKind::Pentecost,
                HolidayKind::PentecostMonday,
            ];
            for (kind, expected) in movable.into_iter().zip(&row[1..6]) {
                let computed = kind
                    .date_in(year)
                    .map_or_else(|| "-".to_owned(), |date| date.to_string());
                assert_eq!(&computed, expected, "{kind:?} {year}");
            }
            let dates: BTreeSet<Date> = of_year(year).into_iter().map(|holiday| holiday.date).collect();
            let weekdays = dates
                .iter()
                .filter(|date| !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday))
                .count();
            assert_eq!(
                (dates.len().to_string(), weekdays.to_string()),
                (row[6].to_owned(), row[7].to_owned())
            );
            years += 1;
        }
        assert_eq!(years, 19);
    }

    #[test]
    fn holidays_that_meet() {
        assert_eq!(
            on(date(2026, 6, 1)),
            [HolidayKind::Children, HolidayKind::PentecostMonday]
        );
        assert_eq!(
            on(date(2031, 6, 1)),
            [HolidayKind::Children, HolidayKind::Pentecost]
        );
        for year in [2021, 2027] {
            assert_eq!(on(date(year, 5, 1)), [HolidayKind::Labour]);
            assert_eq!(on(date(year, 5, 2)), [HolidayKind::Easter]);
        }
        assert_eq!(of_year(2026).len(), 17, "both kinds of 1 June are told");
    }

    #[test]
    fn a_rule_holds_from_its_year() {
        for kind in HolidayKind::ALL {
            assert!(kind.date_in(kind.since()).is_some(), "{kind:?}");
            assert!(kind.date_in(kind.since() - 1).is_none(), "{kind:?}");
        }
        assert_eq!(of_year(2012).len(), 12);
        assert!(on(date(2011, 11, 30)).is_empty());
    }

    #[test]
    fn easter_is_a_sunday_in_spring() {
        for year in 2012..=2099 {
            let easter = orthodox_easter(year).unwrap();
            assert_eq!(easter.weekday(), Weekday::Sunday, "{easter}");
            assert!(
                (date(year, 4, 3)..=date(year, 5, 10)).contains(&easter),
                "{easter}"
            );
        }
        assert_eq!(orthodox_easter(1582), None);
        assert_eq!(orthodox_easter(9999), None);
    }
}
