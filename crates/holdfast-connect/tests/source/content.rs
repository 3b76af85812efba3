//! Reading: holes, and files that change between the scan and the end of reading.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use holdfast_connect::{ContentPiece, ContentReader};
use rustix::fs::{CWD, FileType, Mode};

use crate::{CompletedScan, directory, pieces, read, scan};

/// A scanned file.
struct Scanned {
    _directory: tempfile::TempDir,
    path: PathBuf,
    scan: CompletedScan,
}

impl Scanned {
    fn new(content: &[u8]) -> Self {
        let directory = directory();
        let path = directory.path().join("file");
        fs::write(&path, content).unwrap();
        let scan = scan(&path);
        // So that any later change has a different time.
        std::thread::sleep(Duration::from_millis(10));
        Self { _directory: directory, path, scan }
    }

    fn open(&self) -> Box<dyn ContentReader> {
        self.scan.leaf(&self.path).opener.open().unwrap()
    }

    fn append(&self, bytes: &[u8]) {
        OpenOptions::new().append(true).open(&self.path).unwrap().write_all(bytes).unwrap();
    }
}

fn holes(path: &Path) -> Vec<ContentPiece> {
    let scan = scan(path);
    let mut content = scan.leaf(path).opener.open().unwrap();
    let pieces = pieces(&mut *content).into_iter().map(|(piece, _)| piece).collect();
    assert_eq!(content.changed().unwrap(), None);
    pieces
}

#[test]
fn an_unchanged_file_is_read_whole() {
    for length in [0, 1, 65_535, 65_536, 65_537, 3 << 20] {
        let content: Vec<u8> = (0..length).map(|number: u32| (number % 251) as u8).collect();
        let file = Scanned::new(&content);
        let mut opened = file.open();
        assert!(read(&mut *opened) == content, "{length} bytes");
        assert_eq!(opened.read(&mut [0; 10]).unwrap(), ContentPiece::End, "it remains at the end");
        assert_eq!(opened.changed().unwrap(), None);
    }
}

#[test]
fn a_tebibyte_of_holes_is_not_read() {
    const TEBIBYTE: u64 = 1 << 40;
    for place in ["/tmp", "/dev/shm"] {
        let directory = tempfile::tempdir_in(place).unwrap();
        let path = directory.path().join("sparse");
        let file = File::create(&path).unwrap();
        file.set_len(TEBIBYTE).unwrap();
        file.write_all_at(&[7; 65_536], TEBIBYTE / 2).unwrap();
        let begin = Instant::now();
        let half = TEBIBYTE / 2;
        let expected = [
            ContentPiece::Hole(half),
            ContentPiece::Data(65_536),
            ContentPiece::Hole(half - 65_536),
        ];
        assert_eq!(holes(&path), expected, "{place}");
        assert!(begin.elapsed() < Duration::from_secs(1), "{place}");
    }
}

#[test]
fn holes_stand_where_they_are() {
    let directory = directory();
    let path = directory.path().join("sparse");
    let file = File::create(&path).unwrap();
    file.write_all_at(&[1; 100_000], 0).unwrap();
    file.write_all_at(&[2; 10], 1 << 20).unwrap();
    let first = (100_000_u64).next_multiple_of(4096);
    let expected = [
        ContentPiece::Data(65_536),
        ContentPiece::Data(first as usize - 65_536),
        ContentPiece::Hole((1 << 20) - first),
        ContentPiece::Data(10),
    ];
    assert_eq!(holes(&path), expected);
    file.set_len(1 << 30).unwrap();
    assert_eq!(holes(&path).last(), Some(&ContentPiece::Hole((1 << 30) - (1 << 20) - 4096)));
    fs::write(&path, "").unwrap();
    file.set_len(5).unwrap();
    assert_eq!(holes(&path), [ContentPiece::Hole(5)]);
}

#[test]
fn a_sparse_file_that_is_cut_short_ends_there() {
    let file = Scanned::new(b"");
    let writer = OpenOptions::new().write(true).open(&file.path).unwrap();
    writer.set_len(1 << 30).unwrap();
    let mut opened = file.open();
    writer.set_len(1 << 20).unwrap();
    let found: Vec<ContentPiece> =
        pieces(&mut *opened).into_iter().map(|(piece, _)| piece).collect();
    assert_eq!(found, [ContentPiece::Hole(1 << 20)]);
    assert!(opened.changed().unwrap().unwrap().changed);
}

