//! A small repository with one bit flipped in every byte of every object, one at a time: all of it
//! is detected.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use std::sync::Arc;

use check_support::*;
use holdfast_backend::{Backend, MemoryBackend, ObjectName};

/// A few KiB: one snapshot of two files.
fn small() -> (MemoryBackend, Fixture) {
    let memory = Arc::new(MemoryBackend::new());
    let fixture = Fixture::new(Arc::clone(&memory) as Arc<dyn Backend>);
    fixture.backup(&[("a", noise(1, 60)), ("b", b"text text text text text text".repeat(4))]);
    (memory.fork(), fixture)
}

fn objects(memory: &MemoryBackend) -> Vec<(ObjectName, usize)> {
    let listed = memory.list("").unwrap();
    listed.into_iter().map(|listed| (listed.name, listed.bytes as usize)).collect()
}

/// True if opening fails, or the check finds something in this object.
fn is_detected(fixture: &Fixture, object: &ObjectName) -> bool {
    let Ok(repository) = fixture.try_open() else { return true };
    let report = check_all(&repository);
    report.findings.iter().any(|finding| finding.object == object.as_str())
}

fn replaced(
    memory: &MemoryBackend,
    fixture: &Fixture,
    object: &ObjectName,
    bytes: &[u8],
) -> Fixture {
    let fork = memory.fork();
    fork.delete(object).unwrap();
    fork.put(object, &[bytes]).unwrap();
    Fixture { backend: Arc::new(fork), key: fixture.key.clone() }
}

#[test]
fn every_flipped_byte_is_detected() {
    let (memory, fixture) = small();
    let mut flips = 0;
    for (object, length) in objects(&memory) {
        let whole = memory.get(&object, u64::MAX).unwrap();
        for at in 0..length {
            let mut bytes = whole.to_vec();
            bytes[at] ^= 1 << (at % 8);
            let damaged = replaced(&memory, &fixture, &object, &bytes);
            assert!(is_detected(&damaged, &object), "{object}, byte {at}");
            flips += 1;
        }
    }
    assert!(flips > 3000, "{flips}");
}

#[test]
fn every_truncation_and_extension_is_detected() {
    let (memory, fixture) = small();
    for (object, length) in objects(&memory) {
        let whole = memory.get(&object, u64::MAX).unwrap();
        for keep in 0..length {
            let damaged = replaced(&memory, &fixture, &object, &whole[..keep]);
            assert!(is_detected(&damaged, &object), "{object}, {keep} bytes");
        }
        for more in [1, 2, 16, 511, 4096] {
            let bytes = [&whole[..], &vec![0; more]].concat();
            let damaged = replaced(&memory, &fixture, &object, &bytes);
            assert!(is_detected(&damaged, &object), "{object}, {more} bytes more");
        }
    }
}

#[test]
fn every_swap_of_two_objects_is_detected() {
    let (memory, fixture) = small();
    let all = objects(&memory);
    for (first, _) in &all {
        for (second, _) in all.iter().filter(|(second, _)| second > first) {
            let (one, two) =
                (memory.get(first, u64::MAX).unwrap(), memory.get(second, u64::MAX).unwrap());
            if one == two {
                continue;
            }
            let swapped = replaced(&memory, &fixture, first, &two);
            swapped.replace(second.as_str(), &one);
            let is_found = is_detected(&swapped, first) && is_detected(&swapped, second);
            assert!(is_found, "{first} and {second}");
        }
    }
}

#[test]
fn every_missing_object_is_detected() {
    let (memory, fixture) = small();
    for (object, _) in objects(&memory) {
        let fork = memory.fork();
        fork.delete(&object).unwrap();
        let damaged = Fixture { backend: Arc::new(fork), key: fixture.key.clone() };
        // The end of a chain may be lost without a trace; only a reader that saw it can tell.
        let is_end = object.as_str().starts_with("w/");
        // Early repositories have no second copies of generations; the next writer makes them.
        let is_copy = object.as_str().starts_with("gen/") && object.as_str().ends_with(".b");
        assert!(is_end || is_copy || is_detected(&damaged, &object), "{object}");
    }
}
