//! Issued receipts that no letter carries, and that a clerk wants to send all the same.

use jiff::Timestamp;

use super::Owing;

/// An issued receipt that a letter is to carry, at a clerk's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub owing: Owing,
    /// Of the signed PDF in the archive.
    pub receipt_sha256: String,
    pub issued_at: Timestamp,
}
