//! Processing a window: contents, then links, then directories, then reading back.

use holdfast_connect::TargetError;
use holdfast_format::entry::{Content, Entry};
use holdfast_repo::RepoError;

use super::compare::is_there;
use super::links::{LinkKey, Original, OriginalState};
use super::walk::RestoreWalker;
use super::window::{PlannedLink, WrittenFile};
use super::{RestoreReport, fetch};
use crate::look::Extents;
use crate::{Added, EngineError, EngineEvent, EntryAction};

impl RestoreWalker<'_> {
    /// Does everything that was collected.
    pub(super) fn work_off(&mut self) -> Result<(), EngineError> {
        let (mut directories, mut to_verify) = (Vec::new(), Vec::new());
        loop {
            let window = std::mem::take(&mut self.window);
            directories.extend(window.directories);
            to_verify.extend(window.to_verify);
            if window.files.is_empty() && window.links.is_empty() {
                break;
            }
            if self.options.dry_run {
                self.report.bytes_restored +=
                    window.writes.iter().map(|write| u64::from(write.location.bytes)).sum::<u64>();
            } else {
                let work = (&window.files[..], window.writes);
                let fetched = fetch::fetch(self.repository, self.site(), work, self.observer)?;
                self.report.errors += fetched.errors;
                self.report.bytes_restored += fetched.bytes;
                self.report.files_restored +=
                    window.files.iter().filter(|file| file.is_finished()).count() as u64;
            }
            let dry_run = self.options.dry_run;
            window.first_names.into_iter().for_each(|key| self.links.settle(key, dry_run));
            // Names that cannot become links are collected again.
            window.links.into_iter().try_for_each(|link| self.link(link))?;
        }
        self.links.forget_complete();
        let (files, bytes) = (self.report.total_files, self.report.total_bytes);
        self.observer.event(EngineEvent::Total { files, bytes, is_final: false });
        if self.options.dry_run {
            return Ok(());
        }
        for (path, metadata) in &directories {
            let outcome = self.target.finish_directory(path, metadata);
            self.report.settle(outcome, path, self.observer, |_| {});
        }
        for WrittenFile { path, content, bytes, file } in &to_verify {
            if file.as_ref().is_some_and(|file| !file.is_finished()) {
                continue;
            }
            match self.verify(path, content, *bytes) {
                Err(error) if error.ends_reading() => return Err(error),
                outcome => {
                    let count = |report: &mut RestoreReport| report.files_verified += 1;
                    self.report.settle(outcome, path, self.observer, count);
                }
            }
        }
        Ok(())
    }

    /// Makes a name a link to the first one; if that failed, it is restored individually.
    fn link(&mut self, link: PlannedLink) -> Result<(), EngineError> {
        let is_right = |original: &&Original| matches!(original.state, OriginalState::Right);
        let original = self.links.original(link.key).filter(is_right);
        let Some(original) = original.map(|original| original.path.clone()) else {
            return self.by_itself(link.entry, link.path, Some(link.key));
        };
        let made = match self.options.dry_run {
            true => Ok(()),
            false => self
                .site()
                .make_way(&link.path)
                .and_then(|()| self.target.hard_link(&link.path, &original, link.replace)),
        };
        match made {
            Ok(()) => {
                self.report.files_restored += 1;
                let action = if link.exists { EntryAction::Modified } else { EntryAction::New };
                self.report_entry(&link.path, action, 0);
                Ok(())
            }
            Err(error) if error.is_full() => Err(EngineError::Full(error)),
            Err(TargetError::Io { source, .. }) => {
                let message = format!("restored as a copy: cannot create the hard link: {source}");
                self.report.trouble(&link.path, &message, self.observer);
                self.by_itself(link.entry, link.path, None)
            }
            Err(error) => {
                self.report.trouble(&link.path, &error, self.observer);
                Ok(())
            }
        }
    }

    pub(super) fn report_entry(&self, path: &[u8], action: EntryAction, bytes: u64) {
        let (path, is_directory) = (&[b"/", path].concat(), false);
        self.observer.event(EngineEvent::Entry {
            path,
            action,
            is_directory,
            bytes,
            is_file: !is_directory,
            added: Added::default(),
        });
    }

    /// Reads a restored file and compares every part of it.
    fn verify(&mut self, path: &[u8], content: &Content, bytes: u64) -> Result<(), EngineError> {
        let differs = || RepoError::damaged("the restored file", "it differs from the snapshot");
        let existing = self.target.existing(path)?;
        if existing.is_none_or(|existing| !existing.is_file || existing.bytes != bytes) {
            return Err(differs().into());
        }
        let (mut extents, mut start, mut buffer) = (Extents::of(content), 0, Vec::new());
        while let Some(extent) = extents.next(&mut self.reader, &mut |_| Ok(true))? {
            if !is_there(self.repository, self.target, path, start, &extent, &mut buffer) {
                return Err(differs().into());
            }
            start += extent.bytes();
        }
        Ok(())
    }

    /// A name that cannot be a link is decided on again, as if the file had no other.
    fn by_itself(
        &mut self,
        entry: Entry,
        path: Vec<u8>,
        key: Option<LinkKey>,
    ) -> Result<(), EngineError> {
        let outcome = self.target.existing(&path).map_err(EngineError::from);
        match outcome.and_then(|existing| self.leaf(entry, path.clone(), existing, key)) {
            Err(EngineError::Target(error)) if error.is_full() => Err(EngineError::Full(error)),
            Err(EngineError::Target(error)) => {
                self.report.trouble(&path, &error, self.observer);
                Ok(())
            }
            other => other,
        }
    }
}
