//! The content of an object: one stream for small ones, concurrent ranges for large ones.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_format::entry::Metadata;
use tokio::task::JoinHandle;

use super::super::BucketError;
use super::super::connection::Bucket;
use super::super::http::client::ServiceResponse;
use super::super::object::ListedKey;
use super::super::s3::checksum::Checker;
use super::super::store::BucketStore;
use crate::web::ResponseBody;
use crate::{ContentPiece, ContentReader};

/// Objects of at least this size, in bytes, are read in ranges.
pub const LARGE_BYTES_MIN: u64 = 16 << 20;
/// Length of a range in bytes.
const RANGE_BYTES: u64 = 8 << 20;

/// An object being read.
pub struct ObjectContent {
    bucket: Bucket,
    listed: Arc<ListedKey>,
    /// The current metadata of the object, if it is not what the scan saw.
    changed: Option<Metadata>,
    stream: ObjectStream,
    /// What has arrived but was not taken yet.
    waiting: Bytes,
    /// Bytes taken so far.
    taken: u64,
    checker: Option<Checker>,
}

enum ObjectStream {
    /// A single response; it is requested again from where it broke off.
    One { answer: Option<ResponseBody>, received: u64, attempts: u32 },
    /// Ranges in order, and where the next one to request begins.
    Ranges { coming: VecDeque<JoinHandle<Result<Bytes, BucketError>>>, next: u64, width: usize },
}

impl ObjectContent {
    /// Reads from a response that has begun.
    pub fn one(
        bucket: Bucket,
        listed: Arc<ListedKey>,
        changed: Option<Metadata>,
        answer: ServiceResponse,
    ) -> Self {
        let checker = Checker::for_answer(answer.headers());
        let stream =
            ObjectStream::One { answer: Some(answer.into_body()), received: 0, attempts: 1 };
        Self { bucket, listed, changed, stream, waiting: Bytes::new(), taken: 0, checker }
    }

    /// Reads in ranges, this many concurrently.
    pub fn ranges(
        bucket: Bucket,
        listed: Arc<ListedKey>,
        changed: Option<Metadata>,
        width: usize,
    ) -> Self {
        let stream = ObjectStream::Ranges { coming: VecDeque::new(), next: 0, width };
        let (waiting, checker) = (Bytes::new(), None);
        Self { bucket, listed, changed, stream, waiting, taken: 0, checker }
    }

    /// The next bytes; `None` at the end.
    fn next(&mut self) -> Result<Option<Bytes>, BucketError> {
        match &mut self.stream {
            ObjectStream::One { answer, received, attempts } => {
                let store = self.bucket.store();
                let next = next_of_one(&**store, &self.listed, answer, received, attempts);
                self.bucket.runtime().block_on(store.http().unless_stopped(next))
            }
            ObjectStream::Ranges { coming, next, width } => {
                while coming.len() < *width && *next < self.listed.bytes {
                    let last = (*next + RANGE_BYTES).min(self.listed.bytes) - 1;
                    let store = Arc::clone(self.bucket.store());
                    let listed = Arc::clone(&self.listed);
                    let range = (*next, last);
                    coming.push_back(self.bucket.runtime().spawn(read_range(store, listed, range)));
                    *next = last + 1;
                }
                let Some(range) = coming.pop_front() else { return Ok(None) };
                let range = async {
                    let died = |_| BucketError::Limit("a read task died".to_owned());
                    range.await.map_err(died)?.map(Some)
                };
                self.bucket.runtime().block_on(self.bucket.store().http().unless_stopped(range))
            }
        }
    }

    fn finish(&mut self) -> Result<(), BucketError> {
        match self.checker.take() {
            Some(checker) => checker.check(),
            None => Ok(()),
        }
    }
}

impl Drop for ObjectContent {
    fn drop(&mut self) {
        if let ObjectStream::Ranges { coming, .. } = &mut self.stream {
            coming.iter().for_each(JoinHandle::abort);
        }
    }
}

impl ContentReader for ObjectContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.waiting.is_empty() {
                match self.next()? {
                    Some(bytes) => self.waiting = bytes,
                    None => break,
                }
                if let Some(checker) = &mut self.checker {
                    checker.update(&self.waiting);
                }
            }
            let count = self.waiting.len().min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&self.waiting.split_to(count));
            filled += count;
        }
        self.taken += filled as u64;
        if filled > 0 || buffer.is_empty() {
            return Ok(ContentPiece::Data(filled));
        }
        self.finish()?;
        Ok(ContentPiece::End)
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(self.changed.take())
    }
}

/// The next bytes of an object that is read in one stream.
async fn next_of_one(
    store: &dyn BucketStore,
    listed: &ListedKey,
    answer: &mut Option<ResponseBody>,
    received: &mut u64,
    attempts: &mut u32,
) -> Result<Option<Bytes>, BucketError> {
    loop {
        if *received == listed.bytes {
            return Ok(None);
        }
        let current = match answer.as_mut() {
            Some(current) => current,
            None => {
                let range = Some((*received, listed.bytes - 1));
                let again = store.get(listed.which(), range).await?;
                answer.insert(body_of_range(again, *received)?)
            }
        };
        match current.next().await {
            Ok(Some(bytes)) if *received + bytes.len() as u64 > listed.bytes => {
                return Err(BucketError::Changed);
            }
            Ok(Some(bytes)) => {
                *received += bytes.len() as u64;
                return Ok(Some(bytes));
            }
            // Broken off, or ended too early, which amounts to the same.
            Ok(None) | Err(_) if *attempts < store.http().attempts_max() => {
                *answer = None;
                tokio::time::sleep(store.http().wait_after(*attempts)).await;
                *attempts += 1;
            }
            Ok(None) => return Err(store.http().broke_off("the content ended too early")),
            Err(broken) => return Err(store.http().broke_off(&broken.cause)),
        }
    }
}

/// Reads a whole range.
async fn read_range(
    store: Arc<dyn BucketStore>,
    listed: Arc<ListedKey>,
    (first, last): (u64, u64),
) -> Result<Bytes, BucketError> {
    let length = (last - first + 1) as usize;
    let mut attempts = 1;
    loop {
        let answer = store.get(listed.which(), Some((first, last))).await?;
        let mut answer = body_of_range(answer, first)?;
        let broken = match answer.whole(length).await {
            Ok(Some(bytes)) if bytes.len() == length => return Ok(bytes),
            Ok(Some(_)) => "the content ended too early".to_owned(),
            Ok(None) => return Err(BucketError::Changed),
            Err(broken) => broken.cause,
        };
        if attempts >= store.http().attempts_max() {
            return Err(store.http().broke_off(&broken));
        }
        tokio::time::sleep(store.http().wait_after(attempts)).await;
        attempts += 1;
    }
}

/// The body of a response to a range request, which must begin at the requested position.
fn body_of_range(answer: ServiceResponse, first: u64) -> Result<ResponseBody, BucketError> {
    let is_range = answer.status() == http::StatusCode::PARTIAL_CONTENT;
    let begins = answer.headers().get("content-range").and_then(|range| range.to_str().ok());
    let begins =
        begins.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    if begins.unwrap_or(first) != first || (!is_range && first > 0) {
        let code = "it returned a different range".to_owned();
        return Err(BucketError::Unsupported { action: "read a part of the object", code });
    }
    Ok(answer.into_body())
}
