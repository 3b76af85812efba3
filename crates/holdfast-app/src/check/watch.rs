//! What checks watch for while one source is read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_connect::Source as Connector;
use holdfast_engine::{EngineEvent, Observer};

use super::hashes::Digests;
use super::names::RowNames;
use super::passing::{PassingSource, SharedReferences};
use super::references::{Findings, Open, References};

/// What rows refer to in one source, matched while that is read.
#[derive(Clone, Default)]
pub struct SourceWatch {
    references: SharedReferences,
    names: Option<RowNames>,
}

impl SourceWatch {
    /// Watches for `references`, by the names that rows have for what the source holds.
    pub fn new(references: Vec<References>, names: Option<RowNames>) -> Self {
        Self { references: Arc::new(Mutex::new(references)), names }
    }

    /// Watches a source.
    pub fn wrap(&self, source: Box<dyn Connector>) -> Box<dyn Connector> {
        let Some(names) = self.names.clone() else { return source };
        let references = Arc::clone(&self.references);
        let name_of = Box::new(move |path: &[u8]| names.name_of(path));
        Box::new(PassingSource::new(source, references, name_of))
    }

    /// Watches the events of a source for entries that could not be read.
    pub fn observer<'a>(&'a self, inner: &'a dyn Observer) -> WatchObserver<'a> {
        WatchObserver { inner, watch: self }
    }

    /// What rows refer to, to be matched with the contents of a source.
    pub fn references(&self) -> SharedReferences {
        Arc::clone(&self.references)
    }

    /// Contents not yet read, each once, in the order of their keys.
    pub fn open(&self) -> Vec<Open> {
        let mut all = BTreeMap::<_, Open>::new();
        for open in self.locked().iter().flat_map(References::open) {
            let same = all.entry(open.key.clone()).or_insert_with(|| open.clone());
            same.kinds = same.kinds.and(open.kinds);
        }
        all.into_values().collect()
    }

    /// Gives the references the digests of a content.
    pub fn has_content(&self, key: &[u8], digests: &Digests) {
        self.locked().iter_mut().for_each(|references| references.has_content(key, digests));
    }

    /// What was found for the references, in their order. The source must have been read to its
    /// end.
    pub fn finish(&self) -> Vec<Findings> {
        self.locked().drain(..).map(References::finish).collect()
    }

    fn locked(&self) -> MutexGuard<'_, Vec<References>> {
        self.references.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forwards events, and notes entries that could not be read.
pub struct WatchObserver<'a> {
    inner: &'a dyn Observer,
    watch: &'a SourceWatch,
}

impl Observer for WatchObserver<'_> {
    fn event(&self, event: EngineEvent<'_>) {
        if let EngineEvent::Trouble { path, .. } = event
            && let Some(key) = self.watch.names.as_ref().and_then(|names| names.name_of(path))
        {
            let mut all = self.watch.locked();
            all.iter_mut().for_each(|references| references.is_unreadable(&key));
        }
        self.inner.event(event);
    }

    fn is_interrupted(&self) -> bool {
        self.inner.is_interrupted()
    }

    fn wants_checkpoint(&self) -> bool {
        self.inner.wants_checkpoint()
    }
}
