//! `[[source]]`: what an application consists of, in the order in which it is captured.

mod bucket;
mod dump;
mod files;
mod postgres;

pub use bucket::{Bucket, BucketCredentials, BucketRestore, Checksums, StorageClass};
pub use dump::Dump;
pub use files::{Files, FilesRestore, Owner};
pub use postgres::{Databases, Globals, Postgres};

use std::path::PathBuf;

use holdfast_engine::completeness::ShrinkLimit;
use serde_json::{Value as Json, json};

use super::argv::Argv;
use super::name::SourceName;
use super::section::{Section, Table};
use super::value::{Choice, Field, Value};

/// One part of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name, also the name of its tree in the snapshot.
    pub name: SourceName,
    /// Which repository stores it.
    pub class: Class,
    /// The share of its former size below which it counts as shrunk.
    pub shrink_limit: ShrinkLimit,
    /// What it is.
    pub kind: SourceKind,
}

/// Which repository stores a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Class {
    /// The main one.
    #[default]
    Data,
    /// The one of keys.
    Keys,
}

impl Choice for Class {
    const WORDS: &'static [(&'static str, Self)] = &[("data", Self::Data), ("keys", Self::Keys)];
}

/// What a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// Files and folders.
    Files(Files),
    /// What a command prints.
    Command(CommandOutput),
    /// Databases of a PostgreSQL server.
    Postgres(Postgres),
    /// A database dump that another program makes.
    Dump(Dump),
    /// Objects of a bucket.
    Bucket(Bucket),
}

/// A source of type `command`: what a command prints, as one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// The command.
    pub command: Argv,
    /// Path of the file in the snapshot.
    pub file: String,
    /// What a restore does with it; nothing if absent.
    pub restore: Option<CommandRestore>,
}

/// What a restore does with what a command printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandRestore {
    /// Writes it to this file.
    File(PathBuf),
    /// Passes it to this command on standard input.
    Command(Argv),
}

impl SourceKind {
    /// True for databases whose roles and tablespaces are stored in the repository of keys.
    pub fn has_globals_apart(&self) -> bool {
        matches!(self, Self::Postgres(postgres) if postgres.globals == Globals::WithKeys)
    }

    /// Where its databases are restored to, if it has any.
    pub fn database(&self) -> Option<&Postgres> {
        match self {
            Self::Postgres(postgres) => Some(postgres),
            Self::Dump(dump) => dump.restore.as_deref(),
            Self::Files(_) | Self::Command(_) | Self::Bucket(_) => None,
        }
    }

    /// Its type, as written in the file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Files(_) => "files",
            Self::Command(_) => "command",
            Self::Postgres(_) => "postgres",
            Self::Dump(_) => "dump",
            Self::Bucket(_) => "bucket",
        }
    }
}

impl Table for Source {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let name = section
            .required("name", "Name of the source, also the name of its tree in the snapshot.");
        let class = section.optional(
            "class",
            "keys stores the source in [repository.keys], apart from the data it opens. Default: \
             data.",
        );
        let shrink_limit = section.optional(
            "shrink-limit",
            "A source with less than this share of the entries or bytes of its last complete \
             capture counts as shrunk, and no old snapshot is removed. Entry counts below 10 and \
             sizes below 1 MiB in that capture are not compared. 0% turns this off. Default: 50%.",
        );
        let kind = section.variant(
            "type",
            "Type of the source: postgres, dump, bucket, files or command.",
            &[
                ("postgres", "Databases of a PostgreSQL server.", |section| {
                    Postgres::read(section).map(SourceKind::Postgres)
                }),
                ("dump", "A database dump that another program makes.", |section| {
                    Dump::read(section).map(SourceKind::Dump)
                }),
                (
                    "bucket",
                    "Objects of a bucket: S3, Google Cloud Storage or Azure Blob Storage.",
                    |section| Bucket::read(section).map(SourceKind::Bucket),
                ),
                ("files", "Files and folders.", |section| {
                    Files::read(section).map(SourceKind::Files)
                }),
                ("command", "What a command prints, as one file.", |section| {
                    CommandOutput::read(section).map(SourceKind::Command)
                }),
            ],
        );
        let (class, shrink_limit) = (class.unwrap_or_default(), shrink_limit.unwrap_or_default());
        Some(Self { name: name?, class, shrink_limit, kind: kind? })
    }
}

impl Value for ShrinkLimit {
    const EXPECTED: &'static str = "a percentage in quotes";
    const EXAMPLE: &'static str = "\"50%\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(100|[0-9]{1,2})%$" })
    }

    fn read(field: &mut Field<'_, '_>) -> Option<Self> {
        match field.text::<Self>()?.parse::<Self>() {
            Ok(limit) => Some(limit),
            Err(error) => {
                field.refuse(error.to_string(), format!("{} = \"50%\"", field.key));
                None
            }
        }
    }
}

impl Table for CommandOutput {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let command = section.required(
            "command",
            "Command whose output is backed up, as a list of words. If the command fails, so \
             does the source.",
        );
        let file: Option<String> = section.required("file", "Path of the file in the snapshot.");
        if let Some(file) = &file
            && !is_inside(file)
        {
            let message = "`file` must be a plain path, without ., .. or empty names";
            section.refuse("file", message, "file = \"dump.sql\"");
            return None;
        }
        let restore =
            section.table("restore", "What a restore does with the output. Default: nothing.");
        Some(Self { command: command?, file: file?, restore })
    }
}

impl Table for CommandRestore {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let file = section.optional("file", "File that a restore writes it to.");
        let command = section.optional(
            "command",
            "Command that receives it on standard input in a restore, as a list of words.",
        );
        if !section.exactly_one(&["file", "command"]) {
            return None;
        }
        file.map(Self::File).or(command.map(Self::Command))
    }
}

fn is_inside(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').all(|name| !matches!(name, "" | "." | ".."))
}
