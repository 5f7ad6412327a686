//! The table `link`, and what makes links: earlier mails that a message is like.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

use super::journal_rows::{append, append_event};
use super::{rows, unavailable};
use crate::journal::{Event, Kind};
use crate::mailbox::SourceId;
use crate::registry::{Earlier, Entry, Likeness, Link, LinkRecord, LinkState, LinkWhy, Linked, Number};
use crate::screening::Sender;
use crate::store::{Copy, LinkAct, LinkProposal, LinkVerdict, StoreError, Stored};

/// Of each likeness no more mails than these are looked at.
const ALIKE_MAX: i64 = 5;

const COLUMNS: &str = "l.register, l.number, later.registered_on, l.earlier_register, l.earlier_number,
    earlier.registered_on, l.why, l.told, l.state, l.made_at, l.decided_at, l.decided_by, later.office,
    later.applicant";
const TABLES: &str =
    "link l JOIN entry later ON later.register = l.register AND later.year = l.year AND later.number = l.number
    JOIN entry earlier ON earlier.register = l.earlier_register AND earlier.year = l.earlier_year
                      AND earlier.number = l.earlier_number";

/// Mails that another source had brought before, and what the first one has become.
const COPIES: &str =
    "SELECT c.seq, c.source, c.received_at, f.source, e.register, e.number, e.registered_on, e.applicant
     FROM mail c JOIN mail f ON f.seq = coalesce(c.same_as, c.duplicate_of)
     LEFT JOIN submission s ON s.mail_seq = f.seq
     JOIN entry e ON e.rowid = coalesce(
       (SELECT o.rowid FROM entry o WHERE o.mail_seq = f.seq),
       (SELECT o.rowid FROM entry o WHERE o.register = s.register AND o.year = s.year AND o.number = s.number))
     WHERE c.reason IN ('duplicate', 'same-message') AND f.source <> c.source";

/// Whose mails are looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose<'a> {
    Senders,
    /// Only those under this Message-ID.
    SendersUnder(&'a str),
    Anybodys,
}

/// Earlier mails, registered or joined, that a message is like: the sender's own first ones, and some of anybody.
pub(super) fn alike(connection: &Connection, likeness: &Likeness) -> Stored<Vec<Earlier>> {
    let (files, text) = (likeness.files.as_deref(), likeness.text.as_deref());
    let content = Some(likeness.content.as_str()).filter(|content| !content.is_empty());
    let id = likeness.message_id.as_deref();
    let keys = [
        // The very same first: however many others bear its Message-ID.
        (
            "content_print",
            content.filter(|_| id.is_some()),
            Whose::SendersUnder(id.unwrap_or_default()),
        ),
        ("message_id", id, Whose::Senders),
        ("files_print", files, Whose::Senders),
        ("files_print", files, Whose::Anybodys),
        ("text_print", text, Whose::Senders),
        ("text_print", text, Whose::Anybodys),
        (
            "content_print",
            content.filter(|_| files.is_none() && text.is_none()),
            Whose::Senders,
        ),
    ];
    let read = || -> rusqlite::Result<Vec<Earlier>> {
        let mut found: Vec<Earlier> = Vec::new();
        for (column, key, whose) in keys {
            if let Some(key) = key {
                add_alike(connection, column, key, whose, likeness, &mut found)?;
            }
        }
        Ok(found)
    };
    read().map_err(|error| unavailable("looking for mails alike", error))
}

