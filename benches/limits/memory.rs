//! The highest and the idle resident memory of the program.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use recipisa::edge::archive::FolderArchive;
use recipisa::edge::sqlite::SqliteStore;
use recipisa::store::{Archive, Store};

use super::stage::{Daemon, configuration, highest_memory_kb, program};
use super::support::ca::TestCa;
use super::support::dovecot::{Dovecot, Offer, User};
use super::support::sink::{Security, Sink};
use super::support::tools::TempDir;
use super::{books, figure};

const QUEUED: usize = 10_000;
/// What a letter with a receipt weighs.
const LETTER_BYTES: usize = 60_000;

/// Servers and a configured agency.
struct Scene {
    // Dropped in this order: servers before the folder that they write in.
    dovecot: Dovecot,
    sink: Sink,
    config: String,
    dir: TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = TempDir::new();
        let ca = TestCa::make(&dir.path().join("ca"));
        let dovecot = Dovecot::start(&dir.path().join("d"), &ca, Offer::Everything);
        let sink = Sink::start(Security::StartTls, &ca.server, Some(("amt", "secret")));
        let config = configuration(dir.path(), &ca, dovecot.ports.imaps, &sink);
        Self {
            dovecot,
            sink,
            config,
            dir,
        }
    }

    /// Runs `once` to its end; returns the highest resident memory in megabytes.
    fn once(&self) -> f64 {
        let output = Command::new(program())
            .args(["--config", &self.config, "once", "--timings"])
            .env("RECIPISA_LOG", "warn")
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        highest_memory_kb(&said) as f64 / 1024.0
    }
}

pub(crate) fn idle() {
    let scene = Scene::new();
    let daemon = Daemon::start(&scene.config);
    // Polls every second: some of them, so that what a poll takes is in it.
    thread::sleep(Duration::from_secs(8));
    figure(
        "idle memory of run, one IMAP source",
        daemon.resident_mb(),
        "MB",
        30.0,
    );
    figure("the highest until then", daemon.highest_mb(), "MB", 30.0);
}

pub(crate) fn large_mail() {
    let scene = Scene::new();
    let (picture, document) = (books::noise_png(12_000_000), books::scan_pdf(23_500_000));
    let mail = books::mail(
        "Ion Exemplu <ion@exemplu.test>",
        "Dosar mare",
        &[
            ("scan.png", "image/png", &picture),
            ("dosar.pdf", "application/pdf", &document),
        ],
    );
    println!("a mail of {:.1} MB", mail.len() as f64 / 1e6);
    scene.dovecot.deliver(User::Amt, &mail, SystemTime::now());
    let highest = scene.once();
    assert_eq!(scene.sink.kept().len(), 1, "the mail is answered");
    let store = books::store(scene.dir.path());
    let files: Vec<_> = store.mail(1).unwrap().unwrap().decision.unwrap().files;
    assert!(files.iter().all(|file| file.accepted), "{files:?}");
    figure("highest memory with a mail of 50 MB", highest, "MB", 256.0);
}

pub(crate) fn long_queue() {
    let scene = Scene::new();
    let storage = scene.dir.path().join("registry");
    std::fs::create_dir_all(&storage).unwrap();
    let archive = FolderArchive::open(&storage.join("archive")).unwrap();
    let letters: Vec<String> = (0..100)
        .map(|index| archive.put(&books::letter(index, LETTER_BYTES)).unwrap())
        .collect();
    let store = SqliteStore::open(&storage.join("recipisa.db")).unwrap();
    books::fill(&store, QUEUED, Some(&letters));
    assert_eq!(store.backlog().unwrap().letters_queued, QUEUED as u64);
    drop(store);
    let highest = scene.once();
    assert_eq!(scene.sink.kept().len(), QUEUED, "every letter goes once");
    figure("highest memory with 10,000 letters queued", highest, "MB", 100.0);
}
