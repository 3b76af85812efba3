//! Schedules for runs: systemd units, a crontab, a Kubernetes CronJob.
//!
//! All are generated as text from the app file. Nothing here starts anything; [`install()`] writes
//! units to a folder.

mod cron;
mod install;
mod kubernetes;
mod privileges;
mod systemd;
#[cfg(test)]
mod tests;
mod yaml;

pub use cron::{CronStyle, crontab};
pub use install::install;
pub use kubernetes::{APP_FILE, CREDENTIALS_FOLDER, Claim, FOLDER, KubernetesOptions, cron_job};
pub use systemd::{Unit, Units, units};

use std::path::{Path, PathBuf};

use crate::config::AppFile;

/// What a schedule starts.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What the text was made from, to follow the words "Made by".
    pub made_by: String,
    /// Paths that the arguments name.
    pub paths: Vec<PathBuf>,
    /// True for a run of an application, false for a backup of folders.
    pub is_application: bool,
}

/// Why a schedule cannot be generated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// A path that a schedule cannot contain.
    #[error("{path:?} cannot be used in a schedule: it must be UTF-8 without control characters")]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// An invalid user name.
    #[error("{user:?} in [schedule] is not a user name; write one such as \"backup\"")]
    User {
        /// The text.
        user: String,
    },
    /// A command that switches to another user, which only root may do.
    #[error(
        "{program} of {what} switches to another user, which a unit of user {user:?} may not do; \
         remove `user` from [schedule], or set it to that other user and remove {program}"
    )]
    NeedsRoot {
        /// The program.
        program: String,
        /// What starts it.
        what: String,
        /// The user of the unit.
        user: String,
    },
    /// A path that must be absolute.
    #[error("{} must be a full path, since a schedule has no current folder", path.display())]
    Relative {
        /// The path.
        path: PathBuf,
    },
    /// A pod gets a new name each time.
    #[error(
        "the app file has no host name for its snapshots, and a pod gets a new name each time; \
         set host = \"...\" in [app]"
    )]
    NoHost,
    /// A path of the app file that is on no volume.
    #[error(
        "no volume contains {}, which {what}; add a claim that is mounted there, as in \
         backup-data:/srv/backup",
        path.display()
    )]
    NotMounted {
        /// The path.
        path: PathBuf,
        /// What it is for.
        what: String,
    },
    /// A name that Kubernetes does not accept.
    #[error("{name:?} is not a Kubernetes name; use lower-case letters, digits and dashes")]
    Name {
        /// The name.
        name: String,
    },
}

/// The user that runs the service.
fn user(file: &AppFile) -> Result<&str, ScheduleError> {
    let user = file.schedule.user.as_deref().unwrap_or("root");
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let begins = user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    match begins && user.chars().all(is_inner) {
        true => Ok(user),
        false => Err(ScheduleError::User { user: user.to_owned() }),
    }
}

impl Installation {
    /// The command as words.
    fn command(&self) -> Result<Vec<&str>, ScheduleError> {
        let program = absolute(&self.program)?;
        Ok([program].into_iter().chain(self.arguments.iter().map(String::as_str)).collect())
    }
}

/// The text of a path, which must be absolute.
///
/// # Errors
/// It is relative, or a schedule cannot contain it.
pub fn absolute(path: &Path) -> Result<&str, ScheduleError> {
    match path.is_absolute() {
        true => plain(path),
        false => Err(ScheduleError::Relative { path: path.to_owned() }),
    }
}

/// The text of a path.
///
/// # Errors
/// A schedule cannot contain it.
pub fn plain(path: &Path) -> Result<&str, ScheduleError> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    text.ok_or_else(|| ScheduleError::Path { path: path.to_owned() })
}
