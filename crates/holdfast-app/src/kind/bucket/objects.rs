//! Restoring missing or different objects to a bucket, and the bucket's own configuration.

use holdfast_connect::bucket::source::BucketDocument;
use holdfast_connect::bucket::{self as connect, BucketError, SettingMoment, SettingSelection};
use holdfast_connect::words::count;
use holdfast_engine::Observer;
use holdfast_engine::look::ls;
use holdfast_engine::restore::{
    Overwrite, RestoreOptions, RestoreReport, Selection, WINDOW_BYTES, restore,
};
use holdfast_format::bucket::DOCUMENT_NAME;
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::read::BlobReader;

use super::BucketSettings;
use super::capture::was_unsorted;
use super::connection::{open, target_options};
use super::observer::WithKeys;
use crate::kind::step::{
    NextStep, Origin, RestoreContext, RestoreError, RestorePart, SourceTree, StepScene, Verified,
};

/// Folders of a bucket's tree, in the order in which they are restored.
const FOLDERS: [&[u8]; 2] = [b"/versions", b"/objects"];

/// The objects of one source, and their target.
pub(super) struct ObjectsMove<'a> {
    name: &'a str,
    from: &'a BucketSettings,
    to: &'a BucketSettings,
    tree: SourceTree<'a>,
    /// The bucket's own configuration as it was captured.
    document: Option<BucketDocument>,
    context: &'a RestoreContext<'a>,
    /// True if existing objects are kept without comparing.
    only_missing: bool,
    connection: connect::Bucket,
}

impl<'a> ObjectsMove<'a> {
    /// Opens the target.
    pub fn new(
        part: &RestorePart<'a>,
        (from, to): (&'a BucketSettings, &'a BucketSettings),
        origin: Origin<'a>,
        scene: &StepScene<'a>,
    ) -> Result<Self, RestoreError> {
        let name = part.from.name.as_str();
        let (context, only_missing) = (scene.context, scene.request.only_missing);
        let connection =
            open(to, &context.connections.buckets).map_err(|error| failed(name, error))?;
        // The same server lists in the same order as before.
        let record = part.record(&origin.snapshot.snapshot)?;
        if from.endpoint == to.endpoint && record.is_some_and(was_unsorted) {
            connection.note_disorder();
        }
        let tree = origin.tree(name)?;
        let document = document(&tree, name)?;
        Ok(Self { name, from, to, tree, document, context, only_missing, connection })
    }

    /// The target, for messages.
    pub fn place(&self) -> String {
        self.to.url.to_string()
    }

    /// True if the bucket exists; false if it does not but can be created.
    ///
    /// So an unreachable server is reported once, not once for each object.
    pub fn is_there(&self) -> Result<bool, RestoreError> {
        match self.connection.look() {
            Ok(()) => Ok(true),
            Err(BucketError::NoSuchBucket { .. }) if self.connection.can_be_made() => Ok(false),
            Err(error) => Err(failed(self.name, error)),
        }
    }

    /// Creates the bucket.
    pub fn make(&self) -> Result<(), RestoreError> {
        self.connection.make(self.document.as_ref()).map_err(|error| failed(self.name, error))
    }

    /// Number of objects in the snapshot.
    pub fn count(&self, observer: &dyn Observer) -> Result<u64, RestoreError> {
        let mut count = 0;
        let mut each = |_: &[u8], entry: &Entry| {
            count += u64::from(matches!(entry.kind, EntryKind::File { .. }));
            Ok(())
        };
        let mut reader = BlobReader::new(self.tree.repository);
        ls(&mut reader, &self.tree.root, &self.folders()?, true, observer, &mut each)?;
        Ok(count)
    }

