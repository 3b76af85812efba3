//! Commands: a program and its arguments, without a shell.

use std::ffi::OsString;
use std::fmt;

use serde_json::{Value as Json, json};

use super::value::{SettingField, SettingValue};

/// A program and its arguments, without a shell; to use one, write `["sh", "-c", "..."]`.
///
/// A relative path with a slash is relative to the folder of the app file; a name without a slash
/// is looked up in `PATH`. Arguments may contain secrets, so only the program is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Argv(Vec<String>);

impl Argv {
    /// The command, if it names a program.
    pub fn new(words: Vec<String>) -> Option<Self> {
        let names_program = words.first().is_some_and(|program| !program.trim().is_empty());
        (names_program && words.iter().all(|word| !word.contains('\0'))).then_some(Self(words))
    }

    /// The program.
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[String] {
        self.0.get(1..).unwrap_or_default()
    }

    /// Program and arguments.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Program and arguments, as needed to start a process.
    pub fn os_words(&self) -> Vec<OsString> {
        self.0.iter().map(OsString::from).collect()
    }

    /// What in the command would put a terminal between a program in a container and holdfast.
    ///
    /// A terminal turns every line feed into two bytes, which corrupts a dump. `docker compose
    /// exec` allocates one unless told otherwise.
    pub(crate) fn terminal(&self) -> Option<Terminal> {
        let words: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let forced = words.iter().find(|word| word.starts_with("-tt"));
        let program = self.program().rsplit('/').next().unwrap_or_default();
        // With a single -t, ssh allocates a terminal only if its own input is one.
        if let Some(flag) = forced.filter(|_| program == "ssh") {
            return Some(Terminal::AskedFor((*flag).to_owned()));
        }
        let is_compose = program == "docker-compose"
            || (matches!(program, "docker" | "podman") && words.get(1) == Some(&"compose"));
        let is_container = matches!(program, "docker" | "podman" | "nerdctl" | "kubectl" | "oc");
        let at = words.iter().position(|word| *word == "exec" || *word == "run");
        let at = at.filter(|_| is_compose || is_container)?;
        let flags = flags(&words[at + 1..]);
        // The meaning of -t for `docker compose exec` depends on its version; only -T is clear.
        if is_compose && !flags.iter().any(|flag| matches!(*flag, "-T" | "--no-TTY" | "--no-tty")) {
            return Some(Terminal::NotSwitchedOff);
        }
        let asks = |flag: &&&str| {
            let short = flag.starts_with('-') && !flag.starts_with("--");
            **flag == "--tty" || **flag == "--tty=true" || (short && flag.contains('t'))
        };
        if is_compose {
            return None;
        }
        flags.iter().find(asks).map(|flag| Terminal::AskedFor((*flag).to_owned()))
    }
}

/// Why a command gets a terminal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Terminal {
    /// This flag requests one.
    AskedFor(String),
    /// It is the default, and no flag turns it off.
    NotSwitchedOff,
}

/// The flags before the first other word, without the values of those that take one.
fn flags<'w>(words: &[&'w str]) -> Vec<&'w str> {
    const WITH_VALUE: [&str; 12] = [
        "-u",
        "--user",
        "-e",
        "--env",
        "-w",
        "--workdir",
        "-n",
        "--namespace",
        "-c",
        "--container",
        "--index",
        "--env-file",
    ];
    let mut flags = Vec::new();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "--" {
            break;
        }
        flags.push(word);
        if WITH_VALUE.contains(&word) {
            words.next();
        }
    }
    flags
}

impl fmt::Debug for Argv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Argv({:?} and {} arguments)", self.program(), self.arguments().len())
    }
}

impl SettingValue for Argv {
    const EXPECTED: &'static str = "a list of words";
    const EXAMPLE: &'static str = "[\"program\", \"argument\"]";

    fn schema() -> Json {
        json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        if field.node.get_ref().is_str() {
            let key = field.key;
            field.refuse(
                format!("`{key}` must be a list of words, since no shell splits it"),
                format!("{key} = [\"program\", \"argument\"], or [\"sh\", \"-c\", \"...\"]"),
            );
            return None;
        }
        let words = field.items::<Self, Word>()?;
        let mut words: Vec<String> = words.into_iter().map(|Word(word)| word).collect();
        if let Some(program) = words.first_mut()
            && program.contains('/')
        {
            *program = field.reader.absolute(&*program).to_string_lossy().into_owned();
        }
        let argv = Self::new(words);
        if argv.is_none() {
            field.not_a::<Self>("names no program");
        }
        argv
    }
}

/// An argument, which may be empty.
struct Word(String);

impl SettingValue for Word {
    const EXPECTED: &'static str = "a word in quotes";
    const EXAMPLE: &'static str = "\"...\"";

    fn schema() -> Json {
        json!({ "type": "string" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        field.text::<Self>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(line: &str) -> Option<Terminal> {
        Argv::new(line.split(' ').map(str::to_owned).collect()).unwrap().terminal()
    }

    #[test]
    fn terminals_are_seen() {
        for line in [
            "docker exec -t db pg_dump",
            "docker exec -it db pg_dump",
            "docker exec -u postgres --tty db",
            "/usr/bin/docker exec -ti db",
            "kubectl exec -n prod -it pod -- pg_dump",
            "podman run --rm -t image",
            "ssh -tt host docker exec db",
        ] {
            assert!(matches!(terminal(line), Some(Terminal::AskedFor(_))), "{line}");
        }
        for line in
            ["docker compose exec db", "docker-compose exec -t db", "docker compose -p x exec db"]
        {
            assert_eq!(terminal(line), Some(Terminal::NotSwitchedOff), "{line}");
        }
    }

    #[test]
    fn commands_without_a_terminal_are_fine() {
        for line in [
            "docker compose exec -T db",
            "docker compose -p x exec -T -u postgres db",
            "docker exec -i db pg_dump -t table",
            "docker exec db pg_dump -t",
            "kubectl exec pod -c database -- pg_dump -t x",
            "docker compose stop app",
            "pg_dump -t x",
            "ssh -t host docker exec db",
        ] {
            assert_eq!(terminal(line), None, "{line}");
        }
    }
}
