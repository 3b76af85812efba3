//! Which keys the data needs: their era, the snapshot that has them, and what this machine has.

use std::collections::BTreeSet;

use holdfast_format::ObjectId;
use holdfast_format::record::{Application, KeyFingerprint};
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;

use super::{
    KeyOnMachine, KeysAtHand, KeysRequest, NextStep, Remark, RestoreContext, RestoreError,
    RestorePart,
};
use crate::fingerprint;
use crate::kind::step::key_on_machine;

/// When keys were in use: the first and last snapshots of the data that need the same keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Era {
    /// Time of the first.
    pub first: Timestamp,
    /// Time of the last.
    pub last: Timestamp,
    /// Number of the era, from 1.
    pub number: usize,
    /// Number of eras.
    pub of: usize,
}

/// One key that the data needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededKey {
    /// Its source.
    pub source: String,
    /// Its path in that source.
    pub path: String,
    /// What is at its target path.
    pub on_machine: KeyOnMachine,
}

/// What is known about the keys before anything is changed.
#[derive(Debug, Clone, PartialEq)]
pub struct KeysPlan {
    /// The snapshot that they come from.
    pub snapshot: Option<String>,
    /// Its time.
    pub time: Option<Timestamp>,
    /// The era that the data belongs to.
    pub era: Option<Era>,
    /// The keys.
    pub needed: Vec<NeededKey>,
}

/// The keys of a restore.
pub(super) struct RestoreKeys {
    /// Where they come from, if they are restored.
    pub snapshot: Option<SnapshotInfo>,
    pub plan: Option<KeysPlan>,
    pub warnings: Vec<Remark>,
}

/// Finds the keys that the data needs, and compares them with the record and with this machine.
pub(super) fn find(
    context: &RestoreContext<'_>,
    data: &SnapshotInfo,
    parts: &[RestorePart<'_>],
    request: &KeysRequest,
    any_keys: bool,
) -> Result<RestoreKeys, RestoreError> {
    let mut keys = RestoreKeys { snapshot: None, plan: None, warnings: Vec::new() };
    let Some(application) = &data.snapshot.application else { return Ok(keys) };
    let era = era(context.data, data, application);
    let needed = needed(context, application, parts);
    if application.keys.is_empty()
        && application.linked_snapshot.is_none()
        && *request == KeysRequest::Linked
    {
        return Ok(keys);
    }
    match snapshot(context, data, application, request) {
        Ok(found) => {
            let told = compare(context, data, application, &found, era.as_ref());
            match told {
                Err(error) if !any_keys => return Err(error),
                Err(error) => keys.warnings.push(error.to_string().into()),
                Ok(()) => {}
            }
            keys.snapshot = Some(found);
        }
        Err(error) if !any_keys => return Err(with_way_out(error, context, data, &needed)),
        Err(error) => keys.warnings.push(format!("no keys are restored: {error}").into()),
    }
    keys.plan = Some(KeysPlan {
        snapshot: keys.snapshot.as_ref().map(|info| info.id.to_hex()),
        time: keys.snapshot.as_ref().map(|info| info.snapshot.time),
        era,
        needed,
    });
    Ok(keys)
}

/// The snapshot of the keys: found by its ID, and made in the same run as the data.
fn snapshot(
    context: &RestoreContext<'_>,
    data: &SnapshotInfo,
    application: &Application,
    request: &KeysRequest,
) -> Result<SnapshotInfo, RestoreError> {
    let Some(repository) = context.keys else {
        let message = "the data needs keys, but the app file has no repository of keys";
        return Err(RestoreError::refused(message).or("add a section [repository.keys]"));
    };
    let id = match request {
        KeysRequest::Snapshot(id) => *id,
        KeysRequest::Linked => {
            let here = repository.keys().repository_id();
            if let Some(there) = application.linked_repository.filter(|there| *there != here) {
                let message = format!(
                    "the keys of snapshot {} are in repository {}, but [repository.keys] is {}",
                    data.id.short(),
                    &there.to_hex()[..10],
                    &here.to_hex()[..10]
                );
                let next = "set url in [repository.keys] to that of the other repository";
                return Err(RestoreError::refused(message).or(next));
            }
            application.linked_snapshot.ok_or_else(|| {
                let id = data.id.short();
                RestoreError::refused(format!("snapshot {id} does not say which keys it needs"))
            })?
        }
    };
    let found = repository.history().snapshots().into_iter().find(|info| info.id == id);
    let Some(found) = found else {
        return Err(RestoreError::refused(format!(
            "the repository of keys has no snapshot {}, which holds the keys of snapshot {}",
            id.short(),
            data.id.short()
        )));
    };
    let of = found.snapshot.application.as_ref();
    let is_of_data = of.is_some_and(|of| {
        of.name == application.name
            && of.linked_repository.is_none_or(|it| it == context.data.keys().repository_id())
            && (*request != KeysRequest::Linked || of.run == application.run)
    });
    match is_of_data {
        true => Ok(found),
        false => Err(RestoreError::refused(format!(
            "snapshot {} of the keys does not belong to snapshot {} of the data: their records \
             do not refer to each other",
            found.id.short(),
            data.id.short()
        ))),
    }
}

/// Adds what else may help if the snapshot of keys is missing.
fn with_way_out(
    error: RestoreError,
    context: &RestoreContext<'_>,
    data: &SnapshotInfo,
    needed: &[NeededKey],
) -> RestoreError {
    let mut error = error;
    if let Some(other) = same_keys_elsewhere(context, data) {
        error = error.or(NextStep::SameKeysSnapshot(other.short()));
    }
    let is_here = !needed.is_empty() && needed.iter().all(|it| it.on_machine == KeyOnMachine::Same);
    error.or(NextStep::AnyKeys(match is_here {
        true => KeysAtHand::Right,
        false => KeysAtHand::Unknown,
    }))
}

/// A snapshot of keys made with other data that needs the same keys.
fn same_keys_elsewhere(context: &RestoreContext<'_>, data: &SnapshotInfo) -> Option<ObjectId> {
    let application = data.snapshot.application.as_ref()?;
    let wanted = set(&application.keys);
    let there: BTreeSet<ObjectId> =
        context.keys?.history().snapshots().iter().map(|info| info.id).collect();
    let snapshots = context.data.history().snapshots();
    let others = snapshots.iter().rev().filter_map(|info| info.snapshot.application.as_ref());
    let mut same = others.filter(|it| it.name == application.name && set(&it.keys) == wanted);
    same.find_map(|it| it.linked_snapshot.filter(|id| there.contains(id)))
}

/// Refuses keys other than those the data needs.
fn compare(
    context: &RestoreContext<'_>,
    data: &SnapshotInfo,
    application: &Application,
    keys: &SnapshotInfo,
    era: Option<&Era>,
) -> Result<(), RestoreError> {
    let Some(repository) = context.keys else { return Ok(()) };
    let found = fingerprint::of_snapshot(repository, keys, context.data, &|_| true)?;
    let found = set(&found);
    let other: Vec<String> = application
        .keys
        .iter()
        .filter(|key| !found.contains(&of_key(key)))
        .map(|key| format!("{} of source {:?}", String::from_utf8_lossy(&key.path.0), key.source))
        .collect();
    if other.is_empty() {
        return Ok(());
    }
    let era = era.map(|era| {
        format!(
            " (keys of the era from {} to {}, era {} of {})",
            era.first, era.last, era.number, era.of
        )
    });
    Err(RestoreError::refused(format!(
        "snapshot {} of the data needs keys that snapshot {} of the keys does not have{}: {}",
        data.id.short(),
        keys.id.short(),
        era.unwrap_or_default(),
        other.join(", ")
    ))
    .or(NextStep::LinkedKeys)
    .or(NextStep::AnyKeys(KeysAtHand::Other)))
}

type KeyIdentity<'a> = (&'a str, &'a [u8], &'a str);

