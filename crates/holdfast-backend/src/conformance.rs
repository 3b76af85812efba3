//! The promises of [`Backend`] as a suite that every implementation and every decorator passes.

use std::sync::{Arc, Barrier};

use crate::{Backend, BackendError, ObjectName};

/// What a check returns when an operation fails that must succeed.
type Checked = Result<(), Box<dyn std::error::Error>>;

type ConformanceCheck = fn(&Arc<dyn Backend>) -> Checked;

/// Larger than any size up to which an implementation may treat objects as small, in bytes.
const LARGE_BYTES: usize = (3 << 20) + 17;

/// Checks every promise, each on an empty backend from `make`.
///
/// # Panics
/// If a promise is broken; the message names the check.
pub fn run(make: &dyn Fn() -> Arc<dyn Backend>) {
    let checks: &[(&str, ConformanceCheck)] = &[
        ("objects keep their bytes", |backend| keeps_bytes(backend.as_ref())),
        ("an object is created once", |backend| creates_once(backend.as_ref())),
        ("what is absent is not found", |backend| absent(backend.as_ref())),
        ("no more is read than is wanted", |backend| limits(backend.as_ref())),
        ("ranges are exact", |backend| ranges(backend.as_ref())),
        ("large objects", |backend| large(backend.as_ref())),
        ("listings", |backend| listings(backend.as_ref())),
        ("deleting", |backend| deleting(backend.as_ref())),
        ("quarantine", |backend| quarantine(backend.as_ref())),
        ("one of many creators wins", one_creator_wins),
        ("readers see whole objects", readers_see_whole_objects),
    ];
    for (title, check) in checks {
        if let Err(error) = check(&make()) {
            panic!("conformance, {title}: {error:?}");
        }
    }
}

fn name(text: &str) -> ObjectName {
    match ObjectName::new(text) {
        Ok(name) => name,
        Err(error) => panic!("{error}"),
    }
}

/// Bytes without a short period, so that a wrong offset shows.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(0x9E37_79B9) >> 13) as u8).collect()
}

fn assert_absent(backend: &dyn Backend, name: &ObjectName) {
    assert!(
        matches!(backend.get(name, u64::MAX), Err(BackendError::NotFound { .. })),
        "get {name}"
    );
    assert!(
        matches!(backend.get_range(name, 0, 1), Err(BackendError::NotFound { .. })),
        "range {name}"
    );
    assert!(matches!(backend.size(name), Err(BackendError::NotFound { .. })), "size {name}");
}

fn keeps_bytes(backend: &dyn Backend) -> Checked {
    let many: Vec<Vec<u8>> = (0..3000).map(|number| pattern(number % 7)).collect();
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    let cases: [(&str, &[&[u8]]); 7] = [
        ("empty/none", &[]),
        ("empty/one", &[b""]),
        ("empty/two", &[b"", b""]),
        ("one", &[b"abc"]),
        ("deep/er/and/deeper", &[b"ab", b"", b"c"]),
        ("gaps", &[b"", b"a", b"", b"", b"bc", b""]),
        ("many", &many),
    ];
    for (text, parts) in cases {
        backend.put(&name(text), parts)?;
    }
    for (text, parts) in cases {
        let whole = parts.concat();
        assert_eq!(backend.get(&name(text), u64::MAX)?, whole, "{text}");
        assert_eq!(backend.size(&name(text))?, whole.len() as u64, "{text}");
        assert_eq!(backend.get_range(&name(text), 0, whole.len())?, whole, "{text}");
    }
    Ok(())
}

fn creates_once(backend: &dyn Backend) -> Checked {
    for text in ["top", "folder/inside"] {
        backend.put(&name(text), &[b"first"])?;
        for bytes in [b"other", b"first"] {
            let again = backend.put(&name(text), &[bytes]);
            assert!(matches!(again, Err(BackendError::AlreadyExists { .. })), "{again:?}");
        }
        assert_eq!(backend.get(&name(text), u64::MAX)?, "first");
    }
    assert_eq!(backend.list("")?.len(), 2, "a refused put leaves nothing");
    Ok(())
}

fn absent(backend: &dyn Backend) -> Checked {
    backend.put(&name("folder/present"), &[b"a"])?;
    // Neither the folder of an object nor anything below an object is an object.
    for text in ["nothing", "folder", "folder/nothing", "other/nothing", "folder/present/below"] {
        assert_absent(backend, &name(text));
        let moved = backend.quarantine(&name(text));
        assert!(matches!(moved, Err(BackendError::NotFound { .. })), "{text}: {moved:?}");
    }
    Ok(())
}

