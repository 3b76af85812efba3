//! The attributes of an object besides its content, kept as extended attributes whose names begin
//! with the service they come from: `s3.`, `google.` or `azure.`. These are S3's:
//!
//! | attribute | meaning |
//! |---|---|
//! | `s3.etag`, `s3.version` | as the server gave them, without quotes |
//! | `s3.content-type`, `s3.content-encoding`, `s3.content-disposition` | headers |
//! | `s3.content-language`, `s3.cache-control`, `s3.expires`, `s3.redirect` | headers |
//! | `s3.meta.NAME` | user metadata |
//! | `s3.storage-class` | storage class; without it the server's usual one |
//! | `s3.encryption`, `s3.encryption-key`, `s3.bucket-key` | how the server encrypts it |
//! | `s3.lock-mode`, `s3.lock-until`, `s3.legal-hold` | object lock |
//! | `s3.checksum.ALGORITHM`, `s3.checksum-type` | checksums that the server keeps |
//! | `s3.parts` | sizes of the parts that it was uploaded in, as in `5242880*3,17` |
//! | `s3.tag.NAME` | tags |
//! | `s3.acl` | the access control list, as the server's XML document |
//! | `s3.delete-marker` | `true`: this version records that the object was deleted |
//!
//! The other services use the same names for the same things; their own attributes are described in
//! [`google`](super::google) and [`azure`](super::azure).

use std::collections::BTreeMap;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The service that attributes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeOrigin {
    /// Amazon S3, or a server that is compatible with it.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl AttributeOrigin {
    const ALL: [Self; 3] = [Self::S3, Self::Google, Self::Azure];

    /// Its name in `bucket.json`; followed by a dot, the start of its attributes' names.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "google",
            Self::Azure => "azure",
        }
    }

    /// The service that an attribute belongs to, by its name; `None` if it is not an object's.
    pub fn of(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.strip(name).is_some())
    }

    /// The rest of an attribute's name after `NAME.`.
    fn strip(self, name: &[u8]) -> Option<&[u8]> {
        name.strip_prefix(self.name().as_bytes())?.strip_prefix(b".")
    }
}

/// Attributes that mean the same for every service, apart from user metadata and tags.
const COMMON: [&[u8]; 5] = [
    b"content-type",
    b"content-encoding",
    b"content-disposition",
    b"content-language",
    b"cache-control",
];

/// Prefix of user metadata in headers.
const META_HEADER: &str = "x-amz-meta-";

/// Headers that are the same in responses and in requests: attribute and header.
const HEADERS: [(&str, &str); 7] = [
    ("content-type", "content-type"),
    ("content-encoding", "content-encoding"),
    ("content-disposition", "content-disposition"),
    ("content-language", "content-language"),
    ("cache-control", "cache-control"),
    ("expires", "expires"),
    ("redirect", "x-amz-website-redirect-location"),
];
const STORAGE_CLASS: (&str, &str) = ("storage-class", "x-amz-storage-class");
const ENCRYPTION: [(&str, &str); 3] = [
    ("encryption", "x-amz-server-side-encryption"),
    ("encryption-key", "x-amz-server-side-encryption-aws-kms-key-id"),
    ("bucket-key", "x-amz-server-side-encryption-bucket-key-enabled"),
];
const LOCK: [(&str, &str); 3] = [
    ("lock-mode", "x-amz-object-lock-mode"),
    ("lock-until", "x-amz-object-lock-retain-until-date"),
    ("legal-hold", "x-amz-object-lock-legal-hold"),
];
const CHECKSUMS: [(&str, &str); 5] = [
    ("checksum.crc32", "x-amz-checksum-crc32"),
    ("checksum.crc32c", "x-amz-checksum-crc32c"),
    ("checksum.crc64nvme", "x-amz-checksum-crc64nvme"),
    ("checksum.sha1", "x-amz-checksum-sha1"),
    ("checksum.sha256", "x-amz-checksum-sha256"),
];
/// The checksum that Google and Azure store: MD5 in base64.
pub const MD5: &str = "checksum.md5";
const CHECKSUM_TYPE: (&str, &str) = ("checksum-type", "x-amz-checksum-type");

/// Which attributes a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carry {
    /// The storage class.
    pub storage_class: bool,
    /// How the server encrypts it.
    pub encryption: bool,
    /// Object lock.
    pub lock: bool,
    /// Tags.
    pub tags: bool,
}

/// Attributes of one object: names without the service's prefix, and values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectAttributes(BTreeMap<Vec<u8>, Vec<u8>>);

