//! Three made-up days for the tests: a full one, an empty one, and one on which everything is wrong.

use jiff::Timestamp;
use jiff::civil::Date;

use super::conexe::Conexe;
use super::facts::{
    Answered, Awaited, Consent, Counts, Facts, File, Gap, Held, Joined, Misfit, MisfitFault, NewEntry,
    OpenCase, Period, Pickup, Scope, SourceCounts, Trouble, Unanswered, Undelivered, Unreached,
};
use crate::calendar::hours::ZONE;
use crate::outbox::Kind;
use crate::receipt::content::Verdict;
use crate::registry::Delivery;
use crate::screening::Reason;

const CLUJ: &str = "Cluj-Exemplu";
const DEJ: &str = "Dej-Exemplu";
const ALLOWANCE: &str = "indemnizație de șomaj";

/// Names that attack whoever reads them: browsers, spreadsheets, terminals, mail headers, templates.
const HOSTILE_NAMES: [&str; 12] = [
    "<script>alert(1)</script>",
    "=HYPERLINK(\"http://rau.test\";\"apasă\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    " +40 264 000 000",
    "\t-2+3",
    "Ion\r\nBcc: toti@exemplu.test",
    "\u{202E}nalaB anairaM",
    "{{ 7*7 }}{% raw %}",
    "zero\u{200B}lat\u{0}\u{1B}[31m",
    "\"citat\"; punct și virgulă & <b>gros</b>",
    "👩‍👩‍👧 cu emoji",
    "",
];

/// A Friday in November, seven in the morning, read in the whole agency.
pub(crate) fn full_day() -> Facts {
    let mut facts = empty_day();
    facts.scope = Scope::All;
    with_terms(&mut facts);
    with_troubles(&mut facts);
    with_arrivals(&mut facts);
    facts
}

fn with_terms(facts: &mut Facts) {
    facts.late = vec![
        case(
            "3/12.10.2026",
            "Ștefania Țărnă",
            CLUJ,
            "2026-11-11",
            Awaited::Decision,
        ),
        case(
            "17/20.10.2026",
            "Gheorghe Mureșan",
            DEJ,
            "2026-11-19",
            Awaited::HandOver,
        ),
    ];
    facts.due_today = vec![case(
        "21/21.10.2026",
        "Ioana Pop",
        CLUJ,
        "2026-11-20",
        Awaited::Decision,
    )];
    facts.due_this_week = vec![
        case(
            "24/26.10.2026",
            "Vasile Moldovan",
            DEJ,
            "2026-11-23",
            Awaited::Decision,
        ),
        case(
            "29/27.10.2026",
            "Ana-Maria Crișan",
            CLUJ,
            "2026-11-25",
            Awaited::Reply,
        ),
        case(
            "30/27.10.2026",
            "Iosif Lăcătuș",
            CLUJ,
            "2026-11-27",
            Awaited::Appointment,
        ),
    ];
    facts.pickups_today = vec![
        pickup("2026-11-20T09:30", "8/13.10.2026", "Măriuța Bălan", CLUJ),
        pickup("2026-11-20T11:00", "11/14.10.2026", "Dănuț Ișfan", DEJ),
    ];
    facts.pickups_next = vec![pickup("2026-11-23T10:15", "12/14.10.2026", "Crina Văduva", CLUJ)];
}

fn with_troubles(facts: &mut Facts) {
    facts.held = vec![held(
        41,
        "2026-11-19T18:05",
        Reason::SeveralSenders,
        None,
        "Cerere adeverință",
    )];
    facts.undelivered = vec![undelivered(
        "33/18.11.2026",
        "Petru Șerban",
        Some("petru.serban@citizen.test"),
        Trouble::GivenUp,
        Some("550 5.1.1 User unknown"),
    )];
    facts.unanswered = vec![Unanswered {
        number: "15/16.10.2026".to_owned(),
        applicant: Some("Rodica Țuca".to_owned()),
        office: CLUJ.to_owned(),
        ordinal: 1,
        asked_on: day("2026-11-05"),
        until: day("2026-11-16"),
        reminded_on: Some(day("2026-11-13")),
        what: "Lipsește pagina a doua a contractului.\nVă rugăm să o fotografiați întreagă.".to_owned(),
    }];
}

fn with_arrivals(facts: &mut Facts) {
    facts.answered = vec![Answered {
        number: "28/27.10.2026".to_owned(),
        applicant: Some("Traian Oșan".to_owned()),
        office: DEJ.to_owned(),
        ordinal: 2,
        at: local("2026-11-19T13:42"),
        files: vec![accepted("carte de muncă.pdf"), accepted("adeverință venit.pdf")],
    }];
    facts.joined = vec![Joined {
        number: "31/16.11.2026".to_owned(),
        applicant: Some("Elena Ghiță".to_owned()),
        office: CLUJ.to_owned(),
        ordinal: 1,
        received_at: local("2026-11-19T15:10"),
        files: vec![accepted("acord semnat.jpg")],
    }];
    facts.entries = entries();
    facts.sources = vec![
        source("somaj", counts([9, 3, 1, 0, 2, 2, 1, 0, 0])),
        source("dej", counts([4, 1, 1, 0, 1, 1, 0, 0, 0])),
    ];
}

