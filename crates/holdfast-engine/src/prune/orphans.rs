//! Packs that no index object lists: of interrupted runs.

use std::collections::{BTreeSet, HashSet};

use holdfast_format::{ObjectId, name};
use holdfast_repo::{RepoError, Repository};

use super::sessions::Sessions;
use crate::{EngineEvent, Observer};

/// A pack that no index object lists, of a session that is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Orphan {
    pub id: ObjectId,
    pub bytes: u64,
}

/// Finds them in a listing. One that the listing lacks is found another time; one of a session that
/// may be in progress waits.
pub(super) fn find(
    repository: &Repository,
    sessions: &mut Sessions<'_>,
    swept: &BTreeSet<ObjectId>,
    observer: &dyn Observer,
) -> Result<Vec<Orphan>, RepoError> {
    let listed: HashSet<ObjectId> =
        repository.index().packs()?.into_iter().map(|pack| pack.id).collect();
    let mut orphans = Vec::new();
    for object in repository.list(name::PACKS)? {
        let Some(id) = name::object_id(object.name.as_ref()) else { continue };
        if listed.contains(&id) || swept.contains(&id) {
            continue;
        }
        match repository.pack_directory(&id) {
            Ok(pack) => {
                let (writer, start_slot) = (pack.header.writer, pack.header.start_slot);
                match sessions.is_over(&writer, start_slot) {
                    true => orphans.push(Orphan { id, bytes: object.bytes }),
                    false => sessions.wait(&writer, start_slot, object.bytes),
                }
            }
            // Another prune has deleted it.
            Err(RepoError::Damaged { .. }) if is_gone(repository, object.name.as_ref()) => {}
            // Nothing can refer to it, and what it is cannot be known: that is left to `check` and
            // `repair`.
            Err(RepoError::Damaged { object, reason }) => {
                let message = format!("{object} is unreferenced and damaged: {reason}");
                observer.event(EngineEvent::Note { message: &message });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(orphans)
}

/// One that cannot even be requested is damaged.
fn is_gone(repository: &Repository, object: &str) -> bool {
    matches!(repository.object_bytes(object), Ok(None))
}
