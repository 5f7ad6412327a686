//! The process: assembled by hand from settings, driven in steps, ended between two items.
//!
//! [`House::open`] puts the parts together; [`once`] makes one pass over all that is due; [`run`] goes on until it is
//! told to end, tells the service manager how it is, and takes up new settings. One lock on the storage folder keeps
//! two of them apart.

mod balance;
mod bell;
mod clerks;
mod export;
mod exposition;
mod heart;
mod keeper;
pub mod logging;
mod metrics;
mod notify;
mod once;
mod parts;
mod patience;
pub mod pulse;
mod reader;
mod reload;
mod run;
pub mod safekeeping;
mod status;
mod status_file;
mod tokens;
mod watch;

pub use clerks::consent_form;
pub use export::export_receipts;
pub use once::{Pass, once};
pub use parts::{House, StartError, desks, looking_mailbox, looking_store, policy, signer};
pub use reload::Reread;
pub use run::{Ending, run};
pub use status::{DaemonFacts, Life, SourceStatus, Status, tokens_of_daemon};