impl ObjectAttributes {
    /// The attributes in the headers of a response.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut attributes = Self::default();
        let etag = headers.get("etag").map(|etag| etag.as_bytes());
        attributes.set_maybe("etag", etag.map(without_quotes));
        let version = headers.get("x-amz-version-id").map(HeaderValue::as_bytes);
        attributes.set_maybe("version", version);
        let pairs = HEADERS.iter().chain([&STORAGE_CLASS]).chain(&ENCRYPTION).chain(&LOCK);
        for (name, header) in pairs.chain(&CHECKSUMS).chain([&CHECKSUM_TYPE]) {
            attributes.set_maybe(name, headers.get(*header).map(HeaderValue::as_bytes));
        }
        for name in headers.keys() {
            if let Some(meta) = name.as_str().strip_prefix(META_HEADER) {
                let values: Vec<_> =
                    headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
                attributes.set(&format!("meta.{meta}"), values.join(&b", "[..]));
            }
        }
        attributes.drop_transfer_encoding();
        attributes
    }

    /// `aws-chunked` says how an object was once sent, not how it is encoded.
    fn drop_transfer_encoding(&mut self) {
        let Some(value) = self.text("content-encoding") else { return };
        let kept: Vec<_> =
            value.split(',').map(str::trim).filter(|it| *it != "aws-chunked").collect();
        let kept = kept.join(",");
        if kept.is_empty() {
            self.0.remove(&b"content-encoding"[..]);
        } else if kept.len() < value.len() && value.contains("aws-chunked") {
            self.set("content-encoding", kept);
        }
    }

    /// The attributes of a delete marker: there are no others to query.
    pub fn delete_marker(version: Option<&str>) -> Self {
        let mut attributes = Self::default();
        attributes.set("delete-marker", "true");
        attributes.set_maybe("version", version);
        attributes
    }

    /// The attributes among an entry's extended attributes that mean something to a service: its
    /// own, and from another service those common to all.
    pub fn from_xattrs(xattrs: &[(Vec<u8>, Vec<u8>)], origin: AttributeOrigin) -> Self {
        let mut attributes = BTreeMap::new();
        for (name, value) in xattrs {
            if let Some(name) = origin.strip(name) {
                attributes.insert(name.to_vec(), value.clone());
            } else if let Some(name) =
                AttributeOrigin::ALL.iter().find_map(|other| other.strip(name))
                && is_common(name)
            {
                attributes.entry(name.to_vec()).or_insert_with(|| value.clone());
            }
        }
        Self(attributes)
    }

    /// As extended attributes of an entry, ascending by name.
    pub fn into_xattrs(self, origin: AttributeOrigin) -> Vec<(Vec<u8>, Vec<u8>)> {
        let prefixed = |name: Vec<u8>| [origin.name().as_bytes(), b".", &name].concat();
        self.0.into_iter().map(|(name, value)| (prefixed(name), value)).collect()
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.insert(name.as_bytes().to_vec(), value.into());
    }

    /// Sets an attribute if there is a value.
    pub fn set_maybe(&mut self, name: &str, value: Option<impl Into<Vec<u8>>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name.as_bytes()).map(Vec::as_slice)
    }

    /// The value of an attribute that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// Names and values of the tags.
    pub fn tags(&self) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let tags = self
            .0
            .iter()
            .filter_map(|(name, value)| Some((text(name.strip_prefix(b"tag.")?), text(value))));
        tags.collect()
    }

    /// Names and values of user metadata that is text.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, value)| {
            let name = std::str::from_utf8(name.strip_prefix(b"meta.")?).ok()?;
            Some((name, std::str::from_utf8(value).ok()?))
        })
    }

    /// Names and values of the checksums that the server stored.
    pub fn checksums(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = CHECKSUMS.iter().map(|(name, _)| *name).chain([MD5]);
        names.filter_map(|name| Some((name, self.text(name)?)))
    }

    /// The checksum that S3 stored: name of the header and value.
    pub fn checksum(&self) -> Option<(&'static str, &str)> {
        CHECKSUMS.iter().find_map(|(name, header)| Some((*header, self.text(name)?)))
    }

    /// Headers of a request that writes an object with these attributes.
    pub fn to_headers(&self, carry: Carry) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut pairs = HEADERS.to_vec();
        pairs.extend(carry.storage_class.then_some(STORAGE_CLASS));
        pairs.extend(ENCRYPTION.iter().filter(|_| carry.encryption));
        pairs.extend(LOCK.iter().filter(|_| carry.lock));
        for (name, header) in pairs {
            if let Some(value) =
                self.get(name).and_then(|value| HeaderValue::from_bytes(value).ok())
            {
                headers.insert(HeaderName::from_static(header), value);
            }
        }
        for (name, value) in &self.0 {
            if let Some(meta) = name.strip_prefix(b"meta.")
                && let Ok(name) = HeaderName::from_bytes(&[META_HEADER.as_bytes(), meta].concat())
                && let Ok(value) = HeaderValue::from_bytes(value)
            {
                headers.insert(name, value);
            }
        }
        headers
    }

    /// True if a request with [`ObjectAttributes::to_headers`] would have the same effect for both.
    pub fn is_same_when_written(&self, other: &Self, carry: Carry) -> bool {
        self.to_headers(carry) == other.to_headers(carry)
    }
}

