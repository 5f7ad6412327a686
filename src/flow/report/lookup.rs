//! The facts of a digest: what is open now, what is held or stuck, what came in the period, and the count.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::Date;

use super::{conexe, equation};
use crate::calendar::Calendar;
use crate::calendar::hours::ZONE;
use crate::calendar::term::due_working;
use crate::casework::{self, Case, Consent, State};
use crate::digest::{self, Facts, Gap, Period, Scope};
use crate::documents::Severity;
use crate::flow::{House, OfficeTimes};
use crate::followup::Kind;
use crate::outbox;
use crate::receipt::content::Verdict;
use crate::registry::{FileRecord, Number, RequestType, Spelling, UNDETERMINED};
use crate::store::{EntryRecord, LetterRecord, LetterState, LetterTrouble, OpenCase, ReceiptState, Stored};

/// What the facts of a digest are told with.
pub struct Bureau {
    pub agency: String,
    /// By the office's identifier.
    pub office_names: BTreeMap<String, String>,
    /// Source to office.
    pub offices: BTreeMap<String, String>,
    /// Source to its address, and to how long it may be without contact.
    pub mailboxes: BTreeMap<String, (String, SignedDuration)>,
    pub request_types: Vec<RequestType>,
    pub spelling: Spelling,
    pub times: OfficeTimes,
    pub cases: casework::Policy,
}

/// Looks up what a digest says about a period; the open work is that of now.
///
/// # Errors
/// The store failed.
pub fn facts(
    house: House<'_>,
    bureau: &Bureau,
    office: Option<&str>,
    period: Period,
    today: Date,
    gap: Option<Gap>,
) -> Stored<Facts> {
    let scope = office.map_or(Scope::All, |office| Scope::Office(bureau.office_name(office)));
    let mut facts = Facts {
        period,
        today,
        next_working_day: bureau.times.calendar.next_working_day(today),
        agency: bureau.agency.clone(),
        scope,
        gap,
        unreached: Vec::new(),
        late: Vec::new(),
        due_today: Vec::new(),
        due_this_week: Vec::new(),
        pickups_today: Vec::new(),
        pickups_next: Vec::new(),
        held: Vec::new(),
        undelivered: Vec::new(),
        unanswered: Vec::new(),
        conexe: conexe::conexe(house, bureau, office, period)?,
        answered: Vec::new(),
        joined: Vec::new(),
        entries: Vec::new(),
        sources: Vec::new(),
        misfits: Vec::new(),
        misfits_total: 0,
    };
    let wanted = |of: &str| office.is_none_or(|office| office == of);
    let mut reminded = Vec::new();
    house.store.cases_open_each(&mut |open| {
        if wanted(&open.case.office) {
            reminded.extend(unanswered(bureau, &open, today, &mut facts));
            open_work(bureau, &open.case, today, &mut facts);
        }
    })?;
    for (place, number, ordinal) in reminded {
        facts.unanswered[place].reminded_on = reminder_day(house, &number, ordinal)?;
    }
    order(&mut facts);
    unreached(house, bureau, office, &mut facts)?;
    held(house, bureau, office, &mut facts)?;
    undelivered(house, bureau, office, &mut facts)?;
    arrivals(house, bureau, office, &mut facts)?;
    equation::counts(house, bureau, office, &mut facts)?;
    Ok(facts)
}

impl Bureau {
    pub(super) fn office_name(&self, id: &str) -> String {
        self.office_names
            .get(id)
            .cloned()
            .unwrap_or_else(|| id.to_owned())
    }

    fn type_name(&self, id: &str) -> String {
        let known = self.request_types.iter().find(|one| one.id == id);
        known.map_or_else(|| UNDETERMINED.to_owned(), |one| one.name.clone())
    }

    fn calendar(&self) -> &Calendar {
        &self.times.calendar
    }
}

