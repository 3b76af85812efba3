//! The messages of `--json`, with restic's message types and field names.
//!
//! Scripts parse them: fields may be added, but not renamed or removed. A name that is not UTF-8
//! appears with replacement characters, and exactly, in base64, in a second field that restic does
//! not have.

pub mod application;
pub mod backup;
pub mod cat;
pub mod entry;
pub mod listing;
pub mod maintenance;
pub mod repair;
pub mod restore;
pub mod restore_app;
pub mod run;
pub mod snapshot;

use data_encoding::BASE64;
use serde::Serialize;

/// A name for JSON: its text and, if that is not exact, its bytes in base64.
pub fn name(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(BASE64.encode(bytes))),
    }
}

/// `{"message": ...}` within an `error` message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// One sentence.
    pub message: String,
}

/// A warning by a command that nevertheless did its work; printed on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning<'a> {
    /// Always `warning`, which restic does not have.
    pub message_type: &'static str,
    /// One sentence.
    pub message: &'a str,
}

/// An error with one entry of a backup or restore; printed on standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryError {
    /// Always `error`.
    pub message_type: &'static str,
    /// What went wrong.
    pub error: Message,
    /// The operation: `scan`, `archival`, `restore`.
    pub during: String,
    /// The path.
    pub item: String,
    /// The path exactly, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_base64: Option<String>,
}

impl EntryError {
    /// An error with the entry at `path`.
    pub fn new(path: &[u8], during: &str, message: impl Into<String>) -> EntryError {
        let (item, item_base64) = name(path);
        let (error, during) = (Message { message: message.into() }, during.to_owned());
        EntryError { message_type: "error", error, during, item, item_base64 }
    }
}

/// For fields that are omitted when zero, like Go's `omitempty`.
pub(crate) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests;
