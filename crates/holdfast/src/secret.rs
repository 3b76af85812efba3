//! Where the passphrase or key comes from: a file, a command, the environment, or the terminal.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use holdfast_connect::child;
use holdfast_connect::words::without_byte_order_mark;
use holdfast_seal::Secret;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::exit::{CommandError, CommandResult};
use crate::interrupt::Interrupt;
use crate::trust;

/// Maximum length of a passphrase in bytes: a wrong file should not be read to its end.
const LONGEST: u64 = 1 << 20;

/// A passphrase or a generated key as given. It is wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// White space at both ends is ignored for every source, so that a passphrase works the same
    /// from a file as from the keyboard.
    fn new(text: &str) -> Passphrase {
        Passphrase(Zeroizing::new(text.trim().to_owned()))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret that opens a key slot.
    ///
    /// # Errors
    /// It is a generated key with a typing error.
    pub fn secret(&self) -> CommandResult<Secret> {
        Ok(Secret::parse(&self.0)?)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Passphrase(..)")
    }
}

/// A non-interactive source of a passphrase.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The content of a file.
    File(PathBuf),
    /// The output of a command.
    Command(String),
    /// The output of a command that is already split into words.
    Program(Vec<OsString>),
    /// The value of `HOLDFAST_PASSWORD`.
    Value(Passphrase),
}

/// Names of flags and variables, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Purpose {
    /// As in `enter the passphrase of the repository`.
    prompt: &'static str,
    /// True if a typing error would lock the user out, so that the passphrase is asked for twice.
    twice: bool,
    hints: &'static [&'static str],
}

/// The passphrase of a repository that exists.
pub const OPEN: Purpose = Purpose {
    prompt: "enter the passphrase of the repository: ",
    twice: false,
    hints: &[
        "use --password-file FILE or HOLDFAST_PASSWORD_FILE",
        "use --password-command COMMAND or HOLDFAST_PASSWORD_COMMAND",
        "set HOLDFAST_PASSWORD, or pass a line on standard input",
    ],
};
/// The passphrase for a new repository.
pub const CREATE: Purpose =
    Purpose { prompt: "enter a passphrase for the new repository: ", twice: true, ..OPEN };
/// An additional passphrase.
pub const ADD: Purpose = Purpose {
    prompt: "enter the new passphrase: ",
    twice: true,
    hints: &["--new-password-file FILE", "--new-password-command COMMAND"],
};

impl SecretSource {
    /// The source of the repository's passphrase: flags, else variables. A command takes precedence
    /// over a file, and a file over the value itself, as in restic.
    ///
    /// # Errors
    /// A usage error if a variable is not UTF-8.
    pub fn choose(
        file: Option<&Path>,
        command: Option<&str>,
        environment: &Environment,
    ) -> CommandResult<Option<SecretSource>> {
        if let Some(source) = SecretSource::of_flags(file, command) {
            return Ok(Some(source));
        }
        if let Some(command) = environment.text("HOLDFAST_PASSWORD_COMMAND")? {
            return Ok(Some(SecretSource::Command(command)));
        }
        if let Some(file) = environment.variable("HOLDFAST_PASSWORD_FILE") {
            return Ok(Some(SecretSource::File(file.into())));
        }
        let value = environment.text("HOLDFAST_PASSWORD")?;
        Ok(value.map(|text| SecretSource::Value(Passphrase::new(&Zeroizing::new(text)))))
    }

    /// The source given by flags.
    pub fn of_flags(file: Option<&Path>, command: Option<&str>) -> Option<SecretSource> {
        let file = file.map(|file| SecretSource::File(file.to_owned()));
        file.or_else(|| command.map(|command| SecretSource::Command(command.to_owned())))
    }

    fn read(&self) -> CommandResult<Passphrase> {
        match self {
            SecretSource::File(path) => from_file(path),
            SecretSource::Command(command) => from_command(command),
            SecretSource::Program(words) => from_program(words),
            SecretSource::Value(passphrase) => Ok(passphrase.clone()),
        }
    }
}

/// Gets a passphrase or another secret from its source.
///
/// # Errors
/// The source fails or yields nothing.
pub fn read(source: &SecretSource) -> CommandResult<Passphrase> {
    not_empty(source.read()?)
}

fn not_empty(passphrase: Passphrase) -> CommandResult<Passphrase> {
    match passphrase.expose().is_empty() {
        true => Err(CommandError::failed("the passphrase is empty")),
        false => Ok(passphrase),
    }
}

