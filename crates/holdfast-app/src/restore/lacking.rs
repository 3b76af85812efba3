//! What the snapshots of a restore lack, which a restore cannot recover.

use holdfast_engine::completeness::{Lack, lacks, last_sound};

use super::{NextStep, Origin, PreparedRestore, Remark};
use crate::kind::Class;

/// Notes what the snapshots lack of the parts to restore.
pub(super) fn report(prepared: &mut PreparedRestore<'_>) {
    for class in [Class::Data, Class::Keys] {
        if let Some(origin) = prepared.scene.origin(class) {
            of_snapshot(prepared, class, origin);
        }
    }
}

fn of_snapshot(prepared: &mut PreparedRestore<'_>, class: Class, origin: Origin<'_>) {
    let parts = prepared.scene.parts.iter().filter(|part| part.from.class == class);
    let names: Vec<&str> = parts.map(|part| part.name()).collect();
    if names.is_empty() {
        return;
    }
    let is_wanted = |lack: &Lack| lack.source().is_none_or(|source| names.contains(&source));
    let mut found = lacks(&origin.snapshot.snapshot, None);
    found.retain(is_wanted);
    if found.is_empty() {
        return;
    }
    let only = <[&str; 1]>::try_from(names.as_slice()).ok().map(|[name]| name);
    let snapshots = origin.repository.history().snapshots();
    let instead = last_sound(&snapshots, origin.snapshot, only).map(|info| info.id.short());
    let next = instead.map(|id| match class {
        Class::Data => NextStep::CompleteSnapshot(id),
        Class::Keys => NextStep::CompleteKeysSnapshot(id),
    });
    let id = origin.snapshot.id.short();
    let clauses: Vec<String> = found.iter().map(Lack::to_string).collect();
    let incomplete: Vec<&Lack> = found.iter().filter(|lack| lack.is_incomplete()).collect();
    let word = if incomplete.is_empty() { "" } else { " is incomplete" };
    let clauses = clauses.join("; ");
    prepared.warnings.push(Remark { message: format!("snapshot {id}{word}: {clauses}"), next });
    if !incomplete.is_empty() {
        prepared.incomplete.push(format!("snapshot {id} is incomplete: {clauses}"));
    }
}
