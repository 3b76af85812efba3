//! Listings in the order of the keys, several pages at once, in bounded memory.
//!
//! The space of keys is cut into segments which are listed side by side; each keeps a few pages at
//! most until its turn comes. Where to cut is known from an earlier listing ([`Plan::split_keys`]),
//! or guessed from the keys of the last page ([`split`]). A wrong guess costs a request, never a
//! key: a segment ends where the next one begins.

mod split;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use holdfast_format::entry::FileTime;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::BucketError;
use super::attributes::Attributes;
use super::store::Which;

/// Pages of a segment that wait for their turn, besides the one that is being fetched.
const WAITING_PAGES: usize = 2;
/// Pages that a segment whose end is guessed should have.
const GUESSED_PAGES: u64 = 4;
/// After a wrong guess so many pages at most are listed one after the other.
const PATIENCE_PAGES_MAX: u32 = 64;

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct After {
    /// Keys up to this one are not listed any more.
    pub key: Option<String>,
    /// The server's word for the place: a continuation token, or the version listed last of the
    /// key.
    pub token: Option<String>,
}

/// What a listing says of an object or a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Key.
    pub key: String,
    /// What requests recognise the content by: the ETag without quotes, of Google the generation;
    /// may be empty.
    pub etag: String,
    /// Size in bytes.
    pub bytes: u64,
    /// When it was written.
    pub modified: FileTime,
    /// Storage class.
    pub storage_class: Option<String>,
    /// Id of the version, in listings of versions.
    pub version: Option<String>,
    /// True if no version is newer.
    pub is_latest: bool,
    /// True if this version says that the object was deleted.
    pub is_delete_marker: bool,
    /// When its attributes were changed, if that is later than it was written and leaves no other
    /// trace.
    pub changed: Option<FileTime>,
    /// All of its attributes, if the listing of this service tells them.
    pub attributes: Option<Arc<Attributes>>,
}

impl Listed {
    /// How requests name it.
    pub fn which(&self) -> Which<'_> {
        Which { key: &self.key, etag: &self.etag, version: self.version.as_deref() }
    }
}

/// A page of a listing.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Keys ascend; versions of one key stand together, the newest first.
    pub objects: Vec<Listed>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<After>,
}

/// A page that will come.
pub type Coming = Pin<Box<dyn Future<Output = Result<Page, BucketError>> + Send>>;
/// Asks for the page behind a place.
pub type AskPage = Arc<dyn Fn(After) -> Coming + Send + Sync>;

/// How a listing is made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Segments that are listed at once. With one, no request is made that a listing page by page
    /// would not make.
    pub concurrency: usize,
    /// Ascending keys at which it may be cut, a few pages apart; from an earlier listing, they need
    /// not exist any more.
    pub split_keys: Vec<String>,
    /// True if the server lists in the order of the keys, and is an error if it does not.
    pub is_in_order: bool,
}

/// A listing under way.
pub struct Listing {
    ask: AskPage,
    runtime: Handle,
    concurrency: usize,
    split_keys: VecDeque<String>,
    is_in_order: bool,
    segments: VecDeque<Segment>,
    /// Where the next segment begins; `None` if a segment is listed that ends nowhere yet.
    start: Option<After>,
    /// The last key that was given out.
    last_key: Option<String>,
    guesses: Guesses,
}

struct Segment {
    pages: mpsc::Receiver<Result<SegmentPage, BucketError>>,
    end: End,
    is_empty: bool,
}

/// Where a segment ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// With this key.
    At(String),
    /// After one page, whose keys tell where to cut next.
    Page,
}

struct SegmentPage {
    objects: Vec<Listed>,
    /// The first key of the page and the last.
    keys: Option<(String, String)>,
    next: Option<After>,
    /// True if nothing comes behind it in the bucket.
    is_end: bool,
}

/// How well guesses have worked.
struct Guesses {
    /// Segments of the next wave.
    width: usize,
    /// True if a segment of the present wave turned out to be empty.
    was_wrong: bool,
    /// Pages to be listed one after the other before guessing again.
    hold: u32,
    next_hold: u32,
}

impl Listing {
    /// Begins with the first key.
    pub fn new(ask: AskPage, runtime: Handle, plan: Plan) -> Self {
        let concurrency = if plan.is_in_order { plan.concurrency.max(1) } else { 1 };
        let split_keys = if concurrency > 1 { plan.split_keys.into() } else { VecDeque::new() };
        Self {
            ask,
            runtime,
            concurrency,
            split_keys,
            is_in_order: plan.is_in_order,
            segments: VecDeque::new(),
            start: Some(After::default()),
            last_key: None,
            guesses: Guesses { width: 2, was_wrong: false, hold: 0, next_hold: 1 },
        }
    }

