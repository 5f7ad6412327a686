//! One case with real Dovecot and Postfix, told twice: once undisturbed, once with the process killed at every point of
//! every step. Both must come to the same end.
//!
//! A request without the consent; the consent by reply; a question, answered by reply with a file; one more mail that
//! only has the number in its subject, while a stranger quotes the same number; the decision, the invitation, the
//! hand-over. A clerk's mailbox gets the digests meanwhile. Each step is worked off by `recipisa once`.

mod ending;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread;

use jiff::{SignedDuration, Timestamp};
use recipisa::daemon::{House, once};
use recipisa::edge::clock::Clock;
use recipisa::flow::failpoint::{CASES, MAIL};
use recipisa::journal;
use recipisa::store::Store;
use serde_json::Value;

use super::{Mail, PAPER, always_open, every_day_worked, header, in_days, today, wait_for_a_long_day};
use crate::support::MailWorld;
use crate::support::books::store;
use crate::support::citizens::now;
use crate::support::command::project;
use crate::support::dovecot::{Stored, User};
use crate::support::online::{Agency, Inbox, Submission};
use crate::support::process::Process;
use crate::support::tools::{PATIENCE, make_dir, poll, run, tool, wait_until, write};

use ending::{End, end_of, is_as_promised};

const CITIZEN: &str = "citizen@citizen.test";
const STRANGER: &str = "citizen+altul@citizen.test";
/// The clerk reads the mailbox of the other office, which is no source here.
const CLERK: User = User::Dej;
const WHAT: &str = "Lipsește adeverința de vechime pe ultimele 12 luni.";

/// Whether the process is let alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Undisturbed,
    KilledEverywhere,
}

/// What a step has to work off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Mail,
    Letter,
    /// Nothing goes out.
    Record,
}

struct Story {
    fate: Fate,
    world: MailWorld,
    agency: Agency,
    runs: usize,
    steps: usize,
    /// How often each point was reached and the process killed there.
    kills: BTreeMap<&'static str, usize>,
    /// Identifiers of the citizen's mails and of letters, to our names.
    names: BTreeMap<String, String>,
    begin: Timestamp,
}

impl Story {
    fn new(fate: Fate) -> Self {
        let world = MailWorld::start();
        let inbox = [Inbox::over_tls(User::Amt, world.dovecot.ports.imaps)];
        let submission = Submission::starttls(world.postfix.ports.submission);
        let agency = Agency::found(&world.dir.path().join("a"), &world.ca, &inbox, submission);
        let config = fs::read_to_string(agency.config()).unwrap();
        let office = "contact = \"Registratura, tel. 0264 000 001\"\n";
        assert!(config.contains(office));
        // Reports of delivery come back whenever the mail server pleases; other tests have them.
        let config = config.replace("[transport]\n", "[transport]\ndelivery_reports = false\n");
        let config = config.replace(office, &format!("{office}{}", always_open()))
            + &format!(
                "\n[calendar]\noverrides = \"calendar.toml\"\n\n[digest]\nschedule = \"* * * * *\"\nfrom = \"{}\"\n\
                 to = [\"{}\"]\n",
                User::Amt.address(),
                CLERK.address()
            );
        write(&agency.config(), &config);
        write(&agency.dir.join("calendar.toml"), &every_day_worked());
        Self {
            fate,
            world,
            agency,
            runs: 0,
            steps: 0,
            kills: BTreeMap::new(),
            names: BTreeMap::new(),
            begin: Clock::System.now() - SignedDuration::from_mins(10),
        }
    }

    /// One pass in this process, at another time than the machine's.
    fn pass_at(&self, at: Timestamp) {
        let house = House::open(self.agency.settings(), Clock::standing_at(at)).unwrap();
        let _lock = house.lock().unwrap();
        let (letterhead, mut transport) = (house.letterhead().unwrap(), house.transport().unwrap());
        let pass = once(&house, &letterhead, &mut *transport, &|| false);
        assert_eq!(pass.errors, [""; 0]);
    }

