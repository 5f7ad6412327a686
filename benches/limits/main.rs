//! The limits that a public office relies on: memory when idle, with a large mail and with a long queue; speed that does
//! not fall as the registry grows; and the time from a mail's arrival to the receipt's acceptance.
//!
//! `benches/run` starts this with `RECIPISA_BENCH_LIMITS=1`, or with some of the words `idle large queue growth latency told`
//! in it. Each figure is printed beside its limit. `RECIPISA_BENCH_ENTRIES` sets the size of the large registry.

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

mod books;
mod growth;
mod latency;
mod memory;
#[path = "../stage/mod.rs"]
mod stage;
#[path = "../../tests/it/support/mod.rs"]
mod support;
mod tap;

fn main() {
    // Under `cargo test --all-targets` a benchmark is started too, and has nothing to do.
    let Ok(wanted) = std::env::var("RECIPISA_BENCH_LIMITS") else {
        println!("limits: RECIPISA_BENCH_LIMITS is not set; start benches/run");
        return;
    };
    let measures: [(&str, fn()); 6] = [
        ("idle", memory::idle),
        ("large", memory::large_mail),
        ("queue", memory::long_queue),
        ("latency", latency::arrival_to_acceptance),
        ("told", latency::told_by_the_server),
        ("growth", growth::same_cost),
    ];
    for (name, measure) in measures {
        if wanted == "1" || wanted.split_whitespace().any(|word| word == name) {
            measure();
        }
    }
}

/// Prints one figure beside its limit.
fn figure(what: &str, measured: f64, unit: &str, limit: f64) {
    let verdict = if measured <= limit { "within" } else { "BEYOND" };
    println!("{what:<58} {measured:>8.2} {unit:<3} {verdict} the limit of {limit} {unit}");
}

/// The middle of the values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
