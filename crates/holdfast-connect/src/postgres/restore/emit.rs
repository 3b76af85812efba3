//! A captured database as files for PostgreSQL's own tools.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;

use super::super::archive::{DataSelection, PlainCheck, PlainError, PlainKind, Toc};
use super::super::error::{ErrorKind, PostgresError};
use super::super::options::PostgresServer;
use super::super::sql::{ScriptError, ScriptParser};
use super::super::tool::Tools;
use super::stored::{ReadDatabase, StoredDatabase};

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmitForm {
    /// One archive (`-Fc`) that can be read with several jobs.
    Custom,
    /// A directory (`-Fd`).
    Directory,
    /// An SQL script, written by `pg_restore`.
    Sql,
}

/// Writes a captured database to a path that must not exist, accessible only by its owner. Nothing
/// is left of it after an error.
///
/// # Errors
/// [`PostgresError`]: the backup cannot be read or the files cannot be written.
pub fn emit(
    stored: &dyn StoredDatabase,
    form: EmitForm,
    path: &Path,
    server: &PostgresServer,
) -> Result<(), PostgresError> {
    let stored = ReadDatabase::read(stored)?;
    if form == EmitForm::Directory {
        create_folder(path)?;
        let written = write_directory(&stored, &stored.toc, &DataSelection::All, path);
        // The rest is of no use; the error is what to report.
        return written.inspect_err(|_| drop(fs::remove_dir_all(path)));
    }
    let mut file = create(path)?;
    let written = match form {
        EmitForm::Sql => write_sql(&server.resolve()?, &stored, &mut file),
        EmitForm::Custom | EmitForm::Directory => write_custom(&stored, &file, path),
    };
    let written = written.and_then(|()| file.sync_all().map_err(|error| cannot(path, &error)));
    written.inspect_err(|_| drop(fs::remove_file(path)))
}

/// Writes a captured database to a pipe, as an archive for a single job, or as a script.
///
/// # Errors
/// [`PostgresError`]: the backup cannot be read or the pipe cannot be written to; a directory is
/// not a stream.
pub fn emit_stream(
    stored: &dyn StoredDatabase,
    form: EmitForm,
    output: &mut (dyn Write + Send),
    server: &PostgresServer,
) -> Result<(), PostgresError> {
    let stored = ReadDatabase::read(stored)?;
    match form {
        EmitForm::Sql => write_sql(&server.resolve()?, &stored, output),
        EmitForm::Custom => {
            let emission = stored.emission(&stored.toc, &DataSelection::All);
            let written = emission.write_stream(output, &mut |member| stored.open(member));
            written.map_err(|error| PostgresError::new(ErrorKind::Io, error.to_string()))
        }
        EmitForm::Directory => {
            let text = "a directory of files cannot be written to a pipe";
            Err(PostgresError::new(ErrorKind::Options, text))
        }
    }
}

/// Writes an archive with offsets, by which several jobs find their data.
fn write_custom(stored: &ReadDatabase<'_>, file: &File, path: &Path) -> Result<(), PostgresError> {
    let mut file = BufWriter::new(file);
    let emission = stored.emission(&stored.toc, &DataSelection::All);
    let written = emission.write_seekable(&mut file, &mut |member| stored.open(member));
    written.map_err(|error| PostgresError::new(ErrorKind::Io, error.to_string()))?;
    file.flush().map_err(|error| cannot(path, &error))
}

/// Makes a folder that only its owner can enter.
pub(super) fn create_folder(folder: &Path) -> Result<(), PostgresError> {
    DirBuilder::new().mode(0o700).create(folder).map_err(|error| cannot(folder, &error))
}

/// Writes a directory archive into an empty folder.
pub(super) fn write_directory(
    stored: &ReadDatabase<'_>,
    toc: &Toc,
    wanted: &DataSelection,
    folder: &Path,
) -> Result<(), PostgresError> {
    let mut create = |name: &str| {
        let file = options().open(folder.join(name))?;
        Ok(Box::new(BufWriter::new(file)) as Box<dyn Write>)
    };
    let emission = stored.emission(toc, wanted);
    let written = emission.write_directory(&mut create, &mut |member| stored.open(member));
    written.map_err(|error| PostgresError::new(ErrorKind::Io, error.to_string()))
}

/// Lets `pg_restore` turn the archive into SQL. Its author may have put commands for `psql` into
/// it; a script is not written past such a command.
fn write_sql(
    tools: &Tools,
    stored: &ReadDatabase<'_>,
    script: &mut (dyn Write + Send),
) -> Result<(), PostgresError> {
    let mut command = tools.command("pg_restore");
    command.args(["-f", "-"]).stdout(Stdio::piped());
    let mut running = tools.start("pg_restore", command.stdin(Stdio::piped()))?;
    let (input, output) = (running.child.stdin.take(), running.child.stdout.take());
    let Some((mut input, output)) = input.zip(output) else {
        return Err(PostgresError::new(ErrorKind::Tool, "pg_restore has no input"));
    };
    let copied = std::thread::scope(|scope| {
        // Its end of the pipe is dropped with it, so that pg_restore never waits for a reader.
        let copying = scope.spawn(move || copy(output, script));
        let emission = stored.emission(&stored.toc, &DataSelection::All);
        let written = emission.write_stream(&mut input, &mut |member| stored.open(member));
        drop(input);
        let failed = || Err(PostgresError::new(ErrorKind::Io, "a thread failed"));
        (written, copying.join().unwrap_or_else(|_| failed()))
    });
    let (written, copied) = copied;
    let kind = copied?;
    running.succeed()?;
    written.map_err(|error| PostgresError::new(ErrorKind::Io, error.to_string()))?;
    match kind {
        Ok(PlainKind::Database) => Ok(()),
        _ => {
            let text = "the script is incomplete, although pg_restore reported no error";
            Err(PostgresError::new(ErrorKind::Incomplete, text))
        }
    }
}

/// Copies a script; returns what it is at its end.
fn copy(
    mut input: impl Read,
    script: &mut (dyn Write + Send),
) -> Result<Result<PlainKind, PlainError>, PostgresError> {
    let (mut check, mut watched) = (PlainCheck::new(), ScriptParser::watched());
    let mut buffer = vec![0; 64 << 10];
    let refused = |error: ScriptError| {
        let text = format!(
            "this dump cannot be written as a script: {error}; write it as an archive (-a custom)"
        );
        PostgresError::new(ErrorKind::Incomplete, text)
    };
    let cannot = |error: io::Error| PostgresError::io("write the script", &error);
    loop {
        match input.read(&mut buffer) {
            Ok(0) => {
                script.flush().map_err(cannot)?;
                return Ok(check.finish());
            }
            Ok(count) => {
                let bytes = &buffer[..count];
                watched.update(bytes, &mut |_| Ok(())).map_err(refused)?;
                check.update(bytes);
                script.write_all(bytes).map_err(cannot)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(PostgresError::io("read from pg_restore", &error)),
        }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

fn create(path: &Path) -> Result<File, PostgresError> {
    options().open(path).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &io::Error) -> PostgresError {
    PostgresError::io(&format!("write {path:?}"), error)
}
