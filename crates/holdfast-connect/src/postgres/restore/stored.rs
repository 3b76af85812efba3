//! A captured database as stored in a backup.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};

use super::super::archive::{ArchiveMember, DataSelection, Emission, LargeObjects, Limits, Toc};
use super::super::error::{ErrorKind, PostgresError};
use super::super::record::{DatabaseContent, FORM};
use super::RestoreSelection;

/// The folder of a database in a backup.
pub trait StoredDatabase {
    /// Opens one of its files by its path below the folder, such as `tables/public.users`.
    ///
    /// # Errors
    /// Errors of the store.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>>;
}

/// The same, with its tables of contents read.
pub(super) struct ReadDatabase<'a> {
    files: &'a dyn StoredDatabase,
    pub toc: Toc,
    pub content: DatabaseContent,
    paths: HashMap<ArchiveMember, String>,
    large_objects: LargeObjects,
}

impl<'a> ReadDatabase<'a> {
    pub fn read(files: &'a dyn StoredDatabase) -> Result<Self, PostgresError> {
        let damaged = |name: &str, error: &dyn std::error::Error| {
            let text = format!("the stored file {name} cannot be used: {error}");
            PostgresError::new(ErrorKind::Io, text)
        };
        let whole = |name: &str| {
            let mut bytes = Vec::new();
            let limit = Limits::DEFAULT.toc_bytes_max;
            let read = files.open(name).and_then(|file| file.take(limit).read_to_end(&mut bytes));
            read.map_err(|error| damaged(name, &error))?;
            Ok::<_, PostgresError>(bytes)
        };
        let head = whole("archive.head")?;
        let (toc, _) = Toc::decode(&head, &Limits::DEFAULT)
            .map_err(|error| damaged("archive.head", &error))?;
        let json = whole("content.json")?;
        let content: DatabaseContent =
            serde_json::from_slice(&json).map_err(|error| damaged("content.json", &error))?;
        if content.form != FORM {
            let text = format!(
                "content.json has form {}, which this version cannot read: use a newer holdfast",
                content.form
            );
            return Err(PostgresError::new(ErrorKind::Io, text));
        }
        let mut paths = HashMap::new();
        let mut large_objects = LargeObjects::new();
        for record in &content.members {
            let member =
                ArchiveMember { dump_id: record.dump_id, large_object: record.large_object };
            paths.insert(member, record.path.clone());
            if let Some(oid) = record.large_object {
                large_objects.entry(record.dump_id).or_default().push(oid);
            }
        }
        Ok(Self { files, toc, content, paths, large_objects })
    }

    /// Opens the data of a member.
    pub fn open(&self, member: ArchiveMember) -> io::Result<Box<dyn Read + '_>> {
        let path = self.paths.get(&member);
        let path = path.ok_or_else(|| io::Error::other("it is not in content.json"))?;
        self.files.open(path)
    }

    /// The entries whose data a selection needs.
    pub fn wanted(&self, selection: &RestoreSelection) -> Result<DataSelection, PostgresError> {
        if selection.is_everything() {
            return Ok(DataSelection::All);
        }
        let (schema, table) = (selection.schema.as_deref(), selection.table.as_deref());
        let numbers = self.toc.data_of(schema.map(str::as_bytes), table.map(str::as_bytes));
        match numbers.is_empty() {
            false => Ok(DataSelection::Only(numbers)),
            true => {
                let schema = schema.map(|schema| format!("{schema}.")).unwrap_or_default();
                let name = table.unwrap_or("*");
                let database = &self.content.database;
                let text =
                    format!("the backup of database {database:?} has no table {schema}{name}");
                Err(PostgresError::new(ErrorKind::Options, text))
            }
        }
    }

    /// The wanted data without some entries.
    pub fn without(&self, wanted: &DataSelection, entries: &BTreeSet<i32>) -> DataSelection {
        match wanted {
            DataSelection::All if entries.is_empty() => DataSelection::All,
            DataSelection::All => {
                let all: BTreeSet<i32> = self.toc.with_data().map(|entry| entry.dump_id).collect();
                DataSelection::Only(&all - entries)
            }
            DataSelection::Only(numbers) => DataSelection::Only(numbers - entries),
        }
    }

    /// The archive to be written with this table of contents, which is its own or part of it.
    pub fn emission<'s>(&'s self, toc: &'s Toc, wanted: &'s DataSelection) -> Emission<'s> {
        Emission::new(toc, &self.large_objects, wanted)
    }
}
