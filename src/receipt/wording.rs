//! How instants, days, sizes and counts are written on a receipt, in Romanian and for programs.
//!
//! It leaves out whole sentences: those stand where they are printed.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Legal time of Romania, from the zone data compiled into the program.
fn bucharest() -> TimeZone {
    static ZONE: TimeZone = jiff::tz::get!("Europe/Bucharest");
    ZONE.clone()
}

/// `20.11.2026, ora 09:00:20 (+02:00)`
pub(crate) fn instant(at: Timestamp) -> String {
    at.to_zoned(bucharest())
        .strftime("%d.%m.%Y, ora %H:%M:%S (%:z)")
        .to_string()
}

/// `20.11.2026, ora 09:00`, for letters, where seconds and offsets only disturb.
pub(crate) fn day_and_hour(at: Timestamp) -> String {
    at.to_zoned(bucharest())
        .strftime("%d.%m.%Y, ora %H:%M")
        .to_string()
}

/// `09:00`, for letters.
pub(crate) fn hour(at: Timestamp) -> String {
    at.to_zoned(bucharest()).strftime("%H:%M").to_string()
}

/// The day that an instant falls on in Romania.
pub(crate) fn local_date(at: Timestamp) -> Date {
    at.to_zoned(bucharest()).date()
}

/// `2026-11-20T09:00:20+02:00` (RFC 3339), whole seconds.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.to_zoned(bucharest())
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// `D:20261120090020+02'00'` (ISO 32000-1 §7.9.4).
pub(crate) fn pdf_date(at: Timestamp) -> String {
    let zoned = at.to_zoned(bucharest());
    let minutes = zoned.offset().seconds() / 60;
    format!(
        "D:{}+{:02}'{:02}'",
        zoned.strftime("%Y%m%d%H%M%S"),
        minutes / 60,
        minutes % 60
    )
}

/// The same instant for krilla's metadata.
pub(crate) fn krilla_date(at: Timestamp) -> krilla::metadata::DateTime {
    let zoned = at.to_zoned(bucharest());
    let minutes = zoned.offset().seconds() / 60;
    krilla::metadata::DateTime::new(u16::try_from(zoned.year()).unwrap_or_default())
        .month(zoned.month().unsigned_abs())
        .day(zoned.day().unsigned_abs())
        .hour(zoned.hour().unsigned_abs())
        .minute(zoned.minute().unsigned_abs())
        .second(zoned.second().unsigned_abs())
        .utc_offset_hour(i8::try_from(minutes / 60).unwrap_or_default())
        .utc_offset_minute(u8::try_from(minutes % 60).unwrap_or_default())
}

/// `vineri, 20.11.2026`
pub(crate) fn day(date: Date) -> String {
    let name = match date.weekday() {
        jiff::civil::Weekday::Monday => "luni",
        jiff::civil::Weekday::Tuesday => "marți",
        jiff::civil::Weekday::Wednesday => "miercuri",
        jiff::civil::Weekday::Thursday => "joi",
        jiff::civil::Weekday::Friday => "vineri",
        jiff::civil::Weekday::Saturday => "sâmbătă",
        jiff::civil::Weekday::Sunday => "duminică",
    };
    format!("{name}, {}", date.strftime("%d.%m.%Y"))
}

/// A count with its noun: `1 fișier`, `19 fișiere`, `20 de fișiere`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 {
        return format!("1 {one}");
    }
    let tail = number % 100;
    let of = if number != 0 && !(1..20).contains(&tail) {
        " de"
    } else {
        ""
    };
    format!("{}{of} {many}", grouped(number))
}

/// `1.234.567 octeți`
pub(crate) fn octets(number: u64) -> String {
    count(number, "octet", "octeți")
}

/// A size that one can picture, decimal units: `812 B`, `245,3 kB`, `1,2 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let value = (bytes + unit / 20) / (unit / 10);
        format!("{},{}", grouped(value / 10), value % 10)
    };
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..999_950 => format!("{} kB", tenths(1_000)),
        999_950..999_950_000 => format!("{} MB", tenths(1_000_000)),
        999_950_000.. => format!("{} GB", tenths(1_000_000_000)),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

/// A text of the sender's for places that can show every letter: only what steers or hides is shown by number, as on
/// the page.
pub(crate) fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
    };
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if hidden(letter) {
            shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(letter)));
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_carry_the_legal_offset() {
        let winter: Timestamp = "2026-11-20T07:00:20Z".parse().unwrap();
        let summer: Timestamp = "2026-07-01T21:30:00Z".parse().unwrap();
        assert_eq!(instant(winter), "20.11.2026, ora 09:00:20 (+02:00)");
        assert_eq!(rfc3339(summer), "2026-07-02T00:30:00+03:00");
        assert_eq!(pdf_date(winter), "D:20261120090020+02'00'");
        assert_eq!(
            (hour(summer).as_str(), local_date(summer)),
            ("00:30", jiff::civil::date(2026, 7, 2))
        );
    }

    #[test]
    fn counts_follow_romanian_grammar() {
        let cases = [
            (0, "0 fișiere"),
            (1, "1 fișier"),
            (2, "2 fișiere"),
            (19, "19 fișiere"),
            (20, "20 de fișiere"),
            (100, "100 de fișiere"),
            (101, "101 fișiere"),
            (1120, "1.120 de fișiere"),
        ];
        for (number, text) in cases {
            assert_eq!(count(number, "fișier", "fișiere"), text);
        }
    }

    #[test]
    fn sizes_round_to_a_tenth() {
        let cases = [
            (999, "999 B"),
            (1_000, "1,0 kB"),
            (245_349, "245,3 kB"),
            (999_949, "999,9 kB"),
            (999_950, "1,0 MB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }
}
