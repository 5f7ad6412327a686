//! The small file in the storage folder by which a running daemon shows that it lives: JSON, replaced as a whole.
//!
//! A file that cannot be read as such is as good as none: it is written anew within seconds.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::daemon::pulse::{LifeSign, SourceBeat, Trouble};
use crate::edge::oauth::Standing;
use crate::flow::balance::Balance;
use crate::flow::stopwatch::{Stage, Taken};
use crate::store::Tally;

/// The version of the file's form; another one is not read.
const SCHEMA: u64 = 1;

fn path(storage_dir: &Path) -> PathBuf {
    storage_dir.join("status.json")
}

/// Replaces the file; a reader sees the old one or the new one. It is not fsynced: it is of use to the living only.
pub(super) fn write(storage_dir: &Path, sign: &LifeSign) -> io::Result<()> {
    let draft = storage_dir.join("status.json.new");
    fs::write(&draft, format!("{:#}\n", to_json(sign)))?;
    fs::rename(&draft, path(storage_dir))
}

/// What the file says; `None` where there is none, or none that can be read.
pub(super) fn read(storage_dir: &Path) -> Option<LifeSign> {
    from_json(&serde_json::from_slice(&fs::read(path(storage_dir)).ok()?).ok()?)
}

fn to_json(sign: &LifeSign) -> Value {
    let sources: Map<String, Value> = sign
        .sources
        .iter()
        .map(|(name, beat)| {
            let failures: Map<String, Value> = beat
                .failures
                .iter()
                .map(|(kind, count)| (kind.as_str().to_owned(), (*count).into()))
                .collect();
            let object = json!({
                "last_contact": instant(beat.last_contact),
                "trouble": beat.failing.map(|(kind, _)| kind.as_str()),
                "trouble_since": instant(beat.failing.map(|(_, since)| since)),
                "failures": failures,
            });
            (name.clone(), object)
        })
        .collect();
    let tokens: Map<String, Value> = sign
        .tokens
        .iter()
        .map(|(name, standing)| {
            let object = json!({
                "obtained_at": instant(standing.obtained_at),
                "expires_at": instant(standing.expires_at),
                "failing_since": instant(standing.failing_since),
                "failures": standing.failures,
            });
            (name.clone(), object)
        })
        .collect();
    let stages = sign.stages.iter().map(|taken| {
        json!({
            "stage": taken.stage.as_str(), "times": taken.times, "cpu_us": taken.cpu_us, "wall_us": taken.wall_us,
        })
    });
    json!({
        "schema": SCHEMA,
        "version": sign.version,
        "pid": sign.pid,
        "started_at": sign.started_at.to_string(),
        "seen_at": sign.seen_at.to_string(),
        "ended_at": instant(sign.ended_at),
        "certificate_until": instant(sign.certificate_until),
        "sources": sources,
        "tokens": tokens,
        "stages": stages.collect::<Vec<_>>(),
        "tally": tally_to_json(&sign.tally),
        "ledger": sign.balance.as_ref().map(|balance| json!({
            "at": balance.at.to_string(), "shown": balance.shown, "unaccounted": balance.misfits_total,
        })),
    })
}

fn tally_to_json(tally: &Tally) -> Value {
    let decided = tally
        .decided
        .iter()
        .map(|((source, outcome), count)| json!([source, outcome, count]));
    let last_mail: Map<String, Value> = tally
        .last_mail
        .iter()
        .map(|(source, at)| (source.clone(), at.to_string().into()))
        .collect();
    json!({
        "journal_seq": tally.journal_seq,
        "journal_hash": tally.journal_hash,
        "complete": tally.is_complete,
        "decided": decided.collect::<Vec<_>>(),
        "last_mail": last_mail,
        "letters_sent": tally.letters_sent,
        "letters_given_up": tally.letters_given_up,
    })
}

