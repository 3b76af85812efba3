//! Headers with checksums, which not every server takes: one that refuses them is asked without,
//! and from then on they are left out.

use std::sync::atomic::{AtomicBool, Ordering};

use http::header::HeaderName;

use super::client::Request;
use super::failure::Refusal;
use crate::bucket::Checksums;

/// What the names of such headers begin with.
const PREFIX: &str = "x-amz-checksum-";

/// Whether such headers are sent.
#[derive(Debug)]
pub struct Optional {
    is_left_out: AtomicBool,
}

impl Optional {
    /// As somebody wants it, and nothing is known of the server.
    pub fn new(checksums: Checksums) -> Self {
        Self { is_left_out: AtomicBool::new(checksums == Checksums::Never) }
    }

    /// True if they are sent.
    pub fn is_sent(&self) -> bool {
        !self.is_left_out.load(Ordering::Relaxed)
    }

    /// Takes them out of a request to a server that refuses them.
    pub fn prepare(&self, request: &mut Request<'_>) {
        if !self.is_sent() {
            reduce(request);
        }
    }

    /// True if a refusal may be due to them: then they have been taken out, and the request is
    /// worth an attempt. A content that is not what its checksum says stays refused.
    pub fn can_do_without(&self, request: &mut Request<'_>, refusal: &Refusal) -> bool {
        let is_of_content = refusal.code.contains("Digest") || refusal.code.contains("Mismatch");
        let may_be = matches!(refusal.status.as_u16(), 400 | 501) && !is_of_content;
        may_be && reduce(request)
    }

    /// Takes note of a request that succeeded: without them, if it was refused with them.
    pub fn succeeded(&self, request: &Request<'_>) {
        if request.is_reduced {
            self.is_left_out.store(true, Ordering::Relaxed);
        }
    }
}

/// True if there were any.
fn reduce(request: &mut Request<'_>) -> bool {
    let names = request.headers.keys().filter(|name| name.as_str().starts_with(PREFIX));
    let names: Vec<HeaderName> = names.cloned().collect();
    for name in &names {
        request.headers.remove(name);
    }
    request.is_reduced |= !names.is_empty();
    !names.is_empty()
}
