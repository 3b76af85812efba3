//! Names of objects: short relative paths that mean the same on every kind of storage.

use std::borrow::Borrow;
use std::fmt;

/// Longest name in bytes, not counting a leading `quarantine/`.
const MAX_BYTES: usize = 255;

/// Folder of the objects that were moved aside by `Backend::quarantine`.
pub(crate) const QUARANTINE: &str = "quarantine";

/// Folder that holds half-written files of a local backend; no object may be named into it.
pub(crate) const TEMPORARY: &str = "tmp";

/// The name of an object: 1 to 255 bytes, made of segments separated by `/`.
///
/// A segment starts with a lower-case ASCII letter or a digit and continues with those or `.`, `_`
/// and `-`. Nothing else is allowed: no empty segment, no `..`, no leading `/`, and nothing in the
/// folder `tmp`, where the local backend keeps its half-written files. So a name can neither leave
/// the repository nor differ from another one by case only.
///
/// A name in `quarantine/` may be longer by that prefix and a short number, so that an object with
/// any name can be moved there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(String);

/// A string that cannot name an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot name an object: {reason}")]
pub struct InvalidName {
    /// The text.
    pub name: String,
    /// The rule that it breaks, as readable text.
    pub reason: &'static str,
}

impl ObjectName {
    /// Checks `name` against the rules above.
    pub fn new(name: impl Into<String>) -> Result<ObjectName, InvalidName> {
        let name = name.into();
        match broken_rule(&name) {
            None => Ok(ObjectName(name)),
            Some(reason) => Err(InvalidName { name, reason }),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder of the object without a trailing `/`; empty for an object at the top.
    pub(crate) fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Whether the object was already moved aside.
    pub(crate) fn is_quarantined(&self) -> bool {
        in_folder(&self.0, QUARANTINE).is_some()
    }

    /// Where the object goes when it is moved aside for the `attempt`-th time (from 0): the same
    /// name may be stored again and be found damaged again.
    pub(crate) fn quarantined(&self, attempt: u32) -> ObjectName {
        match attempt {
            0 => ObjectName(format!("{QUARANTINE}/{self}")),
            _ => ObjectName(format!("{QUARANTINE}/{self}.{attempt}")),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl AsRef<str> for ObjectName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ObjectName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The part of `name` after `folder` and its `/`, if the name is in that folder.
pub(crate) fn in_folder<'a>(name: &'a str, folder: &str) -> Option<&'a str> {
    name.strip_prefix(folder)?.strip_prefix('/')
}

fn broken_rule(name: &str) -> Option<&'static str> {
    const NUMBER_BYTES: usize = ".4294967295".len();
    let max_bytes = match in_folder(name, QUARANTINE) {
        Some(_) => QUARANTINE.len() + 1 + MAX_BYTES + NUMBER_BYTES,
        None => MAX_BYTES,
    };
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > max_bytes {
        Some("it is longer than 255 bytes")
    } else if name.contains("..") {
        Some("it contains two dots in a row")
    } else if !name.split('/').all(is_segment) {
        Some("each part between slashes must match [a-z0-9][a-z0-9._-]*")
    } else if name == TEMPORARY || in_folder(name, TEMPORARY).is_some() {
        Some("the folder tmp is kept for half-written files")
    } else {
        None
    }
}

fn is_segment(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = segment.as_bytes();
    bytes.first().is_some_and(|&first| plain(first))
        && bytes.iter().all(|&byte| plain(byte) || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, valid: bool) {
        assert_eq!(ObjectName::new(name).is_ok(), valid, "{name:?}");
    }

    #[test]
    fn names() {
        for name in ["a", "0", "config", "packs/ab/ab-c_d.1", "tmpx/a", "a/tmp", "a.", "w/x/17"] {
            check(name, true);
        }
        for name in [
            "", "/", "/a", "a/", "a//b", ".", "..", "a/..", "a..b", ".a", "_a", "-a", "A", "a b",
            "a\\b", "a\0", "a\n", "\u{e9}", "a/.b", "tmp", "tmp/a",
        ] {
            check(name, false);
        }
    }

    #[test]
    fn length_is_limited() {
        let longest = "a".repeat(MAX_BYTES);
        check(&longest, true);
        check(&format!("{longest}a"), false);
        let name = ObjectName::new(longest).unwrap();
        check(name.quarantined(0).as_str(), true);
        check(name.quarantined(u32::MAX).as_str(), true);
        assert!(name.quarantined(0).is_quarantined());
        check(&format!("quarantine/{}", "a".repeat(2 * MAX_BYTES)), false);
    }

    #[test]
    fn folder_of_a_name() {
        assert_eq!(ObjectName::new("config").unwrap().folder(), "");
        assert_eq!(ObjectName::new("a/b/c").unwrap().folder(), "a/b");
    }
}
