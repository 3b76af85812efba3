//! The local cache of the index: one redb file per copy of a repository and process.

mod blocks;
mod clean;
mod file;
mod insert;
mod list;
mod notes;
mod records;
mod remove;
mod table;
mod view;

use std::path::PathBuf;

use redb::Database;

pub(super) use file::CacheFile;
pub(super) use insert::{Inserted, Numbering};
pub(super) use view::CacheView;

/// What is known about a repository.
#[derive(Debug)]
pub(super) struct Cache {
    database: Database,
    path: Option<PathBuf>,
}
