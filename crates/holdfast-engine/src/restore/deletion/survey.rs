//! Comparing a snapshot with the contents of the target.

use std::collections::BTreeMap;

use holdfast_connect::{Existing, Target};
use holdfast_format::entry::{Entry, EntryKind, Metadata};
use holdfast_format::node::Extent;
use holdfast_format::{BlobType, limits};
use holdfast_repo::Repository;
use holdfast_repo::read::BlobReader;

use super::ground::Ground;
use super::remove::{Met, join};
use super::{Deletion, Doomed, Replaced};
use crate::look::{Extents, Folder, NamedEntry, ShownEntries};
use crate::restore::names::folded;
use crate::restore::{Overwrite, Selection};
use crate::{EngineError, EngineEvent, Observer};

/// A directory that both the snapshot and the target have.
struct SurveyLevel {
    entries: ShownEntries,
    path_length: usize,
    shown_length: usize,
    ground: Ground,
    metadata: Option<Metadata>,
    names: Vec<Vec<u8>>,
    /// False if part of it cannot be read: then it is unknown what it lacks.
    is_whole: bool,
}

struct Surveyor<'s, 'd> {
    deletion: &'s mut Deletion<'d>,
    target: &'s dyn Target,
    observer: &'s dyn Observer,
    reader: BlobReader<'s>,
    levels: Vec<SurveyLevel>,
    path: Vec<u8>,
    shown: Vec<u8>,
}

/// Lists what is in the target, not in the folder, and may be deleted.
pub(super) fn survey(
    deletion: &mut Deletion<'_>,
    repository: &Repository,
    folder: &Folder,
    target: &dyn Target,
    observer: &dyn Observer,
) -> Result<(), EngineError> {
    let reader = BlobReader::new(repository);
    let (levels, path, shown) = (Vec::new(), Vec::new(), Vec::new());
    let mut surveyor = Surveyor { deletion, target, observer, reader, levels, path, shown };
    if let Some(top) = target.existing(b"")? {
        surveyor.push(ShownEntries::as_files(folder), &top, None);
    }
    while let Some(level) = surveyor.levels.last_mut() {
        if observer.is_interrupted() {
            return Err(EngineError::Interrupted);
        }
        match level.entries.next(&mut surveyor.reader, &mut |_| Ok(true)) {
            Ok(Some(named)) => surveyor.entry(named)?,
            Ok(None) => surveyor.leave(),
            // The restore itself reports it.
            Err(error) if error.ends_reading() => return Err(error),
            Err(_) => level.is_whole = false,
        }
    }
    Ok(())
}

impl Surveyor<'_, '_> {
    fn push(&mut self, entries: ShownEntries, existing: &Existing, metadata: Option<Metadata>) {
        let path = self.relative();
        let above = self.levels.last().map(|level| &level.ground);
        let ground = self.deletion.ground(self.target, &path, existing, above);
        let (path_length, shown_length) = (self.path.len(), self.shown.len());
        let (names, is_whole) = (Vec::new(), true);
        let level =
            SurveyLevel { entries, path_length, shown_length, ground, metadata, names, is_whole };
        self.levels.push(level);
    }

    fn relative(&self) -> Vec<u8> {
        self.path.get(1..).unwrap_or_default().to_vec()
    }

    fn leave_path(&mut self) {
        let last = self.levels.last();
        let (path_length, shown_length) =
            last.map_or((0, 0), |level| (level.path_length, level.shown_length));
        self.path.truncate(path_length);
        self.shown.truncate(shown_length);
    }

