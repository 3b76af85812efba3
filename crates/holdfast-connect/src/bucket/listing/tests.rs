//! Listings of buckets that exist only in memory.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::*;

const PAGE_KEYS: usize = 10;

/// Some keys, and how often they were requested.
struct ListedKeys {
    keys: Vec<String>,
    requests: AtomicUsize,
    under_way: Mutex<(usize, usize)>,
}

impl ListedKeys {
    fn new(keys: impl IntoIterator<Item = String>) -> Arc<Self> {
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort();
        keys.dedup();
        Arc::new(Self { keys, requests: AtomicUsize::new(0), under_way: Mutex::default() })
    }

    fn page(&self, after: &ListPosition) -> ListPage {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let start = match &after.key {
            Some(after) => self.keys.partition_point(|key| key <= after),
            None => 0,
        };
        let end = (start + PAGE_KEYS).min(self.keys.len());
        let objects: Vec<_> = self.keys[start..end].iter().map(|key| listed(key)).collect();
        let next = (end < self.keys.len())
            .then(|| ListPosition { key: Some(self.keys[end - 1].clone()), token: None });
        ListPage { objects, next }
    }

    fn ask(self: &Arc<Self>) -> RequestPage {
        let memory = Arc::clone(self);
        Arc::new(move |after| {
            let memory = Arc::clone(&memory);
            Box::pin(async move {
                {
                    let mut under_way = memory.under_way.lock().unwrap();
                    under_way.0 += 1;
                    under_way.1 = under_way.1.max(under_way.0);
                }
                tokio::task::yield_now().await;
                memory.under_way.lock().unwrap().0 -= 1;
                Ok(memory.page(&after))
            })
        })
    }

    fn list(self: &Arc<Self>, concurrency: usize, split_keys: Vec<String>) -> Vec<String> {
        let runtime = runtime();
        let plan = ListingPlan { concurrency, split_keys, is_in_order: true };
        let mut listing = BucketListing::new(self.ask(), runtime.handle().clone(), plan);
        let mut found = Vec::new();
        while let Some(page) = listing.next_page().unwrap() {
            found.extend(page.into_iter().map(|object| object.key));
        }
        assert!(listing.next_page().unwrap().is_none(), "the listing has ended");
        found
    }

