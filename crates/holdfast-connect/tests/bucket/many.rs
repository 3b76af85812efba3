//! A bucket of any number of objects, which take no memory: key, size and content of an object
//! follow from its number.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use s3s::dto::{
    ETag, GetObjectInput, GetObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object,
    StreamingBlob, Timestamp,
};
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};

const PAGE_KEYS: usize = 1000;

/// The bucket, under any name.
#[derive(Clone)]
pub struct Many {
    pub count: usize,
    /// An extra delay for each response.
    pub delay: Duration,
    /// How often objects were changed, by number.
    pub changes: Arc<Mutex<HashMap<usize, u64>>>,
}

impl Many {
    pub fn new(count: usize, delay: Duration) -> Self {
        Self { count, delay, changes: Arc::default() }
    }

    /// Changes this many objects, far from each other.
    pub fn change(&self, count: usize) {
        let mut changes = self.changes.lock().unwrap();
        for number in (0..self.count).step_by(self.count / count).take(count) {
            *changes.entry(number).or_default() += 1;
        }
    }

    /// Content, ETag and time of an object.
    fn object(&self, number: usize) -> (String, ETag, Timestamp) {
        let changed = self.changes.lock().unwrap().get(&number).copied().unwrap_or_default();
        let seconds = 1_790_000_000 + number as u64 + changed * 1000;
        let time = Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        (
            format!("photo {number:07} {changed:03}"),
            ETag::Strong(format!("{number}.{changed}")),
            time,
        )
    }

    /// The number of the first key after this one.
    fn behind(&self, key: &str) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = (low + high) / 2;
            if key_of(middle).as_str() <= key { low = middle + 1 } else { high = middle }
        }
        low
    }
}

pub fn key_of(number: usize) -> String {
    format!("photos/{:02}/{number:08}.jpg", number / 500_000)
}

#[async_trait::async_trait]
impl S3 for Many {
    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        tokio::time::sleep(self.delay).await;
        let input = request.input;
        let after = input.continuation_token.or(input.start_after);
        let start = after.map_or(0, |key| self.behind(&key));
        let end = self.count.min(start + PAGE_KEYS);
        let contents = (start..end).map(|number| {
            let (content, etag, time) = self.object(number);
            Object {
                key: Some(key_of(number)),
                size: Some(content.len() as i64),
                e_tag: Some(etag),
                last_modified: Some(time),
                ..Object::default()
            }
        });
        let is_truncated = end < self.count;
        Ok(S3Response::new(ListObjectsV2Output {
            contents: Some(contents.collect()),
            is_truncated: Some(is_truncated),
            next_continuation_token: is_truncated.then(|| key_of(end - 1)),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        tokio::time::sleep(self.delay).await;
        let key = request.input.key;
        let digits = key.strip_suffix(".jpg").and_then(|key| key.rsplit('/').next());
        let number = digits.and_then(|digits| digits.parse().ok());
        let Some(number) = number.filter(|number| *number < self.count) else {
            return Err(s3_error!(NoSuchKey));
        };
        let (content, etag, time) = self.object(number);
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(content.len() as i64),
            body: Some(StreamingBlob::from(Body::from(content))),
            e_tag: Some(etag),
            last_modified: Some(time),
            ..GetObjectOutput::default()
        }))
    }
}
