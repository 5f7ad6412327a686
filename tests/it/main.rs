//! The integration tests: one file per concern, and [`support`] with the real servers they run against.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]
#![expect(
    clippy::print_stdout,
    reason = "a test prints its figures for whoever asks with --nocapture"
)]

mod commands;
mod corpus;
mod demo;
mod inspect;
mod servers;
mod store;
mod support;
mod tidy;
