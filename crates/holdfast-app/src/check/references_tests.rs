//! Rows and sources, side by side.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::memory::Memory;
use super::*;

fn rows(keys: &[&str]) -> Vec<Reference> {
    let reference = |key: &&str| Reference { key: key.as_bytes().to_vec(), ..Reference::default() };
    keys.iter().map(reference).collect()
}

fn thing(key: &str, size_bytes: u64) -> Thing<'_> {
    Thing { key: key.as_bytes(), size_bytes, identity: Some(b"same"), ..Thing::default() }
}

fn walk(mut references: References, held: &[&str]) -> Findings {
    held.iter().for_each(|key| {
        references.holds(&thing(key, 1));
    });
    references.finish()
}

#[test]
fn what_is_missing_is_named_and_what_is_not_wanted_is_counted() {
    let references = References::new(SourceOrder::Keys, rows(&["b", "a", "d", "b", "z"]));
    let findings = walk(references, &["a", "aa", "b", "c", "e"]);
    let named: Vec<_> = findings.named.iter().map(|(key, _)| key.as_slice()).collect();
    assert_eq!(named, [b"d", b"z"]);
    assert_eq!((findings.wanted, findings.failed, findings.orphans), (4, 2, 3));
}

#[test]
fn another_size_is_a_fault() {
    let wanted = Reference { key: b"a".to_vec(), size_bytes: Some(2), ..Reference::default() };
    let findings = walk(References::new(SourceOrder::Keys, vec![wanted]), &["a"]);
    assert_eq!(findings.named, [(b"a".to_vec(), Fault::Size { wanted: 2, found: 1 })]);
}

#[test]
fn what_cannot_be_read_is_a_fault_only_where_it_is_wanted() {
    let mut references = References::new(SourceOrder::Keys, rows(&["a", "b"]));
    references.is_unreadable(b"c");
    references.is_unreadable(b"a");
    let findings = walk(references, &["a", "c"]);
    let expected = [(b"a".to_vec(), Fault::Unreadable), (b"b".to_vec(), Fault::Missing)];
    assert_eq!(findings.named, expected);
    assert_eq!(findings.failed, 2);
}

#[test]
fn paths_are_walked_as_folders_are() {
    // A dash sorts before a slash, but a folder is left before what follows it begins.
    let references = References::new(SourceOrder::Paths, rows(&["a-b", "a/x", "a/y"]));
    let findings = walk(references, &["a/x", "a/y", "a-b"]);
    assert_eq!((findings.failed, findings.orphans), (0, 0));
}

proptest! {
    #[test]
    fn it_agrees_with_two_sets(
        wanted in proptest::collection::vec("[a-c/.-]{1,4}", 0..30),
        held in proptest::collection::btree_set("[a-c/.-]{1,4}", 0..30),
        is_bucket in any::<bool>(),
    ) {
        let order = if is_bucket { SourceOrder::Keys } else { SourceOrder::Paths };
        let reference =
            |key: &String| Reference { key: key.clone().into(), ..Reference::default() };
        let mut references = References::new(order, wanted.iter().map(reference).collect());
        let mut passing: Vec<&String> = held.iter().collect();
        passing.sort_by(|left, right| order.compare(left.as_bytes(), right.as_bytes()));
        for key in &passing {
            references.holds(&thing(key, 0));
        }
        let findings = references.finish();

        let different: BTreeMap<&String, ()> = wanted.iter().map(|key| (key, ())).collect();
        let missing = different.keys().filter(|key| !held.contains(**key)).count() as u64;
        let orphans = held.iter().filter(|key| !different.contains_key(key)).count() as u64;
        prop_assert_eq!(findings.wanted, different.len() as u64);
        prop_assert_eq!(findings.failed, missing);
        prop_assert_eq!(findings.orphans, orphans);
    }
}

const HELLO: &str = "5d41402abc4b2a76b9719d911017c592";

/// A row that says that `a` is "hello".
fn hello() -> Vec<Reference> {
    let hashes = Hashes::read(None, Some(HELLO), None);
    vec![Reference { key: b"a".to_vec(), size_bytes: None, hashes }]
}

fn digests(content: &[u8], kinds: Kinds) -> Digests {
    let mut hasher = Hasher::new(kinds);
    hasher.update(content);
    hasher.finish()
}

#[test]
fn a_content_is_open_until_somebody_has_read_it() {
    let mut references = References::new(SourceOrder::Keys, hello());
    let kinds = references.holds(&thing("a", 5));
    assert!(kinds.md5 && !kinds.sha256);
    assert_eq!(references.open().len(), 1);
    let findings = references.clone().finish();
    assert_eq!(findings.named, [(b"a".to_vec(), Fault::NotCompared)]);
    assert_eq!((findings.failed, findings.compared), (1, 0));

    references.has_content(b"a", &digests(b"hello", kinds));
    references.has_content(b"other", &digests(b"other", kinds));
    assert!(references.open().is_empty());
    let findings = references.finish();
    assert_eq!((findings.failed, findings.compared), (0, 1));
}

