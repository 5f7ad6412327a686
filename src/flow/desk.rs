//! What a clerk may do with a case: ask for a clarification, record the decision, arrange the pickup, hand over.
//!
//! Each act is examined on the case as it stands, planned and committed in one transaction; a rehearsal goes the same
//! way and stops before anything is written. The command line only calls this, and another desk may come beside it.

use jiff::civil::{Date, DateTime};

use crate::calendar::term::due_working;
use crate::casework::{self, Act, Case, Circumstances, Document, HandoverWay, Refusal};
use crate::documents::{Detected, Limits};
use crate::flow::{House, OfficeTimes};
use crate::followup::{self, Event, Kind, Planned};
use crate::outbox;
use crate::registry::{FileRecord, Number, examine_alone};
use crate::store::{ArchiveError, CaseAct, CaseRecord, FollowupState, StoreError};

/// What the agency's rules say to the desk.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub times: &'a OfficeTimes,
    pub cases: &'a casework::Policy,
    pub limits: &'a Limits,
}

/// What the clerk wants.
#[derive(Debug, Clone)]
pub enum Wish {
    Clarify {
        what: String,
        /// Left out, the agency's usual term.
        until: Option<Date>,
    },
    Decide {
        /// Left out, today.
        on: Option<Date>,
        document_name: String,
        document: Vec<u8>,
    },
    Pickup {
        starts: DateTime,
        place: String,
    },
    HandOver {
        /// Left out, today.
        on: Option<Date>,
        how: HandoverWay,
    },
    Close {
        reason: String,
    },
}

/// Whether it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Do,
    /// Nothing is written.
    Rehearse,
}

/// What an act causes.
#[derive(Debug, Clone)]
pub struct Done {
    /// The case before the act.
    pub case: Case,
    pub act: Act,
    /// Letters that will go out.
    pub planned: Vec<Planned>,
    /// Letters that will not go out any more.
    pub voided: Vec<Planned>,
    /// What the clerk should know.
    pub notes: Vec<Note>,
}

/// What a clerk should know about an act that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// The citizen has not agreed in writing to the process by e-mail.
    ConsentMissing,
    /// A clarification is still unanswered.
    Unanswered,
    /// The decision's document is no sound PDF.
    DocumentUnusual,
    /// The last day for the answer lies after the term of the decision.
    UntilAfterTerm,
    /// The appointment lies after the term for the pickup.
    PickupLate,
    /// The mail came from a program or from several senders, who are not answered by themselves.
    Silence,
    /// The decision comes after its term.
    Late,
    /// Another appointment is replaced.
    Moved,
}

impl Note {
    /// For the clerk, in Romanian.
    pub fn clerk_ro(self) -> &'static str {
        match self {
            Self::ConsentMissing => {
                "acordul scris al solicitantului lipsește; fără el, procedura cere calea obișnuită, cu programare"
            }
            Self::Unanswered => "o cerere de completare a rămas fără răspuns",
            Self::DocumentUnusual => "documentul deciziei nu este un PDF valid; se păstrează așa cum este",
            Self::UntilAfterTerm => "termenul dat solicitantului depășește termenul de decizie",
            Self::PickupLate => "programarea depășește termenul de ridicare",
            Self::Silence => {
                "cererea nu se răspunde automat (program, listă sau mai mulți expeditori); verificați adresa"
            }
            Self::Late => "decizia este luată după termen",
            Self::Moved => "programarea anterioară este înlocuită",
        }
    }
}

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    #[error("there is no case {0}; `recipisa case list` shows the open ones")]
    Unknown(String),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the document is empty")]
    EmptyDocument,
    #[error("say who acts, with --as NAME; it is written into the journal")]
    Nobody,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Does what the clerk wants, or says what it would do.
