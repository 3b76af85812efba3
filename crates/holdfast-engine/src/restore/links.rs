//! Files with several names.
//!
//! Every name is decided on individually, as if the file had no other. Only where a name would get
//! the stored content may it become a link, and only to a name that this run has finished or found
//! to be right.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_format::entry::{Entry, EntryKind};

use super::file::PlannedFile;

/// Device and inode that a file had.
pub(super) type LinkKey = (u64, u64);

/// The names so far of files with more names to come.
#[derive(Default)]
pub(super) struct HardLinks {
    groups: HashMap<LinkKey, LinkGroup>,
}

struct LinkGroup {
    /// An inode may have been reused while the source was read, or between two sources, so the file
    /// itself must match too.
    kind: EntryKind,
    /// Names still to come, according to the link count.
    to_come: u64,
    original: Option<Original>,
}

/// A name that others may become links to.
pub(super) struct Original {
    pub path: Vec<u8>,
    pub state: OriginalState,
}

/// Why others may become links to a name.
#[derive(Clone)]
pub(super) enum OriginalState {
    /// This run will have written it when the window is done.
    Planned(Arc<PlannedFile>),
    /// This run wrote it, or compared all of its content.
    Right,
    /// It looks right; it must be compared before anything is linked to it.
    Believed,
}

impl HardLinks {
    /// Records a name; returns the key if the file has others.
    pub fn meet(&mut self, entry: &Entry) -> Option<LinkKey> {
        let metadata = &entry.metadata;
        if metadata.links < 2 || metadata.inode == 0 {
            return None;
        }
        let key = (metadata.device, metadata.inode);
        let group = self.groups.entry(key).or_insert_with(|| LinkGroup {
            kind: entry.kind.clone(),
            to_come: metadata.links,
            original: None,
        });
        group.to_come = group.to_come.saturating_sub(1);
        (group.kind == entry.kind).then_some(key)
    }

    /// The name that others may become links to.
    pub fn original(&self, key: LinkKey) -> Option<&Original> {
        self.groups.get(&key)?.original.as_ref()
    }

    /// Sets that name.
    pub fn set_original(&mut self, key: LinkKey, path: &[u8], state: OriginalState) {
        if let Some(group) = self.groups.get_mut(&key) {
            group.original = Some(Original { path: path.to_vec(), state });
        }
    }

    /// There is no such name after all.
    pub fn drop_original(&mut self, key: LinkKey) {
        if let Some(group) = self.groups.get_mut(&key) {
            group.original = None;
        }
    }

    /// After a window: a planned name is now right, or failed; in a dry run none fails.
    pub fn settle(&mut self, key: LinkKey, dry_run: bool) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        let Some(original) = &mut group.original else { return };
        if let OriginalState::Planned(file) = &original.state {
            match dry_run || file.is_finished() {
                true => original.state = OriginalState::Right,
                false => group.original = None,
            }
        }
    }

    /// Forgets files all of whose names have passed.
    pub fn forget_complete(&mut self) {
        self.groups.retain(|_, group| group.to_come > 0);
    }
}
