//! One dump, parsed while `pg_dump` prints it or while it is read from a file.

use std::collections::HashMap;
use std::io::{self, Read};
use std::mem;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use holdfast_format::entry::Metadata;

use super::archive::{
    ArchiveError, ArchiveEvent, ArchiveMember, ArchiveReader, ContentHasher, Limits, Looks, Toc,
    TocEntry,
};
use super::content::already_read;
use super::cut::Cut;
use super::error::{ErrorKind, PostgresError};
use super::names::TableFileNames;
use super::record::{DatabaseContent, DatabaseRecord, FORM, MemberKind, MemberRecord};
use super::said::ToolMessages;
use super::same::FullPipe;
use super::tool::RunningTool;
use crate::command::StoppableInput;
use crate::{ContentPiece, ContentReader, Opener};

/// Bytes read at once of a member that is skipped.
const SKIP_BYTES: usize = 64 << 10;
/// Digits of the hash of a member.
const HASH_DIGITS: usize = 32;
/// How long a tool whose output was not a dump may take to say why.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(2);

/// A dump that is being read.
pub(super) struct RunningDump {
    /// The database, for messages.
    database: String,
    reader: ArchiveReader<Box<dyn Read + Send>>,
    /// The tool that prints it, unless it is a file.
    running: Option<RunningTool>,
    /// Positions of the entries in the table of contents, by number.
    places: HashMap<i32, usize>,
    names: TableFileNames,
    /// The member whose data is being read.
    open: Option<(MemberRecord, ContentHasher)>,
    members: Vec<MemberRecord>,
    /// How much memory more members may take: even a large object of a few bytes is one.
    room: u64,
    /// Why reading failed: reported again to any further caller.
    failure: Option<PostgresError>,
    /// Buffer for what is skipped.
    skipped: Vec<u8>,
    /// What the tool printed although it succeeded.
    said: ToolMessages,
}

impl RunningDump {
    /// Starts `pg_dump` on a database of the cut and reads the table of contents.
    pub fn start(cut: &Cut, record: &DatabaseRecord) -> Result<Self, PostgresError> {
        let mut command = cut.tools.command("pg_dump");
        command.args(["-Fc", "-Z0", "--no-password"]);
        command.arg(format!("--lock-wait-timeout={}", cut.options.lock_timeout.as_millis()));
        command.arg(format!("--snapshot={}", record.snapshot));
        let name = application_name()?;
        command.arg("-d").arg(cut.tools.address.uri_of(&record.name, &name));
        let pipe = |error| PostgresError::io("make a pipe", &error);
        let (full, writer) = FullPipe::new().map_err(pipe)?;
        command.stdin(Stdio::null()).stdout(writer);
        let mut running = cut.tools.start("pg_dump", &mut command)?;
        // Its end of the pipe is dropped with it, so that the dump ends when the tool does.
        drop(command);
        // Where the tools run elsewhere, so does the session, through the same command.
        if cut.tools.exec.is_empty() {
            cut.see(&record.name, &mut running, &name)?;
        }
        let output = StoppableInput::new(full.open().map_err(pipe)?, Arc::clone(&cut.tools.stop));
        match ArchiveReader::open(Box::new(output) as Box<dyn Read + Send>, Limits::DEFAULT) {
            Ok(reader) => Ok(Self::new(record.name.clone(), reader, Some(running), u64::MAX)),
            Err(error) => Err(blame(&record.name, &mut running, &error)),
        }
    }

    /// Reads the table of contents of a dump made elsewhere, whose file has `bytes` bytes.
    pub fn from_file(file: Box<dyn Read + Send>, bytes: u64) -> Result<Self, PostgresError> {
        let limits = Limits::of_file(bytes);
        let reader = ArchiveReader::open(file, limits);
        let reader =
            reader.map_err(|error| PostgresError::new(ErrorKind::Incomplete, error.to_string()))?;
        let name = reader.toc().head.database.as_deref().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        Ok(Self::new(name, reader, None, limits.toc_bytes_max))
    }

    fn new(
        database: String,
        reader: ArchiveReader<Box<dyn Read + Send>>,
        running: Option<RunningTool>,
        room: u64,
    ) -> Self {
        let entries = reader.toc().entries.iter().enumerate();
        let places = entries.map(|(place, entry)| (entry.dump_id, place)).collect();
        Self {
            database,
            reader,
            running,
            places,
            names: TableFileNames::default(),
            open: None,
            members: Vec::new(),
            room,
            failure: None,
            skipped: vec![0; SKIP_BYTES],
            said: ToolMessages::default(),
        }
    }

