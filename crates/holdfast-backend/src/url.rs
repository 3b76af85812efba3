//! Where a repository is, as users write it: a path, or a kind of storage and an address.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Kinds of storage that are written as `KIND:...`, as restic writes them.
pub const STORAGE_KINDS: [&str; 9] =
    ["s3", "sftp", "rest", "b2", "azure", "gs", "swift", "rclone", "opendal"];

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryUrl {
    /// A folder on this machine.
    Local(PathBuf),
    /// Anything else.
    Elsewhere {
        /// The kind of storage, such as `s3`.
        kind: String,
        /// The whole text.
        text: String,
    },
}

/// Why a text does not say where a repository is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryUrlError {
    /// It names no path.
    #[error("the path of the repository is empty")]
    Empty,
    /// It begins with a scheme that is no kind of storage.
    #[error("{scheme}: is neither a path nor a kind of storage")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
}

impl RepositoryUrl {
    /// Parses a path, `local:` and a path, or a kind of storage and an address.
    ///
    /// A path that begins with another word and a colon is a path.
    ///
    /// # Errors
    /// [`RepositoryUrlError`].
    pub fn parse(text: &OsStr) -> Result<Self, RepositoryUrlError> {
        let bytes = text.as_bytes();
        let colon = bytes.iter().position(|byte| *byte == b':').unwrap_or(bytes.len());
        let kind = std::str::from_utf8(&bytes[..colon]).unwrap_or_default();
        let rest = bytes.get(colon + 1..).unwrap_or_default();
        if STORAGE_KINDS.contains(&kind) && colon < bytes.len() {
            let text = text.to_string_lossy().into_owned();
            return Ok(Self::Elsewhere { kind: kind.to_owned(), text });
        }
        let path = match kind {
            "local" if colon < bytes.len() => rest,
            scheme if is_scheme(scheme) && rest.starts_with(b"//") => {
                return Err(RepositoryUrlError::Scheme { scheme: scheme.to_owned() });
            }
            _ => bytes,
        };
        match path.is_empty() {
            true => Err(RepositoryUrlError::Empty),
            false => Ok(Self::Local(PathBuf::from(OsStr::from_bytes(path)))),
        }
    }
}

impl fmt::Display for RepositoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Elsewhere { text, .. } => f.write_str(text),
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
            ("local", "local"),
            ("s3", "s3"),
        ];
        for (text, path) in cases {
            let found = RepositoryUrl::parse(OsStr::new(text));
            assert_eq!(found, Ok(RepositoryUrl::Local(path.into())), "{text}");
        }
        let bytes = OsStr::from_bytes(b"/caf\xe9");
        assert_eq!(RepositoryUrl::parse(bytes), Ok(RepositoryUrl::Local(bytes.into())));
    }

    #[test]
    fn kinds_of_storage_are_recognized() {
        for (text, kind) in
            [("s3:https://x/y", "s3"), ("sftp:a@b:/c", "sftp"), ("b2:x:y", "b2"), ("s3:", "s3")]
        {
            let expected = RepositoryUrl::Elsewhere { kind: kind.into(), text: text.into() };
            assert_eq!(RepositoryUrl::parse(OsStr::new(text)), Ok(expected));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "local:"] {
            let found = RepositoryUrl::parse(OsStr::new(text));
            assert_eq!(found, Err(RepositoryUrlError::Empty), "{text}");
        }
        let found = RepositoryUrl::parse(OsStr::new("https://x/y"));
        assert_eq!(found, Err(RepositoryUrlError::Scheme { scheme: "https".to_owned() }));
    }
}
