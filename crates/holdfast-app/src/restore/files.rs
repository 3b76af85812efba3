//! Restoring files and folders, with the owner and mode set in the app file.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use holdfast_connect::fs::target::{FsTarget, FsTargetOptions};
use holdfast_connect::{Existing, FileSlot, Leftovers, Replace, Target, TargetError};
use holdfast_engine::look::{Folder, ls};
use holdfast_engine::restore::{
    Overwrite, RestoreOptions, RestoreReport, Selection, WINDOW_BYTES, restore,
};
use holdfast_engine::{EngineError, Observer};
use holdfast_format::entry::{Entry, EntryKind, Metadata};
use holdfast_repo::read::BlobReader;

use super::tree::SourceTree;
use super::{Prepared, RestoreError};
use crate::config::FilesRestore;

/// One path of a source, and its target.
pub(super) struct Move<'a> {
    pub tree: &'a SourceTree<'a>,
    pub from: &'a Path,
    pub to: &'a Path,
    pub rules: FilesRestore,
    /// Folder for temporary empty folders that stand in for missing ones.
    pub scratch: &'a Path,
    /// True if existing files are kept without comparing.
    pub only_missing: bool,
}

impl Prepared<'_> {
    /// The restore of one path of a source.
    pub(super) fn file_move<'a>(
        &'a self,
        tree: &'a SourceTree<'a>,
        from: &'a Path,
        to: &'a Path,
        rules: FilesRestore,
    ) -> Move<'a> {
        let (scratch, only_missing) = (self.context.scratch, self.wishes.only_missing);
        Move { tree, from, to, rules, scratch, only_missing }
    }
}

impl Move<'_> {
    /// What the snapshot lacks, in one sentence; `None` if it has the path.
    pub fn lacking(&self) -> Result<Option<String>, RestoreError> {
        let is_there = self.tree.find(self.from.as_os_str().as_bytes())?.is_some();
        Ok((!is_there).then(|| format!("the snapshot has no {}", self.from.display())))
    }

    /// Restores it; with `dry_run` nothing is changed, and the report says what would change.
    ///
    /// Existing folders above it are left as they are; missing ones get their former metadata.
    pub fn restore(
        &self,
        dry_run: bool,
        observer: &dyn Observer,
    ) -> Result<RestoreReport, RestoreError> {
        let Some(place) = self.tree.find(self.from.as_os_str().as_bytes())? else {
            let message = format!("the snapshot has no {}", self.from.display());
            return Err(RestoreError::refused(message)
                .or("give the path it had then, or choose another snapshot"));
        };
        let options = RestoreOptions {
            overwrite: match (self.only_missing, dry_run) {
                (true, _) => Overwrite::Never,
                (false, true) => Overwrite::IfChanged,
                (false, false) => Overwrite::Always,
            },
            delete: None,
            dry_run,
            verify: !dry_run,
            window_bytes: WINDOW_BYTES,
        };
        let plan = match place.entry() {
            None => {
                let folder = self.tree.root.folder().clone();
                Landing { base: self.to.to_owned(), folder, name: Vec::new() }
            }
            Some(_) if self.from == self.to => self.in_place()?,
            Some(entry) => self.moved(entry)?,
        };
        let mut report = plan.restore(self, &options, observer)?;
        // Folders are not counted: they are created and kept along with files.
        let folders = self.folders(observer)?;
        report.total_files = report.total_files.saturating_sub(folders);
        report.files_restored = report.files_restored.saturating_sub(folders);
        if !dry_run && self.from != self.to && plan.base != self.to {
            self.finish_top(&plan)?;
        }
        Ok(report)
    }

    /// Number of folders to restore, including the top one.
    fn folders(&self, observer: &dyn Observer) -> Result<u64, RestoreError> {
        let (mut count, paths) = (0, [self.from.as_os_str().as_bytes().to_vec()]);
        let mut reader = BlobReader::new(self.tree.repository);
        ls(&mut reader, &self.tree.root, &paths, true, observer, &mut |_, entry| {
            count += u64::from(matches!(entry.kind, EntryKind::Directory(_)));
            Ok(())
        })?;
        Ok(count)
    }

    /// Starts at the nearest existing folder.
    fn in_place(&self) -> Result<Landing, RestoreError> {
        let base = self.to.ancestors().skip(1).find(|it| it.is_dir()).unwrap_or(Path::new("/"));
        let below = self.tree.below(base.as_os_str().as_bytes())?;
        let name = self.to.strip_prefix(base).unwrap_or(self.to).as_os_str().as_bytes().to_vec();
        Ok(Landing { base: base.to_owned(), folder: below.root.folder().clone(), name })
    }

    /// Restores to another folder, possibly under another name.
    fn moved(&self, entry: &Entry) -> Result<Landing, RestoreError> {
        let (Some(parent), Some(name)) = (self.to.parent(), self.to.file_name()) else {
            let message = format!("{} is not a path that can be restored to", self.to.display());
            return Err(RestoreError::refused(message));
        };
        let name = name.as_bytes().to_vec();
        let entry = Entry { name: name.clone(), ..entry.clone() };
        Ok(Landing { base: parent.to_owned(), folder: Folder::Sources([entry].into()), name })
    }

    /// Sets the metadata of a folder restored under another name, last.
    fn finish_top(&self, landing: &Landing) -> Result<(), RestoreError> {
        let Folder::Sources(entries) = &landing.folder else { return Ok(()) };
        let Some(entry) = entries.iter().find(|it| matches!(it.kind, EntryKind::Directory(_)))
        else {
            return Ok(());
        };
        let target = Adjusted::open(&landing.base, self.rules)?;
        Ok(target.finish_directory(&entry.name, &entry.metadata).map_err(EngineError::from)?)
    }
}

