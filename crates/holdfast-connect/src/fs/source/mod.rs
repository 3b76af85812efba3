//! Trees of files as a source: scanned ahead by a few threads, read on demand.

mod content;
mod context;
mod directory;
mod ignores;
mod listing;
mod look;
mod metadata;
mod names;
mod opener;
mod plan;
mod schedule;
mod volatile;
mod work;
mod xattr;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

pub use context::{CACHE_SIGNATURE, CACHE_TAG, FsOptions};
pub use ignores::Ignores;
pub use listing::GITIGNORE_BYTES_MAX;

use super::filter::Filter;
use crate::{Source, SourceItem};
use context::ScanContext;
use directory::ScannedDirectory;
use listing::ListingScope;
use plan::PathPlan;
use schedule::{BatchClaim, ScanSchedule, UnitPosition};
use work::{EntryBatch, ScanUnit, ScanWorker, Task};

/// Files and directories of this machine.
///
/// The stream shows the tree from the root of the file system down to the named paths, merged into
/// one. Above a named path, links are followed; the path itself and everything below it is taken as
/// it is. A directory that cannot be listed is in the stream, empty and with an
/// [`SourceItem::Unread`]; anything else that cannot be examined is an [`SourceItem::Unread`] only.
pub struct FsSource {
    schedule: Arc<ScanSchedule>,
    threads: Vec<JoinHandle<()>>,
    worker: ScanWorker,
    /// The entered directories; the first one is the root.
    frames: Vec<EnteredDirectory>,
    /// Position of each entered directory except the root, among the names of its parent.
    position: UnitPosition,
}

/// An entered directory.
struct EnteredDirectory {
    items: std::vec::IntoIter<SourceItem>,
    directories: std::vec::IntoIter<u32>,
    /// Where its next batch begins.
    next: Option<u32>,
}

impl FsSource {
    /// A source of these absolute paths, which contain neither `.` nor `..`. Scanning begins
    /// immediately; a path that does not exist becomes an [`SourceItem::Unread`] in the stream.
    ///
    /// # Errors
    /// If a path is not absolute or not clean, or no thread can be started.
    pub fn new(paths: Vec<PathBuf>, options: FsOptions, filter: Filter) -> io::Result<Self> {
        let unclean = || io::Error::new(io::ErrorKind::InvalidInput, "a path is not absolute");
        let plan = Arc::new(PathPlan::new(&paths).ok_or_else(unclean)?);
        let count = options.scan_threads;
        let is_whole = plan.is_named;
        let device = match options.one_file_system && is_whole {
            true => Some(rustix::fs::stat("/")?.st_dev),
            false => None,
        };
        let worker = ScanWorker::new(Arc::new(ScanContext::new(options, filter)));
        let schedule = Arc::new(ScanSchedule::default());
        let scope = ListingScope { is_whole, plan: Some(plan), device };
        let task = Task { directory: ScannedDirectory::root(!is_whole), scope, ignores: None };
        schedule.add_root(ScanUnit::List(task));
        let frames = vec![EnteredDirectory::new()];
        let mut source =
            Self { schedule, threads: Vec::new(), worker, frames, position: UnitPosition::new() };
        for _ in 0..count {
            source.start_thread()?;
        }
        Ok(source)
    }

    fn start_thread(&mut self) -> io::Result<()> {
        let schedule = Arc::clone(&self.schedule);
        let mut worker = ScanWorker::new(Arc::clone(&self.worker.context));
        let scan = move || {
            let _alarm = Alarm(&schedule);
            while let Some((key, unit)) = schedule.take() {
                schedule.finish(key, worker.run(unit));
            }
        };
        let thread = std::thread::Builder::new().name("holdfast-scan".to_owned()).spawn(scan)?;
        self.threads.push(thread);
        Ok(())
    }

    /// The batch of the entered directory that begins at `start`.
    fn batch(&mut self, start: u32) -> io::Result<EntryBatch> {
        self.position.push(start);
        let batch = match self.schedule.claim(&self.position) {
            BatchClaim::Done(batch) => Ok(batch),
            BatchClaim::Yours(unit) => {
                let output = self.worker.run(unit);
                self.schedule.add(&self.position, output.found);
                Ok(output.batch)
            }
            BatchClaim::Broken => Err(io::Error::other("a scanning thread died")),
        };
        self.position.pop();
        batch
    }
}

impl EnteredDirectory {
    /// A directory about which nothing is known yet.
    fn new() -> Self {
        let (items, directories) = (Vec::new().into_iter(), Vec::new().into_iter());
        Self { items, directories, next: Some(0) }
    }
}

impl Source for FsSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        loop {
            let Some(frame) = self.frames.last_mut() else { return Ok(None) };
            if let Some(item) = frame.items.next() {
                if matches!(item, SourceItem::Enter { .. }) {
                    self.position.extend(frame.directories.next());
                    self.frames.push(EnteredDirectory::new());
                }
                return Ok(Some(item));
            }
            match frame.next {
                Some(start) => {
                    let EntryBatch { items, directories, next } = self.batch(start)?;
                    let (items, directories) = (items.into_iter(), directories.into_iter());
                    self.frames.pop();
                    self.frames.push(EnteredDirectory { items, directories, next });
                }
                None => {
                    self.frames.pop();
                    self.position.pop();
                    if !self.frames.is_empty() {
                        return Ok(Some(SourceItem::Leave));
                    }
                }
            }
        }
    }
}

impl Drop for FsSource {
    fn drop(&mut self) {
        self.schedule.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has already raised the alarm.
            let _ = thread.join();
        }
    }
}

/// Notifies the consumer if the thread that holds it panics.
struct Alarm<'a>(&'a ScanSchedule);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.break_off();
        }
    }
}
