//! `[repository]` and `[repository.keys]`: where snapshots go.

use std::path::PathBuf;

use super::argv::Argv;
use super::section::{Section, Table};
use super::url::RepositoryUrl;

/// `[repository]`: where a snapshot goes, and what opens the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The place.
    pub url: RepositoryUrl,
    /// Where its passphrase or key comes from.
    pub password: Password,
    /// Who it is for the storage; without, what the storage takes from its surroundings.
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

/// What identifies holdfast to an S3 server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A profile of the AWS configuration files.
    Profile(String),
    /// An access key.
    AccessKey {
        /// Its id, which is no secret.
        id: AccessKeyId,
        /// The file with the secret.
        secret_file: PathBuf,
        /// The file with the token of a session that it belongs to.
        session_token_file: Option<PathBuf>,
    },
}

/// Id of an access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessKeyId {
    /// The id.
    Value(String),
    /// The file that holds it.
    File(PathBuf),
}

/// Both parts of `[repository]`.
pub(super) struct Repositories {
    pub(super) main: Option<Repository>,
    pub(super) keys: Option<Repository>,
}

impl Table for Repositories {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let main = Repository::read(section);
        let keys = section.table(
            "keys",
            "A repository of its own for sources of class keys. Someone who gets hold of one of \
             the two has either data that nothing opens, or keys to nothing.",
        );
        Some(Self { main, keys })
    }
}

impl Table for Repository {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let url = section.required(
            "url",
            "Where the repository is: a path (relative ones are relative to this file), or \
             s3:..., sftp:... and so on.",
        );
        let password = password(section, &["password-file", "password-command"]);
        let credentials = section.table(
            "credentials",
            "What identifies holdfast to an S3 server. Default: what the surroundings give \
             (variables, instance role).",
        );
        Some(Self { url: url?, password: password?, credentials })
    }
}

/// Asks for exactly one of the two keys for a password.
fn password(section: &mut Section<'_, '_>, keys: &'static [&'static str]) -> Option<Password> {
    let exactly_one = section.exactly_one(keys);
    let password = optional_password(section);
    password.filter(|_| exactly_one)
}

/// Asks for either of the two keys for a password.
pub(super) fn optional_password(section: &mut Section<'_, '_>) -> Option<Password> {
    let file = section.optional(
        "password-file",
        "File whose content is the password. White space at its ends does not count.",
    );
    let command = section.optional(
        "password-command",
        "Command that prints the password, as a list of words. No shell reads it.",
    );
    match (file, command) {
        (Some(file), _) => Some(Password::File(file)),
        (None, command) => command.map(Password::Command),
    }
}

impl Table for Credentials {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        Self::read_one_of(section, &["profile", "access-key-id", "access-key-id-file"])
    }
}

impl Credentials {
    /// Reads them where there is exactly one of `kinds`, which may be of other services too.
    pub(super) fn read_one_of(
        section: &mut Section<'_, '_>,
        kinds: &'static [&'static str],
    ) -> Option<Self> {
        let profile = section.optional("profile", "Profile of the AWS configuration files.");
        let id = section.optional("access-key-id", "Id of the access key.");
        let id_file = section.optional("access-key-id-file", "File with the id of the access key.");
        let secret_file =
            section.optional("secret-access-key-file", "File with the secret of the access key.");
        let session_token_file =
            section.optional("session-token-file", "File with the token of a session.");
        if !section.exactly_one(kinds) {
            return None;
        }
        if profile.is_some() {
            for key in ["secret-access-key-file", "session-token-file"] {
                if section.has(key) {
                    let help = "one of the two ways";
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
                "the access key has no secret",
                "secret-access-key-file = \"/path/to/it\"",
            );
        }
        Some(Self::AccessKey { id: id?, secret_file: secret_file?, session_token_file })
    }
}
