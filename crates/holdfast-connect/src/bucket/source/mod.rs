//! A bucket as a source: its objects in the order of the listing, read on demand.
//!
//! The tree is that of docs/decisions/0008-applications.md: `bucket.json`, `objects/` and, on
//! request, `versions/`. Only the listing decides whether an object is unchanged; no requests are
//! made for an object unless it is read.

mod access;
mod content;
mod document;
mod opener;
mod options;
mod versions;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use holdfast_format::bucket::{DOCUMENT_NAME, OBJECTS_NAME, VERSIONS_NAME, name_of_key};
use holdfast_format::entry::{FileTime, Metadata};
use tokio::sync::Semaphore;

pub use access::Remarks;
pub use document::BucketDocument;
pub use options::{BucketSourceOptions, VersionSelection};

use self::opener::{BucketSourceShared, InMemoryEntry, ObjectOpener};
use super::BucketError;
use super::attributes::ObjectAttributes;
use super::connection::Bucket;
use super::listing::{BucketListing, ListingPlan, RequestPage};
use super::object::{AttributeQuery, ListedKey};
use crate::{Leaf, LeafKind, Opener, Source, SourceItem, UnreadEntry};

/// Mode of the directories.
const DIRECTORY_MODE: u32 = 0o755;
/// Mode of `bucket.json`: a policy may contain private names.
const DOCUMENT_MODE: u32 = 0o600;
/// Maximum number of ranges of a large object read at once: they are held in memory.
const RANGE_WIDTH_MAX: usize = 4;

/// The objects of a bucket.
pub struct BucketSource {
    bucket: Bucket,
    options: BucketSourceOptions,
    shared: Arc<BucketSourceShared>,
    /// The moment whose versions count; `None` if the bucket has no versions, or they are not
    /// requested.
    cut: Option<FileTime>,
    remarks: Remarks,
    /// True once it is known which attributes of objects may be read.
    is_tried: bool,
    stage: BucketSourceStage,
    /// Items that are ready.
    items: VecDeque<SourceItem>,
    /// Versions of the key that is being listed.
    versions: Vec<ListedKey>,
}

/// What comes next.
enum BucketSourceStage {
    Document,
    Objects(Box<BucketListing>),
    ObjectsEnd,
    Versions(Box<BucketListing>),
    VersionsEnd,
    End,
}

impl Bucket {
    /// Its objects as a source.
    ///
    /// # Errors
    /// Errors of the server; if versions are requested and the bucket does not report whether it
    /// has any.
    pub fn source(&self, options: BucketSourceOptions) -> Result<BucketSource, BucketError> {
        BucketSource::new(self, options)
    }
}

impl BucketSource {
    fn new(bucket: &Bucket, options: BucketSourceOptions) -> Result<Self, BucketError> {
        let remarks = Remarks::default();
        let store = &**bucket.store();
        let has_versions = access::has_versions(store, options.versions, &options.prefix, &remarks);
        let is_versioned = bucket.runtime().block_on(has_versions)?;
        let cut = match (is_versioned, options.cut) {
            (true, None) => Some(bucket.moment()?),
            (true, cut) => cut,
            (false, _) => None,
        };
        let shared = Arc::new(BucketSourceShared {
            bucket: bucket.clone(),
            query: AttributeQuery { tags: options.tags, with_acl: options.with_acl },
            looks: Arc::new(Semaphore::new(bucket.concurrency())),
            attributes_as_of: options.attributes_as_of,
            range_width: bucket.concurrency().min(RANGE_WIDTH_MAX),
        });
        let (stage, items, versions) = (BucketSourceStage::Document, VecDeque::new(), Vec::new());
        let (bucket, is_tried) = (bucket.clone(), false);
        Ok(Self { bucket, options, shared, cut, remarks, is_tried, stage, items, versions })
    }

    /// The moment of the cut; `None` if there was no cut, because the bucket has no versions or
    /// they were not requested: then each object is as it was when it was listed.
    pub fn cut(&self) -> Option<FileTime> {
        self.cut
    }

    /// What to report about it; there may be more until the end.
    pub fn remarks(&self) -> Remarks {
        self.remarks.clone()
    }

