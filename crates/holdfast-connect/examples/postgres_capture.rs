//! Captures a database, discards it, and prints how much time and memory that took: to be compared
//! with `pg_dump -Fc -Z0 > /dev/null`.
//!
//! `cargo run --release --example postgres_capture -- postgres://role@host/database`

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use holdfast_connect::postgres::{
    Cut, GlobalsSelection, PostgresOptions, PostgresServer, PostgresSource,
};
use holdfast_connect::{ContentPiece, Source, SourceItem};

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("give the server's address")?;
    let mut options = PostgresOptions::new(PostgresServer::new(url));
    options.globals = GlobalsSelection::None;
    let begin = Instant::now();
    let mut source = PostgresSource::new(Arc::new(Cut::open(options)?));
    let opened_ms = begin.elapsed().as_millis();
    let (mut bytes, mut files) = (0_u64, 0_u64);
    let mut buffer = vec![0; 1 << 20];
    while let Some(item) = source.next()? {
        let SourceItem::Leaf(leaf) = item else { continue };
        files += 1;
        let mut content = leaf.opener.open()?;
        while let ContentPiece::Data(count) = content.read(&mut buffer)? {
            bytes += count as u64;
        }
    }
    let all_ms = begin.elapsed().as_millis();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown");
    println!("{files} files, {bytes} bytes; cut {opened_ms} ms, all {all_ms} ms; {peak}");
    Ok(())
}
