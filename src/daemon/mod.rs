//! The process: assembled by hand from settings, driven in steps, ended between two items.
//!
//! [`House::open`] puts the parts together; [`once`] makes one pass over all that is due; [`run`] goes on until it is
//! told to end, tells the service manager how it is, and takes up new settings. One lock on the storage folder keeps
//! two of them apart.

mod bell;
mod export;
mod heart;
pub mod logging;
mod notify;
mod once;
mod parts;
mod reload;
mod run;
mod watch;
pub mod safekeeping;

pub use export::export_receipts;
pub use once::{Pass, once};
pub use parts::{House, StartError, policy, signer};
pub use reload::Reread;
pub use run::{Ending, run};
