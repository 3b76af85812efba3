//! Chooses snapshots: from the command line to records.

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

/// The clocks of two machines may differ by this much without a warning.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A chosen snapshot, and the given folder within it.
pub struct Chosen {
    /// The snapshot.
    pub info: SnapshotInfo,
    /// Absolute path within it; empty for all of it.
    pub subfolder: Vec<u8>,
    /// The snapshots that it was chosen from.
    pub all: Vec<SnapshotInfo>,
}

/// The flags that give this filter, for messages.
pub fn options_of(filter: &SnapshotFilter) -> String {
    let hosts = filter.hosts.iter().map(|host| format!("--host {}", quoted(host)));
    let tags = filter.tags.iter().map(|list| format!("--tag {}", quoted(&list.0.join(","))));
    let paths = filter.paths.iter().map(|path| {
        let path = String::from_utf8_lossy(&path.0);
        format!("--path {}", quoted(&path))
    });
    hosts.chain(tags).chain(paths).collect::<Vec<_>>().join(" ")
}

/// Quotes text that is not a plain word; also keeps control characters off the terminal.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:@+=".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.escape_debug())
    }
}

/// The filter flags.
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

/// Parses a time as typed on the command line.
///
/// # Errors
/// The expected form.
pub fn time(text: &str) -> Result<Timestamp, ParseTimeError> {
    parse_time(text, environment::now(), &environment::time_zone())
}

/// Finds one snapshot by `latest`, `latest~N`, a prefix of its id, or a time. Warns if it is the
/// latest only because its date is in the future.
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

/// As [`choose`], among snapshots that were already read.
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

/// The latest is the one with the latest date, as in restic, which need not be the newest backup.
fn warn_of_the_future(context: &Context, info: &SnapshotInfo) {
    let now = environment::now();
    if info.snapshot.time.duration_since(now) > CLOCK_SKEW {
        let time = text::time(info.snapshot.time, &environment::time_zone());
        let id = info.id.short();
        context.output.caution(&format!(
            "snapshot {id} is dated {time}, in the future; if you want the most recent backup \
             instead, name it by its id (holdfast snapshots lists all)"
        ));
    }
}

/// The tree of a chosen snapshot, of one of its sources, or of the given folder in either; objects
/// of buckets appear under their keys.
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

/// The trees of several snapshots, as [`root`] returns them; snapshots without the wanted source
/// are skipped.
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

/// The result of a command that had to rename some objects.
///
/// # Errors
/// [`ExitKind::Partial`] if there are such objects.
pub fn told_of_keys(renamed: u64, but: &str) -> CommandResult {
    if renamed == 0 {
        return Ok(());
    }
    let objects = text::count(renamed, "object has", "objects have");
    let message = format!("{but}, but {objects} a key that cannot be a file name");
    Err(CommandError::new(ExitKind::Partial, message)
        .hint("see the names above; holdfast dump prints one by its key")
        .hint("use holdfast restore-app to restore them into a bucket"))
}

/// The snapshots named by `texts`, or, if there are none, all that match the filter; oldest first.
///
/// # Errors
/// As [`choose`]; also if no snapshot matches the filter.
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

/// As [`choose_all`], but possibly none.
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

#[cfg(test)]
mod tests {
    use holdfast_engine::retention::TagList;

    use super::*;

    #[test]
    fn filters_are_shown_as_options() {
        let filter = SnapshotFilter {
            hosts: vec!["web1".to_owned()],
            tags: vec![TagList::default(), "a,b".parse().unwrap()],
            paths: vec!["/my files".into(), "/a\u{1b}[2J".into()],
        };
        let expected = "--host web1 --tag '' --tag a,b --path '/my files' --path '/a\\u{1b}[2J'";
        assert_eq!(options_of(&filter), expected);
        assert_eq!(options_of(&SnapshotFilter::default()), "");
    }
}
