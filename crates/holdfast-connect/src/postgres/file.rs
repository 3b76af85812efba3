//! Dumps that somebody made, as files or streams.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use holdfast_format::entry::Metadata;

use super::archive::{PlainCheck, PlainKind};
use super::content::{Entries, already_read};
use super::database::DatabaseFolder;
use super::dump::Dump;
use super::error::{ErrorKind, PostgresError};
use crate::{Content, Item, Opener, Piece, Source};

/// What every archive of `pg_dump -Fc` begins with.
const ARCHIVE_START: &[u8] = b"PGDMP";

/// A source of a dump that was made before, proven to be whole.
///
/// An archive (`pg_dump -Fc`, compressed or not) becomes the tree that [`super::PostgresSource`]
/// gives, without `postgres.json`; a script of `pg_dump` becomes `database.sql`, one of
/// `pg_dumpall` `cluster.sql`. It can be read only once and in its own order.
pub struct DumpFileSource {
    entries: Entries,
    file: Option<Box<dyn Read + Send>>,
    folder: Option<DatabaseFolder>,
    items: VecDeque<Item>,
}

impl DumpFileSource {
    /// Reads from `file`, as a dump that was made at `seconds` since 1970.
    pub fn new(file: Box<dyn Read + Send>, seconds: i64) -> Self {
        let entries = Entries::new(seconds);
        Self { entries, file: Some(file), folder: None, items: VecDeque::new() }
    }

    fn begin(&mut self, mut file: Box<dyn Read + Send>) -> io::Result<()> {
        let mut start = Vec::new();
        file.by_ref().take(256).read_to_end(&mut start)?;
        let is_archive = start.starts_with(ARCHIVE_START);
        let is_cluster = start.windows(16).any(|part| part == b"database cluster");
        let is_script = start.starts_with(b"--");
        let file: Box<dyn Read + Send> = Box::new(io::Cursor::new(start).chain(file));
        if is_archive || !is_script {
            // What is neither, the reader of archives can name.
            let dump = Dump::from_file(file)?;
            self.items.push_back(self.entries.enter("databases", false));
            let folder = DatabaseFolder::begin(dump, None, self.entries, &mut self.items);
            self.folder = Some(folder);
            return Ok(());
        }
        let (name, kind) = match is_cluster {
            true => ("cluster.sql", PlainKind::Cluster),
            false => ("database.sql", PlainKind::Database),
        };
        let script = Script { file, check: Some(PlainCheck::new()), kind };
        let opener = ScriptOpener(Mutex::new(Some(script)));
        self.items.push_back(self.entries.stream(name, Box::new(opener)));
        Ok(())
    }
}

impl Source for DumpFileSource {
    fn next(&mut self) -> io::Result<Option<Item>> {
        while self.items.is_empty() {
            if let Some(file) = self.file.take() {
                self.begin(file)?;
            } else if let Some(mut folder) = self.folder.take() {
                match folder.go_on(&mut self.items)? {
                    true => self.folder = Some(folder),
                    false => self.items.push_back(Item::Leave),
                }
            } else {
                return Ok(None);
            }
        }
        Ok(self.items.pop_front())
    }
}

/// The script, until somebody reads it.
struct ScriptOpener(Mutex<Option<Script>>);

impl std::fmt::Debug for ScriptOpener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ScriptOpener")
    }
}

impl Opener for ScriptOpener {
    fn open(&self) -> io::Result<Box<dyn Content>> {
        let script = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Box::new(script.ok_or_else(already_read)?))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

struct Script {
    file: Box<dyn Read + Send>,
    /// Until the end.
    check: Option<PlainCheck>,
    kind: PlainKind,
}

impl Content for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Piece> {
        let count = loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        if count > 0 {
            if let Some(check) = &mut self.check {
                check.update(&buffer[..count]);
            }
            return Ok(Piece::Data(count));
        }
        match self.check.take().map(PlainCheck::finish) {
            Some(Err(error)) => {
                Err(PostgresError::new(ErrorKind::Incomplete, error.to_string()).into())
            }
            Some(Ok(kind)) if kind != self.kind => {
                let text = "the script ends as another one than it began";
                Err(PostgresError::new(ErrorKind::Incomplete, text).into())
            }
            _ => Ok(Piece::End),
        }
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(None)
    }
}
