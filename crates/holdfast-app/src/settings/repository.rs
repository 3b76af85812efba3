//! `[repository]` and `[repository.keys]`: where snapshots are stored.

use std::path::PathBuf;

use holdfast_backend::RepositoryUrl;

use super::argv::Argv;
use super::section::{SettingSection, SettingTable};

/// `[repository]`: where snapshots are stored, and what opens the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositorySettings {
    /// Its location.
    pub url: RepositoryUrl,
    /// Where its passphrase or key comes from.
    pub password: Password,
    /// How to authenticate to the storage; if absent, from the environment.
    pub credentials: Option<Credentials>,
}

/// Where a password comes from. It is never in the app file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// The content of a file.
    File(PathBuf),
    /// What a command prints.
    Command(Argv),
}

impl Password {
    /// The program that prints it.
    pub(crate) fn program(&self) -> Option<&str> {
        match self {
            Self::File(_) => None,
            Self::Command(argv) => Some(argv.program()),
        }
    }

    /// The file that holds it, with a name.
    pub(crate) fn secret_file(&mut self) -> Option<(&'static str, &mut PathBuf)> {
        match self {
            Self::File(path) => Some(("password", path)),
            Self::Command(_) => None,
        }
    }
}

/// How to authenticate to an S3 server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A profile of the AWS configuration files.
    Profile(String),
    /// An access key.
    AccessKey {
        /// Its ID, which is not secret.
        id: AccessKeyId,
        /// The file with the secret.
        secret_file: PathBuf,
        /// The file with the session token that belongs to it.
        session_token_file: Option<PathBuf>,
    },
}

/// ID of an access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessKeyId {
    /// The ID.
    Value(String),
    /// The file that holds it.
    File(PathBuf),
}

/// Both parts of `[repository]`.
pub(crate) struct Repositories {
    pub(crate) main: Option<RepositorySettings>,
    pub(crate) keys: Option<RepositorySettings>,
}

impl SettingTable for Repositories {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let main = RepositorySettings::read(section);
        let keys = section.table(
            "keys",
            "A separate repository for sources of class keys. Anyone who obtains only one of the \
             two has either data without its keys, or keys without data.",
        );
        Some(Self { main, keys })
    }
}

impl SettingTable for RepositorySettings {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let url = section.required(
            "url",
            "Location of the repository: a path (relative to this file unless absolute), or \
             s3:..., sftp:... and so on.",
        );
        let password = password(section, &["password-file", "password-command"]);
        let credentials = section.table(
            "credentials",
            "How to authenticate to an S3 server. Default: from the environment (variables, \
             instance role).",
        );
        Some(Self { url: url?, password: password?, credentials })
    }
}

/// Reads exactly one of the two keys for a password.
fn password(
    section: &mut SettingSection<'_, '_>,
    keys: &'static [&'static str],
) -> Option<Password> {
    let exactly_one = section.exactly_one(keys);
    let password = optional_password(section);
    password.filter(|_| exactly_one)
}

/// Reads either of the two keys for a password.
pub(crate) fn optional_password(section: &mut SettingSection<'_, '_>) -> Option<Password> {
    let file = section.optional(
        "password-file",
        "File that contains the password. White space around it is ignored.",
    );
    let command = section.optional(
        "password-command",
        "Command that prints the password, as a list of words; no shell is used.",
    );
    match (file, command) {
        (Some(file), _) => Some(Password::File(file)),
        (None, command) => command.map(Password::Command),
    }
}

impl SettingTable for Credentials {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        Self::read_one_of(section, &["profile", "access-key-id", "access-key-id-file"])
    }
}

impl Credentials {
    /// The files that hold parts of it, each with a name.
    pub(crate) fn secret_files(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let Self::AccessKey { id, secret_file, session_token_file } = self else {
            return Vec::new();
        };
        let mut files = Vec::new();
        if let AccessKeyId::File(path) = id {
            files.push(("access-key-id", path));
        }
        files.push(("secret-access-key", secret_file));
        files.extend(session_token_file.as_mut().map(|path| ("session-token", path)));
        files
    }

    /// Reads them if exactly one of `kinds` is present; `kinds` may include those of other
    /// services.
    pub(crate) fn read_one_of(
        section: &mut SettingSection<'_, '_>,
        kinds: &'static [&'static str],
    ) -> Option<Self> {
        let profile = section.optional("profile", "Profile in the AWS configuration files.");
        let id = section.optional("access-key-id", "ID of the access key.");
        let id_file = section.optional("access-key-id-file", "File with the ID of the access key.");
        let secret_file =
            section.optional("secret-access-key-file", "File with the secret access key.");
        let session_token_file =
            section.optional("session-token-file", "File with the session token.");
        if !section.exactly_one(kinds) {
            return None;
        }
        if profile.is_some() {
            for key in ["secret-access-key-file", "session-token-file"] {
                if section.has(key) {
                    let help = "only one of the two";
                    section.refuse(key, format!("`profile` and `{key}` exclude each other"), help);
                }
            }
            return profile.map(Self::Profile);
        }
        if !section.has("access-key-id") && !section.has("access-key-id-file") {
            return None;
        }
        let id = id.map(AccessKeyId::Value).or(id_file.map(AccessKeyId::File));
        if !section.has("secret-access-key-file") {
            section.refuse(
                "access-key-id",
                "`secret-access-key-file` is missing for this access key",
                "secret-access-key-file = \"/path/to/it\"",
            );
        }
        Some(Self::AccessKey { id: id?, secret_file: secret_file?, session_token_file })
    }
}
