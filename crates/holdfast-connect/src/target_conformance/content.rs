//! What every target must do with files, in any directory, whether it has one or many.

use std::thread;

use super::{TargetResult, described, get, put};
use crate::{FileSlot, Replace, Target, TargetError};

const THREADS: u8 = 4;
/// Bytes that each thread writes to the shared file, in several parts.
const SHARE_BYTES: usize = 10_000;
const PARTS: usize = 20;

/// Files below `at` are written piece by piece, two at a time.
pub(super) fn any_order(target: &dyn Target, at: &[u8]) -> TargetResult {
    let [path, beside] = [&b"/order"[..], b"/other"].map(|name| [at, name].concat());
    let slot = target.file(&path, 100_000, Replace::Entry)?;
    let other = target.file(&beside, 3, Replace::Entry)?;
    slot.write_at(50_000, b"middle")?;
    other.write_at(0, b"abc")?;
    slot.write_at(0, b"start")?;
    slot.finish(&described())?;
    other.finish(&described())?;
    let mut expected = vec![0; 100_000];
    expected[..5].copy_from_slice(b"start");
    expected[50_000..50_006].copy_from_slice(b"middle");
    assert_eq!(get(target, &path)?, expected);
    assert_eq!(get(target, &beside)?, b"abc");
    Ok(())
}

/// A file below `at` keeps parts of the previous one.
pub(super) fn keeping(target: &dyn Target, at: &[u8]) -> TargetResult {
    let [path, missing] = [&b"/kept"[..], b"/missing"].map(|name| [at, name].concat());
    let old: Vec<u8> = (0..300_000u32).map(|number| (number / 7 % 251) as u8).collect();
    put(target, &path, &old, &described())?;
    let slot = target.file(&path, 250_000, Replace::Entry)?;
    slot.keep(0, 100_000)?;
    slot.write_at(100_000, &[b'n'; 5])?;
    slot.keep(100_005, 149_995)?;
    slot.finish(&described())?;
    let expected = [&old[..100_000], b"nnnnn", &old[100_005..250_000]].concat();
    assert!(get(target, &path)? == expected);
    let slot = target.file(&path, 250_001, Replace::Entry)?;
    assert!(slot.keep(250_000, 1).is_err(), "past the end");
    let slot = target.file(&missing, 1, Replace::Entry)?;
    assert!(slot.keep(0, 1).is_err(), "nothing to keep");
    Ok(())
}

/// Several threads write one file below `at` together, and each writes files of its own where
/// `place` says, by thread and number.
pub(super) fn threads(
    target: &dyn Target,
    at: &[u8],
    place: &(dyn Fn(u8, usize) -> Result<Vec<u8>, TargetError> + Sync),
) -> TargetResult {
    let path = [at, b"/shared"].concat();
    let slot = target.file(&path, u64::from(THREADS) * SHARE_BYTES as u64, Replace::Entry)?;
    thread::scope(|scope| {
        let started: Vec<_> = (0..THREADS)
            .map(|thread| {
                let slot = &*slot;
                scope.spawn(move || one_thread(target, slot, thread, place))
            })
            .collect();
        started.into_iter().try_for_each(|thread| match thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    slot.finish(&described())?;
    let expected: Vec<u8> = (0..THREADS).flat_map(|it| [b'0' + it; SHARE_BYTES]).collect();
    assert!(get(target, &path)? == expected);
    Ok(())
}

fn one_thread(
    target: &dyn Target,
    slot: &dyn FileSlot,
    thread: u8,
    place: &dyn Fn(u8, usize) -> Result<Vec<u8>, TargetError>,
) -> TargetResult {
    const PART_BYTES: usize = SHARE_BYTES / PARTS;
    for part in 0..PARTS {
        let offset = usize::from(thread) * SHARE_BYTES + part * PART_BYTES;
        slot.write_at(offset as u64, &[b'0' + thread; PART_BYTES])?;
        let path = place(thread, part)?;
        put(target, &path, &path, &described())?;
        assert_eq!(get(target, &path)?, path);
    }
    Ok(())
}
