//! What the servers on the way found out about the sender: Authentication-Results (RFC 8601). Anybody can write such a
//! field, so only those of the agency's own server count; which they are, policy says.

use mail_parser::Message;

/// The result of one method (RFC 8601 §2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthResult {
    Pass,
    Fail,
    SoftFail,
    Neutral,
    None,
    TempError,
    PermError,
    /// A word that the standard does not know.
    Other,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationResults {
    /// Lower case.
    pub authserv_id: String,
    pub spf: Option<AuthResult>,
    pub dkim: Option<AuthResult>,
    pub dmarc: Option<AuthResult>,
}

/// The fields of a parsed message, the topmost first.
pub(super) fn of(_parsed: &Message<'_>) -> Vec<AuthenticationResults> {
    Vec::new()
}
