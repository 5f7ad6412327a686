//! What a clerk has said about a mail that the rules could not decide, or decided wrongly.
//!
//! A clerk's word stands above the header: it names the sender, or the case. It does not open a closed case.

use super::{KnownCase, Number, Summary};
use crate::screening::{self, Reason, Screened};

/// How a clerk wants a mail to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instructions {
    /// As a request of its own, with what the clerk knows of it; what is `None` is taken from the mail.
    Register {
        /// The address that the receipt goes to, and that owns the case.
        sender: Option<String>,
        /// The applicant's name.
        name: Option<String>,
        /// An identifier of [`super::RequestType`].
        request_type: Option<String>,
    },
    /// As a submission to this case.
    Join { number: Number },
}

impl Instructions {
    /// The number to be looked up before the decision.
    pub fn mentioned(&self) -> Option<&Number> {
        match self {
            Self::Register { .. } => None,
            Self::Join { number } => Some(number),
        }
    }

    /// The case that the mail is to join, unless it has been closed since.
    pub(super) fn case<'a>(&self, known: &'a [KnownCase]) -> Option<&'a Number> {
        let wanted = self.mentioned()?;
        known
            .iter()
            .find(|case| case.number == *wanted && !case.is_closed)
            .map(|case| &case.number)
    }

    /// The type that the clerk named.
    pub(super) fn request_type(&self) -> Option<String> {
        match self {
            Self::Register { request_type, .. } => request_type.clone(),
            Self::Join { .. } => None,
        }
    }

    /// Puts the clerk's word in the place of what the rules said.
    pub(super) fn obey(
        &self,
        screened: Screened,
        joins: Option<&Number>,
        summary: &mut Summary,
        policy: &screening::Policy,
    ) -> Screened {
        match self {
            Self::Register { sender, name, .. } => {
                if name.is_some() {
                    summary.sender_name.clone_from(name);
                }
                let Some(sender) = sender else {
                    return screened;
                };
                summary.sender_address = Some(sender.clone());
                Screened {
                    replies: !policy.own_addresses.contains(&sender.to_lowercase()),
                    ..screened
                }
            }
            Self::Join { .. } if joins.is_some() => Screened {
                reason: Reason::JoinedByClerk,
                ..screened
            },
            // Not with a number of its own, which nobody asked for.
            Self::Join { .. } => Screened {
                reason: Reason::CaseClosed,
                replies: false,
            },
        }
    }
}