/// Nothing came, nothing is due.
pub(crate) fn empty_day() -> Facts {
    Facts {
        period: Period {
            from: local("2026-11-19T07:00"),
            to: local("2026-11-20T07:00"),
        },
        today: day("2026-11-20"),
        next_working_day: day("2026-11-23"),
        agency: "AJOFM Exemplu".to_owned(),
        scope: Scope::Office(DEJ.to_owned()),
        gap: None,
        unreached: Vec::new(),
        late: Vec::new(),
        due_today: Vec::new(),
        due_this_week: Vec::new(),
        pickups_today: Vec::new(),
        pickups_next: Vec::new(),
        held: Vec::new(),
        undelivered: Vec::new(),
        unanswered: Vec::new(),
        conexe: Conexe::default(),
        answered: Vec::new(),
        joined: Vec::new(),
        entries: Vec::new(),
        sources: vec![source("dej", Counts::default())],
        misfits: Vec::new(),
        misfits_total: 0,
    }
}

/// The daemon was down, messages are missing, every kind of trouble is there, and the names attack whoever reads.
pub(crate) fn everything_wrong() -> Facts {
    let mut facts = full_day();
    facts.period.from = local("2026-11-17T07:00");
    facts.unreached = unreached();
    facts.gap = Some(Gap {
        missed: 2,
        down_since: local("2026-11-17T16:48"),
    });
    facts.late = HOSTILE_NAMES
        .iter()
        .map(|name| case("3/12.10.2026", name, CLUJ, "2026-09-30", Awaited::Decision))
        .collect();
    facts.late.push(case(
        "4/12.10.2026",
        &"Lung".repeat(500),
        DEJ,
        "2026-11-19",
        Awaited::Reply,
    ));
    facts.late.push(OpenCase {
        applicant: None,
        request_type: "nedeterminat".to_owned(),
        ..case("5/12.10.2026", "", DEJ, "2026-11-18", Awaited::Appointment)
    });
    facts.held = vec![
        held(7, "2026-11-17T08:00", Reason::NoSender, None, ""),
        held(
            8,
            "2026-11-17T08:01",
            Reason::Oversized,
            Some("a<b>@citizen.test"),
            "=1+1",
        ),
        held(
            9,
            "2026-11-17T08:02",
            Reason::Failing,
            Some("x@citizen.test"),
            "</td></table><h1>x",
        ),
    ];
    facts.undelivered = [
        (Trouble::Unsigned, None, Some("cheia nu se deschide")),
        (Trouble::NoLetter(None), None, None),
        (
            Trouble::Delayed,
            Some("a@citizen.test"),
            Some("451 4.7.1 Greylisted\r\nX: y"),
        ),
        (
            Trouble::GivenUp,
            Some("b@citizen.test"),
            Some("550 <img src=x onerror=alert(1)>"),
        ),
        (Trouble::Returned, Some("c@citizen.test"), None),
    ]
    .map(|(trouble, to, answer)| undelivered("DEJ-6/17.11.2026", "Ioan Nășăudean", to, trouble, answer))
    .into();
    facts.unanswered[0].reminded_on = None;
    facts.unanswered[0].what = "=cmd()\n<script>x</script>".to_owned();
    facts.entries[0].files = hostile_files();
    with_a_wrong_count(&mut facts);
    facts
}

fn with_a_wrong_count(facts: &mut Facts) {
    facts.sources = vec![
        source("somaj", counts([9, 3, 1, 0, 1, 1, 1, 0, 0])),
        source("dej", counts([4, 1, 1, 1, 1, 1, 0, 1, 0])),
        source("=turda", counts([2, 0, 0, 0, 0, 0, 0, 1, 1])),
    ];
    facts.misfits = [
        ("somaj", "INBOX;1700000000;42", MisfitFault::MailMissing),
        ("somaj", "INBOX;1700000000;<43>", MisfitFault::MailMissing),
        ("dej", "=1+1;\u{202E}gpj.lme", MisfitFault::SightingMissing),
        ("dej", "cerere.eml", MisfitFault::StillAwaited),
    ]
    .map(|(source, key, fault)| Misfit {
        source: source.to_owned(),
        key: key.to_owned(),
        fault,
    })
    .into();
    facts.misfits_total = 23;
}

fn unreached() -> Vec<Unreached> {
    vec![
        Unreached {
            source: "somaj".to_owned(),
            address: "somaj@ajofm-exemplu.test".to_owned(),
            contact_at: Some(local("2026-11-19 21:04")),
            failing_since: local("2026-11-19 21:05"),
            why: "login".to_owned(),
        },
        Unreached {
            source: "dej\r\n<b>".to_owned(),
            address: "dej@ajofm-exemplu.test".to_owned(),
            contact_at: None,
            failing_since: local("2026-11-18 08:00"),
            why: "unreachable".to_owned(),
        },
    ]
}

