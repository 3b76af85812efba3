//! A storage with little or no room: as much as possible is freed, step by step.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_backend::{Backend, BackendError, ListedObject, MemoryBackend, ObjectName};
use holdfast_format::ObjectId;

use super::world::{ALL, World, files};
use crate::Silent;
use crate::prune::{PruneMutation, run};

/// Accepts this many bytes in packs and no more; records and index objects have a reserve.
#[derive(Debug)]
struct SmallStorage {
    inner: Arc<MemoryBackend>,
    pack_bytes_max: u64,
}

impl Backend for SmallStorage {
    fn put(&self, name: &ObjectName, parts: &[&[u8]]) -> Result<(), BackendError> {
        let bytes: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let stored: u64 = self.inner.list("packs")?.iter().map(|pack| pack.bytes).sum();
        if name.as_str().starts_with("packs/") && stored + bytes > self.pack_bytes_max {
            let (name, source) = (name.to_string(), io::ErrorKind::StorageFull.into());
            return Err(BackendError::NoSpace { name, source });
        }
        self.inner.put(name, parts)
    }
    fn get(&self, name: &ObjectName, bytes_max: u64) -> Result<Bytes, BackendError> {
        self.inner.get(name, bytes_max)
    }
    fn get_range(
        &self,
        name: &ObjectName,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BackendError> {
        self.inner.get_range(name, offset, length)
    }
    fn size(&self, name: &ObjectName) -> Result<u64, BackendError> {
        self.inner.size(name)
    }
    fn list(&self, prefix: &str) -> Result<Vec<ListedObject>, BackendError> {
        self.inner.list(prefix)
    }
    fn delete(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.inner.delete(name)
    }
    fn quarantine(&self, name: &ObjectName) -> Result<(), BackendError> {
        self.inner.quarantine(name)
    }
}

/// Snapshots of which the older ones are all forgotten, so that packs become unused, and every
/// second of the newer ones, so that most packs are partly used.
fn crowded() -> World {
    let mut world = World::new();
    let ids: Vec<ObjectId> = (0..24_u64)
        .map(|number| world.back_up("a", &files(number * 20..number * 20 + 50)))
        .collect();
    let goes = |number: usize| number < 4 || number.is_multiple_of(2);
    let gone: Vec<ObjectId> =
        ids.iter().enumerate().filter(|(number, _)| goes(*number)).map(|(_, id)| *id).collect();
    world.forget(&gone);
    world
}

/// Prunes where packs may grow by `more` bytes; returns what is left of them, and what would be
/// left with room for everything.
fn left_with(more: u64, mutation: PruneMutation) -> (u64, u64) {
    let world = crowded();
    let roomy = world.fork();
    roomy.prune(&ALL);
    let pack_bytes_max = world.pack_bytes() + more;
    let small = SmallStorage { inner: Arc::clone(&world.storage), pack_bytes_max };
    let repository = world.open_on(Arc::new(small)).unwrap();
    let report = run(&repository, &ALL, &Silent, mutation).unwrap();
    assert!(report.out_of_space, "{report:?}");
    world.check();
    (world.pack_bytes(), roomy.pack_bytes())
}

#[test]
fn what_must_be_rewritten_is_rewritten_in_steps_that_fit() {
    for more in [0, 5_000, 20_000, 60_000] {
        let (left, least) = left_with(more, PruneMutation::None);
        assert!(left < least + 10_000, "{left} bytes are left, not {least}, with {more} more");
    }
}

#[test]
fn one_step_is_not_enough() {
    let (left, least) = left_with(0, PruneMutation::OneStep);
    assert!(left > least + 10_000, "{left} bytes are left, and {least} where there is room");
}

/// Nothing is unused, and there is no room to rewrite anything: it ends, and loses nothing.
#[test]
fn where_nothing_can_be_done_it_ends() {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..90));
    world.back_up("a", &files((0..90).step_by(2)));
    world.forget(&[first]);
    let before = world.pack_bytes();
    let small = SmallStorage { inner: Arc::clone(&world.storage), pack_bytes_max: before };
    let repository = world.open_on(Arc::new(small)).unwrap();
    let report = run(&repository, &ALL, &Silent, PruneMutation::None).unwrap();
    assert!(report.out_of_space);
    world.check();
    assert!(world.pack_bytes() <= before);
}
