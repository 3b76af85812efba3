//! Random bytes, and the one seam where tests replace them.

use crate::SealError;

/// Source of random bytes. Not public: only tests of this crate may choose it.
pub(crate) trait Random {
    /// Overwrites `bytes` with random ones.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SealError>;
}

/// The operating system's generator.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SealError> {
        getrandom::fill(bytes).map_err(|_| SealError::Random)
    }
}

/// An array of random bytes.
pub(crate) fn array<const N: usize>(random: &mut dyn Random) -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

/// A salt for a pack's header: the same frames packed again give a pack with another name.
///
/// # Errors
/// [`SealError::Random`].
pub fn new_pack_salt() -> Result<[u8; 16], SealError> {
    array(&mut SystemRandom)
}
