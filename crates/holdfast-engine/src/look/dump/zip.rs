//! A directory as a zip archive.

use std::collections::HashSet;
use std::io::Write;

use holdfast_format::entry::{Entry, EntryKind, FileTime};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::content::Contents;
use super::zip_writer::{ZipMember, ZipWriter};
use super::{Archive, note};
use crate::{EngineError, Observer};

/// Replaces a byte that is not UTF-8, or that other systems would not accept as part of a name.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
/// Types of entries, as the mode of a file has them.
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;

/// A zip archive.
pub(super) struct ZipArchive<'a> {
    writer: ZipWriter<'a>,
    deflate: bool,
    observer: &'a dyn Observer,
    /// Names with replacement characters, two of which may have become equal.
    replaced: HashSet<String>,
}

impl<'a> ZipArchive<'a> {
    pub fn new(out: &'a mut dyn Write, deflate: bool, observer: &'a dyn Observer) -> Self {
        Self { writer: ZipWriter::new(out), deflate, observer, replaced: HashSet::new() }
    }

    /// The name of an entry in the archive; `None` for a directory that is already in it.
    fn name(&mut self, path: &[u8], is_directory: bool) -> Option<String> {
        let text = String::from_utf8_lossy(path);
        let mut name = harmless(&text);
        let last_of = |path: &str| path.rsplit('/').next().map(str::to_owned);
        if std::str::from_utf8(path).is_err() {
            note(self.observer, path, "its name is not UTF-8 and was changed for the zip archive");
        } else if last_of(&name) != last_of(&text) {
            let name = name.escape_debug();
            let what =
                format!("other systems take its name for a path; it is {name} in the archive");
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
}

impl Archive for ZipArchive<'_> {
    fn add(
        &mut self,
        path: &[u8],
        entry: &Entry,
        contents: &mut Contents<'_>,
    ) -> Result<bool, EngineError> {
        let kind = match entry.kind {
            EntryKind::Directory(_) => DIRECTORY,
            EntryKind::File { .. } => REGULAR,
            EntryKind::Symlink(_) => SYMLINK,
            _ => {
                let what = "a zip archive can only store files, directories and links";
                note(self.observer, path, what);
                return Ok(false);
            }
        };
        let Some(name) = self.name(path, kind == DIRECTORY) else { return Ok(true) };
        let mode = kind | entry.metadata.mode;
        let member =
            ZipMember { name: name.as_bytes(), mode, time: dos_time(entry.metadata.mtime) };
        match &entry.kind {
            EntryKind::Symlink(target) => {
                let target = String::from_utf8_lossy(target);
                self.writer.add(&member, target.as_bytes()).map_err(EngineError::Output)?;
            }
            EntryKind::File { size, .. } if *size > 0 => {
                let (deflate, size) = (self.deflate, *size);
                self.writer.stream(&member, size, deflate, &mut |out| {
                    contents.write(path, &entry.kind, out).map(drop)
                })?;
            }
            _ => self.writer.add(&member, b"").map_err(EngineError::Output)?,
        }
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        self.writer.finish().map_err(EngineError::Output)
    }
}

/// The path without characters that have a special meaning on other systems: there a backslash
/// separates names, and a letter followed by a colon is a drive.
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

/// A time in zip format, date and time of day: in UTC, for the years 1980 to 2107.
fn dos_time(time: FileTime) -> (u16, u16) {
    let date = Timestamp::new(time.seconds, 0).ok().map(|time| time.to_zoned(TimeZone::UTC));
    let Some(date) = date.filter(|date| (1980..=2107).contains(&date.year())) else {
        return ((1 << 5) | 1, 0);
    };
    let year = (date.year() - 1980).cast_unsigned();
    let [month, day, hour] = [date.month(), date.day(), date.hour()].map(of_byte);
    let [minute, second] = [date.minute(), date.second()].map(of_byte);
    ((year << 9) | (month << 5) | day, (hour << 11) | (minute << 5) | (second / 2))
}

/// A field of a date, which is never negative.
fn of_byte(field: i8) -> u16 {
    u16::from(field.unsigned_abs())
}
