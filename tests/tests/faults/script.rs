//! The script, and its invariants.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_backend::{Backend, MemoryBackend};
use holdfast_engine::backup::{
    BackupOptions, CaptureOptions, Compare, SourceOptions, backup, parents,
};
use holdfast_engine::check::{CheckOptions, CheckReport, ReadData, check};
use holdfast_engine::completeness::ShrinkLimit;
use holdfast_engine::forget::forget;
use holdfast_engine::prune::{Abandoned, MaxUnused, PruneOptions, prune};
use holdfast_engine::restore::{Overwrite, RestoreOptions, Selection, WINDOW_BYTES, restore};
use holdfast_engine::{EngineError, EngineEvent, Observer, Silent};
use holdfast_format::ObjectId;
use holdfast_format::config::{ChunkProfile, ChunkSizes, Config};
use holdfast_format::record::Snapshot;
use holdfast_format::slot::KdfCost;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, RepoError, Repository, SnapshotInfo};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

use crate::source::{Files, MemorySource};
use crate::target::MemoryTarget;

/// The steps; each is a separate run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptStep {
    Init,
    /// Back up the files in this state, from 0.
    Backup(usize),
    /// Forget the first snapshot.
    Forget,
    Prune,
    Check,
}

pub const STEPS: [ScriptStep; 7] = [
    ScriptStep::Init,
    ScriptStep::Backup(0),
    ScriptStep::Backup(1),
    ScriptStep::Backup(2),
    ScriptStep::Forget,
    ScriptStep::Prune,
    ScriptStep::Check,
];

/// Delete everything that can be deleted.
pub const PRUNE: PruneOptions = PruneOptions {
    max_unused: MaxUnused::Bytes(0),
    max_repack_bytes: None,
    repack_below_bytes: None,
    // Also leftovers of interrupted steps: the next steps must not depend on them.
    abandoned: Some(Abandoned { after_seconds: 0, now: Timestamp::UNIX_EPOCH }),
    dry_run: false,
    write: WriteOptions::new(COMPRESSION_DEFAULT),
};

/// A script in progress: the storage, and the acknowledged snapshots.
#[derive(Clone)]
pub struct Script {
    pub storage: Arc<MemoryBackend>,
    secret: Arc<String>,
    states: Arc<Vec<Files>>,
    /// Number of completed steps.
    pub done: usize,
    /// Snapshots that must exist, with their state.
    promised: HashMap<ObjectId, usize>,
    /// The first snapshot that was acknowledged, which the script forgets.
    first: Option<ObjectId>,
}

/// The error of a failed step.
pub type Failure = String;

impl Script {
    pub fn new() -> Self {
        let (_, text) = Secret::generate_key().unwrap();
        Self {
            storage: Arc::new(MemoryBackend::new()),
            secret: Arc::new(text.to_string()),
            states: Arc::new(states()),
            done: 0,
            promised: HashMap::new(),
            first: None,
        }
    }

    /// The same script on a copy of the storage.
    pub fn fork(&self) -> Self {
        Self { storage: Arc::new(self.storage.fork()), ..self.clone() }
    }

    /// Runs the remaining steps on this view of the storage, up to the first that fails.
    pub fn run(&mut self, backend: &Arc<dyn Backend>) -> Result<(), Failure> {
        while let Some(step) = STEPS.get(self.done) {
            self.step(*step, backend).map_err(|error| format!("{step:?}: {error}"))?;
            self.done += 1;
        }
        Ok(())
    }

    /// Runs the remaining steps without faults.
    pub fn run_to_end(&mut self) -> Result<(), Failure> {
        let storage = Arc::clone(&self.storage) as Arc<dyn Backend>;
        self.run(&storage)
    }

