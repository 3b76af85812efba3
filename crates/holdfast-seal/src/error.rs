//! Why something could not be sealed or opened.

use holdfast_format::FormatError;

/// A failure of this crate; the variants are the cases that callers distinguish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The operating system gave no random bytes.
    #[error("the system's random generator failed")]
    Random,
    /// Authentication failed: damaged, forged, or sealed under another key or at another position.
    #[error("the {what} is damaged or was tampered with")]
    Tampered {
        /// What was being opened.
        what: &'static str,
    },
    /// The plaintext does not hash to the blob's id.
    #[error("a blob's content does not match its id")]
    WrongId,
    /// A length is not the stated one, or above its limit.
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
    /// Freshly sealed data does not open to its plaintext: this machine's memory or processor is
    /// faulty.
    #[error("the {what} did not verify right after it was sealed; check this machine's memory")]
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
    #[error("this generated key contains a typing error")]
    MistypedKey,
    /// No passphrase was given.
    #[error("the passphrase is empty")]
    EmptySecret,
    /// Argon2id could not run: not enough memory.
    #[error("checking the passphrase needs {memory_kib} KiB of memory, which is not available")]
    Kdf {
        /// Memory needed, in KiB.
        memory_kib: u32,
    },
}
