//! Issued receipts as files with a name that a person understands.

use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::daemon::House;
use crate::outbox::receipt_letter::receipt_file_name;
use crate::store::{Archive, ReceiptState, Store};

/// Writes every issued receipt into `folder`; what is there already is left as it is. Returns how many there are.
///
/// # Errors
/// The store, the archive or the folder cannot be used.
pub fn export_receipts(house: &House, folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let mut issued = Vec::new();
    house
        .store
        .filings_between(Timestamp::MIN, Timestamp::MAX, &mut |record| {
            if let ReceiptState::Issued { sha256, .. } = record.receipt {
                let number = record.entry.number.spelled(house.settings.spelling());
                issued.push((receipt_file_name(&number, record.entry.submission), sha256));
            }
        })
        .map_err(io::Error::other)?;
    for (name, sha256) in &issued {
        let path = folder.join(name);
        if !path.exists() {
            fs::write(&path, house.archive.read(sha256).map_err(io::Error::other)?)?;
        }
    }
    Ok(issued.len())
}
