//! How a source is captured, whatever its kind.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use holdfast_connect::Source as Connector;
use holdfast_connect::bucket::BucketError;
use holdfast_connect::postgres::PostgresError;
use holdfast_engine::backup::Compare;
use holdfast_engine::{EngineError, Observer};
use holdfast_format::config::ChunkProfile;
use holdfast_format::record::{Scope, SourceRecord};
use jiff::Timestamp;

use crate::check::Queries;
use crate::connections::Connections;

/// The surroundings of a capture.
pub struct CaptureScene<'a> {
    /// ID of the run.
    pub run: &'a str,
    /// What a snapshot records about who made it.
    pub maker: SnapshotMaker,
    /// Tells the time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// Connections to servers.
    pub connections: Connections<'a>,
    /// Directories of the program itself, by device and inode, which sources of files leave out.
    pub own: Vec<(u64, u64)>,
}

/// What a snapshot records about who made it.
#[derive(Debug, Clone, Default)]
pub struct SnapshotMaker {
    /// Host name.
    pub host: String,
    /// User name.
    pub user: String,
    /// User ID.
    pub uid: u32,
    /// Group ID of the user.
    pub gid: u32,
    /// Program and version.
    pub program: String,
}

/// Why a source cannot be captured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// A database server failed.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// A bucket cannot be used.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The source is not as it should be, or its settings are wrong: one sentence.
    #[error("{0}")]
    Unusable(String),
}

/// What was found where a capture will read.
#[derive(Debug, Default)]
pub struct Probe {
    /// What was found, in a few words.
    pub found: String,
    /// Warnings, one clause each.
    pub warnings: Vec<String>,
}

/// The moment at which a source is captured, held until the capture is done.
pub trait SourceCut: Send + Sync {
    /// Makes sure that the moment is still held.
    ///
    /// # Errors
    /// It is not: what was captured must not be used.
    fn check(&self) -> Result<(), CaptureError>;

    /// The capture of the source as of this moment.
    fn capture(&self) -> Box<dyn SourceCapture>;

    /// The capture of what is stored with the keys.
    fn capture_apart(&self) -> Box<dyn SourceCapture>;

    /// Its databases, as of this moment.
    fn queries(&self) -> &dyn Queries;
}

/// The moments of the sources that have one.
pub type SharedCut = Arc<dyn SourceCut>;

/// A source ready to be read.
pub trait SourceCapture: Sync {
    /// Starts reading it.
    ///
    /// # Errors
    /// It cannot be opened.
    fn source(&self) -> io::Result<Box<dyn Connector>>;

    /// How it is captured.
    fn manner(&self) -> Manner;

    /// What it says about the moment it shows, for its record.
    fn token(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Remarks on how it was read, although nothing is missing.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// True if a capture that failed with this error may succeed in another attempt, because of
    /// what the source has learned.
    fn has_learned(&self, _error: &EngineError) -> bool {
        false
    }

    /// True if an object or file that a row refers to exists now, although the capture did not find
    /// it.
    fn has_now(&self, _name: &[u8]) -> bool {
        false
    }

    /// The path of an entry as users know it.
    fn shown_path(&self, path: &[u8]) -> Vec<u8> {
        path.to_vec()
    }

    /// Forwards events with the paths that users know; `None` if paths are those already.
    fn observer<'o>(&self, _inner: &'o dyn Observer) -> Option<Box<dyn Observer + 'o>> {
        None
    }
}

/// How a source is captured.
#[derive(Debug, Clone)]
pub struct Manner {
    /// The chunk sizes.
    pub profile: ChunkProfile,
    /// By what an unchanged entry is recognized.
    pub compare: Compare,
    /// Number of threads that read; 0 for one per processor.
    pub read_concurrency: usize,
    /// True if its entries are streams, whose size is not known in advance.
    pub is_stream: bool,
    /// What it was asked to include, if it is made of files.
    pub scope: Option<Scope>,
}

impl Manner {
    /// That of streams: dumps and the output of commands.
    pub fn of_stream() -> Self {
        Self {
            profile: ChunkProfile::Dump,
            compare: Compare { ctime: true, inode: true },
            read_concurrency: 0,
            is_stream: true,
            scope: None,
        }
    }
}

/// The value of a key in the token of a source's last record.
pub(super) fn token_of<'r>(record: Option<&'r SourceRecord>, key: &str) -> Option<&'r str> {
    record?.token.get(key).map(String::as_str)
}
