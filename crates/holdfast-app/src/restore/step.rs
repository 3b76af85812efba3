//! The steps of a restore, in order.

use std::time::Duration;

use super::database::DatabaseMove;
use super::part::Part;
use super::tree::Origin;
use crate::config::{Argv, WebUrl};

/// One step.
pub(super) enum Step<'a> {
    /// Stop the application.
    Stop(&'a Argv),
    /// Check the keys of this machine, if keys are not restored.
    KeysHere,
    /// Files and folders, of keys or of data.
    Files(Part<'a>, Origin<'a>),
    /// The output of a command.
    Command(Part<'a>, Origin<'a>),
    /// Roles and tablespaces of a server, by their script.
    Globals(Part<'a>, Vec<u8>),
    /// A database.
    Database(Box<DatabaseMove<'a>>),
    /// What databases show of each other, once all of them are restored.
    Across,
    /// A dump that is not restored: it has no target, or is a script.
    Dump(Part<'a>, Origin<'a>),
    /// Objects of a bucket.
    Objects(Part<'a>, Origin<'a>),
    /// Run the checks.
    Checks,
    /// Start the application.
    Start(&'a Argv),
    /// Wait until the application works.
    Health(&'a WebUrl, Duration),
}

impl Step<'_> {
    /// Its name in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Stop(_) => "stop the application".to_owned(),
            Self::KeysHere => "keys of this machine".to_owned(),
            Self::Files(part, _) => format!("files {}", part.name()),
            Self::Command(part, _) => format!("output {}", part.name()),
            Self::Globals(part, _) => format!("roles of {}", part.name()),
            Self::Database(database) => format!("database {}", database.to),
            Self::Across => "references between databases".to_owned(),
            Self::Dump(part, _) => format!("dump {}", part.name()),
            Self::Objects(part, _) => format!("objects {}", part.name()),
            Self::Checks => "checks".to_owned(),
            Self::Start(_) => "start the application".to_owned(),
            Self::Health(..) => "health".to_owned(),
        }
    }

    /// True if it changes data of the application.
    pub fn is_data(&self) -> bool {
        match self {
            Self::Files(..) | Self::Command(..) | Self::Objects(..) => true,
            Self::Globals(..) | Self::Database(_) | Self::Across => true,
            Self::Stop(_) | Self::KeysHere | Self::Dump(..) => false,
            Self::Checks | Self::Start(_) | Self::Health(..) => false,
        }
    }
}
