//! Writing a captured database as a dump for PostgreSQL's own tools.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_connect::postgres::{
    EmitForm, ErrorKind, PostgresServer, StoredDatabase, emit, emit_stream,
};
use holdfast_engine::EngineError;
use holdfast_engine::look::SnapshotRoot;
use holdfast_repo::Repository;

use crate::kind::step::{NextStep, RestoreError, SourceTree};

/// The destination of a dump.
pub enum EmitTo<'a> {
    /// A file or folder that must not exist.
    Path(&'a Path),
    /// A pipe.
    Stream(&'a mut (dyn Write + Send)),
}

/// Writes the database whose folder is at `path` of a tree. An SQL script is made by `pg_restore`,
/// which must be installed; no server is needed.
///
/// # Errors
/// [`RestoreError`]: there is no database, the repository cannot be read, or the dump cannot be
/// written; nothing is left of it then.
pub fn emit_database(
    repository: &Repository,
    root: &SnapshotRoot,
    path: &[u8],
    form: EmitForm,
    to: EmitTo<'_>,
    stop: &Arc<AtomicBool>,
) -> Result<(), RestoreError> {
    let shown = String::from_utf8_lossy(path).into_owned();
    let no_database = || {
        RestoreError::refused(format!("{shown} is not a captured database"))
            .or(NextStep::ListDatabases)
    };
    let whole = SourceTree { repository, root: root.clone() };
    let tree = match whole.below(path) {
        Err(EngineError::WrongKind { .. }) => return Err(no_database()),
        tree => tree?,
    };
    if tree.find(b"archive.head")?.is_none() {
        return Err(no_database());
    }
    let stored = Stoppable { tree, stop: Arc::clone(stop) };
    let server = PostgresServer { stop: Arc::clone(stop), ..PostgresServer::new("postgres://") };
    let emitted = match to {
        EmitTo::Path(path) => emit(&stored, form, path, &server),
        EmitTo::Stream(output) => emit_stream(&stored, form, output, &server),
    };
    emitted.map_err(|error| match stop.load(Ordering::SeqCst) || error.kind == ErrorKind::Stopped {
        true => RestoreError::Interrupted,
        false => RestoreError::refused(error.to_string()),
    })
}

/// A stored database whose reading the user can interrupt.
struct Stoppable<'a> {
    tree: SourceTree<'a>,
    stop: Arc<AtomicBool>,
}

impl StoredDatabase for Stoppable<'_> {
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let reader = StoredDatabase::open(&self.tree, path)?;
        Ok(Box::new(StoppableReader { reader, stop: &self.stop }))
    }
}

struct StoppableReader<'a> {
    reader: Box<dyn Read + 'a>,
    stop: &'a AtomicBool,
}

impl Read for StoppableReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stop.load(Ordering::SeqCst) {
            true => Err(io::Error::other("interrupted")),
            false => self.reader.read(buffer),
        }
    }
}
