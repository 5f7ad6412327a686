//! How long each stage takes: processor time of the thread that works, wall time, and how often.
//!
//! Two readings of the thread's clock cost under a microsecond, so it is always on; `once --timings` prints it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Listing and fetching from the mailbox.
    Fetch,
    /// Hashing, writing and fsyncing what arrived.
    Keep,
    /// Moving kept mail on the server.
    Acknowledge,
    /// Reading back from the archive, parsing, checking documents, deciding.
    Decide,
    /// Numbers, entries, journal: the transaction.
    Register,
    /// The page of the receipt.
    Render,
    /// Its signature.
    Sign,
    /// The letter around it.
    Compose,
    /// Writing receipts and letters, and their transaction.
    Issue,
    /// The conversation with the mail server.
    Send,
    /// Recording its answer.
    Record,
}

impl Stage {
    /// All stages in the order of a mail's way.
    pub const ALL: [Self; 11] = [
        Self::Fetch,
        Self::Keep,
        Self::Acknowledge,
        Self::Decide,
        Self::Register,
        Self::Render,
        Self::Sign,
        Self::Compose,
        Self::Issue,
        Self::Send,
        Self::Record,
    ];

    /// For tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Keep => "keep",
            Self::Acknowledge => "acknowledge",
            Self::Decide => "decide",
            Self::Register => "register",
            Self::Render => "render",
            Self::Sign => "sign",
            Self::Compose => "compose",
            Self::Issue => "issue",
            Self::Send => "send",
            Self::Record => "record",
        }
    }
}

impl Stage {
    /// The step that the stage belongs to.
    pub fn step(self) -> &'static str {
        match self {
            Self::Fetch | Self::Keep | Self::Acknowledge => "fetch",
            Self::Decide | Self::Register => "admit",
            Self::Render | Self::Sign | Self::Compose | Self::Issue => "issue",
            Self::Send | Self::Record => "deliver",
        }
    }
}

/// What a stage has taken since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub stage: Stage,
    pub times: u64,
    pub cpu_us: u64,
    pub wall_us: u64,
}

#[derive(Default)]
struct Sums {
    times: AtomicU64,
    cpu_ns: AtomicU64,
    wall_ns: AtomicU64,
}

static SUMS: [Sums; Stage::ALL.len()] = [const {
    Sums {
        times: AtomicU64::new(0),
        cpu_ns: AtomicU64::new(0),
        wall_ns: AtomicU64::new(0),
    }
}; Stage::ALL.len()];

/// Does the work and adds what it took.
pub fn time<T>(stage: Stage, work: impl FnOnce() -> T) -> T {
    let (wall, cpu) = (Instant::now(), thread_cpu_ns());
    let done = work();
    let sums = &SUMS[stage as usize];
    sums.times.fetch_add(1, Ordering::Relaxed);
    sums.cpu_ns
        .fetch_add(thread_cpu_ns().saturating_sub(cpu), Ordering::Relaxed);
    sums.wall_ns.fetch_add(
        u64::try_from(wall.elapsed().as_nanos()).unwrap_or(u64::MAX),
        Ordering::Relaxed,
    );
    done
}

/// What every stage has taken.
pub fn taken() -> Vec<Taken> {
    let read = |stage: Stage| {
        let sums = &SUMS[stage as usize];
        Taken {
            stage,
            times: sums.times.load(Ordering::Relaxed),
            cpu_us: sums.cpu_ns.load(Ordering::Relaxed) / 1_000,
            wall_us: sums.wall_ns.load(Ordering::Relaxed) / 1_000,
        }
    };
    Stage::ALL.into_iter().map(read).collect()
}

fn thread_cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000_000
        + u64::try_from(now.tv_nsec).unwrap_or_default()
}
