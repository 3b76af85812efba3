//! Opens and creates the repository that a command works on.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use holdfast_backend::{Backend, BackendError, Local, ObjectName, RateLimit, Reserve};
use holdfast_format::name;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{IndexFrom, OpenOptions, RepoError, Repository, unlock};
use holdfast_seal::{FrameCompression, SlotLabel};

use crate::cli::CompressionMode;
use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult};
use crate::foreign;
use crate::output::{escape, text};

/// Maximum number of unusable records listed when a repository is opened.
const RECORDS_NAMED_MAX: usize = 8;
/// Default memory for the index in MiB.
const INDEX_MEMORY_MIB: u32 = 16;

/// A folder that is deleted when it is dropped.
///
/// # Errors
/// A failure that names TMPDIR.
pub fn scratch_folder() -> CommandResult<tempfile::TempDir> {
    let failed = |error| format!("cannot create a temporary folder in TMPDIR: {error}");
    tempfile::tempdir().map_err(|error| CommandError::failed(failed(error)))
}

impl Context {
    /// The storage of the repository, which must exist: without one, asking for a passphrase is
    /// pointless.
    ///
    /// # Errors
    /// [`crate::exit::ExitKind::NoRepository`] if the folder does not exist or belongs to another
    /// program.
    pub fn storage(&self) -> CommandResult<Arc<Local>> {
        let location = self.location()?;
        Ok(Arc::new(storage(location.path())?))
    }

    /// Opens the repository.
    ///
    /// # Errors
    /// See [`Repository::open`].
    pub fn open(&self) -> CommandResult<Repository> {
        let repository = self.open_with(self.storage()?, &self.open_options())?;
        self.tell_lost_records(&repository);
        Ok(repository)
    }

    /// Opens the repository for a command that frees space: its own writes may use the reserve.
    /// Call [`Context::fill_reserve`] when it is done.
    ///
    /// # Errors
    /// As [`Context::open`].
    pub fn open_with_reserve(&self) -> CommandResult<Repository> {
        let is_worth_it = |name: &ObjectName| !name.as_str().starts_with(name::PACKS);
        let storage = Reserve::new(self.storage()?, is_worth_it);
        let repository = self.open_with(Arc::new(storage), &self.open_options())?;
        self.tell_lost_records(&repository);
        Ok(repository)
    }

    /// Fills the reserve for a full disk, as far as there is space.
    pub fn fill_reserve(&self) {
        if let Ok(location) = self.location() {
            fill_reserve(location.path());
        }
    }

    /// Warns of records that cannot be used.
    pub fn tell_lost_records(&self, repository: &Repository) {
        let lost: Vec<_> = repository.history().damaged().collect();
        self.miss_records(lost.len() as u64);
        for record in lost.iter().take(RECORDS_NAMED_MAX) {
            let (object, reason) = (&record.object, &record.reason);
            self.output.caution(&format!("record {object} cannot be used: {reason}"));
        }
        if lost.len() > RECORDS_NAMED_MAX {
            let more = text::count((lost.len() - RECORDS_NAMED_MAX) as u64, "record", "records");
            self.output.caution(&format!("{more} more cannot be used"));
        }
    }

    /// Opens the repository with an index built only from its index objects, not from the local
    /// cache.
    ///
    /// # Errors
    /// As [`Context::open`].
    pub fn open_without_cache(&self) -> CommandResult<Repository> {
        self.open_with(self.storage()?, &self.options(self.index_of_objects()))
    }

    fn open_with(
        &self,
        storage: Arc<dyn Backend>,
        options: &OpenOptions,
    ) -> CommandResult<Repository> {
        let secret = self.passphrase()?.secret()?;
        let repository = Repository::open(self.limited(storage), &secret, options)?;
        for object in &repository.missing().index_objects {
            self.output.warn(&format!(
                "{object} is missing or damaged; its content was read from the packs; \
                 try: holdfast repair index"
            ));
        }
        Ok(repository)
    }

    /// The storage of a repository, limited by `--limit-upload` and `--limit-download`.
    pub fn limited(&self, storage: Arc<dyn Backend>) -> Arc<dyn Backend> {
        match self.global.restic.rates() {
            Some(rates) => Arc::new(RateLimit::new(storage, rates, Arc::clone(&self.interrupted))),
            None => storage,
        }
    }

    /// How repositories are opened.
    pub fn open_options(&self) -> OpenOptions {
        self.options(self.index_from())
    }

