//! The location of the repository: a path, or `local:` and a path.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::exit::{CommandError, CommandResult};
use crate::parse::ELSEWHERE;

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
        let bytes = text.as_bytes();
        let (scheme, rest) = match bytes.iter().position(|byte| *byte == b':') {
            Some(at) => (std::str::from_utf8(&bytes[..at]).unwrap_or(""), &bytes[at + 1..]),
            None => ("", bytes),
        };
        let path = match scheme {
            "local" => rest,
            _ if ELSEWHERE.contains(&scheme) || (is_scheme(scheme) && rest.starts_with(b"//")) => {
                let message = format!(
                    "this version stores repositories on local paths only \
                     and does not support {scheme}:"
                );
                return Err(CommandError::usage(message)
                    .hint("mount the storage and give its path, as in -r /mnt/backup"));
            }
            _ => bytes,
        };
        match path.is_empty() {
            true => Err(CommandError::usage("the path of the repository is empty")
                .hint("give a path, as in -r /mnt/backup")),
            false => Ok(Location::Local(PathBuf::from(OsStr::from_bytes(path)))),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        match self {
            Location::Local(path) => path,
        }
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_as_they_are() {
        let cases = [
            ("/srv/backup", "/srv/backup"),
            ("relative/path", "relative/path"),
            ("local:/srv/backup", "/srv/backup"),
            ("local:relative", "relative"),
            ("/odd:name", "/odd:name"),
            ("odd:name", "odd:name"),
            ("./s3:x", "./s3:x"),
        ];
        for (text, path) in cases {
            let location = Location::parse(OsStr::new(text)).unwrap();
            assert_eq!(location, Location::Local(path.into()), "{text}");
        }
        let bytes = OsStr::from_bytes(b"/caf\xe9");
        assert_eq!(Location::parse(bytes).unwrap().path(), Path::new(bytes));
    }

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
