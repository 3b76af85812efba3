//! Hashes of objects and files stated in rows, and those computed from contents.

use std::fmt;
use std::io;

use aws_lc_rs::digest;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use md5::{Digest as _, Md5};

const MD5_BYTES: usize = 16;
const SHA256_BYTES: usize = 32;

/// A column of a query that a content must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The ETag that the store gave the object.
    Etag,
    /// MD5 of the content.
    Md5,
    /// SHA-256 of the content.
    Sha256,
}

impl Column {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etag => "etag",
            Self::Md5 => "md5",
            Self::Sha256 => "sha256",
        }
    }
}

/// What one row says about a content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hashes {
    /// The ETag, without quotes.
    pub etag: Option<String>,
    /// MD5 of the content.
    pub md5: Option<[u8; MD5_BYTES]>,
    /// SHA-256 of the content.
    pub sha256: Option<[u8; SHA256_BYTES]>,
    /// A column with a malformed hash, and its value.
    pub senseless: Option<(Column, String)>,
}

impl Hashes {
    /// Reads the columns of a row. Hashes may be in hexadecimal or base64; an empty text counts as
    /// absent.
    pub fn read(etag: Option<&str>, md5: Option<&str>, sha256: Option<&str>) -> Self {
        let mut senseless = None;
        Self {
            etag: said(etag).map(|etag| without_quotes(etag).to_owned()),
            md5: read_hash(Column::Md5, md5, &mut senseless),
            sha256: read_hash(Column::Sha256, sha256, &mut senseless),
            senseless,
        }
    }

    /// These hashes, completed with the others where absent.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            etag: self.etag.or(other.etag),
            md5: self.md5.or(other.md5),
            sha256: self.sha256.or(other.sha256),
            senseless: self.senseless.or(other.senseless),
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The difference from a content with this ETag, as the column, the value in the row and the
    /// value found.
    pub fn etag_differs(&self, found: Option<&str>) -> Option<(Column, String, String)> {
        let wanted = self.etag.as_deref()?;
        let found = found.map_or("", without_quotes);
        // Hexadecimal digits may be in either case.
        let is_same = wanted.eq_ignore_ascii_case(found) && !found.is_empty();
        (!is_same).then(|| (Column::Etag, wanted.to_owned(), found.to_owned()))
    }

    /// Like [`etag_differs`](Self::etag_differs), for the hashes computed from the content.
    pub fn content_differs(&self, found: &Digests) -> Option<(Column, String, String)> {
        differs(Column::Sha256, self.sha256, found.sha256)
            .or_else(|| differs(Column::Md5, self.md5, found.md5))
    }

    /// What must be computed from the content of an object with this ETag: an ETag equal to the MD5
    /// is proof enough; any other may mean anything.
    pub fn to_compute(&self, etag: Option<&str>) -> Kinds {
        let is_etag = |md5: &[u8; MD5_BYTES]| {
            etag.is_some_and(|etag| {
                without_quotes(etag).eq_ignore_ascii_case(&HEXLOWER.encode(md5))
            })
        };
        Kinds {
            md5: self.md5.as_ref().is_some_and(|md5| !is_etag(md5)),
            sha256: self.sha256.is_some(),
        }
    }
}

/// Kinds of hashes to compute from a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds {
    /// MD5.
    pub md5: bool,
    /// SHA-256.
    pub sha256: bool,
}

impl Kinds {
    /// True if there is none.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// These and the others.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { md5: self.md5 || other.md5, sha256: self.sha256 || other.sha256 }
    }
}

/// Hashes of a content, those that were computed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digests {
    /// MD5.
    pub md5: Option<[u8; MD5_BYTES]>,
    /// SHA-256.
    pub sha256: Option<[u8; SHA256_BYTES]>,
}

impl Digests {
    /// The SHA-256 that a store keeps with an object, in base64, if it covers the whole content:
    /// for a multipart upload it covers the parts' hashes, and a dash and their number follow.
    pub fn stored(xattrs: &[(Vec<u8>, Vec<u8>)]) -> Self {
        let found = xattrs.iter().find(|(name, _)| name == b"s3.checksum.sha256");
        let text = found.and_then(|(_, value)| std::str::from_utf8(value).ok());
        let whole = text.filter(|text| !text.contains('-'));
        let sha256 = whole.and_then(|text| decode(text, "sha256")?.try_into().ok());
        Self { md5: None, sha256 }
    }
}

/// Hashes being computed.
pub struct Hasher {
    md5: Option<Md5>,
    sha256: Option<digest::Context>,
}

impl Hasher {
    /// Starts with no content.
    pub fn new(kinds: Kinds) -> Self {
        Self {
            md5: kinds.md5.then(Md5::new),
            sha256: kinds.sha256.then(|| digest::Context::new(&digest::SHA256)),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    /// Takes this many zero bytes.
    pub fn update_zeros(&mut self, count: u64) {
        const ZEROS: [u8; 16 << 10] = [0; 16 << 10];
        let mut left = count;
        while left > 0 {
            let part = left.min(ZEROS.len() as u64);
            self.update(&ZEROS[..part as usize]);
            left -= part;
        }
    }

    /// The hashes.
    pub fn finish(self) -> Digests {
        Digests {
            md5: self.md5.map(|md5| md5.finalize().into()),
            sha256: self.sha256.and_then(|it| it.finish().as_ref().try_into().ok()),
        }
    }
}

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hasher")
    }
}

