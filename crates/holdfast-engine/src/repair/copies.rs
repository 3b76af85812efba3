//! Second copies of config, key slots and generations.

use holdfast_format::name;
use holdfast_repo::{RepoError, Repository};

use super::IndexRepair;
use crate::check::{Copy, ObjectListing, survey};

/// Writes each lost copy again from the intact one.
pub(super) fn restore(
    repository: &Repository,
    listing: &ObjectListing,
    done: &mut IndexRepair,
) -> Result<(), RepoError> {
    for pair in survey(repository, listing)? {
        match &pair.copies {
            [Copy::Whole(first), Copy::Whole(second)] if first == second => {}
            // Readers take the first.
            [Copy::Whole(whole), lost] => put(repository, &pair.names[1], lost, whole, done)?,
            [lost, Copy::Whole(whole)] => put(repository, &pair.names[0], lost, whole, done)?,
            _ if pair.names[0].starts_with(name::GENERATIONS) => {}
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
    if !matches!(lost, Copy::Missing) {
        repository.quarantine(name)?;
    }
    repository.restore_copy(name, whole)?;
    done.copies_restored.push(name.to_owned());
    Ok(())
}
