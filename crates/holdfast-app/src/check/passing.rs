//! A source that is watched while it passes: the references of checks are compared with what it
//! yields.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_connect::{Item, LeafKind, Source};

use super::references::References;
use crate::trail::Trail;

/// The references of all checks that concern one source.
pub type SharedReferences = Arc<Mutex<Vec<References>>>;

/// Turns the path of an entry into the key or path that rows name it by; `None` for entries that no
/// row can name.
pub type NameOf = dyn Fn(&[u8]) -> Option<Vec<u8>> + Send;

/// Passes everything on unchanged.
pub struct PassingSource {
    source: Box<dyn Source>,
    references: SharedReferences,
    name_of: Box<NameOf>,
    trail: Trail,
}

impl PassingSource {
    /// Watches `source` for what `references` want; `name_of` gets paths with a slash before each
    /// name.
    pub fn new(
        source: Box<dyn Source>,
        references: SharedReferences,
        name_of: Box<NameOf>,
    ) -> Self {
        Self { source, references, name_of, trail: Trail::default() }
    }

    fn look(&mut self, item: &Item) {
        match item {
            Item::Leaf(leaf) => {
                let LeafKind::File { size } = leaf.kind else { return };
                if let Some(key) = (self.name_of)(&self.trail.of(&leaf.name)) {
                    self.each(|references| references.holds(&key, size));
                }
            }
            Item::Trouble(trouble) => {
                if let Some(key) = (self.name_of)(&trouble.path) {
                    self.each(|references| references.is_unreadable(&key));
                }
            }
            Item::Enter { .. } | Item::Leave | Item::Excluded { .. } => {}
        }
    }

    fn each(&self, work: impl FnMut(&mut References)) {
        let mut references = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        references.iter_mut().for_each(work);
    }
}

impl Source for PassingSource {
    fn next(&mut self) -> io::Result<Option<Item>> {
        let item = self.source.next()?;
        if let Some(item) = &item {
            self.trail.follow(item);
            self.look(item);
        }
        Ok(item)
    }
}
