//! The digest as one table that a Romanian spreadsheet opens by a double click: byte order mark, semicolons, CRLF.
//!
//! A cell that a spreadsheet would take for a formula begins with an apostrophe here; hidden and steering characters
//! are shown by number, and a cell ends where spreadsheets cut it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::conexe;
use super::facts::{
    Answered, Facts, File, Held, Joined, Misfit, NewEntry, OpenCase, Pickup, SourceCounts, Unanswered,
    Undelivered,
};
use super::words::{self, cut, one_line};
use crate::calendar::hours::ZONE;

/// Excel holds 32,767 UTF-16 units in a cell; letters outside the first plane take two.
const LETTERS_MAX: usize = 16_000;

const HEAD: [&str; 10] = [
    "Secțiune",
    "Număr",
    "Solicitant",
    "Tip cerere",
    "Punct de lucru",
    "Data",
    "Ora",
    "Situație",
    "Fișiere",
    "De făcut",
];

/// One row, its cells not yet made safe.
#[derive(Default)]
pub(super) struct Row {
    pub(super) section: &'static str,
    pub(super) number: String,
    pub(super) applicant: String,
    pub(super) request_type: String,
    pub(super) office: String,
    pub(super) date: String,
    pub(super) hour: String,
    pub(super) state: String,
    pub(super) files: String,
    pub(super) todo: String,
}

/// The table.
pub(super) fn csv(facts: &Facts) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{FEFF}".as_bytes().to_vec());
    let cells = rows(facts).into_iter().map(cells_of);
    for record in std::iter::once(HEAD.map(str::to_owned)).chain(cells) {
        writer
            .write_record(record)
            .expect("memory takes every record, and all have ten cells");
    }
    writer.into_inner().expect("memory needs no flushing")
}

fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = vec![Row {
        section: "Perioadă",
        date: words::date(facts.today),
        state: format!(
            "{} – {}; {}",
            facts.agency,
            words::scope(&facts.scope),
            words::period(facts.period)
        ),
        todo: facts.gap.as_ref().map(words::gap).unwrap_or_default(),
        ..Row::default()
    }];
    rows.extend(facts.unreached.iter().map(|one| Row {
        section: "Căsuță fără legătură",
        office: one.source.clone(),
        date: day_of(one.contact_at.unwrap_or(one.failing_since)),
        hour: words::hour(one.contact_at.unwrap_or(one.failing_since)),
        state: words::unreached(one),
        todo: words::ASK_SERVERS.to_owned(),
        ..Row::default()
    }));
    let cases = [
        ("Termen depășit", &facts.late),
        ("Termen astăzi", &facts.due_today),
    ];
    for (section, cases) in cases {
        rows.extend(cases.iter().map(|case| open_case(section, case, facts.today)));
    }
    rows.extend(facts.pickups_today.iter().map(|p| pickup("Programare astăzi", p)));
    rows.extend(facts.held.iter().map(held));
    rows.extend(facts.undelivered.iter().map(undelivered));
    rows.extend(facts.unanswered.iter().map(unanswered));
    let week = facts.due_this_week.iter();
    rows.extend(week.map(|case| open_case("Termen în 7 zile", case, facts.today)));
    let next = facts.pickups_next.iter();
    rows.extend(next.map(|p| pickup("Programare următoare", p)));
    rows.extend(facts.answered.iter().map(answered));
    rows.extend(facts.joined.iter().map(joined));
    rows.extend(facts.entries.iter().map(entry));
    rows.extend(conexe::rows(&facts.conexe));
    rows.extend(facts.sources.iter().map(source));
    rows.extend(facts.misfits.iter().map(misfit));
    rows.push(Row {
        section: "Mesaje și rezultate",
        state: words::verdict(facts),
        todo: if facts.balanced() {
            String::new()
        } else {
            words::EXAMINE.to_owned()
        },
        ..Row::default()
    });
    rows
}

fn open_case(section: &'static str, case: &OpenCase, today: Date) -> Row {
    let late = case.days_late(today);
    let awaited = words::awaited(case.awaited);
    Row {
        section,
        number: case.number.clone(),
        applicant: case.applicant.clone().unwrap_or_default(),
        request_type: case.request_type.clone(),
        office: case.office.clone(),
        date: words::date(case.due_on),
        state: if late > 0 {
            words::overdue(late)
        } else {
            String::new()
        },
        todo: awaited.to_owned(),
        ..Row::default()
    }
}

fn pickup(section: &'static str, pickup: &Pickup) -> Row {
    Row {
        section,
        number: pickup.number.clone(),
        applicant: pickup.applicant.clone().unwrap_or_default(),
        request_type: pickup.request_type.clone(),
        office: pickup.office.clone(),
        date: day_of(pickup.at),
        hour: words::hour(pickup.at),
        ..Row::default()
    }
}

