//! Spoiled mails through all stages: no panic, one outcome each, and no more time or memory than their size is worth.
//!
//! 2,000 of them, 100,000 with `RECIPISA_TEST_LONG=1`; `RECIPISA_TEST_SEED=N` throws other dice. The sources are
//! `fixtures/mails`, `fixtures/documents` in a mail, and the shared corpus where it is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use recipisa::calendar::Calendar;
use recipisa::calendar::hours::OfficeHours;
use recipisa::documents::Limits;
use recipisa::mailbox::Extent;
use recipisa::message::Message;
use recipisa::registry::{Decided, Desk, Incoming, Known, Policy, decide};
use recipisa::screening::{self, Circumstances, Matter, Outcome, Reach, Sender, Standing};

use crate::support::command::project;
use crate::support::dice::Dice;
use crate::support::mangler::mangled;

/// Generous, so that a slow and busy machine passes; most take milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// Larger sources only cost time.
const SOURCE_BYTES_MAX: u64 = 150_000;
/// A letter of one byte can become one of three, and be shown once as text and once as HTML.
const TEXT_GROWTH_MAX: usize = 6;

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.metadata().unwrap().len() <= SOURCE_BYTES_MAX {
            found.push(path);
        }
    }
}

/// Mails as they are, documents within a mail.
fn sources() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    files_below(&project().join("fixtures/mails"), &mut paths);
    files_below(&project().join("fixtures/documents"), &mut paths);
    let told = std::env::var_os("RECIPISA_CORPUS").map(PathBuf::from);
    let beside = project().join("../shared/corpus");
    match told.or_else(|| beside.is_dir().then_some(beside)) {
        Some(corpus) => files_below(&corpus.join("mail"), &mut paths),
        None => println!("corpus: not here"),
    }
    paths.sort();
    paths.iter().filter_map(|path| source(path)).collect()
}

fn source(path: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("eml" | "msg") => Some(bytes),
        Some("expect" | "json" | "py" | "pyc" | "tsv" | "out") | None => None,
        Some(_) => {
            let head = "From: ana@exemplu.test\r\nSubject: x\r\nContent-Type: application/octet-stream; name=a\r\n\r\n";
            Some([head.as_bytes(), &bytes].concat())
        }
    }
}

fn policy() -> Policy {
    Policy {
        limits: Limits::default(),
        files_max: 50,
        screening: screening::Policy::default(),
        request_types: Vec::new(),
        calendar: Calendar::without_overrides(),
    }
}

fn desk() -> Desk {
    Desk {
        source: "somaj".into(),
        address: "somaj@ajofm-exemplu.test".into(),
        office: "Exemplu".into(),
        register: "general".into(),
        hours: OfficeHours::default(),
        answers_read_reports: true,
        start: None,
        authserv_ids: BTreeSet::new(),
    }
}

/// The whole way of a mail through the pure stages.
fn decided(bytes: &[u8], policy: &Policy, desk: &Desk) -> (Message, Decided) {
    let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let message = Message::read(bytes);
    screening::screen(
        &message,
        Circumstances {
            extent: Extent::Whole,
            standing: Standing::New,
            matter: Matter::New,
            sender: Sender::Undisputed,
            reach: Reach::Open,
        },
        &policy.screening,
    );
    let incoming = Incoming {
        message: &message,
        known: &Known::default(),
        letter: None,
        extent: Extent::Whole,
        standing: Standing::New,
        instructions: None,
        received_at: now,
    };
    let decided = decide(incoming, desk, now, policy);
    (message, decided)
}

/// What must hold for any bytes at all.
fn judge(bytes: &[u8], policy: &Policy, desk: &Desk) -> Outcome {
    let (message, decided_once) = decided(bytes, policy, desk);
    assert_eq!(decided_once.outcome, decided_once.reason.outcome());
    let has_number = matches!(decided_once.outcome, Outcome::Registered | Outcome::Joined);
    assert_eq!(decided_once.draft.is_some(), has_number);
    let in_files: usize = message.files.iter().map(|file| file.bytes.len()).sum();
    assert!(in_files <= bytes.len(), "{in_files} bytes in files");
    assert!(
        message.text.len() <= bytes.len() * TEXT_GROWTH_MAX + 100,
        "{}",
        message.text.len()
    );
    assert!(!message.subject.contains(char::is_control));
    assert!(message.files.iter().all(|file| !file.name.trim().is_empty()));
    decided_once.outcome
}

#[test]
fn spoiled_mails_come_to_one_outcome_each() {
    let many = if std::env::var_os("RECIPISA_TEST_LONG").is_some() {
        100_000
    } else {
        2_000
    };
    let seed = std::env::var("RECIPISA_TEST_SEED").map_or(1, |seed| seed.parse().unwrap());
    let sources = sources();
    assert!(sources.len() > 80, "{} sources", sources.len());
    let threads = std::thread::available_parallelism().unwrap().get();
    let (sources, begun) = (&sources, Instant::now());
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| scope.spawn(move || share(sources, seed, (worker..many).step_by(threads))))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut outcomes = BTreeMap::<Outcome, usize>::new();
    for tally in &tallies {
        for (outcome, count) in &tally.outcomes {
            *outcomes.entry(*outcome).or_default() += count;
        }
    }
    let slowest = tallies.iter().map(|tally| tally.slowest).max().unwrap();
    println!(
        "{many} of {} sources in {:.1?}, the slowest {slowest:.1?}: {outcomes:?}",
        sources.len(),
        begun.elapsed()
    );
    assert_eq!(outcomes.values().sum::<usize>(), many);
    assert!(outcomes.len() >= 3, "the dice reach too little: {outcomes:?}");
}

#[derive(Default)]
struct Tally {
    outcomes: BTreeMap<Outcome, usize>,
    slowest: Duration,
}

/// Each variant has dice of its own, so that one can be made again alone.
fn share(sources: &[Vec<u8>], seed: u64, variants: impl Iterator<Item = usize>) -> Tally {
    let (policy, desk) = (policy(), desk());
    let mut tally = Tally::default();
    for variant in variants {
        let mut dice = Dice(seed.wrapping_mul(1_000_003).wrapping_add(variant as u64));
        let first = &sources[dice.below(sources.len())];
        let second = &sources[dice.below(sources.len())];
        let bytes = mangled(first, second, &mut dice);
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| judge(&bytes, &policy, &desk)));
        let took = start.elapsed();
        let Ok(outcome) = outcome else {
            let path = std::env::temp_dir().join(format!("recipisa-mangled-{seed}-{variant}.eml"));
            fs::write(&path, &bytes).unwrap();
            panic!(
                "seed {seed}, variant {variant}: failed; its bytes are in {}",
                path.display()
            );
        };
        assert!(
            took < PATIENCE,
            "seed {seed}, variant {variant}: {took:?} for {} bytes",
            bytes.len()
        );
        *tally.outcomes.entry(outcome).or_default() += 1;
        tally.slowest = tally.slowest.max(took);
    }
    tally
}
