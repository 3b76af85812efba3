//! The listing of a server that lists in an order of its own: held as a whole, and sorted.

use super::super::BucketError;
use super::Listed;

/// Most objects that are held, which takes some 300 MB.
const HELD_MAX: usize = 1_000_000;
/// Objects of a page that is given out.
const PAGE_OBJECTS: usize = 1000;

/// What is held.
#[derive(Debug, Default)]
pub struct Sorted {
    held: Vec<Listed>,
    /// What is given out, the last page first.
    pages: Option<Vec<Vec<Listed>>>,
}

impl Sorted {
    /// Holds a page more.
    ///
    /// # Errors
    /// [`BucketError::Limit`] if it becomes too much.
    pub fn hold(&mut self, page: Vec<Listed>) -> Result<(), BucketError> {
        self.held.extend(page);
        if self.held.len() > HELD_MAX {
            return Err(BucketError::Limit(format!(
                "the server does not list in the order of the keys, and there are more than \
                 {HELD_MAX} objects, which is too many to sort: make sources of parts of the \
                 bucket, as in s3://bucket/prefix"
            )));
        }
        Ok(())
    }

    /// The next page; `None` after the last.
    pub fn next_page(&mut self) -> Option<Vec<Listed>> {
        let held = &mut self.held;
        let pages = self.pages.get_or_insert_with(|| {
            let mut all = std::mem::take(held);
            // Versions of one key stay in their order.
            all.sort_by(|one, other| one.key.cmp(&other.key));
            // What came twice, because it was written while this was listed.
            all.dedup_by(|one, other| one.key == other.key && one.version == other.version);
            let mut pages = Vec::new();
            while !all.is_empty() {
                pages.push(all.split_off(all.len().saturating_sub(PAGE_OBJECTS)));
            }
            pages
        });
        pages.pop()
    }
}