fn add_alike(
    connection: &Connection,
    column: &str,
    key: &str,
    whose: Whose<'_>,
    likeness: &Likeness,
    found: &mut Vec<Earlier>,
) -> rusqlite::Result<()> {
    // Thousands may send the same words: the index has the sender behind the fingerprint, and nothing is sorted.
    let filter = match whose {
        Whose::Senders => "sender = ?3 COLLATE NOCASE AND ?4 IS NULL ORDER BY seq",
        Whose::SendersUnder(_) => "sender = ?3 COLLATE NOCASE AND message_id = ?4 ORDER BY seq",
        Whose::Anybodys => "?3 IS NOT NULL AND ?4 IS NULL",
    };
    let Some(sender) = &likeness.sender else {
        return Ok(());
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT seq, message_id, sender, content_print, text_print, files_print, disowned FROM mail
         WHERE {column} = ?1 AND {column} IS NOT NULL AND outcome IN ('registered', 'joined') AND {filter} LIMIT ?2"
    ))?;
    let under = match whose {
        Whose::SendersUnder(id) => Some(id),
        Whose::Senders | Whose::Anybodys => None,
    };
    let mut mails = statement.query(params![key, ALIKE_MAX, sender, under])?;
    while let Some(row) = mails.next()? {
        let mail_seq: i64 = row.get(0)?;
        let earlier = read_likeness(row)?;
        for like in likeness.like(&earlier) {
            if !found
                .iter()
                .any(|one| (one.mail_seq, one.like) == (mail_seq, like))
            {
                found.push(Earlier {
                    mail_seq,
                    sender: earlier.sender.clone(),
                    like,
                    standing: if row.get(6)? {
                        Sender::Disowned
                    } else {
                        Sender::Undisputed
                    },
                });
            }
        }
    }
    Ok(())
}

fn read_likeness(row: &Row<'_>) -> rusqlite::Result<Likeness> {
    Ok(Likeness {
        message_id: row.get(1)?,
        sender: row.get(2)?,
        content: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
        text: row.get(4)?,
        files: row.get(5)?,
    })
}

/// What is said of a mail that is the same as an earlier one: its number and source.
pub(super) fn said_of_first(connection: &Connection, first: i64) -> rusqlite::Result<String> {
    let source: Option<String> = connection
        .prepare_cached("SELECT source FROM mail WHERE seq = ?1")?
        .query_row([first], |row| row.get(0))
        .optional()?;
    let number = number_of_mail(connection, first)?;
    Ok(match (number, source) {
        (Some(number), Some(source)) => format!("mail {first}, entry {number}, source {source}"),
        (_, _) => format!("mail {first}"),
    })
}

/// The entry or case that a mail has become.
fn number_of_mail(connection: &Connection, mail_seq: i64) -> rusqlite::Result<Option<Number>> {
    connection
        .prepare_cached(
            "SELECT register, number, registered_on FROM entry WHERE mail_seq = ?1
             UNION ALL
             SELECT e.register, e.number, e.registered_on FROM submission s JOIN entry e USING (register, year, number)
             WHERE s.mail_seq = ?1",
        )?
        .query_row([mail_seq], |row| rows::number(row, 0))
        .optional()
}

/// Writes the links that the decision about a new entry proposes.
pub(super) fn propose(transaction: &Transaction<'_>, entry: &Entry, links: &[Link]) -> Stored<()> {
    let at = entry.draft.registered_at;
    for link in links {
        let earlier = match &link.earlier {
            Linked::Entry(number) => Some(number.clone()),
            Linked::Mail(seq) => number_of_mail(transaction, *seq)
                .map_err(|error| unavailable("looking up the entry of a mail", error))?,
        };
        let Some(earlier) = earlier.filter(|earlier| *earlier != entry.number) else {
            continue;
        };
        let made = insert(transaction, &entry.number, &earlier, link.why, link.told, at)?;
        if made {
            let body = json!({"earlier": earlier.key(), "why": link.why.as_str(), "told": link.told});
            append(transaction, at, Kind::LinkProposed, subject(&entry.number), body)?;
        }
    }
    Ok(())
}

fn subject(number: &Number) -> String {
    format!("entry/{}", number.key())
}

fn insert(
    transaction: &Transaction<'_>,
    later: &Number,
    earlier: &Number,
    why: LinkWhy,
    told: bool,
    at: Timestamp,
) -> Stored<bool> {
    let changed = transaction
        .prepare_cached(
            "INSERT INTO link (register, year, number, earlier_register, earlier_year, earlier_number, why, told,
                               state, made_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'proposed', ?9) ON CONFLICT DO NOTHING",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                later.register,
                later.date.year(),
                later.number as i64,
                earlier.register,
                earlier.date.year(),
                earlier.number as i64,
                why.as_str(),
                told,
                at.as_microsecond(),
            ])
        })
        .map_err(|error| unavailable("writing a link", error))?;
    Ok(changed > 0)
}