    fn entry(&mut self, named: NamedEntry) -> Result<(), EngineError> {
        let NamedEntry { entry, part } = named;
        for (path, name) in [
            (&mut self.path, entry.name.as_slice()),
            (&mut self.shown, part.as_deref().unwrap_or(&entry.name)),
        ] {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        let is_directory = matches!(entry.kind, EntryKind::Directory(_));
        let selection = self.deletion.selection(&self.shown, is_directory);
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        level.names.push(entry.name.clone());
        let below = level.entries.below(&entry);
        self.look_for_rules(&entry);
        if selection != Selection::Skip {
            // Anything that cannot be inspected now is reported by the restore.
            let existing = self.target.existing(&self.relative()).ok().flatten();
            match (below, existing.filter(|existing| existing.is_directory)) {
                (Some(below), Some(existing))
                    if limits::TREE_DEPTH.check(self.levels.len() as u64).is_ok() =>
                {
                    self.push(below, &existing, Some(entry.metadata));
                    return Ok(());
                }
                (None, Some(_)) if selection == Selection::Take => self.in_the_way(),
                _ => {}
            }
        }
        self.leave_path();
        Ok(())
    }

    /// Files of the snapshot that excluded their neighbours, or listed what is excluded.
    fn look_for_rules(&mut self, entry: &Entry) {
        let EntryKind::File { main, size, .. } = &entry.kind else { return };
        let Some(level) = self.levels.last_mut() else { return };
        let Some(rules) = self.deletion.rules_of(&level.ground) else { return };
        if rules.markers.iter().any(|(name, _)| *name == entry.name) {
            level.ground.add_tag(&entry.name);
        }
        if !rules.gitignore || entry.name != b".gitignore" {
            return;
        }
        let (mut text, mut extents) = (Vec::new(), Extents::of(main));
        let bytes_max = holdfast_connect::fs::source::GITIGNORE_BYTES_MAX.min(*size as usize);
        while let Ok(Some(Extent::Data { id, .. })) =
            extents.next(&mut self.reader, &mut |_| Ok(true))
        {
            let Ok(blob) = self.reader.blob(&id, BlobType::Data) else { break };
            text.extend_from_slice(&blob);
            if text.len() >= bytes_max {
                break;
            }
        }
        text.truncate(bytes_max);
        level.ground.add_stored_ignores(&text);
    }

    /// A folder where the snapshot has something else. It is deleted if all of it may be.
    fn in_the_way(&mut self) {
        let Some(level) = self.levels.last() else { return };
        let replaces = matches!(self.deletion.overwrite, Overwrite::Always | Overwrite::IfChanged);
        if !replaces || !level.ground.may_delete(self.deletion) {
            return;
        }
        let (path, shown, ground) = (self.relative(), self.shown.clone(), level.ground.clone());
        let (entries, spared) = self.count(&ground, &path, &shown);
        if entries > 0 && spared == 0 {
            self.deletion.entries += entries;
            self.deletion.replaced.insert(path, Replaced { shown, above: ground, entries });
        }
    }

    /// How many entries at and below a path may be deleted, and how many are kept.
    fn count(&mut self, ground: &Ground, path: &[u8], shown: &[u8]) -> (u64, u64) {
        let (mut entries, mut spared) = (0, 0);
        let deletion = &*self.deletion;
        let mut each = |_: &[u8], shown: &[u8], met: Met| {
            match met {
                Met::Goes => entries += 1,
                Met::Stays(why) => {
                    spared += 1;
                    self.observer.event(EngineEvent::Spared { path: shown, why: &why.to_string() });
                }
            }
            Ok(())
        };
        // Only `each` can fail, and it does not.
        let _ = deletion.go_through(self.target, ground, path.to_vec(), shown.to_vec(), &mut each);
        self.deletion.spared += spared;
        (entries, spared)
    }

    fn leave(&mut self) {
        let directory = self.relative();
        let Some(mut level) = self.levels.pop() else { return };
        if level.is_whole && level.ground.may_delete(self.deletion) {
            // Parts of keys are sorted by whole keys, where what follows them counts.
            level.names.sort_unstable();
            self.find_extra(level, directory);
        }
        self.leave_path();
    }

    fn find_extra(&mut self, level: SurveyLevel, directory: Vec<u8>) {
        let Ok(mut present) = self.target.list(&directory) else { return };
        present.retain(|name| level.names.binary_search(name).is_err());
        present.sort_unstable();
        self.drop_other_spellings(&level, &directory, &mut present);
        let mut names = Vec::new();
        for name in present {
            let path = join(&directory, &name);
            let shown = [self.shown.as_slice(), b"/", &name].concat();
            let (entries, _) = self.count(&level.ground, &path, &shown);
            if entries > 0 {
                self.deletion.entries += entries;
                names.push((name, entries));
            }
        }
        if !names.is_empty() {
            let (shown, ground, metadata) = (self.shown.clone(), level.ground, level.metadata);
            self.deletion.doomed.push(Doomed { directory, shown, metadata, ground, names });
        }
    }

    /// On a case-insensitive target, an entry that the snapshot spells differently exists.
    fn drop_other_spellings(
        &self,
        level: &SurveyLevel,
        directory: &[u8],
        present: &mut Vec<Vec<u8>>,
    ) {
        if present.is_empty() {
            return;
        }
        let spellings: BTreeMap<String, &Vec<u8>> =
            level.names.iter().map(|name| (folded(name), name)).collect();
        let identity = |name: &[u8]| {
            let existing = self.target.existing(&join(directory, name)).ok().flatten();
            existing.and_then(|existing| existing.identity)
        };
        present.retain(|name| match spellings.get(&folded(name)) {
            Some(stored) => identity(stored).is_none_or(|it| Some(it) != identity(name)),
            None => true,
        });
    }
}
