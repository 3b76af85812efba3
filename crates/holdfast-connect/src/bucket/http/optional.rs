//! Checksum headers, which not every server accepts: if one rejects them, the request is repeated
//! without, and they are left out from then on.

use std::sync::atomic::{AtomicBool, Ordering};

use http::header::HeaderName;

use super::failure::ServiceRefusal;
use super::request::ServiceRequest;
use crate::bucket::ChecksumHeaders;

/// How the names of such headers begin.
const PREFIX: &str = "x-amz-checksum-";

/// Whether such headers are sent.
#[derive(Debug)]
pub struct Optional {
    is_left_out: AtomicBool,
}

impl Optional {
    /// As configured; nothing is known of the server yet.
    pub fn new(checksums: ChecksumHeaders) -> Self {
        Self { is_left_out: AtomicBool::new(checksums == ChecksumHeaders::Never) }
    }

    /// True if they are sent.
    pub fn is_sent(&self) -> bool {
        !self.is_left_out.load(Ordering::Relaxed)
    }

    /// Removes them from a request to a server that rejects them.
    pub fn prepare(&self, request: &mut ServiceRequest<'_>) {
        if !self.is_sent() {
            reduce(request);
        }
    }

    /// True if they may be the reason for a refusal: they have then been removed, and the request
    /// is worth another attempt. Content that does not match its checksum stays refused.
    pub fn can_do_without(
        &self,
        request: &mut ServiceRequest<'_>,
        refusal: &ServiceRefusal,
    ) -> bool {
        let is_of_content = refusal.code.contains("Digest") || refusal.code.contains("Mismatch");
        let may_be = matches!(refusal.status.as_u16(), 400 | 501) && !is_of_content;
        may_be && reduce(request)
    }

    /// Notes that a request succeeded: without the headers, if it was refused with them.
    pub fn succeeded(&self, request: &ServiceRequest<'_>) {
        if request.is_reduced {
            self.is_left_out.store(true, Ordering::Relaxed);
        }
    }
}

/// Removes such headers; true if there were any.
fn reduce(request: &mut ServiceRequest<'_>) -> bool {
    let names = request.headers.keys().filter(|name| name.as_str().starts_with(PREFIX));
    let names: Vec<HeaderName> = names.cloned().collect();
    for name in &names {
        request.headers.remove(name);
    }
    request.is_reduced |= !names.is_empty();
    !names.is_empty()
}
