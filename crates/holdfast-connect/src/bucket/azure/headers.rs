//! Attributes of a blob as headers of the requests that set them.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::bucket::attributes::{Carry, MD5, ObjectAttributes};
use crate::bucket::http::encode;

/// Attribute, header, and the property of a listing.
pub const PROPERTIES: [(&str, &str, &str); 6] = [
    ("content-type", "x-ms-blob-content-type", "Content-Type"),
    ("content-encoding", "x-ms-blob-content-encoding", "Content-Encoding"),
    ("content-language", "x-ms-blob-content-language", "Content-Language"),
    ("content-disposition", "x-ms-blob-content-disposition", "Content-Disposition"),
    ("cache-control", "x-ms-blob-cache-control", "Cache-Control"),
    (MD5, "x-ms-blob-content-md5", "Content-MD5"),
];
/// Tiers that a request can ask for.
const TIERS: [&str; 4] = ["Hot", "Cool", "Cold", "Archive"];
const META: &str = "x-ms-meta-";

/// Headers for the properties in a listing.
pub fn properties(attributes: &ObjectAttributes) -> HeaderMap {
    let pairs = PROPERTIES.iter().filter_map(|(name, header, _)| {
        let value = HeaderValue::from_bytes(attributes.get(name)?).ok()?;
        Some((HeaderName::from_static(header), value))
    });
    pairs.collect()
}

/// Headers for user metadata. HTTP ignores case in their names.
pub fn metadata(attributes: &ObjectAttributes) -> HeaderMap {
    let pairs = attributes.metadata().filter_map(|(name, value)| {
        let name = HeaderName::from_bytes(format!("{META}{name}").as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    pairs.collect()
}

/// The tier to request.
pub fn tier(attributes: &ObjectAttributes, carry: Carry) -> Option<&'static str> {
    let wanted = attributes.text("storage-class").filter(|_| carry.storage_class)?;
    TIERS.into_iter().find(|tier| *tier == wanted)
}

/// Headers that give a new blob all of its attributes.
pub fn all(attributes: &ObjectAttributes, carry: Carry) -> HeaderMap {
    let mut headers = properties(attributes);
    headers.extend(metadata(attributes));
    if let Some(tier) = tier(attributes, carry) {
        headers.insert("x-ms-access-tier", HeaderValue::from_static(tier));
    }
    let tags = attributes.tags();
    if carry.tags
        && !tags.is_empty()
        && let Ok(tags) = HeaderValue::from_str(&tagging(&tags))
    {
        headers.insert("x-ms-tags", tags);
    }
    headers
}

/// Tags in the form used in a header.
fn tagging(tags: &[(String, String)]) -> String {
    let pairs = tags
        .iter()
        .map(|(name, value)| format!("{}={}", encode::query(name), encode::query(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_blob_gets_all_that_is_wanted() {
        let mut attributes = ObjectAttributes::default();
        for (name, value) in [
            ("content-type", "text/x"),
            ("meta.Colour", "red"),
            ("storage-class", "Cool"),
            ("tag.a b", "c&d"),
            (MD5, "1B2M2Y8AsgTpgAmY7PhCfg=="),
            ("etag", "0x1"),
        ] {
            attributes.set(name, value);
        }
        let carry = Carry { storage_class: true, encryption: false, lock: false, tags: true };
        let headers = all(&attributes, carry);
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("x-ms-blob-content-type"), Some("text/x"));
        assert_eq!(header("x-ms-meta-colour"), Some("red"));
        assert_eq!(header("x-ms-access-tier"), Some("Cool"));
        assert_eq!(header("x-ms-tags"), Some("a%20b=c%26d"));
        assert_eq!(headers.len(), 5);
        let less = all(&attributes, Carry { storage_class: false, tags: false, ..carry });
        assert_eq!(less.len(), 3);
        attributes.set("storage-class", "P10");
        assert_eq!(tier(&attributes, carry), None, "a request cannot ask for it");
    }
}
