//! A killed restore leaves only complete files under final names, and others under temporary names.

use std::path::Path;

use holdfast_tests::picture::{EntryShape, Picture, assert_same, entries};

use crate::moment::at_each_moment;
use crate::world::World;

fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".holdfast-"))
}

/// Fails if a file under a final name does not match any of these pictures.
fn assert_whole(found: &Picture, allowed: &[&Picture]) {
    for (path, look) in found.iter().filter(|(path, _)| !is_temporary(path)) {
        let is_whole = |picture: &&Picture| {
            picture.get(path).is_some_and(|wanted| match (&wanted.kind, &look.kind) {
                (EntryShape::File(..), EntryShape::File(..)) => wanted.kind == look.kind,
                (wanted, found) => wanted == found,
            })
        };
        assert!(allowed.iter().any(is_whole), "{} is not whole: {look:?}", path.display());
    }
}

#[test]
fn into_an_empty_folder() {
    let world = World::get();
    let newest = world.snapshots.last().unwrap();
    let line = format!("restore {}:{} -t @out", newest.id, world.source().display());
    at_each_moment(
        &line,
        || world.fork(),
        |moment, sandbox, end| {
            println!("{end:?} at {moment:?}");
            let found = match sandbox.exists("out") {
                true => entries(&sandbox.path("out")),
                false => Picture::new(),
            };
            assert_whole(&found, &[&newest.holds]);
            sandbox.ok(&format!("{line} --delete"));
            assert_same(&newest.holds, &entries(&sandbox.path("out")));
            world.verify(sandbox, &world.snapshots);
        },
    );
}
