//! Restoring files and folders, with the owner and mode set in the app file.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use holdfast_connect::words::count;
use holdfast_connect::{Target, TargetError};
use holdfast_engine::look::{Folder, ls};
use holdfast_engine::restore::{
    Overwrite, RestoreOptions, RestoreReport, Selection, WINDOW_BYTES, restore,
};
use holdfast_engine::{EngineError, Observer};
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::read::BlobReader;

use super::FilesRestore;
use super::target::AdjustedTarget;
use crate::kind::step::{Effect, Planning, RestoreError, SourceTree, StepScene, StepWork};

/// One path of a source, and its target.
pub(crate) struct PathMove<'a> {
    /// The tree of the source.
    pub tree: SourceTree<'a>,
    /// The path in it.
    pub from: &'a Path,
    /// The path to restore to.
    pub to: &'a Path,
    /// Owner and mode of restored files.
    pub rules: FilesRestore,
    /// Folder for temporary empty folders that stand in for missing ones.
    scratch: &'a Path,
    /// True if existing files are kept without comparing.
    only_missing: bool,
}

impl<'a> PathMove<'a> {
    /// The restore of one path of a source.
    pub fn new(
        scene: &StepScene<'a>,
        tree: SourceTree<'a>,
        (from, to): (&'a Path, &'a Path),
        rules: FilesRestore,
    ) -> Self {
        let (scratch, only_missing) = (scene.context.scratch, scene.request.only_missing);
        Self { tree, from, to, rules, scratch, only_missing }
    }

    /// Adds to the plan what will be done with its target.
    pub fn plan(&self, name: String, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        let report = self.restore(true, planning.observer)?;
        let (path, files, written) = (self.to.display(), report.total_files, report.files_restored);
        let is_there = self.to.symlink_metadata().is_ok();
        match is_there {
            true => planning.agreed.present(self.to),
            false => planning.agreed.absent(self.to),
        }
        let (effect, detail) = match (is_there, written) {
            (false, _) => (Effect::Make, format!("{path} does not exist; files: {files}")),
            (true, 0) if self.only_missing => {
                let files = count(files, "file", "files");
                let detail =
                    format!("{path} already has them all: {files}; kept without comparing");
                (Effect::Keep, detail)
            }
            // Contents, owners and modes are compared by the restore itself, not here.
            (true, 0) => {
                let detail = format!(
                    "{path} looks unchanged by size and time; contents are compared, and \
                     differences overwritten"
                );
                (Effect::Change, detail)
            }
            (true, _) => {
                let what = if self.only_missing { "are missing" } else { "are missing or differ" };
                let files = count(files, "file", "files");
                (Effect::Change, format!("{path} exists; {written} of {files} {what}"))
            }
        };
        planning.push(name, effect, detail);
        Ok(())
    }

    /// Restores it, unless its target has changed since the plan was made.
    pub fn act(&self, work: &mut StepWork<'_>) -> Result<RestoreReport, RestoreError> {
        let is_made = work.restored_paths.iter().any(|made| self.to.starts_with(made));
        if !self.only_missing && !is_made {
            work.agreed.check(self.to)?;
        }
        work.restored_paths.push(self.to.to_owned());
        let report = self.restore(false, work.observer)?;
        match report.errors {
            0 => Ok(report),
            errors => Err(RestoreError::refused(format!(
                "{errors} entries of {} could not be restored",
                self.to.display()
            ))
            .or("fix the errors above, then run the same command again")),
        }
    }

    /// What the snapshot lacks, in one sentence; `None` if it has the path.
    pub fn lacking(&self) -> Result<Option<String>, RestoreError> {
        let is_there = self.tree.find(self.from.as_os_str().as_bytes())?.is_some();
        Ok((!is_there).then(|| format!("the snapshot has no {}", self.from.display())))
    }

    /// Restores it; with `dry_run` nothing is changed, and the report says what would change.
    ///
    /// Existing folders above it are left as they are; missing ones get their former metadata.
    fn restore(
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
        let target = AdjustedTarget::open(&landing.base, self.rules)?;
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
        moved: &PathMove<'_>,
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
        let target = AdjustedTarget::open(base, moved.rules)?;
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
