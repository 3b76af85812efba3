//! A decorator that fails on purpose, so that tests can show what the store survives.
//!
//! Count the operations of a scenario once with [`FaultPlan::none`], then run it again for each of
//! them with a fault there, and inspect the result with a fresh view of the inner backend.

mod plan;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustix::io::Errno;

pub use self::plan::{FaultEffect, FaultFailure, FaultPlan, Operation, OperationKind};
use crate::{Backend, BackendError, ListedObject, ObjectName, StorageLocation};

/// A backend on which operations fail according to a [`FaultPlan`].
#[derive(Debug)]
pub struct FaultBackend {
    inner: Arc<dyn Backend>,
    state: Mutex<FaultState>,
}

#[derive(Debug)]
struct FaultState {
    plan: FaultPlan,
    log: Vec<Operation>,
    crashed: bool,
    /// Objects that are visible but not durable.
    unsynced: Vec<ObjectName>,
}

impl FaultBackend {
    /// Wraps `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Backend>, plan: FaultPlan) -> FaultBackend {
        let state = FaultState { plan, log: Vec::new(), crashed: false, unsynced: Vec::new() };
        FaultBackend { inner, state: Mutex::new(state) }
    }

    /// Removes what was never durable.
    ///
    /// # Errors
    /// As [`Backend::delete`] of the inner backend.
    pub fn power_cut(&self) -> Result<(), BackendError> {
        let unsynced = std::mem::take(&mut self.state().unsynced);
        unsynced.iter().try_for_each(|name| self.inner.delete(name))
    }

    /// Number of operations started before the crash, if any.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().log.len() as u64
    }

    /// The operations in the order in which they were started.
    #[must_use]
    pub fn log(&self) -> Vec<Operation> {
        self.state().log.clone()
    }

    /// Whether a planned crash has happened.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// Counts an operation and returns what is to happen to it.
    fn begin(&self, kind: OperationKind, name: &str) -> Result<Option<FaultEffect>, BackendError> {
        let mut state = self.state();
        if state.crashed {
            return Err(BackendError::Crashed);
        }
        state.log.push(Operation { kind, name: name.to_owned() });
        let mut effect = state.plan.next(kind, name);
        if kind.changes() && !state.unsynced.is_empty() {
            effect = Some(FaultEffect::Fail(FaultFailure::Io));
        }
        drop(state);
        if let Some(FaultEffect::Delay(duration)) = effect {
            std::thread::sleep(duration);
        }
        Ok(effect)
    }

    /// Runs `operation` on the inner backend, with the effects common to every kind.
    fn run<T>(
        &self,
        kind: OperationKind,
        name: &str,
        operation: impl FnOnce(Option<FaultEffect>) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let effect = self.begin(kind, name)?;
        let outcome = match effect {
            Some(FaultEffect::Fail(failure)) => return Err(failed(failure, name)),
            Some(FaultEffect::Unsynced) if kind != OperationKind::Put => {
                return Err(failed(FaultFailure::Io, name));
            }
            Some(FaultEffect::Crash { applied: false }) => return Err(self.crash()),
            Some(FaultEffect::Tear { .. }) if kind != OperationKind::Put => {
                return Err(self.crash());
            }
            Some(FaultEffect::Crash { applied: true } | FaultEffect::Tear { .. }) => {
                // No one ever sees the inner backend's response.
                let _ = operation(effect);
                return Err(self.crash());
            }
            Some(FaultEffect::LostAck | FaultEffect::Unsynced) => {
                operation(effect).and_then(|_| Err(failed(FaultFailure::Io, name)))
            }
            _ => operation(effect),
        };
        if outcome.is_ok() && matches!(kind, OperationKind::Delete | OperationKind::Quarantine) {
            self.state().plan.forget(name);
        }
        // Another thread may have crashed in the meantime. A dead process sees no response.
        if self.has_crashed() { Err(BackendError::Crashed) } else { outcome }
    }

    fn crash(&self) -> BackendError {
        self.state().crashed = true;
        BackendError::Crashed
    }

    fn state(&self) -> MutexGuard<'_, FaultState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// A method that is added to the trait must be forwarded here, even if it gets a default.
#[deny(clippy::missing_trait_methods)]
impl Backend for FaultBackend {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        self.run(OperationKind::Put, name.as_str(), |effect| match effect {
            Some(FaultEffect::Tear { keep }) => {
                let bytes = parts.concat();
                self.inner.put(name, &[bytes.get(..keep).unwrap_or(&bytes)])
            }
            Some(FaultEffect::Unsynced) => {
                self.inner.put(name, parts)?;
                self.state().unsynced.push(name.clone());
                Ok(())
            }
            _ => self.inner.put(name, parts),
        })
    }

    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        self.run(OperationKind::Get, name.as_str(), |effect| {
            let bytes = self.inner.get(name, bytes_max)?;
            Ok(match effect {
                Some(FaultEffect::ShortRead) => bytes.slice(..bytes.len() / 2),
                Some(FaultEffect::FlipBit { at }) => Bytes::from(flipped(bytes.to_vec(), at)),
                _ => bytes,
            })
        })
    }

    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        self.run(OperationKind::GetRange, name.as_str(), |effect| {
            let bytes = self.inner.get_range(name, offset, length)?;
            match effect {
                Some(FaultEffect::ShortRead) => Err(BackendError::ShortRead {
                    name: name.to_string(),
                    offset,
                    wanted: length,
                    got: length / 2,
                }),
                Some(FaultEffect::FlipBit { at }) => Ok(flipped(bytes, at)),
                _ => Ok(bytes),
            }
        })
    }

    fn size(&self, name: &ObjectName) -> Result<u64, BackendError> {
        self.run(OperationKind::Size, name.as_str(), |_| self.inner.size(name))
    }

    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
        self.run(OperationKind::List, prefix, |_| self.inner.list(prefix))
    }

    fn delete(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.run(OperationKind::Delete, name.as_str(), |_| self.inner.delete(name))
    }

    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.run(OperationKind::Quarantine, name.as_str(), |_| self.inner.quarantine(name))
    }

    fn place(&self) -> StorageLocation {
        self.inner.place()
    }
}

fn failed(failure: FaultFailure, name: &str) -> BackendError {
    let errno = match failure {
        FaultFailure::Io => Errno::IO,
        FaultFailure::NoSpace => Errno::NOSPC,
        FaultFailure::Permission => Errno::ACCESS,
    };
    BackendError::from_io("reach", name, errno)
}

fn flipped(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    let index = (at / 8).checked_rem(bytes.len());
    if let Some(byte) = index.and_then(|index| bytes.get_mut(index)) {
        *byte ^= 1 << (at % 8);
    }
    bytes
}