/// What a clerk says of two entries, in whichever order they are named.
pub(super) fn act(transaction: &Transaction<'_>, act: &LinkAct) -> Stored<()> {
    let error = |error| unavailable("recording what a clerk says of a link", error);
    let act = &in_order(transaction, act).map_err(error)?;
    let LinkAct { later, earlier, .. } = act;
    if later == earlier {
        return Err(StoreError::Refused("an entry is not linked to itself".into()));
    }
    for number in [later, earlier] {
        if !is_entry(transaction, number).map_err(error)? {
            let why = format!("there is no entry {number}; `recipisa entries` lists them all");
            return Err(StoreError::Refused(why));
        }
    }
    let (state, kind) = match act.verdict {
        LinkVerdict::Confirm => (LinkState::Confirmed, Kind::LinkConfirmed),
        LinkVerdict::Reject => (LinkState::Rejected, Kind::LinkRejected),
    };
    let mut body = json!({"earlier": earlier.key()});
    match (state_of(transaction, later, earlier).map_err(error)?, act.verdict) {
        (Some(known), _) if known == state.as_str() => {
            return Err(StoreError::Refused(format!("the link is {known} already")));
        }
        (Some(_), LinkVerdict::Confirm | LinkVerdict::Reject) => {}
        (None, LinkVerdict::Confirm) => {
            insert(transaction, later, earlier, LinkWhy::Clerk, false, act.at)?;
            body["why"] = LinkWhy::Clerk.as_str().into();
            body["told"] = false.into();
        }
        (None, LinkVerdict::Reject) => {
            let why = format!("no link of {later} to {earlier} is proposed; `recipisa show` shows the links");
            return Err(StoreError::Refused(why));
        }
    }
    settle(transaction, act, state).map_err(error)?;
    append_event(
        transaction,
        &Event {
            at: act.at,
            actor: act.actor.clone(),
            kind,
            subject: subject(later),
            body,
        },
    )
}

/// The same with the entry that was registered first as the earlier one: one pair is one link.
fn in_order(connection: &Connection, act: &LinkAct) -> rusqlite::Result<LinkAct> {
    let LinkAct { later, earlier, .. } = act;
    let is_turned = if later.register == earlier.register {
        (later.date.year(), later.number) < (earlier.date.year(), earlier.number)
    } else {
        registered(connection, later)? < registered(connection, earlier)?
    };
    let mut ordered = act.clone();
    if is_turned {
        std::mem::swap(&mut ordered.later, &mut ordered.earlier);
    }
    Ok(ordered)
}

/// When an entry was registered, and the place of its mail, which tells apart those of one moment.
fn registered(connection: &Connection, number: &Number) -> rusqlite::Result<Option<(i64, i64)>> {
    connection
        .prepare_cached(
            "SELECT registered_at, mail_seq FROM entry WHERE register = ?1 AND year = ?2 AND number = ?3",
        )?
        .query_row(
            params![number.register, number.date.year(), number.number as i64],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
}

const PAIR: &str = "register = ?1 AND year = ?2 AND number = ?3
    AND earlier_register = ?4 AND earlier_year = ?5 AND earlier_number = ?6";

fn state_of(connection: &Connection, later: &Number, earlier: &Number) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(&format!("SELECT state FROM link WHERE {PAIR}"))?
        .query_row(
            params![
                later.register,
                later.date.year(),
                later.number as i64,
                earlier.register,
                earlier.date.year(),
                earlier.number as i64,
            ],
            |row| row.get(0),
        )
        .optional()
}

fn settle(transaction: &Transaction<'_>, act: &LinkAct, state: LinkState) -> rusqlite::Result<()> {
    let LinkAct { later, earlier, .. } = act;
    transaction.execute(
        &format!("UPDATE link SET state = ?7, decided_at = ?8, decided_by = ?9 WHERE {PAIR}"),
        params![
            later.register,
            later.date.year(),
            later.number as i64,
            earlier.register,
            earlier.date.year(),
            earlier.number as i64,
            state.as_str(),
            act.at.as_microsecond(),
            act.actor,
        ],
    )?;
    Ok(())
}

