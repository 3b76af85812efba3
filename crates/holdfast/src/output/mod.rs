//! Everything that is printed. Results go to standard output, everything else to standard error.

pub mod convert;
pub mod escape;
pub mod eta;
pub mod json;
pub mod next;
pub mod policy;
pub mod progress;
pub mod table;
pub mod text;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use serde::Serialize;

use crate::exit::{CommandError, ExitKind};

/// Writing to standard output failed. A closed pipe ends the command silently.
#[derive(Debug)]
pub struct OutputError(io::Error);

impl From<OutputError> for CommandError {
    fn from(error: OutputError) -> CommandError {
        match error.0.kind() {
            io::ErrorKind::BrokenPipe => CommandError::new(ExitKind::OutputClosed, "output closed"),
            _ => CommandError::failed(format!("cannot write the output: {}", error.0)),
        }
    }
}

/// How much is printed, and in which form.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// One JSON value per line instead of text.
    pub json: bool,
    /// Print only results and errors.
    pub quiet: bool,
    /// 0 is normal, 1 lists steps, 2 lists every file.
    pub verbosity: u8,
}

/// Standard output and error of the process. Methods may be called from any thread.
pub struct Output {
    style: Style,
    flush_lines: bool,
    stdout: Mutex<Box<dyn Write + Send>>,
    stderr: Mutex<Box<dyn Write + Send>>,
    bar: Mutex<Option<ProgressBar>>,
}

impl Output {
    /// The streams of the process.
    pub fn new(style: Style) -> Output {
        let terminal = io::stdout().is_terminal();
        let stdout = Box::new(BufWriter::with_capacity(1 << 16, io::stdout()));
        Output {
            flush_lines: terminal,
            ..Output::into_writers(style, stdout, Box::new(io::stderr()))
        }
    }

    /// Writes into the given writers, for tests.
    pub fn into_writers(
        style: Style,
        stdout: Box<dyn Write + Send>,
        stderr: Box<dyn Write + Send>,
    ) -> Output {
        let (stdout, stderr) = (Mutex::new(stdout), Mutex::new(stderr));
        Output { style, flush_lines: true, stdout, stderr, bar: Mutex::new(None) }
    }

    /// How much is printed, and in which form.
    pub fn style(&self) -> Style {
        self.style
    }

    /// A line of the result, printed in every style. The caller escapes names in it.
    ///
    /// # Errors
    /// [`OutputError`] if standard output cannot be written.
    pub fn line(&self, text: &str) -> Result<(), OutputError> {
        self.write_stdout(&[text.as_bytes(), b"\n"], self.flush_lines)
    }

    /// An informational line: not with `--json` or `--quiet`, and only from this verbosity on.
    ///
    /// # Errors
    /// [`OutputError`] if standard output cannot be written.
    pub fn note(&self, verbosity: u8, text: &str) -> Result<(), OutputError> {
        match self.style.json || self.style.quiet || self.style.verbosity < verbosity {
            true => Ok(()),
            false => self.line(text),
        }
    }

    /// One JSON message or document on a line of its own.
    ///
    /// # Errors
    /// [`OutputError`] if standard output cannot be written.
    pub fn json(&self, message: &impl Serialize) -> Result<(), OutputError> {
        let bytes = serde_json::to_vec(message).map_err(|error| OutputError(error.into()))?;
        self.write_stdout(&[&bytes, b"\n"], true)
    }

    /// Bytes as they are, as in `dump`.
    ///
    /// # Errors
    /// [`OutputError`] if standard output cannot be written.
    pub fn bytes(&self, bytes: &[u8]) -> Result<(), OutputError> {
        self.write_stdout(&[bytes], false)
    }

    /// A warning on standard error, as text; with `--json`, use [`Output::json_error`] instead.
    /// Write errors are ignored.
    pub fn warn(&self, text: &str) {
        if !self.style.json {
            self.write_stderr(&escape::text(text));
        }
    }

    /// A warning on standard error, as text or JSON.
    pub fn caution(&self, text: &str) {
        match self.style.json {
            true => self.json_error(&json::Warning { message_type: "warning", message: text }),
            false => self.warn(text),
        }
    }

    /// One JSON message on standard error, where restic prints `error` messages.
    pub fn json_error(&self, message: &impl Serialize) {
        if let Ok(text) = serde_json::to_string(message) {
            self.write_stderr(&text);
        }
    }

    /// Writes what is still buffered.
    ///
    /// # Errors
    /// [`OutputError`] if standard output cannot be written.
    pub fn flush(&self) -> Result<(), OutputError> {
        locked(&self.stdout).flush().map_err(OutputError)
    }

    /// Prints the error of a command that failed.
    pub fn report(&self, error: &CommandError) {
        let _already_failing = error.report(self.style.json, &mut *locked(&self.stderr));
    }

    /// Keeps lines and a progress bar from overwriting each other; `None` removes the bar.
    fn set_bar(&self, bar: Option<ProgressBar>) {
        *locked(&self.bar) = bar;
    }

    fn write_stdout(&self, parts: &[&[u8]], flush: bool) -> Result<(), OutputError> {
        self.beside_bar(|| {
            let mut stdout = locked(&self.stdout);
            for part in parts {
                stdout.write_all(part).map_err(OutputError)?;
            }
            if flush { stdout.flush().map_err(OutputError) } else { Ok(()) }
        })
    }

    fn write_stderr(&self, line: &str) {
        self.beside_bar(|| {
            let _closed = writeln!(locked(&self.stderr), "{line}");
        });
    }

    fn beside_bar<T>(&self, write: impl FnOnce() -> T) -> T {
        let bar = locked(&self.bar).clone();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

/// Standard output as a writer, for `dump` and other streams.
pub struct StdoutWriter<'a>(pub &'a Output);

impl Write for StdoutWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes(bytes).map_err(|error| error.0)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(|error| error.0)
    }
}

/// A panic elsewhere leaves shared data usable: no invariant spans two changes.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub mod tests {
    use std::sync::Arc;

    use super::*;

    /// A stream whose bytes a test can read.
    #[derive(Debug, Clone, Default)]
    pub struct CapturedOutput(Arc<Mutex<Vec<u8>>>);

    impl CapturedOutput {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for CapturedOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output and its two streams.
    pub fn captured(style: Style) -> (Output, CapturedOutput, CapturedOutput) {
        let (stdout, stderr) = (CapturedOutput::default(), CapturedOutput::default());
        let output =
            Output::into_writers(style, Box::new(stdout.clone()), Box::new(stderr.clone()));
        (output, stdout, stderr)
    }

    #[test]
    fn quiet_and_json_leave_results_only() {
        for (style, expected) in [
            (Style::default(), "note\nresult\n"),
            (Style { verbosity: 1, ..Style::default() }, "note\nmore\nresult\n"),
            (Style { quiet: true, ..Style::default() }, "result\n"),
            (Style { json: true, verbosity: 2, ..Style::default() }, "result\n"),
        ] {
            let (output, stdout, _) = captured(style);
            output.note(0, "note").unwrap();
            output.note(1, "more").unwrap();
            output.line("result").unwrap();
            assert_eq!(stdout.text(), expected);
        }
    }

    #[test]
    fn a_closed_pipe_is_an_end_of_its_own() {
        let broken = OutputError(io::ErrorKind::BrokenPipe.into());
        assert_eq!(CommandError::from(broken).exit, ExitKind::OutputClosed);
        let full = OutputError(io::ErrorKind::StorageFull.into());
        assert_eq!(CommandError::from(full).exit, ExitKind::Failed);
    }
}
