//! Texts that name snapshots, and filters.

use holdfast_format::ObjectId;
use jiff::Timestamp;

use crate::completeness::Quality;
use crate::retention::Candidate;
use crate::selection::*;

#[test]
fn selectors() {
    let latest = |back| Base::Latest { back };
    let prefix = |digits: &str| Base::Prefix(digits.to_owned());
    let full = "0123456789abcdef".repeat(4);
    for (text, base, subfolder) in [
        ("latest", latest(0), None),
        ("latest~0", latest(0), None),
        ("latest~12", latest(12), None),
        ("latest:", latest(0), None),
        ("latest:/etc", latest(0), Some("/etc")),
        ("latest~2:a:b", latest(2), Some("a:b")),
        ("4", prefix("4"), None),
        ("4F1c:etc/x", prefix("4f1c"), Some("etc/x")),
        (&full, prefix(&full), None),
    ] {
        let expected = SnapshotSelector { base, subfolder: subfolder.map(Into::into) };
        assert_eq!(text.parse(), Ok(expected), "{text}");
    }
    assert_eq!("latest".parse(), Ok(SnapshotSelector::default()));
}

#[test]
fn texts_that_name_no_snapshot() {
    let long = "0".repeat(65);
    let texts = ["", ":etc", "Latest", "latest~", "latest~x", "latest~-1", "latest~+1", "latest2"];
    let huge = "latest~99999999999999999999";
    for text in texts.into_iter().chain(["xyz", "4f1g", " 4f", "\u{664}", &long, huge]) {
        let error = text.parse::<SnapshotSelector>().unwrap_err().to_string();
        let advice =
            "does not name a snapshot; write latest, latest~2 or the first digits of an id";
        assert_eq!(error, format!("\"{text}\" {advice}"));
    }
}

#[test]
fn filters() {
    let snapshot = |host: &str, tags: &[&str], paths: &[&str]| Candidate {
        id: ObjectId::NONE,
        time: Timestamp::UNIX_EPOCH,
        sequence: 0,
        host: host.to_owned(),
        paths: paths.iter().map(|path| (*path).into()).collect(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        hold: false,
        partial: false,
        quality: Quality::default(),
    };
    let all = [
        snapshot("a", &[], &["/etc"]),
        snapshot("a", &["x"], &["/etc", "/home"]),
        snapshot("b", &["x", "y"], &["/home"]),
        snapshot("c", &["z"], &["/etc/ssh"]),
    ];
    for (hosts, tags, paths, expected) in [
        (&[][..], &[][..], &[][..], vec![0, 1, 2, 3]),
        (&["a"], &[], &[], vec![0, 1]),
        (&["a", "c"], &[], &[], vec![0, 1, 3]),
        (&["A"], &[], &[], vec![]),
        (&[], &["x"], &[], vec![1, 2]),
        (&[], &["x,y"], &[], vec![2]),
        (&[], &["x,y", "z"], &[], vec![2, 3]),
        (&[], &[""], &[], vec![0]),
        (&[], &["", "z"], &[], vec![0, 3]),
        (&[], &[], &["/etc"], vec![0, 1]),
        (&[], &[], &["/etc", "/home"], vec![1]),
        (&[], &[], &["/etc/"], vec![]),
        (&["a", "b"], &["x"], &["/home"], vec![1, 2]),
        (&["b"], &["x"], &["/etc"], vec![]),
    ] {
        let filter = SnapshotFilter {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            tags: tags.iter().map(|list| list.parse().unwrap()).collect(),
            paths: paths.iter().map(|path| (*path).into()).collect(),
        };
        let found: Vec<_> = (0..all.len()).filter(|index| filter.matches(&all[*index])).collect();
        assert_eq!(found, expected, "{filter:?}");
        assert_eq!(filter.is_empty(), filter == SnapshotFilter::default());
    }
}
