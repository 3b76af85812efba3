//! A source of type `dump`.

use std::path::PathBuf;
use std::time::Duration;

use crate::kind::PostgresSettings;
use crate::settings::section::{SettingSection, SettingTable};

/// A PostgreSQL dump that another program makes: a file of `pg_dump` or `pg_dumpall`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpSettings {
    /// The file.
    pub file: PathBuf,
    /// Its maximum age; no limit if absent.
    pub max_age: Option<Duration>,
    /// Where it is restored to a database; nowhere if absent.
    pub restore: Option<Box<PostgresSettings>>,
}

impl SettingTable for DumpSettings {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let file = section.required(
            "file",
            "The dump: an archive (pg_dump -Fc), or a script from pg_dump or pg_dumpall. Either \
             may be compressed with gzip or zstd.",
        );
        let max_age = section.optional(
            "max-age",
            "The run fails if the dump is older than this, as in 2h. Default: any age.",
        );
        let restore = section.table(
            "restore",
            "Where to restore an archive or script of pg_dump to a database, with the keys of a \
             postgres source. Default: nowhere.",
        );
        Some(Self { file: file?, max_age, restore: restore.map(Box::new) })
    }
}
