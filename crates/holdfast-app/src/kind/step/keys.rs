//! What a machine has of a key.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use holdfast_format::record::KeyFingerprint;

use super::{RestoreContext, RestorePart};
use crate::fingerprint::Fingerprint;

/// What this machine has of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOnMachine {
    /// The key that the data needs.
    Same,
    /// Another one.
    Other,
    /// None.
    Absent,
    /// It cannot be read.
    Unreadable(String),
    /// Its location is unknown.
    Unknown,
}

/// Compares a key with the file at its target path.
pub fn key_on_machine(
    context: &RestoreContext<'_>,
    key: &KeyFingerprint,
    parts: &[RestorePart<'_>],
) -> KeyOnMachine {
    let part = parts.iter().find(|part| part.name() == key.source);
    let path = part.and_then(|part| part.destination(Path::new(OsStr::from_bytes(&key.path.0))));
    let Some(path) = path else { return KeyOnMachine::Unknown };
    let mut fingerprint = Fingerprint::new(&context.data.keys().fingerprint_key());
    let read = File::open(&path).and_then(|mut file| io::copy(&mut file, &mut fingerprint));
    match read {
        Ok(_) if fingerprint.finish() == key.fingerprint => KeyOnMachine::Same,
        Ok(_) => KeyOnMachine::Other,
        Err(error) if error.kind() == io::ErrorKind::NotFound => KeyOnMachine::Absent,
        Err(error) => KeyOnMachine::Unreadable(error.to_string()),
    }
}
