//! Reading objects that may be lost: a missing or unreadable object is an answer, not an error.

use bytes::Bytes;
use holdfast_backend::{Backend, BackendError};

use crate::RepoError;
use crate::names::object_name;

/// What is stored under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// These bytes, not yet authenticated.
    Found(Bytes),
    /// Nothing.
    Missing,
    /// An object that the medium does not return, and why.
    Unreadable(String),
}

impl Fetched {
    /// The bytes, or why there are none.
    ///
    /// # Errors
    /// A few words, to follow the name of the object.
    pub fn bytes(self) -> Result<Bytes, String> {
        match self {
            Self::Found(bytes) => Ok(bytes),
            Self::Missing => Err("it is missing".to_owned()),
            Self::Unreadable(reason) => Err(reason),
        }
    }
}

/// Reads a whole object of at most `bytes_max`. A longer one counts as unreadable.
///
/// # Errors
/// Storage failures that are not about this one object.
pub(crate) fn fetch(
    backend: &dyn Backend,
    name: impl Into<String>,
    bytes_max: u64,
) -> Result<Fetched, RepoError> {
    match backend.get(&object_name(name)?, bytes_max) {
        Ok(bytes) => Ok(Fetched::Found(bytes)),
        Err(BackendError::NotFound { .. }) => Ok(Fetched::Missing),
        Err(error) => Ok(Fetched::Unreadable(lost(error)?)),
    }
}

/// Reads a part of an object; the inner error says why the storage does not return it.
///
/// # Errors
/// Storage failures that are not about this one object.
pub(crate) fn fetch_range(
    backend: &dyn Backend,
    name: &str,
    offset: u64,
    bytes: usize,
) -> Result<Result<Vec<u8>, String>, RepoError> {
    match backend.get_range(&object_name(name)?, offset, bytes) {
        Ok(found) => Ok(Ok(found)),
        Err(error) => lost(error).map(Err),
    }
}

/// Why an object is lost, if that is what a failed read of it says.
///
/// # Errors
/// The failure, if it is not about the object: the storage refuses access or cannot be reached.
pub(crate) fn lost(error: BackendError) -> Result<String, RepoError> {
    match error {
        BackendError::NotFound { .. } => Ok("it is missing".to_owned()),
        BackendError::ShortRead { .. } => Ok("it is cut short".to_owned()),
        BackendError::TooLarge { bytes, bytes_max, .. } => {
            Ok(format!("it is {bytes} bytes, more than the limit of {bytes_max}"))
        }
        error if !error.is_unreadable() => Err(error.into()),
        BackendError::Io { source, .. } => Ok(format!("it cannot be read: {source}")),
        error => Ok(error.to_string()),
    }
}
