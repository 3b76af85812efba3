//! Checksums that S3 and Google store with objects: checked when an object is read, computed for
//! the parts of an upload.

use aws_lc_rs::digest;
use crc_fast::CrcAlgorithm;
use data_encoding::BASE64;
use http::header::HeaderMap;

use crate::bucket::BucketError;

/// A kind of checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// Kind, header and name as spelled in the interface.
const ALL: [(ChecksumAlgorithm, &str, &str); 5] = [
    (ChecksumAlgorithm::Crc32, "x-amz-checksum-crc32", "CRC32"),
    (ChecksumAlgorithm::Crc32c, "x-amz-checksum-crc32c", "CRC32C"),
    (ChecksumAlgorithm::Crc64Nvme, "x-amz-checksum-crc64nvme", "CRC64NVME"),
    (ChecksumAlgorithm::Sha1, "x-amz-checksum-sha1", "SHA1"),
    (ChecksumAlgorithm::Sha256, "x-amz-checksum-sha256", "SHA256"),
];

impl ChecksumAlgorithm {
    /// The kind of checksum that this header holds.
    pub fn of_header(header: &str) -> Option<Self> {
        ALL.iter().find(|(_, name, _)| *name == header).map(|(algorithm, ..)| *algorithm)
    }

    fn entry(self) -> (&'static str, &'static str) {
        ALL.iter().find(|(it, ..)| *it == self).map_or(("", ""), |(_, header, name)| (header, name))
    }

    /// The header for its checksums.
    pub fn header(self) -> &'static str {
        self.entry().0
    }

    /// Its name, as in `x-amz-checksum-algorithm`.
    pub fn name(self) -> &'static str {
        self.entry().1
    }

    /// The element for its checksums in documents.
    pub fn element(self) -> &'static str {
        match self {
            Self::Crc32 => "ChecksumCRC32",
            Self::Crc32c => "ChecksumCRC32C",
            Self::Crc64Nvme => "ChecksumCRC64NVME",
            Self::Sha1 => "ChecksumSHA1",
            Self::Sha256 => "ChecksumSHA256",
        }
    }
}

/// A checksum being computed.
pub enum Sum {
    Crc(Box<crc_fast::Digest>, usize),
    Sha(digest::Context),
}

impl Sum {
    /// The checksum of nothing so far.
    pub fn new(algorithm: ChecksumAlgorithm) -> Self {
        let crc = |algorithm, length| Self::Crc(Box::new(crc_fast::Digest::new(algorithm)), length);
        match algorithm {
            ChecksumAlgorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc, 4),
            ChecksumAlgorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi, 4),
            ChecksumAlgorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme, 8),
            ChecksumAlgorithm::Sha1 => {
                Self::Sha(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY))
            }
            ChecksumAlgorithm::Sha256 => Self::Sha(digest::Context::new(&digest::SHA256)),
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc, _) => crc.update(bytes),
            Self::Sha(sha) => sha.update(bytes),
        }
    }

    /// The value as headers have it.
    pub fn finish(self) -> String {
        match self {
            Self::Crc(crc, length) => {
                let bytes = crc.finalize().to_be_bytes();
                BASE64.encode(&bytes[bytes.len() - length..])
            }
            Self::Sha(sha) => BASE64.encode(sha.finish().as_ref()),
        }
    }
}

/// Compares content with the checksum that the server stores.
pub struct Checker {
    sum: Sum,
    expected: String,
}

impl Checker {
    /// For the whole content in a response; `None` if it has no checksum of that.
    pub fn for_answer(headers: &HeaderMap) -> Option<Self> {
        if let Some(expected) = crc32c_of_google(headers) {
            return Some(Self { sum: Sum::new(ChecksumAlgorithm::Crc32c), expected });
        }
        let (algorithm, expected) = ALL.iter().find_map(|(algorithm, header, _)| {
            Some((*algorithm, headers.get(*header)?.to_str().ok()?))
        })?;
        // A checksum of the parts' checksums includes the number of parts.
        let is_whole = !expected.contains('-')
            && headers.get("x-amz-checksum-type").is_none_or(|kind| kind == "FULL_OBJECT");
        is_whole.then(|| Self { sum: Sum::new(algorithm), expected: expected.to_owned() })
    }

    /// Adds content.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
    }

    /// Whether it matches the content that the server stores.
    ///
    /// # Errors
    /// [`BucketError::MalformedResponse`] if it does not.
    pub fn check(self) -> Result<(), BucketError> {
        if self.sum.finish() == self.expected {
            return Ok(());
        }
        let detail = "the content does not match the checksum that the server keeps".to_owned();
        Err(BucketError::MalformedResponse { action: "read the object", detail })
    }
}

/// Google's checksums of the whole content: `crc32c=...` and `md5=...`, in one header or in two.
fn crc32c_of_google(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all("x-goog-hash").iter().filter_map(|value| value.to_str().ok());
    let mut hashes = values.flat_map(|value| value.split(',')).map(str::trim);
    hashes.find_map(|hash| hash.strip_prefix("crc32c=")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums_agree() {
        // The check values of the algorithms, for the digits 1 to 9.
        let cases = [
            (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
            (ChecksumAlgorithm::Crc32c, "4waSgw=="),
            (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
            (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (ChecksumAlgorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ];
        for (algorithm, expected) in cases {
            let mut sum = Sum::new(algorithm);
            sum.update(b"1234");
            sum.update(b"56789");
            assert_eq!(sum.finish(), expected, "{algorithm:?}");
            assert_eq!(ChecksumAlgorithm::of_header(algorithm.header()), Some(algorithm));
        }
    }

    #[test]
    fn only_checksums_of_the_whole_are_checked() {
        let checker = |pairs: &[(&'static str, &'static str)]| {
            let pairs =
                pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            Checker::for_answer(&pairs.collect::<HeaderMap>())
        };
        let mut right = checker(&[("x-amz-checksum-crc32", "y/Q5Jg==")]).unwrap();
        right.update(b"123456789");
        right.check().unwrap();
        let wrong = checker(&[
            ("x-amz-checksum-crc32", "y/Q5Jg=="),
            ("x-amz-checksum-type", "FULL_OBJECT"),
        ]);
        wrong.unwrap().check().unwrap_err();
        let mut google = checker(&[("x-goog-hash", "md5=x, crc32c=4waSgw==")]).unwrap();
        google.update(b"123456789");
        google.check().unwrap();
        assert!(checker(&[("x-amz-checksum-crc32", "y/Q5Jg==-2")]).is_none());
        assert!(
            checker(&[("x-amz-checksum-crc32", "y/Q5Jg=="), ("x-amz-checksum-type", "COMPOSITE")])
                .is_none()
        );
        assert!(checker(&[]).is_none());
    }
}
