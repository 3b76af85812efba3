//! Odd names, paths that lead out, many threads.

use super::{TargetResult, content, described, get, put, symlink};
use crate::{Replace, Target, TargetError};

pub(super) fn names(target: &dyn Target) -> TargetResult {
    target.directory(b"names")?;
    let long = [b'x'; 255];
    let mut names =
        [&b"not \xff\xfe UTF-8"[..], b"new\nline", b"\x1b[31m", b"..dots", b"-f", b" ", &long];
    names.sort();
    for name in names {
        let path = [b"names/", name].concat();
        put(target, &path, name, &described())?;
        assert_eq!(get(target, &path)?, name);
    }
    let mut found = target.list(b"names")?;
    found.sort();
    assert_eq!(found, names);
    let path = [&b"names/"[..], &[b'x'; 256]].concat();
    assert!(put(target, &path, b"", &described()).is_err() || get(target, &path).is_ok());
    Ok(())
}

pub(super) fn escaping(target: &dyn Target) -> TargetResult {
    target.directory(b"inside")?;
    escaping_from(target, b"inside")
}

/// Paths that lead out of a directory, and out of the target.
pub(super) fn escaping_from(target: &dyn Target, inside: &[u8]) -> TargetResult {
    let link = symlink(b"link", b"to");
    let metadata = described();
    let bad = ["..", "/", "/etc", "*/../../x", "*//x", "*/", ".", "a\0b", "./a"];
    for path in bad {
        let path = match path.strip_prefix('*') {
            Some(rest) => [inside, rest.as_bytes()].concat(),
            None => path.as_bytes().to_vec(),
        };
        let path = path.as_slice();
        let outcomes = [
            target.existing(path).map(|_| ()),
            target.directory(path).map(|_| ()),
            target.finish_directory(path, &metadata),
            target.file(path, 0, Replace::Entry).map(|_| ()),
            target.special(path, &link, Replace::Entry),
            target.hard_link(path, b"turns", Replace::Entry),
            target.hard_link(&[inside, b"/x"].concat(), path, Replace::Entry),
            target.update_metadata(path, &metadata),
            target.read_at(path, 0, &mut [0]).map(|_| ()),
            target.list(path).map(|_| ()),
            target.remove(path),
        ];
        for (number, outcome) in outcomes.iter().enumerate() {
            let is_refused = matches!(outcome, Err(TargetError::Escapes));
            assert!(is_refused, "call {number} with {:?}: {outcome:?}", path.escape_ascii());
        }
    }
    assert!(matches!(target.remove(b""), Err(TargetError::Escapes)));
    assert!(matches!(target.file(b"", 0, Replace::Entry).map(|_| ()), Err(TargetError::Escapes)));
    Ok(())
}

pub(super) fn threads(target: &dyn Target) -> TargetResult {
    target.directory(b"threads")?;
    content::threads(target, b"threads", &|thread, part| {
        // Several threads create the same directories.
        let directory = format!("threads/{}", part / 5);
        target.directory(directory.as_bytes())?;
        Ok(format!("{directory}/{thread}-{part}").into_bytes())
    })
}
