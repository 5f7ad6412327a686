//! The clerks' digest: when it goes out, from which address and to whom.

use std::collections::BTreeMap;

use super::places;
use super::reader::Section;
use crate::calendar::schedule::Schedule;

/// `[digest]`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    pub schedule: Schedule,
    /// The address that it goes out from.
    pub from: String,
    /// Who gets the digest of the whole agency.
    pub to: Vec<String>,
    /// Who gets the digest of an office, by its identifier.
    pub by_office: BTreeMap<String, Vec<String>>,
}

/// The schedule where none is given: at seven, before the offices open.
const SCHEDULE: &str = "0 7 * * 1-5";

/// `[digest]` and the `digest_to` of the offices; `None` where nobody gets one.
pub(super) fn read(root: &Section<'_, '_>, by_office: BTreeMap<String, Vec<String>>) -> Option<Digest> {
    let Some(section) = root.section("digest") else {
        if let Some(office) = by_office.keys().next() {
            root.wrong(
                "office",
                format!("the office \"{office}\" has `digest_to`, and there is no [digest]"),
                "add [digest] with `from`, the address that digests go out from",
            );
        }
        return None;
    };
    let schedule = if section.has("schedule") {
        section.parsed("schedule", "write it as cron does, for example \"0 7 * * 1-5\"")
    } else {
        SCHEDULE.parse().ok()
    };
    let from = places::address(
        &section,
        "from",
        "the address that digests go out from, for example that of a source",
    );
    let to = places::addresses(&section, "to");
    if to.is_empty() && by_office.is_empty() && !section.has("to") {
        section.wrong(
            "to",
            "nobody would get the digest",
            "name addresses in `to`, or `digest_to` under an [[office]], or leave [digest] out",
        );
    }
    section.finish();
    Some(Digest {
        schedule: schedule?,
        from: from?,
        to,
        by_office,
    })
}
