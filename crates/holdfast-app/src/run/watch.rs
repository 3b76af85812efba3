//! What is watched for while a source is read: objects that rows refer to, and misplaced secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_connect::{ContentPiece, ContentReader, LeafKind, Opener, Source, SourceItem};
use holdfast_engine::{EngineEvent, Observer};
use holdfast_format::entry::Metadata;
use holdfast_format::record::Text;
use serde::{Deserialize, Serialize};

use crate::check::{Digests, Findings, Open, PassingSource, References, SharedReferences};
use crate::secrets::{FILE_BYTES_MAX, Scanner};
use crate::trail::Trail;

/// Key in the token of a source's record: the secrets found in it, so that the next run knows those
/// in files that it does not read again.
pub(super) const TOKEN: &str = "secrets";
/// Most findings of a source that are reported.
const FOUND_MAX: usize = 1000;

/// Turns the path of an entry into the name used in rows.
pub(super) type NameOf = fn(&[u8]) -> Option<Vec<u8>>;

/// A secret in a source that should hold none: its location and kind, never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Found {
    /// Path of the file, or key of the object.
    pub path: Text,
    /// Line, from 1.
    pub line: u64,
    /// The kind of secret it looks like.
    pub kind: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = String::from_utf8_lossy(&self.path.0);
        write!(f, "{path}, line {}: {}", self.line, self.kind)
    }
}

/// Findings in the form stored in a source's record.
pub(super) fn to_token(found: &[Found]) -> String {
    serde_json::to_string(found).unwrap_or_default()
}

/// Findings of an earlier record; none if they are in another form.
pub(super) fn from_token(token: &str) -> Vec<Found> {
    serde_json::from_str(token).unwrap_or_default()
}

/// What is watched for while one source is read.
#[derive(Clone)]
pub(super) struct Watched {
    references: SharedReferences,
    name_of: NameOf,
    scan: Option<Arc<Scan>>,
}

impl Default for Watched {
    /// Nothing.
    fn default() -> Self {
        Self { references: SharedReferences::default(), name_of: |_| None, scan: None }
    }
}

impl Watched {
    /// Watches for `references`, by the names from `name_of`, and for what `scanner` finds.
    pub fn new(
        references: Vec<References>,
        name_of: NameOf,
        scanner: Option<&Arc<Scanner>>,
        previous: Vec<Found>,
    ) -> Self {
        let scan = scanner.map(|scanner| Arc::new(Scan::new(Arc::clone(scanner), previous)));
        Self { references: Arc::new(Mutex::new(references)), name_of, scan }
    }

    /// Watches a source.
    pub fn wrap(&self, source: Box<dyn Source>) -> Box<dyn Source> {
        let references = Arc::clone(&self.references);
        let source = Box::new(PassingSource::new(source, references, Box::new(self.name_of)));
        match &self.scan {
            Some(scan) => {
                Box::new(ScannedSource { source, scan: Arc::clone(scan), trail: Trail::default() })
            }
            None => source,
        }
    }

    /// Watches the events of a source for entries that could not be read.
    pub fn observer<'a>(&'a self, inner: &'a dyn Observer) -> Listening<'a> {
        Listening { inner, watched: self }
    }

    /// What rows refer to, to be matched against the contents of a source.
    pub fn references(&self) -> SharedReferences {
        Arc::clone(&self.references)
    }

    /// Contents not yet read, each once, in the order of their keys.
    pub fn open(&self) -> Vec<Open> {
        let mut all = BTreeMap::<_, Open>::new();
        for open in locked(&self.references).iter().flat_map(References::open) {
            let same = all.entry(open.key.clone()).or_insert_with(|| open.clone());
            same.kinds = same.kinds.and(open.kinds);
        }
        all.into_values().collect()
    }

    /// Gives the references the digests of a content.
    pub fn has_content(&self, key: &[u8], digests: &Digests) {
        let mut all = locked(&self.references);
        all.iter_mut().for_each(|references| references.has_content(key, digests));
    }

    /// What was found for the references, in their order. The source must have been read to its
    /// end.
    pub fn finish(&self) -> Vec<Findings> {
        locked(&self.references).drain(..).map(References::finish).collect()
    }

    /// Secrets found, including those in files that were not read again.
    pub fn findings(&self) -> Vec<Found> {
        self.scan.as_ref().map(|scan| scan.findings()).unwrap_or_default()
    }
}

/// Forwards events, and notes entries that could not be read.
pub(super) struct Listening<'a> {
    inner: &'a dyn Observer,
    watched: &'a Watched,
}

impl Observer for Listening<'_> {
    fn event(&self, event: EngineEvent<'_>) {
        if let EngineEvent::Trouble { path, .. } = event
            && let Some(key) = (self.watched.name_of)(path)
        {
            let mut all = locked(&self.watched.references);
            all.iter_mut().for_each(|references| references.is_unreadable(&key));
        }
        self.inner.event(event);
    }

    fn is_interrupted(&self) -> bool {
        self.inner.is_interrupted()
    }

    fn wants_checkpoint(&self) -> bool {
        self.inner.wants_checkpoint()
    }
}

/// The search for secrets in one source.
#[derive(Debug)]
struct Scan {
    scanner: Arc<Scanner>,
    found: Mutex<Vec<Found>>,
    previous: Mutex<BTreeMap<Vec<u8>, Previous>>,
}

/// What an earlier run found in a file.
#[derive(Debug, Default)]
struct Previous {
    found: Vec<Found>,
    /// True if the file still exists.
    is_there: bool,
}

impl Scan {
    fn new(scanner: Arc<Scanner>, found: Vec<Found>) -> Self {
        let mut previous: BTreeMap<_, Previous> = BTreeMap::new();
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
        found.extend(findings.into_iter().take(room).map(|it| Found {
            path: Text(it.path),
            line: it.line,
            kind: it.kind.to_string(),
        }));
    }

    fn findings(&self) -> Vec<Found> {
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
    source: Box<dyn Source>,
    scan: Arc<Scan>,
    trail: Trail,
}

impl Source for ScannedSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        let Some(item) = self.source.next()? else { return Ok(None) };
        self.trail.follow(&item);
        let SourceItem::Leaf(mut leaf) = item else { return Ok(Some(item)) };
        if let LeafKind::File { size } = leaf.kind {
            let path = self.trail.of(&leaf.name);
            self.scan.passes(&path);
            if self.scan.scanner.wants(&path, size) {
                let scan = Arc::clone(&self.scan);
                leaf.opener = Box::new(ScannedOpener { opener: leaf.opener, scan, path });
            }
        }
        Ok(Some(SourceItem::Leaf(leaf)))
    }
}

#[derive(Debug)]
struct ScannedOpener {
    opener: Box<dyn Opener>,
    scan: Arc<Scan>,
    path: Vec<u8>,
}

impl Opener for ScannedOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        let content = self.opener.open()?;
        let (scan, path) = (Arc::clone(&self.scan), self.path.clone());
        Ok(Box::new(ScannedContent { content, scan, path, read: Some(Vec::new()) }))
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
    scan: Arc<Scan>,
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
            (ContentPiece::End, Some(read)) => self.scan.was_read(&self.path, read),
            _ => self.read = None,
        }
        Ok(piece)
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        self.content.changed()
    }
}
