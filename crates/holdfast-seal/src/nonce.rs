//! Nonces: random, but hedged (`docs/format.md`, section 5).
//!
//! A nonce is a keyed hash of random bytes and of the data being sealed. With a broken random
//! generator or a cloned machine it repeats only for the same plaintext, which reveals nothing
//! except that it is the same.

use holdfast_format::frame::{Algorithm, FrameContext};

use crate::SealError;
use crate::keys::Keys;
use crate::random::{Random, array};

/// Bytes of a nonce of XChaCha20-Poly1305.
pub(crate) const NONCE_BYTES: usize = 24;

/// A nonce for one seal. It is made only here and consumed by
/// [`seal_in_place`](crate::aead::seal_in_place).
pub(crate) struct Nonce([u8; NONCE_BYTES]);

impl Nonce {
    /// The nonce of a frame with this body.
    pub(crate) fn for_frame(
        keys: &Keys,
        context: &FrameContext,
        body: &[u8],
        random: &mut dyn Random,
    ) -> Result<Self, SealError> {
        // The frame's id already represents a stored body: hashing it again would cost as much as
        // sealing.
        let body_hash = match context.algorithm {
            Algorithm::Stored => [0; 32],
            Algorithm::Zstd => *blake3::hash(body).as_bytes(),
        };
        let hash = keys.nonce.hash(&[
            &array::<32>(random)?,
            context.session.as_bytes(),
            context.frame.as_bytes(),
            &[context.algorithm.byte()],
            &(body.len() as u64).to_le_bytes(),
            &body_hash,
        ]);
        Ok(Self::from_hash(&hash))
    }

    /// The nonce of anything else: `kh(K_nonce, random[32] || blake3(aad) ||
    /// blake3(plaintext))[0..24]`. The message is shorter than a frame's, so the two never collide.
    pub(crate) fn for_object(
        keys: &Keys,
        associated_data: &[u8],
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Self, SealError> {
        let hash = keys.nonce.hash(&[
            &array::<32>(random)?,
            blake3::hash(associated_data).as_bytes(),
            blake3::hash(plaintext).as_bytes(),
        ]);
        Ok(Self::from_hash(&hash))
    }

    fn from_hash(hash: &[u8; 32]) -> Self {
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&hash[..NONCE_BYTES]);
        Self(nonce)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; NONCE_BYTES] {
        &self.0
    }
}
