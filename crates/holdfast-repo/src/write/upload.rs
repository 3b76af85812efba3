//! The thread that stores packs, and index objects for them, while the next packs are being filled.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use holdfast_backend::Backend;
use holdfast_format::index::{self as index_object, PackEntry};
use holdfast_format::{ObjectId, name};
use holdfast_seal::{Keys, seal_index};

use super::pack::OpenPack;
use crate::index::Index;
use crate::names::object_name;
use crate::{RepoError, Repository};

/// An index object is written after this many packs ...
const PACKS_PER_INDEX_OBJECT: usize = 32;
/// ... or this many blobs, so that little is sent again after a crash and memory is bounded.
const BLOBS_PER_INDEX_OBJECT: usize = 50_000;

/// Packs that an index object lists now.
#[derive(Debug)]
pub(super) struct Uploaded {
    pub index: ObjectId,
    pub packs: Vec<PackEntry>,
}

enum Job {
    Pack(Box<OpenPack>),
    Flush,
}

#[derive(Debug)]
enum Answer {
    Uploaded(Uploaded),
    Flushed,
}

/// The writer's end of the thread.
#[derive(Debug)]
pub(super) struct Uploader {
    jobs: Sender<Job>,
    answers: Receiver<Result<Answer, RepoError>>,
    thread: Option<JoinHandle<()>>,
}

impl Uploader {
    pub fn start(repository: &Repository) -> Result<Self, RepoError> {
        // One pack in the hands of the thread, none waiting: a third would only cost memory.
        let (jobs, jobs_in) = bounded(0);
        let (answers_out, answers) = unbounded();
        let mut worker = Worker {
            backend: Arc::clone(repository.backend()),
            keys: Arc::clone(repository.keys()),
            index: Arc::clone(repository.index_shared()),
            packs: Vec::new(),
            blobs: 0,
        };
        let thread = std::thread::Builder::new()
            .name("upload".to_owned())
            .spawn(move || worker.run(&jobs_in, &answers_out))
            .map_err(|_| RepoError::Stopped("upload"))?;
        Ok(Self { jobs, answers, thread: Some(thread) })
    }

    /// Hands over a pack; waits while the one before is still being stored.
    pub fn upload(&mut self, pack: OpenPack) -> Result<(), RepoError> {
        self.send(Job::Pack(Box::new(pack)))
    }

    fn send(&mut self, job: Job) -> Result<(), RepoError> {
        if self.jobs.send(job).is_ok() {
            return Ok(());
        }
        // The thread has ended, and its result says why.
        self.answers.iter().find_map(Result::err).map_or(Err(RepoError::Stopped("upload")), Err)
    }

    /// Packs listed since the last call.
    pub fn poll(&mut self) -> Result<Option<Uploaded>, RepoError> {
        match self.answers.try_recv() {
            Ok(Ok(Answer::Uploaded(uploaded))) => Ok(Some(uploaded)),
            Ok(Ok(Answer::Flushed)) | Err(_) => Ok(None),
            Ok(Err(error)) => Err(error),
        }
    }

    /// Waits until everything handed over is stored and listed.
    pub fn flush(&mut self) -> Result<Vec<Uploaded>, RepoError> {
        self.send(Job::Flush)?;
        let mut listed = Vec::new();
        for answer in &self.answers {
            match answer? {
                Answer::Uploaded(uploaded) => listed.push(uploaded),
                Answer::Flushed => return Ok(listed),
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

struct Worker {
    backend: Arc<dyn Backend>,
    keys: Arc<Keys>,
    index: Arc<Index>,
    packs: Vec<PackEntry>,
    blobs: usize,
}

impl Worker {
    fn run(&mut self, jobs: &Receiver<Job>, answers: &Sender<Result<Answer, RepoError>>) {
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
        job: Job,
        answers: &Sender<Result<Answer, RepoError>>,
    ) -> Result<(), RepoError> {
        let is_flush = match job {
            Job::Pack(pack) => {
                self.store(*pack)?;
                false
            }
            Job::Flush => true,
        };
        let is_enough =
            self.packs.len() >= PACKS_PER_INDEX_OBJECT || self.blobs >= BLOBS_PER_INDEX_OBJECT;
        if !self.packs.is_empty() && (is_flush || is_enough) {
            let _ = answers.send(Ok(Answer::Uploaded(self.list()?)));
        }
        if is_flush {
            let _ = answers.send(Ok(Answer::Flushed));
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
        self.blobs += pack.frames.iter().map(|frame| frame.blobs.len()).sum::<usize>();
        let (bytes, header, frames) = (pack.bytes, pack.header, pack.frames);
        self.packs.push(PackEntry { id, bytes, header, frames });
        Ok(())
    }

    /// Writes an index object for the packs stored since the last.
    fn list(&mut self) -> Result<Uploaded, RepoError> {
        let packs = std::mem::take(&mut self.packs);
        self.blobs = 0;
        let index = put_index_object(&*self.backend, &self.keys, &packs)?;
        self.index.add(&self.keys, &index, &packs)?;
        Ok(Uploaded { index, packs })
    }
}

/// Writes an index object; an existing one has the same contents.
///
/// # Errors
/// Storage and sealing failures.
pub fn put_index_object(
    backend: &dyn Backend,
    keys: &Keys,
    packs: &[PackEntry],
) -> Result<ObjectId, RepoError> {
    let object = seal_index(keys, &index_object::encode(packs))?;
    let id = ObjectId::of(&object);
    backend.put(&object_name(name::index(&id))?, &[&object])?;
    Ok(id)
}
