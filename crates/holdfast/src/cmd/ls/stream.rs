//! Prints results while the engine is still walking.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use holdfast_engine::{EngineError, EngineEvent, Observer};
use serde::Serialize;

use crate::context::Context;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::output::json::EntryError;
use crate::output::{Output, StdoutWriter, escape, text};

/// Results, line by line. An output that cannot be written ends the walk.
pub struct Stream<'a> {
    output: &'a Output,
    /// Unbuffered for a terminal; otherwise buffered, as there may be millions of lines.
    flushes_lines: bool,
}

impl<'a> Stream<'a> {
    /// Prints to the standard output of a command.
    pub fn new(context: &'a Context) -> Stream<'a> {
        Stream { output: &context.output, flushes_lines: io::stdout().is_terminal() }
    }

    /// A line of text, in which names are escaped.
    ///
    /// # Errors
    /// [`EngineError::Output`].
    pub fn line(&self, text: &str) -> Result<(), EngineError> {
        let mut out = StdoutWriter(self.output);
        out.write_all(format!("{text}\n").as_bytes()).map_err(EngineError::Output)?;
        if self.flushes_lines { out.flush().map_err(EngineError::Output) } else { Ok(()) }
    }

    /// A JSON message on a line of its own.
    ///
    /// # Errors
    /// [`EngineError::Output`].
    pub fn json(&self, message: &impl Serialize) -> Result<(), EngineError> {
        self.line(&json_text(message)?)
    }
}

/// A message as it is printed.
///
/// # Errors
/// [`EngineError::Output`] if it has no form in JSON.
pub fn json_text(message: &impl Serialize) -> Result<String, EngineError> {
    serde_json::to_string(message).map_err(|error| EngineError::Output(error.into()))
}

/// Passes on warnings and the request to stop; shows no progress.
pub struct Listener {
    output: Arc<Output>,
    interrupted: Arc<AtomicBool>,
    troubles: AtomicU64,
}

impl Listener {
    /// Listens on behalf of a command.
    pub fn new(context: &Context) -> Listener {
        let interrupted = Arc::clone(&context.interrupted);
        Listener { output: Arc::clone(&context.output), interrupted, troubles: AtomicU64::new(0) }
    }

    /// The result of a command that printed everything that could be read.
    ///
    /// # Errors
    /// [`ExitKind::Partial`] if there were errors.
    pub fn end(&self) -> CommandResult {
        told_of_unread(self.troubles.load(Ordering::SeqCst))
    }
}

/// The result of a command that skipped folders that could not be read.
///
/// # Errors
/// [`ExitKind::Partial`] if there were any.
pub fn told_of_unread(folders: u64) -> CommandResult {
    if folders == 0 {
        return Ok(());
    }
    let folders = text::count(folders, "folder", "folders");
    let message = format!("{folders} could not be read; everything else is listed");
    Err(CommandError::new(ExitKind::Partial, message).hint("holdfast check"))
}

impl Observer for Listener {
    fn event(&self, event: EngineEvent<'_>) {
        match event {
            EngineEvent::Note { message } => self.output.warn(message),
            EngineEvent::Trouble { path, during, message } => {
                self.troubles.fetch_add(1, Ordering::SeqCst);
                match self.output.style().json {
                    true => self.output.json_error(&EntryError::new(path, during, message)),
                    false => self.output.warn(&format!("{}: {message}", escape::name(path))),
                }
            }
            _ => {}
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}
