//! Keys of a bucket's objects as paths.
//!
//! A bucket is stored as one flat directory whose names represent keys
//! ([`holdfast_format::bucket`]). Here, and nowhere else, these names are converted to what
//! people see and write: the key, whose parts are folders as in a file system. [`file_name`] makes
//! paths of keys that are not valid paths.

use holdfast_format::BlobId;
use holdfast_format::bucket::{OBJECTS_NAME, VERSIONS_NAME, key_of_name, name_of_key};
use holdfast_format::entry::{Entry, EntryKind, Metadata};
use holdfast_repo::read::BlobReader;
use holdfast_repo::tree::DirectoryCursor;

use super::nodes::EntryCursor;
use crate::EngineError;

/// Follows or replaces anything that cannot be a file name. No key contains it: keys are UTF-8.
const MARK: u8 = 0xFF;
/// Length of a name that every file system accepts.
const FILE_NAME_BYTES_MAX: usize = 255;
/// Length of the prefix kept of a longer name; a mark, a hash and two marks follow it.
const START_BYTES: usize = 200;
/// Mode of the folders that contain keys.
const FOLDER_MODE: u32 = 0o755;

/// Objects of a bucket with a common key prefix, as a folder; or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFolder {
    tree: BlobId,
    /// Empty, or ending with a slash.
    prefix: String,
}

/// A name of the stored directory, relative to a folder of keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is in this subfolder.
    Below(String),
    /// It is in this folder under this name; `None` if its key is that of the folder itself, with
    /// the slash.
    Here(Option<Vec<u8>>),
    /// It is elsewhere.
    Outside,
}

/// A path of a bucket's tree as people see it: `/objects/` and the key. Other paths are unchanged.
pub fn shown_path(path: &[u8]) -> Vec<u8> {
    let (start, rest) = match path.strip_prefix(b"/") {
        Some(rest) => (&b"/"[..], rest),
        None => (&b""[..], path),
    };
    let mut parts = rest.splitn(3, |byte| *byte == b'/');
    let top = parts.next().unwrap_or_default();
    let is_of_keys = [OBJECTS_NAME, VERSIONS_NAME].iter().any(|it| it.as_bytes() == top);
    let Some(key) = parts.next().filter(|_| is_of_keys).and_then(key_of_name) else {
        return path.to_vec();
    };
    let version = parts.next().map(|version| [b"/", version].concat()).unwrap_or_default();
    [start, top, b"/", key.as_bytes(), &version].concat()
}

impl KeyFolder {
    /// The directory called `name` of a bucket's tree, if its entries are named by keys.
    pub(super) fn of_bucket(name: &[u8], tree: BlobId) -> Option<Self> {
        let is_of_keys = [OBJECTS_NAME, VERSIONS_NAME].iter().any(|it| it.as_bytes() == name);
        is_of_keys.then(|| Self { tree, prefix: String::new() })
    }

    /// The root of the stored directory.
    pub fn tree(&self) -> BlobId {
        self.tree
    }

    /// The subfolder called `name`, whether it contains anything or not.
    pub(super) fn below(&self, name: &str) -> Self {
        Self { tree: self.tree, prefix: format!("{}{name}/", self.prefix) }
    }

    /// The common prefix of the stored names of its objects.
    pub(super) fn stored_prefix(&self) -> Vec<u8> {
        // Keys with a trailing slash are never stored in the other form.
        name_of_key(&self.prefix).unwrap_or_default()
    }

    /// Where an entry of the stored directory is.
    pub(super) fn see(&self, name: &[u8]) -> Seen {
        let Some(key) = key_of_name(name) else {
            // Not the name of any object; it is shown as it is.
            let rest = name.strip_prefix(self.stored_prefix().as_slice());
            return rest.map_or(Seen::Outside, |rest| Seen::Here(Some(rest.to_vec())));
        };
        match key.strip_prefix(&self.prefix) {
            None => Seen::Outside,
            Some("") => Seen::Here(None),
            Some(rest) => match rest.split_once('/') {
                Some((folder, _)) => Seen::Below(folder.to_owned()),
                None => Seen::Here(Some(rest.as_bytes().to_vec())),
            },
        }
    }

    /// The name of an entry of the stored directory relative to this folder, including slashes.
    pub(super) fn shown(&self, name: &[u8]) -> Vec<u8> {
        match key_of_name(name) {
            Some(key) => key.strip_prefix(&self.prefix).unwrap_or(&key).as_bytes().to_vec(),
            None => name.strip_prefix(self.stored_prefix().as_slice()).unwrap_or(name).to_vec(),
        }
    }

    /// The entry that `text`, relative to this folder, names exactly: by its key or, for entries
    /// that are not keys, by its stored name.
    pub(super) fn find(
        &self,
        reader: &mut BlobReader<'_>,
        text: &[u8],
    ) -> Result<Option<Entry>, EngineError> {
        let name = match std::str::from_utf8(text) {
            Ok(text) => name_of_key(&format!("{}{text}", self.prefix)),
            Err(_) if text.contains(&b'/') => None,
            Err(_) => Some([self.stored_prefix().as_slice(), text].concat()),
        };
        match name {
            Some(name) => Ok(DirectoryCursor::find(reader, self.tree, &name)?),
            None => Ok(None),
        }
    }

    /// True if it contains any key.
    pub(super) fn has_any(&self, reader: &mut BlobReader<'_>) -> Result<bool, EngineError> {
        if !self.prefix.is_empty() && name_of_key(&self.prefix).is_none() {
            // Longer than any key.
            return Ok(false);
        }
        let mut cursor = EntryCursor::within(self.tree, self.stored_prefix());
        Ok(cursor.next(reader, &mut |_| Ok(true))?.is_some())
    }
}

