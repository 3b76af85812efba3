//! Objects as Google describes them in listings, and as it expects them to be described.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_format::entry::FileTime;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::bucket::attributes::{Carry, MD5, ObjectAttributes};
use crate::bucket::object::{ListPage, ListPosition, ListedKey};

/// Attributes that are text in both directions, with their names in a resource.
const TEXTS: [(&str, &str); 6] = [
    ("content-type", "contentType"),
    ("content-encoding", "contentEncoding"),
    ("content-disposition", "contentDisposition"),
    ("content-language", "contentLanguage"),
    ("cache-control", "cacheControl"),
    ("custom-time", "customTime"),
];
const STORAGE_CLASS: (&str, &str) = ("storage-class", "storageClass");
const CRC32C: (&str, &str) = ("checksum.crc32c", "crc32c");
const MD5_HASH: (&str, &str) = (MD5, "md5Hash");
/// Attributes that a listing includes but that are never written.
const TOLD: [(&str, &str); 3] = [
    ("generation", "generation"),
    ("metageneration", "metageneration"),
    ("encryption-key", "kmsKeyName"),
];
const HOLDS: [(&str, &str); 2] =
    [("temporary-hold", "temporaryHold"), ("event-based-hold", "eventBasedHold")];

/// The fields requested in listings.
pub const LISTED_FIELDS: &str = "nextPageToken,items(name,size,generation,metageneration,\
    timeCreated,updated,contentType,contentEncoding,contentDisposition,contentLanguage,\
    cacheControl,customTime,metadata,storageClass,crc32c,md5Hash,kmsKeyName,temporaryHold,\
    eventBasedHold)";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedPage {
    #[serde(default)]
    items: Vec<Resource>,
    next_page_token: Option<String>,
}

/// An object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: String,
    size: String,
    generation: String,
    time_created: String,
    updated: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Reads a page of a listing.
///
/// # Errors
/// A description of what is wrong with it.
pub fn page(document: &[u8], after: &ListPosition) -> Result<ListPage, String> {
    let page: ListedPage = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let objects: Result<Vec<_>, _> = page.items.into_iter().map(listed).collect();
    let mut objects = objects?;
    // A listing begins at a key, not after it.
    if let (None, Some(key)) = (&after.token, &after.key) {
        objects.retain(|object| object.key > *key);
    }
    let next = page.next_page_token.filter(|token| !token.is_empty()).map(|token| {
        let key = objects.last().map(|last| last.key.clone()).or_else(|| after.key.clone());
        ListPosition { key, token: Some(token) }
    });
    if next.is_some() && next.as_ref() == Some(after) {
        return Err("its pages do not advance".to_owned());
    }
    Ok(ListPage { objects, next })
}

/// The generation of the object that a response describes.
///
/// # Errors
/// A description of what is wrong with it.
pub fn generation(document: &[u8]) -> Result<String, String> {
    let value: Value = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let generation = value.get("generation").and_then(Value::as_str);
    generation.map(str::to_owned).ok_or_else(|| "it has no generation".to_owned())
}

fn listed(resource: Resource) -> Result<ListedKey, String> {
    let missing = |what: &str| format!("{:?} has no readable {what}", resource.name);
    let bytes = resource.size.parse().map_err(|_| missing("size"))?;
    let created = moment(&resource.time_created).ok_or_else(|| missing("time"))?;
    let changed = resource.updated.as_deref().and_then(moment);
    let attributes = attributes(&resource);
    Ok(ListedKey {
        etag: resource.generation,
        bytes,
        modified: created,
        changed: changed.filter(|changed| *changed > created),
        is_latest: true,
        attributes: Some(Arc::new(attributes)),
        key: resource.name,
        ..ListedKey::default()
    })
}

fn attributes(resource: &Resource) -> ObjectAttributes {
    let mut attributes = ObjectAttributes::default();
    attributes.set("generation", resource.generation.as_str());
    let texts = TEXTS.iter().chain([&STORAGE_CLASS, &CRC32C, &MD5_HASH]).chain(&TOLD);
    for (name, field) in texts {
        let value = resource.rest.get(*field).and_then(Value::as_str);
        attributes.set_maybe(name, value.filter(|value| !value.is_empty()));
    }
    for (name, field) in HOLDS {
        if resource.rest.get(field).and_then(Value::as_bool) == Some(true) {
            attributes.set(name, "true");
        }
    }
    for (name, value) in resource.metadata.iter().flatten() {
        attributes.set(&format!("meta.{name}"), value.as_str());
    }
    attributes
}

fn moment(text: &str) -> Option<FileTime> {
    Some(text.parse::<Timestamp>().ok()?.into())
}

