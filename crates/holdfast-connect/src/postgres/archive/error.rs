//! What can be wrong with an archive.

use std::fmt;
use std::io;

use super::looks::Looks;

/// Why an archive was rejected. Nothing read from an archive that ends with an error may count as a
/// backup.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The stream is something else.
    #[error("this is not an archive made by pg_dump -Fc: {0}")]
    NotAnArchive(Looks),
    /// Every line feed of the stream became two bytes, as a pseudo-terminal does.
    #[error(
        "the archive went through a terminal, which changed bytes in it: run the command without \
         a terminal (docker compose exec -T; docker exec, kubectl exec and ssh without -t)"
    )]
    Terminal,
    /// A later pg_dump than this program supports.
    #[error(
        "the archive has format version {major}.{minor}, but this program only supports versions \
         up to 1.16 (PostgreSQL 18): a newer holdfast is needed"
    )]
    TooNew {
        /// First number of the version.
        major: u8,
        /// Second number of the version.
        minor: u8,
    },
    /// An earlier pg_dump than this program supports.
    #[error(
        "the archive has format version {major}.{minor}, which is older than PostgreSQL 9.0: \
         create it again with a newer pg_dump"
    )]
    TooOld {
        /// First number of the version.
        major: u8,
        /// Second number of the version.
        minor: u8,
    },
    /// The data is compressed with a method that this program does not support.
    #[error(
        "the data is compressed with an unknown method (number {0}): create the dump with pg_dump \
         -Fc -Z0"
    )]
    UnknownCompression(u8),
    /// The stream stopped inside something.
    #[error(
        "the archive ends inside {within}, after {bytes} bytes: the dump is incomplete; find out \
         why pg_dump or its connection stopped, and create it again"
    )]
    CutShort {
        /// What was being read, as in `table public.users`.
        within: String,
        /// How many bytes there were.
        bytes: u64,
    },
    /// The stream stopped between two members.
    #[error(
        "the archive ends before the data of {first}{}: the dump is incomplete; find out why \
         pg_dump or its connection stopped, and create it again", AndMore(*more)
    )]
    Missing {
        /// The first member in the table of contents that the stream lacks.
        first: String,
        /// How many more there are.
        more: usize,
    },
    /// Bytes that no pg_dump writes.
    #[error("the archive is damaged in {within}, before byte {at}: {what}")]
    Damaged {
        /// What was being read.
        within: String,
        /// How many bytes of the stream had been read; the damage is before this point.
        at: u64,
        /// What is wrong.
        what: String,
    },
    /// A length beyond any reasonable limit; nothing was allocated for it.
    #[error("the archive has {what} in {within} larger than the limit of {max}")]
    TooLarge {
        /// What was being read.
        within: String,
        /// What is too large.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// The stream itself failed.
    #[error("cannot read the archive: {0}")]
    Io(#[from] io::Error),
    /// The reader was called again after an error.
    #[error("nothing more can be read from the archive after an earlier error")]
    Failed,
}

/// ` and of 3 more`, or nothing.
struct AndMore(usize);

impl fmt::Display for AndMore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            more => write!(formatter, " and of {more} more"),
        }
    }
}

/// What was found wrong, before its place is known.
#[derive(Debug)]
pub(super) enum ArchiveFault {
    /// The stream ended.
    End,
    /// Bytes that no pg_dump writes.
    Damaged(String),
    /// A length beyond its limit.
    TooLarge { what: &'static str, max: u64 },
    /// The stream failed.
    Io(io::Error),
    /// A complete error.
    Whole(ArchiveError),
}

/// The result of a decoding step.
pub(super) type Decoded<T> = Result<T, ArchiveFault>;

impl ArchiveFault {
    /// Damage described by a fixed text.
    pub fn damaged(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }

    /// The error for the user: it occurred `within` something, after `bytes` had been read.
    pub fn within(self, within: &str, bytes: u64) -> ArchiveError {
        let within = within.to_owned();
        match self {
            Self::End => ArchiveError::CutShort { within, bytes },
            Self::Damaged(what) => ArchiveError::Damaged { within, at: bytes, what },
            Self::TooLarge { what, max } => ArchiveError::TooLarge { within, what, max },
            Self::Io(error) => ArchiveError::Io(error),
            Self::Whole(error) => error,
        }
    }
}

impl From<io::Error> for ArchiveFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
