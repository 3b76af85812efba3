//! Odd names, paths that lead out, many threads.

use super::{Outcome, described, get, put, symlink};
use crate::{FileSlot, Target, TargetError, WriteOrder};

pub(super) fn names(target: &dyn Target) -> Outcome {
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

pub(super) fn escaping(target: &dyn Target) -> Outcome {
    target.directory(b"inside")?;
    escaping_from(target, b"inside")
}

/// Paths that lead out of a directory, and out of the target.
pub(super) fn escaping_from(target: &dyn Target, inside: &[u8]) -> Outcome {
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
            target.file(path, 0).map(|_| ()),
            target.special(path, &link),
            target.hard_link(path, b"turns"),
            target.hard_link(&[inside, b"/x"].concat(), path),
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
    assert!(matches!(target.file(b"", 0).map(|_| ()), Err(TargetError::Escapes)));
    Ok(())
}

pub(super) fn threads(target: &dyn Target) -> Outcome {
    if target.order() != WriteOrder::Any {
        return Ok(());
    }
    target.directory(b"threads")?;
    let slot = target.file(b"threads/shared", 40_000)?;
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..4)
            .map(|thread| {
                let slot = &*slot;
                scope.spawn(move || one_thread(target, slot, thread))
            })
            .collect();
        started.into_iter().try_for_each(|thread| match thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    slot.finish(&described())?;
    let expected: Vec<u8> = (0..4).flat_map(|thread| [b'0' + thread; 10_000]).collect();
    assert!(get(target, b"threads/shared")? == expected);
    Ok(())
}

fn one_thread(target: &dyn Target, slot: &dyn FileSlot, thread: u8) -> Outcome {
    for part in 0..100 {
        slot.write_at(u64::from(thread) * 10_000 + part * 100, &[b'0' + thread; 100])?;
        let directory = format!("threads/{thread}-{}", part / 10);
        target.directory(directory.as_bytes())?;
        let path = format!("{directory}/{part}");
        put(target, path.as_bytes(), path.as_bytes(), &described())?;
        assert_eq!(get(target, path.as_bytes())?, path.as_bytes());
    }
    Ok(())
}
