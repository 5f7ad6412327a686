//! Phrases of delivery reports that are written for people: where the returned letter begins, what stands before a
//! recipient's address, and which words tell which cause. All in lower case, compared by `machines::plain`.

/// Lines after which the returned letter stands, without the dashes around them.
pub(super) const RETURNED: &[&str] = &[
    "original message",
    "original mail info",
    "message headers follow",
    "message text follows",
    "this is a copy of",
    "below this line is a copy",
    "below is a copy of the original message",
    "enclosed is a copy of",
    "included is a copy of",
    "the header of the original message",
    "unsent message follows",
    "returned message",
    "mesaj original",
    "mesajul original",
    "ursprüngliche nachricht",
    "message d'origine",
    "eredeti üzenet",
];
/// Field names that only the header of a returned letter begins with.
pub(super) const TRACES: &[&str] = &["received:", "return-path:", "dkim-signature:", "x-received:"];

/// Words before an address that is a recipient's.
pub(super) const BEFORE_RECIPIENT: &[&str] = &[
    "delivering your mail to",
    "delivered to",
    "deliver message to",
    "undeliverable to",
    "delivery to",
    "unknown user",
    "user unknown",
    "final delivery userid",
    "attempts",
    "rcpt to",
    "rejected recipient",
    "permanent errors",
    "address",
    "recipient",
    "recipients",
    "emailaddress",
    "destinatar",
    "destinatarul",
    "livrat către",
];

/// What words say of the cause, as subject and detail of RFC 3463 §3; the first row that fits counts.
pub(super) const CAUSES: &[(&str, &str)] = &[
    ("user unknown", "1.1"),
    ("unknown user", "1.1"),
    ("no such user", "1.1"),
    ("user not exist", "1.1"),
    ("user does not exist", "1.1"),
    ("unknown recipient", "1.1"),
    ("invalid recipient", "1.1"),
    ("invalid user", "1.1"),
    ("invalid final delivery userid", "1.1"),
    ("recipient name is not recognized", "1.1"),
    ("recipient not found", "1.1"),
    ("not listed in", "1.1"),
    ("ディレクトリのリストにありません", "1.1"),
    ("no mailbox here", "1.1"),
    ("mailbox unavailable", "1.1"),
    ("mailbox not found", "1.1"),
    ("account or domain may not exist", "1.1"),
    ("address not found", "1.1"),
    ("no valid mailbox", "1.1"),
    ("doesn't have a", "1.1"),
    ("does not have a", "1.1"),
    ("destinatar necunoscut", "1.1"),
    ("utilizator necunoscut", "1.1"),
    ("adresa nu a fost găsită", "1.1"),
    ("adresa de e-mail nu există", "1.1"),
    ("malformed address", "1.3"),
    ("mailbox full", "2.2"),
    ("mailbox is full", "2.2"),
    ("mailfolder is full", "2.2"),
    ("over quota", "2.2"),
    ("quota exceeded", "2.2"),
    ("exceeded its quota", "2.2"),
    ("cutia poștală este plină", "2.2"),
    ("căsuța poștală este plină", "2.2"),
    ("account is disabled", "2.1"),
    ("account disabled", "2.1"),
    ("account is locked", "2.1"),
    ("suspended", "2.1"),
    ("inactive", "2.1"),
    ("too large", "2.3"),
    ("size limit", "2.3"),
    ("prea mare", "2.3"),
    ("daily relay quota", "7.1"),
    ("mail relay", "7.1"),
    ("relaying", "7.1"),
    ("blacklist", "7.1"),
    ("blocked", "7.1"),
    ("spam", "7.1"),
    ("reverse dns", "7.1"),
    ("rdns", "7.1"),
    ("sending ip", "7.1"),
    ("access denied", "7.1"),
    ("not authorized", "7.1"),
    ("weren't sent", "7.1"),
    ("invalid ip", "7.1"),
    ("virus", "7.1"),
    ("groups.google.com", "7.1"),
    ("unknown host", "1.2"),
    ("host unknown", "1.2"),
    ("host not found", "1.2"),
    ("dns lookup failure", "1.2"),
    ("couldn't find any host", "1.2"),
    ("unrouteable", "1.2"),
    ("no mx record", "1.2"),
    ("does not exist", "1.2"),
    ("domeniul nu există", "1.2"),
    ("socket error", "4.1"),
    ("connection refused", "4.1"),
    ("no route to host", "4.1"),
    ("did not accept our requests to connect", "4.1"),
    ("not reachable", "4.1"),
    ("timed out", "4.7"),
    ("expired", "4.7"),
    ("retry timeout exceeded", "4.7"),
    ("multiple retries", "4.7"),
    ("in the queue too long", "4.7"),
    ("attempts:", "4.7"),
    ("temporarily unavailable", "4.7"),
    ("syntax", "5.2"),
];

/// Words of a report that is only a warning.
pub(super) const WARNINGS: &[&str] = &[
    "warning message only",
    "warning only",
    "has not yet been delivered",
    "has been delayed",
    "will be retried",
    "întârziată",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::machines::plain;

    #[test]
    fn every_phrase_is_written_as_it_is_compared() {
        let causes = CAUSES.iter().map(|(words, _)| words);
        for phrase in [RETURNED, TRACES, BEFORE_RECIPIENT, WARNINGS]
            .iter()
            .flat_map(|table| table.iter())
            .chain(causes)
        {
            assert_eq!(plain(phrase), *phrase);
        }
        for (words, code) in CAUSES {
            let (subject, detail) = code.split_once('.').unwrap();
            assert!(
                subject.parse::<u8>().unwrap() <= 7 && detail.parse::<u8>().unwrap() < 20,
                "{words}"
            );
        }
    }
}
