//! Parsing of servers' answers, without a server: the entry points for fuzzing.
//!
//! Everything here comes from outside and can be anything; none of it may cause a panic.

use http::StatusCode;
use http::header::HeaderMap;

use super::http::failure::ServiceRefusal;
use super::http::xml::Element;
use super::object::{ListPage, ListPosition};
use super::s3::grants::Grants;
use super::s3::list::{objects_page, versions_page};
use super::s3::object::tags_in;

/// A page of a listing of objects.
///
/// # Errors
/// A description of what is wrong with it.
pub fn objects(document: &[u8]) -> Result<ListPage, String> {
    objects_page(&Element::parse(document)?, &ListPosition::default())
}

/// A page of a listing of versions.
///
/// # Errors
/// A description of what is wrong with it.
pub fn versions(document: &[u8]) -> Result<ListPage, String> {
    versions_page(&Element::parse(document)?, &ListPosition::default())
}

/// A page of a listing from Google.
///
/// # Errors
/// A description of what is wrong with it.
pub fn google_objects(document: &[u8]) -> Result<ListPage, String> {
    super::google::resource::page(document, &ListPosition::default())
}

/// A page of a listing from Azure.
///
/// # Errors
/// A description of what is wrong with it.
pub fn blobs(document: &[u8]) -> Result<ListPage, String> {
    super::azure::list::page(&Element::parse(document)?, &ListPosition::default())
}

/// Names and values of tags.
///
/// # Errors
/// A description of what is wrong with the document.
pub fn tags(document: &[u8]) -> Result<Vec<(String, String)>, String> {
    Ok(tags_in(&Element::parse(document)?))
}

/// Headers that grant the same as an access control list.
///
/// # Errors
/// A description of what is wrong with it.
pub fn grants(document: &[u8]) -> Result<Vec<(&'static str, String)>, String> {
    Ok(Grants::parse(document)?.headers().collect())
}

/// The server's error code and its explanation.
pub fn refusal(status: u16, document: &[u8]) -> (String, Option<String>) {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let refusal = ServiceRefusal::parse(status, &HeaderMap::new(), document);
    (refusal.code, refusal.message)
}

/// Sizes of the parts of an upload.
pub fn parts(text: &str) -> Option<Vec<u64>> {
    super::s3::look::parts_of_layout(text)
}
