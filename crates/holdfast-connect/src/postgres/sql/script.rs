//! A script of pg_dump or pg_dumpall, parsed while it passes: statements, rows of `COPY`, and the
//! few lines that are meant for `psql`. Nothing is run here.

use std::mem;

use super::scan::{ScanStep, ScriptScanner, Unclear};
use super::statement::{changes_reading, is_copy_from_stdin};

/// The longest statement accepted, in bytes; a row of `--inserts` is one.
const STATEMENT_BYTES_MAX: usize = 64 << 20;
/// How much is kept of a statement that is only watched.
const WATCHED_BYTES: usize = 4 << 10;
/// The longest line for `psql`: pg_dump's random word has 63 letters, a name 63 bytes.
const COMMAND_BYTES_MAX: usize = 4 << 10;
/// The commands that the tools themselves write for `psql`.
const COMMANDS: [&[u8]; 3] = [b"\\restrict ", b"\\unrestrict ", b"\\connect "];

/// Why a script is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScriptError {
    /// Something that no dump contains.
    #[error("line {line} has {what}")]
    Unclear {
        /// The line, counted from 1.
        line: u64,
        /// What it contains.
        what: Unclear,
    },
    /// A command that would do something on this machine.
    #[error("line {line} has a psql command that pg_dump does not write: {command}")]
    Command {
        /// Which line.
        line: u64,
        /// How it begins.
        command: String,
    },
    /// A statement beyond any reasonable limit.
    #[error("the statement at line {line} is longer than {max} bytes")]
    TooLong {
        /// Which line.
        line: u64,
        /// The limit.
        max: usize,
    },
    /// A row that `COPY` does not write.
    #[error("line {line} has a backslash in its rows that COPY does not write")]
    Row {
        /// Which line.
        line: u64,
    },
    /// The rest would be read differently.
    #[error(
        "line {line} sets client_encoding or standard_conforming_strings to an unsupported value"
    )]
    Reading {
        /// Which line.
        line: u64,
    },
    /// The end is missing.
    #[error("it ends in the middle of a statement or of rows")]
    CutShort,
}

