//! Listings: pages of keys, with what S3 reports about each without further requests.

use std::cmp::Ordering;

use holdfast_format::entry::FileTime;
use http::Method;
use jiff::Timestamp;

use super::action;
use super::client::S3;
use crate::bucket::BucketError;
use crate::bucket::http::client::malformed_response;
use crate::bucket::http::encode;
use crate::bucket::http::request::ServiceRequest;
use crate::bucket::http::xml::Element;
use crate::bucket::object::{ListPage, ListPosition, ListedKey};

impl S3 {
    /// A page of the objects whose keys begin with `prefix`, after a position.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn list(
        &self,
        prefix: &str,
        after: &ListPosition,
        count_max: usize,
    ) -> Result<ListPage, BucketError> {
        let mut request = ServiceRequest::new(action::LIST, Method::GET, None)
            .query("list-type", "2")
            .query("encoding-type", "url")
            .query("max-keys", count_max.to_string())
            .query("prefix", prefix);
        request = match &after.token {
            Some(token) => request.query("continuation-token", token.as_str()),
            None => request.maybe_query("start-after", after.key.as_deref()),
        };
        let root = self.http.document(&mut request).await?.unwrap_or_default();
        objects_page(&root, after).map_err(|detail| malformed_response(action::LIST.what, detail))
    }

    /// A page of all versions and delete markers, newest first for each key, after a position.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn list_versions(
        &self,
        prefix: &str,
        after: &ListPosition,
    ) -> Result<ListPage, BucketError> {
        let mut request = ServiceRequest::new(action::LIST_VERSIONS, Method::GET, None)
            .query("versions", "")
            .query("encoding-type", "url")
            .query("max-keys", "1000")
            .query("prefix", prefix)
            .maybe_query("key-marker", after.key.as_deref())
            .maybe_query("version-id-marker", after.token.as_deref());
        let root = self.http.document(&mut request).await?.unwrap_or_default();
        versions_page(&root, after)
            .map_err(|detail| malformed_response(action::LIST_VERSIONS.what, detail))
    }
}

/// Reads a page of objects.
pub(in crate::bucket) fn objects_page(
    root: &Element,
    after: &ListPosition,
) -> Result<ListPage, String> {
    let is_encoded = check(root, "ListBucketResult")?;
    let objects: Result<Vec<_>, _> =
        root.all("Contents").map(|object| listed(object, is_encoded, None)).collect();
    let objects = objects?;
    let next = match root.text("IsTruncated") {
        Some("true") => {
            let key = objects.last().map(|last| last.key.clone()).or_else(|| after.key.clone());
            let token = root.text("NextContinuationToken").map(str::to_owned);
            Some(ListPosition { key, token })
        }
        _ => None,
    };
    check_progress(&next, after)?;
    Ok(ListPage { objects, next })
}

/// Reads a page of versions.
pub(in crate::bucket) fn versions_page(
    root: &Element,
    after: &ListPosition,
) -> Result<ListPage, String> {
    let is_encoded = check(root, "ListVersionsResult")?;
    let mut objects = Vec::new();
    for child in &root.children {
        match child.name.as_str() {
            "Version" => objects.push(listed(child, is_encoded, Some(false))?),
            "DeleteMarker" => objects.push(listed(child, is_encoded, Some(true))?),
            _ => {}
        }
    }
    if !is_in_order(&objects) {
        objects.sort_by(|one, other| {
            let one = (&one.key, std::cmp::Reverse(one.modified), !one.is_latest);
            one.cmp(&(&other.key, std::cmp::Reverse(other.modified), !other.is_latest))
        });
    }
    let next = match root.text("IsTruncated") {
        Some("true") => Some(ListPosition {
            key: Some(text_of_key(root, "NextKeyMarker", is_encoded)?),
            token: root.text("NextVersionIdMarker").map(str::to_owned),
        }),
        _ => None,
    };
    check_progress(&next, after)?;
    Ok(ListPage { objects, next })
}

/// False if the page must be sorted: some servers list all versions of a page first, then all
/// delete markers. With other servers, whose order says more than times in whole seconds, nothing
/// is moved.
fn is_in_order(objects: &[ListedKey]) -> bool {
    let markers_last = objects.is_sorted_by_key(|object| object.is_delete_marker);
    let is_newer = |one: &ListedKey, other: &ListedKey| one.modified >= other.modified;
    objects.is_sorted_by(|one, other| match one.key.cmp(&other.key) {
        Ordering::Less => true,
        Ordering::Equal => !markers_last || is_newer(one, other),
        Ordering::Greater => false,
    })
}