/// Terms and appointments of one case.
fn open_work(bureau: &Bureau, case: &Case, today: Date, facts: &mut Facts) {
    let (due_on, awaited) = match case.state() {
        State::Open => (case.due_on, digest::Awaited::Decision),
        State::AwaitingCitizen => (case.due_on, digest::Awaited::Reply),
        State::Decided | State::Invited | State::Closed => match (&case.decision, case.appointment()) {
            (_, Some(appointment)) => (
                appointment.starts_at.to_zoned(ZONE).date(),
                digest::Awaited::HandOver,
            ),
            (Some(decision), None) => (
                due_working(decision.on, bureau.cases.pickup_days, bureau.calendar()).date,
                digest::Awaited::Appointment,
            ),
            (None, None) => return,
        },
    };
    let open = digest::OpenCase {
        number: case.number.spelled(bureau.spelling),
        applicant: case.applicant.clone(),
        request_type: bureau.type_name(&case.request_type),
        office: bureau.office_name(&case.office),
        due_on,
        awaited,
    };
    let week = today.saturating_add(jiff::Span::new().days(7));
    let comes = awaited == digest::Awaited::HandOver;
    let near = due_on <= week || case.is_awaited(today, &bureau.cases, bureau.calendar());
    if due_on < today {
        facts.late.push(open);
    } else if due_on == today && !comes {
        facts.due_today.push(open);
    } else if near && !comes {
        facts.due_this_week.push(open);
    }
    let Some(appointment) = case.appointment().filter(|_| !case.is_closed()) else {
        return;
    };
    let day = appointment.starts_at.to_zoned(ZONE).date();
    let pickup = digest::Pickup {
        at: appointment.starts_at,
        number: case.number.spelled(bureau.spelling),
        applicant: case.applicant.clone(),
        request_type: bureau.type_name(&case.request_type),
        office: bureau.office_name(&case.office),
    };
    if day == today {
        facts.pickups_today.push(pickup);
    } else if day == facts.next_working_day {
        facts.pickups_next.push(pickup);
    }
}

/// Questions whose day has passed; returns the place of each with what its reminder is looked up by.
fn unanswered(bureau: &Bureau, open: &OpenCase, today: Date, facts: &mut Facts) -> Vec<(usize, Number, u32)> {
    let case = &open.case;
    let mut places = Vec::new();
    for asked in &case.clarifications {
        if asked.answer.is_some() || asked.until >= today || case.decision.is_some() {
            continue;
        }
        places.push((facts.unanswered.len(), case.number.clone(), asked.ordinal));
        facts.unanswered.push(digest::Unanswered {
            number: case.number.spelled(bureau.spelling),
            applicant: case.applicant.clone(),
            office: bureau.office_name(&case.office),
            ordinal: asked.ordinal,
            asked_on: asked.asked_at.to_zoned(ZONE).date(),
            until: asked.until,
            reminded_on: None,
            what: asked.what.clone(),
        });
    }
    places
}

fn reminder_day(house: House<'_>, number: &Number, ordinal: u32) -> Stored<Option<Date>> {
    let record = house.store.case(number)?;
    Ok(record.and_then(|record| {
        record
            .entry
            .letters
            .iter()
            .find(|one| {
                one.letter.kind == Kind::ClarificationReminder.letter()
                    && one.letter.ordinal == ordinal
                    && one.state == LetterState::Sent
            })
            .map(|one| one.letter.queued_at.to_zoned(ZONE).date())
    }))
}

fn order(facts: &mut Facts) {
    for list in [&mut facts.late, &mut facts.due_today, &mut facts.due_this_week] {
        list.sort_by_key(|open| open.due_on);
    }
    facts.pickups_today.sort_by_key(|pickup| pickup.at);
    facts.pickups_next.sort_by_key(|pickup| pickup.at);
    facts.unanswered.sort_by_key(|one| one.until);
}

