//! Entries in the format that `ncdu -f` reads (<https://dev.yorhel.nl/ncdu/jsonfmt>).

use std::io::Write;

use crate::output::json::entry::EntryView;

use holdfast_engine::EngineError;
use holdfast_format::entry::{Entry, EntryKind};
use jiff::Timestamp;
use serde::Serialize;

use super::stream::json_text;

/// The unit in which ncdu counts space, in bytes.
const BLOCK_BYTES: u64 = 512;
/// The file type bits of a directory in the mode.
const DIRECTORY_BITS: u32 = 0o40_000;

/// A listing in progress. A directory is a list that begins with the directory itself, so lists are
/// closed when entries of other directories follow.
pub struct Export<'a> {
    out: &'a mut dyn Write,
    /// Paths of the directories whose lists are open, starting with the root's, which is empty.
    open: Vec<Vec<u8>>,
}

/// The program that made the listing.
#[derive(Serialize)]
struct NcduMaker {
    progname: &'static str,
    progver: &'static str,
    timestamp: i64,
}

/// An entry as ncdu describes it.
#[derive(Serialize, Default)]
struct NcduNode {
    name: String,
    #[serde(skip_serializing_if = "is_zero")]
    asize: u64,
    #[serde(skip_serializing_if = "is_zero")]
    dsize: u64,
    dev: u64,
    ino: u64,
    /// True if other entries are the same file.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hlnkc: bool,
    #[serde(skip_serializing_if = "is_zero")]
    nlink: u64,
    /// True if it is neither a file nor a directory.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    notreg: bool,
    uid: u32,
    gid: u32,
    mode: u32,
    mtime: i64,
}

impl<'a> Export<'a> {
    /// Begins the listing of a snapshot of this time.
    ///
    /// # Errors
    /// [`EngineError::Output`].
    pub fn begin(out: &'a mut dyn Write, time: Timestamp) -> Result<Self, EngineError> {
        let (progname, progver) = ("holdfast", env!("CARGO_PKG_VERSION"));
        let maker = json_text(&NcduMaker { progname, progver, timestamp: time.as_second() })?;
        let mut export = Self { out, open: vec![Vec::new()] };
        export.write(&format!("[1, 2, {maker}, [{{\"name\":\"/\"}}"))?;
        Ok(export)
    }

    /// Adds the next entry; the entries of a directory follow it.
    ///
    /// # Errors
    /// [`EngineError::Output`].
    pub fn entry(&mut self, path: &[u8], entry: &Entry) -> Result<(), EngineError> {
        while !self.open.last().is_some_and(|above| is_below(path, above)) {
            self.open.pop();
            self.write("]")?;
        }
        let above = self.open.last().map_or(0, Vec::len);
        // Directories above the first entry, where only a part is listed.
        let slashes = (above + 1..path.len()).filter(|place| path[*place] == b'/');
        for end in slashes {
            let start = self.open.last().map_or(0, Vec::len) + 1;
            let name = name(&path[start..end]);
            let node = json_text(&NcduNode { name, mode: DIRECTORY_BITS, ..NcduNode::default() })?;
            self.write(&format!(",\n[{node}"))?;
            self.open.push(path[..end].to_vec());
        }
        let node = json_text(&NcduNode::of(entry))?;
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        self.write(&format!(",\n{}{node}", if is_directory { "[" } else { "" }))?;
        if is_directory {
            self.open.push(path.to_vec());
        }
        Ok(())
    }

    /// Ends the listing.
    ///
    /// # Errors
    /// [`EngineError::Output`].
    pub fn finish(mut self) -> Result<(), EngineError> {
        let ends = "]".repeat(self.open.len());
        self.write(&format!("{ends}]\n"))
    }

    fn write(&mut self, text: &str) -> Result<(), EngineError> {
        self.out.write_all(text.as_bytes()).map_err(EngineError::Output)
    }
}

impl NcduNode {
    fn of(entry: &Entry) -> Self {
        let it = &entry.metadata;
        let asize = EntryView::new(b"", entry).size.unwrap_or(0);
        let is_file = matches!(entry.kind, EntryKind::File { .. });
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        Self {
            name: name(&entry.name),
            asize,
            dsize: asize.next_multiple_of(BLOCK_BYTES),
            dev: it.device,
            ino: it.inode,
            hlnkc: !is_directory && it.links > 1,
            nlink: if is_directory { 0 } else { it.links },
            notreg: !is_file && !is_directory,
            uid: it.uid,
            gid: it.gid,
            mode: kind_bits(&entry.kind) | it.mode,
            mtime: it.mtime.seconds,
        }
    }
}

/// A name that ncdu accepts. Parts of keys may be empty.
fn name(bytes: &[u8]) -> String {
    match bytes {
        b"" => "(empty)".to_owned(),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The file type bits of an entry in the mode, as on Linux (inode(7)).
fn kind_bits(kind: &EntryKind) -> u32 {
    match kind {
        EntryKind::Socket => 0o140_000,
        EntryKind::Symlink(_) => 0o120_000,
        EntryKind::File { .. } => 0o100_000,
        EntryKind::BlockDevice(..) => 0o60_000,
        EntryKind::Directory(_) => DIRECTORY_BITS,
        EntryKind::CharDevice(..) => 0o20_000,
        EntryKind::Fifo => 0o10_000,
    }
}

/// True if `path` lies in the directory `above` or below it.
fn is_below(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.first() == Some(&b'/'))
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
