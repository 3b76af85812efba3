//! What already exists in the bucket: one listing serves lookups that come in key order.

use std::collections::BTreeMap;

use super::super::BucketError;
use super::super::object::{ListPosition, ListedKey};
use super::super::store::BucketStore;

/// Pages listed on the way to a key before it is queried by itself.
const PAGES_MAX: usize = 3;

/// A stretch of the bucket as listed, minus what the owner of this has changed since.
#[derive(Debug, Default)]
pub struct ListedStretch {
    objects: BTreeMap<String, ListedKey>,
    stretch: Option<CoveredKeys>,
}

/// Keys after the first, up to the second or to the end of the prefix.
#[derive(Debug)]
struct CoveredKeys {
    prefix: String,
    start: String,
    end: Option<String>,
    /// Where the listing continues, for services whose listings can begin nowhere else.
    next: Option<ListPosition>,
}

impl ListedStretch {
    /// What exists at a key; `None` if nothing does.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn find(
        &mut self,
        store: &dyn BucketStore,
        key: &str,
    ) -> Result<Option<ListedKey>, BucketError> {
        if !self.covers(key) {
            let is_reached = match store.lists_from_any_key() {
                _ if !store.lists_in_order().await? => false,
                true => self.list_up_to(store, key).await?,
                false => self.continue_to(store, key).await?,
            };
            if !is_reached {
                // There are many keys before it.
                return store.find(key).await;
            }
        }
        Ok(self.objects.get(key).cloned())
    }

    /// What was listed at a key is no longer valid, because it was written or removed. Earlier keys
    /// are unlikely to be looked up again, so the stretch now begins after it.
    pub fn changed(&mut self, key: &str) {
        if !self.covers(key) {
            return;
        }
        self.objects = self.objects.split_off(key);
        self.objects.remove(key);
        if let Some(stretch) = &mut self.stretch {
            key.clone_into(&mut stretch.start);
        }
    }

    fn covers(&self, key: &str) -> bool {
        self.stretch.as_ref().is_some_and(|stretch| {
            key > stretch.start.as_str()
                && key.starts_with(&stretch.prefix)
                && stretch.end.as_ref().is_none_or(|end| key <= end.as_str())
        })
    }

    /// Lists from shortly before the key; false if it was not reached.
    async fn list_up_to(
        &mut self,
        store: &dyn BucketStore,
        key: &str,
    ) -> Result<bool, BucketError> {
        // In most buckets, a key without its last character is close to the key itself.
        let mut start = key.to_owned();
        start.pop();
        let next = ListPosition { key: (!start.is_empty()).then(|| start.clone()), token: None };
        self.begin(String::new(), start, next);
        self.list_pages(store, key).await
    }

    /// Continues the listing of the folder that the key is in, or begins it; false if the key was
    /// not reached.
    async fn continue_to(
        &mut self,
        store: &dyn BucketStore,
        key: &str,
    ) -> Result<bool, BucketError> {
        let folder = key.rfind('/').map_or("", |slash| &key[..=slash]);
        let continues = self.stretch.as_ref().is_some_and(|stretch| {
            stretch.prefix == folder
                && stretch.next.is_some()
                && stretch.end.as_ref().is_some_and(|end| key > end.as_str())
        });
        if continues {
            self.objects.clear();
            if let Some(CoveredKeys { start, end: Some(end), .. }) = &mut self.stretch {
                start.clone_from(end);
            }
        } else {
            // All keys of a folder begin with its name.
            let mut start = folder.to_owned();
            start.pop();
            self.begin(folder.to_owned(), start, ListPosition::default());
        }
        self.list_pages(store, key).await
    }

    fn begin(&mut self, prefix: String, start: String, next: ListPosition) {
        self.objects.clear();
        let end = Some(start.clone());
        self.stretch = Some(CoveredKeys { prefix, start, end, next: Some(next) });
    }

    /// Lists a few more pages, up to the one with the key; false if it was not reached.
    async fn list_pages(
        &mut self,
        store: &dyn BucketStore,
        key: &str,
    ) -> Result<bool, BucketError> {
        for _ in 0..PAGES_MAX {
            let Some(stretch) = &mut self.stretch else { return Ok(false) };
            let Some(after) = &stretch.next else { return Ok(true) };
            let page = store.list(&stretch.prefix, after, 1000).await?;
            let is_ascending = page.objects.is_sorted_by(|one, other| one.key < other.key);
            let first = page.objects.first().map(|object| &object.key);
            if !is_ascending || first.is_some_and(|first| Some(first) <= after.key.as_ref()) {
                store.note_disorder();
                self.stretch = None;
                return Ok(false);
            }
            stretch.end = page.next.as_ref().and_then(|next| next.key.clone());
            stretch.next = page.next;
            self.objects.extend(page.objects.into_iter().map(|it| (it.key.clone(), it)));
            if self.covers(key) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_begins_after_a_changed_key() {
        let mut standing = ListedStretch::default();
        assert!(!standing.covers("a"));
        standing.begin(String::new(), String::new(), ListPosition::default());
        assert!(!standing.covers("a"), "nothing is listed yet");
        standing.stretch.as_mut().unwrap().end = Some("m".to_owned());
        assert!(standing.covers("a") && standing.covers("m") && !standing.covers("n"));
        standing.changed("c");
        assert!(!standing.covers("a") && !standing.covers("c") && standing.covers("d"));
        standing.changed("z");
        assert!(standing.covers("m"), "a change elsewhere has no effect");
    }
}
