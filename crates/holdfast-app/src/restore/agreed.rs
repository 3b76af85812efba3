//! What a plan said of each place, which is looked at again right before it is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use holdfast_connect::postgres::Standing;

use super::RestoreError;
use super::database::{DatabaseEffect, DatabaseMove};

/// What to do when a place is not any longer what it was.
const NEXT: &str = "run the same command again and review its plan";

/// What a plan said of each place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Agreed {
    /// Databases by source and name.
    databases: BTreeMap<(String, String), DatabaseEffect>,
    /// Paths where nothing was.
    absent: BTreeSet<PathBuf>,
    /// Buckets by their addresses.
    buckets: BTreeMap<String, BucketEffect>,
}

/// What a plan said of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BucketEffect {
    /// It does not exist.
    Make,
    /// It has all objects.
    Keep,
    /// Some are written.
    Change,
}

impl Agreed {
    /// Takes note of a database.
    pub fn database(&mut self, database: &DatabaseMove<'_>, effect: DatabaseEffect) {
        self.databases.insert(key(database), effect);
    }

    /// Takes note of a path where nothing is.
    pub fn absent(&mut self, path: &Path) {
        self.absent.insert(path.to_owned());
    }

    /// Takes note of a bucket.
    pub fn bucket(&mut self, place: String, effect: BucketEffect) {
        self.buckets.insert(place, effect);
    }

    /// Refuses to touch a database that has changed since the plan: that was not agreed.
    pub fn check_database(
        &self,
        database: &DatabaseMove<'_>,
        now: &Standing,
    ) -> Result<(), RestoreError> {
        let name = &database.to;
        let before = match (self.databases.get(&key(database)), now) {
            (Some(_), Standing::Absent) | (Some(DatabaseEffect::Fill), Standing::Empty) => {
                return Ok(());
            }
            (Some(DatabaseEffect::Replace(_) | DatabaseEffect::Halfway), _) => return Ok(()),
            (Some(DatabaseEffect::Make), _) => "did not exist",
            (Some(DatabaseEffect::Fill), _) => "was empty",
            (Some(DatabaseEffect::Keep), _) => "matched the snapshot",
            (Some(DatabaseEffect::Leave(_) | DatabaseEffect::Refuse(_)), _) => "was to be kept",
            (None, _) => "was not examined",
        };
        let found = match now {
            Standing::Absent => "is gone".to_owned(),
            Standing::Empty => "exists and is empty".to_owned(),
            Standing::Filled(holding) => format!("holds {holding}"),
        };
        Err(changed(format!(
            "database {name:?} {before} when the plan was made and now {found}; it was left \
             unchanged"
        )))
    }

    /// Refuses to write over what has come to be where nothing was.
    pub fn check_path(&self, path: &Path) -> Result<(), RestoreError> {
        let found = path.symlink_metadata().ok().filter(|_| self.absent.contains(path));
        match found.is_some_and(|found| !(found.is_dir() && self.is_made_here(path))) {
            false => Ok(()),
            true => Err(changed(format!(
                "{} did not exist when the plan was made and now does; it was left unchanged",
                path.display()
            ))),
        }
    }

    /// True if a folder has nothing but the way to other paths that this restore was to make.
    fn is_made_here(&self, folder: &Path) -> bool {
        let is_ours = |path: &Path| self.absent.iter().any(|other| other.starts_with(path));
        let Ok(entries) = folder.read_dir() else { return false };
        entries.into_iter().all(|entry| entry.is_ok_and(|entry| is_ours(&entry.path())))
    }

    /// What was said of a bucket.
    pub fn of_bucket(&self, place: &str) -> Option<BucketEffect> {
        self.buckets.get(place).copied()
    }
}

fn key(database: &DatabaseMove<'_>) -> (String, String) {
    (database.source.clone(), database.to.clone())
}

/// The refusal of what was not agreed.
pub(super) fn changed(message: String) -> RestoreError {
    RestoreError::refused(message).or(NEXT)
}
