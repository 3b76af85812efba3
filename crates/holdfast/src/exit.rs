//! How a command ends: exit codes, the one sentence that says why, and what to do next.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::output::escape;

/// Result of everything that a command does.
pub type CommandResult<T = ()> = Result<T, CommandError>;

/// Why a command did not simply succeed. The numbers are restic's; 2, 13 and 14 are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitKind {
    /// The command failed; nothing more specific is known.
    Failed,
    /// The command line or an environment variable makes no sense.
    Usage,
    /// The command did its work, except for some entries that could not be read or removed.
    Partial,
    /// There is no repository at the given place.
    NoRepository,
    /// The repository is busy.
    Locked,
    /// The passphrase or key opens none of the repository's key slots.
    WrongKey,
    /// The repository is damaged.
    Damaged,
    /// The repository is in an older state than when it was last used from this machine.
    RolledBack,
    /// SIGINT or SIGTERM ended the command.
    Interrupted,
    /// Whoever read standard output went away, as `head` does; nothing is printed about it.
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
            // What a shell reports for a process that SIGPIPE ended.
            ExitKind::OutputClosed => 141,
        }
    }
}

/// The end of a command that did not simply succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// Decides the exit code.
    pub exit: ExitKind,
    /// One clear sentence, without a full stop at its end.
    pub message: String,
    /// What to do next, one step each; may be empty.
    pub hints: Vec<String>,
}

impl CommandError {
    /// An error of the given kind.
    pub fn new(exit: ExitKind, message: impl Into<String>) -> CommandError {
        CommandError { exit, message: message.into(), hints: Vec::new() }
    }

    /// An error without a kind of its own: exit code 1.
    pub fn failed(message: impl Into<String>) -> CommandError {
        CommandError::new(ExitKind::Failed, message)
    }

    /// The user asked for something that makes no sense: exit code 2.
    pub fn usage(message: impl Into<String>) -> CommandError {
        CommandError::new(ExitKind::Usage, message)
    }

    /// The system refused an operation on a path, as in `cannot read /etc/x: permission denied`.
    pub fn path(action: &str, path: &Path, error: &io::Error) -> CommandError {
        CommandError::failed(format!("cannot {action} {}: {error}", escape::path(path)))
    }

    /// Adds a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> CommandError {
        self.hints.push(hint.into());
        self
    }

    /// Writes the error as people or scripts read it.
    ///
    /// # Errors
    /// As `stderr` gives them.
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

/// The last line on standard error with `--json`. `hints` is not in restic's.
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
