//! The current directory of a source while it is read.

use holdfast_connect::SourceItem;

/// Path of the current directory of a source, with a slash before each name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail(Vec<u8>);

impl Trail {
    /// Follows a source into directories and out of them.
    pub fn follow(&mut self, item: &SourceItem) {
        match item {
            SourceItem::Enter { name, .. } => {
                self.0.push(b'/');
                self.0.extend_from_slice(name);
            }
            SourceItem::Leave => {
                let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                self.0.truncate(end);
            }
            SourceItem::Leaf(_)
            | SourceItem::Unread(_)
            | SourceItem::Excluded { .. }
            | SourceItem::Own { .. } => {}
        }
    }

    /// Path of an entry of the directory.
    pub fn of(&self, name: &[u8]) -> Vec<u8> {
        [self.0.as_slice(), b"/", name].concat()
    }
}
