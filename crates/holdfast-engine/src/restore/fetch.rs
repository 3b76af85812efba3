//! Reading each frame once, in the order of the packs, and writing its chunks wherever they are
//! wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use holdfast_format::BlobType;
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};

use super::file::{PlannedFile, Site};
use super::trouble;
use super::window::Write;
use crate::{Added, EngineError, EngineEvent, Observer};

/// Writes that one thread does for a frame. A frame may hold a hundred thousand tiny files, and
/// creating them takes far longer than opening the frame again.
const WRITES_MAX: usize = 4096;

/// Shared by the threads of one restore.
struct FetchState<'a> {
    repository: &'a Repository,
    site: Site<'a>,
    files: &'a [Arc<PlannedFile>],
    /// Writes of one frame, or of a part of one, each; in the order of the packs.
    frames: Vec<&'a [Write]>,
    next: AtomicUsize,
    errors: AtomicU64,
    restored: AtomicU64,
    observer: &'a dyn Observer,
}

/// The result.
pub(super) struct WindowOutcome {
    /// Files that failed.
    pub errors: u64,
    /// Bytes that were written.
    pub bytes: u64,
}

/// Writes everything that the files of a window lack.
///
/// # Errors
/// [`EngineError::Interrupted`], [`EngineError::Full`]; [`RepoError::Overtaken`]; cache failures.
/// Damage affects only the files that need the damaged data.
pub(super) fn fetch(
    repository: &Repository,
    site: Site<'_>,
    (files, mut writes): (&[Arc<PlannedFile>], Vec<Write>),
    observer: &dyn Observer,
) -> Result<WindowOutcome, EngineError> {
    // Frames are numbered in the order of their packs; within a frame, each blob is checked once.
    writes.sort_unstable_by_key(|write| {
        (write.location.frame.number, write.location.offset, write.file, write.offset)
    });
    let fetch = FetchState {
        repository,
        site,
        files,
        frames: writes
            .chunk_by(|a, b| a.location.frame.number == b.location.frame.number)
            .flat_map(|frame| frame.chunks(WRITES_MAX))
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
    let (errors, bytes) = (fetch.errors.into_inner(), fetch.restored.into_inner());
    Ok(WindowOutcome { errors, bytes })
}

impl FetchState<'_> {
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
                self.write(write, blob)?;
                bytes_done += blob.len() as u64;
            }
        }
        self.observer.event(EngineEvent::Processed { bytes: bytes_done });
        Ok(())
    }

    /// The frame is damaged, or a prune moved its contents: each blob is looked up elsewhere.
    fn read_elsewhere(
        &self,
        reader: &mut BlobReader<'_>,
        writes: &[Write],
    ) -> Result<(), EngineError> {
        for write in writes {
            match reader.blob(&write.id, BlobType::Data) {
                Ok(blob) => self.write(write, &blob)?,
                Err(error) if error.ends_reading() => return Err(error.into()),
                Err(error) => self.fail(write, &error),
            }
        }
        Ok(())
    }

    fn write(&self, write: &Write, bytes: &[u8]) -> Result<(), EngineError> {
        let file = &self.files[write.file as usize];
        match file.write(self.site, write.offset, bytes) {
            Ok(is_finished) => {
                self.restored.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                if is_finished {
                    let path = [b"/", file.path.as_slice()].concat();
                    let (action, bytes) = (file.action, file.bytes);
                    let is_directory = false;
                    self.observer.event(EngineEvent::Entry {
                        path: &path,
                        action,
                        is_directory,
                        bytes,
                        is_file: !is_directory,
                        added: Added::default(),
                    });
                }
            }
            Err(error) if error.is_full() => {
                // The other threads stop too.
                self.next.store(self.frames.len(), Ordering::Relaxed);
                return Err(EngineError::Full(error));
            }
            Err(error) => {
                self.errors.fetch_add(1, Ordering::Relaxed);
                trouble(self.observer, &[b"/", file.path.as_slice()].concat(), &error);
            }
        }
        Ok(())
    }

    fn fail(&self, write: &Write, error: &RepoError) {
        let file = &self.files[write.file as usize];
        if file.fail() {
            self.errors.fetch_add(1, Ordering::Relaxed);
            trouble(self.observer, &[b"/", file.path.as_slice()].concat(), error);
        }
    }
}