/// Mailboxes of the configuration that were not read for longer than may be, and cannot be now.
fn unreached(house: House<'_>, bureau: &Bureau, office: Option<&str>, facts: &mut Facts) -> Stored<()> {
    let now = (house.now)();
    for contact in house.store.contacts()? {
        let of = bureau.offices.get(&contact.source.0).map(String::as_str);
        let mailbox = bureau.mailboxes.get(&contact.source.0);
        let (Some((address, patience)), Some((failing_since, why))) = (mailbox, contact.failing) else {
            continue;
        };
        let since = contact.contact_at.unwrap_or(failing_since);
        if now.duration_since(since) < *patience || office.is_some() && office != of {
            continue;
        }
        facts.unreached.push(digest::Unreached {
            source: contact.source.0,
            address: address.clone(),
            contact_at: contact.contact_at,
            failing_since,
            why,
        });
    }
    Ok(())
}

fn held(house: House<'_>, bureau: &Bureau, office: Option<&str>, facts: &mut Facts) -> Stored<()> {
    for mail in house.store.mails_held()? {
        let of = bureau.offices.get(&mail.source.0).map(String::as_str);
        let Some(decision) = mail.decision.filter(|_| office.is_none() || office == of) else {
            continue;
        };
        facts.held.push(digest::Held {
            mail_id: mail.seq,
            received_at: mail.received_at,
            source: mail.source.0,
            reason: decision.reason,
            sender: decision.summary.sender_address,
            subject: decision.summary.subject,
        });
    }
    Ok(())
}

fn undelivered(house: House<'_>, bureau: &Bureau, office: Option<&str>, facts: &mut Facts) -> Stored<()> {
    let wanted = |of: &str| office.is_none_or(|office| office == of);
    for one in house.store.receipts_troubled()? {
        let entry = &one.entry;
        if !wanted(&entry.draft.office) {
            continue;
        }
        let (trouble, last_answer) = match &one.receipt {
            ReceiptState::Owed { last_error, .. } => (digest::Trouble::Unsigned, last_error.clone()),
            ReceiptState::Issued { .. } => (digest::Trouble::NoLetter(one.letterless), None),
        };
        facts.undelivered.push(digest::Undelivered {
            number: entry.number.spelled(bureau.spelling),
            applicant: entry.draft.applicant.clone(),
            office: bureau.office_name(&entry.draft.office),
            letter: outbox::Kind::Receipt,
            submission: entry.submission,
            to: entry.summary.sender_address.clone(),
            trouble,
            last_answer,
            of_another: None,
            mail: None,
        });
    }
    unwritten(house, bureau, office, facts)?;
    unsent(house, bureau, office, facts)
}

/// Planned letters that could not be written so far.
fn unwritten(house: House<'_>, bureau: &Bureau, office: Option<&str>, facts: &mut Facts) -> Stored<()> {
    let wanted = |of: &str| office.is_none_or(|office| office == of);
    for trouble in house.store.followups_troubled()? {
        if !wanted(&trouble.office) {
            continue;
        }
        facts.undelivered.push(digest::Undelivered {
            number: trouble.number.spelled(bureau.spelling),
            applicant: trouble.applicant,
            office: bureau.office_name(&trouble.office),
            letter: trouble.planned.kind.letter(),
            submission: 0,
            to: trouble.to,
            trouble: digest::Trouble::Unwritten,
            last_answer: trouble.last_error,
            of_another: None,
            mail: None,
        });
    }
    Ok(())
}

