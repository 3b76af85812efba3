//! The folder of the repository that the command line names.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use holdfast_backend::{RepositoryUrl, RepositoryUrlError};

use crate::exit::{CommandError, CommandResult};

/// The location of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder on this machine.
    Local(PathBuf),
}

impl Location {
    /// Parses the value of `--repo`.
    ///
    /// # Errors
    /// A usage error for unsupported kinds of storage and for an empty text.
    pub fn parse(text: &OsStr) -> CommandResult<Location> {
        let unsupported = |kind: &str| {
            let message = format!(
                "this version stores repositories on local paths only and does not support {kind}:"
            );
            CommandError::usage(message)
                .hint("mount the storage and give its path, as in -r /mnt/backup")
        };
        match RepositoryUrl::parse(text) {
            Ok(RepositoryUrl::Local(path)) => Ok(Location::Local(path)),
            Ok(RepositoryUrl::Elsewhere { kind, .. }) => Err(unsupported(&kind)),
            Err(RepositoryUrlError::Scheme { scheme }) => Err(unsupported(&scheme)),
            Err(error @ RepositoryUrlError::Empty) => {
                Err(CommandError::usage(error.to_string())
                    .hint("give a path, as in -r /mnt/backup"))
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        match self {
            Location::Local(path) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_storage_gets_a_clear_sentence() {
        for text in ["s3:https://x/y", "sftp:a@b:/c", "rest:http://x", "b2:x:y", "https://x/y"] {
            let error = Location::parse(OsStr::new(text)).unwrap_err();
            assert!(error.message.contains("on local paths only"), "{text}: {}", error.message);
        }
        for text in ["", "local:"] {
            assert!(Location::parse(OsStr::new(text)).unwrap_err().message.contains("empty"));
        }
    }
}
