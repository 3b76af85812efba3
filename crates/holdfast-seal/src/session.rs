//! One run that writes, and the keys of its frames (`docs/format.md`, section 5).

use std::fmt;

use holdfast_format::{BlobType, SessionId};

use crate::SealError;
use crate::keys::{Keys, SecretKey};
use crate::random::{Random, SystemRandom, array};

/// A run that writes: a random id and two keys that no other run has. Wiped when dropped.
pub struct Session {
    id: SessionId,
    data: SecretKey,
    tree: SecretKey,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Session {
    /// Starts a session.
    ///
    /// # Errors
    /// [`SealError::Random`].
    pub fn start(keys: &Keys) -> Result<Self, SealError> {
        Self::start_from(keys, &mut SystemRandom)
    }

    pub(crate) fn start_from(keys: &Keys, random: &mut dyn Random) -> Result<Self, SealError> {
        let id = SessionId::from_bytes(array(random)?);
        let data = keys.session_key(BlobType::Data, &id);
        let tree = keys.session_key(BlobType::Tree, &id);
        Ok(Self { id, data, tree })
    }

    /// Its name, which is in the header of every pack that holds its frames.
    pub fn id(&self) -> SessionId {
        self.id
    }

    pub(crate) fn key(&self, blob_type: BlobType) -> &SecretKey {
        match blob_type {
            BlobType::Data => &self.data,
            BlobType::Tree => &self.tree,
        }
    }
}
