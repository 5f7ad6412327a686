//! The digest's own Romanian: headings' counts, sentences about letters and cases, and foreign text made fit to show.
//!
//! Left out: where each of them stands ([`super::sections`]).

use std::borrow::Cow;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::facts::{
    Awaited, Consent, Counts, Facts, Gap, Held, Misfit, MisfitFault, Period, Scope, SourceCounts, Trouble,
    Undelivered, Unreached,
};
use crate::calendar::hours::ZONE;
use crate::outbox::{Kind, Letterless};
use crate::receipt::wording::{count, day, day_and_hour, visible};
use crate::registry::Delivery;
use crate::screening::Reason;

/// The longest piece of foreign text that is worth reading in a list.
const LETTERS_MAX: usize = 160;

/// What asks the mail servers how they are.
pub(super) const ASK_SERVERS: &str = "recipisa check --online";
/// What looks at the database when the count of messages does not come out.
pub(super) const EXAMINE: &str = "recipisa fsck";

/// Foreign text for a reader: on one line, nothing hidden, not longer than a glance.
pub(super) fn shown(text: &str) -> String {
    cut(&one_line(text), LETTERS_MAX)
}

/// Line breaks and tabs become spaces, what steers or hides is shown by number.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split([' ', '\t', '\r', '\n', '\u{85}', '\u{2028}', '\u{2029}'])
        .filter(|word| !word.is_empty())
        .collect();
    visible(&words.join(" "))
}

pub(super) fn cut(text: &str, letters_max: usize) -> String {
    match text.char_indices().nth(letters_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

pub(super) fn applicant(name: Option<&str>) -> String {
    match name.map(shown) {
        Some(name) if !name.is_empty() => name,
        Some(_) | None => "(fără nume)".to_owned(),
    }
}

pub(super) fn date(date: Date) -> String {
    date.strftime("%d.%m.%Y").to_string()
}

/// `09:30`, on the clock of Romania.
pub(super) fn hour(at: Timestamp) -> String {
    at.to_zoned(ZONE).strftime("%H:%M").to_string()
}

pub(super) fn scope(scope: &Scope) -> String {
    match scope {
        Scope::All => "toate punctele de lucru".to_owned(),
        Scope::Office(name) => shown(name),
    }
}

/// `joi, 19.11.2026`, `de la 16.11.2026 până la 20.11.2026 inclusiv`, or with the hours where they are no whole days.
pub(super) fn period(period: Period) -> String {
    let (from, to) = (period.from.to_zoned(ZONE), period.to.to_zoned(ZONE));
    if from.time() != Time::midnight() || to.time() != Time::midnight() || from >= to {
        return format!(
            "de la {} până la {}",
            day_and_hour(period.from),
            day_and_hour(period.to)
        );
    }
    let last = (period.to - SignedDuration::from_secs(1)).to_zoned(ZONE).date();
    if last == from.date() {
        day(last)
    } else {
        format!("de la {} până la {} inclusiv", date(from.date()), date(last))
    }
}

pub(super) fn gap(gap: &Gap) -> String {
    format!(
        "Programul nu a funcționat la orele stabilite de după {}; situația de față ține loc și de {}.",
        day_and_hour(gap.down_since),
        count(
            gap.missed.into(),
            "situație programată care nu a fost trimisă",
            "situații programate care nu au fost trimise"
        )
    )
}

/// A mailbox without contact, for a clerk: what has happened, what it means, what to do.
pub(super) fn unreached(one: &Unreached) -> String {
    let since = match one.contact_at {
        Some(at) => format!("nu a mai putut fi citită din {}", day_and_hour(at)),
        None => format!(
            "nu a putut fi citită niciodată, cu prima încercare în {}",
            day_and_hour(one.failing_since)
        ),
    };
    let cause = match one.why.as_str() {
        "login" => "serverul nu primește utilizatorul sau parola",
        "limit" => "serverul nu primește încă o legătură; căsuța este citită și de alte programe",
        "unprotected" => "serverul nu oferă o legătură protejată",
        "refused" => "serverul refuză ce i se cere",
        "folder" => "dosarul de pe acest calculator nu poate fi citit",
        "unreachable" => "serverul nu răspunde",
        _ => "citirea nu reușește",
    };
    format!(
        "Căsuța {} (sursa {}) {since}: {cause}. Ce s-a trimis acolo de atunci nu este nici înregistrat, nici confirmat. \
         Anunțați administratorul astăzi.",
        shown(&one.address),
        shown(&one.source)
    )
}

/// What presses, as a list in words; empty when nothing does.
pub(super) fn pressing(facts: &Facts) -> Vec<String> {
    let counted = [
        (
            facts.unreached.len(),
            "căsuță fără legătură",
            "căsuțe fără legătură",
        ),
        (facts.late.len(), "termen depășit", "termene depășite"),
        (facts.due_today.len(), "termen astăzi", "termene astăzi"),
        (
            facts.pickups_today.len(),
            "programare astăzi",
            "programări astăzi",
        ),
        (facts.held.len(), "mesaj reținut", "mesaje reținute"),
        (
            facts.undelivered.len(),
            "scrisoare nelivrată",
            "scrisori nelivrate",
        ),
        (
            facts.unanswered.len(),
            "clarificare fără răspuns",
            "clarificări fără răspuns",
        ),
    ];
    counted
        .into_iter()
        .filter(|(number, _, _)| *number > 0)
        .map(|(number, one, many)| count(number as u64, one, many))
        .collect()
}

pub(super) fn subject(facts: &Facts) -> String {
    let attention = if facts.balanced() && facts.unreached.is_empty() {
        ""
    } else {
        "ATENȚIE – "
    };
    let office = match &facts.scope {
        Scope::All => String::new(),
        Scope::Office(name) => format!(", {}", shown(name)),
    };
    let pressing = match pressing(facts) {
        parts if parts.is_empty() => "nimic urgent".to_owned(),
        parts => parts.join(", "),
    };
    format!(
        "{attention}Situația registraturii{office}, {}: {pressing}",
        date(facts.today)
    )
}

pub(super) fn awaited(awaited: Awaited) -> &'static str {
    match awaited {
        Awaited::Decision => "Se așteaptă decizia.",
        Awaited::Reply => "Se așteaptă răspunsul solicitantului.",
        Awaited::Appointment => "Solicitantul trebuie invitat să ridice documentul.",
        Awaited::HandOver => "Documentul trebuie predat solicitantului.",
    }
}

pub(super) fn overdue(days: u64) -> String {
    format!("depășit cu {}", count(days, "zi", "zile"))
}

pub(super) fn consent(consent: Consent) -> &'static str {
    match consent {
        Consent::NotAsked => "",
        Consent::Found => "Acordul scris este la dosar.",
        Consent::Missing => "Acordul scris lipsește.",
    }
}

