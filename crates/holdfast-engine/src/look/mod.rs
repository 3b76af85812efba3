//! Looking into snapshots: list, find, compare, dump, count, show.
//!
//! Every verb starts from a [`SnapshotRoot`], which is a whole snapshot or one folder of it; paths
//! start with a slash and are relative to that root. Objects of buckets have their keys as paths
//! where [`SnapshotRoot::by_keys`] is used. Results are returned as data or passed one by one to a
//! closure; nothing is printed.

pub mod cat;
pub mod diff;
mod distinct;
pub mod dump;
mod entries;
pub mod error;
pub mod find;
mod keys;
pub mod ls;
mod nodes;
pub mod prefix;
pub mod root;
pub mod stats;
pub mod usage;
pub mod walk;

pub use diff::{DiffOptions, DiffStatistics, PathChange, SideStatistics, diff};
pub use dump::{ArchiveFormat, DumpStats, FileReader, dump, dump_archive, dump_file};
pub(crate) use entries::{NamedEntry, ShownEntries};
pub use error::{LookError, ObjectKind};
pub use find::{FindOptions, find};
pub use keys::{KeyFolder, shown_path};
pub use ls::ls;
pub(crate) use nodes::Extents;
pub use prefix::IdPrefix;
pub use root::{Folder, Place, SnapshotRoot, Sources, clean, resolve, source_names};
pub use stats::{Stats, StatsMode, stats};
pub use usage::{BlobUse, WantedBlobs, find_users};
pub(crate) use walk::check_depth;
pub use walk::{Visitor, Walk, walk, walk_each};
