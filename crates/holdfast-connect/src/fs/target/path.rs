//! Paths below the target: which are refused, and how long ones are cut.

use crate::TargetError;

/// Bytes of a path that one system call takes: `PATH_MAX` minus the NUL at the end.
const CALL_BYTES_MAX: usize = 4095;

/// Refuses anything that could lead out of the target: `..`, `.`, empty components (and so absolute
/// paths) and NUL. The empty path is the target itself.
pub(super) fn check(path: &[u8]) -> Result<(), TargetError> {
    if path.is_empty() {
        return Ok(());
    }
    let harmless = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
    match path.split(|byte| *byte == b'/').all(harmless) {
        true => Ok(()),
        false => Err(TargetError::Escapes),
    }
}

/// Checks `path` and returns where its last component begins.
///
/// The target itself has no name, so it cannot be created or replaced.
pub(super) fn check_name(path: &[u8]) -> Result<usize, TargetError> {
    check(path)?;
    match path.is_empty() {
        true => Err(TargetError::Escapes),
        false => Ok(name_start(path)),
    }
}

/// Splits a path into its directory and its name.
pub(super) fn split(path: &[u8], name_start: usize) -> (&[u8], &[u8]) {
    (&path[..name_start.saturating_sub(1)], &path[name_start..])
}

/// The directory above `path`; the empty path for a single name.
pub(super) fn parent(path: &[u8]) -> &[u8] {
    split(path, name_start(path)).0
}

/// True if `path` is `above` or lies below it.
pub(super) fn is_within(path: &[u8], above: &[u8]) -> bool {
    match path.strip_prefix(above) {
        Some(rest) => rest.is_empty() || above.is_empty() || rest[0] == b'/',
        None => false,
    }
}

/// The target itself and the directories on the way to the one at `path`, which comes last.
pub(super) fn prefixes(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let whole = (!path.is_empty()).then_some(path);
    std::iter::once(&path[..0]).chain(ends.map(|end| &path[..end])).chain(whole)
}

/// Cuts off as many leading components as one system call takes; returns them and the rest.
///
/// A single component that is too long is passed on for the kernel to refuse.
pub(super) fn cut(path: &[u8]) -> (&[u8], &[u8]) {
    if path.len() <= CALL_BYTES_MAX {
        return (path, &[]);
    }
    let slash = path[..=CALL_BYTES_MAX].iter().rposition(|byte| *byte == b'/');
    cut_at(path, slash)
}

/// Cuts off the first component; returns it and the rest.
pub(super) fn cut_one(path: &[u8]) -> (&[u8], &[u8]) {
    cut_at(path, path.iter().position(|byte| *byte == b'/'))
}

fn cut_at(path: &[u8], slash: Option<usize>) -> (&[u8], &[u8]) {
    match slash {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (path, &[]),
    }
}

fn name_start(path: &[u8]) -> usize {
    path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_could_escape_are_refused() {
        for path in ["..", "a/..", "../a", "a/../b", "/a", "a/", "a//b", ".", "a/./b", "a\0b"] {
            assert!(check(path.as_bytes()).is_err(), "{path:?}");
        }
        for path in ["", "a", "a/b", "...", "a/..b", ". ", "a\nb"] {
            assert!(check(path.as_bytes()).is_ok(), "{path:?}");
        }
        assert!(check_name(b"").is_err());
    }

    #[test]
    fn splitting_and_cutting() {
        assert_eq!(split(b"a/b/c", check_name(b"a/b/c").unwrap()), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(split(b"c", check_name(b"c").unwrap()), (&b""[..], &b"c"[..]));
        assert!(is_within(b"a/b", b"a") && is_within(b"a", b"a") && is_within(b"a", b""));
        assert!(!is_within(b"ab", b"a") && !is_within(b"a", b"a/b"));
        assert_eq!(cut_one(b"a/b/c"), (&b"a"[..], &b"b/c"[..]));
        let long = [b"x".repeat(4095), b"y".repeat(200)].join(&b'/');
        assert_eq!(cut(&long), (&long[..4095], &long[4096..]));
        let long = [b"x".repeat(200), b"y".repeat(4000)].join(&b'/');
        assert_eq!(cut(&long), (&long[..200], &long[201..]));
    }
}
