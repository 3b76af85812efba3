//! Walking the tree: make directories, decide what each file needs.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use holdfast_connect::{Existing, Target, TargetError};
use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, EntryKind, Metadata};
use holdfast_format::node::Extent;
use holdfast_repo::index::{IndexReader, Location};
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::extents_of;
use holdfast_repo::{RepoError, Repository};

use super::compare::matching_extents;
use super::file::PlannedFile;
use super::{Overwrite, RestoreOptions, RestoreReport, Select, Selection};
use crate::look::{Entries, Folder, Named, check_depth};
use crate::{Action, EngineError, Event, Observer};

/// One chunk that goes to one place of one file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write {
    pub location: Location,
    pub id: BlobId,
    pub file: u32,
    pub offset: u64,
}

/// Everything that is left to do after the walk.
#[derive(Default)]
pub(super) struct Plan {
    pub files: Vec<PlannedFile>,
    pub writes: Vec<Write>,
    /// Path and the path of the file that it is another name of.
    pub links: Vec<(Vec<u8>, Vec<u8>)>,
    /// Directories with their metadata, parents before children.
    pub directories: Vec<(Vec<u8>, Metadata)>,
    /// Paths to be removed.
    pub extra: Vec<Vec<u8>>,
    /// Files to be read back, with their content.
    pub to_verify: Vec<(Vec<u8>, Entry)>,
    pub report: RestoreReport,
}

/// A directory that the walk is in.
struct Level {
    entries: Entries,
    path_length: usize,
    shown_length: usize,
    /// `None` until something below it is restored.
    state: Option<LevelState>,
    /// `None` for what is not stored: the target itself, and directories that stand for sources.
    metadata: Option<Metadata>,
    names: Vec<Vec<u8>>,
}

#[derive(Clone, Copy)]
struct LevelState {
    /// True if it was made just now: nothing can exist in it.
    is_new: bool,
}

/// Walks one tree.
pub(super) struct Planner<'a> {
    target: &'a dyn Target,
    select: &'a Select<'a>,
    options: &'a RestoreOptions,
    observer: &'a dyn Observer,
    repository: &'a Repository,
    reader: BlobReader<'a>,
    index: IndexReader,
    levels: Vec<Level>,
    /// Where the present entry goes.
    path: Vec<u8>,
    /// What people call it, which differs for objects whose keys no file can have.
    shown: Vec<u8>,
    /// First path of each file that has several names, by device and inode. An inode may have been
    /// given away while the source was read, or between two sources, so what the file is must be
    /// the same too.
    first_names: HashMap<(u64, u64), (EntryKind, Vec<u8>)>,
    /// True if the top has a directory for each source.
    has_sources: bool,
    plan: Plan,
}

