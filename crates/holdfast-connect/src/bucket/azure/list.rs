//! Listings: pages of blobs with everything Azure reports about them.

use std::sync::Arc;

use holdfast_format::entry::FileTime;
use jiff::fmt::rfc2822::DateTimeParser;

use super::headers::PROPERTIES;
use crate::bucket::attributes::ObjectAttributes;
use crate::bucket::http::encode;
use crate::bucket::http::xml::Element;
use crate::bucket::object::{ListPage, ListPosition, ListedKey};

/// Reads a page.
pub fn page(root: &Element, after: &ListPosition) -> Result<ListPage, String> {
    if root.name != "EnumerationResults" {
        return Err("it is not an EnumerationResults document".to_owned());
    }
    let blobs = root.child("Blobs").into_iter().flat_map(|blobs| blobs.all("Blob"));
    // With a hierarchical name space folders are listed like blobs; a restore creates them
    // implicitly.
    let is_folder = |blob: &&Element| {
        let kind = blob.child("Properties").and_then(|it| it.text("ResourceType"));
        kind == Some("directory")
    };
    let objects: Result<Vec<_>, _> = blobs.filter(|blob| !is_folder(blob)).map(listed).collect();
    let objects = objects?;
    let next = root.text("NextMarker").filter(|marker| !marker.is_empty()).map(|marker| {
        let key = objects.last().map(|last| last.key.clone()).or_else(|| after.key.clone());
        ListPosition { key, token: Some(marker.to_owned()) }
    });
    if next.as_ref() == Some(after) {
        return Err("its pages do not advance".to_owned());
    }
    Ok(ListPage { objects, next })
}

/// What a listing reports about one blob.
fn listed(blob: &Element) -> Result<ListedKey, String> {
    let name = blob.child("Name").ok_or("a blob has no name")?;
    let key = match name.is_encoded {
        true => encode::decoded_path(&name.text),
        false => Some(name.text.clone()),
    };
    let key = key.ok_or_else(|| format!("{:?} is not encoded correctly", name.text))?;
    let missing = |what: &str| format!("{key:?} has no readable {what}");
    let properties = blob.child("Properties").ok_or_else(|| missing("properties"))?;
    let bytes = properties.text("Content-Length").and_then(|bytes| bytes.parse().ok());
    let etag = properties.text("Etag").unwrap_or_default().trim_matches('"').to_owned();
    let attributes = attributes(blob, properties, &etag);
    Ok(ListedKey {
        bytes: bytes.ok_or_else(|| missing("size"))?,
        modified: properties
            .text("Last-Modified")
            .and_then(moment)
            .ok_or_else(|| missing("time"))?,
        etag,
        is_latest: true,
        attributes: Some(Arc::new(attributes)),
        key,
        ..ListedKey::default()
    })
}

fn attributes(blob: &Element, properties: &Element, etag: &str) -> ObjectAttributes {
    let mut attributes = ObjectAttributes::default();
    let property = |name: &str| properties.text(name).filter(|value| !value.is_empty());
    attributes.set("etag", etag);
    for (name, _, listed) in PROPERTIES {
        attributes.set_maybe(name, property(listed));
    }
    let is_usual_tier = property("AccessTierInferred") == Some("true");
    attributes.set_maybe("storage-class", property("AccessTier").filter(|_| !is_usual_tier));
    attributes.set_maybe("type", property("BlobType").filter(|kind| *kind != "BlockBlob"));
    for pair in blob.child("Metadata").map(|it| it.children.as_slice()).unwrap_or_default() {
        attributes.set(&format!("meta.{}", pair.name), pair.text.as_str());
    }
    let tags = blob.child("Tags").and_then(|tags| tags.child("TagSet"));
    for tag in tags.into_iter().flat_map(|tags| tags.all("Tag")) {
        if let (Some(name), Some(value)) = (tag.text("Key"), tag.text("Value")) {
            attributes.set(&format!("tag.{name}"), value);
        }
    }
    attributes
}

/// A time as Azure writes it: `Sat, 21 Nov 2026 13:14:23 GMT`.
fn moment(text: &str) -> Option<FileTime> {
    Some(DateTimeParser::new().parse_timestamp(text).ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ListPage, String> {
        page(&Element::parse(text.as_bytes()).unwrap(), &ListPosition::default())
    }

    const BLOB: &str = "<Properties><Last-Modified>Sat, 21 Nov 2026 13:14:23 GMT</Last-Modified>\
        <Etag>0x8DE</Etag><Content-Length>7</Content-Length><Content-Type>text/x</Content-Type>\
        <Content-Encoding/><Content-MD5>abc=</Content-MD5><BlobType>BlockBlob</BlobType>\
        <AccessTier>Cool</AccessTier></Properties>\
        <Metadata><Colour>red &amp; blue</Colour></Metadata>\
        <Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags>";

    #[test]
    fn a_page_says_what_it_lists() {
        let page = read(&format!(
            "<EnumerationResults><Blobs>\
             <Blob><Name>a+b</Name>{BLOB}</Blob>\
             <Blob><Name Encoded=\"true\">a%EF%BF%BE+</Name>{BLOB}</Blob>\
             </Blobs><NextMarker>m&amp;</NextMarker></EnumerationResults>"
        ));
        let page = page.unwrap();
        let keys: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, ["a+b", "a\u{fffe}+"]);
        let object = &page.objects[0];
        assert_eq!((object.etag.as_str(), object.bytes), ("0x8DE", 7));
        assert_eq!(object.modified.seconds, 1_795_266_863);
        let attributes = object.attributes.as_ref().unwrap();
        for (name, value) in [
            ("content-type", Some("text/x")),
            ("content-encoding", None),
            ("storage-class", Some("Cool")),
            ("type", None),
            ("meta.Colour", Some("red & blue")),
            ("tag.k", Some("v")),
            ("checksum.md5", Some("abc=")),
        ] {
            assert_eq!(attributes.text(name), value, "{name}");
        }
        assert_eq!(page.next.unwrap().token.as_deref(), Some("m&"));
    }

    #[test]
    fn folders_are_no_blobs() {
        let page = read(
            "<EnumerationResults><Blobs><Blob><Name>d</Name><Properties>\
             <ResourceType>directory</ResourceType></Properties></Blob></Blobs>\
             <NextMarker/></EnumerationResults>",
        );
        let page = page.unwrap();
        assert!(page.objects.is_empty() && page.next.is_none());
    }

    #[test]
    fn malformed_pages_are_refused() {
        for bad in [
            "<Other/>",
            "<EnumerationResults><Blobs><Blob/></Blobs></EnumerationResults>",
            "<EnumerationResults><Blobs><Blob><Name>a</Name><Properties/></Blob></Blobs>\
             </EnumerationResults>",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
