//! The listing of a server with an order of its own: held in full, and sorted.

use super::super::BucketError;
use super::super::object::ListedKey;

/// Maximum number of objects held, which takes some 300 MB.
const HELD_MAX: usize = 1_000_000;
/// Objects per returned page.
const PAGE_OBJECTS: usize = 1000;

/// What is held.
#[derive(Debug, Default)]
pub struct Sorted {
    held: Vec<ListedKey>,
    /// The pages to return, the last one first.
    pages: Option<Vec<Vec<ListedKey>>>,
}

impl Sorted {
    /// Holds another page.
    ///
    /// # Errors
    /// [`BucketError::Limit`] if there are too many objects.
    pub fn hold(&mut self, page: Vec<ListedKey>) -> Result<(), BucketError> {
        self.held.extend(page);
        if self.held.len() > HELD_MAX {
            return Err(BucketError::Limit(format!(
                "the server does not list keys in order, and there are more than {HELD_MAX} \
                 objects, too many to sort: back up parts of the bucket as separate sources, such \
                 as s3://bucket/prefix"
            )));
        }
        Ok(())
    }

    /// The next page; `None` after the last.
    pub fn next_page(&mut self) -> Option<Vec<ListedKey>> {
        let held = &mut self.held;
        let pages = self.pages.get_or_insert_with(|| {
            let mut all = std::mem::take(held);
            // Versions of one key keep their order.
            all.sort_by(|one, other| one.key.cmp(&other.key));
            // Anything listed twice, because it was written during the listing.
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
