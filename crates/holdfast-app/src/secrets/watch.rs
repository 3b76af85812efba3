//! Scanning the small files of a source while it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_connect::{
    ContentPiece, ContentReader, LeafKind, Opener, Source as Connector, SourceItem,
};
use holdfast_format::entry::Metadata;
use holdfast_format::record::Text;
use serde::{Deserialize, Serialize};

use super::{FILE_BYTES_MAX, Scanner};
use crate::trail::Trail;

/// Key in the token of a source's record: the secrets found in it, so that the next run knows those
/// in files that it does not read again.
pub const TOKEN: &str = "secrets";
/// Most findings of a source that are reported.
const FOUND_MAX: usize = 1000;

/// A secret in a source that should hold none: its location and kind, never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoredSecret {
    /// Path of the file, or key of the object.
    pub path: Text,
    /// Line, from 1.
    pub line: u64,
    /// The kind of secret it looks like.
    pub kind: String,
}

impl fmt::Display for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = String::from_utf8_lossy(&self.path.0);
        write!(f, "{path}, line {}: {}", self.line, self.kind)
    }
}

/// Findings in the form stored in a source's record.
pub fn to_token(found: &[StoredSecret]) -> String {
    serde_json::to_string(found).unwrap_or_default()
}

/// Findings of an earlier record; none if they are in another form.
pub fn from_token(token: &str) -> Vec<StoredSecret> {
    serde_json::from_str(token).unwrap_or_default()
}

/// The search for secrets in one source.
#[derive(Debug)]
pub struct SecretWatch {
    scanner: Arc<Scanner>,
    found: Mutex<Vec<StoredSecret>>,
    previous: Mutex<BTreeMap<Vec<u8>, PreviousFindings>>,
}

/// What an earlier run found in a file.
#[derive(Debug, Default)]
struct PreviousFindings {
    found: Vec<StoredSecret>,
    /// True if the file still exists.
    is_there: bool,
}

impl SecretWatch {
    /// Watches for what `scanner` finds; `found` is what an earlier run found.
    pub fn new(scanner: Arc<Scanner>, found: Vec<StoredSecret>) -> Self {
        let mut previous: BTreeMap<_, PreviousFindings> = BTreeMap::new();
        for found in found {
            previous.entry(found.path.0.clone()).or_default().found.push(found);
        }
        Self { scanner, found: Mutex::default(), previous: Mutex::new(previous) }
    }

    fn passes(&self, path: &[u8]) {
        if let Some(previous) = locked(&self.previous).get_mut(path) {
            previous.is_there = true;
        }
    }

    fn was_read(&self, path: &[u8], content: &[u8]) {
        locked(&self.previous).remove(path);
        let findings = self.scanner.scan(path, content);
        let mut found = locked(&self.found);
        let room = FOUND_MAX.saturating_sub(found.len());
        found.extend(findings.into_iter().take(room).map(|it| StoredSecret {
            path: Text(it.path),
            line: it.line,
            kind: it.kind.to_string(),
        }));
    }

    /// Watches a source.
    pub fn wrap(self: &Arc<Self>, source: Box<dyn Connector>) -> Box<dyn Connector> {
        Box::new(ScannedSource { source, watch: Arc::clone(self), trail: Trail::default() })
    }

    /// Secrets found, including those in files that were not read again.
    pub fn findings(&self) -> Vec<StoredSecret> {
        let mut all = locked(&self.found).clone();
        let previous = locked(&self.previous);
        let stay = previous.iter().filter(|(path, it)| {
            // Paths that have since been allowed are no longer reported.
            it.is_there && self.scanner.wants(path, 1)
        });
        all.extend(stay.flat_map(|(_, it)| it.found.clone()));
        all.sort();
        all
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A source whose small files are scanned as they are read.
struct ScannedSource {
    source: Box<dyn Connector>,
    watch: Arc<SecretWatch>,
    trail: Trail,
}

impl Connector for ScannedSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        let Some(item) = self.source.next()? else { return Ok(None) };
        self.trail.follow(&item);
        let SourceItem::Leaf(mut leaf) = item else { return Ok(Some(item)) };
        if let LeafKind::File { size } = leaf.kind {
            let path = self.trail.of(&leaf.name);
            self.watch.passes(&path);
            if self.watch.scanner.wants(&path, size) {
                let watch = Arc::clone(&self.watch);
                leaf.opener = Box::new(ScannedOpener { opener: leaf.opener, watch, path });
            }
        }
        Ok(Some(SourceItem::Leaf(leaf)))
    }
}

#[derive(Debug)]
struct ScannedOpener {
    opener: Box<dyn Opener>,
    watch: Arc<SecretWatch>,
    path: Vec<u8>,
}

impl Opener for ScannedOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        let content = self.opener.open()?;
        let (watch, path) = (Arc::clone(&self.watch), self.path.clone());
        Ok(Box::new(ScannedContent { content, watch, path, read: Some(Vec::new()) }))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.opener.xattrs()
    }

    fn has_lasting_inode(&self) -> bool {
        self.opener.has_lasting_inode()
    }

    fn etag(&self) -> Option<&str> {
        self.opener.etag()
    }
}

struct ScannedContent {
    content: Box<dyn ContentReader>,
    watch: Arc<SecretWatch>,
    path: Vec<u8>,
    /// What was read so far; none if it is too long or has holes.
    read: Option<Vec<u8>>,
}

impl ContentReader for ScannedContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        let piece = self.content.read(buffer)?;
        match (&piece, &mut self.read) {
            (ContentPiece::Data(length), Some(read))
                if (read.len() + length) as u64 <= FILE_BYTES_MAX =>
            {
                read.extend_from_slice(&buffer[..*length]);
            }
            (ContentPiece::End, Some(read)) => self.watch.was_read(&self.path, read),
            _ => self.read = None,
        }
        Ok(piece)
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        self.content.changed()
    }
}