fn is_entry(connection: &Connection, number: &Number) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM entry WHERE register = ?1 AND year = ?2 AND number = ?3 AND registered_on = ?4",
        )?
        .exists(params![
            number.register,
            number.date.year(),
            number.number as i64,
            number.date.to_string()
        ])
}

/// All links of an entry, in both directions.
pub(super) fn of_entry(connection: &Connection, number: &Number) -> rusqlite::Result<Vec<LinkRecord>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE l.register = ?1 AND l.year = ?2 AND l.number = ?3
         UNION ALL
         SELECT {COLUMNS} FROM {TABLES}
         WHERE l.earlier_register = ?1 AND l.earlier_year = ?2 AND l.earlier_number = ?3 ORDER BY 10"
    ))?;
    let key = params![number.register, number.date.year(), number.number as i64];
    let found = statement.query_map(key, record)?;
    found.collect()
}

/// The links that the receipt of an entry speaks of.
pub(super) fn told(connection: &Connection, number: &Number) -> rusqlite::Result<Vec<LinkRecord>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE l.register = ?1 AND l.year = ?2 AND l.number = ?3 AND l.told = 1
         ORDER BY l.earlier_register, l.earlier_year, l.earlier_number"
    ))?;
    let key = params![number.register, number.date.year(), number.number as i64];
    let found = statement.query_map(key, record)?;
    found.collect()
}

/// The links that nobody has decided about.
pub(super) fn proposed(connection: &Connection) -> Stored<Vec<LinkProposal>> {
    let read = || -> rusqlite::Result<Vec<LinkProposal>> {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM {TABLES} WHERE l.state = 'proposed'
             ORDER BY l.made_at, l.register, l.year, l.number, l.earlier_number"
        ))?;
        let found = statement.query_map([], |row| {
            Ok(LinkProposal {
                link: record(row)?,
                office: row.get(12)?,
                applicant: row.get(13)?,
            })
        })?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for links", error))
}

fn record(row: &Row<'_>) -> rusqlite::Result<LinkRecord> {
    let decided = rows::instant_opt(row, 10)?;
    let by: Option<String> = row.get(11)?;
    Ok(LinkRecord {
        later: rows::number(row, 0)?,
        earlier: rows::number(row, 3)?,
        why: rows::one_of(row, 6, &LinkWhy::ALL, LinkWhy::as_str)?,
        told: row.get(7)?,
        state: rows::one_of(row, 8, &LinkState::ALL, LinkState::as_str)?,
        made_at: rows::instant(row, 9)?,
        decided: decided.map(|at| (at, by.unwrap_or_default())),
    })
}

/// Mails of a period that another source had brought before.
pub(super) fn copies(connection: &Connection, from: Timestamp, to: Timestamp) -> Stored<Vec<Copy>> {
    let read = || -> rusqlite::Result<Vec<Copy>> {
        let mut statement = connection.prepare_cached(&format!(
            "{COPIES} AND c.decided_at >= ?1 AND c.decided_at < ?2 ORDER BY c.seq"
        ))?;
        let found = statement.query_map([from.as_microsecond(), to.as_microsecond()], copy)?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for mails that came twice", error))
}

/// The same of one case, whenever it was decided.
pub(super) fn copies_of(connection: &Connection, number: &Number) -> Stored<Vec<Copy>> {
    let read = || -> rusqlite::Result<Vec<Copy>> {
        let mut statement = connection.prepare_cached(&format!(
            "{COPIES} AND e.register = ?1 AND e.year = ?2 AND e.number = ?3 ORDER BY c.seq"
        ))?;
        let key = params![number.register, number.date.year(), number.number as i64];
        let found = statement.query_map(key, copy)?;
        found.collect()
    };
    read().map_err(|error| unavailable("looking for mails that came twice", error))
}

fn copy(row: &Row<'_>) -> rusqlite::Result<Copy> {
    Ok(Copy {
        mail_seq: row.get(0)?,
        source: SourceId(row.get(1)?),
        received_at: rows::instant(row, 2)?,
        first_source: SourceId(row.get(3)?),
        number: rows::number(row, 4)?,
        applicant: row.get(7)?,
    })
}
