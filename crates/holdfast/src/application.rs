//! The application that a command works on: its app file and its repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use clap::ValueHint;
use holdfast_app::config::{self, AppFile, ConfigError, Loaded};
use holdfast_app::kind::Class;
use holdfast_app::lock::{self, Holder, RunLock};
use holdfast_app::settings::{AppName, Mistake, Password, RepositorySettings, RepositoryUrl};
use holdfast_format::slot::KdfCost;
use holdfast_repo::Repository;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::foreign;
use crate::opening;
use crate::output::escape;
use crate::secret::{self, Passphrase, SecretSource};
use crate::trust;

/// Name of the app file in the working directory.
const FILE_NAME: &str = "holdfast.toml";
/// Where to look for an application's app file if the working directory has none.
const FOLDER: &str = "/etc/holdfast";

/// The application that a command works on.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ApplicationArgs {
    /// Name of the application, which must match the app file; without --config and
    /// ./holdfast.toml, the app file is /etc/holdfast/NAME.toml
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// The app file [default: ./holdfast.toml]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(env = "HOLDFAST_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
}

impl ApplicationArgs {
    /// The path of the app file.
    ///
    /// # Errors
    /// A usage error if there is none.
    pub fn path(&self) -> CommandResult<PathBuf> {
        if let Some(path) = &self.config {
            return Ok(path.clone());
        }
        let here = PathBuf::from(FILE_NAME);
        match &self.name {
            _ if here.exists() => Ok(here),
            Some(name) if AppName::new(name).is_none() => Err(CommandError::usage(format!(
                "{name:?} is not an application name: use lower-case letters, digits \
                     and dashes"
            ))),
            Some(name) => Ok(Path::new(FOLDER).join(format!("{name}.toml"))),
            None => Err(CommandError::usage("there is no holdfast.toml in this folder")
                .hint("give one with --config FILE or HOLDFAST_CONFIG")
                .hint("give the name of an application, for /etc/holdfast/NAME.toml")),
        }
    }

    /// Checks that an app file is that of the given application.
    ///
    /// # Errors
    /// A usage error if it is not.
    pub fn expect_name(&self, path: &Path, file: &AppFile) -> CommandResult {
        let Some(name) = self.name.as_deref().filter(|name| *name != file.app.name.as_str()) else {
            return Ok(());
        };
        let path = escape::path(path);
        let message = format!("{path} is the app file of {}, not of {name}", file.app.name);
        Err(CommandError::usage(message)
            .hint(format!("give the name {}, or the --config of {name}", file.app.name)))
    }
}

/// A mistake, without the line of the file.
fn sentence(mistake: &Mistake) -> String {
    let Mistake { file, line, column, message, help, .. } = mistake;
    format!("{}:{line}:{column}: {message}; try: {help}", escape::path(file))
}

/// An application whose app file was read.
pub struct LoadedApplication<'a> {
    context: &'a Context,
    /// The path of its app file.
    pub path: PathBuf,
    /// The app file, with secrets taken from where systemd or Kubernetes put them.
    pub file: AppFile,
}

impl<'a> LoadedApplication<'a> {
    /// Finds and reads the app file, and prints its warnings.
    ///
    /// # Errors
    /// A usage error with all mistakes of the file; a failure if it cannot be read or belongs to
    /// another application.
    pub fn load(args: &ApplicationArgs, context: &'a Context) -> CommandResult<Self> {
        let path = args.path()?;
        let Loaded { file, warnings } = config::load(&path).map_err(explain)?;
        args.expect_name(&path, &file)?;
        trust::check("app file", &path)?;
        for program in file.programs().iter().filter(|it| it.name.contains('/')) {
            trust::check(&format!("program of {}", program.what), Path::new(&program.name))?;
        }
        warnings.iter().for_each(|warning| context.output.caution(&sentence(warning)));
        let file = match context.environment.variable("CREDENTIALS_DIRECTORY") {
            Some(folder) => {
                file.with_credentials_in(Path::new(&folder), &|path: &Path| path.exists())
            }
            None => file,
        };
        Ok(Self { context, path, file })
    }

    /// The host recorded in its snapshots.
    pub fn host(&self) -> String {
        self.context.host_name(self.file.app.host.as_deref())
    }

    /// Opens the repository of a class.
    ///
    /// # Errors
    /// A usage error if the file defines none for keys; see [`Repository::open`].
    pub fn open(&self, class: Class) -> CommandResult<Repository> {
        let place = self.place(class)?;
        let storage = opening::storage(folder(place)?).map_err(|error| missing(error, place))?;
        let secret = self.passphrase(&place.password)?.secret()?;
        let options = self.context.open_options();
        let repository =
            Repository::open(self.context.limited(Arc::new(storage)), &secret, &options)
                .map_err(|error| missing(error.into(), place))?;
        self.context.tell_lost_records(&repository);
        Ok(repository)
    }

