//! What the user can do next.
//!
//! Which command or flag that takes is known only to the program that shows it.

/// Something to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep {
    /// Something that takes no command: one clause in the imperative.
    Text(String),
    /// Check the repository, or choose another snapshot.
    CheckRepository,
    /// Use the app file of the time of the snapshot.
    OlderAppFile,
    /// Name something else in the file of targets, or restore in place.
    OtherTarget(&'static str),
    /// Name one of these databases, or its source.
    ChooseDatabase(Vec<String>),
    /// Name a source that has databases.
    ChooseDatabaseSource,
    /// Restore the database under another name.
    OtherName,
    /// Restore the whole database.
    WholeDatabase,
    /// Restore without owners and privileges.
    WithoutOwners,
    /// Allow the database to be replaced.
    ReplaceDatabase(String),
    /// Name the database that may be replaced.
    AllowReplacement,
    /// Allow an interrupted replacement of the database to be completed.
    CompleteReplacement(String),
    /// Choose one of the databases that a snapshot lists.
    ListDatabases,
    /// Use this snapshot of the data, the last complete one.
    CompleteSnapshot(String),
    /// Use this snapshot of the keys, the last complete one.
    CompleteKeysSnapshot(String),
    /// Use this snapshot of the keys, which has the same keys.
    SameKeysSnapshot(String),
    /// Use the keys that were made with the data.
    LinkedKeys,
    /// Continue with the keys at hand.
    AnyKeys(KeysAtHand),
    /// Say that the application is not running.
    AlreadyStopped,
    /// Start the application all the same.
    StartAnyway,
    /// Print a file of the snapshot.
    PrintFile {
        /// The snapshot.
        snapshot: String,
        /// The source.
        source: String,
        /// The path in the source.
        path: String,
        /// What to do with the file, if that needs saying.
        purpose: &'static str,
    },
    /// Print a database of the snapshot as an archive.
    PrintArchive {
        /// The snapshot.
        snapshot: String,
        /// The source.
        source: String,
    },
}

/// Keys that a restore can continue with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysAtHand {
    /// The machine has the keys that the data needs.
    Right,
    /// The machine may have none.
    Unknown,
    /// The chosen snapshot has others.
    Other,
}

/// Something that the user should know: one sentence without a full stop, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The sentence.
    pub message: String,
    /// What to do about it, if the sentence does not say.
    pub next: Option<NextStep>,
}

impl Remark {
    /// A remark with something to do about it.
    pub fn with(message: impl Into<String>, next: NextStep) -> Self {
        Self { message: message.into(), next: Some(next) }
    }
}

impl From<String> for Remark {
    fn from(message: String) -> Self {
        Self { message, next: None }
    }
}

impl From<&str> for NextStep {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for NextStep {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
