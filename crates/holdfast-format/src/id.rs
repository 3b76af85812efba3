//! Identifiers. Each has its own type, so that they cannot be confused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is not the hexadecimal form of an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not {digits} hexadecimal digits")]
pub struct ParseIdError {
    text: String,
    digits: usize,
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Length in bytes.
            pub const BYTES: usize = $bytes;

            /// Takes the raw bytes.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Lower-case hexadecimal, all digits.
            pub fn to_hex(&self) -> String {
                hex::encode(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), &self.to_hex()[..8])
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let mut bytes = [0; $bytes];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| ParseIdError { text: text.to_owned(), digits: 2 * $bytes })?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_hex())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

identifier! {
    /// Keyed hash of a blob's plaintext; the unit of deduplication.
    BlobId, 32
}
identifier! {
    /// Keyed hash of the list of blobs in a frame.
    FrameId, 32
}
identifier! {
    /// Plain hash of an object's bytes: the name of packs and index objects, the id of records.
    ObjectId, 32
}
identifier! {
    /// Public name of a repository, derived from its master key.
    RepositoryId, 32
}
identifier! {
    /// Random name of one run that writes; selects the keys of its frames.
    SessionId, 32
}
identifier! {
    /// A writer's chain, derived from its host name.
    WriterId, 16
}
identifier! {
    /// Random name of a key slot.
    SlotId, 8
}

impl ObjectId {
    /// The id of an object with these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// What the first record of a chain names as its predecessor.
    pub const NONE: Self = Self([0; 32]);

    /// The eight digits shown to users.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..4])
    }
}

/// What a blob is; ids and keys of the two types are separate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BlobType {
    /// Content of files and streams.
    Data = 0,
    /// Nodes of trees.
    Tree = 1,
}

impl BlobType {
    /// The byte that represents it in storage.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The type that a stored byte represents, if any.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Data),
            1 => Some(Self::Tree),
            _ => None,
        }
    }
}
