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

    /// The numbers that stand in a text, such as the subject of a reply: `12/20.11.2026`, with or without its code,
    /// whatever stands around it.
    pub fn find_all(text: &str, only_register: Option<&str>) -> Vec<Self> {
        text.match_indices('/')
            .filter_map(|(slash, _)| Self::around(text, slash, only_register))
            .collect()
    }

    /// The number whose slash stands there: digits with a code perhaps before it, a date after it, and nothing that
    /// would make either longer.
    fn around(text: &str, slash: usize, only_register: Option<&str>) -> Option<Self> {
        const DATE: usize = "20.11.2026".len();
        let (before, after) = (text[..slash].trim_end(), text[slash + 1..].trim_start());
        let date = after.get(..DATE)?;
        if after[DATE..].starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let is_code = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let start = before
            .rfind(|c: char| !is_code(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let word = before[start..].trim_start_matches('-');
        let coded = |word: &str| Self::parse(&format!("{word}/{date}"), None).ok();
        let digits = word.trim_start_matches(|c: char| !c.is_ascii_digit());
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
        ] {
            assert_eq!(found(text), std::slice::from_ref(&number), "{text}");
        }
        assert!(found("programare 12/2026 sau 20.11.2026").is_empty());
        assert!(found("12/20.11.20261, 1/2/3, ă/ș, /, 12/20.11.202").is_empty());
        assert!(Number::find_all("nr. 12/20.11.2026", None).is_empty());
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
