//! Roles and tablespaces, which belong to no database.

use std::io::Read;
use std::process::Stdio;

use super::archive::{PlainCheck, PlainKind};
use super::cut::Cut;
use super::error::{ErrorKind, PostgresError};
use super::options::GlobalsSelection;
use super::said::ToolMessages;
use crate::command::StoppableInput;

/// More than the roles and tablespaces of any server.
const GLOBALS_BYTES_MAX: u64 = 256 << 20;

impl Cut {
    /// Roles and tablespaces as an SQL script, proven to be complete. It is a secret: with
    /// passwords included, it contains what is needed to guess them.
    ///
    /// # Errors
    /// [`PostgresError`]: `pg_dumpall` failed, or its output is incomplete.
    pub fn globals(&self) -> Result<Vec<u8>, PostgresError> {
        let mut command = self.tools.command("pg_dumpall");
        command.args(["--globals-only", "--no-password"]);
        if self.options.globals != GlobalsSelection::WithPasswords {
            command.arg("--no-role-passwords");
        }
        // Names of roles have no encoding of their own: they are read in that of the database that
        // the tool is connected to.
        let databases = &self.record().databases;
        let database = databases.iter().find(|it| it.encoding == "UTF8").unwrap_or(&databases[0]);
        let database = &database.name;
        command.arg("-l").arg(database).arg("-d").arg(self.tools.address.uri(database));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut running = self.tools.start("pg_dumpall", &mut command)?;
        let mut script = Vec::new();
        if let Some(output) = running.child.stdout.take() {
            let output = StoppableInput::new(output.into(), self.tools.stop.clone());
            let read = output.take(GLOBALS_BYTES_MAX + 1).read_to_end(&mut script);
            read.map_err(|error| PostgresError::io("read from pg_dumpall", &error))?;
        }
        running.succeed()?;
        let said = ToolMessages::read(&running.end()?.1);
        self.heard([said.left_out, said.others].concat());
        let mut check = PlainCheck::new();
        check.update(&script);
        match check.finish() {
            Ok(PlainKind::Cluster) => Ok(script),
            Ok(PlainKind::Database) => Err(incomplete("it is the dump of a database")),
            Err(error) => Err(incomplete(&error.to_string())),
        }
    }
}

fn incomplete(why: &str) -> PostgresError {
    let text = format!("the output of pg_dumpall for roles and tablespaces cannot be used: {why}");
    PostgresError::new(ErrorKind::Incomplete, text)
}
