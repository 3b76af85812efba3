//! What can go wrong with a repository. Every one of these errors is fatal for the run.

use holdfast_backend::BackendError;
use holdfast_format::{BlobId, FormatError, ObjectId};
use holdfast_seal::SealError;

/// An error of the repository itself.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// The storage failed.
    #[error(transparent)]
    Backend(BackendError),
    /// There is no config: this is no repository.
    #[error("there is no holdfast repository at this location")]
    NotARepository,
    /// `init` found an existing repository.
    #[error("a repository already exists at this location")]
    AlreadyExists,
    /// `init` found files that are not its own.
    #[error("this location is not empty: it holds {object}")]
    NotEmpty {
        /// Name of the object.
        object: String,
    },
    /// No copy of the config can be read.
    #[error("both copies of the repository's config are damaged: {0}")]
    ConfigDamaged(FormatError),
    /// The repository needs a newer version of the program.
    #[error("the repository was made by a newer version of holdfast: {0}")]
    Newer(FormatError),
    /// No slot opens with the given secret.
    #[error(
        "wrong passphrase or key: it does not open this repository ({slots} key {} tried)",
        if *.slots == 1 { "slot" } else { "slots" }
    )]
    WrongSecret {
        /// Number of slots that were tried.
        slots: usize,
    },
    /// Some slots are damaged, and none of the others opens.
    #[error("both copies of key slot {slot} are damaged, and no other slot opens with this secret")]
    SlotDamaged {
        /// Name of the first damaged slot.
        slot: String,
    },
    /// The only slots that could open belong to another repository.
    #[error("key slot {slot} belongs to another repository")]
    ForeignSlot {
        /// Name of the slot.
        slot: String,
    },
    /// No slot within the cost limit opens.
    #[error(
        "none of the {tried} key slots tried opens with this passphrase; {untried} were skipped: \
         they need too much memory or time (up to {memory_kib} KiB)"
    )]
    SlotsUntried {
        /// Number of slots that were tried.
        tried: usize,
        /// Number of slots that were skipped.
        untried: usize,
        /// Memory that the most expensive of them needs, in KiB.
        memory_kib: u32,
    },
    /// The slot that opens with the secret, or that the operation relies on, was removed.
    #[error("key {slot} was removed from this repository and no longer opens it")]
    KeyRemoved {
        /// Id of the slot.
        slot: String,
    },
    /// The repository has the maximum number of key slots.
    #[error("the repository already has the maximum of {keys_max} passphrases and keys")]
    TooManyKeys {
        /// The maximum.
        keys_max: usize,
    },
    /// There are no key slots at all.
    #[error("the repository has no key slots left")]
    NoSlots,
    /// An object does not contain what its name says it should.
    #[error("{object} is damaged: {reason}")]
    Damaged {
        /// Name of the object.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A record of a chain is missing or does not continue the preceding one.
    #[error("record {object} does not continue its chain")]
    ChainBroken {
        /// Name of the record.
        object: String,
    },
    /// The storage shows an older state than when this machine last used the repository.
    #[error(
        "the repository is in an older state than when this machine last used it: record \
         {object} {}",
        if *.is_replaced { "was replaced" } else { "is gone" }
    )]
    RolledBack {
        /// Name of a record that used to be there.
        object: String,
        /// True if another record is in its place.
        is_replaced: bool,
    },
    /// No pack known to the index holds the blob.
    #[error("blob {id} is in no pack of the repository")]
    BlobMissing {
        /// The blob.
        id: BlobId,
    },
    /// A tree node cannot be decoded.
    #[error("tree node {id} is damaged: {source}")]
    BadNode {
        /// The node.
        id: BlobId,
        /// What is wrong.
        source: FormatError,
    },
    /// A record would be larger than readers accept. Nothing was stored under its name.
    #[error(
        "the record would be {bytes} bytes, over the limit of {limit}: it lists too many items"
    )]
    RecordTooLarge {
        /// Size that it would have.
        bytes: u64,
        /// Maximum size of a record.
        limit: u64,
    },
    /// The requested snapshot does not exist.
    #[error("there is no snapshot {}", id.short())]
    NoSnapshot {
        /// Its id.
        id: ObjectId,
    },
    /// The local cache failed, and rebuilding it did not help.
    #[error("the local cache failed: {0}")]
    Cache(String),
    /// Sealing failed.
    #[error("cannot seal: {0}")]
    Seal(#[from] SealError),
    /// A prune ran at the same time, so the run must start again.
    #[error("a prune removed packs that this run relied on")]
    Fenced,
    /// Data that a reader needs was deleted by a prune after its snapshot was forgotten.
    #[error("the data this command was reading was forgotten and pruned while it ran")]
    Overtaken,
    /// A thread ended early.
    #[error("the {0} stopped before it finished")]
    Stopped(&'static str),
}

impl RepoError {
    /// Damage of a named object.
    pub fn damaged(object: impl Into<String>, reason: impl ToString) -> Self {
        Self::Damaged { object: object.into(), reason: reason.to_string() }
    }

    /// True if the error concerns the whole run and not only the object being read: the file that
    /// needed the object is not lost, but the run is over.
    pub fn ends_reading(&self) -> bool {
        matches!(self, Self::Cache(_) | Self::Overtaken | Self::Stopped(_))
    }

    /// True if the cause may be that a prune moved or deleted the object since the index was read.
    pub fn may_be_outdated(&self) -> bool {
        matches!(
            self,
            Self::BlobMissing { .. }
                | Self::Damaged { .. }
                | Self::Overtaken
                | Self::Backend(BackendError::NotFound { .. })
        )
    }
}

impl From<BackendError> for RepoError {
    fn from(error: BackendError) -> Self {
        match error {
            // No writer makes such an object, so its bytes need not be read.
            BackendError::TooLarge { name, bytes, bytes_max } => Self::Damaged {
                object: name,
                reason: format!("it is {bytes} bytes, more than the limit of {bytes_max}"),
            },
            error => Self::Backend(error),
        }
    }
}

impl<E: Into<redb::Error>> From<CacheFailure<E>> for RepoError {
    fn from(failure: CacheFailure<E>) -> Self {
        Self::Cache(failure.0.into().to_string())
    }
}

/// Wraps the errors of the cache library, which has one type per call.
#[derive(Debug)]
pub struct CacheFailure<E>(pub E);

/// Turns any error of the cache library into a [`RepoError`].
pub(crate) fn cached<T, E: Into<redb::Error>>(result: Result<T, E>) -> Result<T, RepoError> {
    result.map_err(|error| CacheFailure(error).into())
}