    /// `recipisa once`, killed where it reaches the point; otherwise it ends by itself and well.
    fn run(&mut self, point: Option<&'static str>) {
        self.runs += 1;
        let config = self.agency.config();
        let failpoint = point.map(|name| format!("{name}:1")).unwrap_or_default();
        let mut process = Process::recipisa(
            &self.agency.dir,
            &format!("once-{}", self.runs),
            &["--config".as_ref(), config.as_os_str(), "once".as_ref()],
            &[("RECIPISA_FAILPOINT", failpoint.as_str())],
        );
        let reached = poll(PATIENCE, || match process.ended() {
            Some(status) => {
                assert_eq!(status.code(), Some(0), "{point:?}: {}", process.stderr());
                Some(false)
            }
            None => process.stderr().contains("failpoint reached").then_some(true),
        });
        if reached.expect("it ends or reaches the point") {
            process.kill();
            *self.kills.entry(point.unwrap_or_default()).or_default() += 1;
        }
    }

    /// Works a step off, with all the deaths that it can have, and waits until every letter has arrived.
    fn work_off(&mut self, step: Step) {
        if self.fate == Fate::KilledEverywhere {
            for point in self.points(step) {
                self.run(Some(point));
            }
            self.steps += 1;
        }
        self.run(None);
        let sent = self.sent();
        wait_until("Postfix to deliver all", PATIENCE, || {
            let delivered = self.world.postfix.log().matches(": removed").count();
            (delivered >= sent).then_some(())
        });
    }

    /// How many letters the mail server must have taken: those in the journal, and one more for each death between its
    /// answer and the record.
    fn sent(&self) -> usize {
        let mut sent = self.kills.get("deliver.sent").copied().unwrap_or_default();
        let count = &mut |row: journal::Row| sent += usize::from(row.kind == "letter.sent");
        store(&self.agency).journal_each(count).unwrap();
        sent
    }

    /// The points in the order of the work, so that each is still ahead when its turn comes. Of two that come after the
    /// same durable act, a step can only meet one: they take turns. Those behind are met only where a minute has passed
    /// and a digest is due; otherwise the process ends by itself.
    fn points(&self, step: Step) -> Vec<&'static str> {
        let [
            noted,
            fetched,
            archived,
            kept,
            acknowledged,
            decide @ ..,
            claimed,
            sent,
            finished,
            done,
        ] = MAIL;
        let [written, queued, report @ ..] = CASES;
        let (kept, finished) = if self.steps.is_multiple_of(2) {
            (kept, finished)
        } else {
            (acknowledged, done)
        };
        let deliver = [claimed, sent, finished];
        match step {
            // The first digest is due from the beginning.
            Step::Mail if self.steps == 0 => {
                [&[noted, fetched, archived, kept], &decide[..], &report, &deliver].concat()
            }
            Step::Mail => [&[noted, fetched, archived, kept], &decide[..], &deliver, &report].concat(),
            Step::Letter => [&[written, queued], &deliver[..], &report].concat(),
            Step::Record => report.to_vec(),
        }
    }

    /// A mail of the citizen or the stranger; `answered` is the letter that it replies to.
    fn write(&mut self, from: &str, subject: &str, answered: Option<&[u8]>, files: &[(&str, &[u8])]) {
        let name = format!("mail-{}", self.names.len());
        let id = format!("{name}@citizen.test");
        let thread = answered.map(|letter| {
            let own = header(letter, "Message-ID");
            let chain = format!("{} {own}", header(letter, "References"));
            (own, chain)
        });
        let mail = Mail {
            from,
            to: User::Amt.address(),
            id: &id,
            subject,
            thread: thread.as_ref().map_or(("", ""), |(own, chain)| (own, chain)),
            received_at: Clock::System.now(),
            files,
        };
        self.world.dovecot.deliver(User::Amt, &mail.bytes(), now());
        self.names.insert(id, name);
    }

    /// A reply as a mail program writes it.
    fn reply(&mut self, letter: &[u8], files: &[(&str, &[u8])]) {
        let subject = format!("Re: {}", header(letter, "Subject"));
        self.write(CITIZEN, &subject, Some(letter), files);
    }

    /// The letters to this address, each once, in the order of arrival; there are so many.
    #[track_caller]
    fn letters(&self, to: &str, count: usize) -> Vec<Vec<u8>> {
        let letters = each_once(&self.world.dovecot.mails(User::Citizen, "INBOX"), to);
        assert_eq!(letters.len(), count, "letters to {to}");
        letters
    }

    #[track_caller]
    fn case(&self, args: &[&str]) -> Value {
        let said = self
            .agency
            .json(&[&["case"], args, &["--as", "Ana Registrator", "--json"]].concat());
        said[0].clone()
    }

    fn number(&self, running: u32) -> String {
        format!("CJ-{running}/{}", today().strftime("%d.%m.%Y"))
    }
}

