//! Why something could not be sealed or opened.

use holdfast_format::FormatError;

/// A failure of this crate; the variants are what callers tell apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The operating system gave no random bytes.
    #[error("the system's random generator failed")]
    Random,
    /// Authentication failed: damaged, forged, or sealed under another key or in another place.
    #[error("the {what} is damaged or was tampered with")]
    Tampered {
        /// What was being opened.
        what: &'static str,
    },
    /// The plaintext does not hash to the blob's id.
    #[error("a blob's content does not match its id")]
    WrongId,
    /// A length is not the one stated, or above its limit.
    #[error("the length of the {what} is not possible")]
    Length {
        /// What has that length.
        what: &'static str,
    },
    /// A frame's body is not one zstd frame of the stated plaintext.
    #[error("a frame cannot be decompressed")]
    Decompress,
    /// Authentic bytes that are laid out wrongly, or a version or feature from the future.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// What was just sealed does not open to what went in: this machine's memory or processor makes
    /// errors.
    #[error("the {what} was wrong right after it was sealed; check this machine's memory")]
    Verify {
        /// What was being sealed.
        what: &'static str,
    },
    /// Belongs to another repository.
    #[error("the {what} belongs to another repository")]
    OtherRepository {
        /// What was being opened.
        what: &'static str,
    },
    /// Starts like a generated key, but its checksum does not match.
    #[error("this is a generated key with a typing error in it")]
    MistypedKey,
    /// No passphrase was given.
    #[error("the passphrase is empty")]
    EmptySecret,
    /// Argon2id could not run: not enough memory.
    #[error("the passphrase could not be stretched: {memory_kib} KiB of memory are needed")]
    Kdf {
        /// Memory asked for, in KiB.
        memory_kib: u32,
    },
}
