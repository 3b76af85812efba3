//! Dumps from someone who wants this machine to run out of memory: a few MiB that request
//! gigabytes. Each is read in a separate process, which may only use a fraction of that.

use std::io::{Cursor, Read, Write};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use holdfast_connect::postgres::DumpFileSource;
use holdfast_connect::postgres::archive::{
    ArchiveReader, Event, Limits, PlainCheck, PlainError, Toc,
};
use holdfast_connect::{Item, Piece, Source};

/// The memory limit of a process, in KiB: its own size, plus a few times the limit for a dump of
/// one MiB.
const MEMORY_KIB: u32 = 600 << 10;
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
    "zstd around it all",
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

/// Reads one of them; the test above calls it.
#[test]
#[ignore = "the test above runs it in a process of its own"]
fn read_one() {
    match std::env::var(BOMB).as_deref() {
        Ok("one long text") => refused(&gzip(toc(1, &[b' '; 250], MIB, 0))),
        Ok("many long texts") => refused(&gzip(toc(100_000, &[b' '; 15], MIB, 0))),
        Ok("many entries") => refused(&gzip(toc(16_000_000, b"", 0, 0))),
        Ok("many dependencies") => refused(&gzip(toc(1, b"", 0, 200_000_000))),
        Ok("many large objects") => refused(&large_objects(100_000_000)),
        Ok("a script of one line") => {
            let mut check = PlainCheck::new();
            let line = vec![b'x'; MIB];
            (0..200).for_each(|_| check.update(&line));
            assert_eq!(check.finish(), Err(PlainError::NotPlain));
            let script = &b"--\n-- PostgreSQL database dump\n--\n\n"[..];
            refused(&gzip(script.chain(std::io::repeat(b'x').take(200 * MIB as u64))));
        }
        Ok("a long length in no bytes") => {
            let mut bytes = head(1);
            bytes.extend([int(1), int(0), text(b"0"), int(i32::MAX)].concat());
            let error = Toc::decode(&bytes, &Limits::of_file(100)).unwrap_err().to_string();
            assert!(error.contains("a text"), "{error}");
        }
        Ok("a large window") => window(),
        Ok("zstd around it all") => {
            let mut packed = zstd::Encoder::new(Vec::new(), 3).unwrap();
            let mut bytes = toc(100_000, &[b' '; 15], MIB, 0).take(300 * MIB as u64);
            std::io::copy(&mut bytes, &mut packed).unwrap();
            refused(&packed.finish().unwrap());
        }
        other => panic!("unknown bomb {other:?}"),
    }
}

/// Reads a dump to its end, which it must not reach.
#[track_caller]
fn refused(dump: &[u8]) {
    assert!(dump.len() < 8 * MIB, "the dump has {} bytes", dump.len());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.dump");
    std::fs::write(&path, dump).unwrap();
    let mut source = DumpFileSource::open(&path).unwrap();
    let mut buffer = vec![0; 64 << 10];
    let error = loop {
        match source.next() {
            Err(error) => break error,
            Ok(None) => panic!("the dump was taken"),
            Ok(Some(Item::Leaf(leaf))) => {
                let mut content = leaf.opener.open().unwrap();
                let read = loop {
                    match content.read(&mut buffer) {
                        Ok(Piece::End) => break Ok(()),
                        Ok(_) => {}
                        Err(error) => break Err(error),
                    }
                };
                if let Err(error) = read {
                    break error;
                }
            }
            Ok(Some(_)) => {}
        }
    };
    let error = error.to_string();
    let is_refused = |words: &&str| error.contains(*words);
    let limits = ["larger than the limit", "too many tables and large objects", "incomplete"];
    assert!(limits.iter().any(is_refused), "{error}");
}

/// A window of zstd beyond what pg_restore accepts, in a member of an archive.
fn window() {
    // No content size, a window of 1 GiB, one empty block.
    let frame = b"\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00".to_vec();
    let golden = crate::golden::all();
    let (_, archive) = golden.iter().find(|(name, _)| name == "18-zstd").unwrap();
    let (toc, used) = Toc::decode(archive, &Limits::DEFAULT).unwrap();
    let mut bytes = archive[..used].to_vec();
    let entry = toc.with_data().find(|entry| !entry.has_large_objects()).unwrap();
    bytes.push(1);
    bytes.extend([int(entry.dump_id), int(frame.len() as i32), frame].concat());
    let mut reader = ArchiveReader::open(Cursor::new(bytes), Limits::of_file(100)).unwrap();
    let mut buffer = vec![0; 64 << 10];
    let error = loop {
        match reader.next(&mut buffer) {
            Ok(Event::Complete) => panic!("the window was taken"),
            Ok(_) => {}
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("cannot be decompressed"), "{error}");
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
/// this many times, and with this many dependencies.
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
        let more = Pieces((0..dependencies).map(|_| text(b"1")), vec![], 0);
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

/// An archive with this many empty large objects in one group.
fn large_objects(count: i32) -> Vec<u8> {
    let entry = [
        [int(1), int(1), text(b"0"), text(b"0"), text(b"BLOBS"), text(b"BLOBS"), int(3)].concat(),
        [int(-1), int(-1), int(-1), text(b""), int(-1), int(-1), text(b"o")].concat(),
        [text(b"false"), int(-1), vec![1], vec![0; 8]].concat(),
    ];
    let start = [head(1), entry.concat(), vec![3], int(1)].concat();
    let each = Pieces((1..count).map(|oid| [int(oid), int(0)].concat()), vec![], 0);
    gzip(Cursor::new(start).chain(each))
}
