//! Kinds of sources: each has a folder with everything that makes a source one of that kind, from
//! its keys in the app file to what a restore does with it.
//!
//! A new kind is a folder and a line of `kinds!` below. The rest of the crate knows kinds only by
//! [`Kind`].

mod bucket;
mod capture;
mod command;
mod dump;
mod files;
mod postgres;
mod source;
pub(crate) mod step;

use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use holdfast_connect::Source as Connector;
use holdfast_format::record::SourceRecord;

pub use bucket::{
    BucketChecksums, BucketCredentials, BucketRestore, BucketSettings, StorageClass, key_of_path,
    path_of_key,
};
pub use capture::{
    CaptureError, CaptureScene, Manner, Probe, SharedCut, SnapshotMaker, SourceCapture, SourceCut,
};
pub use command::{CommandRestore, CommandSettings};
pub use dump::DumpSettings;
pub use files::{FilesRestore, FilesSettings, Owner};
pub(crate) use postgres::{DatabaseMove, RolesMove, into_steps};
pub use postgres::{DatabaseNames, EmitTo, GlobalsPlace, PostgresSettings, emit_database};
pub use source::{AppSource, Class};

use crate::check::{NameOf, Queries, RowNames};
use crate::connections::Connections;
use crate::settings::Argv;
use crate::settings::section::{SettingTable, Variant};
use step::{Origin, RestoreError, RestorePart, RestoreStep, StepScene};

macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident($settings:ty),)*) => {
        /// What a source is.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum SourceKind {
            $($(#[$about])* $kind($settings),)*
        }

        impl SourceKind {
            /// The kinds as the app file has them.
            const VARIANTS: &'static [Variant<Self>] = &[$((
                <$settings>::WORD,
                <$settings>::ABOUT,
                |section| <$settings as SettingTable>::read(section).map(Self::$kind),
            ),)*];
        }

        impl Deref for SourceKind {
            type Target = dyn Kind;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Self::$kind(settings) => settings,)*
                }
            }
        }

        impl DerefMut for SourceKind {
            fn deref_mut(&mut self) -> &mut Self::Target {
                match self {
                    $(Self::$kind(settings) => settings,)*
                }
            }
        }
    };
}

kinds! {
    /// Databases of a PostgreSQL server.
    Postgres(PostgresSettings),
    /// A database dump that another program makes.
    Dump(DumpSettings),
    /// Objects of a bucket.
    Bucket(BucketSettings),
    /// Files and folders.
    Files(FilesSettings),
    /// What a command prints.
    Command(CommandSettings),
}

/// A source to walk, and the names that rows have for its paths.
pub type NamedSource = (Box<dyn Connector>, Box<NameOf>);

/// Where in the order of a restore the data of a kind comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestoreRank {
    /// Databases come first.
    Databases,
    /// Then the objects that their rows refer to.
    Objects,
    /// Then everything else.
    Files,
}

/// What every kind of source can do. The settings of each kind implement it.
pub trait Kind {
    /// Its type, as written in the app file and in the records of snapshots.
    fn word(&self) -> &'static str;

    // In the app file.

    /// Settles what depends on the rest of the file: whether there is a repository of keys, and
    /// which keys the source has.
    fn settle(&mut self, _has_keys_repository: bool, _has_key: &dyn Fn(&str) -> bool) {}

    /// The files that hold its secrets, each with a name.
    fn secret_files(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        Vec::new()
    }

    /// The commands whose output is stored, each with its key.
    fn commands(&self) -> Vec<(&'static str, &Argv)> {
        Vec::new()
    }

    /// The programs on this machine that a capture needs.
    fn programs(&self) -> Vec<String> {
        Vec::new()
    }

    /// The files and folders on this machine that a capture reads.
    fn paths(&self) -> &[PathBuf] {
        &[]
    }

    /// True if a capture needs to see this folder of the machine.
    fn needs_folder(&self, folder: &Path) -> bool {
        self.paths().iter().any(|path| path.starts_with(folder))
    }

