//! The folder of one database.

use std::collections::VecDeque;
use std::io;

use super::content::Entries;
use super::dump::{Dump, MemberOpener, SharedDump};
use super::names;
use super::record::{DatabaseRecord, to_json};
use super::said::Said;
use crate::Item;

/// Produces the items of a database's folder while its dump is read.
pub(super) struct DatabaseFolder {
    entries: Entries,
    record: Option<DatabaseRecord>,
    dump: SharedDump,
    open: Option<Folder>,
}

/// The open folder within it.
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

impl DatabaseFolder {
    /// Begins the folder.
    pub fn begin(
        dump: Dump,
        record: Option<DatabaseRecord>,
        entries: Entries,
        items: &mut VecDeque<Item>,
    ) -> Self {
        items.push_back(entries.enter(&names::folder(dump.database()), false));
        items.push_back(entries.file("archive.head", dump.toc().encode()));
        Self { entries, record, dump: SharedDump::new(dump), open: None }
    }

    /// What the tool printed, at the end of the folder.
    pub fn said(&self) -> Said {
        self.dump.with(Dump::said)
    }

    /// Continues with the next member; false at the end of the folder.
    pub fn go_on(&mut self, items: &mut VecDeque<Item>) -> io::Result<bool> {
        let next = self.dump.with(|dump| {
            dump.advance().map(|member| member.map(|it| (it.path.clone(), it.large_object)))
        })?;
        let Some((path, large_object)) = next else {
            self.end(items)?;
            return Ok(false);
        };
        let folder = match (self.open, large_object) {
            // Each folder is entered once. Names of tables have a dot, numbers have none.
            (Some(Folder::Blobs), _) | (_, Some(_)) => Folder::Blobs,
            _ => Folder::Tables,
        };
        if self.open != Some(folder) {
            items.extend(self.open.map(|_| Item::Leave));
            items.push_back(self.entries.enter(folder.name(), false));
            self.open = Some(folder);
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        let path = format!("{}/{name}", folder.name());
        self.dump.with(|dump| dump.move_to(folder.name()));
        let opener = Box::new(MemberOpener::new(&self.dump, &path));
        items.push_back(self.entries.stream(name, opener));
        Ok(true)
    }

    fn end(&mut self, items: &mut VecDeque<Item>) -> io::Result<()> {
        items.extend(self.open.map(|_| Item::Leave));
        let record = self.record.take();
        let content = self.dump.with(|dump| dump.content(record));
        items.push_back(self.entries.file("content.json", to_json(&content)?));
        items.push_back(Item::Leave);
        Ok(())
    }
}