fn limits(backend: &dyn Backend) -> Checked {
    for bytes in [0, 1, 1000, LARGE_BYTES] {
        let (object, length) = (name(&format!("packs/{bytes}")), bytes as u64);
        let content = pattern(bytes);
        backend.put(&object, &[&content])?;
        for bytes_max in [length, length + 1, u64::MAX] {
            assert!(backend.get(&object, bytes_max)? == content, "{bytes} of {bytes_max}");
        }
        for limit in [0, length / 2, length.saturating_sub(1)] {
            match backend.get(&object, limit) {
                Err(BackendError::TooLarge { name: named, bytes: found, bytes_max }) => {
                    assert_eq!((named.as_str(), found), (object.as_str(), length));
                    assert_eq!(bytes_max, limit);
                }
                outcome => assert!(length <= limit, "{bytes} of {limit}: {outcome:?}"),
            }
        }
    }
    assert!(matches!(backend.get(&name("nothing"), 0), Err(BackendError::NotFound { .. })));
    Ok(())
}

fn assert_short(backend: &dyn Backend, name: &ObjectName, range: (u64, usize), left: usize) {
    let (from, length) = range;
    match backend.get_range(name, from, length) {
        Err(BackendError::ShortRead { name: named, offset, wanted, got }) => {
            assert_eq!((named.as_str(), offset, wanted, got), (name.as_str(), from, length, left));
        }
        other => panic!("{length} bytes from {from}: {other:?}"),
    }
}

fn ranges(backend: &dyn Backend) -> Checked {
    let object = name("packs/0a");
    backend.put(&object, &[b"01234", b"56789"])?;
    for (offset, length, expected) in
        [(0, 10, "0123456789"), (3, 4, "3456"), (9, 1, "9"), (0, 0, ""), (5, 0, ""), (10, 0, "")]
    {
        assert_eq!(backend.get_range(&object, offset, length)?, expected.as_bytes());
    }
    for (range, left) in [
        ((0, 11), 10),
        ((8, 3), 2),
        ((10, 1), 0),
        ((11, 0), 0),
        ((u64::MAX, 1), 0),
        ((1, usize::MAX), 9),
        ((u64::MAX, usize::MAX), 0),
    ] {
        assert_short(backend, &object, range, left);
    }
    Ok(())
}

fn large(backend: &dyn Backend) -> Checked {
    for bytes in [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, LARGE_BYTES] {
        let (object, content) = (name(&format!("packs/{bytes}")), pattern(bytes));
        let (front, back) = content.split_at(bytes / 3);
        backend.put(&object, &[front, back])?;
        let read = backend.get(&object, u64::MAX)?;
        assert!(read == content, "{bytes} bytes come back");
        assert!(backend.get_range(&object, 7, bytes - 7)? == content[7..]);
        assert_short(backend, &object, (bytes as u64 - 5, 6), 5);
        // Bytes that were read remain readable when the object is gone.
        backend.delete(&object)?;
        assert!(read == content, "{bytes} bytes outlive their object");
    }
    Ok(())
}

fn listings(backend: &dyn Backend) -> Checked {
    assert!(backend.list("")?.is_empty());
    assert!(backend.list("a")?.is_empty());
    for (index, text) in
        ["b/2", "a-b/1", "a/c/1", "config", "a/b", "a0/1", "b/10"].iter().enumerate()
    {
        backend.put(&name(text), &[&pattern(index)])?;
    }
    let listed = |prefix: &str| -> Result<Vec<(String, u64)>, BackendError> {
        let all = backend.list(prefix)?;
        Ok(all.into_iter().map(|listed| (listed.name.to_string(), listed.bytes)).collect())
    };
    let expect = |expected: &[(&str, u64)]| -> Vec<(String, u64)> {
        expected.iter().map(|(text, bytes)| ((*text).to_owned(), *bytes)).collect()
    };
    // In byte order: `-` before `/` before `0`.
    let all = [
        ("a-b/1", 1),
        ("a/b", 4),
        ("a/c/1", 2),
        ("a0/1", 5),
        ("b/10", 6),
        ("b/2", 0),
        ("config", 3),
    ];
    assert_eq!(listed("")?, expect(&all));
    assert_eq!(listed("a")?, expect(&[("a/b", 4), ("a/c/1", 2)]));
    assert_eq!(listed("a/c")?, expect(&[("a/c/1", 2)]));
    for nothing in ["c", "con", "config", "a/", "/", "/a", ".", "..", "a/..", "A", "a/b", "a/c/1/d"]
    {
        assert_eq!(listed(nothing)?, [], "{nothing:?}");
    }
    Ok(())
}

