//! Which files and folders use a blob, a tree or the blobs of a pack.

use holdfast_engine::EngineError;
use holdfast_engine::look::{BlobUse, Folder, IdPrefix, SnapshotRoot, WantedBlobs, find_users};
use holdfast_format::BlobType;
use holdfast_repo::read::BlobReader;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::tz::TimeZone;

use super::{Args, Array};
use crate::cmd::ls::stream::{Listener, Stream};
use crate::context::Context;
use crate::environment;
use crate::exit::CommandResult;
use crate::output::json::listing::FindObject;
use crate::output::{escape, text};

/// Searches for the objects whose ids are on the command line.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(
    args: &Args,
    context: &Context,
    repository: &Repository,
    snapshots: &[(SnapshotInfo, SnapshotRoot)],
) -> CommandResult {
    let wanted = args.wanted(repository)?;
    let listener = Listener::new(context);
    let (stream, zone) = (Stream::new(context), environment::time_zone());
    let mut array = context.output.style().json.then(|| Array::new(context));
    for (info, root) in snapshots {
        let mut reader = BlobReader::new(repository);
        let mut each = |found: &BlobUse<'_>| -> Result<(), EngineError> {
            let parent_tree = parent_tree(&mut reader, root, found)?;
            match &mut array {
                Some(array) => array.push(&object(info, found, parent_tree)),
                None => stream.line(&lines(info, found, parent_tree, &zone)),
            }
        };
        find_users(repository, root, &wanted, &listener, &mut each)?;
        context.output.flush()?;
    }
    array.map_or(Ok(()), Array::finish)?;
    listener.end()
}

impl Args {
    fn wanted(&self, repository: &Repository) -> CommandResult<WantedBlobs> {
        let ids = self.patterns.iter().map(|text| IdPrefix::new(text));
        let ids: Vec<IdPrefix> = ids.collect::<Result<_, _>>()?;
        let wanted = match (self.blob, self.tree) {
            (true, _) => WantedBlobs::new(repository, ids, Vec::new(), &[]),
            (_, true) => WantedBlobs::new(repository, Vec::new(), ids, &[]),
            (false, false) => WantedBlobs::new(repository, Vec::new(), Vec::new(), &ids),
        };
        Ok(wanted?)
    }
}

/// The folder of a file that uses a data blob.
fn parent_tree(
    reader: &mut BlobReader<'_>,
    root: &SnapshotRoot,
    found: &BlobUse<'_>,
) -> Result<Option<String>, EngineError> {
    if found.blob_type == BlobType::Tree {
        return Ok(None);
    }
    // With the slash, so that it means a folder even for keys.
    let after_slash = found.path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let place = root.resolve(reader, &found.path[..after_slash])?;
    Ok(place.folder().and_then(Folder::tree).map(|id| id.to_hex()))
}

/// What restic calls a blob of this type.
fn type_name(blob_type: BlobType) -> &'static str {
    match blob_type {
        BlobType::Data => "blob",
        BlobType::Tree => "tree",
    }
}

/// The path, with `/` for the root instead of the empty path.
fn path<'a>(found: &BlobUse<'a>) -> &'a [u8] {
    if found.path.is_empty() { b"/" } else { found.path }
}

fn object(info: &SnapshotInfo, found: &BlobUse<'_>, parent_tree: Option<String>) -> FindObject {
    FindObject {
        object_type: type_name(found.blob_type),
        id: found.id.to_hex(),
        path: String::from_utf8_lossy(path(found)).into_owned(),
        parent_tree,
        snapshot: info.id.to_hex(),
        time: info.snapshot.time,
    }
}

fn lines(
    info: &SnapshotInfo,
    found: &BlobUse<'_>,
    parent_tree: Option<String>,
    zone: &TimeZone,
) -> String {
    let place = if found.file.is_some() { "in file" } else { "path" };
    let mut lines = vec![
        format!("Found {} {}", type_name(found.blob_type), found.id),
        format!(" ... {place} {}", escape::name(path(found))),
    ];
    lines.extend(parent_tree.map(|tree| format!("     (tree {tree})")));
    let time = text::time(info.snapshot.time, zone);
    lines.push(format!(" ... in snapshot {} ({time})", info.id.short()));
    lines.join("\n")
}
