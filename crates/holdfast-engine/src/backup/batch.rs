//! Steps from the scan to the assembly, in batches, through a bounded queue that keeps their order.

use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, Metadata};
use holdfast_repo::RepoError;

/// Maximum number of batches in flight; with [`BATCH_BYTES`] this bounds the memory of the stages
/// before the assembly.
const BATCHES_UNDER_WAY: usize = 10;
/// A batch is closed when its files to be read add up to about this many bytes ...
pub(super) const BATCH_BYTES: u64 = 512 << 10;
/// ... or when it has this many steps.
pub(super) const BATCH_STEPS: usize = 256;

/// One step of the assembly.
pub(super) enum AssemblyStep {
    /// A directory starts; its entries are sorted or not.
    Enter { name: Vec<u8>, metadata: Metadata, parent: Option<Box<Entry>>, is_sorted: bool },
    /// The directory ends.
    Leave,
    /// An entry identical to the parent's; bytes of the file.
    Unchanged(Box<Entry>),
    /// An entry without content; true if the parent has an entry of that name.
    Plain(Box<Entry>, bool),
    /// A file to be read by the next stage.
    Unread(Box<super::read::UnreadFile>),
    /// A file that was read completely.
    File(Box<File>),
    /// A large file of this name starts.
    Started(Vec<u8>),
    /// The next parts of a file that is read piece by piece; they precede its
    /// [`AssemblyStep::File`].
    Parts(Vec<FilePart>),
    /// An entry that could not be read.
    Trouble { name: Option<Vec<u8>>, path: Vec<u8>, during: &'static str, error: std::io::Error },
    /// An entry that a rule left out.
    Excluded(Vec<u8>),
    /// A directory of the program itself was left out.
    Own(Vec<u8>),
}

/// A file that was read.
pub(super) struct File {
    pub name: Vec<u8>,
    pub metadata: Metadata,
    /// The content that was not announced by [`AssemblyStep::Parts`].
    pub parts: Vec<FilePart>,
    /// What the parent has of that name.
    pub parent: Option<Box<Entry>>,
    /// The read error. The file is dropped, with any parts already sent, unless only its attributes
    /// are missing.
    pub failure: Option<(&'static str, std::io::Error)>,
    /// How long that took.
    pub reading: Duration,
}

/// A stretch of a file.
pub(super) enum FilePart {
    Chunk(NamedChunk),
    Hole(u64),
    /// Bytes not hashed yet; only until the reading stage is done with them.
    Raw(Bytes),
}

/// A chunk with its name.
pub(super) struct NamedChunk {
    pub id: BlobId,
    pub bytes: Bytes,
    pub compressible: bool,
}

/// Steps in the order of the source.
pub(super) type StepBatch = Vec<AssemblyStep>;

enum BatchSlot {
    Ready(StepBatch),
    Coming(Receiver<StepBatch>),
}

/// The scan's end of the queue.
pub(super) struct BatchSender(Sender<BatchSlot>);

/// The assembly's end of the queue.
pub(super) struct Batches(Receiver<BatchSlot>);

/// A queue of at most [`BATCHES_UNDER_WAY`] batches.
pub(super) fn queue() -> (BatchSender, Batches) {
    let (sender, receiver) = bounded(BATCHES_UNDER_WAY);
    (BatchSender(sender), Batches(receiver))
}

/// The assembly ended early; the scan stops too.
pub(super) struct HungUp;

impl BatchSender {
    /// Queues a batch that is complete.
    pub fn send(&self, batch: StepBatch) -> Result<(), HungUp> {
        self.0.send(BatchSlot::Ready(batch)).map_err(|_| HungUp)
    }

    /// Queues a batch that a pool completes in the background.
    pub fn send_from(
        &self,
        pool: &rayon::ThreadPool,
        job: impl FnOnce() -> StepBatch + Send + 'static,
    ) -> Result<(), HungUp> {
        let (sender, receiver) = bounded(1);
        pool.spawn_fifo(move || drop(sender.send(job())));
        self.0.send(BatchSlot::Coming(receiver)).map_err(|_| HungUp)
    }
}

impl Batches {
    /// The next batch; `None` when the scan is done.
    pub fn next(&self) -> Result<Option<StepBatch>, RepoError> {
        match self.0.recv() {
            Err(_) => Ok(None),
            Ok(BatchSlot::Ready(batch)) => Ok(Some(batch)),
            Ok(BatchSlot::Coming(batch)) => {
                batch.recv().map(Some).map_err(|_| RepoError::Stopped("reading"))
            }
        }
    }
}
