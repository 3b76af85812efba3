//! Choosing snapshots: from what the command line says to records.

use std::os::unix::ffi::OsStrExt;

use holdfast_engine::forget::candidate;
use holdfast_engine::retention::Candidate;
use holdfast_engine::selection::{SnapshotFilter, SnapshotSelector, parse_time, resolve};
use holdfast_format::record::Text;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;

use crate::cmd::shared::SnapshotFilterArgs;
use crate::environment;
use crate::exit::{CommandError, CommandResult};

/// A snapshot that was chosen, and the folder within it that was named.
pub struct Chosen {
    /// The snapshot.
    pub info: SnapshotInfo,
    /// Absolute path within it; empty for all of it.
    pub subfolder: Vec<u8>,
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
            Ok(Text(absolute.as_os_str().as_bytes().to_vec()))
        })
        .collect::<CommandResult<_>>()?;
    Ok(SnapshotFilter { hosts: args.hosts(), tags, paths })
}

/// Reads a moment as people write it.
///
/// # Errors
/// A usage error that says what to write.
pub fn time(text: &str) -> CommandResult<Timestamp> {
    parse_time(text, environment::now(), &environment::time_zone())
        .map_err(|error| CommandError::usage(error.to_string()))
}

/// Finds one snapshot by `latest`, `latest~N`, an id's beginning, or a moment.
///
/// # Errors
/// See [`holdfast_engine::selection::SelectionError`].
pub fn choose(
    repository: &Repository,
    text: Option<&str>,
    at: Option<&str>,
    filter: &SnapshotFilter,
) -> CommandResult<Chosen> {
    let snapshots = repository.history().snapshots();
    choose_among(snapshots, text, at, filter)
}

/// As [`choose`], among snapshots that were read already.
///
/// # Errors
/// As there.
pub fn choose_among(
    mut snapshots: Vec<SnapshotInfo>,
    text: Option<&str>,
    at: Option<&str>,
    filter: &SnapshotFilter,
) -> CommandResult<Chosen> {
    let selector: SnapshotSelector = text.unwrap_or("latest").parse().map_err(
        |error: holdfast_engine::selection::ParseSelectorError| {
            CommandError::usage(error.to_string())
        },
    )?;
    let at = at.map(time).transpose()?;
    let candidates: Vec<Candidate> = snapshots.iter().map(candidate).collect();
    let place = resolve(&selector, at, filter, &candidates)?;
    let subfolder = selector.subfolder.map(|text| text.0).unwrap_or_default();
    Ok(Chosen { info: snapshots.swap_remove(place), subfolder })
}

/// The snapshots that `texts` name, or, if there are none, all that the filter lets through; oldest first.
///
/// # Errors
/// As [`choose`].
pub fn choose_all(
    repository: &Repository,
    texts: &[String],
    filter: &SnapshotFilter,
) -> CommandResult<Vec<SnapshotInfo>> {
    let snapshots = repository.history().snapshots();
    if texts.is_empty() {
        return Ok(snapshots
            .into_iter()
            .filter(|info| filter.is_empty() || filter.matches(&candidate(info)))
            .collect());
    }
    texts
        .iter()
        .map(|text| Ok(choose_among(snapshots.clone(), Some(text), None, filter)?.info))
        .collect()
}
