//! Reading each frame once, in the order of the packs, and writing its chunks wherever they are
//! wanted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use holdfast_connect::Target;
use holdfast_format::BlobType;
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};

use super::file::PlannedFile;
use super::plan::{Plan, Write, trouble};
use crate::{EngineError, Event, Observer};

/// Shared by the threads of one restore.
struct Fetch<'a> {
    repository: &'a Repository,
    target: &'a dyn Target,
    files: &'a [PlannedFile],
    /// Writes of one frame each, in the order of the packs.
    frames: Vec<&'a [Write]>,
    next: AtomicUsize,
    errors: AtomicU64,
    restored: AtomicU64,
    observer: &'a dyn Observer,
}

/// Writes everything that the plan says is missing.
///
/// # Errors
/// [`EngineError::Interrupted`]; cache failures. Damage concerns the files that need what is
/// damaged.
pub(super) fn fetch(
    repository: &Repository,
    target: &dyn Target,
    plan: &mut Plan,
    observer: &dyn Observer,
) -> Result<(), EngineError> {
    // Frames are numbered in the order of their packs; within a frame, each blob is checked once.
    plan.writes.sort_unstable_by_key(|write| {
        (write.location.frame.number, write.location.offset, write.file, write.offset)
    });
    let fetch = Fetch {
        repository,
        target,
        files: &plan.files,
        frames: plan
            .writes
            .chunk_by(|a, b| a.location.frame.number == b.location.frame.number)
            .collect(),
        next: AtomicUsize::new(0),
        errors: AtomicU64::new(0),
        restored: AtomicU64::new(0),
        observer,
    };
    let threads = repository.pool().current_num_threads();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| fetch.work())).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().map_err(|_| EngineError::from(RepoError::Stopped("restore")))?
        })
    })?;
    plan.report.errors += fetch.errors.load(Ordering::Relaxed);
    plan.report.bytes_restored += fetch.restored.load(Ordering::Relaxed);
    Ok(())
}

impl Fetch<'_> {
    fn work(&self) -> Result<(), EngineError> {
        let mut reader = BlobReader::new(self.repository);
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(writes) = self.frames.get(place) else { return Ok(()) };
            if self.observer.is_interrupted() {
                return Err(EngineError::Interrupted);
            }
            self.frame(&mut reader, writes)?;
        }
    }

    fn frame(&self, reader: &mut BlobReader<'_>, writes: &[Write]) -> Result<(), EngineError> {
        let Some(first) = writes.first() else { return Ok(()) };
        let plain = match reader.frame(&first.location.frame) {
            Ok(plain) => plain,
            Err(_) => return self.read_elsewhere(reader, writes),
        };
        let mut bytes_done = 0;
        for of_blob in
            writes.chunk_by(|a, b| a.location.offset == b.location.offset && a.id == b.id)
        {
            let Write { location, id, .. } = of_blob[0];
            let start = location.offset as usize;
            let blob = plain.get(start..start + location.bytes as usize);
            let Some(blob) = blob.filter(|blob| {
                self.repository.keys().check_blob(BlobType::Data, &id, blob).is_ok()
            }) else {
                self.read_elsewhere(reader, of_blob)?;
                continue;
            };
            for write in of_blob {
                self.write(write, blob);
                bytes_done += blob.len() as u64;
            }
        }
        self.observer.event(Event::Processed { bytes: bytes_done });
        Ok(())
    }

    /// The frame is damaged: each blob is looked for elsewhere.
    fn read_elsewhere(
        &self,
        reader: &mut BlobReader<'_>,
        writes: &[Write],
    ) -> Result<(), EngineError> {
        for write in writes {
            match reader.blob(&write.id, BlobType::Data) {
                Ok(blob) => self.write(write, &blob),
                Err(error @ RepoError::Cache(_)) => return Err(error.into()),
                Err(error) => self.fail(write, &error),
            }
        }
        Ok(())
    }

    fn write(&self, write: &Write, bytes: &[u8]) {
        let file = &self.files[write.file as usize];
        match file.write(self.target, write.offset, bytes) {
            Ok(is_finished) => {
                self.restored.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                if is_finished {
                    let path = [b"/", file.path.as_slice()].concat();
                    let (action, bytes) = (file.action, file.bytes);
                    let is_directory = false;
                    self.observer.event(Event::Entry { path: &path, action, is_directory, bytes });
                }
            }
            Err(error) => {
                self.errors.fetch_add(1, Ordering::Relaxed);
                trouble(self.observer, &file.path, "restore", &error);
            }
        }
    }

    fn fail(&self, write: &Write, error: &RepoError) {
        let file = &self.files[write.file as usize];
        if file.fail() {
            self.errors.fetch_add(1, Ordering::Relaxed);
            trouble(self.observer, &file.path, "restore", error);
        }
    }
}
