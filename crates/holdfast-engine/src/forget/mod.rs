//! Forgetting snapshots, changing their tags, holding them: records that take effect at once and
//! delete nothing.

mod amend;
mod doubt;
mod plan;
#[cfg(test)]
mod tests;

use holdfast_format::ObjectId;
use holdfast_format::record::GenerationBody;
use holdfast_repo::{RepoError, Repository, SnapshotInfo};

use crate::EngineError;
use crate::retention::PolicyError;
pub use amend::{TagChange, amend};
pub use doubt::{Doubt, doubts};
pub use plan::{ForgetPlan, candidate, plan_forget};

/// Why nothing was forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// Snapshots that were to be forgotten are held.
    #[error("{} held", describe(.snapshots))]
    Held {
        /// The held ones.
        snapshots: Vec<ObjectId>,
    },
    /// The policy cannot be applied.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Everything else.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<RepoError> for ForgetError {
    fn from(error: RepoError) -> Self {
        Self::Engine(error.into())
    }
}

fn describe(snapshots: &[ObjectId]) -> String {
    let ids: Vec<String> = snapshots.iter().map(ObjectId::short).collect();
    match ids.as_slice() {
        [id] => format!("snapshot {id} is"),
        ids => format!("snapshots {} are", ids.join(", ")),
    }
}

/// Forgets snapshots. Those already forgotten are skipped; returns the others.
///
/// Nothing is forgotten if one of them is held or does not exist, even if that only became true
/// while this ran.
///
/// # Errors
/// [`ForgetError::Held`]; [`RepoError::NoSnapshot`]; repository failures.
pub fn forget(
    repository: &Repository,
    snapshots: &[ObjectId],
) -> Result<Vec<ObjectId>, ForgetError> {
    let mut refused = None;
    let mut forgotten = Vec::new();
    repository.append(|history| {
        let known = |id: &ObjectId| history.snapshot(id).ok_or(*id);
        match judge(snapshots, known, |id| history.is_forgotten(id)) {
            Ok(wanted) => forgotten = wanted,
            Err(error) => {
                refused = Some(error);
                return None;
            }
        }
        (!forgotten.is_empty()).then(|| GenerationBody::Forget { snapshots: forgotten.clone() })
    })?;
    match refused {
        Some(error) => Err(error),
        None => Ok(forgotten),
    }
}

/// Those of `snapshots` that are still to be forgotten.
fn judge(
    snapshots: &[ObjectId],
    known: impl Fn(&ObjectId) -> Result<SnapshotInfo, ObjectId>,
    is_forgotten: impl Fn(&ObjectId) -> bool,
) -> Result<Vec<ObjectId>, ForgetError> {
    let (mut wanted, mut held) = (Vec::new(), Vec::new());
    for id in snapshots {
        let info = known(id).map_err(|id| RepoError::NoSnapshot { id })?;
        if is_forgotten(id) || wanted.contains(id) {
            continue;
        }
        if info.hold {
            held.push(*id);
        }
        wanted.push(*id);
    }
    if held.is_empty() { Ok(wanted) } else { Err(ForgetError::Held { snapshots: held }) }
}
