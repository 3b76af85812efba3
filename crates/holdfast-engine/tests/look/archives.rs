//! `dump`.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};

use holdfast_engine::look::{ArchiveFormat, DumpStats, SnapshotRoot, dump};
use holdfast_engine::{EngineError, Silent};
use holdfast_format::entry::{Content, Entry, EntryKind, Metadata};
use holdfast_repo::Repository;
use holdfast_repo::tree::DirectoryWriter;
use proptest::prelude::*;

use crate::support::*;
use crate::tar_reader::{TarEntry, read_tar};

const ZIP: ArchiveFormat = ArchiveFormat::Zip { deflate: true };

fn dumped(
    repository: &Repository,
    root: &SnapshotRoot,
    path: &str,
    format: ArchiveFormat,
) -> (Vec<u8>, DumpStats) {
    let mut out = Vec::new();
    let stats =
        dump(repository, root, path.as_bytes(), format, &mut out, &Notes::default()).unwrap();
    (out, stats)
}

fn expected_tar(path: &[u8], model: &ModelEntry) -> Option<(Vec<u8>, TarEntry)> {
    let mut name = path[1..].to_vec();
    let (mut data, mut link, mut device) = (Vec::new(), None, (0, 0));
    let kind = match model {
        ModelEntry::File(bytes, _) => {
            data.clone_from(bytes);
            tar::EntryType::Regular
        }
        ModelEntry::Directory(..) => {
            name.push(b'/');
            tar::EntryType::Directory
        }
        ModelEntry::Other(EntryKind::Symlink(target), _) => {
            link = Some(target.clone());
            tar::EntryType::Symlink
        }
        ModelEntry::Other(EntryKind::BlockDevice(major, minor), _) => {
            device = (*major, *minor);
            tar::EntryType::Block
        }
        ModelEntry::Other(EntryKind::CharDevice(major, minor), _) => {
            device = (*major, *minor);
            tar::EntryType::Char
        }
        ModelEntry::Other(EntryKind::Fifo, _) => tar::EntryType::Fifo,
        ModelEntry::Other(..) => return None,
    };
    let metadata = model.metadata();
    let entry = TarEntry {
        kind,
        link,
        data,
        device,
        mode: metadata.mode,
        owner: (metadata.uid.into(), metadata.gid.into(), metadata.user.clone()),
        mtime: metadata.mtime,
        xattrs: metadata.xattrs.iter().cloned().collect(),
    };
    Some((name, entry))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn tar_and_zip_come_back(model in any_folder()) {
        let repository = repository();
        let (root, _) = commit(&repository, &model);
        let (bytes, stats) = dumped(&repository, &root, "/", ArchiveFormat::Tar);
        let expected: Vec<_> =
            flatten(&model).iter().filter_map(|(path, model)| expected_tar(path, model)).collect();
        let found = read_tar(&bytes);
        prop_assert_eq!(stats.entries, found.len() as u64);
        prop_assert_eq!(&found, &expected);
        let sum: usize = expected.iter().map(|(_, entry)| entry.data.len()).sum();
        prop_assert_eq!(stats.bytes, sum as u64);
        for deflate in [false, true] {
            let (bytes, _) = dumped(&repository, &root, "/", ArchiveFormat::Zip { deflate });
            check_zip(bytes, &model);
        }
    }
}

/// Compares what zip can hold. Of names that are not UTF-8, only the number is compared.
fn check_zip(bytes: Vec<u8>, model: &ModelFolder) {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut found = BTreeMap::new();
    let mut replaced = Vec::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let mut data = Vec::new();
        file.read_to_end(&mut data).unwrap();
        let name = file.name().unwrap().into_owned();
        if !name.contains(char::REPLACEMENT_CHARACTER) {
            found.insert(name, (data, file.unix_mode().unwrap()));
        } else if !name.ends_with('/') {
            replaced.push(data);
        }
    }
    let mut expected = BTreeMap::new();
    let mut expected_replaced = Vec::new();
    for (path, model) in flatten(model) {
        let mut name = String::from_utf8_lossy(&path[1..]).replace('\\', "\u{fffd}");
        let (data, kind) = match model {
            ModelEntry::File(bytes, _) => (bytes.clone(), 0o100_000),
            ModelEntry::Directory(..) => (Vec::new(), 0o040_000),
            ModelEntry::Other(EntryKind::Symlink(target), _) => {
                (String::from_utf8_lossy(target).into_owned().into_bytes(), 0o120_000)
            }
            ModelEntry::Other(..) => continue,
        };
        let is_directory = kind == 0o040_000;
        if is_directory {
            name.push('/');
        }
        if !name.contains(char::REPLACEMENT_CHARACTER) {
            expected.insert(name, (data, kind | model.metadata().mode & 0o777));
        } else if !is_directory {
            expected_replaced.push(data);
        }
    }
    assert_eq!(found, expected);
    replaced.sort();
    expected_replaced.sort();
    assert_eq!(replaced, expected_replaced);
}