    fn options(&self, index: IndexFrom) -> OpenOptions {
        let index_memory_mib = self.global.index_memory.unwrap_or(INDEX_MEMORY_MIB);
        OpenOptions {
            cache_folder: self.cache_folder(),
            index,
            accept_older: self.global.accept_rollback,
            notice: self.cache_notice(),
            cache_bytes_max: (index_memory_mib as usize) << 20,
            ..OpenOptions::default()
        }
    }

    /// How blobs are written.
    pub fn write_options(&self) -> WriteOptions {
        let level = |level| FrameCompression::Zstd { level };
        let compression = match self.global.compression.unwrap_or_default() {
            CompressionMode::Auto => COMPRESSION_DEFAULT,
            CompressionMode::Off => FrameCompression::Stored,
            CompressionMode::Fastest => level(1),
            CompressionMode::Better => level(9),
            CompressionMode::Max => level(19),
        };
        WriteOptions {
            compression,
            verify: !self.global.no_extra_verify,
            pack_bytes: self.global.pack_size.unwrap_or(0) << 20,
            dry_run: false,
        }
    }

    /// The label of a new key slot.
    pub fn slot_label(&self, label: &str) -> SlotLabel {
        SlotLabel {
            label: label.to_owned(),
            host: environment::host_name(),
            user: self.environment.user_name(),
            created: environment::now(),
        }
    }
}

/// The storage of a repository in a folder.
///
/// # Errors
/// [`crate::exit::ExitKind::NoRepository`] if there is none; the error names the program if the
/// repository belongs to another one.
pub fn storage(folder: &Path) -> CommandResult<Local> {
    let storage = Local::open(folder)?;
    match unlock::read_config(&storage) {
        Ok(_) => Ok(storage),
        Err(error @ (RepoError::NotARepository | RepoError::ConfigDamaged(_))) => {
            let other = foreign::program(folder);
            Err(other.map_or_else(|| error.into(), |program| foreign::belongs_to(program, folder)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Fills the reserve for a full disk. Commands work without it if there is no space or the
/// repository is read-only.
pub fn fill_reserve(folder: &Path) {
    if let Ok(storage) = Local::open(folder) {
        let _ = storage.fill_reserve();
    }
}

/// Refuses to create a repository in a folder that holds more than the remains of an `init`.
/// Creates nothing yet.
///
/// # Errors
/// A failure that names the folder and its content, or the missing parent folder.
pub fn check_new(folder: &Path) -> CommandResult {
    if folder.is_dir() {
        if let Ok(storage) = Local::open(folder)
            && !matches!(unlock::read_config(&storage), Err(RepoError::NotARepository))
        {
            return Err(already_initialized(folder));
        }
        return foreign::refuse_unless_empty(folder);
    }
    match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() && !above.exists() => Err(no_folder(folder)),
        _ => Ok(()),
    }
}

/// The folder of a new repository, created if it does not exist. If `init` fails, folders that are
/// left empty are removed.
pub struct NewFolder<'a> {
    folder: &'a Path,
    was_there: bool,
    is_kept: bool,
}

impl<'a> NewFolder<'a> {
    /// Creates the folder.
    ///
    /// # Errors
    /// Storage failures.
    pub fn make(folder: &'a Path) -> CommandResult<(Local, NewFolder<'a>)> {
        let was_there = folder.exists();
        let storage = Local::create(folder).map_err(|error| match error {
            BackendError::NotFound { .. } => no_folder(folder),
            other => other.into(),
        })?;
        Ok((storage, NewFolder { folder, was_there, is_kept: false }))
    }

    /// Keeps the folder, which now holds a repository.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for NewFolder<'_> {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // Folders that are not empty are kept: this cannot remove them.
        for name in ["keys", "tmp"] {
            let _not_empty = fs::remove_dir(self.folder.join(name));
        }
        if !self.was_there {
            let _not_empty = fs::remove_dir(self.folder);
        }
    }
}

fn no_folder(folder: &Path) -> CommandError {
    let parent = escape::path(folder.parent().unwrap_or(folder));
    let folder = escape::path(folder);
    CommandError::failed(format!("the parent folder of {folder} does not exist"))
        .hint(format!("mkdir -p {parent}, once you are sure that its disk is mounted"))
}

/// The location already holds a repository. Scripts look for restic's words.
fn already_initialized(folder: &Path) -> CommandError {
    let place = escape::path(folder);
    CommandError::failed(format!(
        "the repository at {place} is already initialized: config file already exists"
    ))
    .hint(format!("holdfast snapshots -r {place}"))
}