/// What reports say of the letter with the receipt; that it came back stands among the tasks too.
pub(super) fn delivery(delivery: Delivery, is_of_another: bool) -> &'static str {
    match delivery {
        Delivery::Delayed => "Recipisa întârzie la serverul destinatarului.",
        Delivery::Relayed => "Recipisa a fost predată serverului următor, care nu dă alte vești.",
        Delivery::Delivered => "Recipisa a ajuns în căsuța destinatarului.",
        Delivery::Bounced if is_of_another => {
            "Recipisa s-a întors nelivrată, dar raportul vorbește despre altă adresă."
        }
        Delivery::Bounced => "Recipisa s-a întors nelivrată.",
        Delivery::Read => "Recipisa a fost citită.",
    }
}

pub(super) fn letter(kind: Kind) -> &'static str {
    match kind {
        Kind::Receipt => "Recipisa",
        Kind::Notice => "Înștiințarea despre înregistrare",
        Kind::TooLarge => "Răspunsul la mesajul prea mare",
        Kind::Encrypted => "Răspunsul la mesajul criptat",
        Kind::ClarificationRequest => "Cererea de completare",
        Kind::ClarificationReminder => "Reamintirea completării",
        Kind::PickupInvitation => "Invitația la ridicare",
        Kind::PickupReminder => "Reamintirea programării",
        Kind::Digest => "Situația registraturii",
        Kind::ReadReport => "Confirmarea de citire",
    }
}

/// What happened to the letter, agreeing with its name: most are feminine, the answers are masculine.
pub(super) fn trouble(letter: Kind, trouble: Trouble) -> Cow<'static, str> {
    let is_masculine = matches!(letter, Kind::TooLarge | Kind::Encrypted);
    if let Trouble::NoLetter(Some(why)) = trouble {
        return format!("nu se trimite automat: {}", why.clerk_ro()).into();
    }
    let words = match trouble {
        Trouble::Unsigned => "nu a putut fi semnată încă",
        Trouble::NoLetter(_) => "nu poate fi trimisă automat",
        Trouble::Unwritten if is_masculine => "nu a putut fi scris încă",
        Trouble::Unwritten => "nu a putut fi scrisă încă",
        Trouble::Delayed if is_masculine => "nu a putut fi trimis încă",
        Trouble::Delayed => "nu a putut fi trimisă încă",
        Trouble::GivenUp if is_masculine => "nu a putut fi livrat și nu se mai încearcă",
        Trouble::GivenUp => "nu a putut fi livrată și nu se mai încearcă",
        Trouble::Returned if is_masculine => "a fost trimis, dar s-a întors nelivrat",
        Trouble::Returned => "a fost trimisă, dar s-a întors nelivrată",
    };
    words.into()
}

