//! What can be requested of a service, for messages, and how often it was requested.

use std::sync::atomic::{AtomicU64, Ordering};

/// A kind of request, for errors and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestAction {
    /// As in "the server refused to ...".
    pub what: &'static str,
    /// The permission that it needs.
    pub permission: &'static str,
    /// What it counts as.
    pub kind: RequestKind,
}

/// Requests that cost the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// A page of a listing.
    List,
    /// Content of an object.
    Get,
    /// Metadata of an object, its tags and its access rules.
    Look,
    /// Any change.
    Change,
    /// The bucket itself.
    Bucket,
}

/// Requests that were sent, including failed attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Pages of listings.
    pub list: u64,
    /// Contents of objects, whole or in part.
    pub get: u64,
    /// Metadata of objects, tags, access rules.
    pub look: u64,
    /// Any change.
    pub change: u64,
    /// About the bucket itself.
    pub bucket: u64,
}

/// Counts requests.
#[derive(Debug, Default)]
pub struct RequestCounters([AtomicU64; 5]);

impl RequestCounters {
    /// Counts one request.
    pub fn count(&self, kind: RequestKind) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// All so far.
    pub fn requests(&self) -> Requests {
        let count = |kind: RequestKind| self.0[kind as usize].load(Ordering::Relaxed);
        Requests {
            list: count(RequestKind::List),
            get: count(RequestKind::Get),
            look: count(RequestKind::Look),
            change: count(RequestKind::Change),
            bucket: count(RequestKind::Bucket),
        }
    }
}

/// An action from its parts.
pub const fn action(
    what: &'static str,
    permission: &'static str,
    kind: RequestKind,
) -> RequestAction {
    RequestAction { what, permission, kind }
}
