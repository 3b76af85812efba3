//! A report as JSON, posted to a URL.

use serde::Serialize;

use super::address;
use super::http::{HttpClient, NoticeError, NoticeRequest};
use crate::config::{Webhook, When};

/// Posts a document, if the rules request it for success or failure, as `is_fine` says.
///
/// # Errors
/// [`NoticeError`].
pub fn post(
    http: &HttpClient,
    rules: &Webhook,
    is_fine: bool,
    document: &impl Serialize,
) -> Result<(), NoticeError> {
    if rules.when == When::Failure && is_fine {
        return Ok(());
    }
    let authorization = rules.authorization_file.as_deref().map(address::header).transpose()?;
    let url = address::resolve(&rules.address)?.into_url();
    let body = serde_json::to_string(document)
        .map_err(|error| NoticeError::Client { reason: error.to_string() })?;
    let letter = NoticeRequest {
        to: "the webhook",
        url,
        content_type: "application/json",
        authorization,
        body: &body,
        retries_max: u32::MAX,
    };
    http.post(&letter).map(|_| ())
}
