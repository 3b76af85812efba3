//! Committing a snapshot: creating the first free slot of its writer's chain (`docs/format.md`,
//! section 11).

use holdfast_format::record::{Snapshot, Text, WriterBody};
use holdfast_format::{ObjectId, WriterId};

use crate::chain::{self, Appended};
use crate::history::SnapshotInfo;
use crate::index::Baseline;
use crate::{RepoError, Repository};

/// Bytes of a snapshot's record that are not known before the backup ends: the names of its index
/// objects, 67 bytes each, and its counts.
const LATER_BYTES: u64 = 1 << 20;

/// Fails if the snapshot could never be committed because its record would be too large for
/// readers.
///
/// # Errors
/// [`RepoError::RecordTooLarge`].
pub fn check_snapshot(snapshot: &Snapshot) -> Result<(), RepoError> {
    chain::check_body(&WriterBody::Snapshot(Box::new(snapshot.clone())), LATER_BYTES)
}

/// Commits a snapshot whose blobs are all listed by index objects. `begun_with` is the index that
/// the run started with.
///
/// A sibling's snapshot in the slot only means trying the next one. A fence means that a prune has
/// read the chain up to there and did not see this snapshot: it is committed only if no pack that
/// it may rely on was condemned. The run's own packs may be among those, if a sibling's snapshot
/// made the prune treat the run as finished.
///
/// # Errors
/// [`RepoError::Fenced`]: run again against what is left; the repository is refreshed.
/// [`RepoError::Damaged`] if it is unknown what a prune in progress condemns. Storage failures: the
/// snapshot may or may not have been committed.
pub fn commit_snapshot(
    repository: &Repository,
    writer: WriterId,
    begun_with: &Baseline,
    snapshot: Snapshot,
) -> Result<SnapshotInfo, RepoError> {
    let body = WriterBody::Snapshot(Box::new(snapshot.clone()));
    loop {
        let mut history = repository.history();
        history.refuse_unknown_condemnation()?;
        // Any refresh since the run started may have read the fence already.
        repository.index().refresh_state(&history)?;
        if repository.index().baseline().has_lost_packs_since(begun_with) {
            drop(history);
            // The next attempt must find what the prune moved.
            repository.refresh()?;
            return Err(RepoError::Fenced);
        }
        let outcome =
            history.append_writer(repository.backend(), repository.keys(), writer, &body)?;
        drop(history);
        match outcome {
            Appended::Done(record) => {
                let (id, sequence) = (record.id, record.sequence);
                return Ok(SnapshotInfo { id, writer, sequence, snapshot, hold: false });
            }
            Appended::Occupied(record) if matches!(record.body, WriterBody::Fence { .. }) => {
                repository.refresh()?;
            }
            Appended::Occupied(_) => {}
        }
    }
}

/// Records in a writer's chain that a prune made its backup of `paths` start again: prunes condemn
/// nothing until that backup is done, so they cannot overtake it forever.
///
/// # Errors
/// Storage failures.
pub fn pin(repository: &Repository, writer: WriterId, paths: &[Text]) -> Result<(), RepoError> {
    append_pin(repository, writer, ObjectId::NONE, paths)
}

/// Ends such a pin, if there is one, of a backup that found nothing new since `snapshot`.
///
/// # Errors
/// Storage failures.
pub fn unpin(
    repository: &Repository,
    writer: WriterId,
    paths: &[Text],
    snapshot: ObjectId,
) -> Result<(), RepoError> {
    let is_pinned = repository.history().pin(&writer, paths).is_some();
    if is_pinned { append_pin(repository, writer, snapshot, paths) } else { Ok(()) }
}

fn append_pin(
    repository: &Repository,
    writer: WriterId,
    snapshot: ObjectId,
    paths: &[Text],
) -> Result<(), RepoError> {
    let body = WriterBody::Pin { snapshot, paths: paths.to_vec() };
    while let Appended::Occupied(_) = repository.append_to(writer, &body)? {}
    Ok(())
}