/// The entry that represents a folder of keys. Nothing is stored for it.
pub(super) fn folder_entry(name: Vec<u8>, tree: BlobId) -> Entry {
    let metadata = Metadata { mode: FOLDER_MODE, links: 1, ..Metadata::default() };
    Entry { name, metadata, kind: EntryKind::Directory(tree) }
}

/// The last component of a path.
pub(super) fn last_part(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(path, |slash| &path[slash + 1..])
}

/// The name of a part of a key as a file or folder: distinct for distinct parts, and always a valid
/// file name.
///
/// Most parts are used unchanged. An empty part, `.` or `..` gets a byte `FF`, which no key
/// contains; an object with the same name as a folder next to it gets another. Of a part longer
/// than file systems accept, a prefix is kept with a hash of the whole; the same is done for names
/// that are not parts of keys.
pub(super) fn file_name(part: &[u8], is_beside_folder: bool) -> Vec<u8> {
    let is_unsafe = matches!(part, b"" | b"." | b"..");
    let marks = usize::from(is_unsafe) + usize::from(is_beside_folder);
    let is_kept = part.len() + marks <= FILE_NAME_BYTES_MAX && std::str::from_utf8(part).is_ok();
    let mut name = match is_kept {
        true => part.to_vec(),
        false => {
            let start = &part[..part.len().min(START_BYTES)];
            let hash = blake3::hash(part).to_hex();
            [start, &[MARK], &hash.as_bytes()[..32]].concat()
        }
    };
    name.resize(name.len() + marks, MARK);
    name
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use holdfast_format::entry::is_valid_name;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_of_objects_are_shown_by_their_keys() {
        let cases: [(&[u8], &[u8]); 7] = [
            (b"/objects/a.\xffb", b"/objects/a/b"),
            (b"objects/a.\xffb", b"objects/a/b"),
            (b"/versions/a.\xffb/20260801", b"/versions/a/b/20260801"),
            (b"/bucket.json", b"/bucket.json"),
            (b"/objects", b"/objects"),
            (b"/objects/\xff", b"/objects/\xff"),
            (b"/other/a.\xffb", b"/other/a.\xffb"),
        ];
        for (stored, shown) in cases {
            assert_eq!(shown_path(stored), shown, "{stored:?}");
        }
    }

    fn folder(prefix: &str) -> KeyFolder {
        KeyFolder { tree: BlobId::from_bytes([0; 32]), prefix: prefix.to_owned() }
    }

    fn keys() -> impl Strategy<Value = String> {
        let special = prop::sample::select(vec!['.', '/', '\u{1}', '-', '0', 'a', '\u{10ffff}']);
        prop::collection::vec(special, 1..9).prop_map(String::from_iter)
    }

    proptest! {
        /// Folder by folder the path leads to the key, whatever it contains.
        #[test]
        fn the_parts_of_a_key_make_the_key(key in keys()) {
            let name = name_of_key(&key).unwrap();
            let mut at = folder("");
            let mut path = String::new();
            let last = loop {
                prop_assert!(name.starts_with(&at.stored_prefix()));
                prop_assert_eq!(at.shown(&name), &key.as_bytes()[at.prefix.len()..]);
                match at.see(&name) {
                    Seen::Below(part) => {
                        path += &format!("{part}/");
                        at = at.below(&part);
                    }
                    Seen::Here(last) => break last.unwrap_or_default(),
                    Seen::Outside => prop_assert!(false, "lost below {:?}", at),
                }
            };
            prop_assert_eq!(path + std::str::from_utf8(&last).unwrap(), key);
        }

        #[test]
        fn files_are_called_differently_and_safely(
            parts in prop::collection::btree_set(
                prop_oneof!["[.a]{0,3}", "x{250,260}", "\u{e9}{120,130}"], 1..20,
            ),
        ) {
            let mut names = BTreeSet::new();
            for part in &parts {
                for is_beside in [false, true] {
                    let name = file_name(part.as_bytes(), is_beside);
                    prop_assert!(is_valid_name(&name) && name.len() <= FILE_NAME_BYTES_MAX);
                    prop_assert!(names.insert(name), "{:?}", part);
                }
            }
        }
    }

    #[test]
    fn ordinary_parts_are_files_as_they_are() {
        for part in ["a.pdf", "...", " ", "a\u{e9}", &"x".repeat(255)] {
            assert_eq!(file_name(part.as_bytes(), false), part.as_bytes());
        }
        for (part, name) in [("", &b"\xff"[..]), (".", b".\xff"), ("..", b"..\xff")] {
            assert_eq!(file_name(part.as_bytes(), false), name);
        }
        assert_eq!(file_name(b"a", true), b"a\xff");
        assert_ne!(file_name(b"a\xff", false), b"a\xff", "not a key, and not taken for one");
    }

    #[test]
    fn what_is_no_key_is_seen_as_it_is() {
        assert_eq!(folder("").see(b"x\xff"), Seen::Here(Some(b"x\xff".to_vec())));
        assert_eq!(folder("a/").see(b"a.\xffx\xff"), Seen::Here(Some(b"x\xff".to_vec())));
        assert_eq!(folder("a/").see(b"b\xff"), Seen::Outside);
        assert_eq!(folder("a/").see(b"a.\xff"), Seen::Here(None));
        assert_eq!(folder("a/").see(b"a"), Seen::Outside);
    }
}
