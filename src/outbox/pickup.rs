//! The letter that invites the citizen to take the decision in person, and its reminder, with the appointment for
//! the calendar.
//!
//! The appointment stands in the letter twice, with the same bytes, as Google Calendar's own letters have it: as the
//! last alternative, from which Gmail, Outlook and Thunderbird offer to note it, and as a file `….ics`, which is what
//! Apple Mail, phones and web mail that know nothing of calendars can open. Plain text and HTML say everything too.
//!
//! Left out: when the letter is due, and which hours are free.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use lettre::message::SinglePart;
use lettre::message::header::ContentType;
use minijinja::{Value, context};

use super::appointment::{self, Appointment};
use super::letter::{self, ComposeError, Composed, Correspondence, Head, Template, Wave};
use crate::receipt::wording::{count, day, hour, local_date};

const GIVEN: &[&str] = &[
    "agency.address",
    "agency.cui",
    "agency.email",
    "agency.name",
    "agency.phone",
    "calendar_file",
    "day",
    "decided_day",
    "demonstration",
    "hour",
    "length",
    "moved",
    "number",
    "office.address",
    "office.contact",
    "office.hours",
    "office.name",
    "place",
    "registered_day",
    "reminder",
    "request_type",
    "subject",
    "to_name",
];

pub(super) const TEMPLATES: [Template; 2] = [
    Template {
        name: "pickup.txt",
        source: include_str!("../../config/texts/ro/pickup.txt"),
        given: GIVEN,
    },
    Template {
        name: "pickup.html",
        source: include_str!("../../config/texts/ro/pickup.html"),
        given: GIVEN,
    },
];

/// When and where the decision is handed over.
#[derive(Debug, Clone, Copy)]
pub struct Pickup<'a> {
    pub starts_at: Timestamp,
    /// How long it takes.
    pub minutes: u16,
    /// Where in the house, in one line.
    pub place: &'a str,
    pub decided_on: Date,
    /// The appointment's iCalendar UID, the same in every letter about it (RFC 5545 §3.8.4.7).
    pub uid: &'a str,
    /// 0 at first, then one more each time that it is moved (RFC 5546 §2.1.4).
    pub sequence: u32,
    /// When the appointment was made or moved.
    pub made_at: Timestamp,
}

/// What the letter says of the appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Made,
    Moved,
    Near,
}

impl News {
    fn of(pickup: &Pickup<'_>, wave: Wave) -> Self {
        match wave {
            Wave::Reminder => Self::Near,
            Wave::First if pickup.sequence == 0 => Self::Made,
            Wave::First => Self::Moved,
        }
    }
}

/// The name under which the appointment is attached.
pub fn calendar_file_name(number: &str) -> String {
    format!("programare-{}.ics", number.replace('/', "-"))
}

/// Writes the letter.
///
/// # Errors
/// An address that no mail server would take, which a person must solve.
pub fn compose(on: &Correspondence<'_>, pickup: &Pickup<'_>, wave: Wave) -> Result<Composed, ComposeError> {
    let head = Head::of_case(on, subject(on.number, pickup, wave))?;
    let values = values(on, pickup, wave);
    let mut alternatives = letter::words(TEMPLATES[0].name, TEMPLATES[1].name, &values)?;
    let calendar = calendar(on, pickup);
    let published = ContentType::parse("text/calendar; method=PUBLISH; charset=utf-8");
    alternatives.push(
        SinglePart::builder()
            .header(published.expect("a constant media type"))
            .body(calendar.clone()),
    );
    let file = letter::attached(
        &calendar_file_name(on.number),
        "application/ics",
        calendar.into_bytes(),
    );
    letter::assemble(head, alternatives, vec![file])
}

fn subject(number: &str, pickup: &Pickup<'_>, wave: Wave) -> String {
    let when = format!(
        "{}, ora {}",
        day(local_date(pickup.starts_at)),
        hour(pickup.starts_at)
    );
    match News::of(pickup, wave) {
        News::Made => format!("Nr. {number}: decizia este gata, vă așteptăm {when}"),
        News::Moved => format!("Nr. {number}: programarea s-a schimbat, vă așteptăm {when}"),
        News::Near => format!("Reamintire – nr. {number}: vă așteptăm {when}"),
    }
}

pub(super) fn values(on: &Correspondence<'_>, pickup: &Pickup<'_>, wave: Wave) -> Value {
    let news = News::of(pickup, wave);
    context! {
        day => day(local_date(pickup.starts_at)),
        hour => hour(pickup.starts_at),
        length => count(u64::from(pickup.minutes), "minut", "minute"),
        place => one_line(pickup.place),
        decided_day => day(pickup.decided_on),
        calendar_file => calendar_file_name(on.number),
        moved => news == News::Moved,
        reminder => news == News::Near,
        ..letter::of_case(on)
    }
}

/// What the citizen's calendar shows. The title says nothing of the matter: others see it on a locked screen.
fn calendar(on: &Correspondence<'_>, pickup: &Pickup<'_>) -> String {
    appointment::publish(&Appointment {
        uid: pickup.uid,
        sequence: pickup.sequence,
        made_at: pickup.made_at,
        starts_at: pickup.starts_at,
        ends_at: pickup.starts_at + SignedDuration::from_mins(i64::from(pickup.minutes)),
        title: format!("Programare – {}", on.agency.name),
        place: one_line(pickup.place),
        description: format!(
            "Ridicarea deciziei asupra cererii nr. {}.\nAduceți actul de identitate și originalele documentelor care \
             v-au fost cerute.\n{}: {}",
            on.number, on.office.name, on.office.contact
        ),
        organizer: &on.agency.name,
        address: on.from,
    })
}

fn one_line(text: &str) -> String {
    letter::lines(text).join(", ")
}
