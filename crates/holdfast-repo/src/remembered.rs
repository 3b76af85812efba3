//! Which key slot last opened a repository on this machine: it is tried first.
//!
//! Only a hint, next to the cache: the slot is tried like any other.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use holdfast_format::SlotId;

const FILE_NAME: &str = "key-slot";

/// What was remembered in a repository's folder of local state.
pub(crate) fn slot(folder: &Path) -> Option<SlotId> {
    let mut text = String::new();
    let file = fs::File::open(folder.join(FILE_NAME)).ok()?;
    file.take(2 * SlotId::BYTES as u64).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

/// Remembers a slot. If that fails, the next command tries all of them.
pub(crate) fn set_slot(folder: &Path, slot: &SlotId) {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    if let Ok(mut file) = file.open(folder.join(FILE_NAME)) {
        let _ = file.write_all(slot.to_hex().as_bytes());
    }
}
