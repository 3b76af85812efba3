//! Whether an existing object in the bucket is the one that was backed up, without reading it.

use holdfast_format::entry::{Entry, EntryKind};

use super::super::BucketError;
use super::super::attributes::ObjectAttributes;
use super::super::object::ListedKey;
use super::BucketTargetShared;

impl BucketTargetShared {
    /// True if it is, false if it is not, `None` if neither ETag nor checksum can tell.
    pub fn judge(&self, key: &str, entry: &Entry) -> Result<Option<bool>, BucketError> {
        let EntryKind::File { size, .. } = entry.kind else { return Ok(Some(false)) };
        let key = self.key(key);
        let Some(standing) = self.standing(&key)? else { return Ok(Some(false)) };
        let kept = self.attributes(&entry.metadata.xattrs);
        if let Some(verdict) = by_listing(&standing, &kept, size) {
            return Ok(Some(verdict));
        }
        let found = self.runtime.block_on(self.store.glance(&standing))?;
        Ok(by_attributes(&standing, &kept, &found))
    }
}

/// What the listing shows.
fn by_listing(standing: &ListedKey, kept: &ObjectAttributes, size: u64) -> Option<bool> {
    if standing.bytes != size {
        return Some(false);
    }
    let etag = kept.text("etag").filter(|etag| !etag.is_empty());
    (etag == Some(standing.etag.as_str())).then_some(true)
}

/// ETags differ, sizes do not: what the object's attributes show.
fn by_attributes(
    standing: &ListedKey,
    kept: &ObjectAttributes,
    found: &ObjectAttributes,
) -> Option<bool> {
    let both = |kept: (&str, _)| found.checksums().find(|(name, _)| *name == kept.0);
    let sums = kept.checksums().find_map(|kept| Some((kept, both(kept)?)));
    if let Some((kept_sum, found_sum)) = sums {
        // Checksums of parts differ if the parts do.
        let is_whole = |sum: &str| !sum.contains('-');
        if kept_sum.1 == found_sum.1 {
            return Some(true);
        }
        if is_whole(kept_sum.1) && is_whole(found_sum.1) {
            return Some(false);
        }
    }
    let both_are_hashes = is_md5(&standing.etag)
        && kept.text("etag").is_some_and(is_md5)
        && !is_keyed(kept)
        && !is_keyed(found);
    both_are_hashes.then_some(false)
}

/// True if an ETag looks like the MD5 of the content.
fn is_md5(etag: &str) -> bool {
    etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// True if the ETag is not derived from the content, because the server encrypts it with a key of a
/// key service.
fn is_keyed(attributes: &ObjectAttributes) -> bool {
    attributes.text("encryption").is_some_and(|encryption| encryption != "AES256")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";

    fn listed(etag: &str) -> ListedKey {
        ListedKey {
            key: "k".to_owned(),
            etag: etag.to_owned(),
            bytes: 7,
            is_latest: true,
            ..ListedKey::default()
        }
    }

    fn kept(pairs: &[(&str, &str)]) -> ObjectAttributes {
        let mut attributes = ObjectAttributes::default();
        pairs.iter().for_each(|(name, value)| attributes.set(name, *value));
        attributes
    }

    #[test]
    fn sizes_and_etags_decide() {
        assert_eq!(by_listing(&listed(ONE), &kept(&[("etag", ONE)]), 8), Some(false));
        assert_eq!(by_listing(&listed(ONE), &kept(&[("etag", ONE)]), 7), Some(true));
        assert_eq!(by_listing(&listed(ONE), &kept(&[("etag", OTHER)]), 7), None);
        assert_eq!(
            by_listing(&listed(""), &kept(&[("etag", "")]), 7),
            None,
            "a missing ETag proves nothing"
        );
    }

    #[test]
    fn different_etags_mean_different_contents_only_if_they_are_hashes() {
        let judged = |etag: &str,
                      pairs: &[(&str, &str)],
                      headers: &[(&'static str, &'static str)]| {
            let headers =
                headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            let found = ObjectAttributes::from_headers(&headers.collect());
            by_attributes(&listed(etag), &kept(pairs), &found)
        };
        assert_eq!(judged(ONE, &[("etag", OTHER)], &[]), Some(false));
        assert_eq!(judged("abc-2", &[("etag", OTHER)], &[]), None);
        assert_eq!(judged(ONE, &[("etag", "abc-2")], &[]), None);
        assert_eq!(judged(ONE, &[("etag", OTHER), ("encryption", "aws:kms")], &[]), None);
        assert_eq!(
            judged(ONE, &[("etag", OTHER)], &[("x-amz-server-side-encryption", "aws:kms")]),
            None
        );
        let crc = [("etag", "a-2"), ("checksum.crc32", "AAAAAA==")];
        assert_eq!(judged(ONE, &crc, &[("x-amz-checksum-crc32", "AAAAAA==")]), Some(true));
        assert_eq!(judged(ONE, &crc, &[("x-amz-checksum-crc32", "BBBBBB==")]), Some(false));
        assert_eq!(judged(ONE, &crc, &[("x-amz-checksum-crc32", "BBBBBB==-2")]), None);
        assert_eq!(judged(ONE, &crc, &[("x-amz-checksum-sha1", "AAAAAA==")]), None);
    }
}
