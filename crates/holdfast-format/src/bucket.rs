//! The tree of a bucket: names of its directories, and keys of objects as names of entries
//! (`docs/format.md`, section 8).
//!
//! A slash is stored as the bytes `2E FF`. Keys are UTF-8, which has no byte `FF`, so this can be
//! reversed; and it sorts as the slash does, after the dot and before the zero, so names ascend as
//! the keys do. `.` and `..`, alone or followed by bytes `01`, get one more `01`, because no entry
//! may have the names `.` and `..`.

use crate::entry::is_valid_name;

/// The connector of such a source, in the record of a snapshot.
pub const CONNECTOR: &str = "bucket";
/// The file that describes the bucket.
pub const DOCUMENT_NAME: &str = "bucket.json";
/// The directory of the objects.
pub const OBJECTS_NAME: &str = "objects";
/// The directory of other versions: a directory for each key.
pub const VERSIONS_NAME: &str = "versions";

/// Stands for a slash, after a dot.
const MARK: u8 = 0xFF;

/// The name of the entry for an object; `None` if no entry can have it: the key is empty, contains
/// a NUL, or is too long.
pub fn name_of_key(key: &str) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(key.len() + 16);
    for byte in key.bytes() {
        match byte {
            b'/' => name.extend_from_slice(&[b'.', MARK]),
            byte => name.push(byte),
        }
    }
    if is_dots(&name) {
        name.push(1);
    }
    is_valid_name(&name).then_some(name)
}

/// The key whose entry has this name; `None` if no object's entry has it.
pub fn key_of_name(name: &[u8]) -> Option<String> {
    let name = match name {
        [dots @ .., 1] if is_dots(dots) => dots,
        dots if is_dots(dots) => return None,
        name => name,
    };
    let mut key = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'/' | 0 => return None,
            // The preceding dot was half of the slash.
            &MARK => *key.last_mut().filter(|last| **last == b'.')? = b'/',
            byte => key.push(*byte),
        }
    }
    String::from_utf8(key).ok().filter(|key| !key.is_empty())
}

/// True for `.` and `..`, alone or followed by bytes `01`.
fn is_dots(name: &[u8]) -> bool {
    let end = name.iter().rposition(|byte| *byte != 1).map_or(0, |last| last + 1);
    matches!(&name[..end], b"." | b"..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Keys made of what the mapping treats specially, and of neighbouring characters.
    fn keys() -> impl Strategy<Value = String> {
        let special =
            prop::sample::select(vec!['.', '/', '\u{1}', '\u{2}', '-', '0', 'a', '\u{10ffff}']);
        prop_oneof![
            prop::collection::vec(special, 1..8).prop_map(String::from_iter),
            any::<String>()
                .prop_filter("keys have no NUL", |key| !key.contains('\0') && !key.is_empty()),
        ]
    }

    proptest! {
        #[test]
        fn names_can_be_undone(key in keys()) {
            let name = name_of_key(&key).unwrap();
            prop_assert!(is_valid_name(&name));
            prop_assert_eq!(key_of_name(&name), Some(key));
        }

        #[test]
        fn names_sort_as_keys_do(one in keys(), other in keys()) {
            let names = (name_of_key(&one).unwrap(), name_of_key(&other).unwrap());
            prop_assert_eq!(names.0.cmp(&names.1), one.as_bytes().cmp(other.as_bytes()));
        }

        #[test]
        fn only_names_of_keys_have_keys(name in prop::collection::vec(any::<u8>(), 0..12)) {
            if let Some(key) = key_of_name(&name) {
                prop_assert_eq!(name_of_key(&key), Some(name));
            }
        }
    }

    #[test]
    fn names_are_as_decided() {
        let cases: [(&str, &[u8]); 9] = [
            ("a", b"a"),
            ("a/b", b"a.\xffb"),
            ("a//b", b"a.\xff.\xffb"),
            ("a/", b"a.\xff"),
            (".", b".\x01"),
            ("..", b"..\x01"),
            ("..\u{1}", b"..\x01\x01"),
            ("./", b"..\xff"),
            ("...", b"..."),
        ];
        for (key, name) in cases {
            assert_eq!(name_of_key(key).unwrap(), name, "{key:?}");
            assert_eq!(key_of_name(name).unwrap(), key);
        }
    }

    #[test]
    fn what_no_entry_can_be_called_has_no_name() {
        assert!(name_of_key("").is_none());
        assert!(name_of_key("a\0b").is_none());
        assert!(name_of_key(&"/".repeat(1024)).is_some(), "the longest key of S3 fits");
        assert!(name_of_key(&"a".repeat(4097)).is_none());
        for name in [&b""[..], b".", b"..", b"a\xff", b"\xff", b"a/b", b".\xff\xff", b"\x80"] {
            assert!(key_of_name(name).is_none(), "{name:?}");
        }
    }
}