    /// Produces at least one item, or reaches the end.
    fn advance(&mut self) -> Result<(), BucketError> {
        match std::mem::replace(&mut self.stage, BucketSourceStage::End) {
            BucketSourceStage::Document => {
                self.document()?;
                self.enter(OBJECTS_NAME);
                self.stage =
                    BucketSourceStage::Objects(Box::new(self.listing(self.cut.is_some())?));
            }
            BucketSourceStage::Objects(mut listing) => {
                let page = self.next_page(&mut listing)?;
                self.try_attributes(page.as_deref())?;
                self.stage = if page.is_some() {
                    BucketSourceStage::Objects(listing)
                } else {
                    BucketSourceStage::ObjectsEnd
                };
                self.take_page(page, |source, versions| source.object_at_cut(versions));
            }
            BucketSourceStage::ObjectsEnd => {
                self.items.push_back(SourceItem::Leave);
                if self.options.versions == VersionSelection::All && self.cut.is_some() {
                    self.enter(VERSIONS_NAME);
                    self.stage = BucketSourceStage::Versions(Box::new(self.listing(true)?));
                }
            }
            BucketSourceStage::Versions(mut listing) => {
                let page = self.next_page(&mut listing)?;
                self.stage = if page.is_some() {
                    BucketSourceStage::Versions(listing)
                } else {
                    BucketSourceStage::VersionsEnd
                };
                self.take_page(page, |source, versions| source.other_versions(versions));
            }
            BucketSourceStage::VersionsEnd => self.items.push_back(SourceItem::Leave),
            BucketSourceStage::End => {}
        }
        Ok(())
    }

    /// The next page; notes if a server lists out of order.
    fn next_page(
        &self,
        listing: &mut BucketListing,
    ) -> Result<Option<Vec<ListedKey>>, BucketError> {
        let page = listing.next_page();
        if matches!(page, Err(BucketError::Disorder { .. })) {
            self.bucket.note_disorder();
        }
        page
    }

    /// Uses the first object to find out whether tags and access rules may be read.
    fn try_attributes(&mut self, page: Option<&[ListedKey]>) -> Result<(), BucketError> {
        let mut objects = page.unwrap_or_default().iter();
        let Some(first) = objects.find(|it| !it.is_delete_marker).filter(|_| !self.is_tried) else {
            return Ok(());
        };
        self.is_tried = true;
        let (query, store) = (self.shared.query, Arc::clone(self.bucket.store()));
        let must_have_tags = self.options.must_have_tags;
        let found = access::allowed(&*store, first.which(), query, must_have_tags, &self.remarks);
        let (query, denied) = self.bucket.runtime().block_on(found)?;
        self.shared = Arc::new(BucketSourceShared { query, ..(*self.shared).clone() });
        for error in denied {
            self.unread(format!("/{OBJECTS_NAME}"), error.into());
        }
        Ok(())
    }

    fn listing(&self, is_of_versions: bool) -> Result<BucketListing, BucketError> {
        let is_in_order = self.bucket.runtime().block_on(self.bucket.store().lists_in_order())?;
        let store = Arc::clone(self.bucket.store());
        let prefix: Arc<str> = self.options.prefix.as_str().into();
        let ask: RequestPage = Arc::new(move |after| {
            let (store, prefix) = (Arc::clone(&store), Arc::clone(&prefix));
            Box::pin(async move {
                match store.versions().filter(|_| is_of_versions) {
                    Some(versions) => versions.list_versions(&prefix, &after).await,
                    None => store.list(&prefix, &after, 1000).await,
                }
            })
        });
        let split_keys = self.options.split_keys.clone();
        let is_parallel = self.bucket.store().lists_from_any_key();
        let concurrency = if is_parallel { self.bucket.concurrency() } else { 1 };
        let plan = ListingPlan { concurrency, split_keys, is_in_order };
        Ok(BucketListing::new(ask, self.bucket.runtime(), plan))
    }

    /// Processes a page, key by key; the versions of the last key of a page may continue on the
    /// next one.
    fn take_page(
        &mut self,
        page: Option<Vec<ListedKey>>,
        each: impl Fn(&mut Self, Vec<ListedKey>),
    ) {
        let is_end = page.is_none();
        for listed in page.unwrap_or_default() {
            if self.versions.last().is_some_and(|last| last.key != listed.key) {
                let versions = std::mem::take(&mut self.versions);
                each(self, versions);
            }
            self.versions.push(listed);
        }
        if (is_end || self.cut.is_none()) && !self.versions.is_empty() {
            let versions = std::mem::take(&mut self.versions);
            each(self, versions);
        }
    }

