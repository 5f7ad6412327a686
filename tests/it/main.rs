//! The integration tests: one file per concern, and [`support`] with the real servers they run against.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod servers;
mod support;
mod tidy;