/// The resource of an object to be written.
pub fn wanted(key: &str, attributes: &ObjectAttributes, carry: Carry) -> Map<String, Value> {
    let mut resource = Map::new();
    resource.insert("name".to_owned(), key.into());
    let texts = TEXTS.iter().chain([&CRC32C, &MD5_HASH]);
    for (name, field) in texts.chain(carry.storage_class.then_some(&STORAGE_CLASS)) {
        if let Some(value) = attributes.text(name) {
            resource.insert((*field).to_owned(), value.into());
        }
    }
    for (name, field) in HOLDS.iter().filter(|_| carry.lock) {
        if attributes.text(name) == Some("true") {
            resource.insert((*field).to_owned(), true.into());
        }
    }
    let metadata: Map<_, _> =
        attributes.metadata().map(|(name, value)| (name.to_owned(), value.into())).collect();
    if !metadata.is_empty() {
        resource.insert("metadata".to_owned(), metadata.into());
    }
    resource
}

/// The changes that an existing object needs; `None` if it needs none.
pub fn change(wanted: &ObjectAttributes, found: &ObjectAttributes) -> Option<Map<String, Value>> {
    let or_null = |value: Option<&str>| value.map_or(Value::Null, Into::into);
    let mut resource = Map::new();
    // A custom time cannot be removed.
    for (name, field) in TEXTS.iter().filter(|(name, _)| *name != "custom-time") {
        if wanted.text(name) != found.text(name) {
            resource.insert((*field).to_owned(), or_null(wanted.text(name)));
        }
    }
    let wanted: BTreeMap<_, _> = wanted.metadata().collect();
    let found: BTreeMap<_, _> = found.metadata().collect();
    let names =
        wanted.keys().chain(found.keys()).filter(|name| wanted.get(*name) != found.get(*name));
    let metadata: Map<_, _> =
        names.map(|name| ((*name).to_owned(), or_null(wanted.get(name).copied()))).collect();
    if !metadata.is_empty() {
        resource.insert("metadata".to_owned(), metadata.into());
    }
    Some(resource).filter(|resource| !resource.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"{"kind": "storage#objects", "nextPageToken": "t", "items": [
        {"name": "a", "size": "1", "generation": "7", "timeCreated": "2026-08-01T12:00:00.123Z"},
        {"name": "b//", "size": "2", "generation": "8", "metageneration": "3",
         "timeCreated": "2026-08-01T12:00:00Z", "updated": "2026-08-01T12:00:05Z",
         "contentType": "text/x", "storageClass": "NEARLINE", "crc32c": "y/Q5Jg==",
         "temporaryHold": true, "eventBasedHold": false, "metadata": {"Colour": "r\u00e9d"}}]}"#;

    #[test]
    fn a_page_says_what_it_lists() {
        let first = page(PAGE.as_bytes(), &ListPosition::default()).unwrap();
        assert_eq!(first.next.unwrap().token.as_deref(), Some("t"));
        let [one, other] = first.objects.as_slice() else { panic!("two objects") };
        assert_eq!((one.key.as_str(), one.etag.as_str(), one.bytes), ("a", "7", 1));
        assert_eq!((one.modified.nanoseconds, one.changed), (123_000_000, None));
        assert_eq!(other.changed.unwrap().seconds, other.modified.seconds + 5);
        let attributes = other.attributes.as_ref().unwrap();
        for (name, value) in [
            ("generation", Some("8")),
            ("metageneration", Some("3")),
            ("storage-class", Some("NEARLINE")),
            ("content-type", Some("text/x")),
            ("temporary-hold", Some("true")),
            ("event-based-hold", None),
            ("meta.Colour", Some("r\u{e9}d")),
            ("checksum.crc32c", Some("y/Q5Jg==")),
            ("checksum.md5", None),
        ] {
            assert_eq!(attributes.text(name), value, "{name}");
        }
        let after = ListPosition { key: Some("a".to_owned()), token: None };
        let rest = page(PAGE.as_bytes(), &after).unwrap().objects;
        assert_eq!(rest.len(), 1, "it begins after the key");
    }

    #[test]
    fn malformed_pages_are_refused() {
        for bad in [
            "",
            "[]",
            r#"{"items": [{}]}"#,
            r#"{"items": [{"name": "a", "size": "-1",
            "generation": "1", "timeCreated": "2026-08-01T12:00:00Z"}]}"#,
        ] {
            assert!(page(bad.as_bytes(), &ListPosition::default()).is_err(), "{bad}");
        }
        assert!(generation(b"{}").is_err());
        let empty = page(b"{}", &ListPosition::default()).unwrap();
        assert!(empty.objects.is_empty() && empty.next.is_none());
    }

    #[test]
    fn only_what_differs_is_changed() {
        let mut found = ObjectAttributes::default();
        for (name, value) in [("content-type", "a"), ("cache-control", "b"), ("meta.x", "1")] {
            found.set(name, value);
        }
        assert_eq!(change(&found, &found), None);
        let mut wanted = ObjectAttributes::default();
        wanted.set("content-type", "c");
        wanted.set("meta.y", "2");
        let change = Value::from(change(&wanted, &found).unwrap()).to_string();
        let expected = r#"{"cacheControl":null,"contentType":"c","metadata":{"x":null,"y":"2"}}"#;
        assert_eq!(change, expected);
    }
}
