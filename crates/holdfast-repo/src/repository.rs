//! Making and opening a repository.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_backend::{Backend, Error as BackendError};
use holdfast_format::config::Config;
use holdfast_format::record::GenerationBody;
use holdfast_format::slot::{KdfCost, KeySlot};
use holdfast_format::{RepositoryId, WriterId, name};
use holdfast_seal::{Keys, MasterKey, Secret, SlotLabel, seal_config};
use rayon::ThreadPool;

use crate::RepoError;
use crate::history::History;
use crate::index::{Index, Missing};
use crate::names::object_name;
use crate::unlock::{add_slot, check_authentic, config_names, read_config, unlock};

/// What opening needs besides the storage and a secret.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Folder under which each repository has its cache; `None` keeps the index in memory.
    pub cache_folder: Option<PathBuf>,
    /// Memory that the cache of the index may take, in bytes.
    pub cache_bytes_max: usize,
    /// Threads for compression and encryption; 0 for one per processor.
    pub threads: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { cache_folder: None, cache_bytes_max: 16 << 20, threads: 0 }
    }
}

/// Removes key slots of an `init` that did not come to its end. Where there is anything else, this
/// is a repository that lost its config, and nothing is touched.
fn remove_leftovers(backend: &dyn Backend) -> Result<(), RepoError> {
    for folder in [name::PACKS, name::INDEX, name::WRITERS, name::GENERATIONS] {
        if !backend.list(folder)?.is_empty() {
            return Err(RepoError::AlreadyExists);
        }
    }
    for listed in backend.list(name::KEYS)? {
        backend.delete(&listed.name)?;
    }
    Ok(())
}

/// An open repository.
#[derive(Debug)]
pub struct Repository {
    backend: Arc<dyn Backend>,
    keys: Arc<Keys>,
    config: Config,
    index: Arc<Index>,
    history: Mutex<History>,
    missing: Missing,
    slot: KeySlot,
    pool: Arc<ThreadPool>,
}

