//! Dumps from someone who wants this machine to run out of memory: a few MiB that request
//! gigabytes. Each is read in a separate process, which may only use a fraction of that.

use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use holdfast_connect::postgres::DumpFileSource;
use holdfast_connect::postgres::archive::{
    ArchiveEvent, ArchiveReader, Limits, PlainCheck, PlainError, Toc,
};
use holdfast_connect::{ContentPiece, Source, SourceItem};

/// The memory limit of a process, in KiB, so that a bomb that goes off harms nothing else.
const MEMORY_KIB: u32 = 600 << 10;
/// How much a process may add to its addresses to read one of them, in bytes: a few times the limit
/// for the table of contents of a dump of one MiB.
const ADDED_MAX: usize = 200 << 20;
const BOMB: &str = "HOLDFAST_TEST_BOMB";
const MIB: usize = 1 << 20;

/// Ways to request much with little.
const BOMBS: [&str; 9] = [
    "one long text",
    "many long texts",
    "many entries",
    "many dependencies",
    "many large objects",
    "a script of one line",
    "a long length in no bytes",
    "a large window",
    "a large window around it all",
];

#[test]
fn a_small_dump_takes_little_memory() {
    let program = std::env::current_exe().unwrap();
    for bomb in BOMBS {
        let line = format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\"");
        let mut child = Command::new("sh");
        child.args(["-c", &line]).arg(&program);
        child.args(["--exact", "memory::read_one", "--ignored", "--test-threads=1"]);
        let output = child.env(BOMB, bomb).env("MALLOC_ARENA_MAX", "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{bomb}: {text}");
        assert!(text.contains("1 passed"), "{bomb}: {text}");
    }
}

/// Reads one of them; the test above calls it. Each must be refused for its own reason: one that is
/// read to the end of its bytes, and then found to be incomplete, met no limit.
#[test]
#[ignore = "the test above runs it in a process of its own"]
fn read_one() {
    const OF_TOC: &str = "has entries and texts in the table of contents";
    match std::env::var(BOMB).as_deref() {
        Ok("one long text") => refused(&zstd(toc(1, &[b' '; 250], MIB, 0)), "has a text in"),
        Ok("many long texts") => refused(&gzip(toc(100_000, &[b' '; 15], MIB, 0)), OF_TOC),
        Ok("many entries") => {
            refused(&zstd(toc(400_000, b"", 0, 0)), OF_TOC);
            let error = Toc::decode(&head(i32::MAX), &Limits::DEFAULT).unwrap_err().to_string();
            assert!(error.contains("has entries in"), "{error}");
        }
        Ok("many dependencies") => refused(&zstd(toc(1, b"", 0, 60_000)), OF_TOC),
        Ok("many large objects") => {
            refused(&zstd(large_objects(3_000_000)), "too many tables and large objects");
        }
        Ok("a script of one line") => {
            adding_little(|| {
                let mut check = PlainCheck::new();
                let line = vec![b'x'; MIB];
                (0..400).for_each(|_| check.update(&line));
                assert_eq!(check.finish(), Err(PlainError::NotPlain));
            });
            let script = &b"--\n-- PostgreSQL database dump\n--\n\n"[..];
            let line = std::io::repeat(b'x').take(400 * MIB as u64);
            refused(&zstd(script.chain(line)), "lacks the end");
        }
        Ok("a long length in no bytes") => lengths(),
        Ok("a large window") => {
            let frame = [&int(WINDOW.len() as i32)[..], WINDOW].concat();
            assert_refused(&member("18-zstd", &frame), "too much memory");
        }
        Ok("a large window around it all") => refused(WINDOW, "too much memory"),
        other => panic!("unknown bomb {other:?}"),
    }
}

/// A frame of zstd without a size of its content, with a window of 1 GiB, beyond what pg_restore
/// accepts, and with one empty block.
const WINDOW: &[u8] = b"\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00";

/// Bytes of address space that this process has in use, and has had at most.
fn addresses() -> [usize; 2] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    ["VmSize:", "VmPeak:"].map(|name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    })
}

#[track_caller]
fn adding_little<T>(act: impl FnOnce() -> T) -> T {
    let [before, _] = addresses();
    let outcome = act();
    let [_, peak] = addresses();
    let added = (peak - before) / MIB;
    assert!(added < ADDED_MAX / MIB, "{added} MiB");
    outcome
}

