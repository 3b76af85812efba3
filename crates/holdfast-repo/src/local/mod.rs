//! What this machine keeps about repositories: readable by its user only, and separately for each
//! location of a repository.
//!
//! ```text
//! CACHE/<repository>/CACHEDIR.TAG
//! CACHE/<repository>/<place>/heads          how far the chains went at this location
//! CACHE/<repository>/<place>/index-N.redb   the index of the copy there
//! CACHE/<repository>/<place>/verified       when its packs were last read in full
//! ```
//!
//! All of it can be deleted at any time: that costs time, and the memory of how new a repository
//! was.

mod heads;
mod private;

use std::io;
use std::path::{Path, PathBuf};

use holdfast_backend::StorageLocation;
use holdfast_format::RepositoryId;

pub(crate) use heads::{Heads, Rollback, known, remember};
pub use private::{create_cache, create_folder, open_file, read_file, replace_file};

/// Number of digits in the name of a location.
const PLACE_DIGITS: usize = 16;
/// File in a location's folder that records verifications.
pub const VERIFIED: &str = "verified";

/// The folder of a repository below the folder of all caches.
pub fn repository_folder(caches: &Path, repository: &RepositoryId) -> PathBuf {
    caches.join(repository.to_hex())
}

/// The folder of the copy of a repository at a location, below the folder of all caches.
pub fn place_folder(caches: &Path, repository: &RepositoryId, place: &StorageLocation) -> PathBuf {
    // The number of a file system may change from one boot to the next. It is only used where
    // nothing else distinguishes copies.
    let place = match place.copy.is_empty() {
        true => place.clone(),
        false => StorageLocation { medium: Vec::new(), ..place.clone() },
    };
    let name = blake3::hash(&place.encode()).to_hex();
    repository_folder(caches, repository).join(&name[..PLACE_DIGITS])
}

/// Creates the folder of a location, and marks the one above it as a cache if it is that of a
/// repository. Any other folder above may hold more than caches and is left as it is.
///
/// # Errors
/// It belongs to another user, is writable by others, or the system refuses: then its contents must
/// not be trusted.
pub fn create_place(folder: &Path) -> io::Result<()> {
    let is_of_a_repository = |above: &&Path| {
        let name = above.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.parse::<RepositoryId>().is_ok())
    };
    if let Some(above) = folder.parent().filter(is_of_a_repository) {
        create_cache(above)?;
    }
    create_folder(folder)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_folder_of_a_repository_is_closed_to_others() {
        let scratch = tempfile::tempdir().unwrap();
        let repository = "ab".repeat(RepositoryId::BYTES);
        for (name, mode) in [(repository.as_str(), 0o700), ("cache", 0o755)] {
            let above = scratch.path().join(name);
            fs::create_dir(&above).unwrap();
            fs::set_permissions(&above, Permissions::from_mode(0o755)).unwrap();
            create_place(&above.join("place")).unwrap();
            assert_eq!(fs::metadata(&above).unwrap().permissions().mode() & 0o777, mode, "{name}");
        }
    }
}