impl<'a> Planner<'a> {
    pub fn new(
        repository: &'a Repository,
        target: &'a dyn Target,
        select: &'a Select<'a>,
        options: &'a RestoreOptions,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            target,
            select,
            options,
            observer,
            repository,
            reader: BlobReader::new(repository),
            index: repository.index().reader(),
            levels: Vec::new(),
            path: Vec::new(),
            shown: Vec::new(),
            first_names: HashMap::new(),
            has_sources: false,
            plan: Plan::default(),
        }
    }

    /// Walks the directory.
    pub fn plan(mut self, folder: &Folder) -> Result<Plan, EngineError> {
        self.has_sources = matches!(folder, Folder::Sources(_));
        // The target itself exists already.
        let state = Some(LevelState { is_new: false });
        self.push_level(Entries::as_files(folder), state, None);
        while let Some(level) = self.levels.last_mut() {
            if self.observer.is_interrupted() {
                return Err(EngineError::Interrupted);
            }
            match level.entries.next(&mut self.reader, &mut |_| Ok(true))? {
                Some(named) => self.entry(named)?,
                None => self.leave(),
            }
        }
        Ok(self.plan)
    }

    fn push_level(
        &mut self,
        entries: Entries,
        state: Option<LevelState>,
        metadata: Option<Metadata>,
    ) {
        let (path_length, shown_length) = (self.path.len(), self.shown.len());
        let names = Vec::new();
        self.levels.push(Level { entries, path_length, shown_length, state, metadata, names });
    }

    /// `/` and the path of an entry of the present directory.
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

    fn entry(&mut self, named: Named) -> Result<(), EngineError> {
        let Named { entry, part } = named;
        self.enter_path(&entry.name, part.as_ref().unwrap_or(&entry.name));
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        let selection = (self.select)(&self.shown, is_directory);
        if self.options.delete
            && let Some(level) = self.levels.last_mut()
        {
            level.names.push(entry.name.clone());
        }
        if selection == Selection::Skip {
            self.leave_path();
            return Ok(());
        }
        if selection == Selection::Take {
            self.tell_renamed();
        }
        let below = self.levels.last().and_then(|level| level.entries.below(&entry));
        if let (EntryKind::Directory(root), Some(below)) = (&entry.kind, below) {
            let depth = self.levels.len() - usize::from(self.has_sources);
            if let Err(error) = check_depth(depth, root) {
                self.plan.report.errors += 1;
                trouble(self.observer, &self.path, "restore", &error);
                self.leave_path();
                return Ok(());
            }
            let is_source = self.has_sources && self.levels.len() == 1;
            return self.directory(below, (!is_source).then_some(entry.metadata), selection);
        }
        if selection == Selection::Take {
            let outcome = self.make_parents().and_then(|state| self.leaf(entry, state));
            self.settle(outcome)?;
        }
        self.leave_path();
        Ok(())
    }

    /// Reports an object that no file can be called as; it is restored under another name.
    fn tell_renamed(&mut self) {
        let is_object = self.levels.last().is_some_and(|level| level.entries.is_object());
        if is_object && self.path != self.shown {
            self.plan.report.renamed += 1;
            let name = self.path.escape_ascii();
            let message = format!("no file can be called as this key; it is restored as {name}");
            trouble(self.observer, &self.shown, "restore", &message);
        }
    }

    /// Reports a target's refusal of the present path, and lets repository failures pass.
    fn settle(&mut self, outcome: Result<(), EngineError>) -> Result<(), EngineError> {
        match outcome {
            Err(EngineError::Target(error)) => {
                self.plan.report.errors += 1;
                trouble(self.observer, &self.path, "restore", &error);
                Ok(())
            }
            other => other,
        }
    }

    fn directory(
        &mut self,
        entries: Entries,
        metadata: Option<Metadata>,
        selection: Selection,
    ) -> Result<(), EngineError> {
        let mut state = None;
        if selection == Selection::Take {
            self.plan.report.total_files += 1;
            match self.make_parents().and_then(|_| self.make_directory()) {
                Ok(made) => state = Some(made),
                Err(error) => {
                    // Without the directory nothing below it can be restored.
                    self.settle(Err(error))?;
                    self.leave_path();
                    return Ok(());
                }
            }
            self.plan.report.files_restored += 1;
            let path = self.relative();
            self.plan.directories.extend(metadata.clone().map(|metadata| (path, metadata)));
        }
        self.push_level(entries, state, metadata);
        Ok(())
    }

    fn leave(&mut self) {
        let Some(mut level) = self.levels.pop() else { return };
        if self.options.delete && level.state.is_some_and(|state| !state.is_new) {
            // Parts of keys come in the order of the keys, where what follows them counts.
            level.names.sort_unstable();
            self.find_extra(&level);
        }
        self.leave_path();
    }

    fn find_extra(&mut self, level: &Level) {
        let directory = self.relative();
        let Ok(present) = self.target.list(&directory) else { return };
        for name in present {
            if level.names.binary_search(&name).is_err() {
                let below = |path: &[u8]| [path, b"/", &name].concat();
                if (self.select)(&below(&self.shown), false) != Selection::Skip {
                    self.plan.extra.push(below(&self.path).split_off(1));
                }
            }
        }
    }

    /// The present path as the target wants it.
    fn relative(&self) -> Vec<u8> {
        self.path.get(1..).unwrap_or_default().to_vec()
    }

    /// Makes the directories above that were only passed through so far; returns what holds for the
    /// last.
    fn make_parents(&mut self) -> Result<LevelState, EngineError> {
        for place in 0..self.levels.len() {
            if self.levels[place].state.is_none() {
                let path = self.path[1..self.levels[place].path_length].to_vec();
                let state = self.make_directory_at(&path)?;
                self.levels[place].state = Some(state);
                if let Some(metadata) = self.levels[place].metadata.clone() {
                    self.plan.directories.push((path, metadata));
                }
            }
        }
        let state = self.levels.last().and_then(|level| level.state);
        Ok(state.unwrap_or(LevelState { is_new: false }))
    }

    fn make_directory(&self) -> Result<LevelState, EngineError> {
        self.make_directory_at(&self.relative())
    }

    fn make_directory_at(&self, path: &[u8]) -> Result<LevelState, EngineError> {
        if self.options.dry_run {
            let exists =
                matches!(self.target.existing(path), Ok(Some(Existing { is_directory: true, .. })));
            return Ok(LevelState { is_new: !exists });
        }
        Ok(LevelState { is_new: self.target.directory(path)? })
    }

    fn leaf(&mut self, entry: Entry, parent: LevelState) -> Result<(), EngineError> {
        self.plan.report.total_files += 1;
        let path = self.relative();
        if self.is_second_name(&entry, &path) {
            return Ok(());
        }
        let existing = if parent.is_new { None } else { self.target.existing(&path)? };
        match &entry.kind {
            EntryKind::File { .. } => self.file(entry, path, existing),
            _ => self.special(&entry, &path, existing.is_some()),
        }
    }

    /// Takes note of files with several names; true if this is not the first of them.
    fn is_second_name(&mut self, entry: &Entry, path: &[u8]) -> bool {
        if entry.metadata.links < 2 || entry.metadata.inode == 0 {
            return false;
        }
        let key = (entry.metadata.device, entry.metadata.inode);
        let first =
            self.first_names.entry(key).or_insert_with(|| (entry.kind.clone(), path.to_vec()));
        let is_second = first.1 != path && first.0 == entry.kind;
        if is_second {
            self.plan.links.push((path.to_vec(), first.1.clone()));
        }
        is_second
    }

    fn special(&mut self, entry: &Entry, path: &[u8], exists: bool) -> Result<(), EngineError> {
        if exists && self.options.overwrite == Overwrite::Never {
            self.plan.report.files_skipped += 1;
            return Ok(());
        }
        if !self.options.dry_run {
            self.target.special(path, entry)?;
        }
        self.plan.report.files_restored += 1;
        let action = if exists { Action::Modified } else { Action::New };
        self.report_entry(action, 0);
        Ok(())
    }

    fn report_entry(&self, action: Action, bytes: u64) {
        let (path, is_directory) = (&self.path, false);
        self.observer.event(Event::Entry { path, action, is_directory, bytes });
    }

    fn file(
        &mut self,
        entry: Entry,
        path: Vec<u8>,
        existing: Option<Existing>,
    ) -> Result<(), EngineError> {
        let EntryKind::File { size, codec, main, .. } = &entry.kind else { return Ok(()) };
        let (size, codec) = (*size, *codec);
        self.plan.report.total_bytes += size;
        if codec != 0 {
            let source =
                std::io::Error::other("it is kept in a form that this version cannot undo");
            return Err(TargetError::Io { action: "rebuild the file", source }.into());
        }
        // To be told may take a request; what stays whatever it is need not be known.
        let is_asked = self.options.overwrite != Overwrite::Never;
        let is_current = match &existing {
            Some(existing) if existing.is_file && is_asked => {
                self.target.is_current(&path, &entry)?
            }
            _ => None,
        };
        if let Some(existing) = &existing
            && self.stays(existing, &entry, size, is_current)
        {
            self.skip(size);
            return Ok(());
        }
        let extents = match extents_of(&mut self.reader, main) {
            Ok(extents) => extents,
            Err(error) => return self.unreadable(error),
        };
        let kept = match (&existing, is_current) {
            (Some(existing), None) if existing.is_file => {
                matching_extents(self.repository.keys(), self.target, &path, existing, &extents)
            }
            // The target knows without looking.
            _ => vec![is_current == Some(true); extents.len()],
        };
        if self.options.verify {
            self.plan.to_verify.push((path.clone(), entry.clone()));
        }
        let is_right = existing.as_ref().is_some_and(|it| it.is_file && it.bytes == size)
            && kept.iter().all(|kept| *kept);
        if is_right {
            if !self.options.dry_run {
                self.target.update_metadata(&path, &entry.metadata)?;
            }
            self.skip(size);
            return Ok(());
        }
        let action = if existing.is_some() { Action::Modified } else { Action::New };
        self.plan_file(path, entry, size, action, &extents, &kept)
    }

    /// True if the rule for existing files says that this one is left alone.
    fn stays(
        &self,
        existing: &Existing,
        entry: &Entry,
        size: u64,
        is_current: Option<bool>,
    ) -> bool {
        match self.options.overwrite {
            Overwrite::Always => false,
            Overwrite::Never => true,
            Overwrite::IfNewer => existing.mtime >= entry.metadata.mtime,
            Overwrite::IfChanged => is_current.unwrap_or_else(|| {
                existing.is_file && existing.bytes == size && existing.mtime == entry.metadata.mtime
            }),
        }
    }

    fn skip(&mut self, size: u64) {
        self.plan.report.files_skipped += 1;
        self.plan.report.bytes_skipped += size;
        self.report_entry(Action::Unchanged, size);
    }

    /// The list of a file's chunks cannot be read: that file is lost, the others are not.
    fn unreadable(&mut self, error: RepoError) -> Result<(), EngineError> {
        self.plan.report.errors += 1;
        trouble(self.observer, &self.path, "restore", &error);
        Ok(())
    }

    fn plan_file(
        &mut self,
        path: Vec<u8>,
        entry: Entry,
        size: u64,
        action: Action,
        extents: &[Extent],
        kept: &[bool],
    ) -> Result<(), EngineError> {
        let mut file = PlannedFile::new(path, entry, size, action);
        let (number, first_write) = (self.plan.files.len() as u32, self.plan.writes.len());
        let mut offset = 0;
        for (extent, is_kept) in extents.iter().zip(kept) {
            match extent {
                Extent::Hole { .. } => {}
                Extent::Data { bytes, .. } if *is_kept => {
                    file.kept.push((offset, *bytes));
                    self.plan.report.bytes_skipped += bytes;
                }
                Extent::Data { id, .. } => match self.index.locate(id)? {
                    Some(location) => {
                        self.plan.writes.push(Write { location, id: *id, file: number, offset });
                    }
                    None => {
                        self.plan.writes.truncate(first_write);
                        return self.unreadable(RepoError::BlobMissing { id: *id });
                    }
                },
            }
            offset += extent.bytes();
        }
        let missing = (self.plan.writes.len() - first_write) as u32;
        file.missing.store(missing, Ordering::Relaxed);
        if missing == 0 && !self.options.dry_run {
            file.finish(self.target)?;
            self.report_entry(action, 0);
        }
        self.plan.files.push(file);
        Ok(())
    }
}

/// Reports trouble with one entry.
pub(super) fn trouble(
    observer: &dyn Observer,
    path: &[u8],
    during: &str,
    error: &dyn std::fmt::Display,
) {
    let message = error.to_string();
    observer.event(Event::Trouble { path, during, message: &message });
}