fn deleting(backend: &dyn Backend) -> Checked {
    let (object, other) = (name("folder/a"), name("folder/b"));
    backend.put(&object, &[b"1"])?;
    backend.put(&other, &[b"2"])?;
    assert_eq!(backend.get_range(&object, 0, 1)?, b"1");
    for _ in 0..2 {
        backend.delete(&object)?;
        assert_absent(backend, &object);
    }
    for text in ["never", "never/was", "folder/b/below"] {
        backend.delete(&name(text))?;
    }
    assert_eq!(backend.get(&other, u64::MAX)?, "2");
    assert_eq!(backend.list("")?.len(), 1);
    backend.put(&object, &[b"3"])?;
    assert_eq!(backend.get_range(&object, 0, 1)?, b"3");
    Ok(())
}

fn quarantine(backend: &dyn Backend) -> Checked {
    let (object, aside) = (name("packs/ab/c"), name("quarantine/packs/ab/c"));
    backend.put(&object, &[b"damaged"])?;
    assert_eq!(backend.get_range(&object, 0, 7)?, b"damaged");
    backend.quarantine(&object)?;
    assert_absent(backend, &object);
    assert_eq!(backend.get(&aside, u64::MAX)?, "damaged");
    assert_eq!(backend.list("packs")?, []);
    assert_eq!(backend.list("quarantine")?.len(), 1);

    // The name can be used again, and be moved aside again without destroying the first object.
    for (bytes, target) in [("healed", ".1"), ("again", ".2")] {
        backend.put(&object, &[bytes.as_bytes()])?;
        assert_eq!(backend.get_range(&object, 0, bytes.len())?, bytes.as_bytes());
        backend.quarantine(&object)?;
        assert_eq!(backend.get(&name(&format!("{aside}{target}")), u64::MAX)?, bytes);
    }
    assert_eq!(backend.get(&aside, u64::MAX)?, "damaged");

    backend.quarantine(&aside)?;
    assert_eq!(backend.get(&aside, u64::MAX)?, "damaged", "a quarantined object is left there");

    let long = name(&format!("{}/{}", "a".repeat(100), "b".repeat(154)));
    backend.put(&long, &[b"x"])?;
    backend.quarantine(&long)?;
    assert_eq!(backend.list("quarantine")?.len(), 4);
    Ok(())
}

fn one_creator_wins(backend: &Arc<dyn Backend>) -> Checked {
    const CREATORS: u8 = 8;
    for round in 0..20 {
        // A new folder each time, so that the creators also race to make it.
        let object = name(&format!("race/{round}/slot"));
        let start = Barrier::new(usize::from(CREATORS));
        let outcomes: Vec<(u8, Result<(), BackendError>)> = std::thread::scope(|scope| {
            let create = |number: u8| {
                let (object, start) = (&object, &start);
                scope.spawn(move || {
                    start.wait();
                    (number, backend.put(object, &[&[number; 100], &[number; 1000]]))
                })
            };
            let threads: Vec<_> = (0..CREATORS).map(create).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        let winners: Vec<u8> = outcomes
            .iter()
            .filter(|(_, outcome)| outcome.is_ok())
            .map(|(number, _)| *number)
            .collect();
        let losers = outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Err(BackendError::AlreadyExists { .. })))
            .count();
        assert_eq!((winners.len(), losers), (1, usize::from(CREATORS) - 1), "{outcomes:?}");
        assert_eq!(backend.get(&object, u64::MAX)?, vec![winners[0]; 1100]);
    }
    Ok(())
}

fn readers_see_whole_objects(backend: &Arc<dyn Backend>) -> Checked {
    const ROUNDS: usize = 20;
    let content = pattern(LARGE_BYTES / 4);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| -> Result<(), BackendError> {
            for round in 0..ROUNDS {
                backend.put(&name(&format!("whole/{round}")), &[&content])?;
            }
            Ok(())
        });
        for round in 0..ROUNDS {
            loop {
                // Asked first: it may finish just after the object was not found.
                let complete = writer.is_finished();
                match backend.get(&name(&format!("whole/{round}")), u64::MAX) {
                    Ok(bytes) => break assert!(bytes == content, "round {round}"),
                    Err(BackendError::NotFound { .. }) if !complete => {}
                    Err(error) => return Err(error.into()),
                }
            }
            for listed in backend.list("whole")? {
                assert_eq!(listed.bytes, content.len() as u64, "{}", listed.name);
            }
        }
        writer.join().map_err(|_| "the writer panicked")?.map_err(Into::into)
    })
}
