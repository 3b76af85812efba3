//! The parts in which an object is uploaded.

use super::super::attributes::ObjectAttributes;
use super::super::s3::look::parts_of_layout;
use super::super::store::UploadLimits;

/// Smallest part of objects whose original parts are unknown.
const PART_BYTES_MIN: u64 = 16 << 20;

/// How an object is uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// In one piece.
    Single,
    /// In parts of these sizes.
    Parts(Vec<u64>),
}

impl Layout {
    /// The layout that an object had, so that its ETag is the same; or one of our own. Without
    /// limits, the service has no uploads in parts.
    pub fn of(attributes: &ObjectAttributes, bytes: u64, limits: Option<UploadLimits>) -> Self {
        let Some(limits) = limits else { return Self::Single };
        let recorded = attributes.text("parts").and_then(parts_of_layout);
        if let Some(parts) = recorded.filter(|parts| is_sum(parts, bytes)) {
            return Self::Parts(parts);
        }
        // An ETag without a number of parts: the object was written in one piece.
        let was_single = attributes.text("etag").is_some_and(|etag| !etag.contains('-'));
        let UploadLimits { single_bytes_max, unknown_single_bytes_max, parts_max } = limits;
        let single_max = if was_single { single_bytes_max } else { unknown_single_bytes_max };
        if bytes <= single_max {
            return Self::Single;
        }
        let part_bytes = PART_BYTES_MIN.max(bytes.div_ceil(parts_max));
        let mut parts = vec![part_bytes; (bytes / part_bytes) as usize];
        parts.extend(Some(bytes % part_bytes).filter(|rest| *rest > 0));
        Self::Parts(parts)
    }

    /// The sizes of the parts; for a single piece, its own.
    pub fn sizes(&self, bytes: u64) -> Vec<u64> {
        match self {
            Self::Single => vec![bytes],
            Self::Parts(parts) => parts.clone(),
        }
    }
}

fn is_sum(parts: &[u64], bytes: u64) -> bool {
    let sum = parts.iter().try_fold(0u64, |sum, part| sum.checked_add(*part));
    // Only an empty object may have an empty part.
    sum == Some(bytes) && (bytes == 0 || !parts.contains(&0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(etag: &str, parts: Option<&str>, bytes: u64) -> Layout {
        let mut attributes = ObjectAttributes::default();
        attributes.set("etag", etag);
        attributes.set_maybe("parts", parts);
        let limits = UploadLimits {
            single_bytes_max: 5 << 30,
            unknown_single_bytes_max: 32 << 20,
            parts_max: 10_000,
        };
        Layout::of(&attributes, bytes, Some(limits))
    }

    #[test]
    fn known_parts_are_used_again() {
        assert_eq!(layout("e-3", Some("5*2,1"), 11), Layout::Parts(vec![5, 5, 1]));
        assert_eq!(layout("e-1", Some("0"), 0), Layout::Parts(vec![0]));
        assert_eq!(layout("e-3", Some("5*2,1"), 12), Layout::Single, "it does not fit");
        assert_eq!(layout("e-3", Some("5,0,6"), 11), Layout::Single);
    }

    #[test]
    fn objects_of_one_piece_stay_so() {
        assert_eq!(layout("e", None, 5 << 30), Layout::Single);
        assert!(matches!(layout("e", None, (5 << 30) + 1), Layout::Parts(_)));
    }

    #[test]
    fn a_service_without_uploads_gets_one_piece() {
        let mut attributes = ObjectAttributes::default();
        attributes.set("etag", "e-3");
        attributes.set("parts", "5*2,1");
        assert_eq!(Layout::of(&attributes, 11, None), Layout::Single);
        assert_eq!(Layout::of(&attributes, 1 << 50, None), Layout::Single);
    }

    #[test]
    fn large_objects_of_unknown_parts_fit() {
        for bytes in [33 << 20, 1 << 40, 48 << 40] {
            let Layout::Parts(parts) = layout("e-7", None, bytes) else { panic!("in one piece") };
            assert!(parts.len() <= 10_000 && parts.iter().sum::<u64>() == bytes);
        }
    }
}
