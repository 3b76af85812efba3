//! Printing results while the engine still walks.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_engine::{EngineError, Event, Observer};
use serde::Serialize;

use crate::context::Context;
use crate::output::{Output, StdoutWriter};

/// Results, line by line. An output that cannot be written ends the walk.
pub struct Stream<'a> {
    output: &'a Output,
    /// A person sees each line at once; for everybody else there may be millions of them.
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

/// Passes on what the user should know and the wish to stop; shows no progress.
pub struct Listener {
    output: Arc<Output>,
    interrupted: Arc<AtomicBool>,
}

impl Listener {
    /// Listens on behalf of a command.
    pub fn new(context: &Context) -> Listener {
        let interrupted = Arc::clone(&context.interrupted);
        Listener { output: Arc::clone(&context.output), interrupted }
    }
}

impl Observer for Listener {
    fn event(&self, event: Event<'_>) {
        if let Event::Note { message } = event {
            self.output.warn(message);
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}