    fn requests(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn listed(key: &str) -> ListedKey {
    ListedKey { key: key.to_owned(), is_latest: true, ..ListedKey::default() }
}

#[test]
fn one_at_a_time_makes_as_many_requests_as_there_are_pages() {
    for count in [0usize, 1, 9, 10, 11, 995] {
        let memory = ListedKeys::new((0..count).map(|number| format!("{number:06}")));
        assert_eq!(memory.list(1, vec!["000500".to_owned()]), memory.keys);
        assert_eq!(memory.requests(), count.div_ceil(PAGE_KEYS).max(1));
    }
}

#[test]
fn counters_are_listed_side_by_side_with_few_requests_more() {
    let memory = ListedKeys::new((0..10_000).map(|number| format!("photos/{number:06}.jpg")));
    assert_eq!(memory.list(8, Vec::new()), memory.keys);
    let requests = memory.requests();
    assert!(requests < 1_350, "{requests} requests for 1000 pages");
    assert!(memory.under_way.lock().unwrap().1 > 1, "concurrently");
}

#[test]
fn known_keys_cut_a_listing_exactly() {
    let memory = ListedKeys::new((0..5_000).map(|number| {
        format!(
            "{:x}",
            blake3::hash(&[number as u8, (number >> 8) as u8]).to_hex().as_str().len() * number
        )
    }));
    let splits: Vec<_> = memory.keys.iter().step_by(5 * PAGE_KEYS).cloned().collect();
    let pages = memory.keys.len().div_ceil(PAGE_KEYS);
    assert_eq!(memory.list(8, splits.clone()), memory.keys);
    assert!(memory.requests() <= pages + splits.len() + 8);
}

#[test]
fn keys_that_cannot_be_guessed_cost_little_more() {
    let names =
        (0..300).map(|number| format!("{}/x", blake3::hash(&[number as u8, (number >> 8) as u8])));
    let folders = names.flat_map(|name| (0..7).map(move |number| format!("{name}/{number}")));
    let memory = ListedKeys::new(folders.chain((0..500).map(|number| "z".repeat(number + 1))));
    assert_eq!(memory.list(8, Vec::new()), memory.keys);
    let (requests, pages) = (memory.requests(), memory.keys.len().div_ceil(PAGE_KEYS));
    assert!(requests < pages * 3 / 2, "{requests} requests for {pages} pages");
}

#[test]
fn memory_does_not_grow_with_the_bucket() {
    let memory = ListedKeys::new((0..20_000).map(|number| format!("{number:06}")));
    let runtime = runtime();
    let plan = ListingPlan {
        concurrency: 4,
        split_keys: memory.keys.iter().step_by(2_000).cloned().collect(),
        is_in_order: true,
    };
    let mut listing = BucketListing::new(memory.ask(), runtime.handle().clone(), plan);
    listing.next_page().unwrap();
    // A consumer that takes no pages is not sent more than a few.
    std::thread::sleep(std::time::Duration::from_millis(100));
    let requests = memory.requests();
    assert!(requests <= 4 * (WAITING_PAGES + 2), "{requests} pages ahead");
}

#[test]
fn disorder_is_an_error() {
    let ask: RequestPage = Arc::new(|after: ListPosition| {
        Box::pin(async move {
            let objects = vec![listed("b"), listed("a")];
            Ok(ListPage { objects, next: after.key.is_none().then(ListPosition::default) })
        })
    });
    let runtime = runtime();
    let plan = ListingPlan { concurrency: 1, split_keys: Vec::new(), is_in_order: true };
    let mut listing = BucketListing::new(ask, runtime.handle().clone(), plan);
    let error = listing.next_page().unwrap_err().to_string();
    assert!(error.contains("not the order of the keys"), "{error}");
}

/// A server with folders lists the contents of `a/` before `a-`. Cut at `a/5`, the first part ends
/// with `a/5` and the second begins after it: keys that the server lists in between are in neither.
#[test]
fn parts_that_do_not_meet_are_no_listing() {
    let listed_so: Vec<String> = ["a/1", "a/5", "a/9", "a-b", "z"].map(str::to_owned).to_vec();
    let ask: RequestPage = Arc::new(move |after: ListPosition| {
        let keys = listed_so.clone();
        Box::pin(async move {
            let place = keys.iter().position(|key| Some(key) == after.key.as_ref());
            // It begins after the folder if it is asked to begin within it.
            let start = match (&after.key, &after.token) {
                (Some(key), None) if key == "a/5" => 4,
                _ => place.map_or(0, |place| place + 1),
            };
            let end = (start + 3).min(keys.len());
            let objects: Vec<_> = keys[start..end].iter().map(|key| listed(key)).collect();
            let last = Some(keys[end - 1].clone());
            let next = ListPosition { key: last, token: Some("next".to_owned()) };
            Ok(ListPage { objects, next: (end < keys.len()).then_some(next) })
        })
    });
    let runtime = runtime();
    let split_keys = vec!["a/5".to_owned()];
    let plan = ListingPlan { concurrency: 2, split_keys, is_in_order: true };
    let mut listing = BucketListing::new(ask, runtime.handle().clone(), plan);
    let error = loop {
        match listing.next_page() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the listing looks complete"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, BucketError::Disorder { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_key_is_listed_once_and_in_order(
        keys in prop::collection::vec("[a-c0-2/\u{e9}]{1,6}", 0..300),
        splits in prop::collection::vec("[a-c0-2/\u{e9}]{1,6}", 0..20),
        concurrency in 1usize..6,
    ) {
        let memory = ListedKeys::new(keys);
        let mut splits = splits;
        splits.sort();
        prop_assert_eq!(&memory.list(concurrency, splits), &memory.keys);
    }
}
