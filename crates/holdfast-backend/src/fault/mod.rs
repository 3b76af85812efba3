//! A decorator that fails on purpose, so that tests can show what the store survives.
//!
//! Count the operations of a scenario once with [`Plan::none`], then run it again for each of them
//! with a fault there, and inspect the result with a fresh view of the inner backend.

mod plan;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustix::io::Errno;

pub use self::plan::{Effect, Failure, Kind, Operation, Plan};
use crate::{Backend, Error, Listed, ObjectName, Place};

/// A backend on which operations fail according to a [`Plan`].
#[derive(Debug)]
pub struct Fault {
    inner: Arc<dyn Backend>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    log: Vec<Operation>,
    crashed: bool,
    /// Objects that are visible but not durable.
    unsynced: Vec<ObjectName>,
}

impl Fault {
    /// Wraps `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Backend>, plan: Plan) -> Fault {
        let state = State { plan, log: Vec::new(), crashed: false, unsynced: Vec::new() };
        Fault { inner, state: Mutex::new(state) }
    }

    /// Removes what was never durable.
    ///
    /// # Errors
    /// As [`Backend::delete`] of the inner backend.
    pub fn power_cut(&self) -> Result<(), Error> {
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
    fn begin(&self, kind: Kind, name: &str) -> Result<Option<Effect>, Error> {
        let mut state = self.state();
        if state.crashed {
            return Err(Error::Crashed);
        }
        state.log.push(Operation { kind, name: name.to_owned() });
        let mut effect = state.plan.next(kind, name);
        if kind.changes() && !state.unsynced.is_empty() {
            effect = Some(Effect::Fail(Failure::Io));
        }
        drop(state);
        if let Some(Effect::Delay(duration)) = effect {
            std::thread::sleep(duration);
        }
        Ok(effect)
    }

    /// Runs `operation` on the inner backend, with the effects common to every kind.
    fn run<T>(
        &self,
        kind: Kind,
        name: &str,
        operation: impl FnOnce(Option<Effect>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let effect = self.begin(kind, name)?;
        let outcome = match effect {
            Some(Effect::Fail(failure)) => return Err(failed(failure, name)),
            Some(Effect::Unsynced) if kind != Kind::Put => return Err(failed(Failure::Io, name)),
            Some(Effect::Crash { applied: false }) => return Err(self.crash()),
            Some(Effect::Tear { .. }) if kind != Kind::Put => return Err(self.crash()),
            Some(Effect::Crash { applied: true } | Effect::Tear { .. }) => {
                // No one ever sees the inner backend's response.
                let _ = operation(effect);
                return Err(self.crash());
            }
            Some(Effect::LostAck | Effect::Unsynced) => {
                operation(effect).and_then(|_| Err(failed(Failure::Io, name)))
            }
            _ => operation(effect),
        };
        if outcome.is_ok() && matches!(kind, Kind::Delete | Kind::Quarantine) {
            self.state().plan.forget(name);
        }
        // Another thread may have crashed in the meantime. A dead process sees no response.
        if self.has_crashed() { Err(Error::Crashed) } else { outcome }
    }

    fn crash(&self) -> Error {
        self.state().crashed = true;
        Error::Crashed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// A method that is added to the trait must be forwarded here, even if it gets a default.
#[deny(clippy::missing_trait_methods)]
impl Backend for Fault {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), Error> {
        self.run(Kind::Put, name.as_str(), |effect| match effect {
            Some(Effect::Tear { keep }) => {
                let bytes = parts.concat();
                self.inner.put(name, &[bytes.get(..keep).unwrap_or(&bytes)])
            }
            Some(Effect::Unsynced) => {
                self.inner.put(name, parts)?;
                self.state().unsynced.push(name.clone());
                Ok(())
            }
            _ => self.inner.put(name, parts),
        })
    }

    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, Error> {
        self.run(Kind::Get, name.as_str(), |effect| {
            let bytes = self.inner.get(name, bytes_max)?;
            Ok(match effect {
                Some(Effect::ShortRead) => bytes.slice(..bytes.len() / 2),
                Some(Effect::FlipBit { at }) => Bytes::from(flipped(bytes.to_vec(), at)),
                _ => bytes,
            })
        })
    }

    fn get_range(&self, name: &ObjectName, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
        self.run(Kind::GetRange, name.as_str(), |effect| {
            let bytes = self.inner.get_range(name, offset, length)?;
            match effect {
                Some(Effect::ShortRead) => Err(Error::ShortRead {
                    name: name.to_string(),
                    offset,
                    wanted: length,
                    got: length / 2,
                }),
                Some(Effect::FlipBit { at }) => Ok(flipped(bytes, at)),
                _ => Ok(bytes),
            }
        })
    }

    fn size(&self, name: &ObjectName) -> Result<u64, Error> {
        self.run(Kind::Size, name.as_str(), |_| self.inner.size(name))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>, Error> {
        self.run(Kind::List, prefix, |_| self.inner.list(prefix))
    }

    fn delete(&self, name: &ObjectName) -> Result<(), Error> {
        self.run(Kind::Delete, name.as_str(), |_| self.inner.delete(name))
    }

    fn quarantine(&self, name: &ObjectName) -> Result<(), Error> {
        self.run(Kind::Quarantine, name.as_str(), |_| self.inner.quarantine(name))
    }

    fn place(&self) -> Place {
        self.inner.place()
    }
}

fn failed(failure: Failure, name: &str) -> Error {
    let errno = match failure {
        Failure::Io => Errno::IO,
        Failure::NoSpace => Errno::NOSPC,
        Failure::Permission => Errno::ACCESS,
    };
    Error::from_io("reach", name, errno)
}

fn flipped(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    let index = (at / 8).checked_rem(bytes.len());
    if let Some(byte) = index.and_then(|index| bytes.get_mut(index)) {
        *byte ^= 1 << (at % 8);
    }
    bytes
}
