//! Restoring a script of `pg_dump`, statement by statement.
//!
//! `psql` never sees it. Statements go to the server unchanged, rows by `COPY`, and what the tools
//! write for `psql` is either handled or rejected here.

use std::io::{self, Read};

use super::super::archive::PlainCheck;
use super::super::connection::Direct;
use super::super::error::{ErrorKind, PostgresError};
use super::super::sql::{ScriptError, ScriptParser, ScriptPiece};
use super::create::Fresh;
use super::{DatabaseRestoreOptions, destination, settings};

/// A setting of newer versions that older servers do not know.
const NEWER_SETTING: &[u8] = b"SET transaction_timeout = 0;";

/// The result of restoring a script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptReport {
    /// Statements that ran.
    pub statements: u64,
    /// Bytes of rows that were copied.
    pub row_bytes: u64,
    /// What differs from before, one sentence each.
    pub warnings: Vec<String>,
}

/// Restores a script of `pg_dump` into a new database, and gives that its name. There is nothing to
/// compare it with.
///
/// # Errors
/// As for [`super::restore()`]; also if the script has something for `psql` that pg_dump does not
/// write, or creates databases itself. Nothing is left in that case.
pub fn restore_script(
    script: &mut dyn Read,
    options: &DatabaseRestoreOptions,
) -> Result<ScriptReport, PostgresError> {
    let tools = options.server.resolve()?;
    if !tools.exec.is_empty() {
        let text = "scripts are restored over a direct connection: remove exec, and give an \
                    address that can be reached from this machine";
        return Err(PostgresError::new(ErrorKind::Options, text));
    }
    let (mut admin, is_there) = destination(&tools, options)?;
    let mut report = ScriptReport::default();
    let fresh = Fresh::create(&mut admin, None, options, &mut report.warnings)?;
    let filled = Direct::open(&tools, &fresh.name).and_then(|session| {
        ScriptRun { session, keep_owners: options.keep_owners, report: &mut report }.all(script)
    });
    if let Err(error) = filled {
        fresh.remove(&mut admin);
        return Err(error);
    }
    let only_empty = options.only_empty.then_some(&tools);
    let left = fresh.rename(&mut admin, &options.database, is_there, only_empty)?;
    report.warnings.extend(left);
    settings::finish(&mut admin, &options.database, &mut report.warnings);
    Ok(report)
}

impl From<ScriptError> for PostgresError {
    fn from(error: ScriptError) -> Self {
        Self::new(ErrorKind::Incomplete, format!("the script was not run: {error}"))
    }
}

/// A script that is being run.
struct ScriptRun<'r> {
    session: Direct,
    keep_owners: bool,
    report: &'r mut ScriptReport,
}

impl ScriptRun<'_> {
    fn all(&mut self, input: &mut dyn Read) -> Result<(), PostgresError> {
        let (mut script, mut check) = (ScriptParser::default(), PlainCheck::new());
        let mut buffer = vec![0; 64 << 10];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    check.update(&buffer[..count]);
                    script.update(&buffer[..count], &mut |piece| self.piece(piece))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(PostgresError::io("read the script", &error)),
            }
        }
        script.finish()?;
        check
            .finish()
            .map_err(|error| PostgresError::new(ErrorKind::Incomplete, error.to_string()))?;
        self.session.run("RESET ALL; ANALYZE")
    }

    fn piece(&mut self, piece: ScriptPiece<'_>) -> Result<(), PostgresError> {
        match piece {
            ScriptPiece::Statement(statement) => self.statement(statement),
            ScriptPiece::Rows(bytes) => {
                self.report.row_bytes += bytes.len() as u64;
                self.session.send_rows(bytes)
            }
            ScriptPiece::RowsEnd => self.session.end_rows(),
            ScriptPiece::Command(command) if command.starts_with(b"\\connect") => Err(several()),
            // The restrictions that they impose on psql always hold here.
            ScriptPiece::Command(_) => Ok(()),
        }
    }

    fn statement(&mut self, statement: &[u8]) -> Result<(), PostgresError> {
        let begins = |words: &str| {
            let start = statement.get(..words.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(words.as_bytes()))
        };
        if begins("CREATE DATABASE ") || begins("DROP DATABASE ") {
            return Err(several());
        }
        if !self.keep_owners && is_of_owners(statement, &begins) {
            return Ok(());
        }
        let text = std::str::from_utf8(statement).map_err(|_| {
            let text = "the script is not in UTF-8: create it with pg_dump --encoding=UTF8, or as \
                        an archive (pg_dump -Fc)";
            PostgresError::new(ErrorKind::Incomplete, text)
        })?;
        self.report.statements += 1;
        if ScriptParser::is_before_rows(statement) {
            return self.session.begin_rows(text.trim_end_matches(';'));
        }
        match self.session.run(text) {
            Err(error) if error.kind == ErrorKind::Statement && statement == NEWER_SETTING => {
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// True for a statement that names roles, which may not exist.
fn is_of_owners(statement: &[u8], begins: &dyn Fn(&str) -> bool) -> bool {
    let has_owner = statement.windows(10).any(|part| part == b" OWNER TO ");
    (begins("ALTER ") && has_owner)
        || ["GRANT ", "REVOKE ", "ALTER DEFAULT PRIVILEGES ", "SET SESSION AUTHORIZATION "]
            .iter()
            .any(|words| begins(words))
}

fn several() -> PostgresError {
    let text = "the script creates databases itself (pg_dump --create, pg_dumpall): create it \
                without --create, or as an archive (pg_dump -Fc)";
    PostgresError::new(ErrorKind::Options, text)
}
