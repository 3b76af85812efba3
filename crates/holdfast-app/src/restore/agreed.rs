//! What a plan found at each location, which is checked again right before it is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use holdfast_connect::postgres::DatabaseState;

use super::RestoreError;
use super::database::{DatabaseEffect, DatabaseMove};

/// What a plan found at each location.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Agreed {
    /// Databases by source and name.
    databases: BTreeMap<(String, String), DatabaseEffect>,
    /// Paths that did not exist.
    absent: BTreeSet<PathBuf>,
    /// Buckets by URL.
    buckets: BTreeMap<String, BucketEffect>,
    /// True if something exists that the application may be using, and that differs from the
    /// snapshot.
    is_in_use: bool,
}

/// What a plan found in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BucketEffect {
    /// It does not exist.
    Make,
    /// It has all objects.
    Keep,
    /// Some objects will be written.
    Change,
}

impl Agreed {
    /// Records a database.
    pub fn database(&mut self, database: &DatabaseMove<'_>, effect: DatabaseEffect) {
        let is_free =
            matches!(effect, DatabaseEffect::Make | DatabaseEffect::Fill | DatabaseEffect::Keep);
        self.is_in_use |= !is_free;
        self.databases.insert(key(database), effect);
    }

    /// What happens to each database.
    pub fn effects(&self) -> impl Iterator<Item = &DatabaseEffect> {
        self.databases.values()
    }

    /// Records a path that does not exist.
    pub fn absent(&mut self, path: &Path) {
        self.absent.insert(path.to_owned());
    }

    /// Records a path that exists; an empty folder does not count as in use.
    pub fn present(&mut self, path: &Path) {
        let is_empty = path.read_dir().is_ok_and(|mut entries| entries.next().is_none());
        self.is_in_use |= !is_empty;
    }

    /// True if something exists that an application may be using.
    pub fn is_in_use(&self) -> bool {
        self.is_in_use
    }

    /// Records a bucket.
    pub fn bucket(&mut self, place: String, effect: BucketEffect) {
        self.is_in_use |= effect == BucketEffect::Change;
        self.buckets.insert(place, effect);
    }

    /// Refuses to change a database that has changed since the plan was made.
    pub fn check_database(
        &self,
        database: &DatabaseMove<'_>,
        now: &DatabaseState,
    ) -> Result<(), RestoreError> {
        let name = &database.to;
        let before = match (self.databases.get(&key(database)), now) {
            (Some(_), DatabaseState::Absent)
            | (Some(DatabaseEffect::Fill), DatabaseState::Empty) => {
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
            DatabaseState::Absent => "is gone".to_owned(),
            DatabaseState::Empty => "exists and is empty".to_owned(),
            DatabaseState::Filled(holding) => format!("holds {holding}"),
        };
        Err(changed(format!(
            "database {name:?} {before} when the plan was made and now {found}; it was left \
             unchanged"
        )))
    }

    /// Refuses to overwrite a path that did not exist when the plan was made.
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

    /// True if a folder holds only paths that this restore was to create, or folders leading to
    /// them.
    fn is_made_here(&self, folder: &Path) -> bool {
        let is_way = |path: &Path| self.absent.iter().any(|other| other.starts_with(path));
        let is_ours = |path: &Path| {
            let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
            self.absent.contains(path) || is_folder && is_way(path) && self.is_made_here(path)
        };
        let Ok(mut entries) = folder.read_dir() else { return false };
        entries.all(|entry| entry.is_ok_and(|entry| is_ours(&entry.path())))
    }

    /// What the plan found in a bucket.
    pub fn of_bucket(&self, place: &str) -> Option<BucketEffect> {
        self.buckets.get(place).copied()
    }
}

fn key(database: &DatabaseMove<'_>) -> (String, String) {
    (database.source.clone(), database.to.clone())
}

/// The error for a location that has changed.
pub(super) fn changed(message: String) -> RestoreError {
    RestoreError::Changed { message }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A plan for `app` with `app/config/key`, neither of which exists yet.
    fn planned() -> (tempfile::TempDir, Agreed, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("app");
        let mut agreed = Agreed::default();
        agreed.absent(&app);
        agreed.absent(&app.join("config/key"));
        (folder, agreed, app)
    }

    #[test]
    fn the_way_to_another_path_is_no_surprise() {
        let (_folder, agreed, app) = planned();
        assert!(agreed.check_path(&app).is_ok());
        fs::create_dir_all(app.join("config")).unwrap();
        assert!(agreed.check_path(&app).is_ok(), "a folder on the way");
        fs::write(app.join("config/key"), "ours").unwrap();
        assert!(agreed.check_path(&app).is_ok(), "with what was restored before");
    }

    #[test]
    fn what_somebody_else_made_is_one() {
        let surprises: [fn(&Path); 4] = [
            |app| fs::write(app, "a file").unwrap(),
            |app| symlink("/", app).unwrap(),
            |app| {
                fs::create_dir_all(app.join("config")).unwrap();
                fs::write(app.join("config/mine"), "of somebody").unwrap();
            },
            |app| fs::create_dir_all(app.join("other")).unwrap(),
        ];
        for surprise in surprises {
            let (_folder, agreed, app) = planned();
            surprise(&app);
            let told = agreed.check_path(&app).unwrap_err().to_string();
            assert!(told.contains("did not exist when the plan was made"), "{told}");
        }
    }

    #[test]
    fn only_what_holds_something_else_may_be_in_use() {
        let (folder, mut agreed, app) = planned();
        agreed.bucket("s3://a".to_owned(), BucketEffect::Make);
        agreed.present(folder.path());
        assert!(!agreed.is_in_use(), "an empty folder is nothing yet");
        fs::write(&app, "x").unwrap();
        agreed.present(folder.path());
        assert!(agreed.is_in_use());
    }
}