    /// The configuration, if there is any and it is to be restored.
    pub fn configuration(&self) -> Option<BucketConfiguration<'_>> {
        let document = self.document.as_ref()?;
        let is_same_place =
            document.bucket == self.to.url.bucket && self.from.endpoint == self.to.endpoint;
        let is_wanted = self.to.restore.configuration.unwrap_or(is_same_place);
        if !is_wanted || document.settings.is_empty() {
            return None;
        }
        let wanted =
            if self.only_missing { SettingSelection::Missing } else { SettingSelection::Different };
        let (set, refused) = Default::default();
        Some(BucketConfiguration { document, wanted, bucket: &self.connection, set, refused })
    }

    /// True if objects were locked and are restored without their locks.
    pub fn loses_locks(&self) -> bool {
        let settings = self.document.as_ref().map(|document| &document.settings);
        settings.is_some_and(|it| it.contains_key("object-lock")) && !self.to.restore.locks
    }

    /// The folders of the snapshot to restore to the bucket.
    fn folders(&self) -> Result<Vec<Vec<u8>>, RestoreError> {
        let mut folders = Vec::new();
        for folder in FOLDERS {
            let is_wanted = folder != FOLDERS[0] || self.to.versions;
            if is_wanted && self.tree.find(folder)?.is_some() {
                folders.push(folder.to_vec());
            }
        }
        Ok(folders)
    }

    /// True if no object is missing or different.
    pub fn is_complete(&self, observer: &dyn Observer) -> Result<bool, RestoreError> {
        Ok(self.restore(true, observer)?.files_restored == 0)
    }

    /// Restores the objects; with `dry_run` nothing is changed, and the report says what would
    /// change.
    pub fn restore(
        &self,
        dry_run: bool,
        observer: &dyn Observer,
    ) -> Result<RestoreReport, RestoreError> {
        let options = target_options(self.to, self.from, self.context.scratch, !self.only_missing);
        let target = self.connection.target(options).map_err(|error| failed(self.name, error))?;
        // The bucket reports the checksums of its objects, so only what is written is read back.
        let options = RestoreOptions {
            overwrite: if self.only_missing { Overwrite::Never } else { Overwrite::IfChanged },
            delete: None,
            dry_run,
            verify: !dry_run,
            window_bytes: WINDOW_BYTES,
        };
        let mut all = RestoreReport::default();
        for folder in self.folders()? {
            let select = |path: &[u8], _: bool| {
                let rest = path.strip_prefix(&folder[..]);
                match rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")) {
                    true => Selection::Take,
                    false => Selection::Skip,
                }
            };
            let (repository, root) = (self.tree.repository, self.tree.root.folder().clone());
            let with_keys = WithKeys(observer);
            let report = restore(repository, root, &target, &select, &options, &with_keys)?;
            // The folder is an entry of the tree, but not an object.
            all.total_files += report.total_files.saturating_sub(1);
            all.files_restored += report.files_restored.saturating_sub(1);
            all.files_skipped += report.files_skipped;
            all.files_verified += report.files_verified;
            all.bytes_restored += report.bytes_restored;
            all.errors += report.errors;
        }
        match all.errors {
            0 => Ok(all),
            errors if dry_run => Err(RestoreError::refused(format!(
                "source {:?}: {} cannot be examined",
                self.name,
                count(errors, "object", "objects")
            ))),
            _ => Ok(all),
        }
    }
}

/// A bucket's own configuration being restored.
pub(super) struct BucketConfiguration<'a> {
    document: &'a BucketDocument,
    wanted: SettingSelection,
    bucket: &'a connect::Bucket,
    set: Vec<&'static str>,
    refused: Vec<connect::RefusedSetting>,
}

impl BucketConfiguration<'_> {
    /// Names of the settings that would be set, in an existing or future bucket.
    pub fn unlike(&self) -> Vec<&'static str> {
        self.bucket.unlike(self.document, self.wanted)
    }

    /// Sets what must be set before the objects, or after them.
    pub fn give(&mut self, when: SettingMoment) {
        let (set, refused) = self.bucket.configure(self.document, self.wanted, when);
        self.set.extend(set);
        self.refused.extend(refused);
    }

    /// The result.
    pub fn verified(&self, place: &str) -> Verified {
        let set = match self.set.as_slice() {
            [] => "nothing to set".to_owned(),
            names => format!("set: {}", names.join(", ")),
        };
        let mut sentences = vec![set];
        for connect::RefusedSetting { setting, error } in &self.refused {
            sentences.push(format!("{setting} could not be restored: {error}"));
        }
        if !self.refused.is_empty() {
            let leave = "configuration = false in [source.restore] leaves it alone";
            sentences.push(leave.to_owned());
        }
        let name = format!("configuration of {place}");
        Verified::new(name, self.refused.is_empty(), sentences.join("; "))
    }
}

/// Reads `bucket.json` of a source.
fn document(tree: &SourceTree<'_>, name: &str) -> Result<Option<BucketDocument>, RestoreError> {
    let Some(json) = tree.whole(DOCUMENT_NAME.as_bytes())? else { return Ok(None) };
    let document = BucketDocument::decode(&json).map_err(|why| {
        RestoreError::refused(format!("bucket.json of source {name:?} cannot be used: {why}"))
            .or(NextStep::CheckRepository)
    })?;
    Ok(Some(document))
}

fn failed(name: &str, error: BucketError) -> RestoreError {
    RestoreError::Bucket { source_name: name.to_owned(), error }
}