/// In the place of a number where a letter is about no entry.
pub const NO_NUMBER: &str = "–";

/// What the clerk does about it, and the command that does it.
pub(super) fn remedy(letter: &Undelivered) -> (&'static str, Option<String>) {
    let number = letter.number.as_str();
    match (letter.trouble, &letter.mail) {
        (Trouble::Unsigned, _) => (
            "Se încearcă din nou de la sine. Dacă situația nu se schimbă, anunțați administratorul:",
            Some("recipisa check".to_owned()),
        ),
        (Trouble::NoLetter(why), _) => letterless(letter, why),
        (Trouble::Unwritten, _) => (
            "Se încearcă din nou de la sine. Vedeți cauza în dosar; dacă este nevoie, cereți din nou sau telefonați:",
            Some(format!("recipisa case show {number}")),
        ),
        (Trouble::Delayed, _) => (
            "Se încearcă din nou de la sine; deocamdată nu aveți nimic de făcut.",
            None,
        ),
        (Trouble::GivenUp | Trouble::Returned, Some(mail)) => (
            "Mesajul nu este înregistrat, iar expeditorul nu știe. Citiți-l și hotărâți ce faceți cu el:",
            Some(format!("recipisa held show {}", mail.mail_id)),
        ),
        // A digest: there is nothing to send again.
        (Trouble::GivenUp | Trouble::Returned, None) if number == NO_NUMBER => (
            "Verificați adresa; dacă este nevoie, găsiți altă cale până la destinatar.",
            None,
        ),
        (Trouble::GivenUp | Trouble::Returned, None) => (
            "Telefonați solicitantului sau scrieți-i prin poștă. Dacă adresa este bună, trimiteți din nou:",
            Some(format!("recipisa resend {number}")),
        ),
    }
}

/// The same where no letter carries a receipt.
fn letterless(letter: &Undelivered, why: Option<Letterless>) -> (&'static str, Option<String>) {
    let number = letter.number.as_str();
    match why {
        Some(Letterless::Budget) => (
            "Pentru astăzi s-a atins numărul de scrisori permis. Dacă cererile sunt adevărate, trimiteți-o:",
            Some(format!("recipisa resend {number}")),
        ),
        Some(Letterless::Unauthenticated) => (
            "Verificați cine a scris; dacă totul este în ordine, trimiteți-o:",
            Some(format!("recipisa resend {number}")),
        ),
        Some(_) | None => (
            "Scoateți recipisa într-un fișier, tipăriți-o și predați-o sau trimiteți-o prin poștă:",
            Some(match letter.submission {
                0 => format!(
                    "recipisa show {number} --receipt recipisa-{}.pdf",
                    number.replace('/', "-")
                ),
                nth => format!(
                    "recipisa show {number} --submission {nth} --receipt recipisa-{}-completarea-{nth}.pdf",
                    number.replace('/', "-")
                ),
            }),
        ),
    }
}

/// Whose letter it is: the entry's, or that of a mail without number.
pub(super) fn whose(letter: &Undelivered) -> String {
    match &letter.mail {
        Some(mail) => format!("mesajul {} · {}", mail.mail_id, sender(mail.sender.as_deref())),
        None => format!("{} · {}", letter.number, applicant(letter.applicant.as_deref())),
    }
}

/// The sender of a mail that nobody has registered.
pub(super) fn sender(address: Option<&str>) -> String {
    address.map_or_else(
        || "fără expeditor sigur".to_owned(),
        |address| format!("de la {}", shown(address)),
    )
}

/// The subject of a mail in quotation marks.
pub(super) fn mail_subject(subject: &str) -> String {
    match shown(subject) {
        subject if subject.is_empty() => "fără subiect".to_owned(),
        subject => format!("„{subject}”"),
    }
}

/// Of a report about another recipient, that it is so.
pub(super) fn of_another(letter: &Undelivered) -> Option<String> {
    let other = letter.of_another.as_deref()?;
    Some(format!(
        "Raportul vorbește despre altă adresă: {}; este posibil ca scrisoarea să fi ajuns.",
        shown(other)
    ))
}

