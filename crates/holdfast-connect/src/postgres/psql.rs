//! A session where only the tools can reach the server, such as inside a container: `psql` runs
//! there and reads statements from its standard input.
//!
//! `psql` obeys anything that begins with a backslash in its input, and may then start programs. So
//! it never reads a statement: it reads hexadecimal digits, which the server turns into the text,
//! and `\gexec` sends that text back to the server without interpreting it.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};

use super::error::{ErrorKind, PostgresError, PostgresRefusal};
use super::rows::OnBytes;
use super::tool::{RunningTool, Tools};
use crate::command::StoppableInput;

/// The program's name.
const PROGRAM: &str = "psql";

/// A session through `psql`.
pub(super) struct Psql {
    /// Server and database, for messages.
    subject: String,
    input: Option<ChildStdin>,
    output: BufReader<StoppableInput>,
    running: RunningTool,
    /// A line that nothing else writes. It marks the end of the response to a statement.
    mark: String,
}

impl Psql {
    pub fn open(tools: &Tools, database: &str) -> Result<Self, PostgresError> {
        let mut command = tools.command(PROGRAM);
        command.args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d"]);
        command.arg(tools.address.uri(database)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = tools.start(PROGRAM, &mut command)?;
        let input = running.child.stdin.take();
        let output = running.child.stdout.take().map(Into::into);
        let output =
            output.ok_or_else(|| PostgresError::new(ErrorKind::Tool, "psql has no output"))?;
        let output = BufReader::new(StoppableInput::new(output, tools.stop.clone()));
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| {
            PostgresError::new(ErrorKind::Io, format!("no random bytes: {error}"))
        })?;
        let mark = format!("holdfast-{:016x}", u64::from_le_bytes(random));
        let subject = format!("database {database:?} on {}", tools.address.label());
        let mut psql = Self { subject, input, output, running, mark };
        psql.run("SET client_encoding = 'UTF8'")?;
        Ok(psql)
    }

    pub fn run(&mut self, sql: &str) -> Result<(), PostgresError> {
        self.copy(sql, &mut |_| Ok(()))
    }

    pub fn copy(
        &mut self,
        statement: &str,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<(), PostgresError> {
        let text = format!("{}\n\\echo {}\n", unread(statement), self.mark);
        let written = self.input.as_mut().map(|input| {
            input.write_all(text.as_bytes())?;
            input.flush()
        });
        if !matches!(written, Some(Ok(()))) {
            return Err(self.lost());
        }
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = self.output.read_until(b'\n', &mut line);
            let count = count.map_err(|error| PostgresError::io("read from psql", &error))?;
            if count == 0 {
                return Err(self.lost());
            }
            if line.strip_suffix(b"\n") == Some(self.mark.as_bytes()) {
                return Ok(());
            }
            let mark = self.mark.as_bytes();
            if line.windows(mark.len()).any(|part| part == mark) {
                return Err(terminal());
            }
            on_bytes(&line)?;
        }
    }

    /// Why `psql` has ended.
    fn lost(&mut self) -> PostgresError {
        drop(self.input.take());
        let Err(failed) = self.running.succeed() else {
            let text = format!("{}: psql exited unexpectedly; check `exec`", self.subject);
            return PostgresError::new(ErrorKind::Unreachable, text);
        };
        let said = self.running.messages();
        let message = said.trim_start_matches("psql: ").trim_start_matches("error: ");
        match message.is_empty() || failed.kind == ErrorKind::Tool {
            true => failed,
            false => PostgresRefusal { subject: &self.subject, code: None, message }.explain(),
        }
    }
}

/// A statement in a form that `psql` does not read but sends.
fn unread(statement: &str) -> String {
    let mut text = String::with_capacity(statement.len() * 2 + 80);
    text.push_str("SELECT pg_catalog.convert_from(pg_catalog.decode('");
    for byte in statement.bytes() {
        text.extend(
            [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[digit as usize])),
        );
    }
    text.push_str("', 'hex'), 'UTF8') \\gexec");
    text
}

fn terminal() -> PostgresError {
    PostgresError::new(
        ErrorKind::Incomplete,
        "the tools run in a terminal, which changes bytes: run them without one (docker compose \
         exec -T; docker exec, kubectl exec and ssh without -t)",
    )
}
