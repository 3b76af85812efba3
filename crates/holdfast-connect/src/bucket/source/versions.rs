//! All versions of one key: which one is current at the cut, and how the others are named.

use super::super::object::ListedKey;
use holdfast_format::bucket::name_of_key;
use holdfast_format::entry::FileTime;

/// The version that is current at the cut, if the object existed then; `versions` are those of one
/// key, the newest first.
pub fn at_cut(versions: &[ListedKey], cut: Option<FileTime>) -> Option<&ListedKey> {
    let newest = versions.iter().find(|version| is_before(version, cut))?;
    (!newest.is_delete_marker).then_some(newest)
}

fn is_before(version: &ListedKey, cut: Option<FileTime>) -> bool {
    cut.is_none_or(|cut| version.modified <= cut)
}

/// The versions up to the cut except the current one, oldest first, each with the name of its
/// entry.
///
/// A name is the time, the position among the versions of that time, and the version's id: names
/// ascend in the order of creation, and do not change unless an older version of the same time is
/// deleted.
pub fn others(versions: Vec<ListedKey>, cut: Option<FileTime>) -> Vec<(Vec<u8>, ListedKey)> {
    let counts = at_cut(&versions, cut).and_then(|counts| counts.version.clone());
    let is_current = at_cut(&versions, cut).is_some();
    let mut named: Vec<(Vec<u8>, ListedKey)> = Vec::new();
    let mut before: Option<FileTime> = None;
    let mut place = 0;
    for version in versions.into_iter().rev().filter(|version| is_before(version, cut)) {
        place = if before == Some(version.modified) { place + 1 } else { 0 };
        before = Some(version.modified);
        if is_current && version.version == counts {
            continue;
        }
        let id = version.version.as_deref().unwrap_or("null");
        if let Some(name) = name_of_key(&format!("{}-{place:04}-{id}", moment(version.modified))) {
            named.push((name, version));
        }
    }
    // Some servers have times that are not in the order of their versions.
    named.sort_by(|one, other| one.0.cmp(&other.0));
    named
}

/// A time as text that sorts as times do.
fn moment(time: FileTime) -> String {
    match jiff::Timestamp::new(time.seconds, time.nanoseconds.cast_signed()) {
        Ok(time) => time.strftime("%Y%m%dT%H%M%S%.3fZ").to_string(),
        Err(_) => format!("{:020}.{:03}", time.seconds, time.nanoseconds / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(second: i64, id: &str, is_delete_marker: bool) -> ListedKey {
        ListedKey {
            key: "k".to_owned(),
            etag: id.to_owned(),
            bytes: 1,
            modified: FileTime { seconds: 1_785_600_000 + second, nanoseconds: 0 },
            version: Some(id.to_owned()),
            is_delete_marker,
            ..ListedKey::default()
        }
    }

    /// Newest first, two of them in one second.
    fn history() -> Vec<ListedKey> {
        vec![
            version(9, "e", false),
            version(7, "d", true),
            version(5, "c", false),
            version(5, "b", false),
            version(1, "a", false),
        ]
    }

    fn cut(second: i64) -> Option<FileTime> {
        Some(version(second, "", false).modified)
    }

    #[test]
    fn the_newest_version_before_the_cut_counts() {
        let counts = |second| {
            let history = history();
            at_cut(&history, cut(second)).map(|version| version.etag.clone())
        };
        assert_eq!(counts(0), None, "it did not exist yet");
        assert_eq!(counts(1).as_deref(), Some("a"));
        assert_eq!(counts(6).as_deref(), Some("c"));
        assert_eq!(counts(7), None, "it was deleted");
        assert_eq!(counts(100).as_deref(), Some("e"));
        assert_eq!(at_cut(&history(), None).unwrap().etag, "e");
    }

    #[test]
    fn other_versions_have_ascending_names() {
        let names = |second| {
            let others = others(history(), cut(second));
            assert!(others.is_sorted_by(|one, other| one.0 < other.0));
            let names = others.into_iter().map(|(name, _)| String::from_utf8(name).unwrap());
            names.collect::<Vec<_>>()
        };
        assert_eq!(
            names(8),
            [
                "20260801T160001.000Z-0000-a",
                "20260801T160005.000Z-0000-b",
                "20260801T160005.000Z-0001-c",
                "20260801T160007.000Z-0000-d"
            ]
        );
        assert_eq!(names(5), ["20260801T160001.000Z-0000-a", "20260801T160005.000Z-0000-b"]);
    }
}
