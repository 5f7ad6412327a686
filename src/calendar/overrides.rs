//! What the Government changes in a year's calendar for public staff: bridge days that are free,
//! and the days, usually Saturdays, on which they are worked back.
//!
//! Plain data. Reading it from the configuration and saying which file and line was wrong is left
//! to whoever reads files.

use jiff::civil::Date;

/// Whether the office works on a date that an act speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Working {
    /// A recovery day: worked although it is a weekend.
    Working,
    /// A bridge day: free although it is neither weekend nor holiday.
    NonWorking,
}

/// One date changed by an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The date, in the office's own zone.
    pub date: Date,
    /// What it becomes.
    pub working: Working,
    /// The act that says so, as a person would cite it, such as `HG nr. 1/2027`; it is printed.
    pub source: String,
}

/// Two overrides say opposite things of one date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{date} is given both as a working and as a free day (\u{201c}{first}\u{201d} and \u{201c}{second}\u{201d})"
)]
pub struct Contradiction {
    /// The date in question.
    pub date: Date,
    /// The source of the override that came first.
    pub first: String,
    /// The source of the one that contradicts it.
    pub second: String,
}
