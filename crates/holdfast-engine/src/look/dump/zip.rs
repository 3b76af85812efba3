//! A directory as a zip archive.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Write};
use std::rc::Rc;

use holdfast_format::entry::{Entry, EntryKind, FileTime};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use zip::result::ZipError;
use zip::write::{FileOptions, SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::content::Contents;
use super::{Archive, note};
use crate::{EngineError, Observer};

/// Files from this size on need the fields of zip64.
const LARGE_BYTES: u64 = u32::MAX as u64;
/// What stands for a byte that is not UTF-8, or that other systems would take for more than a part
/// of a name.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Swallows what is written once it is closed: a `ZipWriter` ends its archive properly when it is
/// dropped, also after an error, and nobody should take a part for the whole.
struct Gate<'a> {
    out: &'a mut dyn Write,
    is_closed: Rc<Cell<bool>>,
}

impl Write for Gate<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed.get() { Ok(bytes.len()) } else { self.out.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_closed.get() { Ok(()) } else { self.out.flush() }
    }
}

/// A zip archive.
pub(super) struct ZipArchive<'a> {
    writer: Option<ZipWriter<StreamWriter<Gate<'a>>>>,
    is_closed: Rc<Cell<bool>>,
    method: CompressionMethod,
    observer: &'a dyn Observer,
    /// Names with replacement characters, of which two may have become one.
    replaced: HashSet<String>,
}

impl<'a> ZipArchive<'a> {
    pub fn new(out: &'a mut dyn Write, deflate: bool, observer: &'a dyn Observer) -> Self {
        let is_closed = Rc::new(Cell::new(false));
        let gate = Gate { out, is_closed: Rc::clone(&is_closed) };
        let writer = Some(ZipWriter::new_stream(gate));
        let method = if deflate { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        Self { writer, is_closed, method, observer, replaced: HashSet::new() }
    }

    /// The name of an entry in the archive; `None` for a directory that is there already.
    fn name(&mut self, path: &[u8], is_directory: bool) -> Option<String> {
        let text = String::from_utf8_lossy(path);
        let mut name = harmless(&text);
        let last_of = |path: &str| path.rsplit('/').next().map(str::to_owned);
        if std::str::from_utf8(path).is_err() {
            note(self.observer, path, "its name is not UTF-8 and was changed for the zip archive");
        } else if last_of(&name) != last_of(&text) {
            let name = name.escape_debug();
            let what = format!("other systems take its name for a path; the archive has {name}");
            note(self.observer, path, &what);
        }
        if is_directory {
            name.push('/');
        }
        if !name.contains(REPLACEMENT) {
            return Some(name);
        }
        if is_directory {
            return self.replaced.insert(name.clone()).then_some(name);
        }
        let mut free = name.clone();
        let mut number = 2;
        while !self.replaced.insert(free.clone()) {
            free = format!("{name}~{number}");
            number += 1;
        }
        Some(free)
    }

    fn options(&self, entry: &Entry) -> SimpleFileOptions {
        let size = match entry.kind {
            EntryKind::File { size, .. } => size,
            _ => 0,
        };
        FileOptions::default()
            .compression_method(self.method)
            .unix_permissions(entry.metadata.mode)
            .last_modified_time(date_time(entry.metadata.mtime))
            .large_file(size >= LARGE_BYTES)
    }

    fn add_entry(
        &mut self,
        path: &[u8],
        entry: &Entry,
        contents: &mut Contents<'_>,
    ) -> Result<bool, EngineError> {
        let options = self.options(entry);
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        let is_held =
            is_directory || matches!(entry.kind, EntryKind::File { .. } | EntryKind::Symlink(_));
        if !is_held {
            note(self.observer, path, "a zip archive holds files, directories and links only");
            return Ok(false);
        }
        let Some(name) = self.name(path, is_directory) else { return Ok(true) };
        let Some(writer) = &mut self.writer else { return Ok(false) };
        match &entry.kind {
            EntryKind::Directory(_) => writer.add_directory(name, options).map_err(failed)?,
            EntryKind::Symlink(target) => {
                let target = String::from_utf8_lossy(target);
                writer.add_symlink(name, target, options).map_err(failed)?;
            }
            _ => {
                writer.start_file(name, options).map_err(failed)?;
                contents.write(path, &entry.kind, writer)?;
            }
        }
        Ok(true)
    }
}

impl Archive for ZipArchive<'_> {
    fn add(
        &mut self,
        path: &[u8],
        entry: &Entry,
        contents: &mut Contents<'_>,
    ) -> Result<bool, EngineError> {
        self.add_entry(path, entry, contents)
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let mut gate = writer.finish().map_err(failed)?.into_inner();
        gate.flush().map_err(EngineError::Output)
    }
}

impl Drop for ZipArchive<'_> {
    fn drop(&mut self) {
        self.is_closed.set(true);
    }
}

/// The path without what leads elsewhere on other systems: a backslash separates names there, and a
/// letter with a colon behind it is a drive.
fn harmless(path: &str) -> String {
    let is_drive = |name: &str| {
        let bytes = name.as_bytes();
        bytes.get(1) == Some(&b':') && bytes[0].is_ascii_alphabetic()
    };
    let name = |name: &str| {
        let mut name = name.replace('\\', &REPLACEMENT.to_string());
        if is_drive(&name) {
            name.replace_range(1..2, &REPLACEMENT.to_string());
        }
        name
    };
    path.split('/').map(name).collect::<Vec<_>>().join("/")
}

/// A time as zip has it: in UTC, of the years 1980 to 2107.
fn date_time(time: FileTime) -> DateTime {
    let date_time = Timestamp::new(time.seconds, 0).ok().and_then(|timestamp| {
        let date = timestamp.to_zoned(TimeZone::UTC).datetime();
        DateTime::from_date_and_time(
            u16::try_from(date.year()).ok()?,
            u8::try_from(date.month()).ok()?,
            u8::try_from(date.day()).ok()?,
            u8::try_from(date.hour()).ok()?,
            u8::try_from(date.minute()).ok()?,
            u8::try_from(date.second()).ok()?,
        )
        .ok()
    });
    date_time.unwrap_or_default()
}

fn failed(error: ZipError) -> EngineError {
    EngineError::Output(match error {
        ZipError::Io(error) => error,
        error => io::Error::other(error),
    })
}
