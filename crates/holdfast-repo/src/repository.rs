//! Creating and opening a repository.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_backend::{Backend, BackendError, StorageLocation};
use holdfast_format::config::{Config, StoredConfig};
use holdfast_format::limits::RECORD_BYTES_MAX;
use holdfast_format::record::GenerationBody;
use holdfast_format::slot::{KdfCost, KeySlot};
use holdfast_format::{RepositoryId, SlotId, WriterId, name};
use holdfast_seal::{Keys, MasterKey, Secret, SlotLabel, create_slot, seal_config};
use rayon::ThreadPool;

use crate::RepoError;
use crate::history::History;
use crate::index::{Index, IndexOptions, Missing, Notice};
use crate::local::{self, Heads, Rollback};
use crate::read::FrameCache;
use crate::remembered;
use crate::slots::{FoundSlot, SlotMutation, delete_slot, finish_removals, read_slot, store_slot};
use crate::unlock::{Order, check_authentic, config_names, read_config, unlock};

/// What opening needs besides the storage and a secret.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Folder under which this machine keeps local state of each repository; with `None` nothing is
    /// kept.
    pub cache_folder: Option<PathBuf>,
    /// Where the index comes from.
    pub index: IndexFrom,
    /// True if the repository may be in an older state than when it was last used.
    pub accept_older: bool,
    /// Called if local state cannot be kept.
    pub notice: Notice,
    /// Memory that the cache of the index may use, in bytes.
    pub cache_bytes_max: usize,
    /// Threads for compression and encryption; 0 for one per processor.
    pub threads: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            cache_folder: None,
            index: IndexFrom::Cache,
            accept_older: false,
            notice: Notice::default(),
            cache_bytes_max: 16 << 20,
            threads: 0,
        }
    }
}

/// Where the index of a repository comes from when it is opened.
#[derive(Debug, Clone, Default)]
pub enum IndexFrom {
    /// From what earlier runs kept, and the objects that are new since.
    #[default]
    Cache,
    /// From the objects alone. The index is built in this folder, which belongs to the caller;
    /// without one, in memory.
    Objects(Option<PathBuf>),
}

/// What this machine keeps of a repository, and where.
#[derive(Debug)]
struct LocalState {
    folder: PathBuf,
    place: StorageLocation,
    /// The known heads of the chains there.
    heads: Heads,
}

