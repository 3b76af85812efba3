//! The result of a command: its exit code, one sentence that says why, and what to do next.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::output::escape;

/// Result of everything that a command does.
pub type CommandResult<T = ()> = Result<T, CommandError>;

/// Why a command did not fully succeed. The codes are restic's, except 2, 13 and 14.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitKind {
    /// The command failed; nothing more specific is known.
    Failed,
    /// The command line, an environment variable or the app file is invalid.
    Usage,
    /// The command did its work, except for some entries that could not be read or removed.
    Partial,
    /// There is no repository at the given location.
    NoRepository,
    /// The repository is busy.
    Locked,
    /// The passphrase or key opens none of the repository's key slots.
    WrongKey,
    /// The repository is damaged.
    Damaged,
    /// The repository is older than when this machine last used it.
    RolledBack,
    /// SIGINT or SIGTERM ended the command.
    Interrupted,
    /// The reader of standard output closed it, as `head` does; nothing is printed about it.
    OutputClosed,
}

impl ExitKind {
    /// The exit code of the process.
    pub const fn code(self) -> u8 {
        match self {
            ExitKind::Failed => 1,
            ExitKind::Usage => 2,
            ExitKind::Partial => 3,
            ExitKind::NoRepository => 10,
            ExitKind::Locked => 11,
            ExitKind::WrongKey => 12,
            ExitKind::Damaged => 13,
            ExitKind::RolledBack => 14,
            ExitKind::Interrupted => 130,
            // What a shell reports for a process killed by SIGPIPE.
            ExitKind::OutputClosed => 141,
        }
    }
}

/// The result of a command that did not fully succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// Decides the exit code.
    pub exit: ExitKind,
    /// One clear sentence, without a full stop.
    pub message: String,
    /// What to do next, one step each; may be empty.
    pub hints: Vec<String>,
}

impl CommandError {
    /// An error of the given kind.
    pub fn new(exit: ExitKind, message: impl Into<String>) -> CommandError {
        CommandError { exit, message: message.into(), hints: Vec::new() }
    }

    /// An error without a more specific kind: exit code 1.
    pub fn failed(message: impl Into<String>) -> CommandError {
        CommandError::new(ExitKind::Failed, message)
    }

    /// An invalid request: exit code 2.
    pub fn usage(message: impl Into<String>) -> CommandError {
        CommandError::new(ExitKind::Usage, message)
    }

    /// A system error for a path, as in `cannot read /etc/x: permission denied`.
    pub fn path(action: &str, path: &Path, error: &io::Error) -> CommandError {
        CommandError::failed(format!("cannot {action} {}: {error}", escape::path(path)))
    }

    /// Adds a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> CommandError {
        self.hints.push(hint.into());
        self
    }

    /// Writes the error as text or JSON.
    ///
    /// # Errors
    /// `stderr` cannot be written.
    pub fn report(&self, json: bool, stderr: &mut dyn Write) -> io::Result<()> {
        if self.exit == ExitKind::OutputClosed {
            return Ok(());
        }
        match json {
            true => self.report_json(stderr),
            false => self.report_text(stderr),
        }
    }

    fn report_text(&self, stderr: &mut dyn Write) -> io::Result<()> {
        let mut lines = self.message.lines();
        writeln!(stderr, "holdfast: {}", escape::text(lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| writeln!(stderr, "{}", escape::text(line)))?;
        for hint in &self.hints {
            writeln!(stderr, "  try: {}", escape::text(hint))?;
        }
        Ok(())
    }

    fn report_json(&self, stderr: &mut dyn Write) -> io::Result<()> {
        let message = ExitError {
            message_type: "exit_error",
            code: self.exit.code(),
            message: &self.message,
            hints: &self.hints,
        };
        serde_json::to_writer(&mut *stderr, &message)?;
        writeln!(stderr)
    }
}

/// The last line on standard error with `--json`. restic's has no `hints`.
#[derive(Serialize)]
struct ExitError<'a> {
    message_type: &'static str,
    code: u8,
    message: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    hints: &'a [String],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(error: &CommandError, json: bool) -> String {
        let mut out = Vec::new();
        error.report(json, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn codes_are_restics() {
        let all = [
            (ExitKind::Failed, 1),
            (ExitKind::Usage, 2),
            (ExitKind::Partial, 3),
            (ExitKind::NoRepository, 10),
            (ExitKind::Locked, 11),
            (ExitKind::WrongKey, 12),
            (ExitKind::Damaged, 13),
            (ExitKind::RolledBack, 14),
            (ExitKind::Interrupted, 130),
            (ExitKind::OutputClosed, 141),
        ];
        for (kind, code) in all {
            assert_eq!(kind.code(), code, "{kind:?}");
        }
    }

    #[test]
    fn an_error_reads_as_a_sentence_and_next_steps() {
        let error = CommandError::new(ExitKind::NoRepository, "there is no repository at /srv/x")
            .hint("holdfast init -r /srv/x")
            .hint("check the path");
        insta::assert_snapshot!(rendered(&error, false), @r"
        holdfast: there is no repository at /srv/x
          try: holdfast init -r /srv/x
          try: check the path
        ");
        let json = [
            r#"{"message_type":"exit_error","code":10,"#,
            r#""message":"there is no repository at /srv/x","#,
            r#""hints":["holdfast init -r /srv/x","check the path"]}"#,
        ];
        assert_eq!(rendered(&error, true).trim_end(), json.concat());
    }

    #[test]
    fn a_hostile_message_cannot_reach_the_terminal() {
        let error = CommandError::failed("cannot read \u{1b}[2Jx\u{202e}y");
        assert_eq!(rendered(&error, false), "holdfast: cannot read \\x1b[2Jx\\xe2\\x80\\xaey\n");
    }

    #[test]
    fn a_closed_output_is_silent() {
        assert_eq!(rendered(&CommandError::new(ExitKind::OutputClosed, "x"), false), "");
    }
}