fn of_key(key: &KeyFingerprint) -> KeyIdentity<'_> {
    (&key.source, &key.path.0, &key.fingerprint)
}

fn set(keys: &[KeyFingerprint]) -> BTreeSet<KeyIdentity<'_>> {
    keys.iter().map(of_key).collect()
}

/// The run of snapshots around this one that need the same keys.
fn era(data: &Repository, chosen: &SnapshotInfo, application: &Application) -> Option<Era> {
    if application.keys.is_empty() {
        return None;
    }
    let mut snapshots = data.history().snapshots();
    snapshots.retain(|info| {
        let it = info.snapshot.application.as_ref();
        !info.snapshot.partial && it.is_some_and(|it| it.name == application.name)
    });
    snapshots.sort_by_key(|info| info.snapshot.time);
    let keys_of = |info: &SnapshotInfo| -> Vec<KeyFingerprint> {
        info.snapshot.application.as_ref().map(|it| it.keys.clone()).unwrap_or_default()
    };
    let mut eras: Vec<(Vec<KeyFingerprint>, Timestamp, Timestamp, bool)> = Vec::new();
    for info in &snapshots {
        let (keys, time) = (keys_of(info), info.snapshot.time);
        let is_chosen = info.id == chosen.id;
        match eras.last_mut() {
            Some((known, _, last, has)) if set(known) == set(&keys) => {
                *last = time;
                *has |= is_chosen;
            }
            _ => eras.push((keys, time, time, is_chosen)),
        }
    }
    let place = eras.iter().position(|(.., has)| *has)?;
    let (_, first, last, _) = &eras[place];
    Some(Era { first: *first, last: *last, number: place + 1, of: eras.len() })
}

fn needed(
    context: &RestoreContext<'_>,
    application: &Application,
    parts: &[RestorePart<'_>],
) -> Vec<NeededKey> {
    let one = |key: &KeyFingerprint| NeededKey {
        source: key.source.clone(),
        path: String::from_utf8_lossy(&key.path.0).into_owned(),
        on_machine: key_on_machine(context, key, parts),
    };
    application.keys.iter().map(one).collect()
}