/// A piece of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScriptPiece<'a> {
    /// A statement with its semicolon, without comments before it.
    Statement(&'a [u8]),
    /// Rows for the preceding `COPY`, in pieces of any size.
    Rows(&'a [u8]),
    /// Their end.
    RowsEnd,
    /// A line that the tools write for `psql`.
    Command(&'a [u8]),
}

/// Parses a script.
#[derive(Debug, Default)]
pub(crate) struct ScriptParser {
    /// True if only the beginning and the end of a statement are wanted.
    is_only_watched: bool,
    scanner: ScriptScanner,
    mode: ScriptMode,
    /// The statement, the command, or the beginning of a row.
    held: Vec<u8>,
    lines: u64,
    is_line_start: bool,
    has_begun: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum ScriptMode {
    #[default]
    Statements,
    /// In a line for `psql`.
    Command,
    /// After a `COPY`, up to the end of its line.
    CopyLine,
    /// At the start of a row that begins with a backslash.
    RowStart,
    /// In rows; true after a backslash.
    Rows { is_escaped: bool },
}

impl ScriptParser {
    /// A script that is checked while it passes: of a long statement it returns only beginning and
    /// end.
    pub fn watched() -> Self {
        Self { is_only_watched: true, ..Self::default() }
    }

    /// True for a statement that is followed by rows.
    pub fn is_before_rows(statement: &[u8]) -> bool {
        is_copy_from_stdin(statement)
    }

    /// Adds the next bytes and passes on what is complete.
    pub fn update<E: From<ScriptError>>(
        &mut self,
        mut bytes: &[u8],
        on: &mut dyn FnMut(ScriptPiece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !mem::replace(&mut self.has_begun, true) {
            (self.is_line_start, self.lines) = (true, 1);
        }
        while !bytes.is_empty() {
            let taken = match self.mode {
                ScriptMode::Rows { is_escaped } => self.rows(bytes, is_escaped, on)?,
                ScriptMode::RowStart => self.row_start(bytes[0], on)?,
                ScriptMode::Command => self.command(bytes[0], on)?,
                ScriptMode::CopyLine => self.copy_line(bytes[0])?,
                ScriptMode::Statements => self.statement(bytes[0], on)?,
            };
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// After the last byte: whether the script is complete.
    pub fn finish(&self) -> Result<(), ScriptError> {
        match self.mode == ScriptMode::Statements && self.scanner.is_done() {
            true => Ok(()),
            false => Err(ScriptError::CutShort),
        }
    }

    fn count(&mut self, byte: u8) {
        self.is_line_start = byte == b'\n';
        self.lines += u64::from(self.is_line_start);
    }

    fn statement<E: From<ScriptError>>(
        &mut self,
        byte: u8,
        on: &mut dyn FnMut(ScriptPiece<'_>) -> Result<(), E>,
    ) -> Result<usize, E> {
        if byte == b'\\' && self.is_line_start && self.scanner.is_between() {
            self.mode = ScriptMode::Command;
            return Ok(0);
        }
        let line = self.lines;
        let step = self.scanner.step(byte).map_err(|what| ScriptError::Unclear { line, what })?;
        self.count(byte);
        if step == ScanStep::Nothing || !(self.scanner.has_begun() || step == ScanStep::End) {
            self.held.clear();
            return Ok(1);
        }
        self.held.push(byte);
        if self.is_only_watched && self.held.len() > 2 * WATCHED_BYTES {
            self.held.drain(WATCHED_BYTES / 2..self.held.len() - WATCHED_BYTES / 2);
        }
        if self.held.len() > STATEMENT_BYTES_MAX {
            return Err(ScriptError::TooLong { line, max: STATEMENT_BYTES_MAX }.into());
        }
        if step == ScanStep::End {
            let statement = mem::take(&mut self.held);
            if changes_reading(&statement) {
                return Err(ScriptError::Reading { line }.into());
            }
            if is_copy_from_stdin(&statement) {
                self.mode = ScriptMode::CopyLine;
            }
            on(ScriptPiece::Statement(&statement))?;
        }
        Ok(1)
    }

    fn command<E: From<ScriptError>>(
        &mut self,
        byte: u8,
        on: &mut dyn FnMut(ScriptPiece<'_>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let line = self.lines;
        if byte == 0 {
            return Err(ScriptError::Unclear { line, what: Unclear::Zero }.into());
        }
        self.held.push(byte);
        let is_known = COMMANDS.iter().any(|known| {
            let length = known.len().min(self.held.len());
            self.held[..length] == known[..length]
        });
        // In backquotes a shell runs the text, whatever the command.
        let is_quoted = matches!(byte, b'`' | b':' | b'|' | b'\\') && self.held.len() > 1;
        if !is_known || is_quoted || self.held.len() > COMMAND_BYTES_MAX {
            let command = String::from_utf8_lossy(&self.held).trim_end().to_owned();
            return Err(ScriptError::Command { line, command }.into());
        }
        self.count(byte);
        if byte == b'\n' {
            self.mode = ScriptMode::Statements;
            let command = mem::take(&mut self.held);
            on(ScriptPiece::Command(command.trim_ascii_end()))?;
        }
        Ok(1)
    }

    /// Rows begin on the line after the statement.
    fn copy_line(&mut self, byte: u8) -> Result<usize, ScriptError> {
        let line = self.lines;
        match byte {
            b'\n' => self.mode = ScriptMode::Rows { is_escaped: false },
            b' ' | b'\t' => {}
            _ => return Err(ScriptError::Row { line }),
        }
        self.count(byte);
        Ok(1)
    }

    /// The end of the rows, or a row that begins with a backslash.
    fn row_start<E: From<ScriptError>>(
        &mut self,
        byte: u8,
        on: &mut dyn FnMut(ScriptPiece<'_>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let line = self.lines;
        match (&*self.held, byte) {
            (b"\\", b'.') => self.held.push(byte),
            (b"\\.", b'\n') => {
                self.held.clear();
                self.mode = ScriptMode::Statements;
                self.count(byte);
                on(ScriptPiece::RowsEnd)?;
            }
            // psql also takes it for the end when a carriage return follows.
            (b"\\.", _) => return Err(ScriptError::Row { line }.into()),
            _ => {
                self.mode = ScriptMode::Rows { is_escaped: true };
                self.is_line_start = false;
                self.held.clear();
                on(ScriptPiece::Rows(b"\\"))?;
                return Ok(0);
            }
        }
        Ok(1)
    }

    fn rows<E: From<ScriptError>>(
        &mut self,
        bytes: &[u8],
        mut is_escaped: bool,
        on: &mut dyn FnMut(ScriptPiece<'_>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut taken = 0;
        for byte in bytes {
            let line = self.lines;
            if self.is_line_start && *byte == b'\\' {
                self.held.push(b'\\');
                self.mode = ScriptMode::RowStart;
                break;
            }
            if *byte == 0 {
                return Err(ScriptError::Unclear { line, what: Unclear::Zero }.into());
            }
            if is_escaped && !b"bfnrtvN\\".contains(byte) {
                return Err(ScriptError::Row { line }.into());
            }
            is_escaped = !is_escaped && *byte == b'\\';
            self.count(*byte);
            taken += 1;
        }
        if taken > 0 {
            on(ScriptPiece::Rows(&bytes[..taken]))?;
        }
        if self.mode == ScriptMode::RowStart {
            return Ok(taken + 1);
        }
        self.mode = ScriptMode::Rows { is_escaped };
        Ok(taken)
    }
}

/// The statements of a text without rows.
pub(crate) fn statements(text: &[u8]) -> Result<Vec<Vec<u8>>, ScriptError> {
    let (mut script, mut found) = (ScriptParser::default(), Vec::new());
    let mut keep = |piece: ScriptPiece<'_>| {
        if let ScriptPiece::Statement(statement) = piece {
            found.push(statement.to_vec());
        }
        Ok::<_, ScriptError>(())
    };
    script.update(text, &mut keep)?;
    script.finish().map(|()| found)
}
