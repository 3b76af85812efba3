//! Walking through what is to be deleted, children before parents, and deleting it.

use std::sync::atomic::Ordering;

use holdfast_connect::{Existing, Target, TargetError};

use super::ground::{Ground, Spared};
use super::{Deletion, Replaced};
use crate::restore::{RestoreReport, Selection};
use crate::{Added, EngineError, EngineEvent, EntryAction, Observer};

/// What is reported of an entry on the way.
pub(super) enum Met {
    /// It will be deleted.
    Goes,
    /// It is kept, and so are its parents.
    Stays(Spared),
}

/// Receives an entry, by its path in the target and as displayed.
pub(super) type EntrySink<'a> = dyn FnMut(&[u8], &[u8], Met) -> Result<(), TargetError> + 'a;

/// An entry being examined.
struct DeletionCandidate {
    path: Vec<u8>,
    shown: Vec<u8>,
}

/// A directory being walked.
struct RemovedDirectory {
    candidate: DeletionCandidate,
    ground: Ground,
    names: Vec<Vec<u8>>,
    /// True if something in it is kept, or it was not selected itself.
    stays: bool,
}

impl Deletion<'_> {
    /// Walks an entry of a directory and everything below it. Every deletable entry is passed to
    /// `each`, children before parents; so is, once, what is kept.
    pub(super) fn go_through(
        &self,
        target: &dyn Target,
        ground: &Ground,
        path: Vec<u8>,
        shown: Vec<u8>,
        each: &mut EntrySink<'_>,
    ) -> Result<(), TargetError> {
        let mut frames: Vec<RemovedDirectory> = Vec::new();
        let mut next = Some(DeletionCandidate { path, shown });
        loop {
            if let Some(candidate) = next.take() {
                let above = frames.last().map_or(ground, |frame| &frame.ground);
                match self.enter(target, above, candidate, each)? {
                    Entered::Directory(frame) => frames.push(*frame),
                    Entered::Gone => {}
                    Entered::Stays => {
                        frames.iter_mut().rev().take(1).for_each(|it| it.stays = true)
                    }
                }
            }
            let Some(frame) = frames.last_mut() else { return Ok(()) };
            if let Some(name) = frame.names.pop() {
                let [path, shown] = [&frame.candidate.path, &frame.candidate.shown]
                    .map(|above| [above.as_slice(), b"/", &name].concat());
                next = Some(DeletionCandidate { path, shown });
                continue;
            }
            let Some(RemovedDirectory { candidate, stays, .. }) = frames.pop() else {
                return Ok(());
            };
            match (stays, frames.last_mut()) {
                (false, _) => each(&candidate.path, &candidate.shown, Met::Goes)?,
                (true, Some(above)) => above.stays = true,
                (true, None) => {}
            }
        }
    }

    fn enter(
        &self,
        target: &dyn Target,
        above: &Ground,
        candidate: DeletionCandidate,
        each: &mut EntrySink<'_>,
    ) -> Result<Entered, TargetError> {
        let (path, shown) = (&candidate.path, &candidate.shown);
        let Ok(existing) = target.existing(path) else {
            each(path, shown, Met::Stays(Spared::Unknown))?;
            return Ok(Entered::Stays);
        };
        let Some(existing) = existing else { return Ok(Entered::Gone) };
        let selection = self.selection(shown, existing.is_directory);
        if selection == Selection::Skip {
            return Ok(Entered::Stays);
        }
        if let Some(why) = self.why_spared(above, path, &existing) {
            each(path, shown, Met::Stays(why))?;
            return Ok(Entered::Stays);
        }
        if !existing.is_directory {
            return match selection {
                Selection::Take => each(path, shown, Met::Goes).map(|()| Entered::Gone),
                _ => Ok(Entered::Stays),
            };
        }
        let Ok(names) = target.list(path) else {
            each(path, shown, Met::Stays(Spared::Unknown))?;
            return Ok(Entered::Stays);
        };
        let ground = self.ground(target, path, &existing, Some(above));
        let stays = selection != Selection::Take;
        Ok(Entered::Directory(Box::new(RemovedDirectory { candidate, ground, names, stays })))
    }

    /// Removes the folder in the way of an entry at `path`, if it was announced.
    pub(in crate::restore) fn clear(
        &self,
        target: &dyn Target,
        path: &[u8],
    ) -> Result<(), TargetError> {
        let Some(Replaced { shown, above, .. }) = self.replaced.get(path) else { return Ok(()) };
        let is_folder = |existing: Option<Existing>| existing.is_some_and(|it| it.is_directory);
        if !is_folder(target.existing(path)?) {
            return Ok(());
        }
        let mut each = |path: &[u8], _: &[u8], met: Met| {
            if matches!(met, Met::Goes) {
                target.remove(path)?;
                self.cleared.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        self.go_through(target, above, path.to_vec(), shown.clone(), &mut each)
    }

    /// Deletes what was listed.
    pub(in crate::restore) fn carry_out(
        &self,
        target: &dyn Target,
        dry_run: bool,
        report: &mut RestoreReport,
        observer: &dyn Observer,
    ) -> Result<(), EngineError> {
        report.files_deleted += match dry_run {
            true => self.replaced.values().map(|replaced| replaced.entries).sum(),
            false => self.cleared.load(Ordering::Relaxed),
        };
        for doomed in &self.doomed {
            for (name, entries) in &doomed.names {
                if observer.is_interrupted() {
                    return Err(EngineError::Interrupted);
                }
                let path = join(&doomed.directory, name);
                let shown = [doomed.shown.as_slice(), b"/", name].concat();
                if dry_run {
                    report.files_deleted += entries;
                    tell(observer, &shown);
                    continue;
                }
                let mut each = |path: &[u8], shown: &[u8], met: Met| {
                    if matches!(met, Met::Goes) {
                        let count = |report: &mut RestoreReport| report.files_deleted += 1;
                        report.settle(target.remove(path), path, observer, count);
                        tell(observer, shown);
                    }
                    Ok(())
                };
                let gone = self.go_through(target, &doomed.ground, path.clone(), shown, &mut each);
                report.settle(gone, &path, observer, |_| {});
            }
            if let (false, Some(metadata)) = (dry_run, &doomed.metadata) {
                let outcome = target.finish_directory(&doomed.directory, metadata);
                report.settle(outcome, &doomed.directory, observer, |_| {});
            }
        }
        Ok(())
    }
}

enum Entered {
    Directory(Box<RemovedDirectory>),
    Gone,
    Stays,
}

/// The path of an entry of a directory.
pub(super) fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match directory {
        b"" => name.to_vec(),
        directory => [directory, b"/", name].concat(),
    }
}

fn tell(observer: &dyn Observer, path: &[u8]) {
    let (action, is_directory, bytes) = (EntryAction::Deleted, false, 0);
    observer.event(EngineEvent::Entry {
        path,
        action,
        is_directory,
        bytes,
        is_file: !is_directory,
        added: Added::default(),
    });
}
