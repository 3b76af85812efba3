//! The tree of a cut.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::content::Entries;
use super::cut::Cut;
use super::dump::{Dump, MemberOpener, SharedDump};
use super::options::Globals;
use super::record::to_json;
use crate::{Item, Source};

/// A source of what a cut sees: `databases/`, then `globals.sql` if it is wanted, then
/// `postgres.json`.
///
/// It can be read only once and in its own order: the content of a file must be read before the
/// next item is asked for, else it is skipped. An error in any part means that none of it may be
/// used.
pub struct PostgresSource {
    cut: Arc<Cut>,
    entries: Entries,
    stage: Stage,
    items: VecDeque<Item>,
}

/// What comes next.
enum Stage {
    Begin,
    /// The database at this place in the record.
    Database(usize),
    /// The next member of its dump.
    Member(usize, SharedDump, Option<Folder>),
    Globals,
    Server,
    Done,
}

/// The folder of a database that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Folder {
    Tables,
    Blobs,
}

impl Folder {
    fn name(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Blobs => "blobs",
        }
    }
}

impl PostgresSource {
    /// Everything that the cut's options name.
    pub fn new(cut: Arc<Cut>) -> Self {
        let entries = Entries::new(cut.seconds);
        Self { cut, entries, stage: Stage::Begin, items: VecDeque::new() }
    }

    /// Works out the next items; false if there are none.
    fn go_on(&mut self) -> io::Result<bool> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Begin => {
                self.items.push_back(self.entries.enter("databases", false));
                Stage::Database(0)
            }
            Stage::Database(place) => self.begin_database(place)?,
            Stage::Member(place, dump, folder) => self.next_member(place, dump, folder)?,
            Stage::Globals => {
                if self.cut.options.globals != Globals::None {
                    self.items.push_back(self.entries.file("globals.sql", self.cut.globals()?));
                }
                Stage::Server
            }
            Stage::Server => {
                self.cut.check()?;
                let json = to_json(self.cut.record())?;
                self.items.push_back(self.entries.file("postgres.json", json));
                Stage::Done
            }
            Stage::Done => return Ok(false),
        };
        Ok(true)
    }

    fn begin_database(&mut self, place: usize) -> io::Result<Stage> {
        let cut = Arc::clone(&self.cut);
        let Some(record) = cut.record().databases.get(place) else {
            self.items.push_back(Item::Leave);
            return Ok(Stage::Globals);
        };
        let dump = Dump::start(&cut, record)?;
        self.items.push_back(self.entries.enter(&record.folder, false));
        self.items.push_back(self.entries.file("archive.head", dump.toc().encode()));
        Ok(Stage::Member(place, SharedDump::new(dump), None))
    }

    fn next_member(
        &mut self,
        place: usize,
        dump: SharedDump,
        open: Option<Folder>,
    ) -> io::Result<Stage> {
        let next = dump.with(|dump| {
            dump.advance().map(|member| member.map(|it| (it.path.clone(), it.large_object)))
        })?;
        let Some((path, large_object)) = next else {
            return self.end_database(place, dump, open);
        };
        let folder = match (open, large_object) {
            // Each folder is entered once. Names of tables have a dot, numbers have none.
            (Some(Folder::Blobs), _) | (_, Some(_)) => Folder::Blobs,
            _ => Folder::Tables,
        };
        if open != Some(folder) {
            self.items.extend(open.map(|_| Item::Leave));
            self.items.push_back(self.entries.enter(folder.name(), false));
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        let path = format!("{}/{name}", folder.name());
        dump.with(|dump| dump.move_to(folder.name()));
        let opener = Box::new(MemberOpener::new(&dump, &path));
        self.items.push_back(self.entries.stream(name, opener));
        Ok(Stage::Member(place, dump, Some(folder)))
    }

    fn end_database(
        &mut self,
        place: usize,
        dump: SharedDump,
        open: Option<Folder>,
    ) -> io::Result<Stage> {
        self.items.extend(open.map(|_| Item::Leave));
        let content = dump.with(|dump| dump.content(&self.cut.record().databases[place]));
        self.items.push_back(self.entries.file("content.json", to_json(&content)?));
        self.items.push_back(Item::Leave);
        Ok(Stage::Database(place + 1))
    }
}

impl Source for PostgresSource {
    fn next(&mut self) -> io::Result<Option<Item>> {
        while self.items.is_empty() {
            if !self.go_on()? {
                return Ok(None);
            }
        }
        Ok(self.items.pop_front())
    }
}
