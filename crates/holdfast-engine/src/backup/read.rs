//! The second stage: reads small files completely, cuts them, hashes the chunks. Runs on a pool.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use holdfast_chunk::Cutter;
use holdfast_connect::{ContentPiece, ContentReader, Opener};
use holdfast_format::BlobType;
use holdfast_format::entry::{Entry, Metadata, Xattrs};
use holdfast_format::limits::{self, ENTRY_BYTES_MAX};
use holdfast_repo::RepoError;
use holdfast_seal::{Keys, looks_compressible};
use rayon::ThreadPool;

use super::batch::{AssemblyStep, File, FilePart, NamedChunk, StepBatch};

/// Bytes added to a file's buffer when it turns out to be longer than the scan saw.
const GROWTH_BYTES: usize = 64 << 10;
/// A file that has grown beyond this while being read is cut off here and marked as changed: the
/// next backup reads all of it.
const GROWN_FILE_BYTES_MAX: usize = 64 << 20;

/// Maximum size of extended attributes that fit into an entry besides the rest of it.
const XATTRS_BYTES_MAX: usize = ENTRY_BYTES_MAX - (64 << 10);

/// What reading needs to know.
pub(super) struct ReadContext {
    pub keys: Arc<Keys>,
    pub cutter: Arc<Cutter>,
}

/// A file that the scan found new or changed.
pub(super) struct UnreadFile {
    pub name: Vec<u8>,
    pub metadata: Metadata,
    pub size: u64,
    pub opener: Box<dyn Opener>,
    pub parent: Option<Box<Entry>>,
}

/// Threads that read; reading waits for disks, so their number is a separate setting.
pub(super) fn pool(threads: usize) -> Result<Arc<ThreadPool>, RepoError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("read-{number}"))
        .build()
        .map(Arc::new)
        .map_err(|_| RepoError::Stopped("start of the reading threads"))
}

/// Replaces everything unread in a batch with its content.
pub(super) fn read_batch(batch: StepBatch, context: &ReadContext) -> StepBatch {
    batch
        .into_iter()
        .map(|step| match step {
            AssemblyStep::Unread(unread) => {
                AssemblyStep::File(Box::new(read_file(*unread, context)))
            }
            AssemblyStep::Parts(parts) => {
                AssemblyStep::Parts(parts.into_iter().map(|part| context.name(part)).collect())
            }
            other => other,
        })
        .collect()
}

impl ReadContext {
    fn name(&self, part: FilePart) -> FilePart {
        match part {
            FilePart::Raw(bytes) => FilePart::Chunk(self.chunk(bytes)),
            named => named,
        }
    }

    fn chunk(&self, bytes: Bytes) -> NamedChunk {
        let id = self.keys.blob_id(BlobType::Data, &bytes);
        let compressible = looks_compressible(&bytes);
        NamedChunk { id, bytes, compressible }
    }

    /// Cuts a stretch of data between holes.
    fn cut(&self, data: Vec<u8>, parts: &mut Vec<FilePart>) {
        let mut rest = Bytes::from(data);
        while !rest.is_empty() {
            let chunk = rest.split_to(self.cutter.cut(&rest));
            parts.push(FilePart::Chunk(self.chunk(chunk)));
        }
    }
}

fn read_file(unread: UnreadFile, context: &ReadContext) -> File {
    let UnreadFile { name, mut metadata, size, opener, parent } = unread;
    let (mut parts, start) = (Vec::new(), Instant::now());
    let failure = match opener.open() {
        Err(error) => Some(("open", error)),
        Ok(content) => match read_content(content, size, context, &mut parts) {
            Err(error) => Some(("read", error)),
            Ok(now) => {
                metadata = as_read(metadata, now);
                read_xattrs(&mut metadata, &*opener)
            }
        },
    };
    File { name, metadata, parts, parent, failure, reading: start.elapsed() }
}

/// The metadata of a file that was read: as the source gave it at the end, if it did; the device
/// keeps its number.
pub(super) fn as_read(scanned: Metadata, now: Option<Metadata>) -> Metadata {
    let device = scanned.device;
    Metadata { device, ..now.unwrap_or(scanned) }
}

/// Fills in the extended attributes, or marks them as unread and returns the reason.
///
/// This happens after the content was read, so that they are not older than a change time that the
/// source gave at the end.
pub(super) fn read_xattrs(
    metadata: &mut Metadata,
    opener: &dyn Opener,
) -> Option<(&'static str, io::Error)> {
    match opener.xattrs().and_then(check_size) {
        Ok(xattrs) => {
            metadata.xattrs = xattrs;
            None
        }
        Err(error) => {
            metadata.xattrs_unread = true;
            Some(("xattr", error))
        }
    }
}

/// Refuses attributes that could be stored but not read again.
fn check_size(xattrs: Xattrs) -> io::Result<Xattrs> {
    // Each length takes at most three bytes.
    let bytes: usize = xattrs.iter().map(|(name, value)| name.len() + value.len() + 6).sum();
    for (name, _) in &xattrs {
        limits::NAME.check(name.len() as u64).map_err(io::Error::other)?;
    }
    if bytes > XATTRS_BYTES_MAX {
        let text =
            format!("its attributes are {bytes} bytes; at most {XATTRS_BYTES_MAX} can be stored");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(xattrs)
}

/// Reads a content to its end; the result is what the source says about it then.
fn read_content(
    mut content: Box<dyn ContentReader>,
    size: u64,
    context: &ReadContext,
    parts: &mut Vec<FilePart>,
) -> io::Result<Option<Metadata>> {
    // One byte more than expected, so that the end is seen without another read.
    let mut data = vec![0; size as usize + 1];
    let mut filled = 0;
    loop {
        if filled == data.len() {
            data.resize(filled + GROWTH_BYTES, 0);
        }
        match content.read(&mut data[filled..])? {
            ContentPiece::Data(count) => filled += count,
            ContentPiece::Hole(bytes) => {
                context.cut(data[..filled].to_vec(), parts);
                filled = 0;
                parts.push(FilePart::Hole(bytes));
            }
            ContentPiece::End => break,
        }
        if filled > GROWN_FILE_BYTES_MAX {
            break;
        }
    }
    data.truncate(filled);
    context.cut(data, parts);
    content.changed()
}
