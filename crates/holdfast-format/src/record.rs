//! Records of the chains: snapshots, fences, generations (`docs/format.md`, section 9).

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::captured::{Captured, SourceExtent};
use crate::limits::FORMAT_VERSION;
use crate::name::Chain;
use crate::padding::padme;
pub use crate::scope::{Marker, Scope};
use crate::wire::WireReader;
use crate::{BlobId, FormatError, ObjectId, RepositoryId, SessionId, SlotId, WriterId};

const MAGIC: &[u8; 8] = b"HFRECORD";
const WHAT: &str = "record";

/// Bytes that are usually text, such as a path: a JSON string if they are UTF-8, else `{"hex":
/// "..."}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(pub Vec<u8>);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Hex { hex: hex::encode(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TextForm::deserialize(deserializer)? {
            TextForm::Plain(text) => Ok(Self(text.into_bytes())),
            TextForm::Hex(Hex { hex }) => {
                hex::decode(hex).map(Self).map_err(serde::de::Error::custom)
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Hex {
    hex: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextForm {
    Plain(String),
    Hex(Hex),
}

/// One record of a chain: the hash of the preceding one and its contents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record<Body> {
    /// Plain hash of the bytes of the preceding record; [`ObjectId::NONE`] in the first.
    pub previous: ObjectId,
    /// Its contents.
    #[serde(flatten)]
    pub body: Body,
}

/// The contents of a record of a writer's chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WriterBody {
    /// A backup.
    Snapshot(Box<Snapshot>),
    /// A prune has read the chain up to here.
    Fence {
        /// Number of the generation record that condemned packs.
        generation: u64,
    },
    /// Asks prunes to wait: for a long reader of a snapshot, or for a backup that a prune made
    /// start again.
    Pin {
        /// The snapshot. [`ObjectId::NONE`] in the pin of a backup; in the record that ends the
        /// pin, the snapshot that the backup found unchanged.
        snapshot: ObjectId,
        /// The paths of the backup. Until the chain has a complete snapshot of them, or the pin is
        /// ended, prunes condemn nothing for a while.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<Text>,
    },
}

/// The contents of a record of the generation chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum GenerationBody {
    /// A writer's chain may exist after this.
    AddWriter {
        /// The chain.
        writer: WriterId,
        /// The host that it is derived from.
        host: String,
    },
    /// Snapshots that are no longer wanted.
    Forget {
        /// Their ids.
        snapshots: Vec<ObjectId>,
    },
    /// A snapshot's tags or hold are replaced.
    Amend {
        /// The snapshot.
        snapshot: ObjectId,
        /// All its tags after this.
        tags: Vec<String>,
        /// True if no rule may forget it.
        hold: bool,
    },
    /// Packs that a prune intends to delete.
    Condemn {
        /// The packs.
        packs: Vec<ObjectId>,
        /// Packs that hold their needed content.
        targets: Vec<ObjectId>,
        /// Chains that must be fenced.
        writers: Vec<WriterId>,
        /// Index objects known at that time.
        index: Vec<ObjectId>,
    },
    /// Packs to delete, now that no snapshot can need them.
    Sweep {
        /// Number of the `condemn` record.
        condemn: u64,
        /// The packs to delete.
        packs: Vec<ObjectId>,
        /// Condemned packs that turned out to be needed.
        rescued: Vec<ObjectId>,
        /// All index objects that count after this.
        index: Vec<ObjectId>,
        /// Index objects that they replace.
        replaced: Vec<ObjectId>,
    },
    /// Records that cannot be used are written off.
    GiveUp {
        /// The records.
        records: Vec<GivenUp>,
    },
    /// A passphrase or key no longer opens the repository.
    RemoveKey {
        /// Its slot. The objects of the slot are deleted after this record.
        slot: SlotId,
    },
    /// Chains were cut (not written by version 1).
    Checkpoint {},
}

/// A record that is written off as it was found. Slot and bytes belong together: bytes copied to
/// another slot are not written off there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GivenUp {
    /// Name of the record.
    pub object: String,
    /// Plain hash of the bytes in its slot; `None` if there are none or they cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<ObjectId>,
}

/// The root record of one backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the backup started, or the time given by `--time`.
    pub time: Timestamp,
    /// Host that it belongs to.
    pub host: String,
    /// User who made it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Numeric id of that user.
    #[serde(default)]
    pub uid: u32,
    /// Numeric id of that user's group.
    #[serde(default)]
    pub gid: u32,
    /// What was backed up, as absolute paths.
    pub paths: Vec<Text>,
    /// Tags at creation; `amend` records replace them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Patterns that were excluded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<Text>,
    /// Program and version.
    #[serde(default)]
    pub program: String,
    /// Snapshot that unchanged entries were taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ObjectId>,
    /// True if the backup is not complete: it was interrupted, or is still running.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// One tree per source.
    pub sources: Vec<SourceRecord>,
    /// What only the capture of a whole application knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    /// Session whose packs it needs besides older ones.
    pub session: SessionId,
    /// Index objects that its session created or adopted.
    #[serde(default)]
    pub index: Vec<ObjectId>,
    /// Totals of the backup.
    pub summary: SnapshotSummary,
}

