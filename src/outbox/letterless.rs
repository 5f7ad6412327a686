//! Why a receipt waits for a person instead of going out with a letter.

/// Why no letter carries an issued receipt by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letterless {
    NoAddress,
    /// The mail asks for no automatic answer, or names several senders.
    Silence,
    /// The address, or the whole house, has had its letters for that day.
    Budget,
    /// The sender's domain does not stand by the mail.
    Unauthenticated,
    /// No server would take the address.
    UnusableAddress,
}

impl Letterless {
    /// All of them, for tables.
    pub const ALL: [Self; 5] = [
        Self::NoAddress,
        Self::Silence,
        Self::Budget,
        Self::Unauthenticated,
        Self::UnusableAddress,
    ];

    /// The stable spelling in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoAddress => "no-address",
            Self::Silence => "silence",
            Self::Budget => "budget",
            Self::Unauthenticated => "unauthenticated",
            Self::UnusableAddress => "unusable-address",
        }
    }

    /// For the clerk, in Romanian.
    pub fn clerk_ro(self) -> &'static str {
        match self {
            Self::NoAddress => "mesajul nu are o adresă la care să se răspundă",
            Self::Silence => "mesajul cere să nu i se răspundă automat sau are mai mulți expeditori",
            Self::Budget => "s-a atins numărul de răspunsuri automate admise într-o zi",
            Self::Unauthenticated => {
                "serverul nu a putut confirma expeditorul (DMARC); verificați cine a scris înainte de a trimite"
            }
            Self::UnusableAddress => "adresa expeditorului nu poate fi folosită",
        }
    }
}
