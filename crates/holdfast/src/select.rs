//! Choosing snapshots: from what the command line says to records.

use std::os::unix::ffi::OsStrExt;

use holdfast_engine::forget::candidate;
use holdfast_engine::look::SnapshotRoot;
use holdfast_engine::retention::Candidate;
use holdfast_engine::selection::{
    Base, ParseTimeError, SnapshotFilter, SnapshotSelector, parse_time, resolve,
};
use holdfast_format::record::Text;
use holdfast_repo::read::BlobReader;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::{SignedDuration, Timestamp};

use crate::cmd::shared::{SnapshotFilterArgs, SourceArgs};
use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::output::text;
use crate::paths;

/// Clocks of two machines may differ by so much without a word about it.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A snapshot that was chosen, and the folder within it that was named.
pub struct Chosen {
    /// The snapshot.
    pub info: SnapshotInfo,
    /// Absolute path within it; empty for all of it.
    pub subfolder: Vec<u8>,
    /// Those that it was chosen among.
    pub all: Vec<SnapshotInfo>,
}

/// What the filter flags say.
///
/// # Errors
/// A path that cannot be made absolute.
pub fn filter(args: &SnapshotFilterArgs) -> CommandResult<SnapshotFilter> {
    let tags =
        args.tags.iter().map(|list| holdfast_engine::retention::TagList(list.0.clone())).collect();
    let paths = args
        .paths
        .iter()
        .map(|path| {
            let absolute = environment::absolute(path)
                .map_err(|error| CommandError::path("find the path", path, &error))?;
            Ok(Text(paths::clean(&absolute).as_os_str().as_bytes().to_vec()))
        })
        .collect::<CommandResult<_>>()?;
    Ok(SnapshotFilter { hosts: args.hosts(), tags, paths })
}

/// Reads a moment as people write it.
///
/// # Errors
/// What to write.
pub fn time(text: &str) -> Result<Timestamp, ParseTimeError> {
    parse_time(text, environment::now(), &environment::time_zone())
}

/// Finds one snapshot by `latest`, `latest~N`, an id's beginning, or a moment. Warns of one that is
/// the latest only because its date lies in the future.
///
/// # Errors
/// See [`holdfast_engine::selection::SelectionError`].
pub fn choose(
    context: &Context,
    repository: &Repository,
    text: Option<&str>,
    at: Option<Timestamp>,
    filter: &SnapshotFilter,
) -> CommandResult<Chosen> {
    let snapshots = repository.history().snapshots();
    choose_among(context, snapshots, text, at, filter)
}

/// As [`choose`], among snapshots that were read already.
///
/// # Errors
/// As [`choose`].
pub fn choose_among(
    context: &Context,
    snapshots: Vec<SnapshotInfo>,
    text: Option<&str>,
    at: Option<Timestamp>,
    filter: &SnapshotFilter,
) -> CommandResult<Chosen> {
    let selector: SnapshotSelector = text.unwrap_or("latest").parse().map_err(
        |error: holdfast_engine::selection::ParseSelectorError| {
            CommandError::usage(error.to_string())
        },
    )?;
    let candidates: Vec<Candidate> = snapshots.iter().map(candidate).collect();
    let place = resolve(&selector, at, filter, &candidates)?;
    let subfolder = selector.subfolder.map(|text| text.0).unwrap_or_default();
    let info = snapshots[place].clone();
    if matches!(selector.base, Base::Latest { .. }) {
        context.go_by_all();
        warn_of_the_future(context, &info);
    }
    Ok(Chosen { info, subfolder, all: snapshots })
}

/// The latest is the one dated latest, as in restic. That need not be the one made last.
fn warn_of_the_future(context: &Context, info: &SnapshotInfo) {
    let now = environment::now();
    if info.snapshot.time.duration_since(now) > CLOCK_SKEW {
        let time = text::time(info.snapshot.time, &environment::time_zone());
        let id = info.id.short();
        context.output.caution(&format!(
            "snapshot {id} is dated {time}, which is in the future; name another one by its id if \
             you want what was backed up last (holdfast snapshots shows all)"
        ));
    }
}

/// The tree of a chosen snapshot, of one source of it, or of the folder that was named in either;
/// objects of buckets are called by their keys.
///
/// # Errors
/// As [`SnapshotRoot::by_keys`] and [`SnapshotRoot::enter`].
pub fn root(
    repository: &Repository,
    chosen: &Chosen,
    args: &SourceArgs,
) -> CommandResult<SnapshotRoot> {
    let root = SnapshotRoot::by_keys(&chosen.info.snapshot, args.source.as_deref())?;
    Ok(root.enter(&mut BlobReader::new(repository), &chosen.subfolder)?)
}

/// The trees of several snapshots, as [`root`] gives them; those that do not have the source that
/// is wanted are passed over.
///
/// # Errors
/// As [`SnapshotRoot::by_keys`], if no snapshot has it.
pub fn roots(
    snapshots: Vec<SnapshotInfo>,
    args: &SourceArgs,
) -> CommandResult<Vec<(SnapshotInfo, SnapshotRoot)>> {
    let mut found = Vec::new();
    let mut refusal = None;
    for info in snapshots {
        match SnapshotRoot::by_keys(&info.snapshot, args.source.as_deref()) {
            Ok(root) => found.push((info, root)),
            Err(error) => refusal = Some(error),
        }
    }
    match refusal.filter(|_| found.is_empty()) {
        Some(error) => Err(error.into()),
        None => Ok(found),
    }
}

/// The end of a command that gave some objects other names than their keys.
///
/// # Errors
/// [`ExitKind::Partial`] if there are such objects.
pub fn told_of_keys(renamed: u64, but: &str) -> CommandResult {
    if renamed == 0 {
        return Ok(());
    }
    let objects = text::count(renamed, "object has", "objects have");
    let message = format!("{but}, but {objects} a key that no file can have");
    Err(CommandError::new(ExitKind::Partial, message)
        .hint("the names above, under which they are; holdfast dump gives one by its key")
        .hint("holdfast restore-app, which brings them back into a bucket"))
}

/// The snapshots that `texts` name, or, if there are none, all that the filter lets through; oldest
/// first.
///
/// # Errors
/// As [`choose`]; and if there is a filter that lets none through.
pub fn choose_all(
    context: &Context,
    repository: &Repository,
    texts: &[String],
    filter: &SnapshotFilter,
) -> CommandResult<Vec<SnapshotInfo>> {
    let chosen = choose_any(context, repository, texts, filter)?;
    match chosen.is_empty() && !filter.is_empty() {
        true => Err(CommandError::no_snapshot_matches(filter)),
        false => Ok(chosen),
    }
}

/// The same, perhaps none.
///
/// # Errors
/// As [`choose`].
pub fn choose_any(
    context: &Context,
    repository: &Repository,
    texts: &[String],
    filter: &SnapshotFilter,
) -> CommandResult<Vec<SnapshotInfo>> {
    let snapshots = repository.history().snapshots();
    if texts.is_empty() {
        context.go_by_all();
        return Ok(snapshots
            .into_iter()
            .filter(|info| filter.is_empty() || filter.matches(&candidate(info)))
            .collect());
    }
    texts
        .iter()
        .map(|text| Ok(choose_among(context, snapshots.clone(), Some(text), None, filter)?.info))
        .collect()
}
