//! Contents do not depend on order or pieces, and detect everything else.

use proptest::prelude::*;

use crate::postgres::archive::{ContentError, ContentHasher, ContentKind, MemberSummary};

use super::toc::entry;

fn dumped() -> ContentHasher {
    ContentHasher::of_entry(&entry(Some(b"COPY public.t (id) FROM stdin;\n")))
}

fn statements() -> ContentHasher {
    ContentHasher::of_entry(&entry(None))
}

/// The content of bytes that arrive in pieces of these lengths, over and over.
fn check(
    mut hasher: ContentHasher,
    mut bytes: &[u8],
    pieces: &[usize],
) -> Result<MemberSummary, ContentError> {
    let mut pieces = pieces.iter().cycle();
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at((*pieces.next().unwrap()).min(bytes.len()));
        hasher.update(piece)?;
        bytes = rest;
    }
    hasher.finish()
}

/// The content of rows by definition.
fn defined(rows: &[Vec<u8>]) -> MemberSummary {
    let hashes = rows.iter().map(|row| twox_hash::XxHash3_128::oneshot(row));
    let sum = hashes.fold(0, u128::wrapping_add);
    let bytes = rows.iter().map(|row| row.len() as u64 + 1).sum();
    MemberSummary { kind: ContentKind::Rows, rows: rows.len() as u64, bytes, hash: sum }
}

fn lines(rows: &[Vec<u8>]) -> Vec<u8> {
    rows.iter().flat_map(|row| [row, &b"\n"[..]].concat()).collect()
}

fn row() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_map(|byte| if byte == b'\n' { b'.' } else { byte });
    let short = prop::sample::select(vec![&b""[..], b"\\", b"\\\\.", b"\\..", b".", b"same"]);
    prop_oneof![prop::collection::vec(byte, 0..40), short.prop_map(<[u8]>::to_vec)]
        .prop_filter("it would end the rows", |row| row != b"\\.")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_and_pieces_do_not_matter(
        rows in prop::collection::vec(row(), 0..20),
        pieces in prop::collection::vec(1..9usize, 1..5),
        turn in 0..20usize,
    ) {
        let wanted = defined(&rows);
        let mut turned = rows.clone();
        turned.rotate_left(turn.min(rows.len()));
        turned.reverse();
        for rows in [&rows, &turned] {
            let dump = [&lines(rows)[..], b"\\.\n\n\n"].concat();
            prop_assert_eq!(check(dumped(), &dump, &pieces), Ok(wanted));
            prop_assert_eq!(check(dumped(), &dump, &[dump.len()]), Ok(wanted));
            let copy = lines(rows);
            prop_assert_eq!(
                check(ContentHasher::of_copy_to_stdout(), &copy, &pieces), Ok(wanted)
            );
        }
    }

    #[test]
    fn another_set_of_rows_is_another_content(
        mut rows in prop::collection::vec(row(), 1..20),
        place in any::<prop::sample::Index>(),
        with in row(),
    ) {
        let before = defined(&rows);
        let place = place.index(rows.len());
        let twice = [&rows[..], &rows[place..=place]].concat();
        prop_assert_ne!(defined(&twice), before);
        if rows[place] != with {
            rows[place] = with;
            prop_assert_ne!(defined(&rows).hash, before.hash);
        }
        rows.remove(place);
        prop_assert_ne!(defined(&rows), before);
    }
}

#[test]
fn truncated_and_overlong_rows_are_refused() {
    let whole = b"1\n2\n\\.\n\n\n";
    for pieces in [1, 2, 3, whole.len()] {
        for length in 0..whole.len() {
            let outcome = check(dumped(), &whole[..length], &[pieces]);
            // Only the empty lines after the end can be left out.
            let is_whole = length >= b"1\n2\n\\.\n".len();
            assert_eq!(outcome.err(), (!is_whole).then_some(ContentError::NoEnd), "{length}");
        }
        for after in [&b"3\n"[..], b"\n\n\n.", b"\\.\n"] {
            let outcome = check(dumped(), &[&whole[..], after].concat(), &[pieces]);
            assert_eq!(outcome, Err(ContentError::AfterEnd));
        }
        let copied = check(ContentHasher::of_copy_to_stdout(), b"1\n2", &[pieces]);
        assert_eq!(copied, Err(ContentError::UnfinishedLine));
        let cut = check(statements(), b"INSERT INTO t VALUES (1);\nINSERT", &[pieces]);
        assert_eq!(cut, Err(ContentError::UnfinishedLine));
    }
}

#[test]
fn statements_are_lines_and_large_objects_are_bytes() {
    let sql = b"INSERT INTO t VALUES ('\\.\n\\.');\n\n\n";
    let content = check(statements(), sql, &[5]).unwrap();
    assert_eq!((content.kind, content.rows), (ContentKind::Statements, 4));
    assert_eq!(content.bytes, sql.len() as u64);
    let bytes = b"\\.\n\n\nand more";
    let content = check(ContentHasher::of_large_object(), bytes, &[3]).unwrap();
    assert_eq!((content.kind, content.rows), (ContentKind::Bytes, 0));
    assert_eq!(content.bytes, bytes.len() as u64);
    let other = check(ContentHasher::of_large_object(), b"\n\n\n\\.and more", &[3]).unwrap();
    assert_ne!(content.hash, other.hash);
}
