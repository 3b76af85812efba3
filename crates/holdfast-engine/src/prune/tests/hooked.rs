//! A storage on which other processes act between the operations of one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use holdfast_backend::{Backend, BackendError, ListedObject, MemoryBackend, ObjectName};

type OnceHook = Box<dyn FnOnce() + Send>;
type Again = Box<dyn FnMut() + Send>;

/// Does things before some of its operations.
pub struct HookedBackend {
    inner: Arc<MemoryBackend>,
    operations: AtomicU64,
    /// With the number of the operation that follows.
    once: Mutex<Option<(u64, OnceHook)>>,
    /// With the number of operations between.
    again: Mutex<Option<(u64, Again)>>,
    /// If this is a folder, only puts into that folder count.
    folder: Option<String>,
}

impl std::fmt::Debug for HookedBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HookedBackend")
    }
}

impl HookedBackend {
    /// An action before one operation.
    pub fn new(
        inner: Arc<MemoryBackend>,
        operation: u64,
        act: impl FnOnce() + Send + 'static,
    ) -> Arc<Self> {
        let once = Mutex::new(Some((operation, Box::new(act) as OnceHook)));
        let (again, folder) = (Mutex::new(None), None);
        Arc::new(Self { inner, operations: AtomicU64::new(0), once, again, folder })
    }

    /// An action before every n-th operation.
    pub fn again(
        inner: Arc<MemoryBackend>,
        every: u64,
        act: impl FnMut() + Send + 'static,
    ) -> Arc<Self> {
        let (once, again) = (Mutex::new(None), Mutex::new(Some((every, Box::new(act) as Again))));
        Arc::new(Self { inner, operations: AtomicU64::new(0), once, again, folder: None })
    }

    /// An action before every second object that is put into a folder, including the first.
    pub fn putting(
        inner: Arc<MemoryBackend>,
        folder: String,
        act: impl FnMut() + Send + 'static,
    ) -> Arc<Self> {
        let (once, again) = (Mutex::new(None), Mutex::new(Some((2, Box::new(act) as Again))));
        Arc::new(Self { inner, operations: AtomicU64::new(1), once, again, folder: Some(folder) })
    }

    fn count(&self) -> &MemoryBackend {
        if self.folder.is_none() {
            self.act();
        }
        &self.inner
    }

    fn act(&self) {
        let operation = self.operations.fetch_add(1, Ordering::SeqCst) + 1;
        let once = self.once.lock().unwrap().take_if(|(at, _)| *at == operation);
        if let Some((_, act)) = once {
            by_another_process(act);
        }
        if let Some((every, act)) = &mut *self.again.lock().unwrap()
            && operation.is_multiple_of(*every)
        {
            by_another_process(act);
        }
    }

    /// True if there were too few operations for the action.
    pub fn is_unused(&self) -> bool {
        self.once.lock().unwrap().is_some()
    }
}

/// In a separate thread: a pool thread that waits may start other work of its pool in the meantime,
/// and re-enter this code.
fn by_another_process(act: impl FnOnce() + Send) {
    std::thread::scope(|scope| scope.spawn(act).join()).unwrap();
}

impl Backend for HookedBackend {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        if self.folder.as_ref().is_some_and(|folder| name.as_str().starts_with(folder)) {
            self.act();
        }
        self.count().put(name, parts)
    }

    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        self.count().get(name, bytes_max)
    }

    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        self.count().get_range(name, offset, length)
    }

    fn size(&self, name: &ObjectName) -> Result<u64, BackendError> {
        self.count().size(name)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
        self.count().list(prefix)
    }

    fn delete(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.count().delete(name)
    }

    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.count().quarantine(name)
    }
}