    fn step(&mut self, step: ScriptStep, backend: &Arc<dyn Backend>) -> Result<(), Failure> {
        match step {
            ScriptStep::Init => self.init(&**backend),
            ScriptStep::Backup(state) => {
                let info = self.back_up(backend, state).map_err(text)?;
                self.promised.insert(info.id, state);
                self.first.get_or_insert(info.id);
                Ok(())
            }
            ScriptStep::Forget => {
                let first = self.first.ok_or("there is nothing to forget")?;
                // From here on it may be missing, whether its removal was acknowledged or not.
                self.promised.remove(&first);
                forget(&self.open(backend).map_err(text)?, &[first]).map_err(text)?;
                Ok(())
            }
            ScriptStep::Prune => {
                prune(&self.open(backend).map_err(text)?, &PRUNE, &Silent).map_err(text)?;
                Ok(())
            }
            ScriptStep::Check => {
                let report = check_all(&self.open(backend).map_err(text)?).map_err(text)?;
                if report.findings.is_empty() {
                    Ok(())
                } else {
                    Err(format!("{:?}", report.findings))
                }
            }
        }
    }

    /// A repository exists once its config was stored, as the message says.
    fn init(&self, backend: &dyn Backend) -> Result<(), Failure> {
        let label = SlotLabel {
            label: "test".to_owned(),
            host: "test".to_owned(),
            user: "test".to_owned(),
            created: Timestamp::UNIX_EPOCH,
        };
        match Repository::init(backend, &self.secret(), KdfCost::MIN, &label, small) {
            Ok(_) | Err(RepoError::AlreadyExists) => Ok(()),
            Err(error) => Err(text(error)),
        }
    }

    fn secret(&self) -> Secret {
        Secret::parse(&self.secret).unwrap()
    }

    /// Opens the repository without a cache.
    pub fn open(&self, backend: &Arc<dyn Backend>) -> Result<Repository, RepoError> {
        let options = OpenOptions { threads: 1, ..OpenOptions::default() };
        Repository::open(Arc::clone(backend), &self.secret(), &options)
    }

    /// Opens the repository on the storage itself.
    pub fn open_storage(&self) -> Result<Repository, RepoError> {
        self.open(&(Arc::clone(&self.storage) as Arc<dyn Backend>))
    }

    pub fn back_up(
        &self,
        backend: &Arc<dyn Backend>,
        state: usize,
    ) -> Result<SnapshotInfo, EngineError> {
        let repository = self.open(backend)?;
        let files = &self.states[state];
        let options = options(&repository, state);
        let observer = Checkpoints::default();
        let report =
            backup(&repository, &|| Ok(Box::new(MemorySource::new(files))), &options, &observer)?;
        Ok(report.snapshot.unwrap())
    }

    /// A backup of only new files that is not part of the script; returns the error as text.
    pub fn fork_backup(&self, backend: &Arc<dyn Backend>) -> Result<SnapshotInfo, Failure> {
        let mut files = self.states[0].clone();
        files.insert("large".to_owned(), Arc::new(noise(999, 300_000)));
        let other = Self { states: Arc::new(vec![files]), ..self.clone() };
        other.back_up(backend, 0).map_err(text)
    }

    /// A snapshot is about to be forgotten.
    pub fn give_up(&mut self, snapshot: &ObjectId) {
        self.promised.remove(snapshot);
    }

    /// Every acknowledged snapshot exists and yields its bytes; every other existing one yields
    /// correct bytes or an error.
    pub fn verify(&self) -> Result<(), Failure> {
        if self.promised.is_empty() {
            return Ok(());
        }
        let repository = self.open_storage().map_err(|error| format!("open: {error}"))?;
        self.promised.keys().try_for_each(|id| self.comes_back(&repository, id))
    }

    /// The snapshots that must exist, in any order.
    pub fn promised(&self) -> Vec<ObjectId> {
        self.promised.keys().copied().collect()
    }

    /// An acknowledged snapshot exists and yields its bytes. An error that begins with "wrong"
    /// means that it yielded others.
    pub fn comes_back(&self, repository: &Repository, id: &ObjectId) -> Result<(), Failure> {
        let info = repository.history().snapshot(id);
        let info = info.ok_or_else(|| format!("snapshot {} is missing", id.short()))?;
        if repository.history().is_forgotten(id) {
            return Err(format!("snapshot {} is forgotten", id.short()));
        }
        let files = self.read_back(repository, &info)?;
        match self.promised.get(id) {
            Some(state) if files == self.states[*state] => Ok(()),
            _ => Err(format!("wrong: snapshot {} has changed", id.short())),
        }
    }

