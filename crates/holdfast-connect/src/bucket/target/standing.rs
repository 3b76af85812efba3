//! What stands in the bucket already: one listing serves lookups that come in the order of the
//! keys.

use std::collections::BTreeMap;

use super::super::BucketError;
use super::super::listing::{After, Listed};
use super::super::s3::client::S3;

/// Pages that are listed on the way to a key before it is asked for by itself.
const PAGES_MAX: usize = 3;

/// A stretch of the bucket as it was listed, less what was changed since by whoever holds this.
#[derive(Debug, Default)]
pub struct Standing {
    objects: BTreeMap<String, Listed>,
    /// The stretch: keys behind the first, up to the second or to the end of the bucket.
    stretch: Option<(String, Option<String>)>,
}

impl Standing {
    /// What stands at a key; `None` if nothing does.
    ///
    /// # Errors
    /// As the server gives them.
    pub async fn find(&mut self, client: &S3, key: &str) -> Result<Option<Listed>, BucketError> {
        if !self.covers(key) && !self.list_up_to(client, key).await? {
            // Many keys lie before it; among those that begin with it, it is the first.
            let page = client.list(key, &After::default(), 1).await?;
            return Ok(page.objects.into_iter().next().filter(|found| found.key == key));
        }
        Ok(self.objects.get(key).cloned())
    }

    /// What was written or removed at a key is not as it was listed any more. What lies before it
    /// will hardly be asked for again, so the stretch begins behind it now.
    pub fn changed(&mut self, key: &str) {
        if !self.covers(key) {
            return;
        }
        self.objects = self.objects.split_off(key);
        self.objects.remove(key);
        if let Some((start, _)) = &mut self.stretch {
            key.clone_into(start);
        }
    }

    fn covers(&self, key: &str) -> bool {
        self.stretch.as_ref().is_some_and(|(start, end)| {
            key > start.as_str() && end.as_ref().is_none_or(|end| key <= end.as_str())
        })
    }

    /// Lists from shortly before the key; false if it was not reached.
    async fn list_up_to(&mut self, client: &S3, key: &str) -> Result<bool, BucketError> {
        // Without its last character a key is close to itself, in most buckets.
        let mut start = key.to_owned();
        start.pop();
        self.objects.clear();
        self.stretch = None;
        let mut after = After { key: (!start.is_empty()).then(|| start.clone()), token: None };
        for _ in 0..PAGES_MAX {
            let page = client.list("", &after, 1000).await?;
            let end = page.next.as_ref().and_then(|next| next.key.clone());
            self.objects.extend(page.objects.into_iter().map(|it| (it.key.clone(), it)));
            self.stretch = Some((start.clone(), end));
            match page.next {
                Some(next) if !self.covers(key) => after = next,
                _ => return Ok(true),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_begins_behind_what_was_changed() {
        let mut standing = Standing::default();
        assert!(!standing.covers("a"));
        standing.stretch = Some((String::new(), Some("m".to_owned())));
        assert!(standing.covers("a") && standing.covers("m") && !standing.covers("n"));
        standing.changed("c");
        assert!(!standing.covers("a") && !standing.covers("c") && standing.covers("d"));
        standing.changed("z");
        assert!(standing.covers("m"), "what lies elsewhere changes nothing");
    }
}