#[test]
fn growing_before_it_is_opened_gives_the_new_content() {
    let file = Scanned::new(b"old");
    file.append(b" and new");
    let mut opened = file.open();
    assert_eq!(read(&mut *opened), b"old and new");
    let metadata = opened.changed().unwrap().unwrap();
    assert!(!metadata.changed, "what was read is whole");
    assert!(metadata.mtime > file.scan.metadata(&file.path).mtime);
}

#[test]
fn growing_while_it_is_read_is_noticed() {
    let file = Scanned::new(&[1; 100_000]);
    let mut opened = file.open();
    assert_eq!(opened.read(&mut [0; 1000]).unwrap(), ContentPiece::Data(1000));
    file.append(&[2; 100_000]);
    assert_eq!(read(&mut *opened).len(), 99_000, "nothing after its original end");
    assert!(opened.changed().unwrap().unwrap().changed);
}

#[test]
fn shrinking_while_it_is_read_is_noticed() {
    let file = Scanned::new(&[1; 100_000]);
    let mut opened = file.open();
    assert_eq!(opened.read(&mut [0; 1000]).unwrap(), ContentPiece::Data(1000));
    OpenOptions::new().write(true).open(&file.path).unwrap().set_len(5000).unwrap();
    assert_eq!(read(&mut *opened).len(), 4000);
    let metadata = opened.changed().unwrap().unwrap();
    assert!(metadata.changed);
}

#[test]
fn an_empty_file_that_grows_is_noticed() {
    let file = Scanned::new(b"");
    let mut opened = file.open();
    file.append(b"now");
    assert_eq!(read(&mut *opened), b"now");
    assert!(opened.changed().unwrap().unwrap().changed);
}

#[test]
fn a_new_mode_is_noticed() {
    let file = Scanned::new(b"x");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&file.path, mode).unwrap();
    let mut opened = file.open();
    read(&mut *opened);
    assert_eq!(opened.changed().unwrap().unwrap().mode, 0o600);
}

#[test]
fn a_replaced_file_is_noticed() {
    let file = Scanned::new(b"old");
    let other = file.path.with_extension("other");
    fs::write(&other, "new").unwrap();
    fs::rename(&other, &file.path).unwrap();
    let mut opened = file.open();
    assert_eq!(read(&mut *opened), b"new");
    let metadata = opened.changed().unwrap().unwrap();
    assert_ne!(metadata.inode, file.scan.metadata(&file.path).inode);
}

#[test]
fn what_is_no_file_any_more_is_not_opened() {
    let file = Scanned::new(b"x");
    let open = || file.scan.leaf(&file.path).opener.open().err().expect("it is not a file");
    fs::remove_file(&file.path).unwrap();
    assert_eq!(open().kind(), std::io::ErrorKind::NotFound);
    symlink("/etc/passwd", &file.path).unwrap();
    open();
    fs::remove_file(&file.path).unwrap();
    rustix::fs::mknodat(CWD, &file.path, FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert!(open().to_string().contains("was a regular file"));
    fs::remove_file(&file.path).unwrap();
    fs::create_dir(&file.path).unwrap();
    open();
}

#[test]
fn a_replaced_directory_is_not_mistaken() {
    let directory = directory();
    let (sub, file) = (directory.path().join("sub"), directory.path().join("sub/file"));
    fs::create_dir(&sub).unwrap();
    fs::write(&file, "secret").unwrap();
    let found = scan(directory.path());
    fs::rename(&sub, directory.path().join("moved")).unwrap();
    symlink("/etc", &sub).unwrap();
    // Its descriptor is still open, so the file can still be reached.
    let mut opened = found.leaf(&file).opener.open().unwrap();
    assert_eq!(read(&mut *opened), b"secret");
}

#[test]
fn files_that_claim_to_be_empty_are_read() {
    let path = Path::new("/proc/version");
    let scan = scan(path);
    let mut opened = scan.leaf(path).opener.open().unwrap();
    assert_eq!(read(&mut *opened), fs::read(path).unwrap());
}