/// True for attributes that every service has.
fn is_common(name: &[u8]) -> bool {
    COMMON.contains(&name) || name.starts_with(b"meta.") || name.starts_with(b"tag.")
}

/// An ETag without its quotes, and without the mark of a weak one.
pub fn without_quotes(etag: &[u8]) -> &[u8] {
    let etag = etag.strip_prefix(b"W/").unwrap_or(etag);
    etag.strip_prefix(b"\"").and_then(|etag| etag.strip_suffix(b"\"")).unwrap_or(etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Carry = Carry { storage_class: true, encryption: true, lock: true, tags: true };

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn headers_become_attributes_and_headers_again() {
        let sent = headers(&[
            ("content-type", "text/plain; charset=x"),
            ("content-encoding", "gzip"),
            ("cache-control", "no-cache"),
            ("x-amz-website-redirect-location", "/other"),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-server-side-encryption", "AES256"),
            ("x-amz-object-lock-mode", "GOVERNANCE"),
            ("x-amz-meta-colour", "r=d, \"x\""),
        ]);
        let mut answered = sent.clone();
        answered.extend(headers(&[
            ("etag", "\"abc-2\""),
            ("x-amz-version-id", "v1"),
            ("date", "now"),
        ]));
        let attributes = ObjectAttributes::from_headers(&answered);
        assert_eq!(attributes.text("etag"), Some("abc-2"));
        assert_eq!(attributes.text("version"), Some("v1"));
        assert_eq!(attributes.get("meta.colour"), Some(&b"r=d, \"x\""[..]));
        let xattrs = attributes.clone().into_xattrs(AttributeOrigin::S3);
        assert!(xattrs.is_sorted() && xattrs.iter().all(|(name, _)| name.starts_with(b"s3.")));
        assert_eq!(ObjectAttributes::from_xattrs(&xattrs, AttributeOrigin::S3), attributes);
        assert_eq!(attributes.to_headers(ALL), sent);
        let carry = Carry { storage_class: false, encryption: false, lock: false, tags: false };
        assert_eq!(attributes.to_headers(carry).len(), 5);
    }

    #[test]
    fn the_encoding_of_a_transfer_is_not_the_object_s() {
        let encoding = |value| {
            let attributes =
                ObjectAttributes::from_headers(&headers(&[("content-encoding", value)]));
            attributes.text("content-encoding").map(str::to_owned)
        };
        assert_eq!(encoding("aws-chunked"), None);
        assert_eq!(encoding("aws-chunked, gzip").as_deref(), Some("gzip"));
        assert_eq!(encoding("gzip , br").as_deref(), Some("gzip , br"));
    }

    #[test]
    fn other_services_take_what_is_common() {
        let mut attributes = ObjectAttributes::default();
        for name in ["etag", "storage-class", "content-type", "meta.a", "tag.b", "checksum.md5"] {
            attributes.set(name, name);
        }
        let xattrs = attributes.into_xattrs(AttributeOrigin::Azure);
        assert!(xattrs.iter().all(|(name, _)| name.starts_with(b"azure.")));
        let taken = ObjectAttributes::from_xattrs(&xattrs, AttributeOrigin::S3)
            .into_xattrs(AttributeOrigin::S3);
        let names: Vec<_> = taken.iter().map(|(name, _)| name.as_slice()).collect();
        assert_eq!(names, [&b"s3.content-type"[..], b"s3.meta.a", b"s3.tag.b"]);
    }

    #[test]
    fn tags_have_any_name() {
        let mut attributes = ObjectAttributes::default();
        attributes.set("tag.a/b = \u{e9}", "x");
        attributes.set("tagged", "no");
        assert_eq!(attributes.tags(), [("a/b = \u{e9}".to_owned(), "x".to_owned())]);
    }
}
