//! After the content: hard links, removals, directories, and reading back.

use holdfast_connect::Target;
use holdfast_format::BlobType;
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::node::Extent;
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::extents_of;
use holdfast_repo::{RepoError, Repository};

use super::plan::{Plan, trouble};
use super::{RestoreOptions, RestoreReport};
use crate::{Action, EngineError, Event, Observer};

/// Does what is left of a plan.
pub(super) fn finish(
    repository: &Repository,
    target: &dyn Target,
    plan: Plan,
    options: &RestoreOptions,
    observer: &dyn Observer,
) -> Result<RestoreReport, EngineError> {
    let mut report = plan.report;
    report.files_restored += match options.dry_run {
        true => plan.files.len() as u64,
        false => plan.files.iter().filter(|file| file.is_finished()).count() as u64,
    };
    if options.dry_run {
        report.bytes_restored +=
            plan.writes.iter().map(|it| u64::from(it.location.bytes)).sum::<u64>();
    }
    for (path, original) in &plan.links {
        let outcome = if options.dry_run { Ok(()) } else { target.hard_link(path, original) };
        report.settle(outcome, path, observer, |report| report.files_restored += 1);
    }
    for path in &plan.extra {
        let outcome = if options.dry_run { Ok(()) } else { target.remove(path) };
        report.settle(outcome, path, observer, |report| report.files_deleted += 1);
        let (action, is_directory, bytes) = (Action::Deleted, false, 0);
        let path = &[b"/", path.as_slice()].concat();
        observer.event(Event::Entry { path, action, is_directory, bytes });
    }
    if options.dry_run {
        return Ok(report);
    }
    // Children before parents: a child's creation would change its parent's times again.
    let mut directories = plan.directories;
    directories.sort_by(|a, b| b.0.cmp(&a.0));
    for (path, metadata) in &directories {
        let outcome = target.finish_directory(path, metadata);
        report.settle(outcome, path, observer, |_| {});
    }
    let mut reader = BlobReader::new(repository);
    for (path, entry) in &plan.to_verify {
        match verify(repository, &mut reader, target, path, entry) {
            Err(error @ RepoError::Cache(_)) => return Err(error.into()),
            outcome => report.settle(outcome, path, observer, |report| report.files_verified += 1),
        }
    }
    Ok(report)
}

impl RestoreReport {
    /// Counts an outcome, and reports it if it is trouble.
    fn settle<E: std::fmt::Display>(
        &mut self,
        outcome: Result<(), E>,
        path: &[u8],
        observer: &dyn Observer,
        count: impl FnOnce(&mut Self),
    ) {
        match outcome {
            Ok(()) => count(self),
            Err(error) => {
                self.errors += 1;
                trouble(observer, path, "restore", &error);
            }
        }
    }
}

/// Reads a restored file and compares every chunk with its id.
fn verify(
    repository: &Repository,
    reader: &mut BlobReader<'_>,
    target: &dyn Target,
    path: &[u8],
    entry: &Entry,
) -> Result<(), RepoError> {
    let EntryKind::File { main, .. } = &entry.kind else { return Ok(()) };
    let differs = |_| RepoError::damaged("the restored file", "it differs from the snapshot");
    let mut offset = 0;
    let mut buffer = Vec::new();
    for extent in extents_of(reader, main)? {
        if let Extent::Data { id, bytes } = extent {
            buffer.resize(bytes as usize, 0);
            let count = target
                .read_at(path, offset, &mut buffer)
                .map_err(|error| RepoError::damaged("the restored file", error))?;
            repository.keys().check_blob(BlobType::Data, &id, &buffer[..count]).map_err(differs)?;
        }
        offset += extent.bytes();
    }
    Ok(())
}
