//! The capture of a bucket.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use holdfast_connect::Source as Connector;
use holdfast_connect::bucket::source::Remarks;
use holdfast_connect::bucket::{Bucket as Connection, BucketError};
use holdfast_engine::backup::Compare;
use holdfast_engine::look::shown_path;
use holdfast_engine::{EngineError, Observer};
use holdfast_format::config::ChunkProfile;
use holdfast_format::entry::FileTime;
use holdfast_format::record::SourceRecord;
use jiff::{SignedDuration, Timestamp};

use super::BucketSettings;
use super::connection::{open, source_options};
use super::observer::WithKeys;
use crate::kind::capture::token_of;
use crate::kind::{CaptureError, CaptureScene, Manner, SourceCapture};

/// Threads that read a bucket's objects concurrently: they mostly wait, so one per processor would
/// be too few.
const READ_CONCURRENCY: usize = 16;

/// Key in the token of a bucket's record: when all attributes were last read.
const SWEPT: &str = "attributes";
/// Key in the token: the order in which the server lists, if not that of the keys.
const ORDER: &str = "order";
const UNSORTED: &str = "unsorted";
/// Interval to reread all attributes: tags, ACLs and locks change without a trace in listings.
const SWEEP_INTERVAL: SignedDuration = SignedDuration::from_hours(7 * 24);

/// When the attributes of all objects are read: tags, access rules and locks change without a trace
/// in listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// When they were last read, or now if they are due.
    pub at: FileTime,
    /// True if they are read now, which takes a request for each object.
    pub is_due: bool,
}

/// A bucket ready to be listed.
pub(super) struct BucketCapture<'a> {
    settings: &'a BucketSettings,
    connection: Connection,
    sweep: Sweep,
    /// The time of its cut, once made, and remarks on it.
    begun: Mutex<(Option<FileTime>, Remarks)>,
    /// True once the server has listed keys out of order.
    is_disordered: AtomicBool,
}

impl<'a> BucketCapture<'a> {
    pub fn new(
        settings: &'a BucketSettings,
        scene: &CaptureScene<'_>,
        previous: Option<&SourceRecord>,
    ) -> Result<Self, CaptureError> {
        let connection = open(settings, &scene.connections.buckets)?;
        let sweep = sweep(previous, (scene.now)());
        let is_disordered = previous.is_some_and(was_unsorted);
        if is_disordered {
            connection.note_disorder();
        }
        let (begun, is_disordered) = (Mutex::default(), is_disordered.into());
        Ok(Self { settings, connection, sweep, begun, is_disordered })
    }

    fn begun(&self) -> (Option<FileTime>, Remarks) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SourceCapture for BucketCapture<'_> {
    fn source(&self) -> io::Result<Box<dyn Connector>> {
        let options = source_options(self.settings, Some(self.sweep));
        let source = self.connection.source(options).map_err(io::Error::other)?;
        let begun = (source.cut(), source.remarks());
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = begun;
        Ok(Box::new(source))
    }

    fn manner(&self) -> Manner {
        Manner {
            profile: ChunkProfile::File,
            // The ctime of an object says when its attributes were read; reading them again is no
            // reason to read its content.
            compare: Compare { ctime: false, inode: true },
            read_concurrency: READ_CONCURRENCY,
            is_stream: false,
            scope: None,
        }
    }

    fn token(&self) -> BTreeMap<String, String> {
        let text = |time: FileTime| {
            let nanoseconds = i32::try_from(time.nanoseconds).unwrap_or_default();
            Timestamp::new(time.seconds, nanoseconds).unwrap_or_default().to_string()
        };
        let (cut, remarks) = self.begun();
        let cut = cut.map(|cut| ("cut".to_owned(), text(cut)));
        // Attributes that could not be read are read in the next run.
        let is_swept = !remarks.lacks_attributes();
        let swept = is_swept.then(|| (SWEPT.to_owned(), text(self.sweep.at)));
        let order = self.is_disordered.load(Ordering::Relaxed);
        let order = order.then(|| (ORDER.to_owned(), UNSORTED.to_owned()));
        cut.into_iter().chain(swept).chain(order).collect()
    }

    fn remarks(&self) -> Vec<String> {
        self.begun().1.sentences()
    }

    /// A server that lists in an order of its own is known to do so after the first attempt.
    fn has_learned(&self, error: &EngineError) -> bool {
        let EngineError::Source(error) = error else { return false };
        let inner = error.get_ref().and_then(|error| error.downcast_ref());
        matches!(inner, Some(BucketError::Disorder { .. }))
            && !self.is_disordered.swap(true, Ordering::Relaxed)
    }

    fn has_now(&self, name: &[u8]) -> bool {
        let key = std::str::from_utf8(name);
        key.is_ok_and(|key| self.connection.has(key).unwrap_or(false))
    }

    fn shown_path(&self, path: &[u8]) -> Vec<u8> {
        shown_path(path)
    }

    fn observer<'o>(&self, inner: &'o dyn Observer) -> Option<Box<dyn Observer + 'o>> {
        Some(Box::new(WithKeys(inner)))
    }
}

/// True if the server of a bucket listed in an order of its own at its capture.
pub(super) fn was_unsorted(record: &SourceRecord) -> bool {
    token_of(Some(record), ORDER) == Some(UNSORTED)
}

/// When the attributes of all objects are read: in the first capture, which reads everything
/// anyway, and then once a week.
fn sweep(previous: Option<&SourceRecord>, now: Timestamp) -> Sweep {
    let at = token_of(previous, SWEPT).and_then(|text| text.parse::<Timestamp>().ok());
    let is_due = at.is_some_and(|at| now.duration_since(at) >= SWEEP_INTERVAL);
    let at = at.filter(|_| !is_due).unwrap_or(now);
    Sweep { at: at.into(), is_due }
}