impl Repository {
    /// Makes a repository that opens with `secret`. Its config is written last: without it there is
    /// no repository.
    ///
    /// # Errors
    /// [`RepoError::AlreadyExists`]; storage and sealing failures.
    pub fn init(
        backend: &dyn Backend,
        secret: &Secret,
        cost: KdfCost,
        label: &SlotLabel,
        adjust: impl FnOnce(&mut Config),
    ) -> Result<RepositoryId, RepoError> {
        let names = config_names()?;
        for name in &names {
            match backend.size(name) {
                Ok(_) => return Err(RepoError::AlreadyExists),
                Err(BackendError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        remove_leftovers(backend)?;
        let master = MasterKey::generate()?;
        let keys = Keys::derive(&master);
        add_slot(backend, &master, &keys, secret, cost, label)?;
        let mut config = Config::new(keys.repository_id());
        adjust(&mut config);
        let object = seal_config(&keys, &config).encode();
        for name in names.iter().rev() {
            backend.put(name, &[&object])?;
        }
        Ok(keys.repository_id())
    }

    /// Opens a repository and brings its index cache up to date.
    ///
    /// # Errors
    /// See [`unlock`] and [`read_config`]; storage failures; damaged chains.
    pub fn open(
        backend: Arc<dyn Backend>,
        secret: &Secret,
        options: &OpenOptions,
    ) -> Result<Self, RepoError> {
        let stored = read_config(&*backend)?;
        let (master, slot) = unlock(&*backend, &stored, secret)?;
        let keys = Arc::new(Keys::derive(&master));
        if keys.repository_id() != stored.config.repository_id {
            return Err(RepoError::ForeignSlot { slot: slot.header.id.to_hex() });
        }
        let config = check_authentic(&*backend, &keys, stored)?.config;
        let folder =
            options.cache_folder.as_ref().map(|folder| folder.join(keys.repository_id().to_hex()));
        let index = Arc::new(Index::open(folder.as_deref(), &keys, options.cache_bytes_max)?);
        let history = History::read(&*backend, &keys, &index)?;
        let missing = index.sync(&*backend, &keys, &history)?;
        index.clean(&history)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .thread_name(|number| format!("seal-{number}"))
            .build()
            .map_err(|error| RepoError::Cache(error.to_string()))?;
        let (history, pool) = (Mutex::new(history), Arc::new(pool));
        Ok(Self { backend, keys, config, index, history, missing, slot, pool })
    }

    /// The storage.
    pub fn backend(&self) -> &Arc<dyn Backend> {
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

    /// The index, for a thread of its own.
    pub fn index_shared(&self) -> &Arc<Index> {
        &self.index
    }

    /// The slot that opened the repository.
    pub fn slot(&self) -> &KeySlot {
        &self.slot
    }

    /// What opening had to do without.
    pub fn missing(&self) -> &Missing {
        &self.missing
    }

    /// Threads for compression, encryption and their reverse.
    pub fn pool(&self) -> &Arc<ThreadPool> {
        &self.pool
    }

    /// The history as it was read last.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what others added to the chains, and the index objects that came with it.
    ///
    /// # Errors
    /// Storage failures; damaged chains.
    pub fn refresh(&self) -> Result<Missing, RepoError> {
        let mut history = self.history();
        history.refresh(&*self.backend, &self.keys)?;
        self.index.sync(&*self.backend, &self.keys, &history)
    }

    /// Reads all chains from the repository itself, kept records or not, and the index objects that
    /// they name. For those who delete: a record that was damaged since it was kept must stop them.
    ///
    /// # Errors
    /// Storage failures; damaged chains.
    pub fn read_history_anew(&self) -> Result<Missing, RepoError> {
        let mut history = self.history();
        let mut anew = History::default();
        anew.refresh(&*self.backend, &self.keys)?;
        *history = anew;
        self.index.sync(&*self.backend, &self.keys, &history)
    }

    /// Stores second copies that are missing: of the config and of the key slot in use, as after an
    /// `init` that was cut short at its last step, and of generations.
    fn complete_copies(&self) -> Result<(), RepoError> {
        self.history().complete_copies(&*self.backend, &self.keys)?;
        let slot = self.slot.encode();
        let slot_copies = name::key_slot(&self.slot.header.id).map(|copy| (copy, slot.as_slice()));
        let config = seal_config(&self.keys, &self.config).encode();
        let config_copies = name::CONFIG_NAMES.map(|copy| (copy.to_owned(), config.as_slice()));
        for (copy, object) in slot_copies.into_iter().chain(config_copies) {
            let copy = object_name(copy)?;
            if let Err(BackendError::NotFound { .. }) = self.backend.size(&copy) {
                self.backend.put(&copy, &[object])?;
            }
        }
        Ok(())
    }

    /// The chain of a host, which is announced first if it is new.
    ///
    /// # Errors
    /// Storage failures. [`RepoError::Damaged`] if it is not known what a prune under way condemns.
    pub fn writer(&self, host: &str) -> Result<WriterId, RepoError> {
        self.complete_copies()?;
        let writer = self.keys.writer_id(host);
        let mut history = self.history();
        history.refuse_unknown_condemnation()?;
        history.append_generation(&*self.backend, &self.keys, |history| {
            let is_known = history.writers().contains(&writer);
            (!is_known).then(|| GenerationBody::AddWriter { writer, host: host.to_owned() })
        })?;
        // No fence of an earlier condemnation will ever stand in a new chain: its packs must be
        // hidden from the start. And what a prune moved must be found where it is now.
        self.index.sync(&*self.backend, &self.keys, &history)?;
        Ok(writer)
    }

    /// Opens the master key again with `secret`, for new key slots.
    ///
    /// # Errors
    /// See [`unlock`].
    pub fn master_key(&self, secret: &Secret) -> Result<MasterKey, RepoError> {
        let stored = read_config(&*self.backend)?;
        Ok(unlock(&*self.backend, &stored, secret)?.0)
    }
}
