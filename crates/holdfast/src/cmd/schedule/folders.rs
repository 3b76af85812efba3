//! Scheduled backups of plain folders, without an app file.

use std::path::{Path, PathBuf};

use holdfast_app::config::{self, AppFile, ConfigError};
use holdfast_app::schedule::{ScheduleError, absolute, plain};
use jiff::civil::Time;

/// Folders to back up together, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Name of the schedule.
    pub name: String,
    /// The folder of the repository.
    pub repository: PathBuf,
    /// The file with its passphrase or key.
    pub password_file: PathBuf,
    /// What to back up.
    pub paths: Vec<PathBuf>,
    /// Time of a daily backup; hourly if absent.
    pub at: Option<Time>,
}

impl Folders {
    /// The arguments of `backup`.
    ///
    /// # Errors
    /// A path that a text cannot contain.
    pub fn words(&self) -> Result<Vec<String>, ScheduleError> {
        let mut words = Vec::new();
        for (flag, path) in [("--repo", &self.repository), ("--password-file", &self.password_file)]
        {
            words.extend([flag.to_owned(), absolute(path)?.to_owned()]);
        }
        words.push("--".to_owned());
        for path in &self.paths {
            words.push(absolute(path)?.to_owned());
        }
        Ok(words)
    }

    /// An equivalent app file, from which the schedule is made.
    ///
    /// # Errors
    /// What is wrong with it: a path that a text cannot contain, or an invalid name.
    pub fn as_app_file(
        &self,
        real: &dyn Fn(&Path) -> PathBuf,
    ) -> Result<Result<AppFile, ConfigError>, ScheduleError> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let paths: Vec<_> =
            self.paths.iter().map(|path| plain(path).map(quoted)).collect::<Result<_, _>>()?;
        let every = match self.at {
            Some(at) => format!("every = \"day\"\nat = \"{}\"", at.strftime("%H:%M")),
            None => "every = \"hour\"".to_owned(),
        };
        let text = format!(
            "[app]\nname = {}\n[repository]\nurl = {}\npassword-file = {}\n\
             [[source]]\nname = \"files\"\ntype = \"files\"\npaths = [{}]\n\
             [schedule]\n{every}\n",
            quoted(&self.name),
            quoted(plain(&self.repository)?),
            quoted(plain(&self.password_file)?),
            paths.join(", "),
        );
        let parsed = config::parse(&text, Path::new("--backup"), Path::new("/"), real);
        Ok(parsed.map(|loaded| loaded.file))
    }
}
