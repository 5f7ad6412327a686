//! recipisa: the registry's part of a public mailbox.
//!
//! A daemon that turns every e-mail arriving at an agency's dedicated mailbox into exactly one recorded outcome, and
//! every request into a registry entry with a gap-free number and a signed receipt that names each file.
//!
//! The modules stand in the order of a mail's way, which is also the order of dependency: a module names only modules
//! above it. A test holds both the order and the list of who may name whom.

// Stages: pure. No file, socket, clock, environment or log.
pub mod journal;
pub mod calendar;
pub mod mailbox;
pub mod message;
pub mod documents;
pub mod screening;
pub mod registry;
pub mod casework;
pub mod receipt;
pub mod outbox;
pub mod followup;
pub mod digest;
pub mod store;

// Shell: the steps, the world, and what holds them together.
pub mod flow;
pub mod edge;
pub mod config;
pub mod daemon;
pub mod cli;
