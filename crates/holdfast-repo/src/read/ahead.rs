//! Reading ahead: blobs in an order known in advance, with their frames opened by several threads
//! before their turn comes.
//!
//! The newest of many snapshots of a database dump has its chunks in frames of all of them, and a
//! reader passes through all these frames side by side. So an opened frame yields every blob that
//! the plan wants from it, however far ahead; if they take too many bytes, those wanted last are
//! dropped, and their frame is opened again when their turn comes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use holdfast_backend::Backend;
use holdfast_format::{BlobId, BlobType};
use holdfast_seal::{FrameOpener, Keys};

use super::frames::{FrameCache, FrameKey, key};
use super::{BlobReader, open_cached};
use crate::index::{BlobLocation, FrameLocation, IndexReader};
use crate::ordered::Ordered;
use crate::{RepoError, Repository};

/// Maximum number of blobs in a plan.
const STEPS_MAX: usize = 32 << 10;
/// Maximum bytes of blobs kept for their turn.
const KEPT_BYTES_MAX: usize = 32 << 20;
/// Bytes of the plan, from the next blob on, whose frames are opened before their turn.
const AHEAD_BYTES: usize = 8 << 20;
/// Bytes of plaintext being opened at the same time.
const OPENING_BYTES_MAX: usize = 8 << 20;

/// Limits, which tests make small.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub steps: usize,
    pub kept_bytes: usize,
    pub ahead_bytes: usize,
}

/// Reads blobs of files in the order in which they were planned.
pub struct ReadAhead<'a> {
    repository: &'a Repository,
    bounds: Bounds,
    /// For blobs that the plan could not get.
    reader: BlobReader<'a>,
    index: IndexReader,
    steps: VecDeque<PlannedBlob>,
    /// Number of the next step.
    first: u64,
    /// Number of the first step whose frame was not requested, and the bytes before it.
    asked: (u64, usize),
    wanted: HashMap<BlobId, WantedBlob>,
    /// The frames that hold them.
    frames: HashMap<FrameKey, WantedFrame>,
    /// Blobs in memory, by the step that needs them next.
    kept: BTreeMap<u64, BlobId>,
    kept_bytes: usize,
    opening: Ordered<OpenedBlobs>,
    #[cfg(test)]
    pub(super) asked_frames: u64,
}

impl fmt::Debug for ReadAhead<'_> {
    /// It holds plaintext.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead").field("steps", &self.steps.len()).finish_non_exhaustive()
    }
}

struct PlannedBlob {
    id: BlobId,
    bytes: usize,
    /// The next step that needs the same blob.
    again: Option<u64>,
}

/// A blob of the plan.
struct WantedBlob {
    /// The first and the last step that need it.
    next: u64,
    last: u64,
    /// Its frame and its offset there.
    place: Option<(FrameKey, u32)>,
    bytes: u32,
    state: BlobState,
}

enum BlobState {
    Unread,
    /// Its frame is being opened.
    Asked,
    Here(Vec<u8>),
    /// Not where it should be, or damaged there: it is read individually, which finds out why.
    Failed,
}

/// A frame with blobs of the plan.
struct WantedFrame {
    location: FrameLocation,
    /// Number of blobs of the plan in it.
    wanted: usize,
    /// Those that were not requested.
    unread: Vec<BlobId>,
}

/// What an opened frame yielded: each requested blob, if it is intact.
type OpenedBlobs = Vec<(BlobId, Option<Vec<u8>>)>;

/// Opens frames for one reader.
struct Opening {
    backend: Arc<dyn Backend>,
    keys: Arc<Keys>,
    cache: Arc<FrameCache>,
    frame: FrameLocation,
    /// The wanted blobs, with their offsets in the plaintext.
    blobs: Vec<(BlobId, u32, u32)>,
}

impl<'a> ReadAhead<'a> {
    /// A reader with an empty plan.
    pub fn new(repository: &'a Repository) -> Self {
        let (steps, kept_bytes, ahead_bytes) = (STEPS_MAX, KEPT_BYTES_MAX, AHEAD_BYTES);
        Self::with_bounds(repository, Bounds { steps, kept_bytes, ahead_bytes })
    }