impl Snapshot {
    /// A record at the start of a backup: anything its creator does not add is empty, and the
    /// backup itself fills in sources, session, index objects and totals.
    pub fn begun(time: Timestamp, host: impl Into<String>, paths: Vec<Text>) -> Self {
        Self {
            time,
            host: host.into(),
            user: String::new(),
            uid: 0,
            gid: 0,
            paths,
            tags: Vec::new(),
            excludes: Vec::new(),
            program: String::new(),
            parent: None,
            partial: false,
            sources: Vec::new(),
            application: None,
            session: SessionId::from_bytes([0; 32]),
            index: Vec::new(),
            summary: SnapshotSummary::default(),
        }
    }
}

/// One source of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Unique name within the snapshot.
    pub name: String,
    /// Kind of connector: `files`, `stream`, `postgres`, `bucket`.
    pub connector: String,
    /// Root of its tree.
    pub tree: BlobId,
    /// When its capture started and ended, if that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Consistency token: what the connector says about the moment that the tree shows, such as
    /// `lsn`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub token: BTreeMap<String, String>,
    /// How much its tree has and what it lacks; `None` in snapshots of early versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Captured>,
    /// What a source of files was asked to include; `None` in snapshots of early versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

impl SourceRecord {
    /// A source about which nothing else is known.
    pub fn new(name: impl Into<String>, connector: impl Into<String>, tree: BlobId) -> Self {
        let (name, connector) = (name.into(), connector.into());
        let (window, token) = (None, BTreeMap::new());
        Self { name, connector, tree, window, token, captured: None, scope: None }
    }
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First moment.
    pub begin: Timestamp,
    /// Last moment.
    pub end: Timestamp,
}

/// What a snapshot says about the application that it contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its name in the application file.
    pub name: String,
    /// Id of the run, the same in the snapshot of the data and in that of the keys.
    pub run: String,
    /// Repository of the other snapshot of the run, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_repository: Option<RepositoryId>,
    /// The other snapshot, if it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_snapshot: Option<ObjectId>,
    /// The keys that the data needs, by keyed fingerprint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyFingerprint>,
    /// Results of the checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckRecord>,
}

/// A key that the data of an application needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFingerprint {
    /// Source that it belongs to.
    pub source: String,
    /// Path within the source.
    pub path: Text,
    /// Keyed hash of its bytes, in hexadecimal digits: equal keys have equal fingerprints in one
    /// repository.
    pub fingerprint: String,
}

/// Result of one check of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Its name in the application file.
    pub name: String,
    /// True if the check passed.
    pub passed: bool,
    /// Number of rows or keys examined.
    pub checked: u64,
    /// Number of those missing or wrong.
    pub failed: u64,
    /// Number of those that nothing refers to.
    #[serde(default)]
    pub orphans: u64,
}

/// Totals of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SnapshotSummary {
    /// When it started.
    pub backup_start: Option<Timestamp>,
    /// When it was committed.
    pub backup_end: Option<Timestamp>,
    /// Files that the parent does not have.
    pub files_new: u64,
    /// Files that differ from the parent's.
    pub files_changed: u64,
    /// Files taken from the parent without being read.
    pub files_unmodified: u64,
    /// Directories that the parent does not have.
    pub dirs_new: u64,
    /// Directories that differ from the parent's.
    pub dirs_changed: u64,
    /// Directories identical to the parent's.
    pub dirs_unmodified: u64,
    /// New blobs of file content.
    pub data_blobs: u64,
    /// New blobs of trees.
    pub tree_blobs: u64,
    /// Plaintext bytes of new blobs.
    pub data_added: u64,
    /// Bytes that the packs of the repository grew by.
    pub data_added_packed: u64,
    /// Files in the snapshot.
    pub total_files_processed: u64,
    /// Their bytes.
    pub total_bytes_processed: u64,
    /// Entries that could not be read, or changed while being read.
    pub errors: u64,
}

/// What authenticates a record besides its bytes: its position.
pub fn associated_data(repository: &RepositoryId, chain: &Chain, sequence: u64) -> Vec<u8> {
    let mut data = prefix().to_vec();
    data.extend_from_slice(repository.as_bytes());
    data.extend_from_slice(chain.folder().as_bytes());
    data.extend_from_slice(&sequence.to_le_bytes());
    data
}

/// The plaintext prefix of a record: magic and version.
pub fn prefix() -> [u8; 10] {
    let mut out = [0; 10];
    out[..8].copy_from_slice(MAGIC);
    out[8..].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    out
}

/// Checks the plain prefix of a record and returns its sealed rest.
///
/// # Errors
/// [`FormatError`] if the object does not start as a record.
pub fn split(object: &[u8]) -> Result<&[u8], FormatError> {
    let mut reader = WireReader::new(object, WHAT);
    reader.magic_and_version(MAGIC)?;
    Ok(reader.rest())
}

/// The padded JSON of a record.
pub fn encode<Body: Serialize>(record: &Record<Body>) -> Vec<u8> {
    // Serialising these types into memory cannot fail: their keys are strings and nothing is
    // written out.
    let mut json = serde_json::to_vec(record).unwrap_or_default();
    json.resize(padme(json.len() as u64) as usize, b' ');
    json
}

/// Reads the JSON of a record.
///
/// # Errors
/// [`FormatError::Invalid`] if it is not a record of this chain.
pub fn decode<Body: for<'de> Deserialize<'de>>(json: &[u8]) -> Result<Record<Body>, FormatError> {
    serde_json::from_slice(json)
        .map_err(|_| FormatError::Invalid { what: WHAT, why: "its fields cannot be read" })
}