/// Where the engine's restore starts.
struct Landing {
    /// The folder that is the target.
    base: PathBuf,
    folder: Folder,
    /// The path below it to restore; empty for everything.
    name: Vec<u8>,
}

impl Landing {
    fn restore(
        &self,
        moved: &Move<'_>,
        options: &RestoreOptions<'_>,
        observer: &dyn Observer,
    ) -> Result<RestoreReport, RestoreError> {
        let empty;
        let base = match options.dry_run && !self.base.is_dir() {
            false => {
                std::fs::create_dir_all(&self.base).map_err(|source| {
                    EngineError::from(TargetError::Io { action: "make the folder", source })
                })?;
                &self.base
            }
            true => {
                // A missing folder is represented by an empty one.
                let made = tempfile::tempdir_in(moved.scratch);
                empty = made.map_err(|source| {
                    EngineError::from(TargetError::Io { action: "make a scratch folder", source })
                })?;
                &empty.path().to_owned()
            }
        };
        let target = Adjusted::open(base, moved.rules)?;
        let select = |path: &[u8], _: bool| selection(&self.name, &path[1..]);
        let repository = moved.tree.repository;
        Ok(restore(repository, self.folder.clone(), &target, &select, options, observer)?)
    }
}

/// What to do with a path, if one path and all below it are to be restored.
fn selection(wanted: &[u8], path: &[u8]) -> Selection {
    let is_below = |outer: &[u8], inner: &[u8]| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    if wanted.is_empty() || is_below(wanted, path) {
        Selection::Take
    } else if is_below(path, wanted) {
        Selection::Descend
    } else {
        Selection::Skip
    }
}

/// A file system target that changes owner and mode.
struct Adjusted {
    target: FsTarget,
    rules: FilesRestore,
}

impl Adjusted {
    fn open(base: &Path, rules: FilesRestore) -> Result<Self, EngineError> {
        Ok(Self { target: FsTarget::open(base, FsTargetOptions::default())?, rules })
    }
}

/// The metadata of a file with the rules applied.
pub(super) fn adjusted(rules: FilesRestore, metadata: &Metadata, is_file: bool) -> Metadata {
    let mut metadata = metadata.clone();
    if let Some(owner) = rules.owner {
        (metadata.uid, metadata.gid) = (owner.uid, owner.gid);
        (metadata.user, metadata.group) = (Vec::new(), Vec::new());
    }
    if let Some(mode) = rules.mode.filter(|_| is_file) {
        metadata.mode = mode;
    }
    metadata
}

/// A file whose owner or mode is changed when it is finished.
struct AdjustedSlot {
    slot: Box<dyn FileSlot>,
    rules: FilesRestore,
}

impl FileSlot for AdjustedSlot {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TargetError> {
        self.slot.write_at(offset, bytes)
    }

    fn keep(&self, offset: u64, bytes: u64) -> Result<(), TargetError> {
        self.slot.keep(offset, bytes)
    }

    fn finish(self: Box<Self>, metadata: &Metadata) -> Result<(), TargetError> {
        self.slot.finish(&adjusted(self.rules, metadata, true))
    }
}

impl Target for Adjusted {
    fn existing(&self, path: &[u8]) -> Result<Option<Existing>, TargetError> {
        self.target.existing(path)
    }

    fn directory(&self, path: &[u8]) -> Result<bool, TargetError> {
        self.target.directory(path)
    }

    fn finish_directory(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError> {
        self.target.finish_directory(path, &adjusted(self.rules, metadata, false))
    }

    fn file(
        &self,
        path: &[u8],
        bytes: u64,
        replace: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError> {
        let slot = self.target.file(path, bytes, replace)?;
        Ok(Box::new(AdjustedSlot { slot, rules: self.rules }))
    }

    fn special(&self, path: &[u8], entry: &Entry, replace: Replace) -> Result<(), TargetError> {
        let metadata = adjusted(self.rules, &entry.metadata, false);
        self.target.special(path, &Entry { metadata, ..entry.clone() }, replace)
    }

    fn hard_link(&self, path: &[u8], original: &[u8], replace: Replace) -> Result<(), TargetError> {
        self.target.hard_link(path, original, replace)
    }

    fn update_metadata(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError> {
        self.target.update_metadata(path, &adjusted(self.rules, metadata, true))
    }

    fn read_at(&self, path: &[u8], offset: u64, buffer: &mut [u8]) -> Result<usize, TargetError> {
        self.target.read_at(path, offset, buffer)
    }

    fn list(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, TargetError> {
        self.target.list(path)
    }

    fn remove(&self, path: &[u8]) -> Result<(), TargetError> {
        self.target.remove(path)
    }

    fn remove_leftovers(&self, path: &[u8]) -> Result<Leftovers, TargetError> {
        self.target.remove_leftovers(path)
    }

    fn sync(&self) -> Result<(), TargetError> {
        self.target.sync()
    }
}

/// A path of a snapshot as a system path.
pub(super) fn system_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}