/// Gets a passphrase from its source, or else from the terminal.
///
/// # Errors
/// There is neither, the source fails, or the passphrase is empty.
pub fn obtain(
    source: Option<&SecretSource>,
    purpose: Purpose,
    environment: &Environment,
    interrupt: &Interrupt,
) -> CommandResult<Passphrase> {
    match source {
        Some(source) => read(source),
        None if environment.can_ask() => not_empty(ask(purpose, interrupt)?),
        None => {
            let error =
                CommandError::failed("no passphrase was given, and there is no terminal to ask on");
            Err(purpose.hints.iter().fold(error, |error, hint| error.hint(*hint)))
        }
    }
}

fn ask(purpose: Purpose, interrupt: &Interrupt) -> CommandResult<Passphrase> {
    let question = |prompt: &str| {
        interrupt
            .during_prompt(|| rpassword::prompt_password(prompt))
            .map(|text| Passphrase::new(&Zeroizing::new(text)))
            .map_err(|error| {
                CommandError::failed(format!("cannot ask for the passphrase: {error}"))
            })
    };
    let first = question(purpose.prompt)?;
    if purpose.twice && question("enter the passphrase again: ")? != first {
        return Err(CommandError::failed("the passphrases do not match"));
    }
    Ok(first)
}

fn from_file(path: &Path) -> CommandResult<Passphrase> {
    trust::check("password file", path)?;
    let refused = |error| CommandError::path("read the password file", path, &error);
    let file = fs::File::open(path).map_err(refused)?;
    let bytes = read_all(file).map_err(refused)?;
    text(&bytes, "password file")
}

/// Runs a command without a shell, with this process's standard error and terminal.
fn from_command(line: &str) -> CommandResult<Passphrase> {
    let words = shlex::split(line).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| {
        command_failed("cannot be split into words: it has an unclosed quote or is empty".into())
    })?;
    from_program(&words.into_iter().map(OsString::from).collect::<Vec<_>>())
}

fn command_failed(what: String) -> CommandError {
    CommandError::failed(format!("the password command {what}"))
}

fn from_program(words: &[OsString]) -> CommandResult<Passphrase> {
    let [program, arguments @ ..] = words else {
        return Err(command_failed("is empty".into()));
    };
    let name = program.to_string_lossy();
    let refused = |error| command_failed(format!("`{name}` cannot be run: {error}"));
    let mut child = child::command_with_clouds(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(refused)?;
    let answer = child.stdout.take().map(read_all).transpose();
    let status = child.wait().map_err(refused)?;
    let bytes = answer.map_err(refused)?.unwrap_or_default();
    match status.success() {
        true => text(&bytes, "password command"),
        false => Err(command_failed(format!("`{name}` failed: {status}"))),
    }
}

/// Reads into one buffer that never moves, so that no copy of a secret is left in memory.
fn read_all(mut reader: impl std::io::Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; LONGEST as usize]);
    let mut length = 0;
    while length < bytes.len() {
        match reader.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// Gets a passphrase from the next line of standard input without reading beyond it: another one
/// may follow. `None` if that line is empty or missing.
///
/// # Errors
/// Standard input cannot be read, or the line is too long or not UTF-8.
pub fn from_stdin() -> CommandResult<Option<Passphrase>> {
    let refused = |error: std::io::Error| {
        CommandError::failed(format!("cannot read the passphrase from standard input: {error}"))
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize));
    let mut byte = [0];
    while (bytes.len() as u64) < LONGEST {
        match rustix::io::read(std::io::stdin(), &mut byte) {
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => bytes.push(byte[0]),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(refused(error.into())),
        }
    }
    let passphrase = text(&bytes, "standard input")?;
    Ok(Some(passphrase).filter(|passphrase| !passphrase.expose().is_empty()))
}

fn text(bytes: &[u8], origin: &str) -> CommandResult<Passphrase> {
    if bytes.len() as u64 >= LONGEST {
        return Err(CommandError::failed(format!("the {origin} is longer than 1 MiB")));
    }
    let text = Zeroizing::new(without_byte_order_mark(bytes).into_owned());
    match std::str::from_utf8(&text) {
        Ok(text) => Ok(Passphrase::new(text)),
        Err(_) => Err(CommandError::failed(format!("the {origin} is not valid UTF-8"))),
    }
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
