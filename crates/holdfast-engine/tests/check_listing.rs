//! A storage whose listings are incomplete: nothing counts as lost because a listing lacks it.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use std::sync::Arc;

use bytes::Bytes;
use check_support::*;
use holdfast_backend::{Backend, BackendError, ListedObject, MemoryBackend, ObjectName};

/// Omits every `step`-th object from its listings.
#[derive(Debug)]
struct Forgetful {
    inner: Arc<dyn Backend>,
    step: usize,
}

impl Backend for Forgetful {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        self.inner.put(name, parts)
    }

    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        self.inner.get(name, bytes_max)
    }

    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        self.inner.get_range(name, offset, length)
    }

    fn size(&self, name: &ObjectName) -> Result<u64, BackendError> {
        self.inner.size(name)
    }

    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
        let listed = self.inner.list(prefix)?.into_iter().enumerate();
        let kept = listed.filter(|(number, _)| self.step == 0 || number % self.step != 0);
        Ok(kept.map(|(_, listed)| listed).collect())
    }

    fn delete(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.inner.delete(name)
    }

    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.inner.quarantine(name)
    }
}

/// The same repository with incomplete listings. Step 1 lists nothing at all.
fn forgetful(fixture: &Fixture, step: usize) -> Fixture {
    let inner = Arc::clone(&fixture.backend);
    Fixture { backend: Arc::new(Forgetful { inner, step }), key: fixture.key.clone() }
}

#[test]
fn what_a_listing_lacks_is_asked_for_by_name() {
    let fixture = sample();
    // Without any listing the key slots cannot be found; everything else can.
    for step in 2..8 {
        let shy = forgetful(&fixture, step);
        let Ok(repository) = shy.try_open() else { continue };
        let report = check_all(&repository);
        assert_eq!(report.findings, []);
        assert_eq!((report.snapshots, report.packs_read), (2, 4));
        assert!(!repair_of(&repository, true).has_changed_anything());
    }
}

#[test]
fn a_repair_with_incomplete_listings_is_completed_later() {
    for step in 2..8 {
        let memory = Arc::new(MemoryBackend::new());
        let fixture = Fixture::new(memory);
        fill(&fixture);
        let before = all_blobs(&fixture);
        for index in fixture.names("index/") {
            fixture.delete(&index);
        }
        if let Ok(repository) = forgetful(&fixture, step).try_open() {
            repair_of(&repository, true);
        }
        repair(&fixture, false);
        assert_eq!(all_blobs(&fixture), before, "step {step}");
        assert_clean(&fixture);
    }
}