    /// Name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Header and table of contents.
    pub fn toc(&self) -> &Toc {
        self.reader.toc()
    }

    /// Advances to the next member, past any unread data of the last one. Returns `None` after the
    /// last member, and only if the dump is proven to be complete.
    pub fn advance(&mut self) -> Result<Option<&MemberRecord>, PostgresError> {
        let mut buffer = mem::take(&mut self.skipped);
        while self.open.is_some() {
            self.read(&mut buffer)?;
        }
        let event = self.next(&mut buffer);
        self.skipped = buffer;
        match event? {
            ArchiveEvent::Begins(member) => {
                self.begin(member);
                Ok(self.open.as_ref().map(|(record, _)| record))
            }
            ArchiveEvent::Complete => {
                if let Some(running) = &mut self.running {
                    running.succeed()?;
                    self.said = ToolMessages::read(&running.end()?.1);
                }
                Ok(None)
            }
            ArchiveEvent::Data(_) | ArchiveEvent::Ends(_) => {
                Err(self.damaged("data outside of a table"))
            }
        }
    }

    /// Reads data of the member; 0 at its end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, PostgresError> {
        if self.open.is_none() || buffer.is_empty() {
            return Ok(0);
        }
        match self.next(buffer)? {
            ArchiveEvent::Data(count) => {
                let hashed = match &mut self.open {
                    Some((_, hasher)) => hasher.update(&buffer[..count]),
                    None => Ok(()),
                };
                hashed.map_err(|error| self.damaged(&error.to_string()))?;
                Ok(count)
            }
            ArchiveEvent::Ends(_) => self.end().map(|()| 0),
            ArchiveEvent::Begins(_) | ArchiveEvent::Complete => {
                Err(self.damaged("a table within a table"))
            }
        }
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<ArchiveEvent, PostgresError> {
        if let Some(failure) = &self.failure {
            return Err(PostgresError::new(failure.kind, failure.to_string()));
        }
        let event = self.reader.next(buffer).map_err(|error| match &mut self.running {
            Some(running) => blame(&self.database, running, &error),
            None => PostgresError::new(ErrorKind::Incomplete, error.to_string()),
        });
        event.inspect_err(|error| {
            self.failure = Some(error.reworded(error.to_string()));
        })
    }

    fn begin(&mut self, member: ArchiveMember) {
        let entry =
            self.places.get(&member.dump_id).map(|place| &self.reader.toc().entries[*place]);
        let text = |text: Option<&[u8]>| text.map(|it| String::from_utf8_lossy(it).into_owned());
        let named =
            |entry: &TocEntry| entry.namespace.as_deref().filter(|it| !it.is_empty()).is_some();
        let (path, hasher) = match (member.large_object, entry) {
            (None, Some(entry)) => {
                let name = self.names.of_entry(entry);
                (format!("tables/{name}"), ContentHasher::of_entry(entry))
            }
            (oid, _) => {
                let name = oid.unwrap_or_default();
                (format!("blobs/{name}"), ContentHasher::of_large_object())
            }
        };
        let table = entry.filter(|_| member.large_object.is_none());
        let schema =
            table.filter(|entry| named(entry)).and_then(|it| text(it.namespace.as_deref()));
        let record = MemberRecord {
            dump_id: member.dump_id,
            large_object: member.large_object,
            schema,
            name: table.and_then(|entry| text(entry.tag.as_deref())).unwrap_or_default(),
            path,
            kind: MemberKind::Rows,
            rows: 0,
            bytes: 0,
            hash: String::new(),
        };
        self.open = Some((record, hasher));
    }

    /// The data of the open member is complete.
    fn end(&mut self) -> Result<(), PostgresError> {
        let Some((mut record, hasher)) = self.open.take() else { return Ok(()) };
        let content = hasher.finish();
        let content =
            content.map_err(|error| self.damaged(&format!("{}: {error}", record.label())))?;
        record.kind = content.kind.into();
        let texts = record.path.len() + record.name.len();
        let taken = 2 * size_of::<MemberRecord>() + texts + HASH_DIGITS;
        self.room = self.room.checked_sub(taken as u64).ok_or_else(|| {
            let text = format!(
                "the dump of database {:?} has too many tables and large objects for a file of its \
                 size",
                self.database
            );
            PostgresError::new(ErrorKind::Incomplete, text)
        })?;
        (record.rows, record.bytes) = (content.rows, content.bytes);
        record.hash = format!("{:032x}", content.hash);
        self.members.push(record);
        Ok(())
    }

