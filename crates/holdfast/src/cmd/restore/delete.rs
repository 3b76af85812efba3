//! What `restore --delete` may delete, listed beforehand.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use holdfast_connect::Target;
use holdfast_engine::Observer;
use holdfast_engine::look::SnapshotRoot;
use holdfast_engine::restore::{Deletion, DeletionRequest, Select};
use holdfast_repo::Repository;

use super::Args;
use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::output::json::restore::Deletions;
use crate::output::{escape, text};
use crate::select::Chosen;

/// The number of paths listed without `-v`.
const NAMED_MAX: usize = 20;

/// Refuses to delete below `/` unless patterns limit it.
///
/// # Errors
/// A usage error.
pub fn check_target(args: &Args, has_patterns: bool) -> CommandResult {
    let identity = |path: &Path| fs::metadata(path).ok().map(|it| identity(&it));
    let is_root = identity(&args.target).is_some_and(|it| identity(Path::new("/")) == Some(it));
    if !is_root || has_patterns {
        return Ok(());
    }
    let message = "--delete with target / would delete from the whole system";
    Err(CommandError::usage(message)
        .hint("-i PATTERN to limit it, as in -i /srv/www")
        .hint("holdfast restore SNAPSHOT:/srv/www -t /srv/www --delete"))
}

/// Device and inode of holdfast's own files on this machine, with and without following links.
pub fn own(context: &Context) -> HashSet<(u64, u64)> {
    let variable = |name: &str| context.environment.variable(name).map(PathBuf::from);
    let global = &context.global;
    let files = [
        context.location().ok().map(|location| location.path().to_owned()),
        context.cache_folder(),
        context.environment.cache_folder(),
        context.environment.state_folder(),
        global.password_file.clone(),
        variable("HOLDFAST_PASSWORD_FILE"),
        global.repository_file.clone(),
        variable("HOLDFAST_REPOSITORY_FILE"),
    ];
    let both = |path: PathBuf| [fs::metadata(&path), fs::symlink_metadata(&path)];
    let found = files.into_iter().flatten().flat_map(both).flatten();
    found.map(|metadata| identity(&metadata)).collect()
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The restore that is under way.
pub struct DeletionJob<'a> {
    pub repository: &'a Repository,
    pub chosen: &'a Chosen,
    pub root: &'a SnapshotRoot,
    pub target: &'a dyn Target,
    pub own: &'a HashSet<(u64, u64)>,
}

/// Determines what will be deleted, and lists it.
///
/// # Errors
/// As [`Deletion::plan`].
pub fn plan<'a>(
    job: &DeletionJob<'a>,
    args: &'a Args,
    select: &'a Select<'a>,
    context: &Context,
    observer: &dyn Observer,
) -> CommandResult<Deletion<'a>> {
    let request = DeletionRequest {
        snapshot: &job.chosen.info.snapshot,
        source: args.part.source.as_deref(),
        subfolder: &job.chosen.subfolder,
        overwrite: args.overwrite.into(),
        own: job.own,
    };
    let folder = job.root.folder();
    let deletion = Deletion::plan(job.repository, &request, folder, job.target, select, observer)?;
    tell(&deletion, args, context)?;
    Ok(deletion)
}

fn tell(deletion: &Deletion<'_>, args: &Args, context: &Context) -> CommandResult {
    let output = &context.output;
    if output.style().json {
        let mut paths = Vec::new();
        deletion.each(&mut |path, _| paths.push(path.to_vec()));
        let (entries, spared) = (deletion.entries(), deletion.spared());
        return Ok(output.json(&Deletions::new(&paths, entries, spared))?);
    }
    let (mut named, mut more) = (Vec::new(), 0);
    let named_max = if output.style().verbosity >= 1 { usize::MAX } else { NAMED_MAX };
    deletion.each(&mut |path, entries| match named.len() < named_max {
        true => named.push((path.to_vec(), entries)),
        false => more += 1,
    });
    let will = if args.dry_run { "would delete" } else { "will delete" };
    for (path, entries) in named {
        let path = escape::name(&path);
        let below = match entries {
            1 => String::new(),
            entries => format!(" and {} in it", text::count(entries - 1, "entry", "entries")),
        };
        output.note(0, &format!("{will} {path}{below}"))?;
    }
    if more > 0 {
        output.note(0, &format!("{will} {more} more (-v lists all)"))?;
    }
    let entries = text::count(deletion.entries(), "entry", "entries");
    let spared = match deletion.spared() {
        0 => String::new(),
        spared => format!(
            "; keep {} that the snapshot does not have (-v shows why)",
            text::count(spared, "entry", "entries")
        ),
    };
    Ok(output.note(0, &format!("{will} {entries} that the snapshot does not have{spared}"))?)
}
