//! Restores to real folders, seen through targets that lie or fail.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "../look/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

mod deletion;
mod target;
mod trees;

use std::collections::HashSet;
use std::path::Path;

use holdfast_connect::Target;
use holdfast_connect::fs::target::{FsTarget, FsTargetOptions, Ownership};
use holdfast_engine::look::SnapshotRoot;
use holdfast_engine::restore::{
    Deletion, DeletionRequest, Overwrite, RestoreOptions, RestoreReport, Selection, WINDOW_BYTES,
    restore,
};
use holdfast_engine::{EngineError, Silent};
use holdfast_format::record::Snapshot;
use holdfast_repo::Repository;

fn take_all(_: &[u8], _: bool) -> Selection {
    Selection::Take
}

fn open(folder: &Path) -> FsTarget {
    let options = FsTargetOptions { ownership: Ownership::Leave, ..FsTargetOptions::default() };
    FsTarget::open(folder, options).unwrap()
}

fn options() -> RestoreOptions<'static> {
    RestoreOptions {
        overwrite: Overwrite::Always,
        delete: None,
        dry_run: false,
        verify: false,
        window_bytes: WINDOW_BYTES,
    }
}

fn restored(
    repository: &Repository,
    root: &SnapshotRoot,
    target: &dyn Target,
    options: &RestoreOptions<'_>,
) -> Result<RestoreReport, EngineError> {
    restore(repository, root.folder().clone(), target, &take_all, options, &Silent)
}

/// Restores with deletion of what the snapshot does not have.
fn restored_with_delete(
    repository: &Repository,
    snapshot: &Snapshot,
    target: &dyn Target,
) -> Result<RestoreReport, EngineError> {
    let (own, overwrite) = (HashSet::new(), Overwrite::Always);
    let request = DeletionRequest { snapshot, source: None, subfolder: b"", overwrite, own: &own };
    let root = SnapshotRoot::by_keys(snapshot, None).unwrap();
    let folder = root.folder();
    let deletion = Deletion::plan(repository, &request, folder, target, &take_all, &Silent)?;
    restored(repository, &root, target, &RestoreOptions { delete: Some(&deletion), ..options() })
}
