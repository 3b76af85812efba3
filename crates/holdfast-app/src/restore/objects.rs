//! Restoring objects to a bucket: what is missing or different.

use holdfast_engine::Observer;
use holdfast_engine::restore::{Overwrite, RestoreOptions, RestoreReport, Selection, restore};

use super::part::Part;
use super::tree::Origin;
use super::{RestoreContext, RestoreError};
use crate::bucket;
use crate::config::SourceKind;

/// Folders of a bucket's tree, in the order in which they are restored.
const FOLDERS: [&[u8]; 2] = [b"/versions", b"/objects"];

/// Restores the objects of a source; with `dry_run` nothing is changed, and the report says what
/// would be.
pub(super) fn restore_objects(
    part: &Part<'_>,
    origin: Origin<'_>,
    context: &RestoreContext<'_>,
    dry_run: bool,
    observer: &dyn Observer,
) -> Result<RestoreReport, RestoreError> {
    let (SourceKind::Bucket(from), SourceKind::Bucket(to)) = (&part.from.kind, &part.to.kind)
    else {
        return Ok(RestoreReport::default());
    };
    let failed = |error: holdfast_connect::bucket::BucketError| {
        RestoreError::refused(format!("source {:?}: {error}", part.name()))
    };
    // One sentence about the server rather than one for each object.
    bucket::open(to, &context.buckets).and_then(|bucket| bucket.look()).map_err(failed)?;
    let target =
        bucket::target(to, from, &context.buckets, context.scratch, true).map_err(failed)?;
    let tree = origin.tree(part.name())?;
    // The bucket knows what its objects are; only what is written is read back.
    let options = RestoreOptions {
        overwrite: Overwrite::IfChanged,
        delete: false,
        dry_run,
        verify: !dry_run,
    };
    let mut all = RestoreReport::default();
    for folder in FOLDERS {
        if tree.find(folder)?.is_none() || (folder == FOLDERS[0] && !to.versions) {
            continue;
        }
        let select = |path: &[u8], _: bool| {
            let rest = path.strip_prefix(folder);
            match rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")) {
                true => Selection::Take,
                false => Selection::Skip,
            }
        };
        let root = tree.root.folder().clone();
        let report = restore(tree.repository, root, &target, &select, &options, observer)?;
        // The folder is an entry of the tree, and nothing in the bucket.
        all.total_files += report.total_files.saturating_sub(1);
        all.files_restored += report.files_restored.saturating_sub(1);
        all.files_skipped += report.files_skipped;
        all.files_verified += report.files_verified;
        all.bytes_restored += report.bytes_restored;
        all.errors += report.errors;
    }
    match all.errors {
        0 => Ok(all),
        errors if dry_run => Err(RestoreError::refused(format!(
            "source {:?}: {errors} objects cannot be looked at",
            part.name()
        ))),
        _ => Ok(all),
    }
}

/// Where the objects go, for people.
pub(super) fn place(part: &Part<'_>) -> String {
    match &part.to.kind {
        SourceKind::Bucket(to) => to.url.to_string(),
        _ => String::new(),
    }
}
