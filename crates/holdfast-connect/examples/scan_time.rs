//! Measures how long a scan of the given paths takes, without reading any file.
//!
//! `cargo run --release -p holdfast-connect --example scan_time -- THREADS ROUNDS PATH...`

use std::path::PathBuf;
use std::time::Instant;

use holdfast_connect::fs::filter::Filter;
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_connect::{Source, SourceItem};

#[allow(clippy::print_stdout)]
fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| match arguments.next() {
        Some(text) => text.parse().unwrap_or(default),
        None => default,
    };
    let (scan_threads, rounds) = (number(3), number(5));
    let paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    for _ in 0..rounds {
        let begin = Instant::now();
        let options = FsOptions { scan_threads, ..FsOptions::default() };
        let mut source = FsSource::new(paths.clone(), options, Filter::default())?;
        let (mut leaves, mut directories, mut others) = (0, 0, 0);
        while let Some(item) = source.next()? {
            match item {
                SourceItem::Leaf(_) => leaves += 1,
                SourceItem::Enter { .. } => directories += 1,
                SourceItem::Leave => {}
                SourceItem::Unread(_) | SourceItem::Excluded { .. } | SourceItem::Own { .. } => {
                    others += 1
                }
            }
        }
        let took = begin.elapsed();
        println!("{took:?}: {leaves} leaves, {directories} directories, {others} others");
    }
    Ok(())
}
