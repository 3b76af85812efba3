//! Removing what killed restores left.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, fstat, openat, statat, unlinkat};
use rustix::io::{Errno, Result};

use super::error::refused;
use super::resolve::Resolver;
use super::temporary::{journal_of, run_of};
use super::{FolderTargetShared, journal, listing, path};
use crate::{Leftovers, TargetError};

/// Maximum bytes read of a journal: enough for some hundred thousand directories.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;
/// How far up a journal is searched for.
const ANCESTORS_MAX: usize = 4096;

/// A journal that was found.
struct FoundJournal {
    /// The directory that it lies in.
    directory: OwnedFd,
    name: Vec<u8>,
    /// True if that directory is in the target.
    is_inside: bool,
}

/// What a journal says about its run.
enum JournalVerdict {
    /// The run has ended; its journal stays locked.
    Over(File),
    Living,
    Unknown,
}

/// Removes what killed restores left in the directory at `path`, and everywhere else in the target
/// that their journals list.
pub(super) fn remove(
    shared: &FolderTargetShared,
    path: &[u8],
) -> std::result::Result<Leftovers, TargetError> {
    let directory = shared.directories.get(path)?;
    let is_foreign = |name: &[u8]| run_of(name).is_some() && !shared.temporaries.is_own(name);
    let names = listing::names(&*directory, is_foreign).map_err(refused("read the directory"))?;
    let mut runs: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for name in names {
        if let Some(run) = run_of(&name) {
            runs.entry(run.to_vec()).or_default().push(name);
        }
    }
    let mut leftovers = Leftovers::default();
    for (run, names) in runs {
        let found = find_journal(directory.as_fd(), &run, depth(path));
        match found.as_ref().map_or(JournalVerdict::Unknown, judge) {
            JournalVerdict::Living => {}
            JournalVerdict::Unknown => leftovers.unproven.extend(names),
            JournalVerdict::Over(file) => {
                let found = found.filter(|found| found.is_inside);
                leftovers.removed += match found {
                    Some(found) => sweep(shared.directories.resolver(), &found, file, &run),
                    // The other directories it lists are outside the target.
                    None => names.iter().map(|name| unlink(directory.as_fd(), name)).sum(),
                };
            }
        }
    }
    Ok(leftovers)
}

/// How many directories of the target are above the one at `path`.
fn depth(path: &[u8]) -> usize {
    match path {
        b"" => 0,
        path => 1 + path.iter().filter(|byte| **byte == b'/').count(),
    }
}

/// Searches here and further up for the journal of a run: it lies above all files of its run.
fn find_journal(here: BorrowedFd<'_>, run: &[u8], depth: usize) -> Option<FoundJournal> {
    let name = journal_of(run);
    let mut directory = here.try_clone_to_owned().ok()?;
    for steps in 0..ANCESTORS_MAX {
        if statat(&directory, &name[..], AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Some(FoundJournal { directory, name, is_inside: steps <= depth });
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let above = openat(&directory, "..", flags, Mode::empty()).ok()?;
        if identity(&above).ok()? == identity(&directory).ok()? {
            return None;
        }
        directory = above;
    }
    None
}

fn identity(directory: &OwnedFd) -> Result<(u64, u64)> {
    let stat = fstat(directory)?;
    Ok((stat.st_dev, stat.st_ino))
}

fn judge(found: &FoundJournal) -> JournalVerdict {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = openat(&found.directory, &found.name[..], flags, Mode::empty()) else {
        return JournalVerdict::Unknown;
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return JournalVerdict::Living,
        Err(_) => return JournalVerdict::Unknown,
    }
    let mut file = File::from(file);
    let mut header = vec![0; journal::HEADER.len()];
    match file.read_exact(&mut header) {
        Ok(()) if header == journal::HEADER => JournalVerdict::Over(file),
        _ => JournalVerdict::Unknown,
    }
}

/// Removes everything that a run left in the directories listed in its journal, then the journal.
fn sweep(resolver: Resolver, found: &FoundJournal, journal: File, run: &[u8]) -> u64 {
    let mut paths = Vec::new();
    let is_whole = {
        let mut limited = (&journal).take(JOURNAL_BYTES_MAX);
        limited.read_to_end(&mut paths).is_ok() && limited.limit() > 0
    };
    let mut removed = 0;
    // Anything after the last zero byte was still being written.
    let end = paths.iter().rposition(|byte| *byte == 0).unwrap_or(0);
    for path in paths[..end].split(|byte| *byte == 0) {
        if path::check(path).is_err() {
            continue;
        }
        let opened = match path {
            b"" => found.directory.try_clone().ok(),
            path => resolver.open(found.directory.as_fd(), path).ok(),
        };
        let Some(directory) = opened else { continue };
        let is_its = |name: &[u8]| run_of(name) == Some(run) && name != found.name;
        let names = listing::names(&directory, is_its).unwrap_or_default();
        removed += names.iter().map(|name| unlink(directory.as_fd(), name)).sum::<u64>();
    }
    if is_whole {
        unlink(found.directory.as_fd(), &found.name);
    }
    removed
}

fn unlink(directory: BorrowedFd<'_>, name: &[u8]) -> u64 {
    u64::from(unlinkat(directory, name, AtFlags::empty()).is_ok())
}
