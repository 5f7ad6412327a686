//! Damage to the ledger of messages shown, which `fsck` names whatever its age.

use super::damage::Patient;

#[test]
fn a_message_that_only_one_table_has_is_named() {
    let mut patient = Patient::new();
    for (statements, wanted, place) in [
        (
            "DELETE FROM sighting WHERE source_key LIKE '21-%'",
            &["ledger-wrong"][..],
            "mail/",
        ),
        (
            "UPDATE sighting SET kept = 0 WHERE source_key LIKE '21-%'",
            &["ledger-wrong"],
            "mail/",
        ),
        (
            "DELETE FROM mail WHERE outcome = 'held'",
            &["ledger-wrong", "row-missing"],
            "sighting/somaj/21-",
        ),
    ] {
        let (kinds, lines) = patient.faults_of_sql(statements);
        assert_eq!(kinds, wanted, "{statements}: {lines:#?}");
        let found = lines
            .iter()
            .any(|line| line["place"].as_str().unwrap().starts_with(place));
        assert!(found, "{statements}: no {place} in {lines:#?}");
    }
}
