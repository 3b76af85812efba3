//! Listings in key order, several pages at once, in bounded memory.
//!
//! The key space is cut into segments that are listed concurrently; each buffers at most a few
//! pages until its turn comes. Where to cut is known from an earlier listing
//! ([`ListingPlan::split_keys`]), or guessed from the keys of the last page ([`split`]). A wrong
//! guess costs a request, never a key: a segment ends where the next one begins.
//!
//! A server that does not list in the order of the keys' bytes is detected: keys must ascend, and a
//! segment must reach into the next one ([`join`]). Such a bucket is then listed page by page, held
//! in memory and sorted.

mod join;
mod sorted;
mod split;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::BucketError;
use super::object::{ListPage, ListPosition, ListedKey};
use join::Join;
use sorted::Sorted;

/// Pages of a segment that are buffered until its turn, besides the one being fetched.
const WAITING_PAGES: usize = 2;
/// Pages that a segment with a guessed end should have.
const GUESSED_PAGES: u64 = 4;
/// Maximum number of pages that are listed one after another after a wrong guess.
const PATIENCE_PAGES_MAX: u32 = 64;

/// A page to come.
pub type PageFuture = Pin<Box<dyn Future<Output = Result<ListPage, BucketError>> + Send>>;
/// Requests the page after a position.
pub type RequestPage = Arc<dyn Fn(ListPosition) -> PageFuture + Send + Sync>;

/// How a listing is made.
#[derive(Debug, Clone)]
pub struct ListingPlan {
    /// Number of segments listed at once. With one, no more requests are made than for a listing
    /// page by page.
    pub concurrency: usize,
    /// Ascending keys at which the listing may be cut, a few pages apart; they come from an earlier
    /// listing and may no longer exist.
    pub split_keys: Vec<String>,
    /// True if the server lists in key order, so that anything else is an error; false to hold
    /// everything and sort it.
    pub is_in_order: bool,
}

/// A listing in progress.
pub struct BucketListing {
    ask: RequestPage,
    runtime: Handle,
    concurrency: usize,
    split_keys: VecDeque<String>,
    is_in_order: bool,
    /// What is held, if everything must be held to be sorted.
    sorted: Option<Sorted>,
    /// What the next segment must have in common with the previous one.
    join: Option<Join>,
    segments: VecDeque<Segment>,
    /// Where the next segment begins; `None` while the last one has no known end.
    start: Option<ListPosition>,
    /// The last key that was returned.
    last_key: Option<String>,
    guesses: Guesses,
}

struct Segment {
    pages: mpsc::Receiver<Result<SegmentPage, BucketError>>,
    end: SegmentEnd,
    is_empty: bool,
    /// True until its first page.
    is_new: bool,
}

/// Where a segment ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SegmentEnd {
    /// After this key.
    At(String),
    /// After one page, whose keys tell where to cut next.
    Page,
}

struct SegmentPage {
    objects: Vec<ListedKey>,
    /// Keys that were listed after the segment's end.
    behind: Vec<String>,
    /// The first key that was listed after a greater one, and that one.
    disorder: Option<(String, String)>,
    /// The first key of the page and the last.
    keys: Option<(String, String)>,
    next: Option<ListPosition>,
    /// True if nothing follows it in the bucket.
    is_end: bool,
}

/// How well guesses have worked.
struct Guesses {
    /// Number of segments in the next wave.
    width: usize,
    /// True if a segment of the current wave turned out to be empty.
    was_wrong: bool,
    /// Pages to list one after another before guessing again.
    hold: u32,
    next_hold: u32,
}

impl BucketListing {
    /// A listing that begins with the first key.
    pub fn new(ask: RequestPage, runtime: Handle, plan: ListingPlan) -> Self {
        let concurrency = if plan.is_in_order { plan.concurrency.max(1) } else { 1 };
        let split_keys = if concurrency > 1 { plan.split_keys.into() } else { VecDeque::new() };
        Self {
            ask,
            runtime,
            concurrency,
            split_keys,
            is_in_order: plan.is_in_order,
            sorted: (!plan.is_in_order).then(Sorted::default),
            join: None,
            segments: VecDeque::new(),
            start: Some(ListPosition::default()),
            last_key: None,
            guesses: Guesses { width: 2, was_wrong: false, hold: 0, next_hold: 1 },
        }
    }

    /// The objects of the next page; `None` after the last. Blocks, so it must not be called from a
    /// thread of the runtime.
    ///
    /// # Errors
    /// Errors of the server; [`BucketError::Disorder`] if the server does not list in order
    /// although the plan says so.
    pub fn next_page(&mut self) -> Result<Option<Vec<ListedKey>>, BucketError> {
        let Some(mut sorted) = self.sorted.take() else { return self.next_listed() };
        while let Some(page) = self.next_listed()? {
            sorted.hold(page)?;
        }
        let page = sorted.next_page();
        self.sorted = Some(sorted);
        Ok(page)
    }

