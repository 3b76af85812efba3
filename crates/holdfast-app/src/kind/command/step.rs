//! The restore of what a command printed: to a file, or to another command.

use std::path::Path;

use super::feed::feed;
use super::{CommandRestore, CommandSettings};
use crate::kind::FilesRestore;
use crate::kind::files::PathMove;
use crate::kind::step::{
    Effect, NextStep, Origin, Planning, Remark, RestoreError, RestorePart, RestoreStep,
    StepOutcome, StepRole, StepScene, StepWork, Verified,
};
use crate::settings::Argv;

/// The restore of one source of type `command`.
pub(super) struct CommandStep<'a> {
    pub part: RestorePart<'a>,
    /// Path of the output in the snapshot.
    pub path: String,
    pub to: &'a CommandSettings,
    pub origin: Origin<'a>,
}

impl CommandStep<'_> {
    fn to_file<'s>(
        &'s self,
        scene: &StepScene<'s>,
        to: &'s Path,
    ) -> Result<PathMove<'s>, RestoreError> {
        let tree = self.origin.tree(self.part.name())?;
        Ok(PathMove::new(scene, tree, (Path::new(&self.path), to), FilesRestore::default()))
    }

    /// How to get at the output without a target.
    fn print(&self) -> NextStep {
        NextStep::PrintFile {
            snapshot: self.origin.snapshot.id.short(),
            source: self.part.name().to_owned(),
            path: self.path.clone(),
            purpose: "",
        }
    }
}

impl RestoreStep for CommandStep<'_> {
    fn name(&self) -> String {
        format!("output {}", self.part.name())
    }

    fn role(&self) -> StepRole {
        StepRole::Data
    }

    fn source(&self) -> Option<&str> {
        Some(self.part.name())
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        match &self.to.restore {
            Some(CommandRestore::Command(argv)) if planning.request().only_missing => {
                planning.skip(self.name(), not_run(argv).into());
            }
            Some(CommandRestore::Command(argv)) => {
                let detail = format!("passes it to {} on standard input", argv.program());
                planning.push(self.name(), Effect::Run, detail);
            }
            Some(CommandRestore::File(to)) => {
                self.to_file(planning.scene, to)?.plan(self.name(), planning)?;
            }
            None => {
                let detail = "no target is set; add file or command to [source.restore]";
                planning.skip(self.name(), Remark::with(detail, self.print()));
            }
        }
        Ok(())
    }

    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        match &self.to.restore {
            None => {
                let message = format!(
                    "source {:?} was not restored: no target is set; add file or command to \
                     [source.restore]",
                    self.part.name()
                );
                work.warnings.push(Remark::with(message, self.print()));
                Ok(StepOutcome::new("no target is set"))
            }
            Some(CommandRestore::Command(argv)) if work.request().only_missing => {
                Ok(StepOutcome::new(not_run(argv)))
            }
            Some(CommandRestore::Command(argv)) => {
                let tree = self.origin.tree(self.part.name())?;
                let bytes = feed(&tree, &self.path, argv, work.observer)?;
                Ok(StepOutcome::new(format!("{} read {bytes} bytes", argv.program())))
            }
            Some(CommandRestore::File(to)) => {
                let report = self.to_file(work.scene, to)?.act(work)?;
                let message = format!("{} bytes in {}", report.total_bytes, to.display());
                let name = format!("content of {}", self.part.name());
                let verified =
                    vec![Verified::new(name, true, "read back, identical to the snapshot")];
                Ok(StepOutcome { message, verified })
            }
        }
    }
}

/// Why a command is not run when only missing data is restored.
fn not_run(argv: &Argv) -> String {
    format!("{} is not run, because it cannot restore only what is missing", argv.program())
}