/// What a clerk can do with a held mail, in the order in which one does it: what it is good for, and the command.
pub(super) fn held_commands(mail: &Held) -> [(&'static str, String); 3] {
    let id = mail.mail_id;
    let take = if matches!(mail.reason, Reason::NoSender | Reason::SeveralSenders) {
        (
            "Înregistrați-l, cu adresa solicitantului:",
            format!("recipisa held register {id} --sender ADRESA"),
        )
    } else if mail.reason == Reason::Failing {
        (
            "Încercați din nou ce nu a reușit:",
            format!("recipisa held retry {id}"),
        )
    } else {
        ("Înregistrați-l:", format!("recipisa held release {id}"))
    };
    [
        ("Citiți mesajul:", format!("recipisa held show {id}")),
        take,
        (
            "Sau îndepărtați-l, cu motivul:",
            format!("recipisa held discard {id} --reason \"…\""),
        ),
    ]
}

/// The members of the equation behind the messages shown, each with its word.
pub(super) fn outcomes(counts: &Counts) -> [(&'static str, u64); 8] {
    [
        ("înregistrate", counts.registered),
        ("alăturate unui dosar", counts.joined),
        ("refuzate cu explicație", counts.answered),
        ("rapoarte și răspunsuri automate", counts.filed),
        ("ignorate cu motiv", counts.ignored),
        ("reținute", counts.held),
        ("încă nedecise", counts.undecided),
        ("încă nepreluate de pe server", counts.awaited),
    ]
}

/// `somaj: arătate 9 = înregistrate 6 + reținute 1 + …`; what is nought is left out.
pub(super) fn equation(source: &SourceCounts) -> String {
    let terms: Vec<String> = outcomes(&source.counts)
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(word, number)| format!("{word} {number}"))
        .collect();
    let terms = match terms.join(" + ") {
        terms if terms.is_empty() => "0".to_owned(),
        terms => terms,
    };
    let sign = if source.counts.difference() == 0 {
        "="
    } else {
        "≠"
    };
    let shown_count = source.counts.shown;
    format!("{}: arătate {shown_count} {sign} {terms}", shown(&source.source))
}

/// Whether the count comes out, in a sentence.
pub(super) fn verdict(facts: &Facts) -> String {
    let total = facts.total();
    if !facts.balanced() {
        return format!("Numărătoarea nu se potrivește: {}.", faults(facts).join("; "));
    }
    match (total.shown, total.undecided.saturating_add(total.awaited)) {
        (0, _) => "Serverele nu au arătat niciun mesaj nou.".to_owned(),
        (_, 0) => "Numărătoarea se potrivește: fiecare mesaj are un rezultat.".to_owned(),
        (_, waiting) => format!(
            "Numărătoarea se potrivește; {} în lucru.",
            count(waiting, "mesaj este încă", "mesaje sunt încă")
        ),
    }
}

/// A message for which the count does not come out, by its name.
pub(super) fn misfit(misfit: &Misfit) -> String {
    let what = match misfit.fault {
        MisfitFault::MailMissing => "a fost arătat de server și preluat, iar acum lipsește din registru",
        MisfitFault::SightingMissing => "este în registru, dar nu s-a notat că serverul l-a arătat",
        MisfitFault::StillAwaited => "este în registru, dar este notat ca nepreluat",
    };
    format!(
        "mesajul {} al sursei {} {what}",
        shown(&misfit.key),
        shown(&misfit.source)
    )
}

/// By how much the count fails, source by source; where the sums agree all the same, how many messages do not.
fn faults(facts: &Facts) -> Vec<String> {
    let by_source = by_source(facts);
    if !by_source.is_empty() {
        return by_source;
    }
    vec![format!(
        "{} nu se regăsesc în ambele evidențe",
        count(facts.misfits_total, "mesaj", "mesaje")
    )]
}

fn by_source(facts: &Facts) -> Vec<String> {
    facts
        .sources
        .iter()
        .filter_map(|source| {
            let difference = source.counts.difference();
            let number = u64::try_from(difference.unsigned_abs()).unwrap_or(u64::MAX);
            let name = shown(&source.source);
            match difference {
                0 => None,
                1 => Some(format!("la sursa {name} lipsește un mesaj")),
                2.. => Some(format!(
                    "la sursa {name} lipsesc {}",
                    count(number, "mesaj", "mesaje")
                )),
                ..0 => Some(format!(
                    "la sursa {name} s-au notat cu {} mai mult decât mesajele arătate",
                    count(number, "rezultat", "rezultate")
                )),
            }
        })
        .collect()
}
