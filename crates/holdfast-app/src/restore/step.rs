//! The steps of a restore, in the order in which an application comes back.

use std::time::Duration;

use super::database::DatabaseMove;
use super::part::Part;
use super::tree::Origin;
use crate::config::{Argv, WebUrl};

/// One step.
pub(super) enum Step<'a> {
    /// The application is stopped.
    Stop(&'a Argv),
    /// Keys that are not restored: what this machine has of them.
    KeysHere,
    /// Files and folders, of keys or of data.
    Files(Part<'a>, Origin<'a>),
    /// What a command printed.
    Command(Part<'a>, Origin<'a>),
    /// Roles and tablespaces of a server, by their script.
    Globals(Part<'a>, Vec<u8>),
    /// A database.
    Database(Box<DatabaseMove<'a>>),
    /// A dump that is not restored: nothing says where, or it is a script.
    Dump(Part<'a>, Origin<'a>),
    /// Objects of a bucket.
    Objects(Part<'a>, Origin<'a>),
    /// What must hold between the parts.
    Checks,
    /// The application is started.
    Start(&'a Argv),
    /// The application answers.
    Health(&'a WebUrl, Duration),
}

impl Step<'_> {
    /// What it is, for people.
    pub fn name(&self) -> String {
        match self {
            Self::Stop(_) => "stop the application".to_owned(),
            Self::KeysHere => "keys of this machine".to_owned(),
            Self::Files(part, _) => format!("files {}", part.name()),
            Self::Command(part, _) => format!("output {}", part.name()),
            Self::Globals(part, _) => format!("roles of {}", part.name()),
            Self::Database(database) => format!("database {}", database.to),
            Self::Dump(part, _) => format!("dump {}", part.name()),
            Self::Objects(part, _) => format!("objects {}", part.name()),
            Self::Checks => "checks".to_owned(),
            Self::Start(_) => "start the application".to_owned(),
            Self::Health(..) => "health".to_owned(),
        }
    }

    /// True if it changes something of the application's data.
    pub fn is_data(&self) -> bool {
        match self {
            Self::Files(..) | Self::Command(..) | Self::Objects(..) => true,
            Self::Globals(..) | Self::Database(_) => true,
            Self::Stop(_) | Self::KeysHere | Self::Dump(..) => false,
            Self::Checks | Self::Start(_) | Self::Health(..) => false,
        }
    }
}
