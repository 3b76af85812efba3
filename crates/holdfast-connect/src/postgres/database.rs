//! The folder of one database.

use std::collections::VecDeque;
use std::io;

use super::content::CaptureEntries;
use super::dump::{MemberOpener, RunningDump, SharedDump};
use super::names;
use super::record::{DatabaseRecord, to_json};
use super::said::ToolMessages;
use crate::SourceItem;

/// Produces the items of a database's folder while its dump is read.
pub(super) struct DatabaseFolder {
    entries: CaptureEntries,
    record: Option<DatabaseRecord>,
    dump: SharedDump,
    open: Option<OpenFolder>,
}

/// The open folder within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenFolder {
    Tables,
    Blobs,
}

impl OpenFolder {
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
        dump: RunningDump,
        record: Option<DatabaseRecord>,
        entries: CaptureEntries,
        items: &mut VecDeque<SourceItem>,
    ) -> Self {
        items.push_back(entries.enter(&names::folder(dump.database()), false));
        items.push_back(entries.file("archive.head", dump.toc().encode()));
        Self { entries, record, dump: SharedDump::new(dump), open: None }
    }

    /// What the tool printed, at the end of the folder.
    pub fn said(&self) -> ToolMessages {
        self.dump.with(RunningDump::said)
    }

    /// Continues with the next member; false at the end of the folder.
    pub fn advance(&mut self, items: &mut VecDeque<SourceItem>) -> io::Result<bool> {
        let next = self.dump.with(|dump| {
            dump.advance().map(|member| member.map(|it| (it.path.clone(), it.large_object)))
        })?;
        let Some((path, large_object)) = next else {
            self.end(items)?;
            return Ok(false);
        };
        let folder = match (self.open, large_object) {
            // Each folder is entered once. Names of tables have a dot, numbers have none.
            (Some(OpenFolder::Blobs), _) | (_, Some(_)) => OpenFolder::Blobs,
            _ => OpenFolder::Tables,
        };
        if self.open != Some(folder) {
            items.extend(self.open.map(|_| SourceItem::Leave));
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

    fn end(&mut self, items: &mut VecDeque<SourceItem>) -> io::Result<()> {
        items.extend(self.open.map(|_| SourceItem::Leave));
        let record = self.record.take();
        let content = self.dump.with(|dump| dump.content(record));
        items.push_back(self.entries.file("content.json", to_json(&content)?));
        items.push_back(SourceItem::Leave);
        Ok(())
    }
}
