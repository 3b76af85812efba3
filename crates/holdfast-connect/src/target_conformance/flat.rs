//! What a target must do that has files in one directory only, such as a bucket.

use super::{Outcome, adverse, described, expect, get, put, symlink};
use crate::{FileSlot, Target, TargetError, WriteOrder};

/// Restores files to the directory `at` of `target`, which must be empty, and looks at what came of
/// it. `names` are names that the target must take. Times, links and directories are no concern of
/// such a target, but it must refuse what it cannot make.
///
/// # Panics
/// If the target does not do what the trait says.
pub fn flat_conformance(target: &dyn Target, at: &[u8], names: &[&[u8]]) {
    let flat = Flat { target, at };
    expect("an empty target", flat.empty());
    expect("files", flat.files());
    expect("any order", flat.any_order());
    expect("unfinished files", flat.unfinished());
    expect("keeping ranges", flat.keeping());
    expect("what is no file", flat.refusing());
    expect("names", flat.names(names));
    expect("removing", flat.removing());
    expect("escaping paths", adverse::escaping_from(target, at));
    expect("many threads", flat.threads());
}

struct Flat<'a> {
    target: &'a dyn Target,
    at: &'a [u8],
}

impl Flat<'_> {
    fn path(&self, name: &[u8]) -> Vec<u8> {
        [self.at, b"/", name].concat()
    }

    fn put(&self, name: &[u8], content: &[u8]) -> Outcome {
        put(self.target, &self.path(name), content, &described())
    }

    fn get(&self, name: &[u8]) -> Result<Vec<u8>, TargetError> {
        get(self.target, &self.path(name))
    }

    fn bytes(&self, name: &[u8]) -> Result<Option<u64>, TargetError> {
        let existing = self.target.existing(&self.path(name))?;
        assert!(existing.as_ref().is_none_or(|it| it.is_file && !it.is_directory));
        Ok(existing.map(|existing| existing.bytes))
    }

    fn empty(&self) -> Outcome {
        assert!(self.target.existing(b"")?.is_some_and(|root| root.is_directory));
        assert!(self.target.existing(self.at)?.is_some_and(|root| root.is_directory));
        self.target.directory(self.at)?;
        assert_eq!(self.target.list(self.at)?, Vec::<Vec<u8>>::new());
        assert_eq!(self.bytes(b"nothing")?, None);
        self.target.remove(&self.path(b"nothing"))
    }

    fn files(&self) -> Outcome {
        for (name, content) in [(&b"empty"[..], &b""[..]), (b"full", b"some content")] {
            self.put(name, content)?;
            assert_eq!(self.bytes(name)?, Some(content.len() as u64));
            assert_eq!(self.get(name)?, content);
        }
        self.put(b"full", b"other")?;
        assert_eq!(self.bytes(b"full")?, Some(5));
        let (path, mut buffer) = (self.path(b"full"), [0; 3]);
        assert_eq!(self.target.read_at(&path, 3, &mut buffer)?, 2);
        assert_eq!(&buffer[..2], b"er");
        assert_eq!(self.target.read_at(&path, 100, &mut buffer)?, 0);
        self.target.update_metadata(&path, &described())?;
        assert_eq!(self.get(b"full")?, b"other");
        assert!(self.target.update_metadata(self.at, &described()).is_err(), "no file");
        assert!(self.target.read_at(self.at, 0, &mut buffer).is_err(), "no file");
        assert!(self.target.read_at(&self.path(b"nothing"), 0, &mut buffer).is_err());
        self.target.finish_directory(self.at, &described())
    }

    fn any_order(&self) -> Outcome {
        if self.target.order() != WriteOrder::Any {
            return Ok(());
        }
        let slot = self.target.file(&self.path(b"order"), 100_000)?;
        let other = self.target.file(&self.path(b"other"), 3)?;
        slot.write_at(50_000, b"middle")?;
        other.write_at(0, b"abc")?;
        slot.write_at(0, b"start")?;
        slot.finish(&described())?;
        other.finish(&described())?;
        let mut expected = vec![0; 100_000];
        expected[..5].copy_from_slice(b"start");
        expected[50_000..50_006].copy_from_slice(b"middle");
        assert_eq!(self.get(b"order")?, expected);
        assert_eq!(self.get(b"other")?, b"abc");
        Ok(())
    }

    fn unfinished(&self) -> Outcome {
        self.put(b"old", b"old content")?;
        for name in [&b"old"[..], b"new"] {
            let slot = self.target.file(&self.path(name), 6)?;
            slot.write_at(0, b"new")?;
            assert_eq!(self.get(b"old")?, b"old content");
            assert_eq!(self.bytes(b"new")?, None);
            assert!(slot.write_at(4, b"too long").is_err());
            drop(slot);
        }
        assert_eq!(self.get(b"old")?, b"old content");
        assert_eq!(self.bytes(b"new")?, None);
        Ok(())
    }

    fn keeping(&self) -> Outcome {
        let old: Vec<u8> = (0..300_000u32).map(|number| (number / 7 % 251) as u8).collect();
        self.put(b"kept", &old)?;
        let path = self.path(b"kept");
        let slot = self.target.file(&path, 250_000)?;
        slot.keep(0, 100_000)?;
        slot.write_at(100_000, &[b'n'; 5])?;
        slot.keep(100_005, 149_995)?;
        slot.finish(&described())?;
        let expected = [&old[..100_000], b"nnnnn", &old[100_005..250_000]].concat();
        assert!(self.get(b"kept")? == expected);
        let slot = self.target.file(&path, 250_001)?;
        assert!(slot.keep(250_000, 1).is_err(), "behind the end");
        let slot = self.target.file(&self.path(b"nothing"), 1)?;
        assert!(slot.keep(0, 1).is_err(), "nothing to keep");
        Ok(())
    }

    fn refusing(&self) -> Outcome {
        let path = self.path(b"refused");
        assert!(self.target.special(&path, &symlink(b"refused", b"elsewhere")).is_err());
        assert!(self.target.hard_link(&path, &self.path(b"full")).is_err());
        assert!(self.target.directory(&path).is_err());
        assert!(self.target.file(&[&path, &b"/below"[..]].concat(), 0).is_err());
        assert!(self.target.file(b"elsewhere", 0).is_err());
        assert_eq!(self.bytes(b"refused")?, None);
        Ok(())
    }

    fn names(&self, names: &[&[u8]]) -> Outcome {
        for name in names {
            self.put(name, name)?;
            assert_eq!(self.get(name)?, *name);
        }
        let found = self.target.list(self.at)?;
        for name in names {
            let count = found.iter().filter(|found| found == name).count();
            assert_eq!(count, 1, "{:?}", name.escape_ascii().to_string());
        }
        Ok(())
    }

    fn removing(&self) -> Outcome {
        self.put(b"removed", b"content")?;
        self.put(b"removed.not", b"content")?;
        for _ in 0..2 {
            self.target.remove(&self.path(b"removed"))?;
            assert_eq!(self.bytes(b"removed")?, None);
        }
        assert_eq!(self.bytes(b"removed.not")?, Some(7));
        Ok(())
    }

    fn threads(&self) -> Outcome {
        if self.target.order() != WriteOrder::Any {
            return Ok(());
        }
        let slot = self.target.file(&self.path(b"shared"), 40_000)?;
        std::thread::scope(|scope| {
            let started: Vec<_> = (0..4)
                .map(|thread| {
                    let slot = &*slot;
                    scope.spawn(move || self.one_thread(slot, thread))
                })
                .collect();
            started.into_iter().try_for_each(|thread| match thread.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        slot.finish(&described())?;
        let expected: Vec<u8> = (0..4).flat_map(|thread| [b'0' + thread; 10_000]).collect();
        assert!(self.get(b"shared")? == expected);
        Ok(())
    }

    fn one_thread(&self, slot: &dyn FileSlot, thread: u8) -> Outcome {
        for part in 0..20 {
            slot.write_at(u64::from(thread) * 10_000 + part * 500, &[b'0' + thread; 500])?;
            let name = format!("{thread}-{part}");
            self.put(name.as_bytes(), name.as_bytes())?;
            assert_eq!(self.get(name.as_bytes())?, name.as_bytes());
        }
        Ok(())
    }
}