    /// True if the repository of this class exists.
    ///
    /// # Errors
    /// As [`LoadedApplication::open`], except that a missing repository is not an error.
    pub fn is_there(&self, class: Class) -> CommandResult<bool> {
        let place = self.place(class)?;
        match opening::storage(folder(place)?) {
            Ok(_) => Ok(true),
            Err(error)
                if error.exit == ExitKind::NoRepository
                    && foreign::program(folder(place)?).is_none() =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Creates the repository of a class.
    ///
    /// # Errors
    /// It already exists, or cannot be created.
    pub fn init(&self, class: Class) -> CommandResult {
        let place = self.place(class)?;
        let folder = folder(place)?;
        let secret = self.passphrase(&place.password)?.secret()?;
        // The app file gives the location, and the user asked for it to be created.
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent)
                .map_err(|error| CommandError::path("create the folder", parent, &error))?;
        }
        opening::check_new(folder)?;
        let (storage, made) = opening::NewFolder::make(folder)?;
        let label = self.context.slot_label("first key");
        let id = Repository::init(&storage, &secret, KdfCost::DEFAULT, &label, |_| {})?;
        made.keep();
        let (id, folder) = (&id.to_hex()[..10], escape::path(folder));
        Ok(self.context.output.note(0, &format!("created repository {id} at {folder}"))?)
    }

    /// Fills the reserve of the repository of a class.
    pub fn fill_reserve(&self, class: Class) {
        if let Ok(folder) = self.place(class).and_then(folder) {
            opening::fill_reserve(folder);
        }
    }

    /// Reads a password from the source that the app file gives.
    ///
    /// # Errors
    /// It cannot be read, or is empty.
    pub fn passphrase(&self, password: &Password) -> CommandResult<Passphrase> {
        let source = match password {
            Password::File(path) => SecretSource::File(path.clone()),
            Password::Command(argv) => SecretSource::Program(argv.os_words()),
        };
        secret::read(&source)
    }

    /// Like [`LoadedApplication::password`], for lower layers, which know nothing of commands.
    ///
    /// # Errors
    /// The error message.
    pub fn password(&self, password: &Password) -> Result<Zeroizing<String>, String> {
        let passphrase = self.passphrase(password).map_err(|error| error.message)?;
        Ok(Zeroizing::new(passphrase.expose().to_owned()))
    }

    /// Takes the application's lock on this machine.
    ///
    /// # Errors
    /// Another run is in progress, and the file says to exit or to stop waiting; a usage error if
    /// the environment gives neither a folder for locks nor a home folder.
    pub fn lock(&self) -> CommandResult<RunLock> {
        let folder = self.context.environment.state_folder().ok_or_else(|| {
            CommandError::usage(
                "there is no folder for locks because neither HOLDFAST_STATE_DIR nor HOME is set",
            )
            .hint("HOLDFAST_STATE_DIR=/var/lib/holdfast")
        })?;
        let name = &self.file.app.name;
        let holder = Holder { pid: process::id(), started: environment::now() };
        let is_interrupted = || self.context.is_interrupted();
        let mut waiting = |other: Option<&Holder>| {
            let who = other.map(|it| format!(" (process {}, since {})", it.pid, it.started));
            let who = who.unwrap_or_default();
            self.context.output.warn(&format!("waiting for another run of {name}{who}"));
        };
        let rules = &self.file.run;
        Ok(lock::acquire(&folder, name, &holder, rules, &is_interrupted, &mut waiting)?)
    }

    fn place(&self, class: Class) -> CommandResult<&RepositorySettings> {
        match class {
            Class::Data => Ok(&self.file.repository),
            Class::Keys => self.file.keys_repository.as_ref().ok_or_else(|| {
                CommandError::usage(format!(
                    "{} defines no key repository",
                    escape::path(&self.path)
                ))
                .hint("add a [repository.keys] section")
            }),
        }
    }
}

/// Mistakes in an app file are usage errors; an unreadable app file is a failure.
pub fn explain(error: ConfigError) -> CommandError {
    match &error {
        ConfigError::Mistakes(_) => CommandError::usage(error.to_string()),
        ConfigError::Unreadable { .. } => CommandError::failed(error.to_string())
            .hint("give one with --config FILE or HOLDFAST_CONFIG"),
        ConfigError::TooLong { .. } | ConfigError::NotText { .. } => {
            CommandError::failed(error.to_string())
        }
    }
}

/// The folder of a repository.
///
/// # Errors
/// A usage error for storage that this version does not support.
pub fn folder(place: &RepositorySettings) -> CommandResult<&Path> {
    match &place.url {
        RepositoryUrl::Local(folder) => Ok(folder),
        RepositoryUrl::Elsewhere { kind, .. } => {
            let message = format!(
                "this version stores repositories on local paths only and does not support {kind}:"
            );
            Err(CommandError::usage(message).hint("mount the storage and give its path as url"))
        }
    }
}

/// Adds the location where a repository was expected.
fn missing(error: CommandError, place: &RepositorySettings) -> CommandError {
    let RepositoryUrl::Local(folder) = &place.url else { return error };
    if foreign::program(folder).is_some() {
        return error;
    }
    let message = match error.exit {
        ExitKind::NoRepository => format!("there is no repository at {}", escape::path(folder)),
        _ => format!("{}: {}", escape::path(folder), error.message),
    };
    let hints = match error.exit {
        ExitKind::NoRepository => vec!["holdfast run --init-missing, to create it".to_owned()],
        _ => error.hints,
    };
    CommandError { message, hints, ..error }
}
