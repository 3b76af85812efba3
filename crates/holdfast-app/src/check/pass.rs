//! Walking a source for checks alone.

use std::io;

use holdfast_connect::{ContentPiece, Opener, Source as Connector, SourceItem};
use holdfast_engine::Observer;

use super::passing::{NameOf, PassingSource, SharedReferences};

/// Contents read at a time, if rows have their hashes.
const READS_MAX: usize = 16;
/// Bytes read at a time of each.
const BUFFER_BYTES: usize = 256 << 10;

/// Walks the whole source, and reads the contents that rows have hashes of. `name_of` is the name
/// that rows have for a path.
pub(crate) fn pass(
    source: Box<dyn Connector>,
    name_of: Box<NameOf>,
    references: SharedReferences,
    observer: &dyn Observer,
) -> io::Result<()> {
    let mut source = PassingSource::new(source, references, name_of);
    let mut unread = Vec::new();
    while !observer.is_interrupted()
        && let Some((item, is_wanted)) = source.pass()?
    {
        if let SourceItem::Leaf(leaf) = item
            && is_wanted
        {
            unread.push(leaf.opener);
        }
        if unread.len() >= READS_MAX {
            read_all(std::mem::take(&mut unread));
        }
    }
    read_all(unread);
    Ok(())
}

/// Reads contents concurrently. One that cannot be read is later reported as not compared.
fn read_all(openers: Vec<Box<dyn Opener>>) {
    std::thread::scope(|scope| {
        for opener in &openers {
            scope.spawn(|| read(&**opener));
        }
    });
}

fn read(opener: &dyn Opener) -> io::Result<()> {
    let mut content = opener.open()?;
    let mut buffer = vec![0; BUFFER_BYTES];
    while content.read(&mut buffer)? != ContentPiece::End {}
    Ok(())
}
