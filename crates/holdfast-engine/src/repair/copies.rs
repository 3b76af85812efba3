//! Second copies of config, key slots and generations.

use holdfast_backend::Error as BackendError;
use holdfast_format::name;
use holdfast_repo::{RepoError, Repository, object_name};

use super::IndexRepair;
use crate::check::{Copy, Listing, survey};

/// Writes each lost copy again from the intact one.
pub(super) fn restore(
    repository: &Repository,
    listing: &Listing,
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
    let object = object_name(name)?;
    if !matches!(lost, Copy::Missing) {
        repository.backend().quarantine(&object)?;
    }
    match repository.backend().put(&object, &[whole]) {
        // The process that wrote the other copy may just have written this one too.
        Ok(()) | Err(BackendError::AlreadyExists { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(id) = name::slot_id(name) {
        repository.take_back_if_removed(&id)?;
    }
    done.copies_restored.push(name.to_owned());
    Ok(())
}
