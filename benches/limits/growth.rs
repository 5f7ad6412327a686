//! Registering and showing an entry, in a registry of a thousand entries and in one of a million.
//!
//! Both are measured in turns, so that the machine's moods meet them alike. Registering is the transaction that gives
//! the number, [`Store::mails_decide`] with one mail; showing is what a person waits for, the command `recipisa show` with
//! an entry somewhere in the registry. The part of the database in it, [`Store::entry`], is told beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use jiff::Timestamp;
use recipisa::edge::sqlite::SqliteStore;
use recipisa::registry::Number;
use recipisa::store::Store;

use super::support::tools::TempDir;
use super::{books, figure, median};

/// The demonstration's; its storage folder is `registry` beside the file.
const CONFIGURATION: &str = include_str!("../../src/cli/demo.toml");
const SMALL: usize = 1_000;
const TURNS: usize = 500;
const RATIO_MAX: f64 = 1.2;

struct Registry {
    store: SqliteStore,
    entries: usize,
    at: Timestamp,
    dir: TempDir,
}

impl Registry {
    fn of(entries: usize) -> Self {
        let dir = TempDir::new();
        fs::create_dir(dir.path().join("registry")).unwrap();
        fs::write(dir.path().join("recipisa.toml"), CONFIGURATION).unwrap();
        let password = dir.path().join("seal.password");
        fs::write(&password, "parola").unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        let store = SqliteStore::open(&dir.path().join("registry/recipisa.db")).unwrap();
        books::fill(&store, entries, Some(&[books::sha256("letter")]));
        Self {
            store,
            entries,
            at: "2026-11-20T11:00:00Z".parse().unwrap(),
            dir,
        }
    }

    /// Milliseconds of one registration.
    fn register(&mut self) -> f64 {
        books::keep(&self.store, self.entries, 1, self.at);
        let waiting = self.store.mails_undecided(1).unwrap();
        let verdicts = [books::verdict(waiting[0].seq, self.at)];
        let begun = Instant::now();
        let made = self.store.mails_decide(&verdicts, self.at).unwrap();
        let took = begun.elapsed().as_secs_f64() * 1e3;
        assert_eq!(made.len(), 1);
        self.entries += 1;
        took
    }

    /// An entry somewhere.
    fn somewhere(&self, turn: usize) -> Number {
        Number {
            register: "CJ".into(),
            number: 1 + (turn.wrapping_mul(0x9e37_79b9) % self.entries) as u64,
            date: jiff::civil::date(2026, 11, 20),
        }
    }

    /// Milliseconds of the command that shows an entry.
    fn show(&self, turn: usize) -> f64 {
        let number = self.somewhere(turn).to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_recipisa"));
        command
            .args(["show", &number, "--config"])
            .arg(self.dir.path().join("recipisa.toml"))
            .stdout(Stdio::null());
        let begun = Instant::now();
        let status = command.status().unwrap();
        let took = begun.elapsed().as_secs_f64() * 1e3;
        assert!(status.success(), "{number}");
        took
    }

    /// Milliseconds of the database's part in it.
    fn read(&self, turn: usize) -> f64 {
        let number = self.somewhere(turn);
        let begun = Instant::now();
        let found = self.store.entry(&number).unwrap();
        let took = begun.elapsed().as_secs_f64() * 1e3;
        assert!(found.is_some(), "{number}");
        took
    }
}

pub(crate) fn same_cost() {
    let entries = std::env::var("RECIPISA_BENCH_ENTRIES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let (mut small, mut large) = (Registry::of(SMALL), Registry::of(entries));
    let (mut registering, mut showing) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut reading = [Vec::new(), Vec::new()];
    for turn in 0..TURNS {
        for (index, registry) in [&mut small, &mut large].into_iter().enumerate() {
            registering[index].push(registry.register());
            showing[index].push(registry.show(turn));
            reading[index].push(registry.read(turn));
        }
    }
    for (what, [few, many]) in [("registering", registering), ("showing", showing)] {
        let (few, many) = (median(few), median(many));
        println!("{what}: {few:.3} ms among {SMALL} entries, {many:.3} ms among {entries}");
        figure(&format!("{what}, ratio"), many / few, "", RATIO_MAX);
    }
    let [few, many] = reading.map(median);
    println!(
        "the database's part in showing: {few:.3} ms among {SMALL} entries, {many:.3} ms among {entries}"
    );
}