    /// Puts the member into a different folder than its kind implies.
    pub fn move_to(&mut self, folder: &str) {
        if let Some((record, _)) = &mut self.open {
            let name = record.path.rsplit('/').next().unwrap_or_default();
            record.path = format!("{folder}/{name}");
        }
    }

    /// What the tool printed, once the dump is complete.
    pub fn said(&mut self) -> ToolMessages {
        mem::take(&mut self.said)
    }

    /// What the dump contained, once it is complete.
    pub fn content(&mut self, record: Option<DatabaseRecord>) -> DatabaseContent {
        let (database, members) = (self.database.clone(), mem::take(&mut self.members));
        DatabaseContent { form: FORM, database, record, members }
    }

    fn damaged(&self, what: &str) -> PostgresError {
        let text = format!("the dump of database {:?} is damaged: {what}", self.database);
        PostgresError::new(ErrorKind::Incomplete, text)
    }
}

/// A name that identifies the session of one `pg_dump`.
fn application_name() -> Result<String, PostgresError> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|error| PostgresError::new(ErrorKind::Io, format!("no random bytes: {error}")))?;
    Ok(format!("holdfast dump {:016x}", u64::from_le_bytes(random)))
}

/// Why a dump could not be read to its end.
fn blame(database: &str, running: &mut RunningTool, error: &ArchiveError) -> PostgresError {
    let outcome = running.outcome_within(LAST_WORDS_TIMEOUT);
    let has_ended = matches!(
        error,
        ArchiveError::CutShort { .. }
            | ArchiveError::Missing { .. }
            | ArchiveError::NotAnArchive(Looks::Empty)
    );
    match outcome {
        // A tool fails if nothing reads its output any more.
        Some(Err(failed)) if has_ended || failed.kind == ErrorKind::Stopped => {
            let text = format!("the dump of database {database:?} failed: {failed}");
            PostgresError::new(failed.kind, text)
        }
        _ if has_ended => {
            let text = format!(
                "the dump of database {database:?} is incomplete although pg_dump reported no \
                 error, so the command that passes on its output (`exec`) loses bytes: {error}"
            );
            PostgresError::new(ErrorKind::Incomplete, text)
        }
        outcome => {
            let said = outcome.map(|_| running.messages()).filter(|said| !said.is_empty());
            let said = said.map(|said| format!("; it also printed: {said}")).unwrap_or_default();
            let text =
                format!("pg_dump's output for database {database:?} is not a dump: {error}{said}");
            PostgresError::new(ErrorKind::Incomplete, text)
        }
    }
}

/// Reads the open member of a dump while no one else reads.
#[derive(Clone)]
pub(super) struct SharedDump(Arc<Mutex<RunningDump>>);

impl SharedDump {
    pub fn new(dump: RunningDump) -> Self {
        Self(Arc::new(Mutex::new(dump)))
    }

    /// Runs `act` on the dump.
    pub fn with<T>(&self, act: impl FnOnce(&mut RunningDump) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Opens a member, as long as the dump has just reached it.
pub(super) struct MemberOpener {
    dump: Weak<Mutex<RunningDump>>,
    path: String,
}

impl MemberOpener {
    pub fn new(dump: &SharedDump, path: &str) -> Self {
        Self { dump: Arc::downgrade(&dump.0), path: path.to_owned() }
    }
}

impl std::fmt::Debug for MemberOpener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("MemberOpener").field(&self.path).finish()
    }
}

impl Opener for MemberOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        let dump = self.dump.upgrade().ok_or_else(already_read)?;
        let is_here = SharedDump(Arc::clone(&dump))
            .with(|dump| dump.open.as_ref().is_some_and(|(record, _)| record.path == self.path));
        match is_here {
            true => Ok(Box::new(MemberContent(SharedDump(dump)))),
            false => Err(already_read()),
        }
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

struct MemberContent(SharedDump);

impl ContentReader for MemberContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        match self.0.with(|dump| dump.read(buffer))? {
            0 => Ok(ContentPiece::End),
            count => Ok(ContentPiece::Data(count)),
        }
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(None)
    }
}
