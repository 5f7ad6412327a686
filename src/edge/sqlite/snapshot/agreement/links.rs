//! The links of an entry, held against the journal: which were proposed and why, and what a clerk said of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Facts, Met, Told, facts, filings, hold_one, silent};
use crate::edge::sqlite::snapshot::structure::Each;
use crate::store::{Fault, Finding};

const MEMBERS: [&str; 5] = ["why", "told", "state", "decided_at", "decided_by"];

/// The rows of the later entry against what the journal tells of them, by the earlier one.
pub(super) fn compare(met: &Met<'_>, each: Each<'_>) -> rusqlite::Result<()> {
    let mut told = told_of(met.told);
    let mut statement = met.connection.prepare_cached(
        "SELECT earlier_register || '/' || earlier_year || '/' || earlier_number AS earlier, why, told, state,
                decided_at, decided_by
         FROM link WHERE register = ?1 AND year = ?2 AND number = ?3 ORDER BY earlier",
    )?;
    let mut rows = statement.query(filings::key(met.row)?)?;
    while let Some(row) = rows.next()? {
        let earlier: String = row.get(0)?;
        let place = format!("{}/link/{earlier}", met.place);
        let mut here = facts(row, &MEMBERS, 1)?;
        if let Some(told) = here.get_mut("told") {
            *told = (told == &json!(1)).into();
        }
        match told.remove(&earlier) {
            None => each(silent(&place, "the journal does not tell of this link")),
            Some(told) => {
                for member in MEMBERS {
                    hold_one(&place, &here, member, &told[member], each);
                }
            }
        }
    }
    for earlier in told.into_keys() {
        each(Finding::new(
            Fault::RowMissing,
            format!("{}/link/{earlier}", met.place),
            "the journal tells of this link, and it is not there",
        ));
    }
    Ok(())
}

/// What the journal tells of each link, as the table should have it.
fn told_of(told: &[Told]) -> BTreeMap<String, Facts> {
    let mut links: BTreeMap<String, Facts> = BTreeMap::new();
    for one in told {
        let state = match one.kind.as_str() {
            "link.proposed" => "proposed",
            "link.confirmed" => "confirmed",
            "link.rejected" => "rejected",
            _ => continue,
        };
        let earlier = one.body["earlier"].as_str().unwrap_or_default().to_owned();
        let link = links
            .entry(earlier)
            .or_insert_with(|| MEMBERS.map(|member| (member, Value::Null)).into());
        // A clerk's own link is told with its reason at once.
        for member in ["why", "told"] {
            if let Some(value) = one.body.get(member) {
                link.insert(member, value.clone());
            }
        }
        link.insert("state", state.into());
        if state != "proposed" {
            link.insert("decided_at", one.at.into());
            link.insert("decided_by", one.actor.as_str().into());
        }
    }
    links
}
