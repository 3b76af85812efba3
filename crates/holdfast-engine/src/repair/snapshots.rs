//! Replacing damaged snapshots by what can still be read of them.

use holdfast_format::ObjectId;
use holdfast_format::record::{Captured, GenerationBody, Snapshot, SourceRecord};
use holdfast_repo::commit::commit_snapshot;
use holdfast_repo::tree::DirectoryWriter;
use holdfast_repo::write::{BlobWriter, WriteOptions};
use holdfast_repo::{Repository, SnapshotInfo};

use super::chains::{announce, give_up, lost};
use super::keep::keep;
use super::tree::mend;
use super::{RepairMutation, RepairSnapshotsOptions, RepairedSnapshot, SnapshotsRepair};
use crate::check::{Hurt, TreeChecker, UnreadableParts};
use crate::forget::{TagChange, amend};
use crate::{EngineError, EngineEvent, Observer, completeness};

/// Tag of snapshots that replace damaged ones; their parent is the damaged one.
const REPAIRED: &str = "repaired";

/// Writes, for each snapshot with a tree that cannot be read completely, a new one without the lost
/// parts. Run [`super::repair_index`] first: data that a damaged pack still has is not lost.
///
/// # Errors
/// Failures of the storage; [`EngineError::Interrupted`].
pub fn repair_snapshots(
    repository: &Repository,
    options: &RepairSnapshotsOptions,
    observer: &dyn Observer,
) -> Result<SnapshotsRepair, EngineError> {
    run(repository, options, observer, RepairMutation::None)
}