    pub(super) fn with_bounds(repository: &'a Repository, bounds: Bounds) -> Self {
        let pool = Arc::clone(repository.pool());
        let frames_max = pool.current_num_threads() + 1;
        Self {
            repository,
            bounds,
            reader: BlobReader::new(repository),
            index: repository.index().reader(),
            steps: VecDeque::new(),
            first: 0,
            asked: (0, 0),
            wanted: HashMap::new(),
            frames: HashMap::new(),
            kept: BTreeMap::new(),
            kept_bytes: 0,
            opening: Ordered::new(pool, frames_max, OPENING_BYTES_MAX),
            #[cfg(test)]
            asked_frames: 0,
        }
    }

    /// True if blobs must be read before more are planned.
    pub fn is_full(&self) -> bool {
        self.steps.len() >= self.bounds.steps
    }

    /// Plans to read a blob after all those planned before.
    pub fn plan(&mut self, id: &BlobId) {
        let number = self.first + self.steps.len() as u64;
        let bytes = match self.wanted.get_mut(id) {
            Some(wanted) => {
                let before = std::mem::replace(&mut wanted.last, number);
                if let Some(before) = self.steps.get_mut((before - self.first) as usize) {
                    before.again = Some(number);
                }
                wanted.bytes as usize
            }
            None => self.want(id, number),
        };
        self.steps.push_back(PlannedBlob { id: *id, bytes, again: None });
    }

    /// Adds a blob that is not in the plan yet. If it is missing, its turn reports the error.
    fn want(&mut self, id: &BlobId, number: u64) -> usize {
        let (next, last) = (number, number);
        let places = self.index.known_locations(id).unwrap_or_default();
        let is_data = |place: &BlobLocation| place.frame.context.blob_type == BlobType::Data;
        let wanted = match places.into_iter().find(is_data) {
            None => WantedBlob { next, last, place: None, bytes: 0, state: BlobState::Failed },
            Some(location) => {
                let frame = self.frames.entry(key(&location.frame)).or_insert_with(|| {
                    WantedFrame { location: location.frame, wanted: 0, unread: Vec::new() }
                });
                frame.wanted += 1;
                frame.unread.push(*id);
                let place = Some((key(&location.frame), location.offset));
                WantedBlob { next, last, place, bytes: location.bytes, state: BlobState::Unread }
            }
        };
        let bytes = wanted.bytes as usize;
        self.wanted.insert(*id, wanted);
        bytes
    }

    /// Reads the next blob and removes it from the plan; `None` if the plan is empty.
    ///
    /// # Errors
    /// As [`BlobReader::blob`]. The blob is removed from the plan then too.
    pub fn read_next(&mut self) -> Result<Option<Vec<u8>>, RepoError> {
        self.ask_ahead();
        let Some(id) = self.steps.front().map(|step| step.id) else { return Ok(None) };
        while let Some(wanted) = self.wanted.get_mut(&id) {
            match (&mut wanted.state, wanted.place) {
                (BlobState::Here(bytes), _) => {
                    let bytes = std::mem::take(bytes);
                    return Ok(Some(self.step_done(bytes)));
                }
                (BlobState::Asked, _) => match self.opening.pop() {
                    Some(opened) => self.take_in(opened),
                    None => return Err(RepoError::Stopped("read-ahead")),
                },
                (BlobState::Unread, Some((frame, _))) => self.ask(frame),
                (BlobState::Unread | BlobState::Failed, _) => break,
            }
        }
        match self.reader.blob(&id, BlobType::Data) {
            Ok(bytes) => Ok(Some(self.step_done(bytes))),
            Err(error) => {
                self.step_done(Vec::new());
                Err(error)
            }
        }
    }

    /// Removes the first step from the plan and returns it with its bytes.
    fn step_done(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let Some(step) = self.steps.pop_front() else { return bytes };
        let number = self.first;
        self.first += 1;
        self.asked = match self.asked {
            (asked, before) if asked > number => (asked, before - step.bytes),
            _ => (self.first, 0),
        };
        let was_kept = self.kept.remove(&number).is_some();
        self.kept_bytes -= if was_kept { bytes.len() } else { 0 };
        let Some(wanted) = self.wanted.get_mut(&step.id) else { return bytes };
        match step.again {
            None => self.forget(&step.id),
            Some(again) => {
                wanted.next = again;
                if was_kept {
                    wanted.state = BlobState::Here(bytes.clone());
                    self.keep(again, step.id, bytes.len());
                }
            }
        }
        bytes
    }

