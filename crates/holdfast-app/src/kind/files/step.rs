//! The restore of files and folders.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use holdfast_connect::words::count;
use holdfast_format::record::KeyFingerprint;

use super::target::adjusted;
use super::{FilesSettings, PathMove};
use crate::kind::Class;
use crate::kind::step::{
    KeyOnMachine, Origin, Planning, RestoreError, RestorePart, RestoreStep, SourceTree,
    StepOutcome, StepRole, StepScene, StepWork, Verified, key_on_machine,
};

/// The restore of one source of files.
pub(super) struct FilesStep<'a> {
    pub part: RestorePart<'a>,
    pub from: &'a FilesSettings,
    pub to: &'a FilesSettings,
    pub origin: Origin<'a>,
}

impl FilesStep<'_> {
    /// Each path of the source, and its target.
    fn moves<'s>(&'s self, scene: &StepScene<'s>) -> Result<Vec<PathMove<'s>>, RestoreError> {
        let tree = self.tree()?;
        let pairs = self.from.paths.iter().zip(&self.to.paths);
        let moves = pairs.map(|(from, to)| {
            PathMove::new(scene, tree.clone(), (from.as_path(), to.as_path()), self.to.restore)
        });
        Ok(moves.collect())
    }

    fn tree(&self) -> Result<SourceTree<'_>, RestoreError> {
        Ok(self.origin.tree(self.part.name())?)
    }

    /// Whether restored keys are those the data needs, with the right owner and mode.
    fn keys(&self, scene: &StepScene<'_>) -> Result<Vec<Verified>, RestoreError> {
        let application = scene.data.snapshot.application.as_ref();
        let recorded = application.map(|it| it.keys.as_slice()).unwrap_or_default();
        let tree = self.tree()?;
        let mut verified = Vec::new();
        for key in recorded.iter().filter(|key| key.source == self.part.name()) {
            let path = String::from_utf8_lossy(&key.path.0).into_owned();
            let state = key_on_machine(scene.context, key, &scene.parts);
            let is_same = state == KeyOnMachine::Same;
            if state == KeyOnMachine::Unknown {
                // It is below none of the paths that the file names now.
                continue;
            }
            verified.push(Verified::of_key(&path, is_same));
            verified.extend(self.ownership(key, &tree)?);
        }
        Ok(verified)
    }

    /// Whether a key has the right owner and mode.
    fn ownership(
        &self,
        key: &KeyFingerprint,
        tree: &SourceTree<'_>,
    ) -> Result<Option<Verified>, RestoreError> {
        let path = self.part.destination(Path::new(OsStr::from_bytes(&key.path.0)));
        let Some((path, (entry, _))) = path.zip(tree.open(&key.path.0)?) else { return Ok(None) };
        let Ok(found) = path.symlink_metadata() else { return Ok(None) };
        let wanted = adjusted(self.to.restore, &entry.metadata, true);
        let found = (found.uid(), found.gid(), found.mode() & 0o7777);
        let shown = |(uid, gid, mode): (u32, u32, u32)| format!("{uid}:{gid} {mode:04o}");
        let wanted = (wanted.uid, wanted.gid, wanted.mode & 0o7777);
        let is_right = wanted == found;
        let message = match is_right {
            true => shown(found),
            false => format!(
                "{}, not {}; run as root, or set owner and mode in [source.restore]",
                shown(found),
                shown(wanted)
            ),
        };
        let name = format!("owner and mode of {}", path.display());
        Ok(Some(Verified::new(name, is_right, message)))
    }
}

impl RestoreStep for FilesStep<'_> {
    fn name(&self) -> String {
        format!("files {}", self.part.name())
    }

    fn role(&self) -> StepRole {
        StepRole::Data
    }

    fn source(&self) -> Option<&str> {
        Some(self.part.name())
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        for moved in self.moves(planning.scene)? {
            match moved.lacking()? {
                None => moved.plan(self.name(), planning)?,
                Some(lacking) => planning.skip(self.name(), lacking.into()),
            }
        }
        Ok(())
    }

    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        let (mut files, mut written, mut verified) = (0, 0, 0);
        for moved in self.moves(work.scene)? {
            if let Some(lacking) = moved.lacking()? {
                work.incomplete.push(lacking);
                continue;
            }
            let report = moved.act(work)?;
            files += report.total_files;
            written += report.files_restored;
            verified += report.files_verified;
        }
        let others = match work.request().only_missing {
            true => "the others were kept without comparing",
            false => "the others were already correct",
        };
        let message = format!("wrote {written} of {}; {others}", count(files, "file", "files"));
        let read_back =
            format!("{} read back, identical to the snapshot", count(verified, "file", "files"));
        let name = format!("content of {}", self.part.name());
        let mut checked = vec![Verified::new(name, true, read_back)];
        if self.part.from.class == Class::Keys {
            checked.extend(self.keys(work.scene)?);
        }
        Ok(StepOutcome { message, verified: checked })
    }
}
