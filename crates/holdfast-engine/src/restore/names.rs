//! Names in one directory that a target treats as one.
//!
//! Where nothing exists, the target itself refuses a name that is taken. Where something exists, it
//! may be what this restore has put there under another spelling, which must not be replaced.

use std::collections::HashSet;

use holdfast_connect::{Existing, Target, TargetError};

/// How many names are kept before the target is asked about one of them again.
const ASKED_AFTER: usize = 1024;

/// What is known of the names in one directory.
#[derive(Debug)]
pub(super) enum KnownNames {
    /// Nothing yet; the names so far.
    Unknown(Earlier),
    /// Case-sensitive.
    Distinct,
    /// Case-insensitive: the names so far, in lower case.
    Folded(HashSet<String>),
}

/// Names in a directory that may turn out to be case-insensitive.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// In lower case.
    names: HashSet<String>,
    /// The path of one of them, which may exist by now.
    path: Option<Vec<u8>>,
}

impl Default for KnownNames {
    fn default() -> Self {
        Self::Unknown(Earlier::default())
    }
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
        if let Self::Unknown(earlier) = self
            && let Some(folds_case) = earlier.folds_case(target, path, existing)?
        {
            let names = std::mem::take(&mut earlier.names);
            *self = if folds_case { Self::Folded(names) } else { Self::Distinct };
        }
        match self {
            Self::Distinct => Ok(()),
            Self::Unknown(earlier) => {
                earlier.names.insert(folded(name_of(path)));
                Ok(())
            }
            Self::Folded(names) => match names.insert(folded(name_of(path))) {
                true => Ok(()),
                false => Err(TargetError::Taken),
            },
        }
    }
}

impl Earlier {
    /// How the directory treats case, if that is known now; it is found by means of an entry in it,
    /// the one at `path` or an earlier one that this restore has made.
    fn folds_case(
        &mut self,
        target: &dyn Target,
        path: &[u8],
        existing: Option<&Existing>,
    ) -> Result<Option<bool>, TargetError> {
        if let Some(existing) = existing {
            return folds_case(target, path, existing);
        }
        if self.names.is_empty() {
            let start = path.len() - name_of(path).len();
            let parent = target.existing(&path[..start.saturating_sub(1)])?;
            if parent.is_some_and(|parent| parent.identity.is_none()) {
                // A bucket has names of any kind.
                return Ok(Some(false));
            }
        }
        if self.path.is_none() && other_case(path) != path {
            self.path = Some(path.to_vec());
        }
        match &self.path {
            Some(path) if self.names.len() % ASKED_AFTER == ASKED_AFTER - 1 => {
                match target.existing(path)? {
                    Some(existing) => folds_case(target, path, &existing),
                    None => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }
}

/// Whether the directory of an existing entry ignores case; `None` for a name without letters.
fn folds_case(
    target: &dyn Target,
    path: &[u8],
    existing: &Existing,
) -> Result<Option<bool>, TargetError> {
    let other = other_case(path);
    if other == path || existing.identity.is_none() {
        return Ok(None);
    }
    let found = target.existing(&other)?.and_then(|found| found.identity);
    Ok(Some(found == existing.identity))
}

/// The path with the case of each letter of its name changed.
fn other_case(path: &[u8]) -> Vec<u8> {
    let start = path.len() - name_of(path).len();
    let mut other = path.to_vec();
    for byte in &mut other[start..] {
        *byte ^= if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
    }
    other
}

/// A name as case-insensitive file systems see it.
pub(super) fn folded(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_lowercase()
}

fn name_of(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}
