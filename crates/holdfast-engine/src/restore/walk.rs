//! Walking the tree: create directories, collect what their entries need, process it in windows.

use holdfast_connect::{Existing, Target, TargetError};
use holdfast_format::entry::{EntryKind, Metadata};
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;
use holdfast_repo::read::LocationLookup;

use super::file::Site;
use super::links::HardLinks;
use super::names::KnownNames;
use super::window::RestoreWindow;
use super::{Overwrite, RestoreOptions, RestoreReport, Select, Selection, trouble};
use crate::look::{Folder, NamedEntry, ShownEntries, check_depth};
use crate::{EngineError, EngineEvent, Observer};

/// A directory that the walk is in.
struct RestoreLevel {
    entries: ShownEntries,
    path_length: usize,
    shown_length: usize,
    /// `None` until something below it is restored.
    state: Option<LevelState>,
    /// `None` for directories that are not stored: the target itself, and those that represent
    /// sources.
    metadata: Option<Metadata>,
    /// True if its metadata is restored although it exists.
    is_taken: bool,
    names: KnownNames,
}

#[derive(Clone, Copy)]
pub(super) struct LevelState {
    /// True if it was just created, so that nothing can exist in it.
    pub is_new: bool,
}

/// Walks one tree.
pub(super) struct RestoreWalker<'a> {
    pub(super) target: &'a dyn Target,
    select: &'a Select<'a>,
    pub(super) options: &'a RestoreOptions<'a>,
    pub(super) observer: &'a dyn Observer,
    pub(super) repository: &'a Repository,
    pub(super) reader: BlobReader<'a>,
    pub(super) places: LocationLookup<'a>,
    levels: Vec<RestoreLevel>,
    /// Where the current entry goes.
    path: Vec<u8>,
    /// The displayed path, which differs for objects whose keys cannot be file names.
    shown: Vec<u8>,
    pub(super) links: HardLinks,
    pub(super) window: RestoreWindow,
    /// True if the top level has a directory for each source.
    has_sources: bool,
    pub(super) report: RestoreReport,
}