    /// The objects of the next page; `None` after the last. Waits for it: not to be called from a
    /// thread of the runtime.
    ///
    /// # Errors
    /// As the server gives them; a server that does not list in order.
    pub fn next_page(&mut self) -> Result<Option<Vec<Listed>>, BucketError> {
        loop {
            self.cut();
            let Some(segment) = self.segments.front_mut() else { return Ok(None) };
            let page = segment.pages.blocking_recv().transpose()?;
            let Some(page) = page else {
                self.guesses.was_wrong |= segment.is_empty && segment.end != End::Page;
                self.segments.pop_front();
                continue;
            };
            segment.is_empty &= page.objects.is_empty();
            if page.is_end {
                self.segments.clear();
                self.start = None;
            } else if segment.end == End::Page {
                self.go_on(page.keys, page.next);
            }
            if !page.objects.is_empty() {
                if self.is_in_order {
                    self.check_order(&page.objects)?;
                }
                return Ok(Some(page.objects));
            }
        }
    }

    /// Cuts segments off at known keys; the last one ends with its first page.
    fn cut(&mut self) {
        while self.segments.len() < self.concurrency
            && let Some(start) = self.start.take()
        {
            let is_before = |key: &String| start.key.as_ref().is_some_and(|start| key <= start);
            while self.split_keys.front().is_some_and(is_before) {
                self.split_keys.pop_front();
            }
            match self.split_keys.pop_front() {
                Some(key) => {
                    self.begin(start, End::At(key.clone()));
                    self.start = Some(After { key: Some(key), token: None });
                }
                None => self.begin(start, End::Page),
            }
        }
    }

    /// Behind a page that is not the last: a wave of segments, as many as guesses deserve.
    fn go_on(&mut self, keys: Option<(String, String)>, next: Option<After>) {
        let width = self.guesses.next_width(self.concurrency);
        let guessed = match (&keys, width) {
            (_, ..2) | (None, _) => Vec::new(),
            (Some((first, last)), _) => split::guess(first, last, GUESSED_PAGES, width - 1),
        };
        let mut start = next;
        for key in guessed {
            if let Some(start) = start.take() {
                self.begin(start, End::At(key.clone()));
            }
            start = Some(After { key: Some(key), token: None });
        }
        if let Some(start) = start {
            self.begin(start, End::Page);
        }
    }

    fn begin(&mut self, start: After, end: End) {
        let (sender, pages) = mpsc::channel(WAITING_PAGES);
        self.runtime.spawn(list_segment(Arc::clone(&self.ask), start, end.clone(), sender));
        self.segments.push_back(Segment { pages, end, is_empty: true });
    }

    /// A server that lists in another order would make a tree that nothing can be found in.
    fn check_order(&mut self, objects: &[Listed]) -> Result<(), BucketError> {
        for object in objects {
            if self.last_key.as_ref().is_some_and(|last| object.key < *last) {
                let detail = format!("{:?} comes behind {:?}", object.key, self.last_key);
                return Err(BucketError::Nonsense { action: "list the bucket in order", detail });
            }
            if self.last_key.as_ref() != Some(&object.key) {
                self.last_key = Some(object.key.clone());
            }
        }
        Ok(())
    }
}

impl Guesses {
    /// Twice as many as before if all were right, half as many if one was wrong.
    fn next_width(&mut self, width_max: usize) -> usize {
        if self.hold > 0 {
            self.hold -= 1;
            return 1;
        }
        if std::mem::take(&mut self.was_wrong) {
            self.width = (self.width / 2).max(2);
            self.hold = self.next_hold;
            self.next_hold = (self.next_hold * 2).min(PATIENCE_PAGES_MAX);
            return 1;
        }
        let width = self.width.min(width_max);
        self.width = (width * 2).max(2);
        width
    }
}

/// Lists from one place to another, as fast as its pages are taken.
async fn list_segment(
    ask: AskPage,
    start: After,
    end: End,
    pages: mpsc::Sender<Result<SegmentPage, BucketError>>,
) {
    let mut start = start;
    loop {
        let page = tokio::select! {
            page = ask(start) => page,
            () = pages.closed() => return,
        };
        let page = page.map(|page| SegmentPage::new(page, &end));
        let next = match &page {
            Ok(page) if end != End::Page => page.next.clone(),
            _ => None,
        };
        if pages.send(page).await.is_err() {
            return;
        }
        match next {
            Some(next) => start = next,
            None => return,
        }
    }
}

impl SegmentPage {
    fn new(page: Page, end: &End) -> Self {
        let Page { mut objects, next } = page;
        let keys = match (objects.first(), objects.last()) {
            (Some(first), Some(last)) => Some((first.key.clone(), last.key.clone())),
            _ => None,
        };
        let is_end = next.is_none();
        if let End::At(end) = end
            && keys.as_ref().is_some_and(|(_, last)| last > end)
        {
            objects.truncate(objects.partition_point(|object| object.key <= *end));
            return Self { objects, keys, next: None, is_end: false };
        }
        Self { objects, keys, next, is_end }
    }
}