fn instant(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn from_json(value: &Value) -> Option<LifeSign> {
    if value["schema"].as_u64()? != SCHEMA {
        return None;
    }
    let sources = value["sources"].as_object()?.iter().map(|(name, beat)| {
        let beat = SourceBeat {
            last_contact: parsed(&beat["last_contact"]),
            failing: trouble(beat["trouble"].as_str()).zip(parsed(&beat["trouble_since"])),
            failures: failures(&beat["failures"]),
        };
        (name.clone(), beat)
    });
    Some(LifeSign {
        version: value["version"].as_str()?.to_owned(),
        pid: value["pid"].as_u64()?.try_into().ok()?,
        started_at: parsed(&value["started_at"])?,
        seen_at: parsed(&value["seen_at"])?,
        ended_at: parsed(&value["ended_at"]),
        certificate_until: parsed(&value["certificate_until"]),
        sources: sources.collect(),
        tokens: tokens(&value["tokens"]),
        tally: tally_from_json(&value["tally"])?,
        balance: balance(&value["ledger"]),
        stages: value["stages"].as_array()?.iter().filter_map(taken).collect(),
    })
}

/// None in a file that was written before there were any.
fn tokens(value: &Value) -> BTreeMap<String, Standing> {
    let all = value.as_object().into_iter().flatten();
    all.map(|(name, token)| {
        let standing = Standing {
            obtained_at: parsed(&token["obtained_at"]),
            expires_at: parsed(&token["expires_at"]),
            failing_since: parsed(&token["failing_since"]),
            failures: token["failures"].as_u64().unwrap_or_default(),
        };
        (name.clone(), standing)
    })
    .collect()
}

/// Only the figures; the names are looked up by whoever tells them.
fn balance(value: &Value) -> Option<Balance> {
    Some(Balance {
        at: parsed(&value["at"])?,
        shown: value["shown"].as_u64()?,
        misfits_total: value["unaccounted"].as_u64()?,
        misfits: Vec::new(),
    })
}

fn parsed(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn trouble(word: Option<&str>) -> Option<Trouble> {
    Trouble::ALL.into_iter().find(|one| Some(one.as_str()) == word)
}

fn failures(value: &Value) -> BTreeMap<Trouble, u64> {
    let counts = value.as_object().into_iter().flatten();
    counts
        .filter_map(|(kind, count)| Some((trouble(Some(kind))?, count.as_u64()?)))
        .collect()
}

fn taken(value: &Value) -> Option<Taken> {
    let word = value["stage"].as_str()?;
    Some(Taken {
        stage: Stage::ALL.into_iter().find(|stage| stage.as_str() == word)?,
        times: value["times"].as_u64()?,
        cpu_us: value["cpu_us"].as_u64()?,
        wall_us: value["wall_us"].as_u64()?,
    })
}

fn tally_from_json(value: &Value) -> Option<Tally> {
    let mut tally = Tally {
        journal_seq: value["journal_seq"].as_i64()?,
        journal_hash: value["journal_hash"].as_str()?.to_owned(),
        is_complete: value["complete"].as_bool()?,
        letters_sent: value["letters_sent"].as_u64()?,
        letters_given_up: value["letters_given_up"].as_u64()?,
        ..Tally::default()
    };
    for row in value["decided"].as_array()? {
        let key = (row[0].as_str()?.to_owned(), row[1].as_str()?.to_owned());
        tally.decided.insert(key, row[2].as_u64()?);
    }
    for (source, at) in value["last_mail"].as_object()? {
        tally.last_mail.insert(source.clone(), parsed(at)?);
    }
    Some(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign() -> LifeSign {
        let at = |second: i64| Timestamp::from_microsecond(1_795_000_000_000_000 + second).unwrap();
        let beat = SourceBeat {
            last_contact: Some(at(1)),
            failing: Some((Trouble::NoBytes, at(2))),
            failures: Trouble::ALL.into_iter().zip(1..).collect(),
        };
        LifeSign {
            version: "1.2.3".into(),
            pid: 77,
            started_at: at(3),
            seen_at: at(4),
            ended_at: Some(at(5)),
            certificate_until: None,
            sources: BTreeMap::from([("somaj".into(), beat), ("dej".into(), SourceBeat::default())]),
            tokens: BTreeMap::from([
                (
                    "google".into(),
                    Standing {
                        obtained_at: Some(at(7)),
                        expires_at: Some(at(8)),
                        failing_since: Some(at(9)),
                        failures: 2,
                    },
                ),
                ("program".into(), Standing::default()),
            ]),
            tally: Tally {
                journal_seq: 9,
                journal_hash: "ab".into(),
                is_complete: true,
                decided: BTreeMap::from([(("somaj".into(), "held".into()), 3)]),
                last_mail: BTreeMap::from([("somaj".into(), at(6))]),
                letters_sent: 4,
                letters_given_up: 1,
            },
            balance: Some(Balance {
                at: at(7),
                shown: 12,
                misfits_total: 2,
                misfits: Vec::new(),
            }),
            stages: Stage::ALL
                .map(|stage| Taken {
                    stage,
                    times: 1,
                    cpu_us: 2,
                    wall_us: 3,
                })
                .into(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        write(dir.path(), &sign()).unwrap();
        assert_eq!(read(dir.path()), Some(sign()));
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "no draft is left: {names:?}");
    }

    #[test]
    fn what_is_not_ours_is_as_good_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut other = to_json(&sign());
        other["schema"] = 2.into();
        for text in ["", "{", "[]", "{\"schema\":1}", &other.to_string()] {
            fs::write(path(dir.path()), text).unwrap();
            assert_eq!(read(dir.path()), None, "{text}");
        }
    }
}
