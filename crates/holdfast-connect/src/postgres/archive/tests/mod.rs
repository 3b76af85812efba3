//! Tests of the parts that need no server.

mod content;
mod plain;
mod toc;

use super::ArchiveReader;

#[test]
fn a_reader_can_go_to_another_thread() {
    fn check<T: Send>() {}
    check::<ArchiveReader<std::fs::File>>();
}
