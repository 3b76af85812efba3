//! The files that hold secrets, by the names under which systemd and Kubernetes provide them.

use std::path::{Path, PathBuf};

use super::file::AppFile;
use super::notify::Address;
use crate::settings::RepositorySettings;

/// A file that holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// Its name: letters, digits, dots, dashes and underscores.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

impl AppFile {
    /// The files that hold secrets, each with a unique name.
    pub fn secret_files(&self) -> Vec<SecretFile> {
        let mut file = self.clone();
        let paths = file.secret_paths();
        paths.into_iter().map(|(name, path)| SecretFile { name, path: path.clone() }).collect()
    }

    /// Takes secrets from `folder` if `is_there` finds a file of their name in it. systemd names
    /// such a folder in `CREDENTIALS_DIRECTORY`; a Kubernetes Secret is mounted as one.
    #[must_use]
    pub fn with_credentials_in(mut self, folder: &Path, is_there: &dyn Fn(&Path) -> bool) -> Self {
        for (name, path) in self.secret_paths() {
            let given = folder.join(name);
            if is_there(&given) {
                *path = given;
            }
        }
        self
    }

    fn secret_paths(&mut self) -> Vec<(String, &mut PathBuf)> {
        let mut paths = Vec::new();
        of_repository("repository", &mut self.repository, &mut paths);
        if let Some(keys) = &mut self.keys_repository {
            of_repository("repository.keys", keys, &mut paths);
        }
        for source in &mut self.sources {
            let prefix = format!("source.{}", source.name);
            add(&prefix, source.kind.secret_files(), &mut paths);
        }
        if let Some(healthchecks) = &mut self.notify.healthchecks {
            of_address("healthchecks", &mut healthchecks.address, &mut paths);
        }
        if let Some(webhook) = &mut self.notify.webhook {
            of_address("webhook", &mut webhook.address, &mut paths);
            let authorization = webhook.authorization_file.as_mut();
            paths.extend(authorization.map(|path| ("webhook.authorization".to_owned(), path)));
        }
        paths
    }
}

type Paths<'a> = Vec<(String, &'a mut PathBuf)>;

fn of_repository<'a>(prefix: &str, repository: &'a mut RepositorySettings, paths: &mut Paths<'a>) {
    add(prefix, repository.password.secret_file().into_iter().collect(), paths);
    if let Some(credentials) = &mut repository.credentials {
        add(prefix, credentials.secret_files(), paths);
    }
}

fn add<'a>(prefix: &str, files: Vec<(&str, &'a mut PathBuf)>, paths: &mut Paths<'a>) {
    paths.extend(files.into_iter().map(|(name, path)| (format!("{prefix}.{name}"), path)));
}

fn of_address<'a>(prefix: &str, address: &'a mut Address, paths: &mut Paths<'a>) {
    if let Address::File(path) = address {
        paths.push((format!("{prefix}.url"), path));
    }
}
