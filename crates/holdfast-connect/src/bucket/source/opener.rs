//! Access to one object: content and attributes from a single request.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_format::entry::{FileTime, Metadata};
use http::header::HeaderMap;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::super::BucketError;
use super::super::attributes::{AttributeOrigin, ObjectAttributes};
use super::super::connection::Bucket;
use super::super::http::client::ServiceResponse;
use super::super::object::{AttributeQuery, ListedKey};
use super::content::{LARGE_BYTES_MIN, ObjectContent};
use crate::{ContentPiece, ContentReader, Opener};

/// Attempts to examine an object that keeps changing before it is abandoned.
const LOOKS_MAX: u32 = 4;

/// Mode of all entries.
const MODE: u32 = 0o644;

/// What all openers of a source share.
#[derive(Clone)]
pub struct BucketSourceShared {
    /// Keeps the connections open as long as anything may be read.
    pub bucket: Bucket,
    pub query: AttributeQuery,
    /// Attributes that may be read ahead at once.
    pub looks: Arc<Semaphore>,
    pub attributes_as_of: Option<FileTime>,
    /// Ranges of a large object that are read at once.
    pub range_width: usize,
}

impl BucketSourceShared {
    /// The metadata of an object's entry.
    pub fn metadata(&self, listed: &ListedKey) -> Metadata {
        let modified = listed.modified;
        let changed = listed.changed.map_or(modified, |changed| changed.max(modified));
        let version = listed.version.as_deref().unwrap_or_default();
        Metadata {
            mode: MODE,
            mtime: modified,
            ctime: self.attributes_as_of.map_or(changed, |looked| looked.max(changed)),
            inode: identity(&listed.etag, version),
            links: 1,
            ..Metadata::default()
        }
    }
}

/// The first eight bytes of the hash of ETag, NUL and version: it changes whenever the object is
/// written.
fn identity(etag: &str, version: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(etag.as_bytes()).update(&[0]).update(version.as_bytes());
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}

/// An object that can be read.
pub struct ObjectOpener {
    shared: Arc<BucketSourceShared>,
    listed: ListedKey,
    found: Mutex<KnownAttributes>,
}

/// What is known of the attributes.
enum KnownAttributes {
    Nothing,
    /// They are being read ahead of time.
    Coming(JoinHandle<Result<ObjectAttributes, BucketError>>),
    /// The content is being read; they are in the headers of its response.
    Headers(Arc<ListedKey>, Box<HeaderMap>),
}

impl ObjectOpener {
    /// Access to a listed object.
    pub fn new(shared: &Arc<BucketSourceShared>, listed: ListedKey) -> Self {
        Self { shared: Arc::clone(shared), listed, found: Mutex::new(KnownAttributes::Nothing) }
    }

    /// The same, with the attributes being read right away.
    pub fn looking_ahead(shared: &Arc<BucketSourceShared>, listed: ListedKey) -> Self {
        let (store, object) = (Arc::clone(shared.bucket.store()), listed.clone());
        let (looks, query) = (Arc::clone(&shared.looks), shared.query);
        let coming = shared.bucket.runtime().spawn(async move {
            // The semaphore is never closed.
            let _permit = looks.acquire().await;
            store.attributes(&object, None, query).await
        });
        Self {
            shared: Arc::clone(shared),
            listed,
            found: Mutex::new(KnownAttributes::Coming(coming)),
        }
    }

    fn take(&self) -> KnownAttributes {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *found, KnownAttributes::Nothing)
    }

    fn keep(&self, listed: &Arc<ListedKey>, headers: HeaderMap) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        *found = KnownAttributes::Headers(Arc::clone(listed), Box::new(headers));
    }

    /// Starts reading the object as it was listed, or as it is now if it was replaced since.
    async fn begin(&self) -> Result<(ListedKey, Begun), BucketError> {
        let store = &**self.shared.bucket.store();
        let mut listed = self.listed.clone();
        for look in 1.. {
            let outcome = if listed.bytes < LARGE_BYTES_MIN {
                store.get(listed.which(), None).await.map(Begun::Whole)
            } else {
                store.head(listed.which()).await.map(Begun::Looked)
            };
            match outcome {
                Ok(begun) => return Ok((listed, begun)),
                Err(BucketError::Changed) if look < LOOKS_MAX && listed.version.is_none() => {
                    let again = store.find(&listed.key).await?;
                    listed = again.ok_or(BucketError::Vanished)?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(BucketError::Changed)
    }
}

/// How reading an object began.
enum Begun {
    Whole(ServiceResponse),
    Looked(HeaderMap),
}

impl fmt::Debug for ObjectOpener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ObjectOpener").field(&self.listed.key).finish()
    }
}

impl Opener for ObjectOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        if let KnownAttributes::Coming(coming) = self.take() {
            // The response with the content includes the attributes.
            coming.abort();
        }
        let (listed, begun) = self.shared.bucket.runtime().block_on(self.begin())?;
        let changed = (listed != self.listed).then(|| self.shared.metadata(&listed));
        let listed = Arc::new(listed);
        let bucket = self.shared.bucket.clone();
        let content = match begun {
            Begun::Whole(answer) => {
                self.keep(&listed, answer.headers().clone());
                ObjectContent::one(bucket, listed, changed, answer)
            }
            Begun::Looked(headers) => {
                self.keep(&listed, headers);
                let width = self.shared.range_width;
                ObjectContent::ranges(bucket, listed, changed, width)
            }
        };
        Ok(Box::new(content))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let (store, query) = (&**self.shared.bucket.store(), self.shared.query);
        let runtime = self.shared.bucket.runtime();
        let attributes = match self.take() {
            KnownAttributes::Nothing => {
                runtime.block_on(store.attributes(&self.listed, None, query))
            }
            KnownAttributes::Headers(listed, headers) => {
                runtime.block_on(store.attributes(&listed, Some(&headers), query))
            }
            KnownAttributes::Coming(coming) => match runtime.block_on(coming) {
                Ok(attributes) => attributes,
                Err(_) => Err(BucketError::Limit("an attribute task died".to_owned())),
            },
        };
        Ok(attributes?.into_xattrs(store.origin()))
    }

    fn etag(&self) -> Option<&str> {
        Some(self.listed.etag.as_str()).filter(|etag| !etag.is_empty())
    }
}

/// An entry whose content is in memory, or that has none.
#[derive(Debug)]
pub struct InMemoryEntry {
    content: Vec<u8>,
    attributes: ObjectAttributes,
}

impl InMemoryEntry {
    /// A directory.
    pub fn directory() -> Self {
        Self { content: Vec::new(), attributes: ObjectAttributes::default() }
    }

    /// A file.
    pub fn file(content: Vec<u8>) -> Self {
        Self { content, attributes: ObjectAttributes::default() }
    }

    /// An entry with attributes only.
    pub fn attributes(attributes: ObjectAttributes) -> Self {
        Self { content: Vec::new(), attributes }
    }
}

impl Opener for InMemoryEntry {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        Ok(Box::new(InMemory { content: self.content.clone(), position: 0 }))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        // Only versions of S3 are made this way.
        Ok(self.attributes.clone().into_xattrs(AttributeOrigin::S3))
    }
}

struct InMemory {
    content: Vec<u8>,
    position: usize,
}

impl ContentReader for InMemory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        let rest = &self.content[self.position..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(if count == 0 { ContentPiece::End } else { ContentPiece::Data(count) })
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(None)
    }
}
