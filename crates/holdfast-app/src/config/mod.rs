//! The app file: what an application consists of and what to do with it.
//!
//! [`load`] reads one, [`parse`] reads its text, [`schema`] describes it for editors. All mistakes
//! in a file are reported at once, each with its line and what to write instead.
//!
//! The file holds no passwords: those are in files or come from commands, so that the app file can
//! be shown, committed and copied into a ConfigMap. No variables are expanded, so the file means
//! the same in a shell, in a timer and in a container.

mod app;
mod file;
mod hook;
mod notify;
mod programs;
mod retention;
mod rules;
mod schedule;
mod secret_files;
mod surroundings;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub use app::{App, OnFinding, RunRules, SecretRules, WhenBusy};
pub use file::{AppFile, schema};
pub use hook::{Around, Hook, HookMoment, Restore};
pub use notify::{Address, Healthchecks, Notify, Prometheus, Webhook, When};
pub use programs::NeededProgram;
pub use retention::{InDoubt, Retention};
pub use schedule::{Every, ScheduleRules};
pub use secret_files::SecretFile;
pub use surroundings::{Machine, MachineFinding, MachineHelp, program_folders};

use crate::settings::mistake::{Mistake, SourceText};
use crate::settings::reader::SettingReader;
use crate::settings::section;
use file::{AppFileDraft, AppFileTree};

/// Largest app file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A valid file, with its warnings.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The contents of the file.
    pub file: AppFile,
    /// Settings that are allowed but may not be intended.
    pub warnings: Vec<Mistake>,
}

/// An app file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the app file {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is too long.
    #[error("{} is longer than 1 MiB, too long for an app file", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// It is not UTF-8.
    #[error("{} is not valid UTF-8 at byte {offset}; save it as UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Offset of the first invalid byte.
        offset: usize,
    },
    /// It has mistakes, in the order of the file.
    #[error("{}", Listed(.0))]
    Mistakes(Vec<Mistake>),
}

/// The number of mistakes, then each of them.
struct Listed<'a>(&'a [Mistake]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, plural) = (self.0.len(), if self.0.len() == 1 { "" } else { "s" });
        write!(f, "{count} mistake{plural} in the app file")?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n\n{mistake}"))
    }
}

/// Reads an app file. Relative paths in it are relative to its folder.
///
/// # Errors
/// [`ConfigError`]; with mistakes in the file, all of them.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(ConfigError::TooLong { path: path.to_owned() });
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| ConfigError::NotText {
        path: path.to_owned(),
        offset: error.valid_up_to(),
    })?;
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    // Resolves links, so that two names of one folder do not hide keys stored with data.
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    parse(text, path, folder, &real)
}

/// Reads the text of an app file. Mistakes call it `path`; its relative paths are relative to
/// `folder`. `real` resolves the symbolic links of a path, or returns the path unchanged.
///
/// # Errors
/// [`ConfigError::Mistakes`].
pub fn parse(
    text: &str,
    path: &Path,
    folder: &Path,
    real: &dyn Fn(&Path) -> PathBuf,
) -> Result<Loaded, ConfigError> {
    let page = SourceText { file: path, text };
    let (tree, syntax) = DeTable::parse_recoverable(text);
    let syntax: Vec<_> = syntax.iter().map(|error| syntax_mistake(&page, error)).collect();
    let mut reader = SettingReader::new(page, folder);
    let draft: Option<AppFileDraft> = section::read_root(&tree, &mut reader);
    let draft = draft.map(|mut draft| {
        let tree = AppFileTree(&tree);
        draft.settle(&tree);
        rules::check(&draft, &tree, real, &mut reader);
        draft
    });
    let (mistakes, warnings) = reader.finish(syntax);
    match draft.and_then(AppFileDraft::finish) {
        Some(file) if mistakes.is_empty() => Ok(Loaded { file, warnings }),
        _ => Err(ConfigError::Mistakes(mistakes)),
    }
}

fn syntax_mistake(page: &SourceText<'_>, error: &toml::de::Error) -> Mistake {
    let span = error.span().unwrap_or(page.text.len()..page.text.len());
    let (message, help) = match error.message() {
        message if message.starts_with("string values must be quoted") => {
            ("strings must be quoted", "put quotes around it")
        }
        message => (message, "key = \"text\", key = 7, key = [\"a\", \"b\"], or [section]"),
    };
    page.mistake(span, message.to_owned(), help.to_owned())
}
