//! The main job, timed as a whole: a full mailbox on a real Dovecot, TLS, registration, signed receipts, and an SMTP
//! server with STARTTLS and AUTH that takes the letters. Servers and program share the machine.
//!
//! `benches/run` generates the mails and starts this; `RECIPISA_BENCH_MAILS` names the folder of `.eml` files. Printed
//! are mails a second, processor time a mail for the whole process and by stage, and the highest resident memory.

#![expect(clippy::unwrap_used, reason = "in a benchmark an unwrap is an assertion")]
#![expect(
    dead_code,
    reason = "the servers of the tests, of which a benchmark needs a few"
)]
#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark works with the machine's own clock"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime};

mod stage;
#[path = "../tests/it/support/mod.rs"]
mod support;

use stage::{children_cpu_ms, configuration, highest_memory_kb, program};
use support::ca::TestCa;
use support::dovecot::{Dovecot, Offer, User};
use support::sink::{Security, Sink};
use support::tools::TempDir;

fn main() {
    // Under `cargo test --all-targets` a benchmark is started too, and has nothing to do.
    let Ok(folder) = std::env::var("RECIPISA_BENCH_MAILS") else {
        println!("journey: RECIPISA_BENCH_MAILS is not set; start benches/run");
        return;
    };
    let mails = read_mails(Path::new(&folder));
    let bytes: usize = mails.iter().map(Vec::len).sum();
    println!(
        "{} mails, {} KB each on average",
        mails.len(),
        bytes / mails.len() / 1000
    );
    // Kept until the end: a file system that has just deleted many files is slower at making new ones.
    let folders: Vec<TempDir> = (1..=rounds()).map(|round| journey(round, &mails)).collect();
    drop(folders);
}

fn rounds() -> u32 {
    std::env::var("RECIPISA_BENCH_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(3)
}

fn read_mails(folder: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mails: Vec<_> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!mails.is_empty(), "no mails in {}", folder.display());
    mails
}

/// Makes one round and returns the folder it was made in.
fn journey(round: u32, mails: &[Vec<u8>]) -> TempDir {
    let dir = TempDir::new();
    let ca = TestCa::make(&dir.path().join("ca"));
    let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
    let sink = Sink::start(Security::StartTls, &ca.server, Some(("amt", "secret")));
    for mail in mails {
        dovecot.deliver(User::Amt, mail, SystemTime::now());
    }
    let config = configuration(dir.path(), &ca, dovecot.ports.imaps, &sink);
    let started = Instant::now();
    let mut child = Command::new(program());
    child
        .args(["--config", &config, "once", "--timings"])
        .env("RECIPISA_LOG", "warn")
        .stdout(Stdio::piped());
    // GNU time is not everywhere; the kernel's own sums for ended children are.
    let before = children_cpu_ms();
    let output = child.spawn().unwrap().wait_with_output().unwrap();
    let (wall, cpu) = (started.elapsed().as_secs_f64(), children_cpu_ms() - before);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let kept = sink.kept().len();
    assert_eq!(kept, mails.len(), "every mail is answered once");
    let count = mails.len() as f64;
    println!(
        "\nround {round}: {:.1} mails/s, {:.2} ms of processor time a mail, highest resident memory {} MB",
        count / wall,
        cpu as f64 / count,
        highest_memory_kb(&said) / 1024
    );
    println!("{:<12} {:>12} {:>12}", "stage", "cpu ms/mail", "wall ms/mail");
    for line in said.lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        if let [stage, times, cpu, wall] = cells.as_slice()
            && times.parse::<u64>().is_ok()
        {
            let each = |cell: &str| cell.parse::<f64>().unwrap() / count;
            println!("{stage:<12} {:>12.3} {:>12.3}", each(cpu), each(wall));
        }
    }
    dir
}