    fn object_at_cut(&mut self, versions: Vec<ListedKey>) {
        if let Some(object) = versions::at_cut(&versions, self.cut) {
            let object = object.clone();
            match name_of_key(&object.key) {
                Some(name) => self.object(name, object),
                None => self.impossible(OBJECTS_NAME, &object.key),
            }
        }
    }

    fn other_versions(&mut self, versions: Vec<ListedKey>) {
        let Some(key) = versions.first().map(|version| version.key.clone()) else { return };
        let others = versions::others(versions, self.cut);
        if others.is_empty() {
            return;
        }
        let Some(name) = name_of_key(&key) else { return self.impossible(VERSIONS_NAME, &key) };
        self.enter_name(name);
        for (name, version) in others {
            self.object(name, version);
        }
        self.items.push_back(SourceItem::Leave);
    }

    fn object(&mut self, name: Vec<u8>, listed: ListedKey) {
        let metadata = self.shared.metadata(&listed);
        let kind = LeafKind::File { size: listed.bytes };
        let opener: Box<dyn Opener> = if listed.is_delete_marker {
            Box::new(InMemoryEntry::attributes(ObjectAttributes::delete_marker(
                listed.version.as_deref(),
            )))
        } else if self.options.look_ahead {
            Box::new(ObjectOpener::looking_ahead(&self.shared, listed))
        } else {
            Box::new(ObjectOpener::new(&self.shared, listed))
        };
        self.items.push_back(SourceItem::Leaf(Leaf { name, metadata, kind, opener }));
    }

    fn impossible(&mut self, folder: &str, key: &str) {
        let text = "its key is empty, too long or contains a NUL, so no entry can have its name";
        let error = io::Error::new(io::ErrorKind::InvalidInput, text);
        self.unread(format!("/{folder}/{key}"), error);
    }

    fn unread(&mut self, path: String, error: io::Error) {
        let (path, during) = (path.into_bytes(), "scan");
        self.items.push_back(SourceItem::Unread(UnreadEntry { path, during, error }));
    }

    fn enter(&mut self, name: &str) {
        self.enter_name(name.as_bytes().to_vec());
    }

    fn enter_name(&mut self, name: Vec<u8>) {
        let metadata = Metadata { mode: DIRECTORY_MODE, links: 1, ..Metadata::default() };
        let (opener, is_sorted) = (Box::new(InMemoryEntry::directory()), true);
        self.items.push_back(SourceItem::Enter { name, metadata, opener, is_sorted });
    }

    /// Adds `bucket.json`, and one [`SourceItem::Unread`] for the settings that may not be read.
    fn document(&mut self) -> Result<(), BucketError> {
        let store = Arc::clone(self.bucket.store());
        let (bucket, region) = store.bucket();
        let mut document = BucketDocument {
            format: 1,
            service: store.origin().name().to_owned(),
            bucket: bucket.to_owned(),
            region: region.to_owned(),
            prefix: self.options.prefix.clone(),
            settings: std::collections::BTreeMap::new(),
        };
        let kept = store.settings().filter(|_| self.options.with_configuration).into_iter();
        let mut denied = Vec::new();
        for (settings, setting) in kept.flat_map(|it| it.all().iter().map(move |one| (it, one))) {
            match self.bucket.runtime().block_on(settings.setting(setting)) {
                Ok(Some(text)) => drop(document.settings.insert(setting.name.to_owned(), text)),
                Ok(None) => {}
                Err(BucketError::Denied { permission, .. }) => denied.push(permission),
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = access::of_settings(&denied) {
            self.unread(format!("/{DOCUMENT_NAME}"), error.into());
        }
        let content = document.encode();
        let hash = blake3::hash(&content);
        let mut identity = [0; 8];
        identity.copy_from_slice(&hash.as_bytes()[..8]);
        let inode = u64::from_le_bytes(identity);
        let metadata = Metadata { mode: DOCUMENT_MODE, inode, links: 1, ..Metadata::default() };
        let kind = LeafKind::File { size: content.len() as u64 };
        let (name, opener) =
            (DOCUMENT_NAME.as_bytes().to_vec(), Box::new(InMemoryEntry::file(content)));
        self.items.push_back(SourceItem::Leaf(Leaf { name, metadata, kind, opener }));
        Ok(())
    }
}

impl Source for BucketSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        while self.items.is_empty() && !matches!(self.stage, BucketSourceStage::End) {
            self.advance()?;
        }
        Ok(self.items.pop_front())
    }
}
