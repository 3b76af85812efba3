//! From a snapshot selector to the one snapshot that it selects.

use jiff::Timestamp;

use super::error::SelectionError;
use super::filter::SnapshotFilter;
use super::selector::{Base, SnapshotSelector};
use crate::retention::Candidate;

/// Number of ids that an error lists.
const LISTED_MAX: usize = 8;

/// Number of digits shown of ids, if that distinguishes them.
const SHORT_DIGITS: usize = 8;

/// The index of the selected snapshot.
///
/// `at` and the filter apply to `latest` only: an id always selects its snapshot, complete or not.
///
/// # Errors
/// [`SelectionError`] if there is none, or if an id prefix matches several.
pub fn resolve(
    selector: &SnapshotSelector,
    at: Option<Timestamp>,
    filter: &SnapshotFilter,
    snapshots: &[Candidate],
) -> Result<usize, SelectionError> {
    match (&selector.base, at) {
        (Base::Latest { back }, at) => by_time(*back, at, filter, snapshots),
        (Base::Prefix(prefix), None) => by_prefix(prefix, snapshots),
        (Base::Prefix(prefix), Some(_)) => {
            Err(SelectionError::TimeAndId { prefix: prefix.clone() })
        }
    }
}

fn by_time(
    back: usize,
    at: Option<Timestamp>,
    filter: &SnapshotFilter,
    snapshots: &[Candidate],
) -> Result<usize, SelectionError> {
    let mut found: Vec<_> = snapshots.iter().enumerate().filter(|(_, s)| !s.partial).collect();
    if found.is_empty() {
        return Err(SelectionError::NoSnapshots);
    }
    found.retain(|(_, snapshot)| filter.matches(snapshot));
    found.sort_by(|(_, one), (_, other)| one.newest_first(other));
    let Some((_, oldest)) = found.last() else {
        return Err(SelectionError::NoMatch { filter: filter.clone() });
    };
    if let Some(at) = at {
        let oldest = oldest.time;
        found.retain(|(_, snapshot)| snapshot.time <= at);
        if found.is_empty() {
            return Err(SelectionError::NoneBefore { at, oldest });
        }
    }
    let count = found.len();
    let chosen = found.get(back).map(|(index, _)| *index);
    chosen.ok_or(SelectionError::TooFarBack { back, count })
}

fn by_prefix(prefix: &str, snapshots: &[Candidate]) -> Result<usize, SelectionError> {
    let ids = snapshots.iter().map(|snapshot| snapshot.id.to_hex());
    let mut found: Vec<_> =
        ids.enumerate().filter(|(_, id)| id.starts_with(prefix)).map(|(i, id)| (id, i)).collect();
    found.sort();
    match found.as_slice() {
        [] => Err(SelectionError::UnknownId { prefix: prefix.to_owned() }),
        [(_, index)] => Ok(*index),
        _ => Err(SelectionError::AmbiguousId {
            prefix: prefix.to_owned(),
            count: found.len(),
            candidates: listed(&found),
        }),
    }
}

/// The first of several sorted ids, each just long enough to distinguish it from its neighbours.
fn listed(found: &[(String, usize)]) -> String {
    let common = |pair: &[(String, usize)]| {
        pair[0].0.bytes().zip(pair[1].0.bytes()).take_while(|(one, other)| one == other).count()
    };
    let shown = &found[..found.len().min(LISTED_MAX)];
    let digits = found.windows(2).take(LISTED_MAX).map(common).max().unwrap_or(0) + 1;
    let digits = digits.max(SHORT_DIGITS);
    let ids: Vec<_> = shown.iter().map(|(id, _)| &id[..digits.min(id.len())]).collect();
    let more = found.len() - shown.len();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{rest}", ids.join(", "))
}