///
/// # Errors
/// The case is not there or does not allow it, or storage failed; nothing was done.
pub fn act(
    house: House<'_>,
    rules: Rules<'_>,
    number: &Number,
    wish: Wish,
    actor: &str,
    mode: Mode,
) -> Result<Done, DeskError> {
    let record = house
        .store
        .case(number)?
        .ok_or_else(|| DeskError::Unknown(number.to_string()))?;
    let hours = rules.times.of(&record.case.office);
    let seen = Circumstances {
        now: (house.now)(),
        hours: &hours,
        calendar: &rules.times.calendar,
        policy: rules.cases,
    };
    let (mut act, document) = translated(wish, seen)?;
    record.case.examine(&act, seen)?;
    if actor.trim().is_empty() {
        return Err(DeskError::Nobody);
    }
    let planned = followup::plan(&act, &record.case, seen);
    let address = record.case.address.as_deref().unwrap_or_default();
    if !planned.is_empty() && !outbox::is_usable_address(address) {
        return Err(Refusal::NoAddress.into());
    }
    let voids = followup::voided_by(Event::Act(&act));
    let notes = notes(&record.case, &act, document.as_deref(), rules);
    if mode == Mode::Do {
        if let (Act::Decide { document: kept, .. }, Some(bytes)) = (&mut act, &document) {
            kept.sha256 = house.archive.put(bytes)?;
        }
        house.store.case_act(&CaseAct {
            number: number.clone(),
            version: record.case.version,
            act: act.clone(),
            actor: actor.to_owned(),
            at: seen.now,
            planned: planned.clone(),
            voids,
            minutes: rules.cases.appointment_minutes,
        })?;
    }
    Ok(Done {
        voided: voided(&record, voids),
        case: record.case,
        act,
        planned,
        notes,
    })
}

/// The act that a wish means today; a decision's document has its hash only once it is in the archive.
fn translated(wish: Wish, seen: Circumstances<'_>) -> Result<(Act, Option<Vec<u8>>), DeskError> {
    Ok(match wish {
        Wish::Clarify { what, until } => {
            let until = until.unwrap_or_else(|| casework::answer_day(seen));
            (Act::Clarify { what, until }, None)
        }
        Wish::Decide {
            on,
            document_name,
            document,
        } => {
            if document.is_empty() {
                return Err(DeskError::EmptyDocument);
            }
            let act = Act::Decide {
                on: on.unwrap_or_else(|| seen.today()),
                document: Document {
                    name: document_name,
                    sha256: String::new(),
                },
            };
            (act, Some(document))
        }
        Wish::Pickup { starts, place } => (Act::Pickup { starts, place }, None),
        Wish::HandOver { on, how } => (
            Act::HandOver {
                on: on.unwrap_or_else(|| seen.today()),
                how,
            },
            None,
        ),
        Wish::Close { reason } => (Act::SetAside { reason }, None),
    })
}

fn notes(case: &Case, act: &Act, document: Option<&[u8]>, rules: Rules<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    let writes = match act {
        Act::Clarify { .. } | Act::Pickup { .. } => true,
        Act::Decide { .. } | Act::HandOver { .. } | Act::SetAside { .. } => false,
    };
    if writes && !case.replies {
        notes.push(Note::Silence);
    }
    if let Act::Clarify { until, .. } = act
        && *until > case.due_on
    {
        notes.push(Note::UntilAfterTerm);
    }
    if let (Act::Pickup { starts, .. }, Some(decision)) = (act, &case.decision) {
        let last = due_working(decision.on, rules.cases.pickup_days, &rules.times.calendar).date;
        if starts.date() > last {
            notes.push(Note::PickupLate);
        }
    }
    if writes && case.consent == casework::Consent::Missing {
        notes.push(Note::ConsentMissing);
    }
    if let Act::Decide { on, document: named } = act {
        if case.open_clarification().is_some() {
            notes.push(Note::Unanswered);
        }
        if *on > case.due_on {
            notes.push(Note::Late);
        }
        let lines = document.map(|bytes| examine_alone(&named.name, bytes, rules.limits));
        let is_pdf = |lines: Vec<FileRecord>| {
            let own = lines.first();
            own.is_some_and(|line| line.accepted && line.detected == Detected::Pdf.code())
        };
        if !lines.is_some_and(is_pdf) {
            notes.push(Note::DocumentUnusual);
        }
    }
    if matches!(act, Act::Pickup { .. }) && case.appointment().is_some() {
        notes.push(Note::Moved);
    }
    notes
}

fn voided(record: &CaseRecord, voids: &[Kind]) -> Vec<Planned> {
    record
        .followups
        .iter()
        .filter(|one| one.state == FollowupState::Planned && voids.contains(&one.planned.kind))
        .map(|one| one.planned)
        .collect()
}
