//! `diff`: compare two snapshots.

use holdfast_engine::EngineError;
use holdfast_engine::look::{
    DiffOptions, DiffStatistics as Counted, PathChange, SnapshotRoot, diff,
};
use holdfast_engine::selection::SnapshotFilter;
use holdfast_repo::Repository;

use crate::cmd::ls::stream::{Listener, Stream};
use crate::cmd::shared::SourceArgs;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::lacks;
use crate::output::json::listing::{DiffChange, DiffStatisticsDocument};
use crate::output::{escape, text};
use crate::select::{self, Chosen};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast diff latest~1 latest
  holdfast diff --metadata 1a2b3c4d 5e6f7a8b
  holdfast diff 1a2b3c4d:/srv/www latest:/srv/www

Each line begins with what happened: + added, - removed, T type changed, M content changed,
U metadata changed (with --metadata), ? content damaged.";

/// Compare two snapshots
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The older snapshot; :FOLDER starts at a folder
    #[arg(value_name = "SNAPSHOT[:FOLDER]")]
    pub source: String,

    /// The newer snapshot
    #[arg(value_name = "SNAPSHOT[:FOLDER]")]
    pub target: String,

    /// Also report changes of owner, permissions and times
    #[arg(long)]
    pub metadata: bool,

    /// Which source.
    #[command(flatten)]
    pub part: SourceArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let repository = context.open()?;
    let (source, left) = side(context, &repository, &args.source, &args.part)?;
    let (target, right) = side(context, &repository, &args.target, &args.part)?;
    let is_json = context.output.style().json;
    let (from, to) = (source.info.id.short(), target.info.id.short());
    context.output.note(0, &format!("comparing snapshot {from} to {to}:\n"))?;
    let (stream, listener) = (Stream::new(context), Listener::new(context));
    let mut each = |change: &PathChange<'_>| -> Result<(), EngineError> {
        match is_json {
            true => stream.json(&DiffChange::new(change.path, change.modifier)),
            false => stream.line(&format!("{:<5}{}", change.modifier, escape::name(change.path))),
        }
    };
    let options = DiffOptions { metadata: args.metadata };
    let counted = diff(&repository, &left, &right, options, &listener, &mut each)?;
    if counted.missing_blobs > 0 {
        let blobs = text::count(counted.missing_blobs, "blob is", "blobs are");
        context.output.warn(&format!("{blobs} missing and not counted; try: holdfast check"));
    }
    if is_json {
        context.output.json(&DiffStatisticsDocument {
            message_type: "statistics",
            source_snapshot: source.info.id.to_hex(),
            target_snapshot: target.info.id.to_hex(),
            changed_files: counted.changed_files,
            added: counted.added.into(),
            removed: counted.removed.into(),
        })?;
    } else {
        context.output.line(&block(&counted))?;
    }
    listener.end()
}

/// One of the two snapshots, and the folder of it that is compared.
fn side(
    context: &Context,
    repository: &Repository,
    text: &str,
    part: &SourceArgs,
) -> CommandResult<(Chosen, SnapshotRoot)> {
    let chosen = select::choose(context, repository, Some(text), None, &SnapshotFilter::default())?;
    let root = select::root(repository, &chosen, part)?;
    lacks::warn(context, &chosen, part);
    Ok((chosen, root))
}

/// The counts at the end, as restic prints them.
fn block(counted: &Counted) -> String {
    let (added, removed) = (&counted.added, &counted.removed);
    let line =
        |title: &str, new: u64, gone: u64| format!("{title:<12} {new:>5} new, {gone:>5} removed");
    let files = line("Files:", added.files, removed.files);
    [
        String::new(),
        format!("{files}, {:>5} changed", counted.changed_files),
        line("Dirs:", added.dirs, removed.dirs),
        line("Others:", added.others, removed.others),
        line("Data Blobs:", added.data_blobs, removed.data_blobs),
        line("Tree Blobs:", added.tree_blobs, removed.tree_blobs),
        format!("  Added:   {}", text::size(added.bytes)),
        format!("  Removed: {}", text::size(removed.bytes)),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use holdfast_engine::look::SideStatistics;

    use super::*;

    #[test]
    fn the_counts_are_restics() {
        let added = SideStatistics { files: 12, bytes: 2048, ..SideStatistics::default() };
        let counted = Counted { changed_files: 3, added, ..Counted::default() };
        insta::assert_snapshot!(block(&counted).trim_start(), @r"
        Files:          12 new,     0 removed,     3 changed
        Dirs:            0 new,     0 removed
        Others:          0 new,     0 removed
        Data Blobs:      0 new,     0 removed
        Tree Blobs:      0 new,     0 removed
          Added:   2.000 KiB
          Removed: 0 B
        ");
    }
}