/// The letters to an address; a repeat has the same Message-ID and the same bytes as the first.
#[track_caller]
fn each_once(mails: &[Stored], to: &str) -> Vec<Vec<u8>> {
    let mut seen: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut letters = Vec::new();
    for mail in mails
        .iter()
        .filter(|mail| header(&mail.bytes, "Delivered-To").contains(to))
    {
        let id = header(&mail.bytes, "Message-ID");
        let own = own_part(&mail.bytes);
        match seen.get(&id) {
            Some(first) => assert_eq!(*first, own, "a repeat of {id} is another letter"),
            None => {
                seen.insert(id, own);
                letters.push(mail.bytes.clone());
            }
        }
    }
    letters
}

/// The letter without what servers on its way put before it.
fn own_part(mail: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(mail).replace("\r\n", "\n");
    let begin = text.find("\nFrom: ").expect("a letter has a sender");
    text.as_bytes()[begin..].to_vec()
}

#[test]
fn a_case_comes_to_the_same_end_wherever_the_process_is_killed() {
    wait_for_a_long_day();
    let (calm, killed) = thread::scope(|scope| {
        let calm = scope.spawn(|| told(Fate::Undisturbed));
        let killed = scope.spawn(|| told(Fate::KilledEverywhere));
        (calm.join().unwrap(), killed.join().unwrap())
    });
    assert_eq!(calm, killed);
    is_as_promised(&calm);
}

/// Tells the whole story and looks at what is left.
fn told(fate: Fate) -> End {
    let mut story = Story::new(fate);
    // The row of digests begins ten minutes ago, and the first is five minutes old.
    story.pass_at(story.begin);
    story.pass_at(story.begin + SignedDuration::from_mins(5));
    story.write(CITIZEN, "Cerere de adeverinta", None, &[("cerere.pdf", PAPER)]);
    story.work_off(Step::Mail);
    let receipt = story.letters(CITIZEN, 1).remove(0);
    let form = attachment(&story, &receipt, "acord.pdf");
    story.reply(&receipt, &[("acord.pdf", &form)]);
    story.work_off(Step::Mail);

    let number = story.number(1);
    let until = in_days(5).to_string();
    let asked = story.case(&["clarify", &number, "--what", WHAT, "--until", &until]);
    assert_eq!(asked["planned"].as_array().unwrap().len(), 2, "{asked}");
    story.work_off(Step::Letter);
    let question = story.letters(CITIZEN, 3).remove(2);
    story.reply(&question, &[("adeverinta.pdf", PAPER)]);
    story.work_off(Step::Mail);
    story.write(
        CITIZEN,
        &format!("Inca un act la {number}"),
        None,
        &[("anexa.pdf", PAPER)],
    );
    story.write(STRANGER, &format!("Re: {number}"), None, &[("cerere.pdf", PAPER)]);
    story.work_off(Step::Mail);

    let document = story.agency.dir.join("decizie.pdf");
    fs::write(&document, PAPER).unwrap();
    story.case(&["decide", &number, "--document", document.to_str().unwrap()]);
    story.work_off(Step::Record);
    let when = format!("{} 10:00", in_days(2));
    let invited = story.case(&["pickup", &number, "--at", &when]);
    assert_eq!(invited["planned"].as_array().unwrap().len(), 2, "{invited}");
    story.work_off(Step::Letter);
    let closed = story.case(&["handover", &number]);
    assert_eq!(
        closed["called_off"].as_array().unwrap().len(),
        1,
        "the reminder: {closed}"
    );
    story.work_off(Step::Record);
    // The last digest tells of all that was left.
    story.pass_at(Clock::System.now() + SignedDuration::from_mins(2));
    story.work_off(Step::Record);
    end_of(&mut story)
}

/// An attachment as Python's library reads it.
fn attachment(story: &Story, letter: &[u8], name: &str) -> Vec<u8> {
    let folder = story.world.dir.path().join("letter");
    make_dir(&folder);
    fs::write(folder.join("mail.eml"), letter).unwrap();
    run(Command::new(tool("python3", "python3"))
        .arg(project().join("tests/it/journey/read_letter.py"))
        .args([&folder.join("mail.eml"), &folder]));
    fs::read(folder.join(name)).unwrap_or_else(|error| panic!("no {name} in the letter: {error}"))
}