pub(crate) fn run(
    repository: &Repository,
    options: &RepairSnapshotsOptions,
    observer: &dyn Observer,
    mutation: RepairMutation,
) -> Result<SnapshotsRepair, EngineError> {
    repository.reread_history()?;
    let mut done = SnapshotsRepair::default();
    give_up_records(repository, options, &mut done)?;
    repository.rebuild_index()?;
    let broken = UnreadableParts::default();
    let mut walker = TreeChecker::new(repository, &broken, observer)?;
    let snapshots = repository.history().snapshots();
    done.snapshots = snapshots.len() as u64;
    for info in &snapshots {
        let mut is_whole = true;
        for source in &info.snapshot.sources {
            is_whole &= walker.walk(&source.tree, &mut |_: Hurt<'_>| {})?;
        }
        if !is_whole && !is_forgotten_now(repository, &info.id)? {
            let earlier = snapshots.iter().find(|other| replaces(other, &info.id));
            let dry_run = options.dry_run || earlier.is_some();
            let write = WriteOptions { dry_run, ..options.write };
            let repaired = repair(repository, &mut walker, info, write, observer, mutation)?;
            let short = info.id.short();
            let entries = match repaired.left_out.len() {
                1 => "1 damaged entry".to_owned(),
                count => format!("{count} damaged entries"),
            };
            let message = format!("snapshot {short}: {entries}");
            observer.event(EngineEvent::Note { message: &message });
            if options.forget && info.hold {
                let heir = repaired.replacement.or(earlier.map(|earlier| earlier.id));
                pass_hold_on(repository, info, heir, options, &mut done)?;
            }
            done.repaired.push(repaired);
        }
    }
    forget(repository, options, &mut done)?;
    Ok(done)
}

/// Data of a snapshot may have been deleted legitimately once the snapshot is forgotten.
fn is_forgotten_now(repository: &Repository, id: &ObjectId) -> Result<bool, EngineError> {
    repository.refresh()?;
    Ok(repository.history().is_forgotten(id))
}

fn replaces(info: &SnapshotInfo, original: &ObjectId) -> bool {
    info.snapshot.parent.as_ref() == Some(original)
        && info.snapshot.tags.iter().any(|tag| tag == REPAIRED)
}

/// Writes the replacement of one snapshot, unless this is a dry run.
fn repair(
    repository: &Repository,
    walker: &mut TreeChecker<'_>,
    info: &SnapshotInfo,
    write: WriteOptions,
    observer: &dyn Observer,
    mutation: RepairMutation,
) -> Result<RepairedSnapshot, EngineError> {
    let begun_with = repository.index().baseline();
    let is_condemning = match mutation {
        RepairMutation::None => repository.history().condemn().is_some(),
        #[cfg(test)]
        RepairMutation::CondemnedIsReliedOn => false,
    };
    let start_slot = repository.history().next_slot(&info.writer);
    let mut blobs = BlobWriter::new(repository, info.writer, start_slot, write)?;
    let mut left_out = Vec::new();
    let mut sources = Vec::new();
    let mut is_empty = true;
    for source in &info.snapshot.sources {
        let mut lost = Vec::new();
        let tree = mend(walker, &mut blobs, source.tree, &mut lost)?;
        is_empty &= tree.is_none();
        // A source of which nothing is left is kept as an empty one that says so.
        let tree = match tree {
            Some(tree) => tree,
            None => DirectoryWriter::new().finish(&mut blobs)?,
        };
        let captured = Some(without(completeness::captured(&info.snapshot, source), &lost));
        sources.push(SourceRecord { tree, captured, ..source.clone() });
        left_out.append(&mut lost);
    }
    blobs.flush()?;
    let mut replacement = None;
    if !write.dry_run && !is_empty {
        // Anything condemned from here on makes the commit fail.
        if is_condemning {
            for source in &sources {
                keep(repository, &mut blobs, source.tree, observer)?;
            }
        }
        let index = blobs.flush()?.to_vec();
        let lost = left_out.len() as u64;
        let mut snapshot = Snapshot { sources, index, ..info.snapshot.clone() };
        snapshot.parent = Some(info.id);
        snapshot.session = blobs.session();
        snapshot.tags.push(REPAIRED.to_owned());
        snapshot.summary.errors += lost;
        replacement = Some(commit_snapshot(repository, info.writer, &begun_with, snapshot)?.id);
    }
    Ok(RepairedSnapshot { original: info.id, replacement, left_out, is_forgotten: false })
}

/// What a source has once these paths are left out.
fn without(captured: Captured, lost: &[Vec<u8>]) -> Captured {
    let mut captured = Captured { lost: captured.lost + lost.len() as u64, ..captured };
    lost.iter().for_each(|path| captured.name(path));
    captured
}

/// Writes off records that cannot be used, and announces chains whose announcement is lost.
fn give_up_records(
    repository: &Repository,
    options: &RepairSnapshotsOptions,
    done: &mut SnapshotsRepair,
) -> Result<(), EngineError> {
    if !options.forget {
        return Ok(());
    }
    let lost = lost(&repository.history());
    done.records_given_up = lost.into_iter().map(|record| record.object).collect();
    if !options.dry_run {
        announce(repository, &repository.read_history()?)?;
        give_up(repository)?;
        repository.reread_history()?;
    }
    Ok(())
}

/// A hold is no reason to keep damaged data forever: what is left of the snapshot is held instead.
fn pass_hold_on(
    repository: &Repository,
    info: &SnapshotInfo,
    heir: Option<ObjectId>,
    options: &RepairSnapshotsOptions,
    done: &mut SnapshotsRepair,
) -> Result<(), EngineError> {
    let short = info.id.short();
    done.notes.push(match heir {
        Some(heir) => {
            if !options.dry_run {
                let hold = TagChange { hold: Some(true), ..TagChange::default() };
                amend(repository, heir, &hold)?;
            }
            format!("snapshot {short} was held; its replacement {} is held instead", heir.short())
        }
        None if options.dry_run => {
            format!("snapshot {short} is held; its replacement, if any, will be held instead")
        }
        None => format!("snapshot {short} was held, but nothing of it can be recovered"),
    });
    Ok(())
}

/// Forgets the damaged snapshots.
fn forget(
    repository: &Repository,
    options: &RepairSnapshotsOptions,
    done: &mut SnapshotsRepair,
) -> Result<(), EngineError> {
    if !options.forget || options.dry_run || done.repaired.is_empty() {
        return Ok(());
    }
    let gone: Vec<ObjectId> = done.repaired.iter().map(|repaired| repaired.original).collect();
    repository.append(|_| Some(GenerationBody::Forget { snapshots: gone.clone() }))?;
    done.repaired.iter_mut().for_each(|repaired| repaired.is_forgotten = true);
    Ok(())
}
