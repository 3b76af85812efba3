//! The tree of a cut.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::content::CaptureEntries;
use super::cut::Cut;
use super::database::DatabaseFolder;
use super::dump::RunningDump;
use super::options::GlobalsSelection;
use super::record::to_json;
use crate::{Source, SourceItem, UnreadEntry};

/// A source of what a cut sees: `databases/`, then `globals.sql` if it is wanted, then
/// `postgres.json`.
///
/// It can be read only once and in its own order: the content of a file must be read before the
/// next item is requested, otherwise it is skipped. After an error in any part, none of it may be
/// used. The transaction of each database ends when its dump is complete.
pub struct PostgresSource {
    cut: Arc<Cut>,
    entries: CaptureEntries,
    stage: PostgresSourceStage,
    items: VecDeque<SourceItem>,
}

/// What comes next.
enum PostgresSourceStage {
    Begin,
    /// The database at this position in the record.
    Database(usize),
    /// The next member of its dump.
    Member(usize, Box<DatabaseFolder>),
    Globals,
    Server,
    Done,
}

impl PostgresSource {
    /// Everything that the cut's options name.
    pub fn new(cut: Arc<Cut>) -> Self {
        let entries = CaptureEntries::new(cut.seconds);
        Self { cut, entries, stage: PostgresSourceStage::Begin, items: VecDeque::new() }
    }

    /// Produces the next items; false if there are none.
    fn advance(&mut self) -> io::Result<bool> {
        self.stage = match std::mem::replace(&mut self.stage, PostgresSourceStage::Done) {
            PostgresSourceStage::Begin => {
                self.items.push_back(self.entries.enter("databases", false));
                PostgresSourceStage::Database(0)
            }
            PostgresSourceStage::Database(place) => self.begin_database(place)?,
            PostgresSourceStage::Member(place, folder) => self.next_member(place, folder)?,
            PostgresSourceStage::Globals => {
                let options = &self.cut.options;
                if options.globals != GlobalsSelection::None && !options.globals_apart {
                    self.items.push_back(self.entries.file("globals.sql", self.cut.globals()?));
                }
                PostgresSourceStage::Server
            }
            PostgresSourceStage::Server => {
                let json = to_json(self.cut.record())?;
                self.items.push_back(self.entries.file("postgres.json", json));
                PostgresSourceStage::Done
            }
            PostgresSourceStage::Done => return Ok(false),
        };
        Ok(true)
    }

    fn begin_database(&mut self, place: usize) -> io::Result<PostgresSourceStage> {
        let Some(record) = self.cut.record().databases.get(place) else {
            self.items.push_back(SourceItem::Leave);
            return Ok(PostgresSourceStage::Globals);
        };
        let (dump, record) = (RunningDump::start(&self.cut, record)?, record.clone());
        let folder = DatabaseFolder::begin(dump, Some(record), self.entries, &mut self.items);
        Ok(PostgresSourceStage::Member(place, Box::new(folder)))
    }

    fn next_member(
        &mut self,
        place: usize,
        mut folder: Box<DatabaseFolder>,
    ) -> io::Result<PostgresSourceStage> {
        if folder.advance(&mut self.items)? {
            return Ok(PostgresSourceStage::Member(place, folder));
        }
        if let Some(record) = self.cut.record().databases.get(place) {
            // The server no longer needs to keep old rows for it.
            self.cut.release(&record.name)?;
            let said = folder.said();
            let lacks = self.cut.hidden(&record.name).iter().cloned().chain(said.left_out);
            self.items.extend(lacks.map(|lack| lacking(&record.folder, lack)));
            self.cut.heard(said.others);
        }
        Ok(PostgresSourceStage::Database(place + 1))
    }
}

/// Something in a database that its dump does not have.
fn lacking(folder: &str, what: String) -> SourceItem {
    let path = format!("/databases/{folder}").into_bytes();
    SourceItem::Unread(UnreadEntry { path, during: "dump", error: io::Error::other(what) })
}

impl Source for PostgresSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        while self.items.is_empty() {
            if !self.advance()? {
                return Ok(None);
            }
        }
        Ok(self.items.pop_front())
    }
}

/// A source of only `globals.sql`: roles and tablespaces, kept apart from the databases because
/// they contain what is needed to guess passwords.
///
/// Like [`PostgresSource`], it can be read only once.
pub struct GlobalsSource {
    cut: Arc<Cut>,
    entries: CaptureEntries,
    is_done: bool,
}

impl GlobalsSource {
    /// The globals of the cut's server, according to its options.
    pub fn new(cut: Arc<Cut>) -> Self {
        let entries = CaptureEntries::new(cut.seconds);
        Self { cut, entries, is_done: false }
    }
}

impl Source for GlobalsSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        if std::mem::replace(&mut self.is_done, true) {
            return Ok(None);
        }
        Ok(Some(self.entries.file("globals.sql", self.cut.globals()?)))
    }
}