    fn forget(&mut self, id: &BlobId) {
        let Some(WantedBlob { place: Some((key, _)), .. }) = self.wanted.remove(id) else { return };
        let Some(frame) = self.frames.get_mut(&key) else { return };
        frame.wanted -= 1;
        if frame.wanted == 0 {
            self.frames.remove(&key);
        }
    }

    /// Requests the frames of the next blobs of the plan.
    fn ask_ahead(&mut self) {
        while let Some(opened) = self.opening.pop_ready() {
            self.take_in(opened);
        }
        loop {
            let (number, before) = self.asked;
            let Some(step) = self.steps.get((number - self.first) as usize) else { return };
            if before > 0 && before + step.bytes > self.bounds.ahead_bytes {
                return;
            }
            let (id, after) = (step.id, before + step.bytes);
            if let Some(WantedBlob { state: BlobState::Unread, place: Some((frame, _)), .. }) =
                self.wanted.get(&id)
            {
                if self.opening.is_full() {
                    return;
                }
                self.ask(*frame);
            }
            self.asked = (number + 1, after);
        }
    }

    /// Starts to open a frame for everything that is wanted from it.
    fn ask(&mut self, key: FrameKey) {
        let Some(frame) = self.frames.get_mut(&key) else { return };
        let (location, unread) = (frame.location, std::mem::take(&mut frame.unread));
        let mut blobs = Vec::with_capacity(unread.len());
        for id in unread {
            if let Some(wanted) = self.wanted.get_mut(&id)
                && let (BlobState::Unread, Some((_, offset))) = (&wanted.state, wanted.place)
            {
                wanted.state = BlobState::Asked;
                blobs.push((id, offset, wanted.bytes));
            }
        }
        // Waking another thread for this would take longer than doing it here.
        let is_alone = self.steps.len() == 1 && self.opening.is_empty();
        let is_here = is_alone || self.repository.frames().has(&location);
        let opening = Opening {
            backend: Arc::clone(self.repository.backend_shared()),
            keys: Arc::clone(self.repository.keys()),
            cache: Arc::clone(self.repository.frames()),
            frame: location,
            blobs,
        };
        match is_here {
            true => self.take_in(opening.open()),
            false => {
                self.opening.push(location.context.raw_bytes as usize, move || opening.open());
            }
        }
        #[cfg(test)]
        {
            self.asked_frames += 1;
        }
    }

    /// Stores what an opened frame yielded.
    fn take_in(&mut self, opened: OpenedBlobs) {
        for (id, bytes) in opened {
            let Some(wanted) = self.wanted.get_mut(&id) else { continue };
            match bytes {
                None => wanted.state = BlobState::Failed,
                Some(bytes) => {
                    let (next, length) = (wanted.next, bytes.len());
                    wanted.state = BlobState::Here(bytes);
                    self.keep(next, id, length);
                }
            }
        }
    }

    /// Keeps a blob for its turn. If there are too many, those wanted last are dropped.
    fn keep(&mut self, next: u64, id: BlobId, bytes: usize) {
        self.kept.insert(next, id);
        self.kept_bytes += bytes;
        while self.kept_bytes > self.bounds.kept_bytes
            && self.kept.len() > 1
            && let Some((_, last)) = self.kept.pop_last()
            && let Some(wanted) = self.wanted.get_mut(&last)
        {
            wanted.state = BlobState::Unread;
            self.kept_bytes -= wanted.bytes as usize;
            let frame = wanted.place.and_then(|(key, _)| self.frames.get_mut(&key));
            frame.into_iter().for_each(|frame| frame.unread.push(last));
        }
    }
}

impl Opening {
    fn open(self) -> OpenedBlobs {
        let mut opener = FrameOpener::new();
        let plain = open_cached(&*self.backend, &self.keys, &self.cache, &mut opener, &self.frame);
        let blob = |(id, offset, bytes): (BlobId, u32, u32)| {
            let start = offset as usize;
            let blob = plain.as_ref().ok()?.get(start..start + bytes as usize)?;
            self.keys.check_blob(BlobType::Data, &id, blob).ok()?;
            Some(blob.to_vec())
        };
        self.blobs.iter().map(|wanted| (wanted.0, blob(*wanted))).collect()
    }
}
