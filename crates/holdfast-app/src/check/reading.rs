//! A content that is hashed while it is read.

use std::io;
use std::sync::{Arc, PoisonError};

use holdfast_connect::{ContentPiece, ContentReader, Opener};
use holdfast_format::entry::Metadata;

use super::hashes::{Digests, Hasher, Kinds};
use super::passing::SharedReferences;

/// Access to a content that rows have hashes of.
#[derive(Debug)]
pub(super) struct HashedOpener {
    pub opener: Box<dyn Opener>,
    pub references: SharedReferences,
    /// Its name in rows.
    pub key: Vec<u8>,
    pub kinds: Kinds,
}

impl Opener for HashedOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        let content = self.opener.open()?;
        let (references, key) = (Arc::clone(&self.references), self.key.clone());
        let hasher = Some(Hasher::new(self.kinds));
        Ok(Box::new(HashedContent { content, references, key, hasher }))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.opener.xattrs()
    }

    fn has_lasting_inode(&self) -> bool {
        self.opener.has_lasting_inode()
    }

    fn etag(&self) -> Option<&str> {
        self.opener.etag()
    }
}

struct HashedContent {
    content: Box<dyn ContentReader>,
    references: SharedReferences,
    key: Vec<u8>,
    /// None once the content was read.
    hasher: Option<Hasher>,
}

impl HashedContent {
    fn tell(&self, digests: &Digests) {
        let mut all = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut().for_each(|references| references.has_content(&self.key, digests));
    }
}

impl ContentReader for HashedContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        let piece = self.content.read(buffer)?;
        match (piece, &mut self.hasher) {
            (ContentPiece::Data(count), Some(hasher)) => hasher.update(&buffer[..count]),
            (ContentPiece::Hole(bytes), Some(hasher)) => hasher.update_zeros(bytes),
            (ContentPiece::End, hasher) => {
                if let Some(digests) = hasher.take().map(Hasher::finish) {
                    self.tell(&digests);
                }
            }
            (_, None) => {}
        }
        Ok(piece)
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        self.content.changed()
    }
}