fn held(mail: &Held) -> Row {
    Row {
        section: "Mesaj reținut",
        number: format!("mesajul {}", mail.mail_id),
        applicant: mail.sender.clone().unwrap_or_default(),
        request_type: mail.subject.clone(),
        office: mail.source.clone(),
        date: day_of(mail.received_at),
        hour: words::hour(mail.received_at),
        state: format!("{} ({})", mail.reason.clerk_ro(), mail.reason.as_str()),
        todo: words::held_commands(mail)
            .map(|(purpose, command)| format!("{purpose} {command}"))
            .join(" | "),
        ..Row::default()
    }
}

fn undelivered(letter: &Undelivered) -> Row {
    let (remedy, command) = words::remedy(letter);
    let to = letter
        .to
        .as_ref()
        .map_or_else(|| "fără adresă".to_owned(), |to| format!("către {to}"));
    let answer = letter
        .last_answer
        .as_ref()
        .map_or_else(String::new, |answer| format!("; ultimul răspuns: {answer}"));
    let other = words::of_another(letter).map_or_else(String::new, |words| format!(". {words}"));
    Row {
        section: "Nelivrat",
        number: letter.mail.as_ref().map_or_else(
            || letter.number.clone(),
            |mail| format!("mesajul {}", mail.mail_id),
        ),
        applicant: match &letter.mail {
            Some(mail) => mail.sender.clone().unwrap_or_default(),
            None => letter.applicant.clone().unwrap_or_default(),
        },
        request_type: letter
            .mail
            .as_ref()
            .map(|mail| mail.subject.clone())
            .unwrap_or_default(),
        office: letter.office.clone(),
        state: format!(
            "{} {}; {to}{other}{answer}",
            words::letter(letter.letter),
            words::trouble(letter.letter, letter.trouble)
        ),
        todo: format!("{remedy} {}", command.unwrap_or_default())
            .trim_end()
            .to_owned(),
        ..Row::default()
    }
}

fn unanswered(asked: &Unanswered) -> Row {
    let reminder = match asked.reminded_on {
        Some(on) => format!("reamintită la {}", words::date(on)),
        None => "fără reamintire".to_owned(),
    };
    Row {
        section: "Clarificare fără răspuns",
        number: asked.number.clone(),
        applicant: asked.applicant.clone().unwrap_or_default(),
        office: asked.office.clone(),
        date: words::date(asked.until),
        state: format!(
            "clarificarea nr. {}, cerută la {}, {reminder}: {}",
            asked.ordinal,
            words::date(asked.asked_on),
            asked.what
        ),
        ..Row::default()
    }
}

fn answered(reply: &Answered) -> Row {
    Row {
        section: "Clarificare cu răspuns",
        number: reply.number.clone(),
        applicant: reply.applicant.clone().unwrap_or_default(),
        office: reply.office.clone(),
        date: day_of(reply.at),
        hour: words::hour(reply.at),
        state: format!("clarificarea nr. {}", reply.ordinal),
        files: files(&reply.files),
        ..Row::default()
    }
}

fn joined(joined: &Joined) -> Row {
    Row {
        section: "Completare",
        number: joined.number.clone(),
        applicant: joined.applicant.clone().unwrap_or_default(),
        office: joined.office.clone(),
        date: day_of(joined.received_at),
        hour: words::hour(joined.received_at),
        state: format!("completarea nr. {}", joined.ordinal),
        files: files(&joined.files),
        ..Row::default()
    }
}

fn entry(entry: &NewEntry) -> Row {
    Row {
        section: "Cerere nouă",
        number: entry.number.clone(),
        applicant: entry.applicant.clone().unwrap_or_default(),
        request_type: entry.request_type.clone(),
        office: entry.office.clone(),
        date: day_of(entry.received_at),
        hour: words::hour(entry.received_at),
        state: words::consent(entry.consent).to_owned(),
        files: files(&entry.files),
        ..Row::default()
    }
}

fn source(source: &SourceCounts) -> Row {
    Row {
        section: "Mesaje și rezultate",
        state: words::equation(source),
        ..Row::default()
    }
}

fn misfit(misfit: &Misfit) -> Row {
    Row {
        section: "Mesaj fără pereche",
        state: words::misfit(misfit),
        todo: words::EXAMINE.to_owned(),
        ..Row::default()
    }
}

pub(super) fn day_of(at: Timestamp) -> String {
    words::date(at.to_zoned(ZONE).date())
}

fn files(files: &[File]) -> String {
    let files: Vec<String> = files
        .iter()
        .map(|file| format!("{} ({})", file.name, file.verdict.word_ro()))
        .collect();
    files.join(", ")
}

fn cells_of(row: Row) -> [String; 10] {
    [
        row.section.to_owned(),
        row.number,
        row.applicant,
        row.request_type,
        row.office,
        row.date,
        row.hour,
        row.state,
        row.files,
        row.todo,
    ]
    .map(|cell| defused(&cut(&one_line(&cell), LETTERS_MAX)))
}

/// An apostrophe before what a spreadsheet, also one set to a language with full-width signs, takes for a formula.
fn defused(cell: &str) -> String {
    let formula = cell
        .trim_start()
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if formula {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}
