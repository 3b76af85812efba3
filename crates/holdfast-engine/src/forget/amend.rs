//! Changing the tags and hold of an existing snapshot.

use holdfast_format::ObjectId;
use holdfast_format::record::GenerationBody;
use holdfast_repo::{RepoError, Repository, SnapshotInfo};

use crate::EngineError;

/// Changes of tags and hold, applied in the order `set`, `remove`, `add`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagChange {
    /// Replaces all tags.
    pub set: Option<Vec<String>>,
    /// Tags to add.
    pub add: Vec<String>,
    /// Tags to remove.
    pub remove: Vec<String>,
    /// True: no rule may forget it any more. False: rules may.
    pub hold: Option<bool>,
}

impl TagChange {
    fn applied_to(&self, tags: &[String]) -> Vec<String> {
        let mut tags = self.set.clone().unwrap_or_else(|| tags.to_vec());
        tags.retain(|tag| !self.remove.contains(tag));
        tags.extend(self.add.iter().cloned());
        let mut seen = std::collections::HashSet::new();
        tags.retain(|tag| seen.insert(tag.clone()));
        tags
    }
}

/// Changes tags and hold of a snapshot that is not forgotten. Returns false if that changes
/// nothing.
///
/// # Errors
/// [`RepoError::NoSnapshot`]; repository failures.
pub fn amend(
    repository: &Repository,
    id: ObjectId,
    change: &TagChange,
) -> Result<bool, EngineError> {
    let mut exists = false;
    let appended = repository.append(|history| {
        let info = history.snapshot(&id).filter(|_| !history.is_forgotten(&id));
        exists = info.is_some();
        amended(&info?, change)
    })?;
    if !exists {
        return Err(RepoError::NoSnapshot { id }.into());
    }
    Ok(appended.is_some())
}

fn amended(info: &SnapshotInfo, change: &TagChange) -> Option<GenerationBody> {
    let tags = change.applied_to(&info.snapshot.tags);
    let hold = change.hold.unwrap_or(info.hold);
    let is_same = tags == info.snapshot.tags && hold == info.hold;
    (!is_same).then_some(GenerationBody::Amend { snapshot: info.id, tags, hold })
}
