//! The integration tests: one file per concern, and [`support`] with the real servers they run against.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]
#![expect(
    clippy::print_stdout,
    reason = "a test prints its figures for whoever asks with --nocapture"
)]

mod answering;
mod backup;
mod check;
mod cases;
mod commands;
mod corpus;
mod demo;
mod digests;
#[cfg(feature = "failpoints")]
mod faults;
mod form;
mod imap;
mod inspect;
mod journey;
mod ledger;
mod letters;
mod limits;
mod machines;
mod mangled;
mod sending;
mod servers;
mod service;
mod status;
mod store;
mod support;
mod tidy;
mod world;

/// Without the feature the fault tests would be silently missing.
#[cfg(not(feature = "failpoints"))]
#[test]
fn the_fault_tests_are_built() {
    panic!("the fault tests need failpoints: cargo test --features failpoints (tests/run does so)");
}
