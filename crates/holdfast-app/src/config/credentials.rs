//! The files that hold secrets, by the names under which systemd and Kubernetes provide them.

use std::path::{Path, PathBuf};

use super::file::AppFile;
use super::notify::Address;
use super::repository::{AccessKeyId, Credentials, Password, Repository};
use super::source::{BucketCredentials, SourceKind};

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
            match &mut source.kind {
                SourceKind::Postgres(postgres) => {
                    of_password(&prefix, postgres.password.as_mut(), &mut paths);
                }
                SourceKind::Bucket(bucket) => {
                    of_bucket(&prefix, bucket.credentials.as_mut(), &mut paths);
                }
                SourceKind::Dump(dump) => {
                    let password = dump.restore.as_mut().and_then(|it| it.password.as_mut());
                    of_password(&prefix, password, &mut paths);
                }
                SourceKind::Files(_) | SourceKind::Command(_) => {}
            }
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

fn of_repository<'a>(prefix: &str, repository: &'a mut Repository, paths: &mut Paths<'a>) {
    of_password(prefix, Some(&mut repository.password), paths);
    of_credentials(prefix, repository.credentials.as_mut(), paths);
}

fn of_password<'a>(prefix: &str, password: Option<&'a mut Password>, paths: &mut Paths<'a>) {
    if let Some(Password::File(path)) = password {
        paths.push((format!("{prefix}.password"), path));
    }
}

fn of_credentials<'a>(
    prefix: &str,
    credentials: Option<&'a mut Credentials>,
    paths: &mut Paths<'a>,
) {
    if let Some(Credentials::AccessKey { id, secret_file, session_token_file }) = credentials {
        if let AccessKeyId::File(path) = id {
            paths.push((format!("{prefix}.access-key-id"), path));
        }
        paths.push((format!("{prefix}.secret-access-key"), secret_file));
        let token = session_token_file.as_mut();
        paths.extend(token.map(|path| (format!("{prefix}.session-token"), path)));
    }
}

fn of_bucket<'a>(
    prefix: &str,
    credentials: Option<&'a mut BucketCredentials>,
    paths: &mut Paths<'a>,
) {
    let (name, path) = match credentials {
        None => return,
        Some(BucketCredentials::Amazon(credentials)) => {
            return of_credentials(prefix, Some(credentials), paths);
        }
        Some(BucketCredentials::KeyFile(path)) => ("key", path),
        Some(BucketCredentials::AccountKey(path)) => ("account-key", path),
        Some(BucketCredentials::Signature(path)) => ("shared-access-signature", path),
        Some(BucketCredentials::Client { secret_file, .. }) => ("client-secret", secret_file),
    };
    paths.push((format!("{prefix}.{name}"), path));
}

fn of_address<'a>(prefix: &str, address: &'a mut Address, paths: &mut Paths<'a>) {
    if let Address::File(path) = address {
        paths.push((format!("{prefix}.url"), path));
    }
}
