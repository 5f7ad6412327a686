//! Registration numbers: how they are written and read.

use std::fmt;

use jiff::civil::Date;

/// The place of an entry in a register: code, running number of the year, date of registration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    pub register: String,
    /// 1, 2, 3 … within the register and the year of `date`.
    pub number: u64,
    /// The civil date of registration in Europe/Bucharest.
    pub date: Date,
}

/// Whether numbers carry their register's code; they must where there are several registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    Plain,
    WithCode,
}

/// What is wrong with a number that somebody typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no registration number; write it as on the receipt, for example 12/20.11.2026 or DEJ-12/20.11.2026"
)]
pub struct NumberError {
    pub text: String,
}

impl Number {
    /// `12/20.11.2026`, or `DEJ-12/20.11.2026` where the code is obligatory.
    pub fn spelled(&self, spelling: Spelling) -> String {
        match spelling {
            Spelling::Plain => format!("{}/{}", self.number, self.date.strftime("%d.%m.%Y")),
            Spelling::WithCode => format!(
                "{}-{}/{}",
                self.register,
                self.number,
                self.date.strftime("%d.%m.%Y")
            ),
        }
    }

    /// The key under which the entry is spoken of: register, year and number.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.register, self.date.year(), self.number)
    }

    /// The numbers that stand in a text, such as the subject of a reply, in its order: `12/20.11.2026` with or without
    /// its code, whatever stands around it, and as citizens write it: `12/20.11.26`, `12/20-11-2026`,
    /// `12 / 20 noiembrie 2026`, `cererea 12 din 20.11.2026`. A number with a year alone is none: laws have those too.
    pub fn find_all(text: &str, only_register: Option<&str>) -> Vec<Self> {
        const FROM: &str = " din ";
        let slashes = text
            .match_indices('/')
            .map(|(at, _)| (at, &text[..at], &text[at + 1..]));
        let lower = text.to_ascii_lowercase();
        let words = lower
            .match_indices(FROM)
            .map(|(at, _)| (at, &text[..at], &text[at + FROM.len()..]))
            .filter(|(_, before, _)| speaks_of_a_request(before))
            .map(|(at, before, after)| (at, before, without_day_words(after)));
        let mut found: Vec<(usize, Self)> = slashes
            .chain(words)
            .filter_map(|(at, before, after)| Some((at, Self::around(before, after, only_register)?)))
            .collect();
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, number)| number).collect()
    }

    /// The number between two texts: digits with a code perhaps at the end of the one, a date at the beginning of the
    /// other, and nothing that would make either longer.
    fn around(before: &str, after: &str, only_register: Option<&str>) -> Option<Self> {
        let (before, after) = (before.trim_end(), after.trim_start());
        let date = written_date(after)?.strftime("%d.%m.%Y").to_string();
        let is_code = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let start = before
            .rfind(|c: char| !is_code(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let word = before[start..].trim_start_matches('-');
        let digits = word.trim_start_matches(|c: char| !c.is_ascii_digit());
        if digits.starts_with('0') && !after.starts_with(&date) {
            // A telephone number, with its code before the slash.
            return None;
        }
        let coded = |word: &str| Self::parse(&format!("{word}/{date}"), None).ok();
        let plain = || Self::parse(&format!("{digits}/{date}"), only_register).ok();
        coded(word)
            .map(|number| match only_register {
                // Capitals do not matter where there is one register.
                Some(only) if only.eq_ignore_ascii_case(&number.register) => Self {
                    register: only.to_owned(),
                    ..number
                },
                Some(_) | None => number,
            })
            .or_else(plain)
    }

    /// Reads what a person typed; where the code is left out, `only_register` says which register is meant.
    ///
    /// # Errors
    /// The text is not `NUMBER/DD.MM.YYYY` with an optional `CODE-` before it, or the code is missing where
    /// several registers are in use.
    pub fn parse(text: &str, only_register: Option<&str>) -> Result<Self, NumberError> {
        let error = || NumberError {
            text: text.to_owned(),
        };
        let (left, date) = text.trim().rsplit_once('/').ok_or_else(error)?;
        let (register, number) = match left.rsplit_once('-') {
            Some((code, number)) => (code.to_owned(), number),
            None => (only_register.ok_or_else(error)?.to_owned(), left),
        };
        let number: u64 = number.parse().map_err(|_| error())?;
        let date = Date::strptime("%d.%m.%Y", date).map_err(|_| error())?;
        if number == 0 || register.is_empty() {
            return Err(error());
        }
        Ok(Self {
            register,
            number,
            date,
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled(Spelling::WithCode))
    }
}

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

/// The date with which a text begins: `20.11.2026`, `20.11.26`, `20-11-2026`, `20 noiembrie 2026`.
fn written_date(text: &str) -> Option<Date> {
    let (day, rest) = digits(text, 2)?;
    let sign = rest.chars().next()?;
    let (month, year, rest) = if matches!(sign, '.' | '-') {
        let (month, rest) = digits(&rest[1..], 2)?;
        let (year, rest) = digits(rest.strip_prefix(sign)?, 4)?;
        if rest.strip_prefix(sign).is_some_and(begins_with_digit) {
            return None;
        }
        (month, year, rest)
    } else {
        let words = rest.trim_start();
        let end = words.find(|c: char| !c.is_ascii_alphabetic())?;
        let name = words[..end].to_ascii_lowercase();
        let place = MONTHS.iter().position(|month| *month == name)?;
        let (year, rest) = digits(words[end..].trim_start(), 4)?;
        (i16::try_from(place).ok()? + 1, year, rest)
    };
    let year = match year {
        0..=99 => 2_000 + year,
        1_000.. => year,
        _ => return None,
    };
    if begins_with_digit(rest) {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// The number with which a text begins, of at most so many digits, and what follows it.
fn digits(text: &str, most: usize) -> Option<(i16, &str)> {
    let end = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether the words before `din` speak of a number of the registry, and of no law: `cererea 12 din`, `Legea nr. 76 din`.
fn speaks_of_a_request(before: &str) -> bool {
    const LAWS: [&str; 14] = [
        "lege", "legii", "ordin", "ordon", "hotăr", "hotar", "oug", "o.u.g", "og", "hg", "h.g", "art",
        "alin", "decret",
    ];
    const REQUESTS: [&str; 10] = [
        "cerer", "recipis", "nr", "num", "înreg", "inreg", "dosar", "solicit", "petiț", "petit",
    ];
    let near: Vec<String> = before
        .split_whitespace()
        .rev()
        .take(3)
        .map(|word| {
            word.trim_start_matches(|c: char| !c.is_alphanumeric())
                .to_lowercase()
        })
        .collect();
    let one_of = |beginnings: &[&str]| {
        near.iter()
            .any(|word| beginnings.iter().any(|beginning| word.starts_with(beginning)))
    };
    one_of(&REQUESTS) && !one_of(&LAWS)
}

/// `12 din data de 20.11.2026`
fn without_day_words(after: &str) -> &str {
    let after = after.trim_start();
    ["data de ", "data "]
        .iter()
        .find_map(|words| after.strip_prefix(words))
        .unwrap_or(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_subjects() {
        let found = |text| Number::find_all(text, Some("CJ"));
        let number = Number {
            register: "CJ".into(),
            number: 12,
            date: Date::constant(2026, 11, 20),
        };
        for text in [
            "Re: Recipisa nr. 12/20.11.2026 – cerere",
            "completare la 12/20.11.2026.",
            "[CJ-12/20.11.2026] acte",
            "RE: Nr. 12/20.11.2026: vă rugăm",
            "Completare la nr.12/20.11.2026",
            "cererea „12/20.11.2026”",
            "«12/20.11.2026»!",
            "#12/20.11.2026",
            "12 / 20.11.2026",
            "cj-12/20.11.2026",
            "nr12/20.11.2026",
            "12/20.11.26",
            "nr. 12/20-11-2026, completare",
            "Re: 12 / 20 noiembrie 2026",
            "12/20 Noiembrie 2026.",
            "cererea 12 din 20.11.2026",
            "CEREREA NR. 12 DIN 20.11.2026",
            "nr.12 din data de 20.11.26",
            "recipisa CJ-12 din 20 noiembrie 2026",
        ] {
            assert_eq!(found(text), std::slice::from_ref(&number), "{text}");
        }
        assert!(found("programare 12/2026 sau 20.11.2026").is_empty());
        assert!(found("12/20.11.20261, 1/2/3, ă/ș, /, 12/20.11.202").is_empty());
        assert!(Number::find_all("nr. 12/20.11.2026", None).is_empty());
        for text in [
            "Legea 76/2002, nr.12/2026",
            "Legea nr. 76 din 16.01.2002",
            "art. 5 din 20.11.2026",
            "H.G. nr. 12 din 20.11.2026",
            "tel. 0264/10.11.12, 0264 123 456",
            "tel. 0264/12.34.56",
            "12/20.11.26.7",
            "12/20.11.226",
            "12/20.11-2026",
            "CNP 1900101223344",
            "20.11.2026, 20 noiembrie 2026, 20-11-2026",
            "sunt 3 persoane din 20.11.2026",
            "12/20 brumar 2026",
            "12/31.02.26",
            "cererea mea din 20.11.2026",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
        let order: Vec<u64> = found("cererea 3 din 20.11.2026 și 12/20.11.26, nr. 4 din 20.11.2026")
            .iter()
            .map(|number| number.number)
            .collect();
        assert_eq!(order, [3, 12, 4]);
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let number = Number {
            register: "CJ-A".into(),
            number: 1234,
            date: Date::constant(2026, 11, 2),
        };
        assert_eq!(number.spelled(Spelling::Plain), "1234/02.11.2026");
        assert_eq!(number.spelled(Spelling::WithCode), "CJ-A-1234/02.11.2026");
        assert_eq!(Number::parse("CJ-A-1234/02.11.2026", None), Ok(number.clone()));
        assert_eq!(Number::parse(" 1234/02.11.2026", Some("CJ-A")), Ok(number));
        for wrong in [
            "",
            "12",
            "12/2026",
            "0/02.11.2026",
            "x/02.11.2026",
            "12/31.02.2026",
            "-3/02.11.2026",
        ] {
            assert!(Number::parse(wrong, Some("A")).is_err(), "{wrong}");
        }
        assert!(Number::parse("1234/02.11.2026", None).is_err());
    }
}
