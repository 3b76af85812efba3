//! What a target must do that has files in a single directory, such as a bucket.

use super::{TargetResult, adverse, content, described, expect, get, put, symlink};
use crate::{Replace, Target, TargetError};

/// Restores files to the directory `at` of `target`, which must be empty, and checks the result.
/// `names` are names that the target must accept. Times, links and directories do not matter for
/// such a target, but it must refuse what it cannot create.
///
/// # Panics
/// If the target does not do what the trait says.
pub fn flat_conformance(target: &dyn Target, at: &[u8], names: &[&[u8]]) {
    let flat = Flat { target, at };
    expect("an empty target", flat.empty());
    expect("files", flat.files());
    expect("any order", content::any_order(target, at));
    expect("unfinished files", flat.unfinished());
    expect("keeping ranges", content::keeping(target, at));
    expect("entries that are not files", flat.refusing());
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

    fn put(&self, name: &[u8], content: &[u8]) -> TargetResult {
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

    fn empty(&self) -> TargetResult {
        assert!(self.target.existing(b"")?.is_some_and(|root| root.is_directory));
        assert!(self.target.existing(self.at)?.is_some_and(|root| root.is_directory));
        self.target.directory(self.at)?;
        assert_eq!(self.target.list(self.at)?, Vec::<Vec<u8>>::new());
        assert_eq!(self.bytes(b"nothing")?, None);
        self.target.remove(&self.path(b"nothing"))
    }

    fn files(&self) -> TargetResult {
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

    fn unfinished(&self) -> TargetResult {
        self.put(b"old", b"old content")?;
        for name in [&b"old"[..], b"new"] {
            let slot = self.target.file(&self.path(name), 6, Replace::Entry)?;
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

    fn refusing(&self) -> TargetResult {
        let path = self.path(b"refused");
        assert!(
            self.target.special(&path, &symlink(b"refused", b"elsewhere"), Replace::Entry).is_err()
        );
        assert!(self.target.hard_link(&path, &self.path(b"full"), Replace::Entry).is_err());
        assert!(self.target.directory(&path).is_err());
        assert!(self.target.file(&[&path, &b"/below"[..]].concat(), 0, Replace::Entry).is_err());
        assert!(self.target.file(b"elsewhere", 0, Replace::Entry).is_err());
        assert_eq!(self.bytes(b"refused")?, None);
        Ok(())
    }

    fn names(&self, names: &[&[u8]]) -> TargetResult {
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

    fn removing(&self) -> TargetResult {
        self.put(b"removed", b"content")?;
        self.put(b"removed.not", b"content")?;
        for _ in 0..2 {
            self.target.remove(&self.path(b"removed"))?;
            assert_eq!(self.bytes(b"removed")?, None);
        }
        assert_eq!(self.bytes(b"removed.not")?, Some(7));
        Ok(())
    }

    fn threads(&self) -> TargetResult {
        let place = |thread, part| Ok(self.path(format!("{thread}-{part}").as_bytes()));
        content::threads(self.target, self.at, &place)
    }
}
