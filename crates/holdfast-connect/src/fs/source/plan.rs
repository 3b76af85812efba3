//! The paths that the user named, as one tree.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// One directory on the way to a named path, or a named path.
#[derive(Debug, Clone, Default)]
pub(super) struct PathPlan {
    /// The path itself was named: everything there is wanted.
    pub(super) is_named: bool,
    /// Named paths further down.
    pub(super) children: BTreeMap<Vec<u8>, Arc<PathPlan>>,
}

impl PathPlan {
    /// Merges absolute, clean paths; `None` if one is not absolute or not clean.
    pub(super) fn new(paths: &[PathBuf]) -> Option<Self> {
        let mut root = Self::default();
        for path in paths {
            root.add(path)?;
        }
        Some(root)
    }

    fn add(&mut self, path: &Path) -> Option<()> {
        let mut node = self;
        let mut components = path.components();
        if components.next() != Some(Component::RootDir) {
            return None;
        }
        for component in components {
            let Component::Normal(name) = component else { return None };
            let child = node.children.entry(name.as_bytes().to_vec()).or_default();
            node = Arc::make_mut(child);
        }
        node.is_named = true;
        Some(())
    }

    /// The named paths at and below `path`, the location of this plan.
    pub(super) fn named_paths(&self, path: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        if self.is_named {
            found.push(path.to_vec());
        }
        found.extend(self.named_below(path));
        found
    }

    /// The named paths below `path`, the location of this plan.
    pub(super) fn named_below(&self, path: &[u8]) -> Vec<Vec<u8>> {
        let below =
            |(name, child): (&Vec<u8>, &Arc<Self>)| child.named_paths(&[path, b"/", name].concat());
        self.children.iter().flat_map(below).collect()
    }
}
