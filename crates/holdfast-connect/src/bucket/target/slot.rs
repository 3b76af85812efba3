//! An object being restored: its parts are sent as soon as they are complete, in whatever order
//! their bytes arrive.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use holdfast_format::entry::Metadata;

use super::super::BucketError;
use super::super::attributes::ObjectAttributes;
use super::super::http::payload::Payload;
use super::super::object::ObjectRef;
use super::super::store::{Upload, UploadedPart, Uploads};
use super::commit::{Destination, ObjectBody, Ready};
use super::layout::Layout;
use super::spool::SpoolFile;
use super::{BucketTargetShared, refused};
use crate::{FileSlot, TargetError};

/// Bytes of an object kept at a time.
const KEEP_BYTES: u64 = 8 << 20;

/// An object that is not complete yet.
pub struct ObjectSlot {
    shared: Arc<BucketTargetShared>,
    destination: Destination,
    bytes: u64,
    attributes: ObjectAttributes,
    layout: Layout,
    /// Sizes of the parts; a single piece is one part.
    sizes: Vec<u64>,
    state: Mutex<ObjectSlotState>,
    upload: Mutex<Option<Arc<Upload>>>,
}

struct ObjectSlotState {
    parts: Vec<PartProgress>,
    is_finished: bool,
}

/// The progress of one part.
enum PartProgress {
    /// This number of bytes was written, to the spool file if there is one.
    Filling(u64, Option<Arc<SpoolFile>>),
    /// It is complete, or on its way.
    Complete,
    /// Complete, and the whole object.
    Single(Payload),
    /// The server has it.
    Uploaded(UploadedPart),
}

impl ObjectSlot {
    pub fn new(
        shared: &Arc<BucketTargetShared>,
        destination: Destination,
        bytes: u64,
        metadata: &Metadata,
    ) -> Self {
        let attributes = shared.attributes(&metadata.xattrs);
        let layout = Layout::of(&attributes, bytes, shared.store.uploads().map(Uploads::limits));
        let sizes = layout.sizes(bytes);
        let parts = sizes.iter().map(|_| PartProgress::Filling(0, None)).collect();
        Self {
            shared: Arc::clone(shared),
            destination,
            bytes,
            attributes,
            layout,
            sizes,
            state: Mutex::new(ObjectSlotState { parts, is_finished: false }),
            upload: Mutex::new(None),
        }
    }

    fn state(&self) -> MutexGuard<'_, ObjectSlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes into one part, from `offset` within it.
    fn write_part(&self, place: usize, offset: u64, bytes: &[u8]) -> Result<(), BucketError> {
        let size = self.sizes[place];
        if bytes.len() as u64 == size {
            self.state().parts[place] = PartProgress::Complete;
            return self.complete(place, Payload::Bytes(Bytes::copy_from_slice(bytes)));
        }
        let piece = match &mut self.state().parts[place] {
            PartProgress::Filling(_, piece) => {
                Arc::clone(piece.get_or_insert_with(|| Arc::new(self.shared.spool.piece(size))))
            }
            _ => return Err(BucketError::Limit("a range was written twice".to_owned())),
        };
        piece.write_at(offset, bytes).map_err(spool_failed)?;
        let is_full = match &mut self.state().parts[place] {
            PartProgress::Filling(filled, _) => {
                *filled += bytes.len() as u64;
                *filled == size
            }
            _ => false,
        };
        if is_full {
            self.state().parts[place] = PartProgress::Complete;
            self.complete(place, piece.payload().map_err(spool_failed)?)?;
        }
        Ok(())
    }

    /// A part has all of its bytes: it is sent, unless it is the whole object.
    fn complete(&self, place: usize, payload: Payload) -> Result<(), BucketError> {
        let part = match self.layout {
            Layout::Single => PartProgress::Single(payload),
            Layout::Parts(_) => {
                let upload = self.begin()?;
                let number = place as u32 + 1;
                let uploads = self.shared.uploads()?;
                let sent = uploads.upload_part(&upload, &self.attributes, number, payload);
                PartProgress::Uploaded(self.shared.runtime.block_on(sent)?)
            }
        };
        self.state().parts[place] = part;
        Ok(())
    }

