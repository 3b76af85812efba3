//! Walking the tree: make directories, gather what their entries need, work it off in windows.

use holdfast_connect::{Existing, Target, TargetError};
use holdfast_format::entry::{Content, Entry, EntryKind, Metadata};
use holdfast_repo::index::IndexReader;
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};

use super::compare::is_there;
use super::file::Site;
use super::links::{LinkKey, Links, OriginalState};
use super::names::Names;
use super::window::{PlannedLink, Window, Written};
use super::{Overwrite, RestoreOptions, RestoreReport, Select, Selection, fetch, trouble};
use crate::look::{Entries, Extents, Folder, Named, check_depth};
use crate::{Action, EngineError, Event, Observer};

/// A directory that the walk is in.
struct Level {
    entries: Entries,
    path_length: usize,
    shown_length: usize,
    /// `None` until something below it is restored.
    state: Option<LevelState>,
    /// `None` for what is not stored: the target itself, and directories that stand for sources.
    metadata: Option<Metadata>,
    names: Names,
}

#[derive(Clone, Copy)]
pub(super) struct LevelState {
    /// True if it was made just now: nothing can exist in it.
    pub is_new: bool,
}

/// Walks one tree.
pub(super) struct Walker<'a> {
    pub(super) target: &'a dyn Target,
    select: &'a Select<'a>,
    pub(super) options: &'a RestoreOptions<'a>,
    pub(super) observer: &'a dyn Observer,
    pub(super) repository: &'a Repository,
    pub(super) reader: BlobReader<'a>,
    pub(super) index: IndexReader,
    levels: Vec<Level>,
    /// Where the present entry goes.
    path: Vec<u8>,
    /// What people call it, which differs for objects whose keys no file can have.
    shown: Vec<u8>,
    pub(super) links: Links,
    pub(super) window: Window,
    /// True if the top has a directory for each source.
    has_sources: bool,
    pub(super) report: RestoreReport,
}