#[test]
fn a_file_comes_as_it_is() {
    let repository = repository();
    let bytes: Vec<u8> = [vec![0; 1000], (0..=255).collect(), vec![0; 100_000]].concat();
    let model = folder([("d", ModelEntry::directory([("f", ModelEntry::file(&bytes))]))]);
    let (root, _) = commit(&repository, &model);
    let (found, stats) = dumped(&repository, &root, "/d/f", ZIP);
    assert!(found == bytes);
    assert_eq!(stats, DumpStats { entries: 1, bytes: bytes.len() as u64, ..DumpStats::default() });
}

#[test]
fn a_folder_keeps_its_path() {
    let repository = repository();
    let inner = ModelEntry::directory([("f", ModelEntry::file("x"))]);
    let (root, _) = commit(&repository, &folder([("a", ModelEntry::directory([("b", inner)]))]));
    let (bytes, _) = dumped(&repository, &root, "a/b", ArchiveFormat::Tar);
    let names: Vec<_> = read_tar(&bytes).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [b"a/b/".to_vec(), b"a/b/f".to_vec()]);
}

#[test]
fn hard_links_are_links_and_reused_inodes_are_not() {
    let repository = repository();
    let linked = |bytes: &str, inode: u64| {
        ModelEntry::File(bytes.into(), Metadata { links: 2, inode, device: 3, ..metadata(0o600) })
    };
    let long = "n".repeat(120);
    let model = folder([
        (long.as_str(), linked("same", 7)),
        ("z1", linked("same", 7)),
        ("z2", linked("other", 7)),
        ("z3", linked("same", 8)),
    ]);
    let (root, _) = commit(&repository, &model);
    let (bytes, stats) = dumped(&repository, &root, "/", ArchiveFormat::Tar);
    let found = read_tar(&bytes);
    let kinds: Vec<_> = found.iter().map(|(_, entry)| entry.kind).collect();
    use tar::EntryType::{Link, Regular};
    assert_eq!(kinds, [Regular, Link, Regular, Regular]);
    assert_eq!(found[1].1.link.as_deref(), Some(long.as_bytes()));
    assert_eq!(stats.bytes, 4 + 5 + 4);
    let (bytes, _) = dumped(&repository, &root, "/", ZIP);
    check_zip(bytes, &model);
}

#[test]
fn what_an_archive_cannot_hold_is_said() {
    let repository = repository();
    let model = folder([
        ("pipe", ModelEntry::Other(EntryKind::Fifo, metadata(0o600))),
        ("socket", ModelEntry::Other(EntryKind::Socket, metadata(0o600))),
    ]);
    let (root, _) = commit(&repository, &model);
    for (format, skipped) in [(ArchiveFormat::Tar, 1), (ZIP, 2)] {
        let notes = Notes::default();
        let stats = dump(&repository, &root, b"/", format, &mut Vec::new(), &notes).unwrap();
        assert_eq!(stats.skipped, skipped);
        assert_eq!(notes.0.lock().unwrap().len() as u64, skipped);
    }
    let result = dump(&repository, &root, b"/pipe", ZIP, &mut Vec::new(), &Silent);
    assert!(matches!(result, Err(EngineError::WrongKind { .. })));
}

