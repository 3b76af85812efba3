//! Examining one object: its attributes, and those that need further requests.

use http::header::HeaderMap;

use super::client::S3;
use crate::bucket::BucketError;
use crate::bucket::attributes::ObjectAttributes;
use crate::bucket::object::{AttributeQuery, ListedKey, Tags};

/// Maximum number of parts in a layout: S3 allows 10,000.
const PARTS_MAX: u32 = 10_000;

impl S3 {
    /// The attributes in the headers of an object, and those that are not.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn complete(
        &self,
        listed: &ListedKey,
        headers: &HeaderMap,
        query: AttributeQuery,
    ) -> Result<ObjectAttributes, BucketError> {
        let mut attributes = ObjectAttributes::from_headers(headers);
        attributes.set("etag", listed.etag.as_str());
        if let Some(class) = listed.storage_class.as_deref().filter(|class| *class != "STANDARD") {
            attributes.set("storage-class", class);
        }
        let which = listed.which();
        if let Some(parts) = self.parts(listed).await? {
            attributes.set("parts", parts);
        }
        let count = headers.get("x-amz-tagging-count").map(|count| count.as_bytes() != b"0");
        let is_requested = match query.tags {
            Tags::LeaveOut => false,
            Tags::WhereTold => count.unwrap_or(false),
            Tags::AskAlways => count.unwrap_or(true),
        };
        if is_requested {
            for (name, value) in self.tags(which).await? {
                attributes.set(&format!("tag.{name}"), value);
            }
        }
        if query.with_acl {
            attributes.set("acl", self.acl(which).await?);
        }
        Ok(attributes)
    }

    /// The sizes of the parts that an object was uploaded in, as `SIZE*COUNT,...`; `None` if it was
    /// not uploaded in parts, or they are unknown.
    async fn parts(&self, listed: &ListedKey) -> Result<Option<String>, BucketError> {
        let Some(count) = part_count(&listed.etag) else { return Ok(None) };
        let which = listed.which();
        let Some(first) = self.part_bytes(which, 1).await? else { return Ok(None) };
        if let Some(parts) = even_parts(listed.bytes, count, first) {
            // Clients make all parts but the last the same size. If the last one fits, those
            // between are assumed to.
            let last = match count {
                ..3 => parts.last().copied(),
                _ => self.part_bytes(which, count).await?,
            };
            if last.as_ref() == parts.last() {
                return Ok(Some(layout(&parts)));
            }
        }
        let mut parts = vec![first];
        for number in 2..=count {
            let Some(bytes) = self.part_bytes(which, number).await? else { return Ok(None) };
            parts.push(bytes);
        }
        Ok((parts.iter().sum::<u64>() == listed.bytes).then(|| layout(&parts)))
    }
}

/// The number of parts that an ETag contains.
fn part_count(etag: &str) -> Option<u32> {
    let count = etag.rsplit_once('-')?.1.parse().ok()?;
    (1..=PARTS_MAX).contains(&count).then_some(count)
}

/// The sizes of `count` parts, all the same but the last; `None` if that is impossible.
fn even_parts(bytes: u64, count: u32, first: u64) -> Option<Vec<u64>> {
    let before_last = first.checked_mul(u64::from(count) - 1)?;
    let last = bytes.checked_sub(before_last)?;
    if last > first || (last == 0 && count > 1) {
        return None;
    }
    let mut parts = vec![first; count as usize];
    *parts.last_mut()? = last;
    Some(parts)
}

/// Sizes as text, equal neighbours as `SIZE*COUNT`.
fn layout(parts: &[u64]) -> String {
    let runs = parts.chunk_by(|one, other| one == other).map(|run| match run {
        [bytes] => bytes.to_string(),
        run => format!("{}*{}", run[0], run.len()),
    });
    runs.collect::<Vec<_>>().join(",")
}

/// Sizes from text; `None` if [`layout`] could not have written it, or if it has too many parts.
pub fn parts_of_layout(text: &str) -> Option<Vec<u64>> {
    let mut parts = Vec::new();
    for run in text.split(',') {
        let (bytes, count) = run.split_once('*').unwrap_or((run, "1"));
        let (bytes, count): (u64, u32) = (bytes.parse().ok()?, count.parse().ok()?);
        if count == 0 || parts.len() + count as usize > PARTS_MAX as usize {
            return None;
        }
        parts.resize(parts.len() + count as usize, bytes);
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn even_parts_are_recognised() {
        assert_eq!(even_parts(25, 3, 10), Some(vec![10, 10, 5]));
        assert_eq!(even_parts(30, 3, 10), Some(vec![10, 10, 10]));
        assert_eq!(even_parts(7, 1, 7), Some(vec![7]));
        assert_eq!(even_parts(0, 1, 0), Some(vec![0]));
        for (bytes, count, first) in [(31, 3, 10), (20, 3, 10), (5, 3, 10), (7, 1, 6)] {
            assert_eq!(even_parts(bytes, count, first), None);
        }
    }

    #[test]
    fn etags_contain_the_number_of_parts() {
        assert_eq!(part_count("abc-12"), Some(12));
        for etag in ["abc", "abc-", "abc-0", "abc-10001", "abc-x", ""] {
            assert_eq!(part_count(etag), None, "{etag}");
        }
    }

    #[test]
    fn impossible_layouts_are_refused() {
        for text in ["", "x", "5*", "5*0", "5*10001", "5,5*10000", "-1", "99999999999999999999"] {
            assert_eq!(parts_of_layout(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn layouts_can_be_undone(parts in prop::collection::vec(0u64..4, 1..30)) {
            prop_assert_eq!(parts_of_layout(&layout(&parts)), Some(parts));
        }
    }
}
