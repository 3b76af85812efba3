//! The local cache of the index: one redb file per repository and process.

mod clean;
mod file;
mod insert;
mod list;
mod notes;
mod records;
mod remove;
mod table;
mod view;

use redb::Database;

pub(super) use view::View;

/// What was learnt of a repository.
#[derive(Debug)]
pub(super) struct Cache {
    database: Database,
}