    /// Its settings, if it walks files and folders.
    fn files(&self) -> Option<&FilesSettings> {
        None
    }

    /// The server that its databases are restored to, if it has any.
    fn database(&self) -> Option<&PostgresSettings> {
        None
    }

    /// The databases that checks can query.
    fn queried(&self) -> Option<&DatabaseNames> {
        None
    }

    /// How rows of databases refer to what it holds; `None` if they cannot.
    fn row_names(&self) -> Option<RowNames> {
        None
    }

    /// True if its roles and tablespaces are stored in the repository of keys.
    fn has_globals_apart(&self) -> bool {
        false
    }

    /// True if its files are scanned for secrets.
    fn is_scanned(&self) -> bool {
        true
    }

    // In a run.

    /// Finds out whether a capture would succeed.
    ///
    /// # Errors
    /// What would prevent it.
    fn probe(&self, scene: &CaptureScene<'_>) -> Result<Probe, CaptureError>;

    /// Fixes the moment at which it is captured; `None` if it is read as it is found.
    ///
    /// # Errors
    /// [`CaptureError`].
    fn cut(&self, _scene: &CaptureScene<'_>) -> Result<Option<SharedCut>, CaptureError> {
        Ok(None)
    }

    /// Prepares its capture, unless it has a moment. `previous` is its record in the previous
    /// snapshot.
    ///
    /// # Errors
    /// [`CaptureError`].
    fn capture<'a>(
        &'a self,
        scene: &'a CaptureScene<'a>,
        previous: Option<&SourceRecord>,
    ) -> Result<Box<dyn SourceCapture + 'a>, CaptureError>;

    // In a restore. `self` is the target; `from` is the source as it was captured, of the same
    // kind.

    /// When it is restored.
    fn restore_rank(&self) -> RestoreRank {
        RestoreRank::Files
    }

    /// Refuses a target that does not fit.
    ///
    /// # Errors
    /// [`RestoreError`].
    fn check_target(&self, _part: &RestorePart<'_>) -> Result<(), RestoreError> {
        Ok(())
    }

    /// What the target and a source of the application have in common, judging by their settings.
    fn overlap(&self, _live: &SourceKind) -> Option<String> {
        None
    }

    /// Refuses a target that turns out to be a source of the application under another address.
    ///
    /// # Errors
    /// [`RestoreError`].
    fn refuse_live(
        &self,
        _part: &RestorePart<'_>,
        _live: &AppSource,
        _origin: Origin<'_>,
        _connections: &Connections<'_>,
    ) -> Result<(), RestoreError> {
        Ok(())
    }

    /// The target of a path of the source.
    fn destination(&self, _from: &SourceKind, _path: &Path) -> Option<PathBuf> {
        None
    }

    /// What is to be restored.
    ///
    /// # Errors
    /// [`RestoreError`].
    fn moves<'a>(
        &'a self,
        part: &RestorePart<'a>,
        origin: Origin<'a>,
        scene: &StepScene<'a>,
    ) -> Result<Vec<Move<'a>>, RestoreError>;

    /// What checks walk after the restore: sources, each with the names that rows have for its
    /// paths.
    ///
    /// # Errors
    /// A source cannot be opened.
    fn restored(
        &self,
        _from: &SourceKind,
        _connections: &Connections<'_>,
    ) -> io::Result<Vec<NamedSource>> {
        Ok(Vec::new())
    }

    /// The restored databases, under the names that they had when they were captured.
    ///
    /// # Errors
    /// [`RestoreError`].
    fn restored_queries(
        &self,
        _part: &RestorePart<'_>,
        _origin: Origin<'_>,
        _scene: &StepScene<'_>,
    ) -> Result<Option<Box<dyn Queries>>, RestoreError> {
        Ok(None)
    }
}

/// Something to restore.
pub enum Move<'a> {
    /// By a step of its own.
    Step(Box<dyn RestoreStep + 'a>),
    /// A database; those of all sources become steps together, because they may read each other.
    Database(Box<DatabaseMove<'a>>),
    /// Roles and tablespaces of a server.
    Roles(RolesMove),
}
