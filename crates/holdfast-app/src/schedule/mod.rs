//! What makes runs begin: units for systemd, lines for cron, a CronJob for Kubernetes.
//!
//! All are made from the app file, as text. Nothing here starts anything; [`install()`] writes
//! units into a folder.

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

/// Where things are on the machine that runs are made on.
#[derive(Debug, Clone, Copy)]
pub struct Installation<'a> {
    /// The program.
    pub program: &'a Path,
    /// The app file.
    pub app_file: &'a Path,
}

/// A schedule that cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// A path that such a text cannot hold.
    #[error("{path:?} cannot be written down here: it must be UTF-8 without control characters")]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// A text that is no name of a user.
    #[error("{user:?} in [schedule] is no name of a user; write one such as \"backup\"")]
    User {
        /// The text.
        user: String,
    },
    /// A command that becomes another user, which only root may.
    #[error(
        "{program} of {what} becomes another user, which a unit of user {user:?} may not; leave \
         `user` out of [schedule], or name there the user that it becomes and leave {program} out"
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
    #[error("{} must be a whole path, since a schedule has no current folder", path.display())]
    Relative {
        /// The path.
        path: PathBuf,
    },
    /// A pod has another name every time.
    #[error(
        "the app file does not say which host its snapshots are of, and a pod has another name \
         every time; write host = \"...\" in [app]"
    )]
    NoHost,
    /// A path of the app file that no pod would have.
    #[error(
        "no volume holds {}, which {what}; name a claim that is mounted there, as in \
         backup-data:/srv/backup",
        path.display()
    )]
    NotMounted {
        /// The path.
        path: PathBuf,
        /// What it is for.
        what: String,
    },
    /// A name that Kubernetes does not take.
    #[error("{name:?} cannot be a name in Kubernetes; use lower-case letters, digits and dashes")]
    Name {
        /// The name.
        name: String,
    },
}

/// The user that runs are of.
fn user(file: &AppFile) -> Result<&str, ScheduleError> {
    let user = file.schedule.user.as_deref().unwrap_or("root");
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let begins = user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    match begins && user.chars().all(is_inner) {
        true => Ok(user),
        false => Err(ScheduleError::User { user: user.to_owned() }),
    }
}

/// The command of a run, word by word.
fn command<'a>(at: &Installation<'a>) -> Result<[&'a str; 4], ScheduleError> {
    Ok([absolute(at.program)?, "run", "--config", absolute(at.app_file)?])
}

fn absolute(path: &Path) -> Result<&str, ScheduleError> {
    match path.is_absolute() {
        true => plain(path),
        false => Err(ScheduleError::Relative { path: path.to_owned() }),
    }
}

fn plain(path: &Path) -> Result<&str, ScheduleError> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    text.ok_or_else(|| ScheduleError::Path { path: path.to_owned() })
}
