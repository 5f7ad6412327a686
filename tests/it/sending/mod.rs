//! Letters on their way: dialogues with servers of every kind, and the proof of what became of each letter through a real
//! Postfix and Dovecot.

mod bytes;
mod dialogues;
mod pace;
mod proof;
mod read_reports;
mod script;
