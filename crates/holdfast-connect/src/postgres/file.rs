//! Dumps made elsewhere, as files or streams.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use holdfast_format::entry::Metadata;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::archive::{PlainCheck, PlainKind};
use super::content::{CaptureEntries, already_read};
use super::database::DatabaseFolder;
use super::dump::RunningDump;
use super::error::{ErrorKind, PostgresError};
use crate::{ContentPiece, ContentReader, Opener, Source, SourceItem};

/// The first bytes of gzip and of zstd.
const GZIP_START: &[u8] = b"\x1f\x8b";
const ZSTD_START: &[u8] = b"\x28\xb5\x2f\xfd";
/// How much of a file identifies it, in bytes.
const START_BYTES: u64 = 256;

/// The first bytes of every archive of `pg_dump -Fc`.
const ARCHIVE_START: &[u8] = b"PGDMP";

/// A source of an existing dump, proven to be complete.
///
/// An archive (`pg_dump -Fc`, compressed or not) becomes the same tree as from
/// [`super::PostgresSource`], without `postgres.json`; a script of `pg_dump` becomes
/// `database.sql`, one of `pg_dumpall` `cluster.sql`. A dump that was compressed as a whole with
/// gzip or zstd is stored decompressed, so that it deduplicates. It can be read only once and in
/// its own order.
pub struct DumpFileSource {
    entries: CaptureEntries,
    /// The file and its initial status, if it is a file.
    watched: Option<(File, DumpFileStamp)>,
    file: Option<Box<dyn Read + Send>>,
    folder: Option<DatabaseFolder>,
    items: VecDeque<SourceItem>,
}

impl DumpFileSource {
    /// Reads from `file`, as a dump made at `seconds` since 1970.
    pub fn new(file: Box<dyn Read + Send>, seconds: i64) -> Self {
        let entries = CaptureEntries::new(seconds);
        Self { entries, watched: None, file: Some(file), folder: None, items: VecDeque::new() }
    }

    /// Reads a file. A file that is written during the read is an error: it may be half a dump.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let failed = |error: io::Error| {
            io::Error::new(error.kind(), format!("{} cannot be read: {error}", path.display()))
        };
        let file = File::open(path).map_err(failed)?;
        let look = DumpFileStamp::of(&file).map_err(failed)?;
        let watched = Some((file.try_clone().map_err(failed)?, look));
        Ok(Self { watched, ..Self::new(Box::new(file), look.seconds) })
    }

    fn begin(&mut self, file: Box<dyn Read + Send>) -> io::Result<()> {
        let (start, file) = unpacked(file)?;
        let is_archive = start.starts_with(ARCHIVE_START);
        let is_cluster = start.windows(16).any(|part| part == b"database cluster");
        let is_script = start.starts_with(b"--");
        if is_archive || !is_script {
            // Anything else is identified by the reader of archives.
            let bytes = self.watched.as_ref().map_or(u64::MAX, |(_, look)| look.bytes);
            let dump = RunningDump::from_file(file, bytes)?;
            self.items.push_back(self.entries.enter("databases", false));
            let folder = DatabaseFolder::begin(dump, None, self.entries, &mut self.items);
            self.folder = Some(folder);
            return Ok(());
        }
        let (name, kind) = match is_cluster {
            true => ("cluster.sql", PlainKind::Cluster),
            false => ("database.sql", PlainKind::Database),
        };
        let script = ScriptFile { file, check: Some(PlainCheck::new()), kind };
        let opener = ScriptOpener(Mutex::new(Some(script)));
        self.items.push_back(self.entries.stream(name, Box::new(opener)));
        Ok(())
    }
}

impl Source for DumpFileSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        while self.items.is_empty() {
            if let Some(file) = self.file.take() {
                self.begin(file)?;
            } else if let Some(mut folder) = self.folder.take() {
                match folder.advance(&mut self.items)? {
                    true => self.folder = Some(folder),
                    false => self.items.push_back(SourceItem::Leave),
                }
            } else {
                return self.end();
            }
        }
        Ok(self.items.pop_front())
    }
}

impl DumpFileSource {
    /// Makes sure that the file has not changed.
    fn end(&mut self) -> io::Result<Option<SourceItem>> {
        match self.watched.take() {
            Some((file, look)) if DumpFileStamp::of(&file)? != look => {
                let text = "the dump was written while it was being read: write it under another \
                            name, and rename it when it is finished";
                Err(PostgresError::new(ErrorKind::Incomplete, text).into())
            }
            _ => Ok(None),
        }
    }
}

/// What changes with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DumpFileStamp {
    bytes: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl DumpFileStamp {
    fn of(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self { bytes: found.len(), seconds: found.mtime(), nanoseconds: found.mtime_nsec() })
    }
}

/// The first bytes of a dump and all of it, after decompression of gzip or zstd.
fn unpacked(file: Box<dyn Read + Send>) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let (start, file) = started(file)?;
    if start.starts_with(GZIP_START) {
        return started(Box::new(Unpacking(MultiGzDecoder::new(BufReader::new(file)))));
    }
    if start.starts_with(ZSTD_START) {
        return started(Box::new(Unpacking(ZstdDecoder::new(file)?)));
    }
    Ok((start, file))
}

/// Adds what a decoder's errors lack: that they concern the dump.
struct Unpacking<R>(R);

impl<R: Read> Read for Unpacking<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => {
                let text = format!("the dump cannot be decompressed, so it is incomplete: {error}");
                io::Error::new(kind, text)
            }
        })
    }
}

/// The first bytes of a stream, and the whole stream.
fn started(mut file: Box<dyn Read + Send>) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut start = Vec::new();
    file.by_ref().take(START_BYTES).read_to_end(&mut start)?;
    let whole = io::Cursor::new(start.clone()).chain(file);
    Ok((start, Box::new(whole)))
}

/// The script, until it is opened.
struct ScriptOpener(Mutex<Option<ScriptFile>>);

impl std::fmt::Debug for ScriptOpener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ScriptOpener")
    }
}

impl Opener for ScriptOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        let script = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Box::new(script.ok_or_else(already_read)?))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

struct ScriptFile {
    file: Box<dyn Read + Send>,
    /// Present until the end.
    check: Option<PlainCheck>,
    kind: PlainKind,
}

impl ContentReader for ScriptFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        let count = loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        if count > 0 {
            if let Some(check) = &mut self.check {
                check.update(&buffer[..count]);
            }
            return Ok(ContentPiece::Data(count));
        }
        match self.check.take().map(PlainCheck::finish) {
            Some(Err(error)) => {
                Err(PostgresError::new(ErrorKind::Incomplete, error.to_string()).into())
            }
            Some(Ok(kind)) if kind != self.kind => {
                let text = "the end of the script does not match its beginning";
                Err(PostgresError::new(ErrorKind::Incomplete, text).into())
            }
            _ => Ok(ContentPiece::End),
        }
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(None)
    }
}