/// Letters given up, and queued ones that could not go so far.
fn unsent(house: House<'_>, bureau: &Bureau, office: Option<&str>, facts: &mut Facts) -> Stored<()> {
    let wanted = |of: &str| office.is_none_or(|office| office == of);
    for LetterTrouble {
        record:
            LetterRecord {
                letter,
                state,
                last_answer,
                reported,
                ..
            },
        office: of_case,
        applicant,
        mail,
    } in house.store.letters_troubled()?
    {
        let of_source = mail.as_ref().and_then(|mail| bureau.offices.get(&mail.source.0));
        let of = of_case.or_else(|| of_source.cloned());
        // A digest belongs to no office; that of the whole agency tells of it.
        if !of.as_deref().map_or(office.is_none(), wanted) {
            continue;
        }
        facts.undelivered.push(digest::Undelivered {
            number: letter.number.as_ref().map_or_else(
                || digest::NO_NUMBER.to_owned(),
                |number| number.spelled(bureau.spelling),
            ),
            applicant,
            office: of
                .as_deref()
                .map_or_else(String::new, |of| bureau.office_name(of)),
            letter: letter.kind,
            submission: if letter.kind == outbox::Kind::Receipt {
                letter.ordinal
            } else {
                0
            },
            to: Some(letter.to),
            trouble: match state {
                LetterState::GivenUp => digest::Trouble::GivenUp,
                LetterState::Sent => digest::Trouble::Returned,
                LetterState::Queued | LetterState::Void => digest::Trouble::Delayed,
            },
            of_another: reported
                .as_ref()
                .filter(|_| state == LetterState::Sent)
                .and_then(|reported| reported.of_another.clone()),
            last_answer: match (state, reported) {
                (LetterState::Sent, Some(reported)) => Some(reported.words),
                _ => last_answer,
            },
            mail: mail.map(|mail| digest::Unnumbered {
                mail_id: mail.seq,
                sender: mail.sender,
                subject: mail.subject,
                source: mail.source.0,
            }),
        });
    }
    Ok(())
}

/// What came in the period: entries, submissions, and which of these were answers.
fn arrivals(house: House<'_>, bureau: &Bureau, office: Option<&str>, facts: &mut Facts) -> Stored<()> {
    let Period { from, to } = facts.period;
    let wanted = |of: &str| office.is_none_or(|office| office == of);
    let mut answers = house.store.answers_between(from, to)?;
    let mut came: Vec<EntryRecord> = Vec::new();
    house.store.filings_between(from, to, &mut |record| {
        if wanted(&record.entry.draft.office) {
            came.push(record);
        }
    })?;
    for record in came {
        let entry = &record.entry;
        let number = entry.number.spelled(bureau.spelling);
        let office = bureau.office_name(&entry.draft.office);
        let applicant = entry.draft.applicant.clone();
        let files = entry.files.iter().map(file).collect();
        if entry.submission == 0 {
            let reported = record.letters.iter().find_map(|letter| letter.reported.as_ref());
            facts.entries.push(digest::NewEntry {
                number,
                received_at: entry.draft.received_at,
                applicant,
                request_type: bureau.type_name(&entry.draft.request_type),
                office,
                files,
                consent: consent(house, &entry.number)?,
                receipt: reported.map(|reported| reported.delivery),
                receipt_of_another: reported.is_some_and(|reported| reported.of_another.is_some()),
            });
            continue;
        }
        let answer = answers
            .iter()
            .position(|(of, answer, _)| *of == entry.number && answer.submission == entry.submission);
        match answer {
            Some(place) => {
                let (_, answer, ordinal) = answers.swap_remove(place);
                facts.answered.push(digest::Answered {
                    number,
                    applicant,
                    office,
                    ordinal,
                    at: answer.at,
                    files,
                });
            }
            None => facts.joined.push(digest::Joined {
                number,
                applicant,
                office,
                ordinal: entry.submission,
                received_at: entry.draft.received_at,
                files,
            }),
        }
    }
    facts.answered.sort_by_key(|one| one.at);
    Ok(())
}

fn consent(house: House<'_>, number: &Number) -> Stored<digest::Consent> {
    let consent = house.store.case(number)?.map(|record| record.case.consent);
    Ok(match consent {
        Some(Consent::Found(_)) => digest::Consent::Found,
        Some(Consent::Missing) => digest::Consent::Missing,
        Some(Consent::NotAsked) | None => digest::Consent::NotAsked,
    })
}

fn file(record: &FileRecord) -> digest::File {
    let name = match &record.container {
        Some(container) => format!("{container} › {}", record.name),
        None => record.name.clone(),
    };
    digest::File {
        name,
        verdict: if record.accepted {
            Verdict::Accepted
        } else {
            Verdict::Refused
        },
        told: record
            .findings
            .iter()
            .find(|finding| finding.severity == Severity::Refusal)
            .map(|finding| finding.text_ro.clone()),
    }
}