    /// The objects of the next page as the server lists them.
    fn next_listed(&mut self) -> Result<Option<Vec<ListedKey>>, BucketError> {
        loop {
            self.cut();
            let Some(segment) = self.segments.front_mut() else { return Ok(None) };
            let page = segment.pages.blocking_recv().transpose()?;
            let Some(page) = page else {
                self.guesses.was_wrong |= segment.is_empty && segment.end != SegmentEnd::Page;
                self.segments.pop_front();
                continue;
            };
            segment.is_empty &= page.objects.is_empty();
            let is_guessed = segment.end == SegmentEnd::Page;
            if self.is_in_order {
                let is_first = std::mem::replace(&mut segment.is_new, false);
                self.check_order(is_first, &page)?;
            }
            if page.is_end {
                self.segments.clear();
                self.start = None;
            } else if is_guessed {
                self.begin_wave(page.keys, page.next);
            }
            if !page.objects.is_empty() {
                return Ok(Some(page.objects));
            }
        }
    }

    /// Cuts off segments at known keys; the last one ends with its first page.
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
                    self.begin(start, SegmentEnd::At(key.clone()));
                    self.start = Some(ListPosition { key: Some(key), token: None });
                }
                None => self.begin(start, SegmentEnd::Page),
            }
        }
    }

    /// After a page that is not the last: begins a wave of segments, as many as guesses deserve.
    fn begin_wave(&mut self, keys: Option<(String, String)>, next: Option<ListPosition>) {
        let width = self.guesses.next_width(self.concurrency);
        let guessed = match (&keys, width) {
            (_, ..2) | (None, _) => Vec::new(),
            (Some((first, last)), _) => split::guess(first, last, GUESSED_PAGES, width - 1),
        };
        let mut start = next;
        for key in guessed {
            if let Some(start) = start.take() {
                self.begin(start, SegmentEnd::At(key.clone()));
            }
            start = Some(ListPosition { key: Some(key), token: None });
        }
        if let Some(start) = start {
            self.begin(start, SegmentEnd::Page);
        }
    }

    fn begin(&mut self, start: ListPosition, end: SegmentEnd) {
        let (sender, pages) = mpsc::channel(WAITING_PAGES);
        self.runtime.spawn(list_segment(Arc::clone(&self.ask), start, end.clone(), sender));
        self.segments.push_back(Segment { pages, end, is_empty: true, is_new: true });
    }

    /// Out of order, the resulting tree could not be searched, and keys would be lost between two
    /// segments.
    fn check_order(&mut self, is_first: bool, page: &SegmentPage) -> Result<(), BucketError> {
        if let Some(join) = self.join.take().filter(|_| is_first) {
            join.check(page.objects.iter().map(|it| &it.key).chain(&page.behind))?;
        }
        if !page.behind.is_empty() {
            self.join = Some(Join::new(&page.behind));
        }
        if let Some((key, last)) = page.disorder.clone() {
            return Err(BucketError::Disorder { key, last });
        }
        for object in &page.objects {
            if let Some(last) = self.last_key.clone().filter(|last| object.key < *last) {
                return Err(BucketError::Disorder { key: object.key.clone(), last });
            }
            if self.last_key.as_ref() != Some(&object.key) {
                self.last_key = Some(object.key.clone());
            }
        }
        Ok(())
    }
}

impl Guesses {
    /// Twice as many as before if all guesses were right, half as many if one was wrong.
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

/// Lists from one position to another, as fast as its pages are taken.
async fn list_segment(
    ask: RequestPage,
    start: ListPosition,
    end: SegmentEnd,
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
            Ok(page) if end != SegmentEnd::Page => page.next.clone(),
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
    fn new(page: ListPage, end: &SegmentEnd) -> Self {
        let ListPage { mut objects, next } = page;
        let keys = match (objects.first(), objects.last()) {
            (Some(first), Some(last)) => Some((first.key.clone(), last.key.clone())),
            _ => None,
        };
        let is_end = next.is_none();
        let pair = objects.windows(2).find(|pair| pair[1].key < pair[0].key);
        let disorder = pair.map(|pair| (pair[1].key.clone(), pair[0].key.clone()));
        let (first, behind) = (Vec::new(), Vec::new());
        let mut page = Self { objects: first, behind, disorder, keys, next, is_end };
        if let SegmentEnd::At(end) = end
            && page.keys.as_ref().is_some_and(|(_, last)| last > end)
        {
            let behind = objects.split_off(objects.partition_point(|object| object.key <= *end));
            page.behind = behind.into_iter().map(|object| object.key).collect();
            (page.next, page.is_end) = (None, false);
        }
        page.objects = objects;
        page
    }
}