/// Checks the type of a document; true if the keys in it are percent-encoded.
fn check(root: &Element, name: &str) -> Result<bool, String> {
    if root.name != name {
        return Err(format!("it is not a {name}"));
    }
    Ok(root.text("EncodingType") == Some("url"))
}

/// A listing whose next page begins where this one did would never end.
fn check_progress(next: &Option<ListPosition>, after: &ListPosition) -> Result<(), String> {
    if next.as_ref() == Some(after) { Err("its pages do not advance".to_owned()) } else { Ok(()) }
}

fn text_of_key(element: &Element, name: &str, is_encoded: bool) -> Result<String, String> {
    let text = element.text(name).ok_or_else(|| format!("it has no {name}"))?;
    if !is_encoded {
        return Ok(text.to_owned());
    }
    encode::decoded(text).ok_or_else(|| format!("{name} {text:?} is not encoded correctly"))
}

/// What a listing reports about one object; or about a version, and whether it is a delete marker.
fn listed(element: &Element, is_encoded: bool, version: Option<bool>) -> Result<ListedKey, String> {
    let key = text_of_key(element, "Key", is_encoded)?;
    let missing = |name: &str| format!("{key:?} has no readable {name}");
    let is_delete_marker = version == Some(true);
    let bytes = match element.text("Size") {
        None if is_delete_marker => 0,
        size => size.and_then(|size| size.parse().ok()).ok_or_else(|| missing("size"))?,
    };
    let modified = element.text("LastModified").and_then(moment).ok_or_else(|| missing("time"))?;
    let etag = element.text("ETag").unwrap_or_default().trim_matches('"').to_owned();
    let storage_class = element.text("StorageClass").filter(|class| !class.is_empty());
    Ok(ListedKey {
        etag,
        bytes,
        modified,
        storage_class: storage_class.map(str::to_owned),
        version: version.and(element.text("VersionId")).map(str::to_owned),
        is_latest: element.text("IsLatest") == Some("true"),
        is_delete_marker,
        key,
        ..ListedKey::default()
    })
}

/// A time as listings write it.
fn moment(text: &str) -> Option<FileTime> {
    Some(text.parse::<Timestamp>().ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Result<ListPage, String> {
        objects_page(&Element::parse(text.as_bytes()).unwrap(), &ListPosition::default())
    }

    #[test]
    fn a_page_says_what_it_lists() {
        let page = page(
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>t&amp;</NextContinuationToken><Contents><Key>a%2Fb+c</Key>\
             <LastModified>2026-08-01T12:00:00.123Z</LastModified><ETag>&quot;e-2&quot;</ETag>\
             <Size>7</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>",
        )
        .unwrap();
        let object = &page.objects[0];
        assert_eq!((object.key.as_str(), object.etag.as_str(), object.bytes), ("a/b c", "e-2", 7));
        assert_eq!(object.modified.nanoseconds, 123_000_000);
        let token = Some("t&".to_owned());
        assert_eq!(page.next, Some(ListPosition { key: Some("a/b c".to_owned()), token }));
    }

    #[test]
    fn malformed_pages_are_refused() {
        for bad in [
            "<Other/>",
            "<ListBucketResult><Contents/></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        ] {
            assert!(page(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_and_markers_come_in_one_order() {
        let item = |kind: &str, key: &str, second: u32, version: &str| {
            format!(
                "<{kind}><Key>{key}</Key><VersionId>{version}</VersionId><Size>1</Size>\
                 <LastModified>2026-08-01T12:00:{second:02}Z</LastModified></{kind}>"
            )
        };
        let text = [
            item("Version", "a", 3, "3"),
            item("Version", "a", 1, "1"),
            item("Version", "b", 9, "9"),
            item("DeleteMarker", "a", 2, "2"),
        ];
        let text = format!("<ListVersionsResult>{}</ListVersionsResult>", text.concat());
        let page =
            versions_page(&Element::parse(text.as_bytes()).unwrap(), &ListPosition::default());
        let versions = page.unwrap().objects;
        let found: Vec<_> = versions.iter().map(|it| it.version.as_deref().unwrap()).collect();
        assert_eq!(found, ["3", "2", "1", "9"]);
        assert!(versions[1].is_delete_marker && versions[1].bytes == 1);

        // A single key, deleted last.
        let text = [item("Version", "a", 3, "3"), item("DeleteMarker", "a", 4, "4")];
        let text = format!("<ListVersionsResult>{}</ListVersionsResult>", text.concat());
        let page =
            versions_page(&Element::parse(text.as_bytes()).unwrap(), &ListPosition::default());
        assert!(page.unwrap().objects[0].is_delete_marker);
    }
}
