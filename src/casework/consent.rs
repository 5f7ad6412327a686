//! The written consent (acord) to run the whole process by e-mail: found by the name of its file.
//!
//! Whether the paper inside says what its name says is for the clerk to see.

use jiff::civil::Date;

use crate::registry::{FileRecord, folded};

/// Whether and how the consent is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether citizens are asked for it at all.
    pub asked: bool,
    /// An accepted file whose name holds one of these as whole words is the consent; capitals and diacritics do not
    /// matter.
    pub file_names: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            asked: true,
            file_names: ["acord", "acordul", "consimtamant", "consimtamantul"]
                .map(str::to_owned)
                .into(),
        }
    }
}

/// What is known of a case's consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// The agency does not ask for it.
    NotAsked,
    Missing,
    Found(Found),
}

/// The file that was taken for the consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The submission that brought it; 0 is the request itself.
    pub submission: u32,
    pub file_name: String,
    pub on: Date,
}

impl Consent {
    /// The stable spelling in the store and in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::Missing => "missing",
            Self::Found(_) => "found",
        }
    }
}

/// The first accepted file that bears the consent's name.
pub fn find<'a>(files: &'a [FileRecord], policy: &Policy) -> Option<&'a FileRecord> {
    if !policy.asked {
        return None;
    }
    let wanted: Vec<String> = policy.file_names.iter().map(|name| words(name)).collect();
    files.iter().filter(|file| file.accepted).find(|file| {
        let name = words(&file.name);
        wanted.iter().any(|wanted| name.contains(wanted.as_str()))
    })
}

/// The words of a name between single blanks, so that "acord" is not found in "acordare".
fn words(name: &str) -> String {
    let folded = folded(name);
    let words: Vec<&str> = folded
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!(" {} ", words.join(" "))
}