/// Reads a dump to its end, which it must not reach, for this reason.
#[track_caller]
fn refused(dump: &[u8], reason: &str) {
    assert!(dump.len() < 8 * MIB, "the dump has {} bytes", dump.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.dump");
    std::fs::write(&path, dump).unwrap();
    let error = adding_little(|| read_file(&path).unwrap_err().to_string());
    assert!(error.contains(reason), "{error}");
}

fn read_file(path: &Path) -> std::io::Result<()> {
    let mut source = DumpFileSource::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    while let Some(item) = source.next()? {
        if let SourceItem::Leaf(leaf) = item {
            let mut content = leaf.opener.open()?;
            while content.read(&mut buffer)? != ContentPiece::End {}
        }
    }
    Ok(())
}

/// Lengths of texts and of pieces of data that no bytes follow.
fn lengths() {
    let announced = |length: i32| {
        let mut bytes = head(1);
        bytes.extend([int(1), int(0), text(b"0"), int(length)].concat());
        bytes
    };
    let decode = |length: i32, limits: Limits| {
        adding_little(|| Toc::decode(&announced(length), &limits).unwrap_err().to_string())
    };
    let error = decode(i32::MAX, Limits::of_file(100));
    assert!(error.contains("has a text in"), "{error}");
    // This one is allowed, where the dump may be of any size.
    let error = decode(Limits::DEFAULT.string_bytes_max as i32, Limits::DEFAULT);
    assert!(error.contains("incomplete"), "{error}");
    assert_refused(&member("18-plain", &int(i32::MAX)), "incomplete");
}

/// A golden dump up to its first member, whose data is this.
fn member(golden: &str, data: &[u8]) -> Vec<u8> {
    let all = crate::golden::all();
    let (_, archive) = all.iter().find(|(name, _)| name == golden).unwrap();
    let (toc, used) = Toc::decode(archive, &Limits::DEFAULT).unwrap();
    let entry = toc.with_data().find(|entry| !entry.has_large_objects()).unwrap();
    [&archive[..used], &[1], &int(entry.dump_id), data].concat()
}

#[track_caller]
fn assert_refused(archive: &[u8], reason: &str) {
    let error = adding_little(|| {
        let mut reader = ArchiveReader::open(archive, Limits::of_file(100)).unwrap();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match reader.next(&mut buffer) {
                Ok(ArchiveEvent::Complete) => panic!("the archive was accepted"),
                Ok(_) => {}
                Err(error) => break error.to_string(),
            }
        }
    });
    assert!(error.contains(reason), "{error}");
}

fn int(value: i32) -> Vec<u8> {
    let magnitude = value.unsigned_abs().to_le_bytes();
    [&[u8::from(value < 0)], &magnitude[..]].concat()
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [int(i32::try_from(bytes.len()).unwrap()), bytes.to_vec()].concat()
}

/// The header of an archive of version 1.14, and the number of its entries.
fn head(entries: i32) -> Vec<u8> {
    let mut bytes = b"PGDMP\x01\x0e\0\x04\x08\x01".to_vec();
    bytes.extend([0, 0, 0, 0, 1, 0, 126, 0].into_iter().flat_map(int));
    bytes.extend([text(b"app"), text(b"15.1"), text(b"15.1"), int(entries)].concat());
    bytes
}

/// A table of contents with this many entries, each with a definition of the letters, each repeated
/// this many times, and with a thousand times this many dependencies.
fn toc(entries: i32, letters: &[u8], times: usize, dependencies: usize) -> Box<dyn Read> {
    let begin = |number: i32| {
        [int(number + 1), int(0), text(b"0"), text(b"0"), text(b"t"), text(b"TABLE"), int(2)]
            .concat()
    };
    let middle = [int(-1), int(-1), text(b"public"), text(b""), text(b"heap"), text(b"o")].concat();
    let end = [int(-1), vec![3], vec![0; 8]].concat();
    let letters = letters.to_vec();
    let all = (0..entries).map(move |number| {
        let length = int(i32::try_from(letters.len() * times).unwrap());
        let start = Cursor::new([begin(number), length].concat());
        let definition =
            Pieces(letters.clone().into_iter().map(move |it| vec![it; times]), vec![], 0);
        let rest = Cursor::new([middle.clone(), text(b"false")].concat());
        let more = Pieces((0..dependencies).map(|_| text(b"1").repeat(1000)), vec![], 0);
        start.chain(definition).chain(rest).chain(more).chain(Cursor::new(end.clone()))
    });
    let mut all = all;
    let mut current = all.next();
    let each = std::iter::from_fn(move || {
        loop {
            let mut piece = Vec::new();
            let read = current.as_mut()?.take(64 << 10).read_to_end(&mut piece).unwrap();
            if read > 0 {
                return Some(piece);
            }
            current = all.next();
        }
    });
    Box::new(Cursor::new(head(entries)).chain(Pieces(each, vec![], 0)))
}

/// Pieces one after another.
struct Pieces<I>(I, Vec<u8>, usize);

impl<I: Iterator<Item = Vec<u8>>> Read for Pieces<I> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.2 == self.1.len() {
            let Some(next) = self.0.next() else { return Ok(0) };
            (self.1, self.2) = (next, 0);
        }
        let count = buffer.len().min(self.1.len() - self.2);
        buffer[..count].copy_from_slice(&self.1[self.2..self.2 + count]);
        self.2 += count;
        Ok(count)
    }
}

/// As much of it as fits in a dump of one MiB.
fn gzip(mut bytes: impl Read) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    let mut buffer = vec![0; MIB];
    loop {
        let count = bytes.read(&mut buffer).unwrap();
        packed.write_all(&buffer[..count]).unwrap();
        if count == 0 || packed.get_ref().len() > MIB {
            return packed.finish().unwrap();
        }
    }
}

/// All of it, of which zstd leaves little.
fn zstd(mut bytes: impl Read) -> Vec<u8> {
    let mut packed = zstd::Encoder::new(Vec::new(), 3).unwrap();
    std::io::copy(&mut bytes, &mut packed).unwrap();
    packed.finish().unwrap()
}

/// An archive with this many empty large objects in one group; numbers that repeat take no space.
fn large_objects(count: i32) -> impl Read {
    let entry = [
        [int(1), int(1), text(b"0"), text(b"0"), text(b"BLOBS"), text(b"BLOBS"), int(3)].concat(),
        [int(-1), int(-1), int(-1), text(b""), int(-1), int(-1), text(b"o")].concat(),
        [text(b"false"), int(-1), vec![1], vec![0; 8]].concat(),
    ];
    let start = [head(1), entry.concat(), vec![3], int(1)].concat();
    let each = Pieces((0..count).map(|it| [int(it % 1000 + 1), int(0)].concat()), vec![], 0);
    Cursor::new(start).chain(each).chain(Cursor::new(int(0)))
}
