//! A listed directory: its names and what applies to all of them.

use std::ffi::{CStr, CString};
use std::io;
use std::sync::Arc;

use rustix::fs::OFlags;

use super::context::ScanContext;
use super::directory::{ScannedDirectory, open_quietly};
use super::ignores::Ignores;
use super::names::SortedNames;
use super::plan::PathPlan;
use crate::words::without_byte_order_mark;

/// Largest `.gitignore` file that is honoured, in bytes.
pub const GITIGNORE_BYTES_MAX: usize = 1 << 20;

/// Which entries of a directory are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct ListingScope {
    /// All of them; otherwise only those that lead to named paths.
    pub(super) is_whole: bool,
    /// Named paths in or below the directory.
    pub(super) plan: Option<Arc<PathPlan>>,
    /// The only device that is wanted, if only one is.
    pub(super) device: Option<u64>,
}

/// A listed directory.
#[derive(Debug)]
pub(super) struct FolderListing {
    pub(super) context: Arc<ScanContext>,
    pub(super) directory: Arc<ScannedDirectory>,
    pub(super) scope: ListingScope,
    pub(super) names: SortedNames,
    /// Rules of `.gitignore` files here and above.
    pub(super) ignores: Option<Arc<Ignores>>,
    /// Files in this directory that exclude all others.
    tags: Vec<Vec<u8>>,
}

impl FolderListing {
    /// A listed directory; looks in it for files that exclude others.
    pub(super) fn new(
        context: Arc<ScanContext>,
        directory: Arc<ScannedDirectory>,
        scope: ListingScope,
        names: SortedNames,
        ignores: Option<Arc<Ignores>>,
    ) -> Self {
        let tags = Vec::new();
        let mut listing = Self { context, directory, scope, names, ignores, tags };
        if listing.scope.is_whole {
            listing.tags = listing.find_tags();
            listing.add_ignores();
        }
        listing
    }

    /// True if a tag in the directory excludes `name`.
    pub(super) fn is_tagged_away(&self, name: &[u8]) -> bool {
        !self.tags.is_empty() && !self.tags.iter().any(|tag| tag == name)
    }

    fn find_tags(&self) -> Vec<Vec<u8>> {
        let wanted = self.context.options.exclude_if_present.iter();
        let is_valid = |(name, header): &&(Vec<u8>, Option<Vec<u8>>)| {
            self.names.contains(name)
                && header.as_ref().is_none_or(|header| self.begins_with(name, header))
        };
        wanted.filter(is_valid).map(|(name, _)| name.clone()).collect()
    }

    /// A file that cannot be read excludes nothing, and is reported at its turn.
    fn begins_with(&self, name: &[u8], header: &[u8]) -> bool {
        let Ok(name) = CString::new(name) else { return false };
        // A byte order mark may precede the header.
        let start = self.read_start(&name, header.len() + 3);
        start.is_ok_and(|start| without_byte_order_mark(&start).starts_with(header))
    }

    fn add_ignores(&mut self) {
        const NAME: &CStr = c".gitignore";
        if !self.context.options.gitignore || !self.names.contains(NAME.to_bytes()) {
            return;
        }
        let mut path = Vec::new();
        self.directory.path(&mut path);
        let text = self.read_start(NAME, GITIGNORE_BYTES_MAX);
        let ignores = text.and_then(|text| Ignores::new(&path, &text, self.ignores.clone()));
        if let Ok(ignores) = ignores {
            self.ignores = Some(Arc::new(ignores));
        }
    }

    /// The first bytes of a file in the directory.
    fn read_start(&self, name: &CStr, bytes_max: usize) -> io::Result<Vec<u8>> {
        // Opening must not block, whatever the file is.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = std::fs::File::from(open_quietly(&*self.directory.open()?, name, flags)?);
        let mut start = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, bytes_max as u64), &mut start)?;
        Ok(start)
    }
}