impl<'a> RestoreWalker<'a> {
    pub fn new(
        repository: &'a Repository,
        target: &'a dyn Target,
        select: &'a Select<'a>,
        options: &'a RestoreOptions<'a>,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            target,
            select,
            options,
            observer,
            repository,
            reader: BlobReader::new(repository),
            places: LocationLookup::new(repository),
            levels: Vec::new(),
            path: Vec::new(),
            shown: Vec::new(),
            links: HardLinks::default(),
            window: RestoreWindow::default(),
            has_sources: false,
            report: RestoreReport::default(),
        }
    }

    /// Restores the directory.
    pub fn walk(mut self, folder: &Folder) -> Result<RestoreReport, EngineError> {
        self.has_sources = matches!(folder, Folder::Sources(_));
        // The target itself exists already.
        self.remove_leftovers(&[]);
        let state = Some(LevelState { is_new: false });
        self.push_level(ShownEntries::as_files(folder), state, None, false);
        while let Some(level) = self.levels.last_mut() {
            if self.observer.is_interrupted() {
                return Err(EngineError::Interrupted);
            }
            match level.entries.next(&mut self.reader, &mut |_| Ok(true)) {
                Ok(Some(named)) => self.entry(named)?,
                Ok(None) => self.leave(),
                Err(error) => self.lose(error)?,
            }
            if self.window.is_full(self.options.window_bytes) {
                self.work_off()?;
            }
        }
        self.work_off()?;
        let count = self.report.leftovers;
        if count > 0 {
            let files = if count == 1 { "file" } else { "files" };
            let message =
                format!("removed {count} unfinished {files} left by an interrupted restore");
            self.observer.event(EngineEvent::Note { message: &message });
        }
        Ok(self.report)
    }

    /// Part of the current directory cannot be read: only its contents are lost.
    fn lose(&mut self, error: EngineError) -> Result<(), EngineError> {
        if error.ends_reading() {
            return Err(error);
        }
        self.report.errors += 1;
        let message = format!("part of the folder cannot be read: {error}");
        trouble(self.observer, &self.shown, &message);
        Ok(())
    }

    fn push_level(
        &mut self,
        entries: ShownEntries,
        state: Option<LevelState>,
        metadata: Option<Metadata>,
        is_taken: bool,
    ) {
        let (path_length, shown_length) = (self.path.len(), self.shown.len());
        let names = KnownNames::default();
        let level =
            RestoreLevel { entries, path_length, shown_length, state, metadata, is_taken, names };
        self.levels.push(level);
    }

    /// `/` and the path of an entry of the current directory.
    fn enter_path(&mut self, name: &[u8], shown_name: &[u8]) {
        for (path, name) in [(&mut self.path, name), (&mut self.shown, shown_name)] {
            path.push(b'/');
            path.extend_from_slice(name);
        }
    }

    fn leave_path(&mut self) {
        let last = self.levels.last();
        let (path_length, shown_length) =
            last.map_or((0, 0), |level| (level.path_length, level.shown_length));
        self.path.truncate(path_length);
        self.shown.truncate(shown_length);
    }

    fn entry(&mut self, named: NamedEntry) -> Result<(), EngineError> {
        let NamedEntry { entry, part } = named;
        self.enter_path(&entry.name, part.as_ref().unwrap_or(&entry.name));
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        let selection = (self.select)(&self.shown, is_directory);
        if selection == Selection::Skip {
            self.leave_path();
            return Ok(());
        }
        let is_taken = matches!(selection, Selection::Take | Selection::Make);
        if is_taken {
            self.tell_renamed();
        }
        let below = self.levels.last().and_then(|level| level.entries.below(&entry));
        if let (EntryKind::Directory(root), Some(below)) = (&entry.kind, below) {
            let depth = self.levels.len() - usize::from(self.has_sources);
            if let Err(error) = check_depth(depth, root) {
                self.lose(error)?;
                self.leave_path();
                return Ok(());
            }
            let is_source = self.has_sources && self.levels.len() == 1;
            return self.directory(below, (!is_source).then_some(entry.metadata), selection);
        }
        if is_taken {
            self.report.total_files += 1;
            let outcome = self.make_parents().and_then(|state| self.first_look(entry, state));
            self.settle(outcome)?;
        }
        self.leave_path();
        Ok(())
    }

    /// Reports an object whose key cannot be a file name; it is restored under another name.
    fn tell_renamed(&mut self) {
        let is_object = self.levels.last().is_some_and(|level| level.entries.is_object());
        if is_object && self.path != self.shown {
            self.report.renamed += 1;
            let name = self.path.escape_ascii();
            let message = format!("this key cannot be a file name; it is restored as {name}");
            trouble(self.observer, &self.shown, &message);
        }
    }

    /// Reports a target's refusal of the current path, and passes repository failures on.
    fn settle(&mut self, outcome: Result<(), EngineError>) -> Result<(), EngineError> {
        match outcome {
            Err(EngineError::Target(error)) if error.is_full() => Err(EngineError::Full(error)),
            Err(EngineError::Target(error)) => {
                self.report.errors += 1;
                trouble(self.observer, &self.path, &error);
                Ok(())
            }
            other => other,
        }
    }

    fn directory(
        &mut self,
        entries: ShownEntries,
        metadata: Option<Metadata>,
        selection: Selection,
    ) -> Result<(), EngineError> {
        let mut state = None;
        if matches!(selection, Selection::Take | Selection::Make) {
            self.report.total_files += 1;
            let made = self.make_parents().and_then(|parent| self.make_directory(parent));
            match made {
                Ok(made) => {
                    state = Some(made);
                    let stays = selection != Selection::Take;
                    if let Some(metadata) = metadata.as_ref().filter(|_| stays && made.is_new) {
                        self.finish_early(&self.relative(), metadata);
                    }
                }
                Err(error) => {
                    // Without the directory nothing below it can be restored.
                    self.settle(Err(error))?;
                    self.leave_path();
                    return Ok(());
                }
            }
            self.report.files_restored += 1;
        }
        self.push_level(entries, state, metadata, selection == Selection::Take);
        Ok(())
    }

    /// A folder whose metadata is left alone if it exists gets it as soon as it is created: if this
    /// restore is killed, the next one finds it there. A folder that its owner may not write to has
    /// to wait until everything is in it.
    fn finish_early(&self, path: &[u8], metadata: &Metadata) {
        if !self.options.dry_run && metadata.mode & 0o700 == 0o700 {
            // Errors with it are reported at the end.
            let _told = self.target.finish_directory(path, metadata);
        }
    }

    fn leave(&mut self) {
        let path = self.relative();
        let Some(level) = self.levels.pop() else { return };
        if level.state.is_some_and(|state| state.is_new || level.is_taken)
            && let Some(metadata) = level.metadata
        {
            self.window.add_directory(path, metadata);
        }
        self.leave_path();
    }

    /// The current path in the form that the target needs.
    pub(super) fn relative(&self) -> Vec<u8> {
        self.path.get(1..).unwrap_or_default().to_vec()
    }

    /// Creates the parent directories that were only passed through so far; returns the state of
    /// the last.
    fn make_parents(&mut self) -> Result<LevelState, EngineError> {
        let mut parent = LevelState { is_new: false };
        for place in 0..self.levels.len() {
            parent = match self.levels[place].state {
                Some(state) => state,
                None => {
                    let path = self.path[1..self.levels[place].path_length].to_vec();
                    let existing =
                        if parent.is_new { None } else { self.target.existing(&path)? };
                    let state = self.make_directory_at(&path, parent, existing)?;
                    if let Some(metadata) =
                        self.levels[place].metadata.as_ref().filter(|_| state.is_new)
                    {
                        self.finish_early(&path, metadata);
                    }
                    self.levels[place].state = Some(state);
                    state
                }
            };
        }
        Ok(parent)
    }

    fn make_directory(&mut self, parent: LevelState) -> Result<LevelState, EngineError> {
        let path = self.relative();
        let existing = if parent.is_new { None } else { self.target.existing(&path)? };
        self.meet_name(&path, existing.as_ref())?;
        self.make_directory_at(&path, parent, existing)
    }

    fn make_directory_at(
        &mut self,
        path: &[u8],
        parent: LevelState,
        existing: Option<Existing>,
    ) -> Result<LevelState, EngineError> {
        let is_there = existing.as_ref().is_some_and(|existing| existing.is_directory);
        let replaces = matches!(self.options.overwrite, Overwrite::Always | Overwrite::IfChanged);
        if existing.is_some() && !is_there && !replaces {
            return Err(refused("create the folder or its contents", "a file has its name").into());
        }
        if self.options.dry_run {
            return Ok(LevelState { is_new: !is_there });
        }
        let is_new = self.target.directory(path)?;
        if parent.is_new && !is_new {
            // Another entry of this folder has this name on the target.
            return Err(TargetError::Taken.into());
        }
        if !is_new {
            self.remove_leftovers(path);
        }
        Ok(LevelState { is_new })
    }

    /// Records a name of the current directory. In a new one the target refuses names that are one
    /// by itself, and a dry run makes nothing.
    pub(super) fn meet_name(
        &mut self,
        path: &[u8],
        existing: Option<&Existing>,
    ) -> Result<(), EngineError> {
        let level = self.levels.last_mut();
        match level.filter(|level| level.state.is_some_and(|state| !state.is_new)) {
            Some(level) if existing.is_some() || !self.options.dry_run => {
                Ok(level.names.meet(self.target, path, existing)?)
            }
            _ => Ok(()),
        }
    }

    /// Removes leftovers of interrupted restores in an existing directory.
    fn remove_leftovers(&mut self, path: &[u8]) {
        if self.options.dry_run {
            return;
        }
        // A directory that cannot be listed fails again where it matters.
        let Ok(found) = self.target.remove_leftovers(path) else { return };
        self.report.leftovers += found.removed;
        for name in found.unproven {
            let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
            let shown = [b"/", path, slash, &name].concat();
            let message = format!(
                "{} looks like an unfinished file of an interrupted restore; remove it if no \
                 restore is running",
                shown.escape_ascii()
            );
            self.observer.event(EngineEvent::Note { message: &message });
        }
    }

    /// Where files of this restore get their names.
    pub(super) fn site(&self) -> Site<'a> {
        Site { target: self.target, deletion: self.options.delete }
    }
}

/// The refusals of a restore that replaces nothing.
pub(super) fn refused(action: &'static str, why: &'static str) -> TargetError {
    TargetError::Io { action, source: std::io::Error::other(why) }
}