#[test]
fn no_name_in_a_zip_leads_elsewhere_on_another_system() {
    let repository = repository();
    let inner = folder([("C:x", ModelEntry::file("3")), ("c", ModelEntry::file("4"))]);
    let model = folder([
        ("..\\..\\evil.txt", ModelEntry::file("1")),
        ("C:\\Windows\\x", ModelEntry::file("2")),
        ("C:", ModelEntry::Directory(inner, metadata(0o755))),
        ("a:b\u{fffd}", ModelEntry::file("5")),
        ("a\u{fffd}b\\", ModelEntry::file("6")),
        ("12:30", ModelEntry::file("7")),
    ]);
    let (root, _) = commit(&repository, &model);
    let notes = Notes::default();
    let mut bytes = Vec::new();
    let stats = dump(&repository, &root, b"/", ZIP, &mut bytes, &notes).unwrap();
    assert_eq!((stats.entries, stats.skipped), (8, 0));
    assert_eq!(notes.0.lock().unwrap().len(), 6);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut found = BTreeMap::new();
    for place in 0..archive.len() {
        let mut file = archive.by_index(place).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        found.insert(file.name().unwrap().into_owned(), text);
    }
    assert!(found.keys().all(|name| !name.contains('\\')), "{found:?}");
    let is_drive = |part: &str| part.starts_with("C:") || part.starts_with("a:");
    assert!(!found.keys().flat_map(|name| name.split('/')).any(is_drive), "{found:?}");
    // Every content is there once, although two names have become equal.
    let mut contents: Vec<_> = found.values().filter(|text| !text.is_empty()).collect();
    contents.sort();
    assert_eq!(contents, ["1", "2", "3", "4", "5", "6", "7"]);
}

/// Accepts this many bytes.
struct Full(usize, Vec<u8>);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let now = bytes.len().min(self.0);
        self.0 -= now;
        self.1.extend_from_slice(&bytes[..now]);
        if now == 0 && !bytes.is_empty() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(now) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_failure_never_looks_like_a_whole_archive() {
    let repository = repository();
    let mut blobs = writer(&repository);
    let good = store_file(&repository, &mut blobs, b"good");
    // A file whose chunks are shorter than its size.
    let bad =
        EntryKind::File { size: 5, codec: 0, main: Content::Inline(Vec::new()), second: None };
    let mut directory = DirectoryWriter::new();
    for (name, kind) in [("a", good), ("b", bad)] {
        let entry = Entry { name: name.into(), metadata: metadata(0o644), kind };
        directory.push(&mut blobs, &entry).unwrap();
    }
    let tree = directory.finish(&mut blobs).unwrap();
    let root = SnapshotRoot::of(&record(&mut blobs, &[("files", tree)]));
    for format in [ArchiveFormat::Tar, ZIP] {
        let mut out = Vec::new();
        assert!(dump(&repository, &root, b"/", format, &mut out, &Silent).is_err());
        assert!(zip::ZipArchive::new(Cursor::new(&out)).is_err());
        assert!(!out.ends_with(&[0; 1024]));
        let mut full = Full(700, Vec::new());
        let result = dump(&repository, &root, b"/a", format, &mut full, &Silent);
        assert!(result.is_ok());
        let mut full = Full(20, Vec::new());
        let result = dump(&repository, &root, b"/", format, &mut full, &Silent);
        assert!(matches!(result, Err(EngineError::Output(_))));
        assert_eq!(full.1.len(), 20);
    }
}

#[test]
#[ignore = "writes ten gigabytes of zeros"]
fn files_may_exceed_every_old_limit() {
    let repository = repository();
    let mut blobs = writer(&repository);
    let bytes = 9 << 30;
    let extent = holdfast_format::node::Extent::Hole { bytes };
    let main = Content::Inline(vec![extent]);
    let kind = EntryKind::File { size: bytes, codec: 0, main, second: None };
    let mut directory = DirectoryWriter::new();
    let entry = Entry { name: b"large".to_vec(), metadata: metadata(0o644), kind };
    directory.push(&mut blobs, &entry).unwrap();
    let tree = directory.finish(&mut blobs).unwrap();
    let root = SnapshotRoot::of(&record(&mut blobs, &[("files", tree)]));
    let mut head = Full(512, Vec::new());
    assert!(dump(&repository, &root, b"/", ArchiveFormat::Tar, &mut head, &Silent).is_err());
    let header = tar::Header::from_byte_slice(&head.1);
    assert_eq!(header.entry_size().unwrap(), bytes);
    let (archive, _) = dumped(&repository, &root, "/", ZIP);
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut file = archive.by_index(0).unwrap();
    assert_eq!(file.size(), bytes);
    assert_eq!(io::copy(&mut file, &mut io::sink()).unwrap(), bytes);
}
