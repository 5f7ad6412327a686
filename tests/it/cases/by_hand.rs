//! Terms, reminders and digests on a clock that is moved by hand, in this process: nights, weekends, 30 November and
//! 1 December, Christmas, and a daemon that was down. What the clerks are shown of it is in [`clerks`].

mod clerks;

use std::fs;

use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, Timestamp};
use recipisa::calendar::hours::ZONE;
use recipisa::casework::{HandoverWay, instant};
use recipisa::config::Settings;
use recipisa::daemon::{House, Pass, once};
use recipisa::edge::clock::Clock;
use recipisa::flow::desk::{Done, Mode, Wish};
use recipisa::flow::issue::Letterhead;
use recipisa::followup::agenda::{self, What};
use recipisa::outbox::{Envelope, Kind, Transport, TransportError};
use recipisa::registry::Number;
use recipisa::store::{LetterState, Store};

use super::{Mail, PAPER, header};
use crate::support::agency::Agency;

const CLERK: &str = "Ana Registrator";
const TO: &str = "somaj@ajofm-exemplu.test";

/// `2026-11-20 09:00` in Romania.
#[track_caller]
fn at(local: &str) -> Timestamp {
    let local: DateTime = local.parse().unwrap();
    instant(local).unwrap()
}

fn spoken(at: Timestamp) -> String {
    at.to_zoned(ZONE).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A folder of letters that may put some off first, as a mail server does.
struct Reluctant {
    inner: Box<dyn Transport>,
    put_off: u32,
}

impl Transport for Reluctant {
    fn send(&mut self, envelope: Envelope<'_>, bytes: &[u8]) -> Result<String, TransportError> {
        if self.put_off > 0 {
            self.put_off -= 1;
            return Err(TransportError::PutOff {
                server: "smtp.exemplu.test".to_owned(),
                answer: "451 4.3.0 later".to_owned(),
            });
        }
        self.inner.send(envelope, bytes)
    }
}

/// The demonstration's agency with its clock in our hands.
struct Bureau {
    house: House,
    letterhead: Letterhead,
    transport: Reluctant,
    mails: u32,
    agency: Agency,
}

impl Bureau {
    fn open_at(local: &str) -> Self {
        Self::with(local, "")
    }

    /// With more lines at the end of the configuration.
    fn with(local: &str, more: &str) -> Self {
        let agency = Agency::new();
        agency.key_valid_at(at(local));
        agency.configure(|text| text + more);
        let (house, letterhead, inner) = opened(&agency, at(local));
        let transport = Reluctant { inner, put_off: 0 };
        Self {
            house,
            letterhead,
            transport,
            mails: 0,
            agency,
        }
    }

    /// As after a restart; the clock stands where it stood.
    fn reopen(&mut self) {
        let (house, letterhead, inner) = opened(&self.agency, self.house.clock.now());
        (self.house, self.letterhead, self.transport.inner) = (house, letterhead, inner);
    }

    /// One pass at this time, without any error.
    #[track_caller]
    fn pass(&mut self, local: &str) -> Pass {
        let pass = self.pass_with_errors(local);
        assert_eq!(pass.errors, [""; 0], "{local}");
        pass
    }

    fn pass_with_errors(&mut self, local: &str) -> Pass {
        self.house.clock.move_to(at(local));
        once(&self.house, &self.letterhead, &mut self.transport, &|| false)
    }

    /// A pass every half hour from the clock's time to this one.
    #[track_caller]
    fn live_until(&mut self, local: &str) {
        let step = SignedDuration::from_mins(30);
        loop {
            let next = self.house.clock.now() + step;
            if next > at(local) {
                return;
            }
            self.pass(&spoken(next));
        }
    }

    /// A citizen writes at the clock's time; with the number in the subject where the mail is about a case.
    fn write(&mut self, from: &str, about: Option<&Number>) {
        self.mails += 1;
        let (id, now) = (
            format!("mail-{}@citizen.test", self.mails),
            self.house.clock.now(),
        );
        let subject = about.map_or("Cerere de adeverinta".to_owned(), |number| {
            format!("Completare la {}", number.spelled(self.house.settings.spelling()))
        });
        let bytes = Mail {
            from,
            to: TO,
            id: &id,
            subject: &subject,
            thread: ("", ""),
            received_at: now,
            files: &[("acord.pdf", PAPER)],
        }
        .bytes();
        let folder = self.agency.path().join("mailboxes/somaj");
        fs::write(folder.join(format!("{:04}.eml", self.mails)), bytes).unwrap();
    }

    /// A request from this address, registered at the clock's time.
    #[track_caller]
    fn request(&mut self, from: &str) -> Number {
        self.write(from, None);
        let now = spoken(self.house.clock.now());
        assert_eq!(self.pass(&now).decided, 1);
        let mut last = None;
        let mut take = |entry: recipisa::store::EntryRecord| last = Some(entry.entry.number);
        self.house.store.entries_each(&mut take).unwrap();
        last.unwrap()
    }

    #[track_caller]
    fn act(&self, number: &Number, wish: Wish) -> Done {
        self.house.desk(number, wish, CLERK, Mode::Do).unwrap()
    }

    #[track_caller]
    fn ask(&self, number: &Number, until: Date) -> Done {
        let what = "Lipsește adeverința de vechime.".to_owned();
        self.act(
            number,
            Wish::Clarify {
                what,
                until: Some(until),
            },
        )
    }

    #[track_caller]
    fn decide(&self, number: &Number) {
        let wish = Wish::Decide {
            on: None,
            document_name: "decizie.pdf".to_owned(),
            document: PAPER.to_vec(),
        };
        self.act(number, wish);
    }

    #[track_caller]
    fn invite(&self, number: &Number, starts: DateTime) -> Done {
        let place = self.house.place_of(number).unwrap();
        self.act(number, Wish::Pickup { starts, place })
    }

    /// The letters of a case that went out, but for receipts, with the local time of their sending.
    fn sent(&self, number: &Number) -> Vec<(&'static str, String)> {
        let record = self.house.store.case(number).unwrap().unwrap();
        let letters = record.entry.letters.iter();
        letters
            .filter(|one| one.state == LetterState::Sent && one.letter.kind != Kind::Receipt)
            .map(|one| (one.letter.kind.as_str(), spoken(one.next_at)))
            .collect()
    }

    /// What the agenda says of the day, but for letters.
    fn agenda(&self, local: &str) -> Vec<What> {
        let settings = &self.house.settings;
        let today = at(local).to_zoned(ZONE).date();
        let mut found = Vec::new();
        let mut look = |open: recipisa::store::OpenCase| {
            let (policy, calendar) = (&settings.cases.policy, &settings.calendar);
            let items = agenda::items(&open.case, &open.planned, today, 0, policy, calendar);
            found.extend(items.into_iter().map(|item| item.what));
        };
        self.house.store.cases_open_each(&mut look).unwrap();
        found
    }

    /// The digests written into the folder, by their time: subject and text are told by their bytes.
    fn digests(&self) -> Vec<Vec<u8>> {
        let mut found: Vec<Vec<u8>> = fs::read_dir(self.agency.path().join("letters"))
            .map(|files| {
                files
                    .map(|file| fs::read(file.unwrap().path()).unwrap())
                    .collect()
            })
            .unwrap_or_default();
        found.retain(|letter| header(letter, "To").contains("sef@ajofm-exemplu.test"));
        found
    }
}

fn opened(agency: &Agency, now: Timestamp) -> (House, Letterhead, Box<dyn Transport>) {
    let settings = Settings::load(&agency.config(), None).unwrap();
    let house = House::open(settings, Clock::standing_at(now)).unwrap();
    let (letterhead, transport) = (house.letterhead().unwrap(), house.transport().unwrap());
    (house, letterhead, transport)
}

fn said(letters: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    letters
        .iter()
        .map(|(kind, when)| (*kind, (*when).to_owned()))
        .collect()
}

#[test]
fn a_reminder_goes_out_once_and_only_where_nobody_answered() {
    let mut bureau = Bureau::open_at("2026-11-20 09:00");
    let silent = bureau.request("tacut@citizen.test");
    let answering = bureau.request("raspunde@citizen.test");
    let decided = bureau.request("decis@citizen.test");
    let moved = bureau.request("amanat@citizen.test");
    bureau.pass("2026-11-20 10:00");
    // The working day before Wednesday, 2 December is Friday: Monday and Tuesday are holidays.
    for number in [&silent, &answering, &decided, &moved] {
        let planned = bureau.ask(number, date(2026, 12, 2)).planned;
        let when: Vec<String> = planned.iter().map(|one| spoken(one.due_at)).collect();
        assert_eq!(when, ["2026-11-20 10:00", "2026-11-27 08:00"]);
    }
    bureau.live_until("2026-11-25 11:00");
    bureau.write("raspunde@citizen.test", Some(&answering));
    bureau.decide(&decided);
    bureau.live_until("2026-11-26 12:00");
    bureau.ask(&moved, date(2026, 12, 4));
    bureau.live_until("2026-11-27 07:30");
    bureau.pass("2026-11-27 07:59");
    assert_eq!(bureau.sent(&silent).len(), 1, "not before the office opens");
    bureau.pass("2026-11-27 08:00");
    bureau.live_until("2026-12-07 12:00");
    let asked = ("clarification-request", "2026-11-20 10:30");
    assert_eq!(
        bureau.sent(&silent),
        said(&[asked, ("clarification-reminder", "2026-11-27 08:00")])
    );
    assert_eq!(bureau.sent(&answering), said(&[asked]));
    assert_eq!(bureau.sent(&decided), said(&[asked]));
    let again = [
        asked,
        ("clarification-request", "2026-11-26 12:30"),
        ("clarification-reminder", "2026-11-27 08:00"),
        ("clarification-reminder", "2026-12-03 08:00"),
    ];
    assert_eq!(
        bureau.sent(&moved),
        said(&again),
        "each question has its own reminder"
    );
    let record = bureau.house.store.case(&answering).unwrap().unwrap();
    assert!(
        record.case.clarifications[0]
            .answer
            .is_some_and(|answer| answer.submission == 1)
    );
}

#[test]
fn an_appointment_is_reminded_of_on_the_working_day_before_over_the_holidays() {
    let mut bureau = Bureau::open_at("2026-11-24 09:00");
    let december = bureau.request("decembrie@citizen.test");
    let taken = bureau.request("ridicat@citizen.test");
    for number in [&december, &taken] {
        bureau.decide(number);
        bureau.invite(number, date(2026, 12, 2).at(10, 0, 0, 0));
    }
    bureau.live_until("2026-11-26 15:00");
    let how = HandoverWay::InPerson;
    bureau.act(&taken, Wish::HandOver { on: None, how });
    bureau.live_until("2026-12-04 09:00");
    let invited = ("pickup-invitation", "2026-11-24 09:30");
    assert_eq!(
        bureau.sent(&december),
        said(&[invited, ("pickup-reminder", "2026-11-27 08:00")])
    );
    assert_eq!(bureau.sent(&taken), said(&[invited]));

    bureau.pass("2026-12-17 09:00");
    let christmas = bureau.request("craciun@citizen.test");
    bureau.decide(&christmas);
    bureau.invite(&christmas, date(2026, 12, 23).at(10, 0, 0, 0));
    bureau.live_until("2026-12-18 11:00");
    // Moved behind Christmas: the reminder of the first appointment must not go out.
    bureau.invite(&christmas, date(2026, 12, 28).at(10, 0, 0, 0));
    bureau.live_until("2026-12-29 09:00");
    let letters = [
        ("pickup-invitation", "2026-12-17 09:30"),
        ("pickup-invitation", "2026-12-18 11:30"),
        ("pickup-reminder", "2026-12-24 08:00"),
    ];
    assert_eq!(bureau.sent(&christmas), said(&letters));
}

#[test]
fn what_fell_due_while_the_daemon_was_down_waits_for_the_next_opening() {
    let mut bureau = Bureau::open_at("2026-11-20 09:00");
    let number = bureau.request("ana@citizen.test");
    let late = bureau.request("ion@citizen.test");
    bureau.ask(&number, date(2026, 12, 3));
    bureau.pass("2026-11-20 10:00");
    // Friday after closing: the question itself waits until Monday.
    bureau.house.clock.move_to(at("2026-11-20 17:00"));
    bureau.ask(&late, date(2026, 12, 3));
    for closed in [
        "2026-11-20 17:00",
        "2026-11-21 10:00",
        "2026-11-22 12:00",
        "2026-11-23 07:59",
    ] {
        bureau.pass(closed);
        assert_eq!(bureau.sent(&late), [], "{closed}");
    }
    bureau.pass("2026-11-23 08:00");
    assert_eq!(
        bureau.sent(&late),
        said(&[("clarification-request", "2026-11-23 08:00")])
    );
    // Down from here until the night after the reminder was due.
    bureau.house.clock.move_to(at("2026-12-02 21:00"));
    bureau.reopen();
    for closed in ["2026-12-02 21:00", "2026-12-03 03:00", "2026-12-03 07:59"] {
        bureau.pass(closed);
        assert_eq!(bureau.sent(&number).len(), 1, "{closed}");
    }
    bureau.live_until("2026-12-05 12:00");
    let reminder = ("clarification-reminder", "2026-12-03 08:29");
    assert_eq!(bureau.sent(&number)[1..], said(&[reminder]));
    assert_eq!(bureau.sent(&late)[1..], said(&[reminder]));
}

#[test]
fn over_a_weekend_nothing_goes_out_either() {
    let mut bureau = Bureau::open_at("2026-11-20 09:00");
    let number = bureau.request("ana@citizen.test");
    bureau.ask(&number, date(2026, 12, 7));
    bureau.pass("2026-11-20 10:00");
    bureau.house.clock.move_to(at("2026-12-04 20:00"));
    bureau.reopen();
    for closed in [
        "2026-12-04 20:00",
        "2026-12-05 10:00",
        "2026-12-06 23:30",
        "2026-12-07 07:59",
    ] {
        bureau.pass(closed);
        assert_eq!(bureau.sent(&number).len(), 1, "{closed}");
    }
    bureau.pass("2026-12-07 08:00");
    assert_eq!(
        bureau.sent(&number)[1..],
        said(&[("clarification-reminder", "2026-12-07 08:00")])
    );
}

#[test]
fn a_reminder_of_what_is_over_is_never_sent() {
    let mut bureau = Bureau::open_at("2026-11-20 09:00");
    let asked = bureau.request("ana@citizen.test");
    let invited = bureau.request("ion@citizen.test");
    bureau.ask(&asked, date(2026, 12, 2));
    bureau.decide(&invited);
    bureau.invite(&invited, date(2026, 12, 2).at(10, 0, 0, 0));
    bureau.pass("2026-11-20 10:00");
    // Down until after the last day and the appointment.
    bureau.house.clock.move_to(at("2026-12-03 09:00"));
    bureau.reopen();
    bureau.live_until("2026-12-08 12:00");
    assert_eq!(
        bureau.sent(&asked),
        said(&[("clarification-request", "2026-11-20 10:00")])
    );
    assert_eq!(
        bureau.sent(&invited),
        said(&[("pickup-invitation", "2026-11-20 10:00")])
    );
}

#[test]
fn a_letter_whose_retry_would_fall_after_closing_waits_for_the_opening() {
    let mut bureau = Bureau::open_at("2026-11-27 09:00");
    let number = bureau.request("ana@citizen.test");
    // Friday, and the office closes at 14:00.
    bureau.house.clock.move_to(at("2026-11-27 13:59:30"));
    bureau.ask(&number, date(2026, 12, 10));
    bureau.transport.put_off = 1;
    let pass = bureau.pass_with_errors("2026-11-27 13:59:30");
    assert!(
        pass.errors.len() == 1 && pass.errors[0].contains("451 4.3.0 later"),
        "{:?}",
        pass.errors
    );
    for closed in [
        "2026-11-27 14:00:30",
        "2026-11-27 14:05",
        "2026-11-28 10:00",
        "2026-12-01 12:00",
        "2026-12-02 07:59",
    ] {
        bureau.pass(closed);
        assert_eq!(bureau.sent(&number), [], "{closed}");
    }
    bureau.pass("2026-12-02 08:00");
    assert_eq!(
        bureau.sent(&number),
        said(&[("clarification-request", "2026-12-02 08:00")])
    );
    // A receipt goes out at any time, also when it was put off.
    bureau.house.clock.move_to(at("2026-12-04 22:00"));
    bureau.write("ion@citizen.test", None);
    bureau.transport.put_off = 1;
    bureau.pass_with_errors("2026-12-04 22:00");
    assert_eq!(bureau.pass("2026-12-04 22:01").letters, 1);
}