/// The hash in a column; if it is malformed, sets `senseless`.
fn read_hash<const BYTES: usize>(
    column: Column,
    text: Option<&str>,
    senseless: &mut Option<(Column, String)>,
) -> Option<[u8; BYTES]> {
    let text = said(text)?;
    let hash = decode(text, column.name()).and_then(|bytes| bytes.try_into().ok());
    if hash.is_none() {
        *senseless = Some((column, text.to_owned()));
    }
    hash
}

/// The value in the row and the value found, if they differ. A value not found differs.
fn differs<const BYTES: usize>(
    column: Column,
    wanted: Option<[u8; BYTES]>,
    found: Option<[u8; BYTES]>,
) -> Option<(Column, String, String)> {
    let wanted = wanted.filter(|_| wanted != found)?;
    let found = found.map(|found| HEXLOWER.encode(&found)).unwrap_or_default();
    Some((column, HEXLOWER.encode(&wanted), found))
}

/// A hash in hexadecimal or base64, optionally prefixed with its kind, as in `sha256-...`; `\x` is
/// PostgreSQL's prefix for bytes.
fn decode(text: &str, kind: &str) -> Option<Vec<u8>> {
    let named = text.get(..kind.len()).filter(|start| start.eq_ignore_ascii_case(kind));
    let rest = named.and_then(|_| text[kind.len()..].strip_prefix(['-', ':']));
    let text = rest.unwrap_or(text);
    let text = text.strip_prefix("\\x").unwrap_or(text);
    let is_hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if [2 * MD5_BYTES, 2 * SHA256_BYTES].contains(&text.len()) && is_hexadecimal(text) {
        return hex::decode(text).ok();
    }
    let text = text.trim_end_matches('=').as_bytes();
    BASE64_NOPAD.decode(text).or_else(|_| BASE64URL_NOPAD.decode(text)).ok()
}

/// The trimmed text of a column, unless empty.
fn said(column: Option<&str>) -> Option<&str> {
    column.map(str::trim).filter(|text| !text.is_empty())
}

fn without_quotes(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "5d41402abc4b2a76b9719d911017c592";
    const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    fn computed(content: &[u8]) -> Digests {
        let mut hasher = Hasher::new(Kinds { md5: true, sha256: true });
        hasher.update(content);
        hasher.finish()
    }

    #[test]
    fn every_spelling_is_understood() {
        let found = computed(b"hello");
        let base64 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
        for sha256 in [
            SHA256,
            &SHA256.to_uppercase(),
            base64,
            base64.trim_end_matches('='),
            &base64.replace('+', "-"),
            &format!("sha256-{base64}"),
            &format!("SHA256:{SHA256}"),
            &format!("\\x{SHA256}"),
            &format!(" {SHA256}\n"),
        ] {
            let wanted = Hashes::read(None, Some(MD5), Some(sha256));
            assert_eq!(
                (wanted.content_differs(&found), &wanted.senseless),
                (None, &None),
                "{sha256}"
            );
        }
        let wanted = Hashes::read(None, Some("XUFAKrxLKna5cZ2REBfFkg=="), None);
        assert_eq!(wanted.content_differs(&found), None);
        assert!(Hashes::read(Some(""), Some(" "), None).is_empty());
    }

    #[test]
    fn what_is_no_hash_is_told_as_such() {
        for (md5, sha256) in [(Some("abc"), None), (None, Some(MD5)), (Some(SHA256), None)] {
            let wanted = Hashes::read(None, md5, sha256);
            assert!(wanted.senseless.is_some(), "{md5:?} {sha256:?}");
        }
    }

    #[test]
    fn a_difference_names_its_column() {
        let wanted = Hashes::read(None, None, Some(SHA256));
        let (column, said, found) = wanted.content_differs(&computed(b"hallo")).unwrap();
        assert_eq!((column, said.as_str()), (Column::Sha256, SHA256));
        assert_ne!(found, SHA256);
        assert!(wanted.content_differs(&Digests::default()).is_some(), "nothing proves nothing");
        let wanted = Hashes::read(Some("\"ABC-2\""), None, None);
        assert_eq!(wanted.etag_differs(Some("abc-2")), None);
        assert!(
            wanted.etag_differs(Some("abc-3")).is_some() && wanted.etag_differs(None).is_some()
        );
    }

    #[test]
    fn an_etag_proves_an_md5_and_never_refutes_one() {
        let wanted = Hashes::read(None, Some(MD5), None);
        assert!(wanted.to_compute(Some(MD5)).is_empty());
        assert!(wanted.to_compute(Some("0123456789abcdef0123456789abcdef")).md5);
        assert!(wanted.to_compute(None).md5);
    }

    #[test]
    fn a_stored_checksum_counts_if_it_is_of_the_whole() {
        let stored = |value: &str| {
            Digests::stored(&[(b"s3.checksum.sha256".to_vec(), value.as_bytes().to_vec())])
        };
        let base64 = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
        assert_eq!(stored(base64).sha256, computed(b"hello").sha256);
        assert_eq!(stored(&format!("{base64}-2")).sha256, None);
    }

    #[test]
    fn holes_are_zeros() {
        let mut hasher = Hasher::new(Kinds { md5: true, sha256: true });
        hasher.update_zeros(100_000);
        assert_eq!(hasher.finish(), computed(&[0; 100_000]));
    }
}
