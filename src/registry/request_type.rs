//! The kind of request, proposed from the subject and the mailbox; the clerk has the last word.

/// The proposal where nothing fits.
pub const UNDETERMINED: &str = "nedeterminat";

/// A kind of request that the agency knows, from the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestType {
    pub id: String,
    /// As the citizen and the clerk read it.
    pub name: String,
    /// Words or phrases looked for in the subject, without regard to case and diacritics.
    pub keywords: Vec<String>,
    /// The sources it applies to; empty is all. With no keywords it is the mailbox's default.
    pub sources: Vec<String>,
}

/// The identifier of the type that fits best: the longest keyword found in the subject, else the mailbox's default,
/// else [`UNDETERMINED`].
pub fn propose(types: &[RequestType], source: &str, subject: &str) -> String {
    let subject = folded(subject);
    let applies =
        |one: &&RequestType| one.sources.is_empty() || one.sources.iter().any(|name| name == source);
    let by_keyword = types
        .iter()
        .filter(applies)
        .flat_map(|one| one.keywords.iter().map(move |keyword| (folded(keyword), one)))
        .filter(|(keyword, _)| !keyword.trim().is_empty() && subject.contains(keyword.as_str()))
        // The first of equally long keywords wins, so that the order in the configuration decides.
        .rev()
        .max_by_key(|(keyword, _)| keyword.len())
        .map(|(_, one)| one);
    let default = || {
        types
            .iter()
            .filter(applies)
            .find(|one| one.keywords.is_empty() && !one.sources.is_empty())
    };
    by_keyword
        .or_else(default)
        .map_or_else(|| UNDETERMINED.to_owned(), |one| one.id.clone())
}

/// Lower case, with the Romanian letters (comma-below and cedilla alike, composed or decomposed) brought to their plain
/// ones.
pub fn folded(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter(|letter| !('\u{300}'..='\u{36F}').contains(letter))
        .map(|letter| match letter {
            'ă' | 'â' => 'a',
            'î' => 'i',
            'ș' | 'ş' => 's',
            'ț' | 'ţ' => 't',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> Vec<RequestType> {
        let one = |id: &str, keywords: &[&str], sources: &[&str]| RequestType {
            id: id.into(),
            name: id.into(),
            keywords: keywords.iter().map(|&k| k.to_owned()).collect(),
            sources: sources.iter().map(|&s| s.to_owned()).collect(),
        };
        vec![
            one("somaj", &["șomaj", "indemnizație de șomaj"], &[]),
            one("adeverinta", &["adeverință"], &[]),
            one("prima", &["primă"], &["dej"]),
            one("dej-altele", &[], &["dej"]),
        ]
    }

    #[test]
    fn subject_then_mailbox_then_undetermined() {
        let types = types();
        assert_eq!(propose(&types, "cluj", "CERERE SOMAJ"), "somaj");
        assert_eq!(
            propose(&types, "cluj", "adeverinţă pentru indemnizație de şomaj"),
            "somaj"
        );
        assert_eq!(propose(&types, "cluj", "Adeverinta"), "adeverinta");
        assert_eq!(propose(&types, "cluj", "s\u{326}omaj"), "somaj");
        assert_eq!(propose(&types, "cluj", "prima de relocare"), UNDETERMINED);
        assert_eq!(propose(&types, "dej", "prima de relocare"), "prima");
        assert_eq!(propose(&types, "dej", ""), "dej-altele");
        assert_eq!(propose(&types, "cluj", ""), UNDETERMINED);
    }
}
