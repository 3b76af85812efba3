//! Opened frames that are kept, so that neighbouring blobs are not decrypted over and over.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_format::ObjectId;
use lru::LruCache;

use crate::index::FrameLocation;

/// Bytes of plaintext that the readers of a repository keep in all.
const BYTES_MAX: usize = 24 << 20;

/// A frame is identified by its position: numbers become void when the index is rebuilt.
pub(super) type FrameKey = (ObjectId, u64);

pub(super) fn key(frame: &FrameLocation) -> FrameKey {
    (frame.pack, frame.offset)
}

/// The most recently used frames, for all readers of a repository: bounded by bytes, regardless of
/// the number of readers.
pub(crate) struct FrameCache(Mutex<CachedFrames>);

struct CachedFrames {
    opened: LruCache<FrameKey, Arc<Vec<u8>>>,
    bytes: usize,
    bytes_max: usize,
}

impl fmt::Debug for FrameCache {
    /// It holds plaintext.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameCache").finish_non_exhaustive()
    }
}

impl Default for FrameCache {
    fn default() -> Self {
        Self::new(BYTES_MAX)
    }
}

impl FrameCache {
    fn new(bytes_max: usize) -> Self {
        Self(Mutex::new(CachedFrames { opened: LruCache::unbounded(), bytes: 0, bytes_max }))
    }

    pub(super) fn get(&self, frame: &FrameLocation) -> Option<Arc<Vec<u8>>> {
        self.lock().opened.get(&key(frame)).cloned()
    }

    pub(super) fn has(&self, frame: &FrameLocation) -> bool {
        self.lock().opened.contains(&key(frame))
    }

    /// Keeps a frame, replacing the least recently used ones.
    pub(super) fn put(&self, frame: &FrameLocation, plain: &Arc<Vec<u8>>) {
        let frames = &mut *self.lock();
        frames.bytes += plain.len();
        if let Some(before) = frames.opened.put(key(frame), Arc::clone(plain)) {
            frames.bytes -= before.len();
        }
        while frames.bytes > frames.bytes_max
            && let Some((_, oldest)) = frames.opened.pop_lru()
        {
            frames.bytes -= oldest.len();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, CachedFrames> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use holdfast_format::frame::{Algorithm, FrameContext};
    use holdfast_format::{BlobType, FrameId, SessionId};

    use super::*;

    fn frame(offset: u64) -> FrameLocation {
        let context = FrameContext {
            blob_type: BlobType::Data,
            algorithm: Algorithm::Stored,
            frame: FrameId::from_bytes([0; 32]),
            session: SessionId::from_bytes([0; 32]),
            raw_bytes: 0,
        };
        FrameLocation {
            number: 0,
            pack: ObjectId::from_bytes([7; 32]),
            offset,
            sealed_bytes: 0,
            context,
        }
    }

    #[test]
    fn bytes_are_bounded_and_what_was_used_last_stays() {
        let cache = FrameCache::new(100);
        for offset in 0..3 {
            cache.put(&frame(offset), &Arc::new(vec![0; 40]));
            // The first one is used again and again.
            assert!(cache.get(&frame(0)).is_some());
        }
        let kept: Vec<bool> = (0..3).map(|offset| cache.get(&frame(offset)).is_some()).collect();
        assert_eq!(kept, [true, false, true]);
        // The same frame again takes no more room.
        cache.put(&frame(2), &Arc::new(vec![0; 60]));
        assert_eq!(cache.lock().bytes, 100);
        // A frame that is too large by itself is not kept, and neither is any other then.
        cache.put(&frame(3), &Arc::new(vec![0; 101]));
        let frames = cache.lock();
        assert_eq!((frames.bytes, frames.opened.len()), (0, 0));
    }
}
