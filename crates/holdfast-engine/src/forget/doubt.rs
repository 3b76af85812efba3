//! Snapshots with impossible dates that the rules nevertheless go by.
//!
//! Rules trust dates, as restic's do. A chain knows better: its records were created in order.

use std::collections::HashMap;

use holdfast_format::{ObjectId, WriterId};
use holdfast_repo::SnapshotInfo;
use jiff::{SignedDuration, Timestamp};

use crate::retention::GroupOutcome;

/// Two backups may run at the same time, and clocks get adjusted: this much is tolerated.
const TOLERANCE: SignedDuration = SignedDuration::from_hours(1);

/// An impossible date of a snapshot that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It lies in the future: no time-based rule counts the snapshot or removes it.
    Future {
        /// The snapshot.
        snapshot: ObjectId,
        /// Its date.
        time: Timestamp,
    },
    /// The snapshot was stored after one that is dated later. Kept because of its date, it may
    /// displace another.
    BackDated {
        /// The snapshot.
        snapshot: ObjectId,
        /// Its date.
        time: Timestamp,
        /// The one stored before it.
        after: ObjectId,
        /// Its date.
        after_time: Timestamp,
    },
}

/// The doubts about the snapshots that a plan keeps, in the order of the plan. Backdated snapshots
/// of a group that loses none displace nothing.
pub fn doubts(outcomes: &[GroupOutcome], snapshots: &[SnapshotInfo], now: Timestamp) -> Vec<Doubt> {
    let infos: HashMap<ObjectId, &SnapshotInfo> =
        snapshots.iter().map(|info| (info.id, info)).collect();
    outcomes.iter().flat_map(|outcome| of_group(outcome, &infos, now)).collect()
}

fn of_group(
    outcome: &GroupOutcome,
    infos: &HashMap<ObjectId, &SnapshotInfo>,
    now: Timestamp,
) -> Vec<Doubt> {
    let kept = outcome.keep.iter().map(|kept| &kept.candidate);
    let mut members: Vec<&SnapshotInfo> = kept
        .clone()
        .chain(&outcome.remove)
        .filter(|it| !it.partial && it.time <= now)
        .filter_map(|it| infos.get(&it.id).copied())
        .collect();
    members.sort_by_key(|info| info.sequence);
    let before = latest_before(&members);
    let doubt = |id: &ObjectId, time: Timestamp| {
        if time > now {
            return Some(Doubt::Future { snapshot: *id, time });
        }
        let (after, after_time) = before.get(id).copied()?;
        let is_out_of_order = after_time.duration_since(time) > TOLERANCE;
        (is_out_of_order && !outcome.remove.is_empty()).then_some(Doubt::BackDated {
            snapshot: *id,
            time,
            after,
            after_time,
        })
    };
    kept.filter(|it| !it.partial).filter_map(|it| doubt(&it.id, it.time)).collect()
}

/// For each of these snapshots, in chain order, the latest-dated one before it.
fn latest_before(members: &[&SnapshotInfo]) -> HashMap<ObjectId, (ObjectId, Timestamp)> {
    let mut latest: HashMap<WriterId, (ObjectId, Timestamp)> = HashMap::new();
    let mut before = HashMap::new();
    for info in members {
        let time = info.snapshot.time;
        let known = latest.entry(info.writer).or_insert((info.id, time));
        if known.0 != info.id {
            before.insert(info.id, *known);
        }
        if time > known.1 {
            *known = (info.id, time);
        }
    }
    before
}
