//! A flood of machine mail: so many delivery reports in a folder, filed by `once` into a real registry, every byte fsynced
//! before the commit that names it. Printed are mails a second, where the time goes, and the resident memory along the
//! way.
//!
//! `benches/run --only machines` starts this; `RECIPISA_BENCH_MACHINES` says how many mails. No answer may go out.

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
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use recipisa::edge::signing::throwaway::{self, ThrowawayKey};
use rusqlite::{Connection, OpenFlags};

mod stage;
#[path = "../tests/it/support/mod.rs"]
mod support;

use stage::{children_cpu_ms, highest_memory_kb, program};
use support::tools::{TempDir, set_mode};

/// Mails a second that must be filed.
const SPEED_MIN: f64 = 1_000.0;
/// Memory is printed each time so many more are filed.
const STEP: i64 = 10_000;

fn main() {
    // Under `cargo test --all-targets` a benchmark is started too, and has nothing to do.
    let Some(count) = std::env::var("RECIPISA_BENCH_MACHINES")
        .ok()
        .and_then(|text| text.parse::<i64>().ok())
    else {
        println!("machines: RECIPISA_BENCH_MACHINES is not set; start benches/run");
        return;
    };
    let dir = TempDir::new();
    let config = configuration(dir.path());
    let mails = dir.path().join("mails");
    fs::create_dir(&mails).unwrap();
    let mut bytes = 0;
    for number in 0..count {
        let mail = machine_mail(number);
        bytes += mail.len() as i64;
        fs::write(mails.join(format!("{number:07}.eml")), mail).unwrap();
    }
    println!("{count} machine mails, {} bytes each on average", bytes / count);
    // What making them left to the disk is not the program's to wait for.
    Command::new("sync").status().unwrap();
    file_all(dir.path(), &config, count);
}

/// Runs `once` over the folder and prints the figures.
fn file_all(dir: &Path, config: &str, count: i64) {
    let before = children_cpu_ms();
    let started = Instant::now();
    let child = Command::new(program())
        .args(["--config", config, "once", "--timings"])
        .env("RECIPISA_LOG", "warn")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = thread::scope(|scope| {
        let pid = child.id();
        let watch = scope.spawn(move || watch_memory(pid, &dir.join("registry/recipisa.db")));
        let output = child.wait_with_output().unwrap();
        watch.join().unwrap();
        output
    });
    let (wall, cpu) = (started.elapsed().as_secs_f64(), children_cpu_ms() - before);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let registry = registry(&dir.join("registry/recipisa.db")).unwrap();
    let counted = |sql: &str| registry.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(
        counted("SELECT count(*) FROM mail WHERE outcome = 'filed'"),
        count
    );
    assert_eq!(
        counted("SELECT count(*) FROM letter"),
        0,
        "no machine is answered"
    );
    let speed = count as f64 / wall;
    let verdict = if speed >= SPEED_MIN { "within" } else { "BEYOND" };
    println!(
        "{speed:.0} mails/s, {verdict} the limit of {SPEED_MIN:.0}; {:.3} ms of processor time a mail, highest resident \
         memory {} MB",
        cpu as f64 / count as f64,
        highest_memory_kb(&said) / 1024
    );
    println!("{said}");
}

/// Prints the resident memory of a process at each further step, as long as it lives.
fn watch_memory(pid: u32, database: &Path) {
    let mut next = STEP;
    while let Some(resident) = resident_mb(pid) {
        let filed = registry(database).and_then(|registry| {
            let last = "SELECT coalesce(max(seq), 0) FROM mail";
            registry.query_row(last, [], |row| row.get::<_, i64>(0)).ok()
        });
        if filed.is_some_and(|filed| filed >= next) {
            println!("{next:>8} kept: {resident:.0} MB resident");
            next += STEP;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// `None` when the process has ended.
fn resident_mb(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

fn registry(database: &Path) -> Option<Connection> {
    Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()
}

/// A delivery report as Postfix writes it, each about another letter.
fn machine_mail(number: i64) -> Vec<u8> {
    let filler =
        "X-Filler: a header of the usual length, which nobody reads and everybody keeps\r\n".repeat(12);
    format!(
        "Return-Path: <>\r\nDelivered-To: amt@amt.test\r\nReceived: by mx.amt.test (Postfix)\r\n\tid 4F{number:08X}; Fri, 20 Nov \
         2026 08:12:04 +0200 (EET)\r\nDate: Fri, 20 Nov 2026 08:12:04 +0200 (EET)\r\n\
         From: MAILER-DAEMON@mx.amt.test (Mail Delivery System)\r\nSubject: Undelivered Mail Returned to Sender\r\n\
         To: amt@amt.test\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Message-ID: <bounce-{number}@mx.amt.test>\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"parte\"\r\n\r\n\
         --parte\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is the mail system at host mx.amt.test.\r\n\r\n\
         <cetatean{number}@exemplu.test>: host mx.exemplu.test[192.0.2.7] said: 550 5.1.1 User\r\n    unknown (in reply to RCPT TO \
         command)\r\n\r\n--parte\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.amt.test\r\n\
         Original-Envelope-Id: scrisoare{number}\r\n\r\nFinal-Recipient: rfc822; cetatean{number}@exemplu.test\r\n\
         Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n\
         --parte\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <scrisoare{number}@amt.test>\r\n\
         From: amt@amt.test\r\nTo: cetatean{number}@exemplu.test\r\n{filler}\r\n--parte--\r\n"
    )
    .into_bytes()
}

/// An agency whose mail lies in a folder.
fn configuration(dir: &Path) -> String {
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap();
    for (name, bytes) in [
        (
            "seal.p12",
            throwaway::make(ThrowawayKey::Rsa2048, "seal", now).unwrap(),
        ),
        ("seal.password", b"seal".to_vec()),
    ] {
        fs::write(dir.join(name), bytes).unwrap();
        set_mode(&dir.join(name), 0o600);
    }
    let path = dir.join("recipisa.toml");
    fs::write(
        &path,
        r#"
[agency]
name = "Agenția Exemplu"
cui = "00000000"
address = "Str. Exemplului nr. 1"
phone = "0264 000 000"
email = "contact@amt.test"
[storage]
dir = "registry"
[[register]]
code = "CJ"
name = "Registrul general"
[[office]]
id = "cluj"
name = "Cluj-Exemplu"
address = "Str. Exemplului nr. 1"
contact = "Registratura, tel. 0264 000 001"
register = "CJ"
[[source]]
name = "somaj"
kind = "folder"
path = "mails"
address = "amt@amt.test"
office = "cluj"
[transport]
kind = "folder"
path = "letters"
[signing]
pkcs12 = "seal.p12"
password = { file = "seal.password" }
"#,
    )
    .unwrap();
    path.display().to_string()
}