    fn begin(&self) -> Result<Arc<Upload>, BucketError> {
        let mut upload = self.upload.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(upload) = &*upload {
            return Ok(Arc::clone(upload));
        }
        let key = self.shared.key(self.destination.key());
        let carry = self.shared.carry(&self.attributes);
        let begun = self.shared.uploads()?.begin_upload(&key, &self.attributes, carry);
        let begun = Arc::new(self.shared.runtime.block_on(begun)?);
        Ok(Arc::clone(upload.insert(begun)))
    }

    /// Fills what was never written with zeros, and gathers everything.
    fn gather(&self) -> Result<ObjectBody, BucketError> {
        for place in 0..self.sizes.len() {
            let unfinished = match &mut self.state().parts[place] {
                PartProgress::Filling(_, piece) => Some(piece.take()),
                _ => None,
            };
            if let Some(piece) = unfinished {
                let payload = match (piece, self.sizes[place]) {
                    (None, 0) => Payload::EMPTY,
                    (piece, size) => {
                        let piece =
                            piece.unwrap_or_else(|| Arc::new(self.shared.spool.piece(size)));
                        piece.payload().map_err(spool_failed)?
                    }
                };
                self.complete(place, payload)?;
            }
        }
        let parts = std::mem::take(&mut self.state().parts);
        let mut uploaded = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                PartProgress::Single(payload) => return Ok(ObjectBody::Single(payload)),
                PartProgress::Uploaded(part) => uploaded.push(part),
                // Another thread failed to send it.
                PartProgress::Filling(..) | PartProgress::Complete => {
                    return Err(BucketError::Limit(
                        "a part of it could not be uploaded".to_owned(),
                    ));
                }
            }
        }
        Ok(ObjectBody::Parts(self.begin()?, uploaded))
    }
}

impl FileSlot for ObjectSlot {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let failed = refused("write the object");
        if offset.checked_add(bytes.len() as u64).is_none_or(|end| end > self.bytes) {
            return Err(failed(BucketError::Limit("it is longer than expected".to_owned())));
        }
        let (mut start, mut rest) = (0, bytes);
        let mut at = offset;
        for (place, size) in self.sizes.iter().enumerate() {
            let end = start + size;
            if at < end && !rest.is_empty() {
                let count = ((end - at).min(rest.len() as u64)) as usize;
                self.write_part(place, at - start, &rest[..count]).map_err(&failed)?;
                rest = &rest[count..];
                at += count as u64;
            }
            start = end;
        }
        Ok(())
    }

    fn keep(&self, offset: u64, bytes: u64) -> Result<(), TargetError> {
        let key = self.shared.key(self.destination.key());
        let which = ObjectRef { key: &key, etag: "", version: None };
        let end = offset.saturating_add(bytes);
        let mut at = offset;
        while at < end {
            let last = (at + KEEP_BYTES).min(end) - 1;
            let read = self.shared.read_range(which, at, last);
            let range =
                self.shared.runtime.block_on(read).map_err(refused("copy existing content"))?;
            if range.len() as u64 != last - at + 1 {
                let source = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(TargetError::Io { action: "copy existing content", source });
            }
            self.write_at(at, &range)?;
            at = last + 1;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, metadata: &Metadata) -> Result<(), TargetError> {
        let failed = refused("write the object");
        let body = self.gather().map_err(&failed)?;
        let attributes = match metadata.xattrs.as_slice() {
            [] => self.attributes.clone(),
            xattrs => self.shared.attributes(xattrs),
        };
        let ready = Ready { body, attributes };
        let outcome = match &self.destination {
            Destination::Object(key) => self.shared.commit_object(key, ready),
            Destination::Version(key, name) => {
                self.shared.keep_version(key, name, ready);
                Ok(())
            }
        };
        // A refused upload is aborted when this is dropped.
        self.state().is_finished = !matches!(outcome, Err(TargetError::Io { .. }));
        outcome
    }
}

impl Drop for ObjectSlot {
    fn drop(&mut self) {
        let upload = self.upload.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(upload) = upload.filter(|_| !self.state().is_finished) {
            // Unfinished uploads are invisible; the bucket's lifecycle removes any that remain.
            let Some(uploads) = self.shared.store.uploads() else { return };
            let _ = self.shared.runtime.block_on(uploads.abort_upload(&upload));
        }
    }
}

fn spool_failed(source: io::Error) -> BucketError {
    BucketError::Local { action: "write to the spool folder", source }
}
