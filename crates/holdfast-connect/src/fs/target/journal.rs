//! The list of directories in which a restore has unfinished files, so that the next restore can
//! remove them if this one is killed.
//!
//! A journal lies in the target under the temporary name with the number 0: a line that identifies
//! it, then the directories in which unfinished files may be, relative to the journal's own, each
//! followed by a zero byte. It is locked while its restore is alive. So a journal that can be
//! locked proves that everything with temporary names of the same run was left by a restore that
//! has ended. Where the top of the target is not writable, the journal lies further down.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use rustix::fs::{
    AtFlags, FlockOperation, Mode, OFlags, Timespec, Timestamps, flock, fstat, futimens, openat,
    unlinkat,
};
use rustix::io::{Errno, Result, retry_on_intr, write};

use super::directories::{Directories, TargetDirectory};
use super::error::lock;
use super::path::{is_within, prefixes};

/// What a journal begins with.
pub(super) const HEADER: &[u8] = b"unfinished files of a holdfast restore are in:\n";
/// Number of directories remembered as recorded already; recording one twice does no harm.
const KNOWN_MAX: usize = 4096;

/// The journals of one restore, usually one.
pub(super) struct Journals {
    name: Vec<u8>,
    state: Mutex<JournalState>,
}

#[derive(Default)]
struct JournalState {
    journals: Vec<Journal>,
    /// Recorded directories, by the hashes of their paths.
    known: HashSet<u64>,
    hashes: RandomState,
}

struct Journal {
    /// Path of its directory in the target.
    base: Vec<u8>,
    directory: Arc<TargetDirectory>,
    file: OwnedFd,
}

impl Journals {
    /// No journals yet; they will have this name.
    pub(super) fn new(name: Vec<u8>) -> Self {
        Self { name, state: Mutex::default() }
    }

    /// Records that unfinished files will be in the directory at `path`.
    ///
    /// If this fails, the only consequence is that leftovers would have to be removed by hand.
    pub(super) fn note(&self, directories: &Directories, path: &[u8]) {
        let mut state = lock(&self.state);
        let hash = state.hashes.hash_one(path);
        if state.known.contains(&hash) {
            return;
        }
        if !state.journals.iter().any(|journal| is_within(path, &journal.base)) {
            let made = prefixes(path).find_map(|base| self.make(directories, base).ok());
            state.journals.extend(made);
        }
        let journal = state.journals.iter().find(|journal| is_within(path, &journal.base));
        let is_noted = journal.is_some_and(|journal| journal.add(path).is_ok());
        if is_noted {
            if state.known.len() >= KNOWN_MAX {
                state.known.clear();
            }
            state.known.insert(hash);
        }
    }

    fn make(&self, directories: &Directories, base: &[u8]) -> Result<Journal> {
        let directory = directories.get(base).map_err(|_| Errno::NOTDIR)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let flags = flags | OFlags::CLOEXEC | OFlags::APPEND;
        let file = openat(&*directory, &self.name[..], flags, Mode::RUSR | Mode::WUSR)?;
        // Where nothing can be locked, nothing will ever be proven. Only a process that removes
        // leftovers may hold the lock, briefly.
        let _ = retry_on_intr(|| flock(&file, FlockOperation::LockExclusive));
        write_all(&file, HEADER)?;
        Ok(Journal { base: base.to_vec(), directory, file })
    }
}

impl Journal {
    fn add(&self, path: &[u8]) -> Result<()> {
        let below = path.get(self.base.len()..).unwrap_or_default();
        let below = below.strip_prefix(b"/").unwrap_or(below);
        write_all(&self.file, &[below, &[0]].concat())
    }
}

impl Drop for Journals {
    /// By now all unfinished files have been finished or removed.
    fn drop(&mut self) {
        for journal in &lock(&self.state).journals {
            // Its directory may already have its final times.
            let stat = fstat(&*journal.directory);
            if unlinkat(&*journal.directory, &self.name[..], AtFlags::empty()).is_ok()
                && let Ok(stat) = stat
            {
                let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
                let times = Timestamps {
                    last_access: time(stat.st_atime, stat.st_atime_nsec as _),
                    last_modification: time(stat.st_mtime, stat.st_mtime_nsec as _),
                };
                let _ = futimens(&*journal.directory, &times);
            }
        }
    }
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match retry_on_intr(|| write(file, bytes))? {
            0 => return Err(Errno::NOSPC),
            written => bytes = &bytes[written..],
        }
    }
    Ok(())
}
