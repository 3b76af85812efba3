//! What the paths in a bucket's tree mean.

use std::io;

use holdfast_format::bucket::{OBJECTS_NAME, VERSIONS_NAME, key_of_name};
use holdfast_format::entry::is_valid_name;

use crate::TargetError;

/// What a path means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketPath {
    /// The target itself, `objects`, or `versions`.
    Folder,
    /// The object with this key.
    Object(String),
    /// The folder with the versions of this key.
    VersionsOf(String),
    /// A version of this key, with the name of its entry.
    Version(String, Vec<u8>),
}

impl BucketPath {
    /// The meaning of a path; `None` if no bucket can have such an entry.
    ///
    /// # Errors
    /// [`TargetError::Escapes`] if it does not consist of valid names.
    pub fn of(path: &[u8]) -> Result<Option<Self>, TargetError> {
        if path.is_empty() {
            return Ok(Some(Self::Folder));
        }
        let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        if !names.iter().all(|name| is_valid_name(name)) {
            return Err(TargetError::Escapes);
        }
        let is = |name: &[u8], what: &str| name == what.as_bytes();
        Ok(match names.as_slice() {
            [top] if is(top, OBJECTS_NAME) || is(top, VERSIONS_NAME) => Some(Self::Folder),
            [top, name] if is(top, OBJECTS_NAME) => key_of_name(name).map(Self::Object),
            [top, name] if is(top, VERSIONS_NAME) => key_of_name(name).map(Self::VersionsOf),
            [top, name, version] if is(top, VERSIONS_NAME) => {
                key_of_name(name).map(|key| Self::Version(key, version.to_vec()))
            }
            _ => None,
        })
    }

    /// The meaning of a path.
    ///
    /// # Errors
    /// [`TargetError`] if it is not a valid path, or no bucket can have such an entry.
    pub fn existing(path: &[u8]) -> Result<Self, TargetError> {
        let source = || io::Error::new(io::ErrorKind::InvalidInput, "a bucket has no such path");
        Self::of(path)?.ok_or_else(|| TargetError::Io { action: "restore it", source: source() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_for_parts_of_a_bucket() {
        let place = |path: &[u8]| BucketPath::of(path).unwrap();
        for folder in [&b""[..], b"objects", b"versions"] {
            assert_eq!(place(folder), Some(BucketPath::Folder));
        }
        assert_eq!(place(b"objects/a.\xffb"), Some(BucketPath::Object("a/b".to_owned())));
        assert_eq!(place(b"versions/a"), Some(BucketPath::VersionsOf("a".to_owned())));
        assert_eq!(
            place(b"versions/a/1"),
            Some(BucketPath::Version("a".to_owned(), b"1".to_vec()))
        );
        for other in [
            &b"x"[..],
            b"bucket.json",
            b"objects/\xff",
            b"objects/a/b",
            b"versions/a/b/c",
            b"bucket.json/x",
        ] {
            assert_eq!(place(other), None, "{other:?}");
        }
        for bad in [&b"/"[..], b"objects/", b"objects//a", b"../x", b"objects/..", b"objects/a\0"] {
            assert!(matches!(BucketPath::of(bad), Err(TargetError::Escapes)), "{bad:?}");
        }
    }
}
