//! What makes runs begin: units for systemd, lines for cron, a CronJob for Kubernetes.
//!
//! All are made from the app file, as text. Nothing here starts anything; [`install()`] writes
//! units into a folder.

mod cron;
mod folders;
mod install;
mod kubernetes;
mod privileges;
mod systemd;
#[cfg(test)]
mod tests;
mod yaml;

pub use cron::{CronStyle, crontab};
pub use folders::Folders;
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
    /// What it is to do.
    pub job: Job<'a>,
}

/// What a schedule starts.
#[derive(Debug, Clone, Copy)]
pub enum Job<'a> {
    /// The run of this app file.
    Run(&'a Path),
    /// The backup of folders, without an app file.
    Backup(&'a Folders),
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

/// The command, word by word. A quiet one prints nothing unless something is wrong.
fn command(at: &Installation<'_>, is_quiet: bool) -> Result<Vec<String>, ScheduleError> {
    let mut words = vec![absolute(at.program)?.to_owned()];
    match at.job {
        Job::Run(app_file) => {
            words.push("run".to_owned());
            words.extend(is_quiet.then(|| "--quiet".to_owned()));
            words.extend(["--config".to_owned(), absolute(app_file)?.to_owned()]);
        }
        Job::Backup(folders) => {
            words.push("backup".to_owned());
            words.extend(is_quiet.then(|| "--quiet".to_owned()));
            words.extend(folders.words()?);
        }
    }
    Ok(words)
}

/// What the text was made from, to follow the words "Made by".
fn made_by(at: &Installation<'_>, kind: &str) -> Result<String, ScheduleError> {
    Ok(match at.job {
        Job::Run(app_file) => {
            let file = absolute(app_file)?;
            format!("`holdfast schedule {kind}` from {file}: make it anew when that changes.")
        }
        Job::Backup(_) => format!("`holdfast schedule {kind} --backup`."),
    })
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
