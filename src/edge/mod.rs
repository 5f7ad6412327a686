//! The world, one place for each partner: mail servers, folders, the database, the archive, the signing key, the
//! clock. Each implements a port of a stage or of the store, and none names the flow.

pub mod archive;
pub mod backup_folder;
pub mod clock;
pub mod disk;
pub mod folder;
pub mod imap;
pub mod oauth;
pub mod signing;
pub mod smtp;
pub mod sqlite;
pub mod tls;