#[test]
fn another_content_is_a_fault() {
    let mut references = References::new(SourceOrder::Keys, hello());
    let kinds = references.holds(&thing("a", 5));
    references.has_content(b"a", &digests(b"hallo", kinds));
    let findings = references.finish();
    let [(_, Fault::Hash { column: Column::Md5, wanted, .. })] = &findings.named[..] else {
        panic!("{findings:?}")
    };
    assert_eq!((wanted.as_str(), findings.compared), (HELLO, 0));
}

#[test]
fn an_empty_content_and_one_that_cannot_be_read_are_judged() {
    let findings = walk_bytes(References::new(SourceOrder::Keys, hello()), 0);
    assert!(matches!(findings.named[..], [(_, Fault::Hash { .. })]), "{findings:?}");
    let mut references = References::new(SourceOrder::Keys, hello());
    references.is_unreadable(b"a");
    let findings = walk_bytes(references, 5);
    assert_eq!(findings.named, [(b"a".to_vec(), Fault::Unreadable)]);
    assert_eq!(findings.failed, 1);
}

fn walk_bytes(mut references: References, size_bytes: u64) -> Findings {
    references.holds(&thing("a", size_bytes));
    references.finish()
}

#[test]
fn what_was_compared_before_is_not_read_again_until_it_changes() {
    let memory = SharedMemory::new(Memory::read(None, [7; 32].into()).into());
    let begin = || References::new(SourceOrder::Keys, hello()).with_memory("vault", &memory);
    let mut references = begin();
    let kinds = references.holds(&thing("a", 5));
    references.has_content(b"a", &digests(b"hallo", kinds));
    let mut references = begin();
    let kinds = references.holds(&thing("a", 5));
    assert!(kinds.md5, "what was wrong is not remembered");
    references.has_content(b"a", &digests(b"hello", kinds));

    let mut references = begin();
    assert!(references.holds(&thing("a", 5)).is_empty());
    assert_eq!(references.finish().compared, 1);
    let changed = Thing { identity: Some(b"other"), ..thing("a", 5) };
    assert!(begin().holds(&changed).md5);
    let unknown = Thing { identity: None, ..thing("a", 5) };
    assert!(begin().holds(&unknown).md5);
}

/// What changed during the run, or so shortly before that a coarse clock gives a later change the
/// same time, is compared again by the next run.
#[test]
fn what_may_have_changed_unseen_is_not_remembered() {
    let start = jiff::Timestamp::from_second(1_000).unwrap();
    let memory = SharedMemory::new(Memory::read(None, [7; 32].into()).of_run(start).into());
    for (seconds, is_remembered) in [(990, true), (998, false), (1_000, false), (1_010, false)] {
        let changed = Some(FileTime { seconds, nanoseconds: 0 });
        let identity = seconds.to_le_bytes();
        let thing = Thing { changed, identity: Some(&identity), ..thing("a", 5) };
        let begin = || References::new(SourceOrder::Paths, hello()).with_memory("x", &memory);
        let mut references = begin();
        let kinds = references.holds(&thing);
        assert!(kinds.md5);
        references.has_content(b"a", &digests(b"hello", kinds));
        assert_eq!(begin().holds(&thing).is_empty(), is_remembered, "{seconds}");
    }
}

#[test]
fn an_etag_is_compared_with_what_the_listing_shows() {
    let row = |etag: &str| {
        let hashes = Hashes::read(Some(etag), None, None);
        vec![Reference { key: b"a".to_vec(), size_bytes: None, hashes }]
    };
    let found = |wanted: &str, etag: Option<&'static str>| {
        let mut references = References::new(SourceOrder::Keys, row(wanted));
        references.holds(&Thing { etag, ..thing("a", 5) });
        references.finish()
    };
    assert_eq!(found("\"abc-2\"", Some("abc-2")).failed, 0);
    assert_eq!(found("abc-2", Some("abc-3")).failed, 1);
    assert_eq!(found("abc-2", None).failed, 1);
}

#[test]
fn a_hash_that_is_none_is_a_fault() {
    let hashes = Hashes::read(None, None, Some("unknown"));
    let rows = vec![Reference { key: b"a".to_vec(), size_bytes: None, hashes }];
    let findings = walk_bytes(References::new(SourceOrder::Keys, rows), 5);
    assert!(matches!(findings.named[..], [(_, Fault::Senseless { .. })]), "{findings:?}");
}
