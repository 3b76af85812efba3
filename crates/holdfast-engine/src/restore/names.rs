//! Names in one directory that a target treats as one.
//!
//! Where something new is created, the target itself refuses a name that is taken. Where files
//! exist already, the second of two such names would replace the first, and appear to update it.

use std::collections::HashSet;

use holdfast_connect::{Existing, Target, TargetError};

/// What is known of the names in one directory.
#[derive(Debug, Default)]
pub(super) enum KnownNames {
    /// Nothing yet.
    #[default]
    Unknown,
    /// Case-sensitive.
    Distinct,
    /// Case-insensitive: the names so far, in lower case.
    Folded(HashSet<String>),
}

impl KnownNames {
    /// Records the entry with this name, where `existing` is at `path`.
    ///
    /// # Errors
    /// [`TargetError::Taken`] if it is equal to an earlier name; the target's.
    pub fn meet(
        &mut self,
        target: &dyn Target,
        path: &[u8],
        existing: Option<&Existing>,
    ) -> Result<(), TargetError> {
        if let (Self::Unknown, Some(existing)) = (&*self, existing) {
            *self = Self::of(target, path, existing)?.unwrap_or_default();
        }
        let Self::Folded(names) = self else { return Ok(()) };
        match names.insert(folded(name_of(path))) {
            true => Ok(()),
            false => Err(TargetError::Taken),
        }
    }

    /// How the directory treats case, found by means of a file in it; `None` for a name without
    /// letters.
    fn of(
        target: &dyn Target,
        path: &[u8],
        existing: &Existing,
    ) -> Result<Option<Self>, TargetError> {
        let start = path.len() - name_of(path).len();
        let mut other = path.to_vec();
        for byte in &mut other[start..] {
            *byte ^= if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
        }
        if other == path || existing.identity.is_none() {
            return Ok(None);
        }
        let found = target.existing(&other)?.and_then(|found| found.identity);
        let is_same = found == existing.identity;
        Ok(Some(if is_same { Self::Folded(HashSet::new()) } else { Self::Distinct }))
    }
}

/// A name as case-insensitive file systems see it.
pub(super) fn folded(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_lowercase()
}

fn name_of(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}
