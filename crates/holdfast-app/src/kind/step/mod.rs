//! A step of a restore: what it is, and what it may use.
//!
//! Each step examines its target while the plan is made, and acts once the user has confirmed it.

mod agreed;
mod error;
mod keys;
mod next;
mod part;
mod plan;
mod tree;
mod work;

use std::path::Path;

use holdfast_connect::postgres::RestoreSelection;
use holdfast_format::ObjectId;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;

pub use agreed::AgreedPaths;
pub use error::RestoreError;
pub use keys::{KeyOnMachine, key_on_machine};
pub use next::{KeysAtHand, NextStep, Remark};
pub use part::RestorePart;
pub use plan::{Effect, PlanItem, Planning};
pub use tree::{Origin, SourceTree};
pub use work::{Hold, StepOutcome, StepWork, Verified};

use crate::connections::Connections;
use crate::kind::Class;
use crate::notify::HttpOptions;

/// The environment of a restore, supplied by the program.
pub struct RestoreContext<'a> {
    /// The repository of the data.
    pub data: &'a Repository,
    /// The repository of the keys, if the app file names one.
    pub keys: Option<&'a Repository>,
    /// ID of the restore: letters, digits and dashes.
    pub run: &'a str,
    /// Tells the time.
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// Connections to servers.
    pub connections: Connections<'a>,
    /// How to request the health URL and send notices.
    pub http: HttpOptions,
    /// A folder for temporary files.
    pub scratch: &'a Path,
}

/// What the user requested.
#[derive(Debug, Clone, Default)]
pub struct RestoreRequest {
    /// Names of the sources to restore; empty for all.
    pub only: Vec<String>,
    /// Which database to restore alongside the application, if there are several.
    pub database: Option<String>,
    /// Which part of a database to restore alongside the application.
    pub selection: RestoreSelection,
    /// The name to restore the only database to, alongside the application.
    pub into: Option<String>,
    /// Number of connections that fill a database concurrently.
    pub jobs: Option<u32>,
    /// Databases that may be replaced although they hold tables.
    pub overwrite: Vec<String>,
    /// True to keep whatever exists, even if it differs, and restore only what is missing.
    pub only_missing: bool,
    /// True to make the restoring role own everything in databases.
    pub no_owner: bool,
    /// True to put everything in databases into the default tablespace.
    pub no_tablespaces: bool,
    /// Which keys to use.
    pub keys: KeysRequest,
    /// True to continue without the right keys.
    pub any_keys: bool,
    /// True if the application is already stopped.
    pub already_stopped: bool,
    /// True to start the application even if the restore or a check failed.
    pub start_anyway: bool,
}

/// Which snapshot of the keys to use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeysRequest {
    /// The one that was made with the data.
    #[default]
    Linked,
    /// This one.
    Snapshot(ObjectId),
}

impl RestoreRequest {
    /// True if a database, or a part of one, is restored alongside the application, which is left
    /// alone.
    pub fn is_alongside(&self) -> bool {
        self.into.is_some() || self.selection != RestoreSelection::default()
    }
}

/// What every step of a restore may know.
pub struct StepScene<'a> {
    /// The environment.
    pub context: &'a RestoreContext<'a>,
    /// What the user requested.
    pub request: &'a RestoreRequest,
    /// The snapshot of the data.
    pub data: &'a SnapshotInfo,
    /// The snapshot of the keys, if keys are restored.
    pub keys: Option<&'a SnapshotInfo>,
    /// The sources to restore.
    pub parts: Vec<RestorePart<'a>>,
}

impl<'a> StepScene<'a> {
    /// The snapshot that holds sources of a class, in its repository; `None` for keys that are not
    /// restored.
    pub fn origin(&self, class: Class) -> Option<Origin<'a>> {
        let (snapshot, repository) = match class {
            Class::Data => (self.data, self.context.data),
            Class::Keys => self.keys.zip(self.context.keys)?,
        };
        Some(Origin { repository, snapshot })
    }
}

/// What a step is about, which decides when it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepRole {
    /// It changes data of the application.
    Data,
    /// It changes nothing that the application uses.
    Other,
    /// It starts the application.
    Start,
    /// It waits until the application works.
    Health,
}

/// One step of a restore.
pub trait RestoreStep {
    /// Its name in messages.
    fn name(&self) -> String;

    /// What it is about.
    fn role(&self) -> StepRole;

    /// The source that it restores, if it is about one.
    fn source(&self) -> Option<&str> {
        None
    }

    /// Examines its target, and adds what it will do to the plan.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing was changed.
    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError>;

    /// Carries it out. A target that has changed since the plan was made is left alone.
    ///
    /// # Errors
    /// [`RestoreError`].
    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError>;

    /// Reports what it could not finish because the restore ended early.
    fn abandon(&self, _work: &mut StepWork<'_>) {}
}
