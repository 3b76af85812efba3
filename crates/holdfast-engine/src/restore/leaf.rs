//! Restoring one entry that is not a directory.

use std::sync::Arc;

use holdfast_connect::{Existing, Replace, TargetError};
use holdfast_format::entry::{Content, Entry, EntryKind};
use holdfast_format::node::Extent;
use holdfast_repo::RepoError;

use super::Overwrite;
use super::compare::{ExistingFile, Fit, fit};
use super::file::PlannedFile;
use super::links::{LinkKey, OriginalState};
use super::walk::{LevelState, RestoreWalker, refused};
use super::window::{PlannedLink, Write, WrittenFile};
use crate::look::Extents;
use crate::{EngineError, EntryAction};

impl RestoreWalker<'_> {
    /// Decides on the entry at the current path.
    pub(super) fn first_look(
        &mut self,
        entry: Entry,
        parent: LevelState,
    ) -> Result<(), EngineError> {
        let path = self.relative();
        let existing = if parent.is_new { None } else { self.target.existing(&path)? };
        self.meet_name(&path, existing.as_ref())?;
        if let EntryKind::File { size, .. } = &entry.kind {
            self.report.total_bytes += size;
        }
        match self.links.meet(&entry) {
            Some(key) if self.links.original(key).is_some() => {
                self.another_name(entry, path, existing, key)
            }
            key => self.leaf(entry, path, existing, key),
        }
    }

    /// Decides on a name, as if its file had no other. With a key, other names may become links to
    /// it.
    pub(super) fn leaf(
        &mut self,
        entry: Entry,
        path: Vec<u8>,
        existing: Option<Existing>,
        key: Option<LinkKey>,
    ) -> Result<(), EngineError> {
        let replace = self.replace(&path, existing.as_ref())?;
        match &entry.kind {
            EntryKind::File { .. } => self.file(entry, path, existing, replace, key),
            _ => self.special(&entry, &path, existing.as_ref(), replace, key),
        }
    }

    /// What an entry may replace.
    fn replace(&self, path: &[u8], existing: Option<&Existing>) -> Result<Replace, TargetError> {
        let Some(existing) = existing else { return Ok(Replace::Nothing) };
        if !existing.is_directory {
            return Ok(Replace::Entry);
        }
        if matches!(self.options.overwrite, Overwrite::Never | Overwrite::IfNewer) {
            return Err(refused("restore it", "a folder has its name"));
        }
        let is_announced = self.options.delete.is_some_and(|deletion| deletion.replaces(path));
        match is_announced || self.target.list(path)?.is_empty() {
            true => Ok(Replace::Entry),
            false => Err(TargetError::Occupied),
        }
    }

    /// True if the rule for existing files says that this one is left alone.
    fn stays(&self, existing: &Existing, entry: &Entry, is_current: Option<bool>) -> bool {
        if existing.is_directory {
            return false;
        }
        match self.options.overwrite {
            Overwrite::Always => false,
            Overwrite::Never => true,
            Overwrite::IfNewer => existing.mtime >= entry.metadata.mtime,
            Overwrite::IfChanged => is_current.unwrap_or_else(|| {
                let EntryKind::File { size, .. } = &entry.kind else { return false };
                existing.is_file
                    && existing.bytes == *size
                    && existing.mtime == entry.metadata.mtime
            }),
        }
    }

    /// Decides on another name of a file that has a name to which it may be linked.
    fn another_name(
        &mut self,
        entry: Entry,
        path: Vec<u8>,
        existing: Option<Existing>,
        key: LinkKey,
    ) -> Result<(), EngineError> {
        // A file that seems right may well become a link to one that is.
        let is_kept = self.options.overwrite != Overwrite::IfChanged
            && existing.as_ref().is_some_and(|existing| self.stays(existing, &entry, None));
        let original = self.links.original(key);
        let Some((original, state)) =
            original.map(|original| (original.path.clone(), original.state.clone()))
        else {
            return self.leaf(entry, path, existing, Some(key));
        };
        if is_kept || original == path {
            self.skip(&path, &entry);
            return Ok(());
        }
        if matches!(state, OriginalState::Believed) && !self.prove(&entry, &original, key)? {
            return self.leaf(entry, path, existing, Some(key));
        }
        let replace = self.replace(&path, existing.as_ref())?;
        let is_planned = matches!(state, OriginalState::Planned(_));
        if let Some(identity) = existing.as_ref().and_then(|existing| existing.identity)
            && !is_planned
        {
            let original = self.target.existing(&original)?;
            if original.and_then(|original| original.identity) == Some(identity) {
                self.skip(&path, &entry);
                return Ok(());
            }
        }
        let exists = existing.is_some();
        self.window.add_link(PlannedLink { key, path, entry, replace, exists });
        Ok(())
    }

    /// Compares all of a file that seemed right. If it is not, nothing is linked to it.
    fn prove(&mut self, entry: &Entry, path: &[u8], key: LinkKey) -> Result<bool, EngineError> {
        let EntryKind::File { size, main, .. } = &entry.kind else { return Ok(false) };
        let existing = self.target.existing(path)?.filter(|it| it.is_file && it.bytes == *size);
        let is_right = match existing {
            Some(existing) => {
                let standing = ExistingFile::File(&existing);
                let (repository, target) = (self.repository, self.target);
                let fit = fit(repository, &mut self.reader, target, path, &standing, main);
                fit.is_ok_and(|fit| fit.is_whole() && fit.bytes == *size)
            }
            None => false,
        };
        match is_right {
            true => self.links.set_original(key, path, OriginalState::Right),
            false => self.links.drop_original(key),
        }
        Ok(is_right)
    }

    fn special(
        &mut self,
        entry: &Entry,
        path: &[u8],
        existing: Option<&Existing>,
        replace: Replace,
        key: Option<LinkKey>,
    ) -> Result<(), EngineError> {
        if existing.is_some_and(|existing| self.stays(existing, entry, None)) {
            self.skip(path, entry);
            return Ok(());
        }
        if !self.options.dry_run {
            self.site().make_way(path)?;
            match self.target.special(path, entry, replace) {
                Err(error @ TargetError::Incomplete { .. }) => {
                    self.report.trouble(path, &error, self.observer);
                }
                made => made?,
            }
        }
        if let Some(key) = key {
            self.links.set_original(key, path, OriginalState::Right);
        }
        self.report.files_restored += 1;
        let action = if existing.is_some() { EntryAction::Modified } else { EntryAction::New };
        self.report_entry(path, action, 0);
        Ok(())
    }

    fn file(
        &mut self,
        entry: Entry,
        path: Vec<u8>,
        existing: Option<Existing>,
        replace: Replace,
        key: Option<LinkKey>,
    ) -> Result<(), EngineError> {
        let EntryKind::File { size, codec, main, .. } = &entry.kind else { return Ok(()) };
        let size = *size;
        if *codec != 0 {
            let why = "it is stored in a form that this version cannot read";
            return Err(refused("rebuild the file", why).into());
        }
        // Finding out may take a request, which is not needed if the file is kept in any case.
        let is_asked = self.options.overwrite != Overwrite::Never;
        let is_current = match &existing {
            Some(existing) if existing.is_file && is_asked => {
                self.target.is_current(&path, &entry)?
            }
            _ => None,
        };
        if let Some(existing) = &existing
            && self.stays(existing, &entry, is_current)
        {
            let is_believed = self.options.overwrite == Overwrite::IfChanged;
            if let Some(key) = key.filter(|_| is_believed) {
                self.links.set_original(key, &path, OriginalState::Believed);
            }
            self.skip(&path, &entry);
            return Ok(());
        }
        let standing = match &existing {
            _ if is_current == Some(true) => ExistingFile::Right,
            Some(existing) if existing.is_file && is_current.is_none() => {
                ExistingFile::File(existing)
            }
            _ => ExistingFile::None,
        };
        let (repository, target) = (self.repository, self.target);
        let fit = match fit(repository, &mut self.reader, target, &path, &standing, main) {
            Ok(fit) if fit.bytes == size => fit,
            Ok(Fit { bytes, .. }) => {
                let message = format!("its parts add up to {bytes} bytes instead of {size}");
                self.report.trouble(&path, &message, self.observer);
                return Ok(());
            }
            Err(error) => return self.unreadable(&path, error),
        };
        let is_right = existing.as_ref().is_some_and(|it| it.is_file && it.bytes == size);
        if is_right && fit.is_whole() {
            return self.right_already(&entry, path, key);
        }
        let action = if existing.is_some() { EntryAction::Modified } else { EntryAction::New };
        let file = PlannedFile::new(path, entry.metadata.clone(), size, action, replace);
        self.plan(file, main, &fit, key)
    }

    /// Its content is right; the rest is corrected.
    fn right_already(
        &mut self,
        entry: &Entry,
        path: Vec<u8>,
        key: Option<LinkKey>,
    ) -> Result<(), EngineError> {
        if let Some(key) = key {
            self.links.set_original(key, &path, OriginalState::Right);
        }
        self.skip(&path, entry);
        if !self.options.dry_run {
            self.target.update_metadata(&path, &entry.metadata)?;
        }
        if let EntryKind::File { main, size, .. } = &entry.kind
            && self.options.verify
        {
            let content = main.clone();
            self.window.add_to_verify(WrittenFile { path, content, bytes: *size, file: None });
        }
        Ok(())
    }

    fn skip(&mut self, path: &[u8], entry: &Entry) {
        let bytes = if let EntryKind::File { size, .. } = entry.kind { size } else { 0 };
        self.report.files_skipped += 1;
        self.report.bytes_skipped += bytes;
        self.report_entry(path, EntryAction::Unchanged, bytes);
    }

    /// The list of a file's chunks cannot be read, or names a lost one: that file is lost, the
    /// others are not.
    fn unreadable(&mut self, path: &[u8], error: RepoError) -> Result<(), EngineError> {
        if error.ends_reading() {
            return Err(error.into());
        }
        self.report.trouble(path, &error, self.observer);
        Ok(())
    }

    /// Plans to write what is missing of a file.
    fn plan(
        &mut self,
        mut file: PlannedFile,
        main: &Content,
        fit: &Fit,
        key: Option<LinkKey>,
    ) -> Result<(), EngineError> {
        file.kept = self.kept_ranges(main, fit)?;
        self.report.bytes_skipped += file.kept.iter().map(|(_, bytes)| bytes).sum::<u64>();
        let file = Arc::new(file);
        let mut place = self.window.add_file(Arc::clone(&file));
        let (mut extents, mut offset) = (Extents::of(main), 0);
        let mut kept = fit.kept.iter();
        while let Some(extent) = extents.next(&mut self.reader, &mut |_| Ok(true))? {
            let is_kept = kept.next().copied().unwrap_or_default();
            if let (Extent::Data { id, .. }, false) = (&extent, is_kept) {
                let location = match self.places.locate(id) {
                    Ok(location) => location,
                    Err(error) => {
                        file.fail();
                        return self.unreadable(&file.path, error);
                    }
                };
                file.expect_chunk();
                self.window.writes.push(Write { location, id: *id, file: place, offset });
            }
            offset += extent.bytes();
            if self.window.is_full(self.options.window_bytes) {
                // A file with more parts than fit into a window remains open.
                self.work_off()?;
                place = self.window.add_file(Arc::clone(&file));
            }
        }
        if self.options.verify {
            let (path, content) = (file.path.clone(), main.clone());
            let (bytes, file) = (file.bytes, Some(Arc::clone(&file)));
            self.window.add_to_verify(WrittenFile { path, content, bytes, file });
        }
        if let Some(key) = key {
            let state = OriginalState::Planned(Arc::clone(&file));
            self.links.set_original(key, &file.path, state);
            self.window.add_first_name(key);
        }
        self.planned(&file)
    }

    /// A file is planned; one that needs no chunk is finished immediately.
    fn planned(&mut self, file: &PlannedFile) -> Result<(), EngineError> {
        if self.options.dry_run {
            self.report.files_restored += 1;
            self.report_entry(&file.path, file.action, file.bytes);
            return Ok(());
        }
        match file.planned(self.site()) {
            Ok(true) => self.report_entry(&file.path, file.action, file.bytes),
            Ok(false) => {}
            Err(error) if error.is_full() => return Err(EngineError::Full(error)),
            Err(error) => self.report.trouble(&file.path, &error, self.observer),
        }
        Ok(())
    }

    /// The existing parts of a file, with neighbours merged.
    fn kept_ranges(&mut self, main: &Content, fit: &Fit) -> Result<Vec<(u64, u64)>, EngineError> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        if !fit.kept.contains(&true) {
            return Ok(ranges);
        }
        let (mut extents, mut offset) = (Extents::of(main), 0);
        for is_kept in &fit.kept {
            let next = extents.next(&mut self.reader, &mut |_| Ok(true))?;
            let Some(extent) = next else { break };
            let bytes = extent.bytes();
            // Where a hole should be, nothing needs to be kept.
            if *is_kept && matches!(extent, Extent::Data { .. }) {
                match ranges.last_mut().filter(|(start, length)| start + length == offset) {
                    Some((_, length)) => *length += bytes,
                    None => ranges.push((offset, bytes)),
                }
            }
            offset += bytes;
        }
        Ok(ranges)
    }
}
