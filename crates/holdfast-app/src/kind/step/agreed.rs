//! What a plan found at paths, which is checked again right before they are changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::RestoreError;

/// What a plan found at paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgreedPaths {
    /// Paths that did not exist.
    absent: BTreeSet<PathBuf>,
    /// True if something exists that the application may be using, and that differs from the
    /// snapshot.
    is_in_use: bool,
}

impl AgreedPaths {
    /// Records that something exists that the application may be using.
    pub fn use_found(&mut self) {
        self.is_in_use = true;
    }

    /// True if something exists that an application may be using.
    pub fn is_in_use(&self) -> bool {
        self.is_in_use
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

    /// Refuses to overwrite a path that did not exist when the plan was made.
    ///
    /// # Errors
    /// [`RestoreError::Changed`].
    pub fn check(&self, path: &Path) -> Result<(), RestoreError> {
        let found = path.symlink_metadata().ok().filter(|_| self.absent.contains(path));
        match found.is_some_and(|found| !(found.is_dir() && self.is_made_here(path))) {
            false => Ok(()),
            true => Err(RestoreError::changed(format!(
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
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A plan for `app` with `app/config/key`, neither of which exists yet.
    fn planned() -> (tempfile::TempDir, AgreedPaths, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("app");
        let mut agreed = AgreedPaths::default();
        agreed.absent(&app);
        agreed.absent(&app.join("config/key"));
        (folder, agreed, app)
    }

    #[test]
    fn the_way_to_another_path_is_no_surprise() {
        let (_folder, agreed, app) = planned();
        assert!(agreed.check(&app).is_ok());
        fs::create_dir_all(app.join("config")).unwrap();
        assert!(agreed.check(&app).is_ok(), "a folder on the way");
        fs::write(app.join("config/key"), "ours").unwrap();
        assert!(agreed.check(&app).is_ok(), "with what was restored before");
    }

    #[test]
    fn what_another_program_made_is_one() {
        let surprises: [fn(&Path); 4] = [
            |app| fs::write(app, "a file").unwrap(),
            |app| symlink("/", app).unwrap(),
            |app| {
                fs::create_dir_all(app.join("config")).unwrap();
                fs::write(app.join("config/mine"), "of another").unwrap();
            },
            |app| fs::create_dir_all(app.join("other")).unwrap(),
        ];
        for surprise in surprises {
            let (_folder, agreed, app) = planned();
            surprise(&app);
            let told = agreed.check(&app).unwrap_err().to_string();
            assert!(told.contains("did not exist when the plan was made"), "{told}");
        }
    }

    #[test]
    fn only_what_holds_something_else_may_be_in_use() {
        let (folder, mut agreed, app) = planned();
        agreed.present(folder.path());
        assert!(!agreed.is_in_use(), "an empty folder is nothing yet");
        fs::write(&app, "x").unwrap();
        agreed.present(folder.path());
        assert!(agreed.is_in_use());
    }
}