fn hostile_files() -> Vec<File> {
    let mut files = vec![
        refused(
            "=cmd|' /C calc'!A0.pdf",
            "Fișierul nu poate fi deschis. Vă rugăm să îl trimiteți din nou.",
        ),
        accepted("poza\u{202E}gpj.exe"),
        accepted("a;b\"c\r\nd.pdf"),
        accepted(&format!("{}.pdf", "x".repeat(700))),
    ];
    files.extend((1..=30).map(|number| accepted(&format!("pagina {number}.png"))));
    files
}

fn entries() -> Vec<NewEntry> {
    let entry = |number: &str, at: &str, name: &str, office: &str, consent, files| NewEntry {
        number: number.to_owned(),
        received_at: local(at),
        applicant: Some(name.to_owned()),
        request_type: ALLOWANCE.to_owned(),
        office: office.to_owned(),
        files,
        consent,
        receipt: None,
        receipt_of_another: false,
    };
    let mut entries = vec![
        entry(
            "34/19.11.2026",
            "2026-11-19T08:12",
            "Ilinca Făgădău",
            CLUJ,
            Consent::Found,
            vec![
                accepted("cerere.pdf"),
                accepted("act identitate.jpg"),
                accepted("acord.pdf"),
            ],
        ),
        entry(
            "35/19.11.2026",
            "2026-11-19T10:40",
            "Sándor Nagy",
            DEJ,
            Consent::Missing,
            vec![
                accepted("cerere.pdf"),
                refused(
                    "IMG_0231.HEIC",
                    "Fotografia este în formatul HEIC. Vă rugăm să o salvați ca JPEG și să o trimiteți din nou.",
                ),
            ],
        ),
        entry(
            "36/19.11.2026",
            "2026-11-19T16:55",
            "Dorin Pașca",
            CLUJ,
            Consent::NotAsked,
            Vec::new(),
        ),
        entry(
            "37/19.11.2026",
            "2026-11-19T22:31",
            "Lăcrămioara Îndrei",
            CLUJ,
            Consent::Missing,
            vec![accepted("primă de relocare.pdf")],
        ),
    ];
    entries[3].request_type = "nedeterminat".to_owned();
    entries[0].receipt = Some(Delivery::Read);
    entries[1].receipt = Some(Delivery::Bounced);
    entries
}

/// An instant from what the clock in Romania shows.
pub(crate) fn local(text: &str) -> Timestamp {
    let civil: jiff::civil::DateTime = text.parse().unwrap();
    civil.to_zoned(ZONE).unwrap().timestamp()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn case(number: &str, name: &str, office: &str, due: &str, awaited: Awaited) -> OpenCase {
    OpenCase {
        number: number.to_owned(),
        applicant: Some(name.to_owned()),
        request_type: ALLOWANCE.to_owned(),
        office: office.to_owned(),
        due_on: day(due),
        awaited,
    }
}

fn pickup(at: &str, number: &str, name: &str, office: &str) -> Pickup {
    Pickup {
        at: local(at),
        number: number.to_owned(),
        applicant: Some(name.to_owned()),
        request_type: ALLOWANCE.to_owned(),
        office: office.to_owned(),
    }
}

fn held(mail_id: i64, at: &str, reason: Reason, sender: Option<&str>, subject: &str) -> Held {
    Held {
        mail_id,
        received_at: local(at),
        source: "somaj".to_owned(),
        reason,
        sender: sender.map(str::to_owned),
        subject: subject.to_owned(),
    }
}

fn undelivered(
    number: &str,
    name: &str,
    to: Option<&str>,
    trouble: Trouble,
    answer: Option<&str>,
) -> Undelivered {
    Undelivered {
        number: number.to_owned(),
        applicant: Some(name.to_owned()),
        office: DEJ.to_owned(),
        letter: Kind::Receipt,
        submission: 0,
        to: to.map(str::to_owned),
        trouble,
        last_answer: answer.map(str::to_owned),
        of_another: None,
        mail: None,
    }
}

fn accepted(name: &str) -> File {
    File {
        name: name.to_owned(),
        verdict: Verdict::Accepted,
        told: None,
    }
}

fn refused(name: &str, told: &str) -> File {
    File {
        name: name.to_owned(),
        verdict: Verdict::Refused,
        told: Some(told.to_owned()),
    }
}

fn source(name: &str, counts: Counts) -> SourceCounts {
    SourceCounts {
        source: name.to_owned(),
        counts,
    }
}

/// Shown, registered, joined, answered, filed, ignored, held, undecided, awaited.
fn counts(numbers: [u64; 9]) -> Counts {
    let [
        shown,
        registered,
        joined,
        answered,
        filed,
        ignored,
        held,
        undecided,
        awaited,
    ] = numbers;
    Counts {
        shown,
        registered,
        joined,
        answered,
        filed,
        ignored,
        held,
        undecided,
        awaited,
    }
}
