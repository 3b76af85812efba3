//! A command line for one of PostgreSQL's programs, also through ssh.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::{Command, Stdio};

use crate::child;

/// Programs that run another one in a container: no shell parses what follows them.
const CONTAINERS: [&[u8]; 5] = [b"docker", b"podman", b"nerdctl", b"kubectl", b"oc"];

/// A program and its arguments.
///
/// ssh joins its arguments with blanks, and a remote shell splits them again. So the arguments of a
/// program run through it are quoted for that shell: a server address contains an ampersand.
pub(super) struct ToolCommand {
    command: Command,
    is_quoted: bool,
}

impl ToolCommand {
    /// `program`, after the words of `exec`.
    pub fn new(exec: &[OsString], program: OsString) -> Self {
        let is_quoted = goes_through_ssh(exec);
        let program = if is_quoted { quoted(&program) } else { program };
        let mut words = exec.iter().cloned().chain([program]);
        let mut command = child::command_with_clouds(words.next().unwrap_or_default());
        command.args(words);
        Self { command, is_quoted }
    }

    pub fn arg(&mut self, word: impl AsRef<OsStr>) -> &mut Self {
        match self.is_quoted {
            true => self.command.arg(quoted(word.as_ref())),
            false => self.command.arg(word),
        };
        self
    }

    pub fn args<W: AsRef<OsStr>>(&mut self, words: impl IntoIterator<Item = W>) -> &mut Self {
        for word in words {
            self.arg(word);
        }
        self
    }

    pub fn stdin(&mut self, from: Stdio) -> &mut Self {
        self.command.stdin(from);
        self
    }

    pub fn stdout(&mut self, to: Stdio) -> &mut Self {
        self.command.stdout(to);
        self
    }

    /// The process to run, for everything but its arguments.
    pub fn process(&mut self) -> &mut Command {
        &mut self.command
    }
}

/// True if a remote shell will read the words, because of ssh.
fn goes_through_ssh(exec: &[OsString]) -> bool {
    let names = exec.iter().map(|word| word.as_bytes().rsplit(|byte| *byte == b'/').next());
    let mut programs = names.flatten();
    let first = programs.find(|name| *name == b"ssh" || CONTAINERS.contains(name));
    first == Some(b"ssh")
}

/// A word quoted for a shell.
fn quoted(word: &OsStr) -> OsString {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(byte);
    if !word.is_empty() && word.as_bytes().iter().all(is_plain) {
        return word.to_owned();
    }
    let mut bytes = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => bytes.extend_from_slice(b"'\\''"),
            byte => bytes.push(*byte),
        }
    }
    bytes.push(b'\'');
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ssh_hands_to_a_shell_is_quoted() {
        let through = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            goes_through_ssh(&words)
        };
        for line in ["ssh host", "/usr/bin/ssh -p 22 host docker exec -i db", "sudo -u x ssh host"]
        {
            assert!(through(line), "{line}");
        }
        for line in ["docker exec -i ssh", "kubectl exec pod -- ssh host", "env"] {
            assert!(!through(line), "{line}");
        }
    }

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted(OsStr::new("-Fc")), "-Fc");
        assert_eq!(quoted(OsStr::new("it's a&b")), "'it'\\''s a&b'");
        assert_eq!(quoted(OsStr::new("")), "''");
    }
}
