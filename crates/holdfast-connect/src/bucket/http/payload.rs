//! Bodies of requests: bytes in memory or a part of a file, so that a request can be repeated.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_lc_rs::digest;
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use hyper::body::{Body, Frame, SizeHint};
use md5::{Digest, Md5};

use crate::bucket::BucketError;

/// Bytes read from a file at a time.
const STEP_BYTES: usize = 256 << 10;

/// What a request carries.
#[derive(Debug, Clone)]
pub enum Payload {
    /// Bytes in memory; may be none.
    Bytes(Bytes),
    /// A stretch of a file that does not change.
    File {
        /// The file.
        file: Arc<File>,
        /// Where it begins.
        offset: u64,
        /// Its length.
        bytes: u64,
    },
}

impl Payload {
    /// No body.
    pub const EMPTY: Self = Self::Bytes(Bytes::new());

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { bytes, .. } => *bytes,
        }
    }

    /// Passes all of it to `take`.
    ///
    /// # Errors
    /// [`BucketError::Local`].
    pub fn each(&self, mut take: impl FnMut(&[u8])) -> Result<(), BucketError> {
        let mut reader = self.body();
        let local = |source| BucketError::Local { action: "read the content to send", source };
        while let Some(bytes) = reader.next().map_err(local)? {
            take(&bytes);
        }
        Ok(())
    }

    /// MD5 in base64: servers compare what they receive with it.
    ///
    /// # Errors
    /// As [`Payload::each`].
    pub fn md5(&self) -> Result<String, BucketError> {
        Ok(self.digests(false)?.0)
    }

    /// MD5 and SHA-256, in the forms used in headers: base64 and hexadecimal digits.
    ///
    /// # Errors
    /// As [`Payload::each`].
    pub fn digests(&self, with_sha256: bool) -> Result<(String, Option<String>), BucketError> {
        let mut md5 = Md5::new();
        let mut sha256 = with_sha256.then(|| digest::Context::new(&digest::SHA256));
        self.each(|bytes| {
            md5.update(bytes);
            if let Some(sha256) = &mut sha256 {
                sha256.update(bytes);
            }
        })?;
        let sha256 = sha256.map(|sha256| HEXLOWER.encode(sha256.finish().as_ref()));
        Ok((BASE64.encode(&md5.finalize()), sha256))
    }

    /// A body that sends it.
    pub fn body(&self) -> PayloadBody {
        PayloadBody { left: self.clone() }
    }
}

/// The rest of a payload that is still to be sent.
#[derive(Debug)]
pub struct PayloadBody {
    left: Payload,
}

impl PayloadBody {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        match &mut self.left {
            Payload::Bytes(bytes) if bytes.is_empty() => Ok(None),
            Payload::Bytes(bytes) => Ok(Some(std::mem::take(bytes))),
            Payload::File { bytes: 0, .. } => Ok(None),
            Payload::File { file, offset, bytes } => {
                let mut buffer = vec![0; STEP_BYTES.min(*bytes as usize)];
                file.read_exact_at(&mut buffer, *offset)?;
                *offset += buffer.len() as u64;
                *bytes -= buffer.len() as u64;
                Ok(Some(buffer.into()))
            }
        }
    }
}

impl Body for PayloadBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        // Reading a local file that was just written is too quick to be worth a thread.
        Poll::Ready(self.next().transpose().map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left.len() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn files_and_bytes_are_the_same() {
        let content: Vec<u8> = (0..1_000_000u32).map(|number| (number / 3) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let file = Payload::File { file: Arc::new(file), offset: 10, bytes: 900_000 };
        let bytes = Payload::Bytes(content[10..900_010].to_vec().into());
        assert_eq!(file.digests(true).unwrap(), bytes.digests(true).unwrap());
        assert_eq!(file.len(), 900_000);
        assert_eq!(Payload::EMPTY.md5().unwrap(), "1B2M2Y8AsgTpgAmY7PhCfg==");
    }
}
