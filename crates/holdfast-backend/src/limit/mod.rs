//! A decorator that limits the rate in bytes per second, for a shared line or disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{Backend, BackendError, ListedObject, ObjectName, StorageLocation};

/// The longest sleep before checking whether the wait should end early.
const STEP: Duration = Duration::from_millis(50);

/// Bytes per second, in each direction; `None` for unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// For objects that are written.
    pub written: Option<u64>,
    /// For objects that are read.
    pub read: Option<u64>,
}

/// A backend that writes and reads objects no faster than its rates, averaged over a few objects:
/// an object is moved at once, and the next one waits for as long as it should have taken. All
/// waiting ends once the user wants the command to end.
#[derive(Debug)]
pub struct RateLimit {
    inner: Arc<dyn Backend>,
    written: Option<Mutex<Pace>>,
    read: Option<Mutex<Pace>>,
    stop: Arc<AtomicBool>,
}

impl RateLimit {
    /// Wraps `inner`; waiting ends once `stop` is true.
    #[must_use]
    pub fn new(inner: Arc<dyn Backend>, rates: Rates, stop: Arc<AtomicBool>) -> RateLimit {
        let pace = |rate: Option<u64>| rate.map(|rate| Mutex::new(Pace::new(rate)));
        RateLimit { inner, written: pace(rates.written), read: pace(rates.read), stop }
    }

    fn wait(&self, pace: Option<&Mutex<Pace>>, bytes: u64) {
        let Some(pace) = pace else { return };
        let begin =
            pace.lock().unwrap_or_else(PoisonError::into_inner).begin(Instant::now(), bytes);
        while !self.stop.load(Ordering::Relaxed) {
            match begin.saturating_duration_since(Instant::now()) {
                Duration::ZERO => return,
                left => thread::sleep(left.min(STEP)),
            }
        }
    }
}

/// When bytes may be moved.
#[derive(Debug)]
struct Pace {
    bytes_per_second: u64,
    /// When everything moved so far should be done.
    free_from: Option<Instant>,
}

impl Pace {
    fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), free_from: None }
    }

    /// When this many bytes may be moved; later ones wait for them.
    fn begin(&mut self, now: Instant, bytes: u64) -> Instant {
        let begin = self.free_from.map_or(now, |free_from| free_from.max(now));
        let seconds = bytes as f64 / self.bytes_per_second as f64;
        let cost = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        self.free_from = begin.checked_add(cost).or(Some(begin));
        begin
    }
}

impl Backend for RateLimit {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        self.wait(self.written.as_ref(), parts.iter().map(|part| part.len() as u64).sum());
        self.inner.put(name, parts)
    }

    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        let bytes = self.inner.get(name, bytes_max)?;
        // Their number is only known now; the caller waits this long.
        self.wait(self.read.as_ref(), bytes.len() as u64);
        Ok(bytes)
    }

    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        // More may be requested than there is.
        let bytes = self.inner.get_range(name, offset, length)?;
        self.wait(self.read.as_ref(), bytes.len() as u64);
        Ok(bytes)
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

    fn place(&self) -> StorageLocation {
        self.inner.place()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryBackend;

    #[test]
    fn conforms() {
        crate::conformance::run(&|| {
            let rates = Rates { written: Some(1 << 30), read: Some(1 << 30) };
            Arc::new(RateLimit::new(Arc::new(MemoryBackend::new()), rates, Arc::default()))
        });
    }

    #[test]
    fn what_was_moved_is_waited_for_by_what_comes_next() {
        let (mut pace, start) = (Pace::new(1000), Instant::now());
        let seconds = |begin: Instant| begin.duration_since(start).as_secs_f64();
        assert_eq!(seconds(pace.begin(start, 5000)), 0.0);
        assert_eq!(seconds(pace.begin(start, 1000)), 5.0);
        assert_eq!(seconds(pace.begin(start, 0)), 6.0);
        let later = start + Duration::from_secs(60);
        assert_eq!(seconds(pace.begin(later, u64::MAX)), 60.0, "an idle minute saves nothing up");
        pace.begin(later, u64::MAX);
    }

    #[test]
    fn every_read_and_every_write_counts() {
        let rates = Rates { written: Some(1), read: Some(1) };
        let limit =
            RateLimit::new(Arc::new(MemoryBackend::new()), rates, Arc::new(AtomicBool::new(true)));
        let is_waited_for_until = || {
            let until =
                |pace: &Option<Mutex<Pace>>| pace.as_ref().unwrap().lock().unwrap().free_from;
            (until(&limit.written), until(&limit.read))
        };
        let (name, seconds) = (ObjectName::new("a").unwrap(), Duration::from_secs);
        limit.put(&name, &[&[0; 700], &[0; 300]]).unwrap();
        let (written, nothing) = is_waited_for_until();
        assert!(written.is_some() && nothing.is_none());
        limit.get(&name, 1000).unwrap();
        let (_, read) = is_waited_for_until();
        assert_eq!(limit.get_range(&name, 500, 400).unwrap().len(), 400);
        assert_eq!(is_waited_for_until(), (written, read.map(|read| read + seconds(400))));
        limit.put(&ObjectName::new("b").unwrap(), &[&[0; 50]]).unwrap();
        assert_eq!(is_waited_for_until().0, written.map(|written| written + seconds(50)));
    }

    #[test]
    fn nothing_waits_for_a_command_that_should_end() {
        let rates = Rates { written: Some(1), read: None };
        let stop = Arc::new(AtomicBool::new(true));
        let limit = RateLimit::new(Arc::new(MemoryBackend::new()), rates, stop);
        for name in ["a", "b", "c"] {
            limit.put(&ObjectName::new(name).unwrap(), &[&[0; 1 << 20]]).unwrap();
        }
    }
}
