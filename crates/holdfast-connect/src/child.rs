//! The only place that spawns child processes: a child sees no secrets but its own.
//!
//! Secrets are often handed to holdfast in environment variables, which every child process
//! inherits: a hook, a command whose output is backed up, `ssh`. Anyone who can read that program's
//! logs, or its environment, would then have the secret.

use std::ffi::OsStr;
use std::process::Command;

/// Variables that hold secrets of holdfast, restic and PostgreSQL's programs.
const OWN: &[&str] = &[
    "HOLDFAST_PASSWORD",
    "HOLDFAST_PASSWORD_COMMAND",
    "RESTIC_PASSWORD",
    "RESTIC_PASSWORD_COMMAND",
    "PGPASSWORD",
];

/// Variables that hold secrets of cloud providers.
const CLOUDS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_MASTER_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "GOOGLE_API_KEY",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "CLOUDSDK_AUTH_ACCESS_TOKEN",
];

/// A command that inherits the environment without its secrets.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    without(program, OWN.iter().chain(CLOUDS).copied())
}

/// Like [`command`], but with cloud secrets, for a program that may have to log in to a cloud: one
/// that prints a secret, or that runs another program elsewhere, as `kubectl` does.
pub fn command_with_clouds(program: impl AsRef<OsStr>) -> Command {
    without(program, OWN.iter().copied())
}

fn without(program: impl AsRef<OsStr>, names: impl Iterator<Item = &'static str>) -> Command {
    let mut command = Command::new(program);
    names.for_each(|name| {
        command.env_remove(name);
    });
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed(command: &Command) -> Vec<String> {
        let removed = command.get_envs().filter(|(_, value)| value.is_none());
        removed.map(|(name, _)| name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn secrets_are_withheld() {
        let removed = removed(&command("x"));
        for name in ["HOLDFAST_PASSWORD", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY"] {
            assert!(removed.contains(&name.to_owned()), "{name}");
        }
    }

    #[test]
    fn a_command_that_gives_a_secret_keeps_the_way_to_it() {
        let removed = removed(&command_with_clouds("x"));
        assert!(removed.contains(&"HOLDFAST_PASSWORD".to_owned()));
        assert!(!removed.iter().any(|name| name.starts_with("AWS_")));
    }
}
