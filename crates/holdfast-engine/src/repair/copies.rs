//! Second copies of config and key slots.

use holdfast_repo::{RepoError, Repository, object_name};

use super::IndexRepair;
use crate::check::{Copy, Listing, survey};

/// Writes each lost copy again from the one that is whole.
pub(super) fn restore(
    repository: &Repository,
    listing: &Listing,
    done: &mut IndexRepair,
) -> Result<(), RepoError> {
    for pair in survey(repository, listing)? {
        match &pair.copies {
            [Copy::Whole(first), Copy::Whole(second)] if first == second => {}
            [Copy::Whole(_), Copy::Whole(_)] => done.notes.push(format!(
                "{} and {} differ and both are authentic; they are left alone",
                pair.names[0], pair.names[1]
            )),
            [Copy::Whole(whole), lost] => put(repository, &pair.names[1], lost, whole, done)?,
            [lost, Copy::Whole(whole)] => put(repository, &pair.names[0], lost, whole, done)?,
            _ => done.notes.push(format!("both copies of {} are lost", pair.names[0])),
        }
    }
    Ok(())
}

fn put(
    repository: &Repository,
    name: &str,
    lost: &Copy,
    whole: &[u8],
    done: &mut IndexRepair,
) -> Result<(), RepoError> {
    let object = object_name(name)?;
    if matches!(lost, Copy::Damaged(_)) {
        repository.backend().quarantine(&object)?;
    }
    repository.backend().put(&object, &[whole])?;
    done.copies_restored.push(name.to_owned());
    Ok(())
}
