//! A backend in memory, for tests: the promises of a real one, until the process ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::name::in_folder;
use crate::{Backend, BackendError, ListedObject, ObjectName, StorageLocation};

type StoredObjects = BTreeMap<ObjectName, Bytes>;

/// Objects in a map. "Durable" here means: present in every later [`fork`](MemoryBackend::fork).
#[derive(Debug, Default)]
pub struct MemoryBackend {
    objects: Mutex<StoredObjects>,
    place: StorageLocation,
}

impl MemoryBackend {
    /// An empty backend.
    #[must_use]
    pub fn new() -> MemoryBackend {
        MemoryBackend::default()
    }

    /// An independent copy of the current state: what a crash at this moment would leave.
    #[must_use]
    pub fn fork(&self) -> MemoryBackend {
        MemoryBackend { objects: Mutex::new(self.objects().clone()), place: self.place.clone() }
    }

    /// The same objects at another location: an independent copy of the current state.
    #[must_use]
    pub fn fork_to(&self, place: StorageLocation) -> MemoryBackend {
        MemoryBackend { objects: Mutex::new(self.objects().clone()), place }
    }

    fn find(&self, name: &ObjectName) -> Result<Bytes, BackendError> {
        self.objects().get(name).cloned().ok_or_else(|| not_found(name))
    }

    /// A thread that panicked while it held the lock left the map intact, since each change is one
    /// call of the map.
    fn objects(&self) -> MutexGuard<'_, StoredObjects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for MemoryBackend {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        let bytes = Bytes::from(parts.concat());
        let mut objects = self.objects();
        if objects.contains_key(name) {
            return Err(BackendError::AlreadyExists { name: name.to_string() });
        }
        objects.insert(name.clone(), bytes);
        Ok(())
    }

    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        let bytes = self.find(name)?;
        match bytes.len() as u64 {
            length if length > bytes_max => Err(BackendError::too_large(name, length, bytes_max)),
            _ => Ok(bytes),
        }
    }

    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        let bytes = self.find(name)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let rest = bytes.get(start..).unwrap_or_default();
        match rest.get(..length) {
            Some(range) if offset <= bytes.len() as u64 => Ok(range.to_vec()),
            _ => Err(BackendError::ShortRead {
                name: name.to_string(),
                offset,
                wanted: length,
                got: rest.len(),
            }),
        }
    }

    fn size(&self, name: &ObjectName) -> Result<u64, BackendError> {
        Ok(self.find(name)?.len() as u64)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
        let wanted = |name: &str| prefix.is_empty() || in_folder(name, prefix).is_some();
        let listed = |(name, bytes): (&ObjectName, &Bytes)| ListedObject {
            name: name.clone(),
            bytes: bytes.len() as u64,
        };
        Ok(self.objects().iter().filter(|(name, _)| wanted(name.as_str())).map(listed).collect())
    }

    fn delete(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.objects().remove(name);
        Ok(())
    }

    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        let mut objects = self.objects();
        if !objects.contains_key(name) {
            return Err(not_found(name));
        }
        if name.is_quarantined() {
            return Ok(());
        }
        let free =
            (0..).map(|attempt| name.quarantined(attempt)).find(|n| !objects.contains_key(n));
        if let (Some(free), Some(bytes)) = (free, objects.remove(name)) {
            objects.insert(free, bytes);
        }
        Ok(())
    }

    fn place(&self) -> StorageLocation {
        self.place.clone()
    }
}

fn not_found(name: &ObjectName) -> BackendError {
    BackendError::NotFound { name: name.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn conforms() {
        crate::conformance::run(&|| Arc::new(MemoryBackend::new()));
    }

    #[test]
    fn a_fork_is_independent() {
        let (memory, name) = (MemoryBackend::new(), ObjectName::new("a").unwrap());
        memory.put(&name, &[b"1"]).unwrap();
        let fork = memory.fork();
        memory.delete(&name).unwrap();
        assert_eq!(fork.get(&name, u64::MAX).unwrap(), "1");
        fork.put(&ObjectName::new("b").unwrap(), &[]).unwrap();
        assert!(memory.list("").unwrap().is_empty());
    }
}
