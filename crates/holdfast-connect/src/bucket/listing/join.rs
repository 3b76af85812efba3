//! Where two segments meet: what is listed behind the end of one must be found in the other.
//!
//! Each segment is a stretch of the server's listing without a gap. If one reaches a key that the
//! next one has too, both are one stretch, whatever the order of the server is; so nothing is lost
//! between them. A server that lists in the order of the keys gives that for nothing.

use std::collections::HashSet;

use super::super::BucketError;

/// What was listed behind the end of a segment.
#[derive(Debug)]
pub struct Join(HashSet<String>);

impl Join {
    /// Of these keys.
    pub fn new(behind: &[String]) -> Self {
        Self(behind.iter().cloned().collect())
    }

    /// Whether the next segment begins with one of them on its first page.
    ///
    /// # Errors
    /// [`BucketError::Disorder`] if it does not.
    pub fn check<'a>(self, mut keys: impl Iterator<Item = &'a String>) -> Result<(), BucketError> {
        if keys.any(|key| self.0.contains(key)) {
            return Ok(());
        }
        let key = self.0.into_iter().min().unwrap_or_default();
        Err(BucketError::Disorder { last: key.clone(), key })
    }
}