/// Key slots of an `init` that did not finish. Anything else belongs to someone: a repository,
/// intact or not, or the files of another program.
fn leftovers(backend: &dyn Backend) -> Result<Vec<SlotId>, RepoError> {
    for name in config_names()? {
        match backend.size(&name) {
            Ok(_) => return Err(RepoError::AlreadyExists),
            Err(BackendError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut slots = Vec::new();
    for listed in backend.list("")? {
        let Some(id) = name::slot_id(listed.name.as_ref()) else {
            return Err(RepoError::NotEmpty { object: listed.name.to_string() });
        };
        // A truncated copy is harmless if the other one is intact.
        if !slots.contains(&id) && !is_slot(&read_slot(backend, &id)?, &id) {
            return Err(RepoError::NotEmpty { object: listed.name.to_string() });
        }
        slots.push(id);
    }
    slots.dedup();
    Ok(slots)
}

fn is_slot(found: &FoundSlot, id: &SlotId) -> bool {
    found.slot.as_ref().is_ok_and(|slot| slot.header.id == *id)
}

/// Deletes the existing copies of this config. One whose put failed may be among them; another
/// `init`'s config is not.
fn take_config_back(backend: &dyn Backend, config: &[u8]) -> Result<(), RepoError> {
    for name in config_names()? {
        match backend.get(&name, RECORD_BYTES_MAX) {
            Ok(found) if found[..] == *config => backend.delete(&name)?,
            Ok(_) | Err(BackendError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The slot that opened the repository, or another one that opens with the same secret, unless
/// records remove it. Removed slots found on the way are deleted.
fn in_force(
    backend: &dyn Backend,
    stored: &StoredConfig,
    secret: &Secret,
    slot: KeySlot,
    history: &History,
) -> Result<KeySlot, RepoError> {
    finish_removals(backend, history);
    let removed = history.removed_keys();
    if !removed.contains(&slot.header.id) || SlotMutation::RemovedOpens.is_on() {
        return Ok(slot);
    }
    let order = Order { first: None, removed: Some(removed) };
    match unlock(backend, stored, secret, &order) {
        Ok((_, other)) => Ok(other),
        Err(RepoError::Backend(error)) => Err(error.into()),
        Err(_) => Err(RepoError::KeyRemoved { slot: slot.header.id.to_hex() }),
    }
}

/// An open repository.
#[derive(Debug)]
pub struct Repository {
    backend: Arc<dyn Backend>,
    keys: Arc<Keys>,
    config: Config,
    index: Arc<Index>,
    history: Mutex<History>,
    /// Number of the first generation record that the index does not know.
    index_generation: AtomicU64,
    missing: Missing,
    slot: KeySlot,
    pool: Arc<ThreadPool>,
    frames: Arc<FrameCache>,
    kept: Option<LocalState>,
}

impl Repository {
    /// Creates a repository that opens with `secret`. Its config decides: without it there is no
    /// repository, and of two created at once the first config counts.
    ///
    /// Key slots that an earlier `init` left are removed. Anything else is kept, and no repository
    /// is created next to it.
    ///
    /// # Errors
    /// [`RepoError::AlreadyExists`], [`RepoError::NotEmpty`]; storage and sealing failures.
    pub fn init(
        backend: &dyn Backend,
        secret: &Secret,
        cost: KdfCost,
        label: &SlotLabel,
        adjust: impl FnOnce(&mut Config),
    ) -> Result<RepositoryId, RepoError> {
        let leftovers = leftovers(backend)?;
        let master = MasterKey::generate()?;
        let keys = Keys::derive(&master);
        let slot = create_slot(&master, &keys, secret, cost, label)?;
        let mut config = Config::new(keys.repository_id());
        adjust(&mut config);
        let object = seal_config(&keys, &config).encode();
        let stored = store_slot(backend, &slot).and_then(|()| {
            config_names()?.into_iter().rev().try_for_each(|name| {
                match backend.put(&name, &[&object]) {
                    Err(BackendError::AlreadyExists { .. }) => Err(RepoError::AlreadyExists),
                    outcome => Ok(outcome?),
                }
            })
        });
        if let Err(error) = stored {
            // A config whose slot is gone would be a repository that no one can open.
            if take_config_back(backend, &object).is_ok() {
                let _left = delete_slot(backend, &slot.header.id);
            }
            return Err(error);
        }
        // Only now: another `init` running here has lost to this config.
        leftovers.iter().try_for_each(|id| delete_slot(backend, id))?;
        Ok(keys.repository_id())
    }

    /// Opens a repository and brings its index cache up to date.
    ///
    /// # Errors
    /// See [`read_config`]; for the secret [`RepoError::WrongSecret`] and the variants next to it,
    /// [`RepoError::KeyRemoved`]; storage failures; damaged chains.
    pub fn open(
        backend: Arc<dyn Backend>,
        secret: &Secret,
        options: &OpenOptions,
    ) -> Result<Self, RepoError> {
        Ok(Self::open_with_master_key(backend, secret, options)?.0)
    }

    /// Opens a repository and keeps the master key, for new key slots.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn open_with_master_key(
        backend: Arc<dyn Backend>,
        secret: &Secret,
        options: &OpenOptions,
    ) -> Result<(Self, MasterKey), RepoError> {
        let stored = read_config(&*backend)?;
        let place = backend.place();
        let folder =
            |caches: &PathBuf| local::place_folder(caches, &stored.config.repository_id, &place);
        let folder = options.cache_folder.as_ref().map(folder);
        let first = folder.as_deref().and_then(remembered::slot);
        let order = Order { first, removed: None };
        let (master, slot) = unlock(&*backend, &stored, secret, &order)?;
        let keys = Arc::new(Keys::derive(&master));
        if keys.repository_id() != stored.config.repository_id {
            return Err(RepoError::ForeignSlot { slot: slot.header.id.to_hex() });
        }
        let config = check_authentic(&*backend, &keys, stored.clone())?.config;
        let (index_folder, is_rebuilt) = match &options.index {
            IndexFrom::Cache => (folder.clone(), false),
            IndexFrom::Objects(scratch) => (scratch.clone(), true),
        };
        let index_options = IndexOptions {
            folder: index_folder,
            bytes_max: options.cache_bytes_max,
            is_rebuilt,
            notice: options.notice.clone(),
        };
        let index = Index::open(Arc::clone(&backend), Arc::clone(&keys), &index_options)?;
        let mut history = History::read(&*backend, &keys, &index)?;
        let slot = in_force(&*backend, &stored, secret, slot, &history)?;
        let kept = folder.map(|folder| LocalState { folder, place, heads: history.heads() });
        if let Some(kept) = &kept {
            kept.compare(&*backend, &keys, options.accept_older)?;
            if first != Some(slot.header.id) {
                remembered::set_slot(&kept.folder, &slot.header.id);
            }
        }
        let missing = index.sync(&mut history)?;
        index.clean(&history)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .thread_name(|number| format!("seal-{number}"))
            .build()
            .map_err(|error| RepoError::Cache(error.to_string()))?;
        let repository = Self {
            backend,
            keys,
            config,
            index: Arc::new(index),
            index_generation: AtomicU64::new(history.next_generation()),
            history: Mutex::new(history),
            missing,
            slot,
            pool: Arc::new(pool),
            frames: Arc::default(),
            kept,
        };
        Ok((repository, master))
    }

    /// The folder in which this machine keeps local state of the opened copy of the repository.
    pub fn local_folder(&self) -> Option<&Path> {
        self.kept.as_ref().map(|kept| kept.folder.as_path())
    }

    /// The storage. Callers use the methods of [`objects`](crate::objects) instead.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// The storage, for use in another thread.
    pub(crate) fn backend_shared(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// The keys.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// The config.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The index, for use in another thread.
    pub fn index_shared(&self) -> &Arc<Index> {
        &self.index
    }

    /// The slot that opened the repository.
    pub fn slot(&self) -> &KeySlot {
        &self.slot
    }

    /// What was missing when the repository was opened.
    pub fn missing(&self) -> &Missing {
        &self.missing
    }

    /// Threads for compression, encryption and their reverse.
    pub fn pool(&self) -> &Arc<ThreadPool> {
        &self.pool
    }

    /// The opened frames kept for all readers.
    pub(crate) fn frames(&self) -> &Arc<FrameCache> {
        &self.frames
    }

    /// The history as last read.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what others added to the chains, and the index objects that came with it.
    ///
    /// # Errors
    /// Storage failures; damaged chains.
    pub fn refresh(&self) -> Result<Missing, RepoError> {
        self.refresh_with(&mut self.history())
    }

    pub(crate) fn refresh_with(&self, history: &mut History) -> Result<Missing, RepoError> {
        history.refresh(&*self.backend, &self.keys)?;
        self.sync(history)
    }

    /// Brings the index to at least the generation of the history.
    fn sync(&self, history: &mut History) -> Result<Missing, RepoError> {
        let missing = self.index.sync(history)?;
        self.index_generation.store(history.next_generation(), Ordering::Release);
        Ok(missing)
    }

    /// Number of the first generation record that the index does not know.
    pub(crate) fn index_generation(&self) -> u64 {
        self.index_generation.load(Ordering::Acquire)
    }

    /// Reads all chains from the repository itself, ignoring kept records, and the index objects
    /// that they name. For callers that delete: a record that was damaged since it was kept must
    /// stop them.
    ///
    /// # Errors
    /// Storage failures; damaged chains.
    pub fn reread_history(&self) -> Result<Missing, RepoError> {
        let mut history = self.history();
        let mut reread = History::default();
        reread.refresh(&*self.backend, &self.keys)?;
        *history = reread;
        self.sync(&mut history)
    }

    /// Reads all index objects from the repository itself, unless that was done since it was
    /// opened. For callers that delete or repair: a cache must not be the reason. Numbers that the
    /// index gave out before are void.
    ///
    /// # Errors
    /// Storage failures.
    pub fn rebuild_index(&self) -> Result<Missing, RepoError> {
        self.index.rebuild(&mut self.history())
    }

    /// The chain of a host, which is announced first if it is new.
    ///
    /// # Errors
    /// Storage failures. [`RepoError::Damaged`] if it is unknown what a prune in progress condemns.
    pub fn writer(&self, host: &str) -> Result<WriterId, RepoError> {
        self.complete_copies()?;
        let writer = self.keys.writer_id(host);
        let mut history = self.history();
        history.refuse_unknown_condemnation()?;
        history.append_generation(&*self.backend, &self.keys, |history| {
            let is_known = history.writers().contains(&writer);
            (!is_known).then(|| GenerationBody::AddWriter { writer, host: host.to_owned() })
        })?;
        // A new chain will never have a fence of an earlier condemnation, so its packs must be
        // hidden from the start. And whatever a prune moved must be found where it is now.
        self.sync(&mut history)?;
        Ok(writer)
    }
}

impl Drop for Repository {
    /// What was committed in this run must be there the next time.
    fn drop(&mut self) {
        let heads = self.history().heads();
        if let Some(kept) = self.kept.as_ref().filter(|kept| kept.heads != heads) {
            local::remember(&kept.folder, &self.keys, &kept.place, &heads);
        }
    }
}

impl LocalState {
    /// Compares the chains with what is known about them, and saves their current state.
    fn compare(
        &self,
        backend: &dyn Backend,
        keys: &Keys,
        accept_older: bool,
    ) -> Result<(), RepoError> {
        let known = local::known(&self.folder, keys, &self.place).unwrap_or_default();
        if let Some(Rollback { object, is_replaced }) =
            Rollback::find(backend, keys, &known, &self.heads)?
        {
            if !accept_older {
                return Err(RepoError::RolledBack { object, is_replaced });
            }
            // The packs of this state may be other files.
            let _there_was_none = std::fs::remove_file(self.folder.join(local::VERIFIED));
        }
        local::remember(&self.folder, keys, &self.place, &self.heads);
        Ok(())
    }
}
