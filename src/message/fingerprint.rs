//! A number for what a letter says, the same when it is sent again: by another program, with other line ends, or
//! quoted under an answer.

use sha2::{Digest, Sha256};

/// A shorter text says nothing by which two letters could be told apart ("Bună ziua, atașez cererea").
const LETTERS_MIN: usize = 80;

/// The SHA-256, in lower-case hexadecimal, of the text without quoted lines, in lower case and with single spaces;
/// `None` where fewer than 80 letters are left.
pub(super) fn of(text: &str) -> Option<String> {
    let mut digest = Sha256::new();
    let mut letters = 0;
    let own = text.lines().filter(|line| !line.trim_start().starts_with('>'));
    for word in own.flat_map(str::split_whitespace) {
        let word = word.to_lowercase();
        letters += word.chars().filter(|letter| letter.is_alphabetic()).count();
        digest.update(word.as_bytes());
        digest.update(b" ");
    }
    (letters >= LETTERS_MIN).then(|| data_encoding::HEXLOWER.encode(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_letter_has_the_same_number() {
        let letter = "Subsemnata Ana Exemplu, vă rog să-mi eliberați o adeverință din care să rezulte că sunt în plata \
                      indemnizației de șomaj.";
        let again = format!(
            "  {}\r\n\r\n> Bună ziua,\r\n> vă scriem\r\n",
            letter.to_uppercase().replace(' ', "\r\n")
        );
        let first = of(letter).unwrap();
        assert_eq!(first.len(), 64);
        assert_eq!(of(&again), Some(first.clone()));
        assert_ne!(of(&letter.replace("șomaj", "sprijin")), Some(first));
        assert_eq!(of("Bună ziua, atașez cererea."), None);
        assert_eq!(of(&format!("> {letter}")), None);
    }
}
