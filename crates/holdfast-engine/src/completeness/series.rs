//! The snapshots of one series: those of one host whose backups were given the same paths.

use holdfast_format::record::{Snapshot, SourceExtent};
use holdfast_repo::{Repository, SnapshotInfo};

use super::{captured, extent, lacks};

/// True if both are of the same host and paths.
fn is_same(one: &Snapshot, other: &Snapshot) -> bool {
    one.host == other.host && one.paths == other.paths
}

/// How much a source had in the newest snapshot of the series of `record` in which it was complete
/// and not shrunk. Those dated after `record` do not count.
pub fn baseline(repository: &Repository, record: &Snapshot, name: &str) -> Option<SourceExtent> {
    let of_source = |info: &SnapshotInfo| {
        let snapshot = &info.snapshot;
        let is_earlier = !snapshot.partial && snapshot.time <= record.time;
        if !is_earlier || !is_same(snapshot, record) {
            return None;
        }
        let source = snapshot.sources.iter().find(|source| source.name == name)?;
        let it = captured(snapshot, source);
        let counts = it.is_complete() && it.shrunk_from.is_none();
        counts.then(|| extent(snapshot, source)).flatten()
    };
    let snapshots = repository.history().snapshots();
    let found = snapshots.iter().filter_map(|info| Some((info.snapshot.time, of_source(info)?)));
    // Among several with the same time, the one that was stored last.
    found.max_by_key(|(time, _)| *time).map(|(_, extent)| extent)
}

/// The snapshot to use instead of one that lacks something: in the same series, the newest earlier
/// one that lacks nothing of `source`, or of any source; else the oldest later one.
pub fn last_sound<'s>(
    snapshots: &'s [SnapshotInfo],
    of: &SnapshotInfo,
    source: Option<&str>,
) -> Option<&'s SnapshotInfo> {
    let order = |info: &SnapshotInfo| (info.snapshot.time, info.sequence, info.id);
    let has_source = |info: &SnapshotInfo| {
        let wanted = of.snapshot.sources.iter().map(|it| &it.name);
        let mut wanted = wanted.filter(|name| source.is_none_or(|source| *name == source));
        wanted.all(|name| info.snapshot.sources.iter().any(|it| it.name == *name))
    };
    let is_sound = |info: &&SnapshotInfo| {
        info.id != of.id
            && is_same(&info.snapshot, &of.snapshot)
            && has_source(info)
            && lacks(&info.snapshot, source).is_empty()
    };
    let sound = || snapshots.iter().filter(is_sound);
    let before = sound().filter(|info| order(info) < order(of)).max_by_key(|info| order(info));
    before.or_else(|| sound().filter(|info| order(info) > order(of)).min_by_key(|info| order(info)))
}
