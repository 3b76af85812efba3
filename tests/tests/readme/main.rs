//! README.md is accurate: its commands run as written, and a test backs each promise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "all of this is a test"
)]

mod blocks;
mod claims;
mod session;

use holdfast_tests::project;

#[test]
fn every_command_does_what_is_shown() {
    let readme = project::read("README.md");
    let blocks = blocks::of(&readme);
    assert!(blocks.len() >= 6, "README.md shows how it is used");
    let shown: usize = blocks.iter().flatten().map(|command| command.shown.len()).sum();
    assert!(shown > 0, "README.md shows what is printed");
    let app_files = blocks::texts(&readme, "toml");
    let [app_file] = app_files.as_slice() else { panic!("README.md shows one app file") };
    session::run(&blocks, app_file);
}

#[test]
fn the_demo_takes_a_folder_and_leaves_nothing() {
    session::demo_of_a_folder();
}

#[test]
fn every_promise_has_a_test() {
    let readme = project::read("README.md");
    let troubles = claims::troubles(&readme, &project::read("docs/claims.md"), &|path| {
        std::fs::read_to_string(project::root().join(path)).ok()
    });
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}
