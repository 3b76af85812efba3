//! What earlier runs on this machine compared with the hashes of rows.

use std::sync::PoisonError;

use holdfast_repo::local;
use jiff::Timestamp;

use super::RunWork;
use super::report::RunReport;
use crate::check::{Memory, SharedMemory};

/// What earlier runs on this machine compared, for a run that started at `start`.
pub(super) fn load(work: &RunWork<'_>, start: Timestamp) -> SharedMemory {
    let keys = work.places.data.keys();
    let id = keys.repository_id();
    let name = format!("contents.{}", work.file.app.name.as_str());
    let folder = work.context.cache_folder.as_ref().filter(|_| !work.context.write.dry_run);
    let path = folder.map(|folder| local::repository_folder(folder, &id).join(name));
    SharedMemory::new(Memory::read(path, keys.fingerprint_key()).of_run(start).into())
}

/// Saves it for the next run.
pub(super) fn save(memory: &SharedMemory, report: &mut RunReport) {
    let written = memory.lock().unwrap_or_else(PoisonError::into_inner).write();
    if let Err(error) = written {
        report.warnings.push(format!(
            "could not cache which contents were verified, so the next run reads them again: \
             {error}"
        ));
    }
}
