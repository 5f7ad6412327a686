//! What the configuration allows to go out by itself.

/// What the configuration allows in any 24 hours.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// To one address; every letter to it counts.
    pub letters_a_day: u64,
    /// To all together; only letters that answer a mail count.
    pub answers_a_day: u64,
}

/// What goes out where the sender's domain does not stand by the mail; the receipt waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unauthenticated {
    /// A few lines with the number.
    Notice,
    /// Nothing.
    Hold,
}
