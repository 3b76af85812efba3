//! A source of type `dump`.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::section::{Section, Table};

use super::Postgres;

/// A dump of a PostgreSQL database that somebody else makes: a file of `pg_dump` or `pg_dumpall`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    /// The file.
    pub file: PathBuf,
    /// It must not be older.
    pub max_age: Option<Duration>,
    /// Where a restore makes a database of it; nowhere without.
    pub restore: Option<Box<Postgres>>,
}

impl Table for Dump {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let file = section.required(
            "file",
            "The dump: an archive (pg_dump -Fc), or a script of pg_dump or pg_dumpall. Either may \
             be compressed, with gzip or zstd.",
        );
        let max_age = section.optional(
            "max-age",
            "The run fails if the dump is older, as in 2h: whatever makes it has stopped. Default: \
             any age.",
        );
        let restore = section.table(
            "restore",
            "Where a restore makes a database of an archive or a script of pg_dump, with the keys \
             of a source of type postgres. Default: nowhere.",
        );
        Some(Self { file: file?, max_age, restore: restore.map(Box::new) })
    }
}
