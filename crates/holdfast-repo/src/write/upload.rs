//! The thread that stores packs, and index objects for them, while the next packs are being filled.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use holdfast_backend::Backend;
use holdfast_format::index::PackEntry;
use holdfast_format::{ObjectId, name};
use holdfast_seal::Keys;

use super::index::IndexBatch;
use super::pack::OpenPack;
use crate::index::Index;
use crate::names::object_name;
use crate::{RepoError, Repository};

/// An index object is written after this many packs even if it could list more, so that little is
/// sent again after a crash.
const PACKS_UNLISTED_MAX: usize = 32;

/// Packs that an index object lists now.
#[derive(Debug)]
pub(super) struct Uploaded {
    pub index: ObjectId,
    pub packs: Vec<PackEntry>,
}

enum UploadJob {
    Pack(Box<OpenPack>),
    Flush,
}

#[derive(Debug)]
enum UploadAnswer {
    Uploaded(Uploaded),
    Flushed,
}

/// The writer's end of the thread.
#[derive(Debug)]
pub(super) struct Uploader {
    jobs: Sender<UploadJob>,
    answers: Receiver<Result<UploadAnswer, RepoError>>,
    thread: Option<JoinHandle<()>>,
}

impl Uploader {
    pub fn start(repository: &Repository) -> Result<Self, RepoError> {
        // One pack in the hands of the thread, none waiting: a third would only cost memory.
        let (jobs, jobs_in) = bounded(0);
        let (answers_out, answers) = unbounded();
        let mut worker = UploadWorker {
            backend: Arc::clone(repository.backend_shared()),
            keys: Arc::clone(repository.keys()),
            index: Arc::clone(repository.index_shared()),
            unlisted: IndexBatch::default(),
        };
        let thread = std::thread::Builder::new()
            .name("upload".to_owned())
            .spawn(move || worker.run(&jobs_in, &answers_out))
            .map_err(|_| RepoError::Stopped("upload"))?;
        Ok(Self { jobs, answers, thread: Some(thread) })
    }

    /// Hands over a pack; waits while the one before is still being stored.
    pub fn upload(&mut self, pack: OpenPack) -> Result<(), RepoError> {
        self.send(UploadJob::Pack(Box::new(pack)))
    }

    fn send(&mut self, job: UploadJob) -> Result<(), RepoError> {
        if self.jobs.send(job).is_ok() {
            return Ok(());
        }
        // The thread has ended, and its result says why.
        self.answers.iter().find_map(Result::err).map_or(Err(RepoError::Stopped("upload")), Err)
    }

    /// Packs listed since the last call.
    pub fn poll(&mut self) -> Result<Option<Uploaded>, RepoError> {
        match self.answers.try_recv() {
            Ok(Ok(UploadAnswer::Uploaded(uploaded))) => Ok(Some(uploaded)),
            Ok(Ok(UploadAnswer::Flushed)) | Err(_) => Ok(None),
            Ok(Err(error)) => Err(error),
        }
    }

    /// Waits until everything handed over is stored and listed.
    pub fn flush(&mut self) -> Result<Vec<Uploaded>, RepoError> {
        self.send(UploadJob::Flush)?;
        let mut listed = Vec::new();
        for answer in &self.answers {
            match answer? {
                UploadAnswer::Uploaded(uploaded) => listed.push(uploaded),
                UploadAnswer::Flushed => return Ok(listed),
            }
        }
        Err(RepoError::Stopped("upload"))
    }
}

impl Drop for Uploader {
    fn drop(&mut self) {
        // Without a sender the thread ends after the pack in its hands.
        self.jobs = bounded(0).0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct UploadWorker {
    backend: Arc<dyn Backend>,
    keys: Arc<Keys>,
    index: Arc<Index>,
    /// Packs stored since the last index object.
    unlisted: IndexBatch,
}

impl UploadWorker {
    fn run(
        &mut self,
        jobs: &Receiver<UploadJob>,
        answers: &Sender<Result<UploadAnswer, RepoError>>,
    ) {
        for job in jobs {
            let outcome = self.work(job, answers);
            if let Err(error) = outcome {
                let _ = answers.send(Err(error));
                return;
            }
        }
    }

    fn work(
        &mut self,
        job: UploadJob,
        answers: &Sender<Result<UploadAnswer, RepoError>>,
    ) -> Result<(), RepoError> {
        let is_flush = match job {
            UploadJob::Pack(pack) => {
                self.store(*pack)?;
                false
            }
            UploadJob::Flush => true,
        };
        let is_enough = self.unlisted.packs() >= PACKS_UNLISTED_MAX || self.unlisted.is_full();
        if is_flush || is_enough {
            self.list(answers)?;
        }
        if is_flush {
            let _ = answers.send(Ok(UploadAnswer::Flushed));
        }
        Ok(())
    }

    fn store(&mut self, pack: OpenPack) -> Result<(), RepoError> {
        let pack = pack.finish(&self.keys)?;
        let mut hasher = blake3::Hasher::new();
        for part in &pack.parts {
            hasher.update(part);
        }
        let id = ObjectId::from_bytes(*hasher.finalize().as_bytes());
        let parts: Vec<&[u8]> = pack.parts.iter().map(Vec::as_slice).collect();
        self.backend.put(&object_name(name::pack(&id))?, &parts)?;
        let (bytes, header, frames) = (pack.bytes, pack.header, pack.frames);
        self.unlisted.push(PackEntry { id, bytes, header, frames });
        Ok(())
    }

    /// Writes an index object for the packs stored since the last, if there are any.
    fn list(&mut self, answers: &Sender<Result<UploadAnswer, RepoError>>) -> Result<(), RepoError> {
        if let Some((index, packs)) = self.unlisted.write(&*self.backend, &self.keys)? {
            self.index.add(&self.keys, &index, &packs)?;
            let _ = answers.send(Ok(UploadAnswer::Uploaded(Uploaded { index, packs })));
        }
        Ok(())
    }
}