impl<'a> Walker<'a> {
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
            index: repository.index().reader(),
            levels: Vec::new(),
            path: Vec::new(),
            shown: Vec::new(),
            links: Links::default(),
            window: Window::default(),
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
        self.push_level(Entries::as_files(folder), state, None);
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
        match self.report.leftovers {
            0 => {}
            count => {
                let files = if count == 1 { "1 unfinished file" } else { "unfinished files" };
                let count = if count == 1 { String::new() } else { format!("{count} ") };
                let message = format!("removed {count}{files} that a killed restore had left");
                self.observer.event(Event::Note { message: &message });
            }
        }
        Ok(self.report)
    }

    /// Part of the present directory cannot be read: what it held is lost, and nothing else.
    fn lose(&mut self, error: EngineError) -> Result<(), EngineError> {
        match error {
            EngineError::Repo(RepoError::Cache(_) | RepoError::Stopped(_))
            | EngineError::Interrupted => Err(error),
            error => {
                self.report.errors += 1;
                let message = format!("part of the folder cannot be read: {error}");
                trouble(self.observer, &self.shown, &message);
                Ok(())
            }
        }
    }

    fn push_level(
        &mut self,
        entries: Entries,
        state: Option<LevelState>,
        metadata: Option<Metadata>,
    ) {
        let (path_length, shown_length) = (self.path.len(), self.shown.len());
        let names = Names::default();
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
        if selection == Selection::Skip {
            self.leave_path();
            return Ok(());
        }
        if selection == Selection::Take {
            self.tell_renamed();
        }
        let below = self.levels.last().and_then(|level| level.entries.below(&entry));
        if let (EntryKind::Directory(root), Some(below)) = (&entry.kind, below) {
            if let Err(error) = check_depth(self.levels.len(), root) {
                self.lose(error)?;
                self.leave_path();
                return Ok(());
            }
            let is_source = self.has_sources && self.levels.len() == 1;
            return self.directory(below, (!is_source).then_some(entry.metadata), selection);
        }
        if selection == Selection::Take {
            self.report.total_files += 1;
            let outcome = self.make_parents().and_then(|state| self.first_look(entry, state));
            self.settle(outcome)?;
        }
        self.leave_path();
        Ok(())
    }

    /// Reports an object that no file can be called as; it is restored under another name.
    fn tell_renamed(&mut self) {
        let is_object = self.levels.last().is_some_and(|level| level.entries.is_object());
        if is_object && self.path != self.shown {
            self.report.renamed += 1;
            let name = self.path.escape_ascii();
            let message = format!("no file can be called as this key; it is restored as {name}");
            trouble(self.observer, &self.shown, &message);
        }
    }

    /// Reports a target's refusal of the present path, and lets repository failures pass.
    fn settle(&mut self, outcome: Result<(), EngineError>) -> Result<(), EngineError> {
        match outcome {
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
        entries: Entries,
        metadata: Option<Metadata>,
        selection: Selection,
    ) -> Result<(), EngineError> {
        let mut state = None;
        if selection == Selection::Take {
            self.report.total_files += 1;
            match self.make_parents().and_then(|parent| self.make_directory(parent)) {
                Ok(made) => state = Some(made),
                Err(error) => {
                    // Without the directory nothing below it can be restored.
                    self.settle(Err(error))?;
                    self.leave_path();
                    return Ok(());
                }
            }
            self.report.files_restored += 1;
        }
        self.push_level(entries, state, metadata);
        Ok(())
    }

    fn leave(&mut self) {
        let path = self.relative();
        let Some(level) = self.levels.pop() else { return };
        if level.state.is_some()
            && let Some(metadata) = level.metadata
        {
            self.window.add_directory(path, metadata);
        }
        self.leave_path();
    }

    /// The present path as the target wants it.
    pub(super) fn relative(&self) -> Vec<u8> {
        self.path.get(1..).unwrap_or_default().to_vec()
    }

    /// Makes the directories above that were only passed through so far; returns what holds for the
    /// last.
    fn make_parents(&mut self) -> Result<LevelState, EngineError> {
        let mut parent = LevelState { is_new: false };
        for place in 0..self.levels.len() {
            parent = match self.levels[place].state {
                Some(state) => state,
                None => {
                    let path = self.path[1..self.levels[place].path_length].to_vec();
                    let state = self.make_directory_at(&path, parent)?;
                    self.levels[place].state = Some(state);
                    state
                }
            };
        }
        Ok(parent)
    }

    fn make_directory(&mut self, parent: LevelState) -> Result<LevelState, EngineError> {
        let path = self.relative();
        self.meet_name(&path, None)?;
        self.make_directory_at(&path, parent)
    }

    fn make_directory_at(
        &mut self,
        path: &[u8],
        parent: LevelState,
    ) -> Result<LevelState, EngineError> {
        let existing = if parent.is_new { None } else { self.target.existing(path)? };
        let is_there = existing.as_ref().is_some_and(|existing| existing.is_directory);
        let replaces = matches!(self.options.overwrite, Overwrite::Always | Overwrite::IfChanged);
        if existing.is_some() && !is_there && !replaces {
            return Err(refused("make the folder, nor what is in it", "a file has its name").into());
        }
        if self.options.dry_run {
            return Ok(LevelState { is_new: !is_there });
        }
        let is_new = self.target.directory(path)?;
        if parent.is_new && !is_new {
            // Another entry of this folder is called so on the target.
            return Err(TargetError::Taken.into());
        }
        if !is_new {
            self.remove_leftovers(path);
        }
        Ok(LevelState { is_new })
    }

    /// Takes note of a name of the present directory.
    pub(super) fn meet_name(
        &mut self,
        path: &[u8],
        existing: Option<&Existing>,
    ) -> Result<(), EngineError> {
        match self.levels.last_mut() {
            Some(level) => Ok(level.names.meet(self.target, path, existing)?),
            None => Ok(()),
        }
    }

    /// Removes what killed restores left in a directory that stood there before.
    fn remove_leftovers(&mut self, path: &[u8]) {
        if self.options.dry_run {
            return;
        }
        // What cannot be listed is met again where it matters.
        let Ok(found) = self.target.remove_leftovers(path) else { return };
        self.report.leftovers += found.removed;
        for name in found.unproven {
            let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
            let shown = [b"/", path, slash, &name].concat();
            let message = format!(
                "{} looks like an unfinished file of a restore that was killed; remove it if no \
                 restore is under way",
                shown.escape_ascii()
            );
            self.observer.event(Event::Note { message: &message });
        }
    }

    /// Where files of this restore get their names.
    pub(super) fn site(&self) -> Site<'a> {
        Site { target: self.target, deletion: self.options.delete }
    }

    /// Does everything that was gathered.
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
            window.first_names.into_iter().for_each(|key| self.links.settle(key));
            // What a link cannot be made to is gathered again.
            window.links.into_iter().try_for_each(|link| self.link(link))?;
        }
        self.links.forget_complete();
        let (files, bytes) = (self.report.total_files, self.report.total_bytes);
        self.observer.event(Event::Total { files, bytes, is_final: false });
        if self.options.dry_run {
            return Ok(());
        }
        for (path, metadata) in &directories {
            let outcome = self.target.finish_directory(path, metadata);
            self.report.settle(outcome, path, self.observer, |_| {});
        }
        for Written { path, content, bytes, file } in &to_verify {
            if file.as_ref().is_some_and(|file| !file.is_finished()) {
                continue;
            }
            match self.verify(path, content, *bytes) {
                Err(error @ EngineError::Repo(RepoError::Cache(_))) => return Err(error),
                outcome => {
                    let count = |report: &mut RestoreReport| report.files_verified += 1;
                    self.report.settle(outcome, path, self.observer, count);
                }
            }
        }
        Ok(())
    }

    /// Makes a name a link to the one before; where that failed, it is restored by itself.
    fn link(&mut self, link: PlannedLink) -> Result<(), EngineError> {
        let original = self.links.original(link.key).map(|original| {
            (original.path.clone(), matches!(original.state, OriginalState::Right))
        });
        let Some((original, _)) =
            original.filter(|(_, is_right)| *is_right || self.options.dry_run)
        else {
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
                let action = if link.exists { Action::Modified } else { Action::New };
                self.report_entry(&link.path, action, 0);
                Ok(())
            }
            Err(TargetError::Io { source, .. }) => {
                let message = format!("it becomes a copy: cannot create the hard link: {source}");
                self.report.trouble(&link.path, &message, self.observer);
                self.by_itself(link.entry, link.path, None)
            }
            Err(error) => {
                self.report.trouble(&link.path, &error, self.observer);
                Ok(())
            }
        }
    }

    pub(super) fn report_entry(&self, path: &[u8], action: Action, bytes: u64) {
        let (path, is_directory) = (&[b"/", path].concat(), false);
        self.observer.event(Event::Entry { path, action, is_directory, bytes });
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
            Err(EngineError::Target(error)) => {
                self.report.trouble(&path, &error, self.observer);
                Ok(())
            }
            other => other,
        }
    }
}

/// What a restore that replaces nothing does not do.
pub(super) fn refused(action: &'static str, why: &'static str) -> TargetError {
    TargetError::Io { action, source: std::io::Error::other(why) }
}
