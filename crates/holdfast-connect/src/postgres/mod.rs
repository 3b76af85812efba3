//! PostgreSQL: a consistent cut through databases of a server, captured with `pg_dump`, restored
//! with `pg_restore`, and compared row by row afterwards.
//!
//! The order of a capture: [`preflight()`] reports what would go wrong, [`Cut::open`] fixes the
//! moment, [`Cut::query`] runs queries at that moment, [`PostgresSource`] is the tree of the tools'
//! output, and [`Cut::check`] verifies at the end that the cut held. A restore is [`restore()`] of
//! one [`StoredDatabase`], after [`restore_globals`].

pub mod archive;

mod address;
mod choose;
mod connection;
mod content;
mod cut;
mod database;
mod dump;
mod error;
mod file;
mod globals;
mod identity;
mod names;
mod options;
mod passfile;
mod preflight;
mod psql;
mod record;
mod restore;
mod rows;
mod said;
mod same;
mod session;
mod source;
mod sql;
mod tls;
mod tool;
mod tool_command;
mod unfound;

pub use address::{AddressError, PostgresAddress};
pub use cut::{Cut, OnRow};
pub use error::{ErrorKind, PostgresError};
pub use file::DumpFileSource;
pub use identity::system_identifier;
pub use options::{DatabaseSelection, GlobalsSelection, PostgresOptions, PostgresServer};
pub use preflight::{PostgresPreflight, preflight};
pub use record::{
    DatabaseContent, DatabaseRecord, MemberKind, MemberRecord, RestorePoint, ServerRecord,
};
pub use restore::{
    DatabaseHolding, DatabaseLeftovers, DatabaseRestoreOptions, DatabaseRestoreReport,
    DatabaseState, EmitForm, GlobalsReport, RestoreSelection, ScriptReport, StoredDatabase,
    TableOutcome, TableReport, Unmade, check, emit, emit_stream, globals, holds, leftovers,
    reads_others, restore, restore_globals, restore_script, settle, standing, tidy,
};
pub use source::{GlobalsSource, PostgresSource};
