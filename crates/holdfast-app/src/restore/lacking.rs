//! What the snapshots of a restore lack, which a restore cannot recover.

use holdfast_engine::completeness::{Lack, lacks, last_sound};

use super::Prepared;
use super::tree::Origin;
use crate::config::Class;

/// Notes what the snapshots lack of the parts to restore.
pub(super) fn tell(prepared: &mut Prepared<'_>) {
    let [data, keys] = prepared.both_origins();
    for (class, origin) in [(Class::Data, data), (Class::Keys, keys)] {
        if let Some(origin) = origin {
            of_snapshot(prepared, class, origin);
        }
    }
}

fn of_snapshot(prepared: &mut Prepared<'_>, class: Class, origin: Origin<'_>) {
    let parts = prepared.parts.iter().filter(|part| part.from.class == class);
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
    let (flag, id) = match class {
        Class::Data => ("--snapshot", origin.snapshot.id.short()),
        Class::Keys => ("--keys-snapshot", origin.snapshot.id.short()),
    };
    let clauses: Vec<String> = found.iter().map(Lack::to_string).collect();
    let incomplete: Vec<&Lack> = found.iter().filter(|lack| lack.is_incomplete()).collect();
    let word = if incomplete.is_empty() { "" } else { " is incomplete" };
    let instead = instead.map(|it| format!("; {flag} {it} selects the last complete one"));
    let instead = instead.unwrap_or_default();
    let clauses = clauses.join("; ");
    prepared.warnings.push(format!("snapshot {id}{word}: {clauses}{instead}"));
    if !incomplete.is_empty() {
        prepared.incomplete.push(format!("snapshot {id} is incomplete: {clauses}"));
    }
}
