//! Where two segments meet: what one lists after its end must be found in the other.
//!
//! Each segment is a stretch of the server's listing without a gap. If one reaches a key that the
//! next one also has, the two form one stretch, whatever the server's order; so nothing is lost
//! between them. With a server that lists in key order this comes for free.

use std::collections::HashSet;

use super::super::BucketError;

/// The keys listed after the end of a segment.
#[derive(Debug)]
pub struct Join(HashSet<String>);

impl Join {
    /// A join on these keys.
    pub fn new(behind: &[String]) -> Self {
        Self(behind.iter().cloned().collect())
    }

    /// Checks that the next segment has one of them on its first page.
    ///
    /// # Errors
    /// [`BucketError::Disorder`] if it has none.
    pub fn check<'a>(self, mut keys: impl Iterator<Item = &'a String>) -> Result<(), BucketError> {
        if keys.any(|key| self.0.contains(key)) {
            return Ok(());
        }
        let key = self.0.into_iter().min().unwrap_or_default();
        Err(BucketError::Disorder { last: key.clone(), key })
    }
}
