//! Things the file names that this machine does not have.
//!
//! These are not mistakes in the file, which may be meant for another machine. Nothing is changed,
//! started or connected to, and no secret is kept: only one byte of a secret file is read.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::file::AppFile;
use super::programs::NeededProgram;
use super::secret_files::SecretFile;
use crate::settings::{RepositorySettings, RepositoryUrl};

/// Something that does not exist, or is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineFinding {
    /// One sentence without a full stop.
    pub message: String,
    /// What to do.
    pub help: MachineHelp,
}

/// What to do about something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineHelp {
    /// One clause in the imperative.
    Text(String),
    /// Mount the disk of the repository, or create the repository.
    MountOrInit,
}

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub struct Machine<'a> {
    /// Folders with programs, as in `PATH`.
    pub program_folders: &'a [PathBuf],
    /// The folder of the app file, to which program names with a slash are relative.
    pub app_folder: &'a Path,
}

impl AppFile {
    /// Things the file names that this machine does not have, in the order of the file.
    pub fn missing_on(&self, machine: &Machine<'_>) -> Vec<MachineFinding> {
        let mut found: Vec<_> = self.secret_files().iter().filter_map(of_secret).collect();
        found.extend(of_repository(&self.repository));
        found.extend(self.keys_repository.as_ref().and_then(of_repository));
        for source in &self.sources {
            let missing = |path: &PathBuf| {
                let what = format!("source \"{}\" backs up", source.name);
                of_path(path, &what, "give the path as it is on this machine")
            };
            found.extend(source.kind.paths().iter().filter_map(missing));
        }
        found.extend(self.programs().iter().filter_map(|program| of_program(program, machine)));
        let textfile = self.notify.prometheus.as_ref().and_then(|it| it.textfile.parent());
        found.extend(textfile.and_then(|folder| {
            let help = "give the folder of the node exporter's textfile collector";
            of_path(folder, "the Prometheus textfile is in", help)
        }));
        let writable = |path: &PathBuf| {
            of_path(path, "`writable` in [schedule] names", "make the folder, or leave it out")
        };
        found.extend(self.schedule.writable.iter().filter_map(writable));
        found
    }
}

fn of_secret(secret: &SecretFile) -> Option<MachineFinding> {
    let path = secret.path.display();
    let finding = |problem: &str, help: String| {
        let message = format!("the file for {}, {path}, {problem}", secret.name);
        Some(MachineFinding { message, help: MachineHelp::Text(help) })
    };
    let opened = File::open(&secret.path).and_then(|mut file| {
        let mode = file.metadata()?.permissions().mode();
        Ok((file.read(&mut [0])?, mode))
    });
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            finding("does not exist", format!("create it with the secret; chmod 600 {path}"))
        }
        Err(error) => {
            let help = "run this as the user that runs holdfast, or change the file's permissions";
            finding(&format!("cannot be read ({error})"), help.to_owned())
        }
        Ok((0, _)) => finding("is empty", "put the secret into it".to_owned()),
        Ok((_, mode)) if mode & 0o004 != 0 => {
            finding("is readable by every user on this machine", format!("chmod 600 {path}"))
        }
        Ok(_) => None,
    }
}

fn of_repository(repository: &RepositorySettings) -> Option<MachineFinding> {
    let RepositoryUrl::Local(path) = &repository.url else { return None };
    let is_there = path.join("config").symlink_metadata().is_ok();
    let message = format!("there is no repository at {}", path.display());
    (!is_there).then_some(MachineFinding { message, help: MachineHelp::MountOrInit })
}

fn of_path(path: &Path, what: &str, help: &str) -> Option<MachineFinding> {
    let error = path.symlink_metadata().err()?;
    let problem = match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be accessed: {error}"),
    };
    let message = format!("{what} {}, which {problem}", path.display());
    Some(MachineFinding { message, help: MachineHelp::Text(help.to_owned()) })
}

fn of_program(program: &NeededProgram, machine: &Machine<'_>) -> Option<MachineFinding> {
    let NeededProgram { name, what } = program;
    let is_there = match name.contains('/') {
        true => is_program(&machine.app_folder.join(name)),
        false => machine.program_folders.iter().any(|folder| is_program(&folder.join(name))),
    };
    let problem = match name.contains('/') {
        true => "does not exist or is not executable",
        false => "is not in PATH",
    };
    let message = format!("{what} needs {name}, which {problem}");
    let help = "install it, or write its full path".to_owned();
    (!is_there).then_some(MachineFinding { message, help: MachineHelp::Text(help) })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// The folders in a value of `PATH`, except relative ones.
pub fn program_folders(path: &OsStr) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let parts = path.as_bytes().split(|byte| *byte == b':').map(OsStr::from_bytes);
    parts.map(PathBuf::from).filter(|folder| folder.is_absolute()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    const TEXT: &str = r#"
[app]
name = "app"
[repository]
url = "repository"
password-file = "key"
[repository.keys]
url = "keys"
password-command = ["no-such-program", "x"]
[[source]]
name = "database"
type = "postgres"
url = "postgres://a@b/c"
exec = ["bin/exec"]
[[source]]
name = "uploads"
type = "files"
paths = ["uploads"]
[[hook]]
before = "run"
command = ["sh", "-c", "true"]
[notify]
prometheus = { textfile = "metrics/app.prom" }
[schedule]
writable = ["scratch"]
"#;

    fn messages(folder: &Path) -> Vec<String> {
        let same = |path: &Path| path.to_owned();
        let loaded = parse(TEXT, Path::new("app.toml"), folder, &same).unwrap();
        let folders = program_folders(OsStr::new("bin:/usr/bin:/bin"));
        let machine = Machine { program_folders: &folders, app_folder: folder };
        let shown = folder.display().to_string() + "/";
        let found = loaded.file.missing_on(&machine);
        assert!(found.iter().all(|it| it.help != MachineHelp::Text(String::new())));
        found.into_iter().map(|it| it.message.replace(&shown, "")).collect()
    }

    fn write(path: &Path, text: &str, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn everything_that_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            messages(folder.path()),
            [
                "the file for repository.password, key, does not exist",
                "there is no repository at repository",
                "there is no repository at keys",
                "source \"uploads\" backs up uploads, which does not exist",
                "`password-command` of [repository.keys] needs no-such-program, which is not in \
                 PATH",
                "source \"database\" needs bin/exec, which does not exist or is not executable",
                "the Prometheus textfile is in metrics, which does not exist",
                "`writable` in [schedule] names scratch, which does not exist",
            ]
        );
    }

    #[test]
    fn what_is_there_is_not_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write(&path("repository/config"), "", 0o600);
        write(&path("keys/config"), "", 0o600);
        write(&path("bin/exec"), "", 0o700);
        for name in ["uploads", "metrics", "scratch"] {
            fs::create_dir(path(name)).unwrap();
        }
        let program = "`password-command` of [repository.keys] needs no-such-program, which is \
                       not in PATH";
        for (content, mode, expected) in [
            ("secret", 0o600, None),
            ("secret", 0o604, Some("is readable by every user on this machine")),
            ("", 0o600, Some("is empty")),
        ] {
            write(&path("key"), content, mode);
            let expected =
                expected.map(|it| format!("the file for repository.password, key, {it}"));
            let expected: Vec<_> = expected.into_iter().chain([program.to_owned()]).collect();
            assert_eq!(messages(folder.path()), expected);
        }
        write(&path("key"), "secret", 0o600);
        write(&path("bin/exec"), "", 0o600);
        assert_eq!(messages(folder.path()).len(), 2);
    }
}