    /// Backs up a state and records the snapshot as acknowledged.
    pub fn promise(
        &mut self,
        backend: &Arc<dyn Backend>,
        state: usize,
    ) -> Result<ObjectId, Failure> {
        let info = self.back_up(backend, state).map_err(text)?;
        self.promised.insert(info.id, state);
        Ok(info.id)
    }

    fn read_back(&self, repository: &Repository, info: &SnapshotInfo) -> Result<Files, Failure> {
        let target = MemoryTarget::default();
        let options = RestoreOptions {
            overwrite: Overwrite::Always,
            delete: None,
            dry_run: false,
            verify: false,
            window_bytes: WINDOW_BYTES,
        };
        let root = info.snapshot.sources[0].tree;
        let take = |_: &[u8], _: bool| Selection::Take;
        let report = restore(repository, root, &target, &take, &options, &Silent).map_err(text)?;
        if report.errors > 0 {
            return Err(format!("snapshot {}: {} errors", info.id.short(), report.errors));
        }
        Ok(target.files())
    }
}

pub fn text(error: impl std::error::Error) -> Failure {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

pub fn check_all(repository: &Repository) -> Result<CheckReport, EngineError> {
    let options = CheckOptions { read: ReadData::All, ..CheckOptions::default() };
    check(repository, &options, &Silent)
}

/// Small sizes, so that little data produces many objects.
fn small(config: &mut Config) {
    config.frame_bytes = 8192;
    config.pack_bytes = 1 << 16;
    config.chunks.file = ChunkSizes { bytes_min: 1024, bytes_average: 4096, bytes_max: 16_384 };
}

/// Three states of a handful of files: about 250 KiB, part of which changes each time.
fn states() -> Vec<Files> {
    (0..3_u64)
        .map(|state| {
            let mut files = Files::new();
            for number in 0..10_u64 {
                // The files with low numbers change in every state.
                let version = if number < 3 { state } else { state * number / 9 };
                let length = 2000 + number as usize * 5000;
                let path = format!("folder-{}/file-{number}", number % 3);
                files.insert(path, Arc::new(noise(number * 10 + version, length)));
            }
            files.insert("text".to_owned(), Arc::new(b"always the same\n".repeat(1000)));
            files.insert(format!("new-{state}"), Arc::new(state.to_string().into_bytes()));
            files
        })
        .collect()
}

/// Incompressible bytes.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn options(repository: &Repository, state: usize) -> BackupOptions {
    let time = Timestamp::from_second(1_800_000_000 + 3600 * state as i64).unwrap();
    let mut snapshot = Snapshot::begun(time, "host", vec!["/".into()]);
    snapshot.summary.backup_start = Some(time);
    BackupOptions {
        capture: CaptureOptions {
            snapshot,
            parents: parents(repository, time, |_| true),
            write: WriteOptions::new(COMPRESSION_DEFAULT),
        },
        source: SourceOptions {
            name: "files".to_owned(),
            connector: "files".to_owned(),
            profile: ChunkProfile::File,
            compare: Compare { ctime: true, inode: true },
            read_concurrency: 1,
            count_first: false,
            is_stream: false,
            shrink_limit: ShrinkLimit::default(),
            scope: None,
        },
        skip_if_unchanged: false,
        now: || Timestamp::UNIX_EPOCH,
    }
}

/// Requests a checkpoint once per backup, so that partial snapshots are part of the script.
#[derive(Default)]
struct Checkpoints {
    asked: std::sync::atomic::AtomicBool,
}

impl Observer for Checkpoints {
    fn event(&self, event: EngineEvent<'_>) {
        if let EngineEvent::Trouble { path, message, .. } = event {
            panic!("{}: {message}", String::from_utf8_lossy(path));
        }
    }

    fn wants_checkpoint(&self) -> bool {
        !self.asked.swap(true, std::sync::atomic::Ordering::Relaxed)
    }
}
