//! What can go wrong with a repository. All of it is fatal for the run that meets it.

use holdfast_backend::Error as BackendError;
use holdfast_format::{BlobId, FormatError, ObjectId};
use holdfast_seal::SealError;

/// Trouble with the repository itself.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// The storage failed.
    #[error(transparent)]
    Backend(BackendError),
    /// There is no config: this is no repository.
    #[error("there is no holdfast repository at this place")]
    NotARepository,
    /// `init` found a repository.
    #[error("there is already a repository at this place")]
    AlreadyExists,
    /// `init` found something that is not its own.
    #[error("this place is not empty: it holds {object}")]
    NotEmpty {
        /// Name of the object.
        object: String,
    },
    /// No copy of the config can be read.
    #[error("the repository's config is damaged in both copies: {0}")]
    ConfigDamaged(FormatError),
    /// It needs a newer program.
    #[error("the repository was made by a newer version of holdfast: {0}")]
    Newer(FormatError),
    /// No slot opens with the secret that was given.
    #[error("wrong passphrase or key: none of the repository's {slots} key slots opens with it")]
    WrongSecret {
        /// Slots that were tried.
        slots: usize,
    },
    /// Slots are damaged, and none of the others opens.
    #[error("key slot {slot} is damaged in both copies, and no other slot opens with this secret")]
    SlotDamaged {
        /// Name of the first damaged slot.
        slot: String,
    },
    /// The only slots that could open belong elsewhere.
    #[error("key slot {slot} belongs to another repository")]
    ForeignSlot {
        /// Name of the slot.
        slot: String,
    },
    /// No slot that can be afforded opens.
    #[error(
        "none of the {tried} key slots that were tried opens with this passphrase, and {untried} \
         ask for more memory or time than is spent on a key slot, up to {memory_kib} KiB"
    )]
    SlotsUntried {
        /// Slots that were tried.
        tried: usize,
        /// Slots that were passed over.
        untried: usize,
        /// Memory that the dearest of them asks for, in KiB.
        memory_kib: u32,
    },
    /// The slot that opens with the secret, or that is to be relied on, was removed.
    #[error("key {slot} was removed from this repository and no longer opens it")]
    KeyRemoved {
        /// Id of the slot.
        slot: String,
    },
    /// No slot is added to so many.
    #[error("the repository has {keys_max} passphrases and keys, and it takes no more")]
    TooManyKeys {
        /// The most that it may have.
        keys_max: usize,
    },
    /// There are no key slots at all.
    #[error("the repository has no key slots left")]
    NoSlots,
    /// An object is not what its place in the repository says.
    #[error("{object} is damaged: {reason}")]
    Damaged {
        /// Name of the object.
        object: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A record of a chain is missing or does not continue the one before.
    #[error("record {object} does not continue its chain")]
    ChainBroken {
        /// Name of the record.
        object: String,
    },
    /// The storage shows another state than when the repository was last used from here.
    #[error(
        "the repository is in an older state than when it was last used from this machine: its \
         record {object} is {}",
        if *.is_replaced { "another one now" } else { "gone" }
    )]
    RolledBack {
        /// Name of a record that was there.
        object: String,
        /// True if another record is in its place.
        is_replaced: bool,
    },
    /// A blob is in no pack that the index knows.
    #[error("blob {id} is in no pack of the repository")]
    BlobMissing {
        /// The blob.
        id: BlobId,
    },
    /// A tree is not a tree.
    #[error("tree node {id} is damaged: {source}")]
    BadNode {
        /// The node.
        id: BlobId,
        /// What is wrong.
        source: FormatError,
    },
    /// A record would be larger than readers accept. Nothing was stored under its name.
    #[error(
        "the record would have {bytes} bytes, and no record may have more than {limit}: it names \
         too many things"
    )]
    RecordTooLarge {
        /// Bytes that it would have.
        bytes: u64,
        /// Most bytes of a record.
        limit: u64,
    },
    /// A snapshot is asked for that does not exist.
    #[error("there is no snapshot {}", id.short())]
    NoSnapshot {
        /// Its id.
        id: ObjectId,
    },
    /// The local cache failed in a way that making it anew did not mend.
    #[error("the local cache failed: {0}")]
    Cache(String),
    /// Sealing failed.
    #[error("cannot seal: {0}")]
    Seal(#[from] SealError),
    /// A prune ran at the same time and the run must begin again.
    #[error("a prune took packs away that this run built on")]
    Fenced,
    /// What a reader needs was deleted by a prune, after its snapshot was forgotten.
    #[error("what this command was reading was forgotten and pruned in the meantime")]
    Overtaken,
    /// A thread ended early.
    #[error("the {0} stopped before its work was done")]
    Stopped(&'static str),
}

impl RepoError {
    /// Damage of a named object.
    pub fn damaged(object: impl Into<String>, reason: impl ToString) -> Self {
        Self::Damaged { object: object.into(), reason: reason.to_string() }
    }

    /// True if it says something of a whole run and not only of what was just looked for: a file
    /// that needed it is not lost, but the run is over.
    pub fn ends_reading(&self) -> bool {
        matches!(self, Self::Cache(_) | Self::Overtaken | Self::Stopped(_))
    }

    /// True if the reason may be that a prune moved or deleted what was looked for since the index
    /// was read.
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
            // No writer makes such an object: its bytes need not be read to know that.
            BackendError::TooLarge { name, bytes, bytes_max } => Self::Damaged {
                object: name,
                reason: format!("it has {bytes} bytes, more than the {bytes_max} it may have"),
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

/// Wraps the errors of the cache's library, which has one type per call.
#[derive(Debug)]
pub struct CacheFailure<E>(pub E);

/// Turns any error of the cache's library into a [`RepoError`].
pub(crate) fn cached<T, E: Into<redb::Error>>(result: Result<T, E>) -> Result<T, RepoError> {
    result.map_err(|error| CacheFailure(error).into())
}
