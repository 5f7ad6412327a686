//! The digest as a page: groups of lists, each row with its title, its day, its lines and its commands, all texts
//! ready to be shown. Text and HTML are two dresses of the same [`Page`].
//!
//! Left out: marks of any kind, and escaping, which belong to the templates.

use serde::Serialize;

use super::facts::{
    Answered, Facts, File, Held, Joined, NewEntry, OpenCase, Pickup, Scope, Unanswered, Undelivered,
};
use super::words::{self, applicant, date, shown};
use super::{ROWS_MAX, conexe};
use crate::receipt::content::Verdict;
use crate::receipt::wording::{count, day, day_and_hour};

/// How many files of one mail are listed.
const FILES_MAX: usize = 20;
/// How many messages for which the count fails are named.
const MISFITS_MAX: usize = 20;

#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    agency: String,
    scope: String,
    /// What must not be overlooked, before everything else.
    alerts: Vec<Alert>,
    gap: String,
    summary: String,
    groups: Vec<Group>,
    count: Count,
}

#[derive(Debug, Serialize)]
struct Alert {
    text: String,
    command: &'static str,
}

#[derive(Debug, Serialize)]
struct Group {
    title: String,
    sections: Vec<Section>,
}

#[derive(Debug, Serialize)]
pub(super) struct Section {
    title: String,
    count: usize,
    rows: Vec<Row>,
    /// How many rows are left out, in words; empty where none is.
    more: String,
    /// The command that shows all.
    all: &'static str,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Row {
    pub(super) title: String,
    /// The day or hour that matters, or by how much it has passed; may be empty.
    pub(super) when: String,
    pub(super) lines: Vec<String>,
    pub(super) files: Vec<FileLine>,
    /// How many files are left out, in words; empty where none is.
    pub(super) files_more: String,
    pub(super) commands: Vec<Command>,
}

#[derive(Debug, Serialize)]
pub(super) struct Command {
    /// What it is good for.
    pub(super) purpose: &'static str,
    pub(super) text: String,
}

#[derive(Debug, Serialize)]
pub(super) struct FileLine {
    name: String,
    verdict: &'static str,
    refused: bool,
    told: String,
}

#[derive(Debug, Serialize)]
struct Count {
    shown: u64,
    outcomes: Vec<Outcome>,
    /// One line a source, where there are several.
    sources: Vec<String>,
    verdict: String,
    balanced: bool,
}

#[derive(Debug, Serialize)]
struct Outcome {
    word: &'static str,
    number: u64,
}

/// Composes the page.
pub(super) fn page(facts: &Facts) -> Page {
    let mut alerts: Vec<Alert> = facts
        .unreached
        .iter()
        .map(|one| Alert {
            text: words::unreached(one),
            command: words::ASK_SERVERS,
        })
        .collect();
    if !facts.balanced() {
        alerts.push(alert(facts));
    }
    let summary = match words::pressing(facts) {
        parts if parts.is_empty() => "Nimic urgent astăzi.".to_owned(),
        parts => format!("Pe scurt: {}.", parts.join(", ")),
    };
    Page {
        title: format!("Situația registraturii – {}", day(facts.today)),
        agency: shown(&facts.agency),
        scope: words::scope(&facts.scope),
        alerts,
        gap: facts.gap.as_ref().map(words::gap).unwrap_or_default(),
        summary,
        groups: vec![
            Group {
                title: "De făcut astăzi".to_owned(),
                sections: today(facts),
            },
            Group {
                title: "Urmează".to_owned(),
                sections: coming(facts),
            },
            Group {
                title: format!("Ce a intrat: {}", words::period(facts.period)),
                sections: arrived(facts),
            },
        ],
        count: counted(facts),
    }
}

