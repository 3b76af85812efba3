//! Names of files that are not finished.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

/// What every temporary name begins with.
const PREFIX: &[u8] = b".holdfast-";
/// Hexadecimal digits that identify a run.
const RUN_DIGITS: usize = 16;
/// Hexadecimal digits that number the entries of a run.
const NUMBER_DIGITS: usize = 12;
/// Attempts to find a free name; a second one is practically never needed.
const TRIES_MAX: u32 = 16;

/// True for the name of an unfinished file, or of one that a killed run left: `.holdfast-`, 16
/// hexadecimal digits, `-` and 12 hexadecimal digits.
pub fn is_temporary_name(name: &[u8]) -> bool {
    run_of(name).is_some()
}

/// The start of all temporary names of the run that `name` belongs to; `None` for other names.
pub(super) fn run_of(name: &[u8]) -> Option<&[u8]> {
    let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
    let rest = name.strip_prefix(PREFIX)?;
    let is_one = rest.len() == RUN_DIGITS + 1 + NUMBER_DIGITS
        && digits(&rest[..RUN_DIGITS])
        && rest[RUN_DIGITS] == b'-'
        && digits(&rest[RUN_DIGITS + 1..]);
    is_one.then(|| &name[..PREFIX.len() + RUN_DIGITS + 1])
}

/// The name of a run's journal, from the start of its names.
pub(super) fn journal_of(run: &[u8]) -> Vec<u8> {
    [run, &[b'0'; NUMBER_DIGITS]].concat()
}

/// The temporary names of one run.
pub(super) struct Temporaries {
    /// `.holdfast-`, the run and a hyphen.
    prefix: Vec<u8>,
    next: AtomicU64,
}

impl Temporaries {
    /// Names that no other run uses.
    pub(super) fn new() -> io::Result<Self> {
        let mut run = [0; 8];
        getrandom::fill(&mut run).map_err(io::Error::other)?;
        let prefix = format!(".holdfast-{:016x}-", u64::from_le_bytes(run)).into_bytes();
        // Number 0 is the journal's.
        Ok(Self { prefix, next: AtomicU64::new(1) })
    }

    /// The name of this run's journals.
    pub(super) fn journal(&self) -> Vec<u8> {
        journal_of(&self.prefix)
    }

    /// True for a name of this run.
    pub(super) fn is_own(&self, name: &[u8]) -> bool {
        name.starts_with(&self.prefix)
    }

    /// The temporary name with a number.
    pub(super) fn name(&self, number: u64) -> Vec<u8> {
        let mut name = Vec::with_capacity(self.prefix.len() + NUMBER_DIGITS);
        name.extend_from_slice(&self.prefix);
        for digit in (0..NUMBER_DIGITS).rev() {
            let value = (number >> (4 * digit)) as usize & 0xf;
            name.push(b"0123456789abcdef"[value]);
        }
        name
    }

    /// Creates something under a free name; returns the name's number and the result.
    pub(super) fn create<T>(
        &self,
        mut create: impl FnMut(&[u8]) -> Result<T, Errno>,
    ) -> Result<(u64, T), Errno> {
        let mut tries = 0;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            tries += 1;
            match create(&self.name(number)) {
                Err(Errno::EXIST) if tries < TRIES_MAX => {}
                result => return result.map(|created| (number, created)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised() {
        let temporaries = Temporaries::new().unwrap();
        let name = temporaries.name(0xab);
        assert!(is_temporary_name(&name) && temporaries.is_own(&name));
        assert!(name.ends_with(b"-0000000000ab"));
        assert!(!Temporaries::new().unwrap().is_own(&name));
        for other in [&b".holdfast-"[..], b".holdfast", b"holdfast-0", &name[1..], &name[..38]] {
            assert!(!is_temporary_name(other));
        }
    }
}
