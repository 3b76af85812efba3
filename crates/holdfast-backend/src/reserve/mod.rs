//! A decorator for operations that free space: what they must write is written even on a full disk.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Backend, BackendError, ListedObject, Local, ObjectName, StorageLocation};

/// A local backend that releases its reserve, part by part, when there is no room for an object
/// that the caller considers worth it.
#[derive(Debug)]
pub struct Reserve {
    inner: Arc<Local>,
    is_worth_it: fn(&ObjectName) -> bool,
}

impl Reserve {
    /// Wraps `inner`; the reserve is used for objects for which `is_worth_it` is true.
    #[must_use]
    pub fn new(inner: Arc<Local>, is_worth_it: fn(&ObjectName) -> bool) -> Reserve {
        Reserve { inner, is_worth_it }
    }

    /// Repeats an operation that failed for lack of space while there is some reserve left to
    /// release.
    fn make_room<T>(
        &self,
        operation: impl Fn() -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let mut outcome = operation();
        while matches!(outcome, Err(BackendError::NoSpace { .. })) && self.inner.spend_reserve()? {
            outcome = operation();
        }
        outcome
    }
}

impl Backend for Reserve {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        match (self.is_worth_it)(name) {
            true => self.make_room(|| self.inner.put(name, parts)),
            false => self.inner.put(name, parts),
        }
    }

    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        self.inner.get(name, bytes_max)
    }

    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        self.inner.get_range(name, offset, length)
    }

    fn size(&self, name: &ObjectName) -> Result<u64, BackendError> {
        self.inner.size(name)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
        self.inner.list(prefix)
    }

    fn delete(&self, name: &ObjectName) -> Result<(), BackendError> {
        // File systems that never overwrite need room to remove something.
        self.make_room(|| self.inner.delete(name))
    }

    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.inner.quarantine(name)
    }

    fn place(&self) -> StorageLocation {
        self.inner.place()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;

    fn name(text: &str) -> ObjectName {
        ObjectName::new(text).unwrap()
    }

    fn is_record(name: &ObjectName) -> bool {
        name.as_str().starts_with("gen/")
    }

    fn parts_left(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder.join("tmp")).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        entries.map(name).filter(|file| file.to_str().unwrap().starts_with("reserve.")).count()
    }

    #[test]
    fn conforms() {
        let folder = TempDir::new().unwrap();
        let number = std::cell::Cell::new(0);
        crate::conformance::run(&|| {
            number.set(number.get() + 1);
            let local = Local::create(folder.path().join(number.get().to_string())).unwrap();
            Arc::new(Reserve::new(Arc::new(local), is_record))
        });
    }

    #[test]
    fn it_is_filled_once_and_really_takes_its_blocks() {
        use std::os::unix::fs::MetadataExt;

        let folder = TempDir::new().unwrap();
        let local = Local::create(folder.path()).unwrap();
        assert!(!local.spend_reserve().unwrap());
        for _ in 0..2 {
            local.fill_reserve().unwrap();
            assert_eq!(parts_left(folder.path()), 16);
        }
        let part = folder.path().join("tmp/reserve.03");
        assert_eq!(part.metadata().unwrap().blocks() * 512, 64 << 10);
        std::fs::write(&part, "cut short").unwrap();
        assert!(local.spend_reserve().unwrap());
        local.fill_reserve().unwrap();
        assert_eq!((parts_left(folder.path()), part.metadata().unwrap().len()), (16, 64 << 10));
        assert!(local.list("").unwrap().is_empty(), "it is not an object");
        assert_eq!(local.remove_temporaries(&mut |_, _| true).unwrap(), 0);
    }

    /// A small file system for this test; `None` if this process may not mount one.
    struct SmallFileSystem(TempDir);

    impl SmallFileSystem {
        fn mount(mib: u32) -> Option<SmallFileSystem> {
            let folder = TempDir::new().unwrap();
            let size = format!("size={mib}m");
            let mount = Command::new("mount")
                .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
                .arg(folder.path())
                .output();
            match mount {
                Ok(output) if output.status.success() => Some(SmallFileSystem(folder)),
                _ => None,
            }
        }
    }

    impl Drop for SmallFileSystem {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0.path()).status();
        }
    }

    #[test]
    fn what_is_worth_it_is_written_on_a_full_disk() {
        let Some(small) = SmallFileSystem::mount(4) else {
            eprintln!("not tested: this process may not mount a filesystem");
            return;
        };
        let folder = small.0.path();
        let local = Arc::new(Local::create(folder).unwrap());
        local.put(&name("packs/a"), &[&[1; 1000]]).unwrap();
        local.put(&name("gen/a"), &[&[1; 1000]]).unwrap();
        local.fill_reserve().unwrap();
        // Another process takes all the rest.
        let filler = std::fs::File::create(folder.join("filler")).unwrap();
        let mut block = 1 << 20;
        while block > 256 {
            match std::io::Write::write(&mut &filler, &vec![1; block]) {
                Ok(written) if written == block => {}
                _ => block /= 2,
            }
        }
        let reserve = Reserve::new(Arc::clone(&local), is_record);
        assert!(matches!(local.put(&name("gen/b"), &[b"1"]), Err(BackendError::NoSpace { .. })));
        assert!(matches!(
            reserve.put(&name("packs/b"), &[b"1"]),
            Err(BackendError::NoSpace { .. })
        ));
        assert_eq!(parts_left(folder), 16, "it is spent on nothing else");

        reserve.put(&name("gen/b"), &[&[2; 1000]]).unwrap();
        assert_eq!(parts_left(folder), 15, "no more is released than needed");
        reserve.put(&name("gen/c"), &[&vec![3; 200 << 10]]).unwrap();
        let left = parts_left(folder);
        assert!((10..14).contains(&left), "{left} parts are left");
        let too_large = reserve.put(&name("gen/d"), &[&vec![4; 2 << 20]]);
        assert!(matches!(too_large, Err(BackendError::NoSpace { .. })), "{too_large:?}");
        assert_eq!(local.get(&name("gen/b"), u64::MAX).unwrap().len(), 1000);

        assert!(matches!(local.fill_reserve(), Ok(()) | Err(BackendError::NoSpace { .. })));
        drop(filler);
        std::fs::remove_file(folder.join("filler")).unwrap();
        local.fill_reserve().unwrap();
        assert_eq!(parts_left(folder), 16);
    }
}