/// The count does not come out: by how much, and for which messages.
fn alert(facts: &Facts) -> Alert {
    let named: Vec<String> = facts
        .misfits
        .iter()
        .take(MISFITS_MAX)
        .map(|one| format!(" {}.", capital(&words::misfit(one))))
        .collect();
    let left_out = facts.misfits_total.saturating_sub(named.len() as u64);
    let more = if left_out == 0 || named.is_empty() {
        String::new()
    } else {
        format!(" Și încă {}.", count(left_out, "mesaj", "mesaje"))
    };
    let (verdict, named) = (words::verdict(facts), named.concat());
    Alert {
        text: format!("{verdict}{named}{more} Anunțați administratorul astăzi."),
        command: words::EXAMINE,
    }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn today(facts: &Facts) -> Vec<Section> {
    let scope = &facts.scope;
    [
        section("Termene depășite", "recipisa case list", &facts.late, |case| {
            late(case, facts)
        }),
        section(
            "Termene care se împlinesc astăzi",
            "recipisa case list",
            &facts.due_today,
            |case| due(case, "astăzi".to_owned(), scope),
        ),
        section(
            "Programări astăzi",
            "recipisa agenda",
            &facts.pickups_today,
            |pickup| coming_in(pickup, scope),
        ),
        section(
            "Mesaje reținute, care așteaptă decizia dumneavoastră",
            "recipisa held",
            &facts.held,
            held,
        ),
        section(
            "Recipise și scrisori nelivrate",
            "recipisa entries",
            &facts.undelivered,
            |letter| undelivered(letter, scope),
        ),
        section(
            "Clarificări fără răspuns la termen",
            "recipisa case list",
            &facts.unanswered,
            |asked| unanswered(asked, facts),
        ),
    ]
    .into_iter()
    .chain(conexe::proposed(&facts.conexe, scope))
    .collect()
}

fn coming(facts: &Facts) -> Vec<Section> {
    let next = format!(
        "Programări în următoarea zi lucrătoare ({})",
        day(facts.next_working_day)
    );
    vec![
        section(
            "Termene în următoarele 7 zile",
            "recipisa case list",
            &facts.due_this_week,
            |case| due(case, day(case.due_on), &facts.scope),
        ),
        section(&next, "recipisa agenda", &facts.pickups_next, |pickup| {
            coming_in(pickup, &facts.scope)
        }),
    ]
}

fn arrived(facts: &Facts) -> Vec<Section> {
    let scope = &facts.scope;
    [
        section(
            "Clarificări la care s-a răspuns",
            "recipisa case list",
            &facts.answered,
            |reply| answered(reply, scope),
        ),
        section("Alte completări", "recipisa mails", &facts.joined, |joined| {
            joined_row(joined, scope)
        }),
        section("Cereri noi", "recipisa entries", &facts.entries, |entry| {
            entry_row(entry, scope)
        }),
    ]
    .into_iter()
    .chain(conexe::copied(&facts.conexe))
    .collect()
}

pub(super) fn section<T>(title: &str, all: &'static str, items: &[T], row: impl Fn(&T) -> Row) -> Section {
    let left_out = items.len().saturating_sub(ROWS_MAX);
    Section {
        title: title.to_owned(),
        count: items.len(),
        rows: items.iter().take(ROWS_MAX).map(row).collect(),
        more: if left_out == 0 {
            String::new()
        } else {
            format!("și încă {}; toate:", count(left_out as u64, "poziție", "poziții"))
        },
        all,
    }
}

/// Parts on one line; the office only where the digest speaks of several.
pub(super) fn joined_words(parts: &[&str], office: &str, scope: &Scope) -> String {
    let office = match scope {
        Scope::All => shown(office),
        Scope::Office(_) => String::new(),
    };
    let parts = parts.iter().copied().chain([office.as_str()]);
    parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

pub(super) fn numbered(number: &str, name: Option<&str>) -> String {
    format!("{number} · {}", applicant(name))
}

fn late(case: &OpenCase, facts: &Facts) -> Row {
    let awaited = words::awaited(case.awaited);
    let term = format!("Termenul a fost {}. {awaited}", day(case.due_on));
    case_row(
        case,
        words::overdue(case.days_late(facts.today)),
        term,
        &facts.scope,
    )
}

fn due(case: &OpenCase, when: String, scope: &Scope) -> Row {
    case_row(case, when, words::awaited(case.awaited).to_owned(), scope)
}

fn case_row(case: &OpenCase, when: String, state: String, scope: &Scope) -> Row {
    Row {
        title: numbered(&case.number, case.applicant.as_deref()),
        when,
        lines: vec![
            joined_words(&[&shown(&case.request_type)], &case.office, scope),
            state,
        ],
        ..Row::default()
    }
}

fn coming_in(pickup: &Pickup, scope: &Scope) -> Row {
    Row {
        title: format!(
            "ora {} · {}",
            words::hour(pickup.at),
            applicant(pickup.applicant.as_deref())
        ),
        lines: vec![joined_words(
            &[&pickup.number, &shown(&pickup.request_type)],
            &pickup.office,
            scope,
        )],
        ..Row::default()
    }
}

fn held(mail: &Held) -> Row {
    let sender = words::sender(mail.sender.as_deref());
    let subject = words::mail_subject(&mail.subject);
    Row {
        title: format!("mesajul {} · {sender}", mail.mail_id),
        when: day_and_hour(mail.received_at),
        lines: vec![
            format!("{subject} · sursa {}", shown(&mail.source)),
            format!("{} ({})", mail.reason.clerk_ro(), mail.reason.as_str()),
        ],
        commands: words::held_commands(mail)
            .into_iter()
            .map(|(purpose, text)| Command { purpose, text })
            .collect(),
        ..Row::default()
    }
}

fn undelivered(letter: &Undelivered, scope: &Scope) -> Row {
    let to = match &letter.to {
        Some(to) => format!("Adresa: {}", shown(to)),
        None => "Fără adresă".to_owned(),
    };
    let (remedy, command) = words::remedy(letter);
    let mut lines: Vec<String> = Vec::new();
    if let Some(mail) = &letter.mail {
        let (subject, source) = (words::mail_subject(&mail.subject), shown(&mail.source));
        lines.push(format!("{subject} · sursa {source}"));
    }
    lines.extend([
        format!(
            "{} {}.",
            words::letter(letter.letter),
            words::trouble(letter.letter, letter.trouble)
        ),
        joined_words(&[&to], &letter.office, scope),
    ]);
    lines.extend(words::of_another(letter));
    if let Some(answer) = &letter.last_answer {
        lines.push(format!("Ultimul răspuns: {}", shown(answer)));
    }
    let mut commands = Vec::new();
    match command {
        Some(text) => commands.push(Command {
            purpose: remedy,
            text,
        }),
        None => lines.push(remedy.to_owned()),
    }
    Row {
        title: words::whose(letter),
        lines,
        commands,
        ..Row::default()
    }
}

fn unanswered(asked: &Unanswered, facts: &Facts) -> Row {
    let reminder = match asked.reminded_on {
        Some(on) => format!("reamintită la {}", date(on)),
        None => "fără reamintire".to_owned(),
    };
    let late = facts.today.duration_since(asked.until).as_hours() / 24;
    Row {
        title: numbered(&asked.number, asked.applicant.as_deref()),
        when: words::overdue(u64::try_from(late).unwrap_or_default()),
        lines: vec![
            joined_words(
                &[&format!(
                    "Clarificarea nr. {}, cerută la {}, cu termen până la {}, {reminder}",
                    asked.ordinal,
                    date(asked.asked_on),
                    date(asked.until)
                )],
                &asked.office,
                &facts.scope,
            ),
            format!("„{}”", shown(&asked.what)),
        ],
        ..Row::default()
    }
}

fn answered(reply: &Answered, scope: &Scope) -> Row {
    let what = format!("Răspuns la clarificarea nr. {}", reply.ordinal);
    Row {
        title: numbered(&reply.number, reply.applicant.as_deref()),
        when: day_and_hour(reply.at),
        lines: vec![joined_words(&[&what], &reply.office, scope)],
        ..with_files(&reply.files)
    }
}

fn joined_row(joined: &Joined, scope: &Scope) -> Row {
    let what = format!("Completarea nr. {}", joined.ordinal);
    Row {
        title: numbered(&joined.number, joined.applicant.as_deref()),
        when: day_and_hour(joined.received_at),
        lines: vec![joined_words(&[&what], &joined.office, scope)],
        ..with_files(&joined.files)
    }
}

fn entry_row(entry: &NewEntry, scope: &Scope) -> Row {
    let mut lines = vec![joined_words(&[&shown(&entry.request_type)], &entry.office, scope)];
    lines.extend(Some(words::consent(entry.consent).to_owned()).filter(|words| !words.is_empty()));
    lines.extend(
        entry
            .receipt
            .map(|delivery| words::delivery(delivery, entry.receipt_of_another).to_owned()),
    );
    if entry.files.is_empty() {
        lines.push("Fără fișiere.".to_owned());
    }
    Row {
        title: numbered(&entry.number, entry.applicant.as_deref()),
        when: day_and_hour(entry.received_at),
        lines,
        ..with_files(&entry.files)
    }
}

fn with_files(files: &[File]) -> Row {
    let left_out = files.len().saturating_sub(FILES_MAX);
    let line = |file: &File| FileLine {
        name: shown(&file.name),
        verdict: file.verdict.word_ro(),
        refused: file.verdict == Verdict::Refused,
        told: file.told.as_deref().map(words::one_line).unwrap_or_default(),
    };
    Row {
        files: files.iter().take(FILES_MAX).map(line).collect(),
        files_more: if left_out == 0 {
            String::new()
        } else {
            format!("și încă {}", count(left_out as u64, "fișier", "fișiere"))
        },
        ..Row::default()
    }
}

fn counted(facts: &Facts) -> Count {
    let total = facts.total();
    let sources = match facts.sources.as_slice() {
        [] | [_] => Vec::new(),
        several => several.iter().map(words::equation).collect(),
    };
    Count {
        shown: total.shown,
        outcomes: words::outcomes(&total)
            .into_iter()
            .map(|(word, number)| Outcome { word, number })
            .collect(),
        sources,
        verdict: words::verdict(facts),
        balanced: facts.balanced(),
    }
}
