//! A disk without room for a pack, but with some for a record: forget and prune must still free
//! space.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_backend::{Backend, BackendError, ListedObject, MemoryBackend, ObjectName};
use holdfast_engine::Silent;
use holdfast_engine::forget::forget;
use holdfast_engine::prune::prune;

use crate::script::{PRUNE, Script, check_all};

/// A storage that accepts only a limited number of bytes, like a disk that is almost full.
#[derive(Debug)]
struct AlmostFull {
    inner: Arc<MemoryBackend>,
    /// Larger objects are refused.
    put_bytes_max: usize,
}

impl Backend for AlmostFull {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        if parts.iter().map(|part| part.len()).sum::<usize>() > self.put_bytes_max {
            let (name, source) = (name.to_string(), io::ErrorKind::StorageFull.into());
            return Err(BackendError::NoSpace { name, source });
        }
        self.inner.put(name, parts)
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
        self.inner.delete(name)
    }

    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.inner.quarantine(name)
    }
}

fn pack_bytes(script: &Script) -> u64 {
    script.storage.list("packs").unwrap().iter().map(|pack| pack.bytes).sum()
}

#[test]
fn a_full_disk_can_be_freed() {
    let mut script = Script::new();
    script.run_to_end().unwrap();
    let storage = Arc::clone(&script.storage);
    let full = Arc::new(AlmostFull { inner: storage, put_bytes_max: 8192 }) as Arc<dyn Backend>;
    let before = pack_bytes(&script);

    let error = script.fork_backup(&full).unwrap_err();
    assert!(error.contains("no space left"), "{error}");
    script.verify().unwrap();

    let repository = script.open(&full).unwrap();
    let oldest = repository.history().snapshots()[0].id;
    script.give_up(&oldest);
    forget(&repository, &[oldest]).unwrap();
    prune(&repository, &PRUNE, &Silent).unwrap();
    assert!(pack_bytes(&script) < before, "nothing was freed");
    script.verify().unwrap();
    let findings = check_all(&script.open(&full).unwrap()).unwrap().findings;
    assert!(findings.is_empty(), "{findings:?}");
}
