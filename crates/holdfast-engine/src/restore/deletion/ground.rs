//! The state of one directory of the target: what in it is kept though the snapshot lacks it.

use std::sync::Arc;

use holdfast_connect::fs::source::{GITIGNORE_BYTES_MAX, Ignores};
use holdfast_connect::fs::target::is_temporary_name;
use holdfast_connect::{Existing, Target};

use super::Deletion;
use super::rules::SourceRules;
use crate::restore::Selection;
use crate::restore::origin::SourcePath;

/// Why something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spared {
    /// A rule left it out of the backup.
    LeftOut,
    /// The backup could not read it.
    Unread,
    /// Another file system is mounted there.
    OtherFileSystem,
    /// It belongs to holdfast: a repository, a cache, a key.
    Own,
    /// A restore has not finished with it, or was killed.
    Unfinished,
    /// It cannot be inspected.
    Unknown,
}

impl std::fmt::Display for Spared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LeftOut => "it was left out of the backup",
            Self::Unread => "the backup could not read it",
            Self::OtherFileSystem => "it is on another file system",
            Self::Own => "holdfast needs it",
            Self::Unfinished => "it is an unfinished file of a restore",
            Self::Unknown => "it cannot be inspected",
        })
    }
}

/// The state that determines what may be deleted in one directory.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    /// The corresponding directory in its source; `None` above all sources.
    origin: Option<SourcePath>,
    device: Option<u64>,
    /// Why all of it is kept.
    why: Option<Spared>,
    /// Files in it whose presence means that everything else was left out.
    tags: Vec<Vec<u8>>,
    /// Rules of `.gitignore` files here and above, of the target and of the snapshot.
    ignores: [Option<Arc<Ignores>>; 2],
}

impl Ground {
    /// True if entries of the directory may be deleted.
    pub fn may_delete(&self, deletion: &Deletion<'_>) -> bool {
        self.why.is_none()
            && self
                .origin
                .as_ref()
                .is_some_and(|origin| deletion.rules.of(origin).may_delete_in(&origin.path))
    }

    /// Adopts rules of a `.gitignore` file that the snapshot has in this directory.
    pub fn add_stored_ignores(&mut self, text: &[u8]) {
        let Some(origin) = &self.origin else { return };
        let path = [origin.path.as_slice(), b"/"].concat();
        if let Ok(ignores) = Ignores::new(&path, text, self.ignores[1].clone()) {
            self.ignores[1] = Some(Arc::new(ignores));
        }
    }

    /// The snapshot has a file in this directory that may have been a mark.
    pub fn add_tag(&mut self, name: &[u8]) {
        self.tags.push(name.to_vec());
    }
}

impl Deletion<'_> {
    /// What the source of a directory was asked to include.
    pub(super) fn rules_of(&self, ground: &Ground) -> Option<&SourceRules> {
        ground.origin.as_ref().map(|origin| self.rules.of(origin))
    }

    /// The state for the directory at `path`, where `existing` is.
    pub(super) fn ground(
        &self,
        target: &dyn Target,
        path: &[u8],
        existing: &Existing,
        above: Option<&Ground>,
    ) -> Ground {
        let origin = self.rules.origin(path);
        let device = existing.identity.map(|(device, _)| device);
        let mut why = above.and_then(|above| above.why);
        if existing.identity.is_some_and(|identity| self.own.contains(&identity)) {
            why = why.or(Some(Spared::Own));
        }
        let is_elsewhere = above.is_some_and(|above| above.device != device);
        let ignores = above.map(|above| above.ignores.clone()).unwrap_or_default();
        let mut ground = Ground { origin, device, why, tags: Vec::new(), ignores };
        let Some(origin) = ground.origin.clone() else { return ground };
        let rules = self.rules.of(&origin);
        if is_elsewhere && rules.one_file_system && !rules.is_named(&origin.path) {
            ground.why = ground.why.or(Some(Spared::OtherFileSystem));
        }
        if rules.is_unread(&origin.path) {
            ground.why = ground.why.or(Some(Spared::Unread));
        }
        let below = |name: &[u8]| match path {
            b"" => name.to_vec(),
            path => [path, b"/", name].concat(),
        };
        for (name, header) in &rules.markers {
            if start_of(target, &below(name), header.len()).is_some_and(|it| it == *header) {
                ground.tags.push(name.clone());
            }
        }
        if rules.gitignore
            && let Some(text) = start_of(target, &below(b".gitignore"), GITIGNORE_BYTES_MAX)
        {
            let path = [origin.path.as_slice(), b"/"].concat();
            if let Ok(ignores) = Ignores::new(&path, &text, ground.ignores[0].clone()) {
                ground.ignores[0] = Some(Arc::new(ignores));
            }
        }
        ground
    }

    /// Why an entry of a directory is kept; `None` if it may be deleted.
    pub(super) fn why_spared(
        &self,
        ground: &Ground,
        path: &[u8],
        existing: &Existing,
    ) -> Option<Spared> {
        if ground.why.is_some() {
            return ground.why;
        }
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        if is_temporary_name(name) {
            return Some(Spared::Unfinished);
        }
        if let Some(identity @ (device, _)) = existing.identity {
            if self.own.contains(&identity) {
                return Some(Spared::Own);
            }
            if ground.device != Some(device) {
                return Some(Spared::OtherFileSystem);
            }
        }
        let origin = self.rules.origin(path)?;
        let rules = self.rules.of(&origin);
        if rules.is_unread(&origin.path) {
            return Some(Spared::Unread);
        }
        let is_beside_tag = !ground.tags.is_empty() && !ground.tags.iter().any(|tag| tag == name);
        let is_large = existing.is_file && rules.larger_than.is_some_and(|it| existing.bytes > it);
        let is_ignored = ground
            .ignores
            .iter()
            .flatten()
            .any(|ignores| ignores.excludes(&origin.path, existing.is_directory));
        let is_left_out = is_beside_tag || is_large || is_ignored || rules.excludes(&origin.path);
        is_left_out.then_some(Spared::LeftOut)
    }

    /// What the user's rules say about an entry below the directory displayed as this path.
    pub(super) fn selection(&self, shown: &[u8], is_directory: bool) -> Selection {
        (self.select)(shown, is_directory)
    }
}

/// The first bytes of a file of the target; `None` if there is none.
fn start_of(target: &dyn Target, path: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let existing = target.existing(path).ok()??;
    if !existing.is_file {
        return None;
    }
    let mut start = vec![0; bytes_max.min(existing.bytes as usize)];
    let count = target.read_at(path, 0, &mut start).ok()?;
    start.truncate(count);
    Some(start)
}
