//! What the sources of a snapshot were asked to include, by the paths of the target.

use holdfast_connect::fs::filter::Filter;
use holdfast_connect::fs::source::{CACHE_SIGNATURE, CACHE_TAG};
use holdfast_format::bucket;
use holdfast_format::record::{Scope, Snapshot, SourceRecord, Text};

use super::DeletionRequest;
use crate::look::clean;
use crate::restore::origin::{Root, SourcePath, is_within, named_paths};
use crate::{EngineError, completeness};

/// What one source was asked to include.
#[derive(Debug, Default)]
pub(super) struct SourceRules {
    /// Paths that were named; entries may be deleted only in and below these.
    named: Vec<Vec<u8>>,
    /// Paths that could not be read.
    unread: Vec<Vec<u8>>,
    filter: Filter,
    pub one_file_system: bool,
    /// Names of files next to which everything was left out, and how their content starts.
    pub markers: Vec<(Vec<u8>, Vec<u8>)>,
    pub larger_than: Option<u64>,
    pub gitignore: bool,
}

/// What the sources of a snapshot were asked to include.
#[derive(Debug)]
pub(super) struct DeletionRules {
    sources: Vec<SourceRules>,
    root: Root,
}

impl DeletionRules {
    /// Reads the records.
    ///
    /// # Errors
    /// [`EngineError::DeleteRefused`] if a record does not say what its tree lacks.
    pub fn new(request: &DeletionRequest<'_>) -> Result<Self, EngineError> {
        let snapshot = request.snapshot;
        if snapshot.partial {
            return Err(refused("the backup was interrupted"));
        }
        let root = Root::of(snapshot, request.source, request.subfolder);
        let root = root.ok_or_else(|| refused("the snapshot does not have this source"))?;
        // Sources that are not restored need not say anything.
        let sources =
            snapshot.sources.iter().enumerate().map(|(place, source)| match root.has(place) {
                true => SourceRules::new(snapshot, source),
                false => Ok(SourceRules::default()),
            });
        Ok(Self { sources: sources.collect::<Result<_, _>>()?, root })
    }

    /// The origin of the entry at a path of the target.
    pub fn origin(&self, path: &[u8]) -> Option<SourcePath> {
        self.root.origin(path)
    }

    /// What the source was asked to include.
    pub fn of(&self, origin: &SourcePath) -> &SourceRules {
        &self.sources[origin.source]
    }
}

impl SourceRules {
    fn new(snapshot: &Snapshot, source: &SourceRecord) -> Result<Self, EngineError> {
        match source.connector.as_str() {
            "files" => {}
            // All objects were asked for, and nothing else.
            bucket::CONNECTOR => {
                let named = vec![[b"/", bucket::OBJECTS_NAME.as_bytes()].concat()];
                return Ok(Self { named, ..Self::default() });
            }
            // The output of a command or a database is not a folder of the user's.
            _ => return Ok(Self::default()),
        }
        let scope = source.scope.as_ref().ok_or_else(|| {
            refused("an early version made the snapshot without recording what it left out")
        })?;
        let bytes = |texts: &[Text]| texts.iter().map(|it| it.0.clone()).collect::<Vec<_>>();
        let filter = Filter::new(&bytes(&scope.excludes), &bytes(&scope.excludes_any_case));
        Ok(Self {
            named: named_paths(snapshot, source),
            unread: unread(snapshot, source)?,
            filter: filter.map_err(|error| refused(&error.to_string()))?,
            one_file_system: scope.one_file_system,
            markers: markers(scope),
            larger_than: scope.exclude_larger_than,
            gitignore: scope.gitignore,
        })
    }

    /// True if entries of the directory at this path of the source may be deleted.
    pub fn may_delete_in(&self, path: &[u8]) -> bool {
        self.named.iter().any(|named| is_within(path, named))
    }

    /// True if the path itself was named.
    pub fn is_named(&self, path: &[u8]) -> bool {
        self.named.iter().any(|named| named == path)
    }

    /// True if a pattern excludes the path.
    pub fn excludes(&self, path: &[u8]) -> bool {
        !self.filter.is_empty() && self.filter.excludes(path)
    }

    /// True if the path, or one of its parents, could not be read.
    pub fn is_unread(&self, path: &[u8]) -> bool {
        self.unread.iter().any(|unread| is_within(path, unread))
    }
}

/// What could not be read, or has been lost since.
fn unread(snapshot: &Snapshot, source: &SourceRecord) -> Result<Vec<Vec<u8>>, EngineError> {
    let captured = completeness::captured(snapshot, source);
    match captured.incomplete() <= captured.missed.len() as u64 {
        true => Ok(captured.missed.iter().map(|path| clean(&path.0)).collect()),
        false => Err(refused("the snapshot does not list all entries that could not be read")),
    }
}

fn markers(scope: &Scope) -> Vec<(Vec<u8>, Vec<u8>)> {
    let given = scope.exclude_if_present.iter();
    let mut markers: Vec<_> =
        given.map(|marker| (marker.name.0.clone(), marker.header.0.clone())).collect();
    if scope.exclude_caches {
        markers.push((CACHE_TAG.to_vec(), CACHE_SIGNATURE.to_vec()));
    }
    markers
}

fn refused(why: &str) -> EngineError {
    EngineError::DeleteRefused { why: why.to_owned() }
}
