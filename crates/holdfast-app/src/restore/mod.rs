//! The restore of an application, in this order: keys, roles, databases, objects, files, then the
//! checks of the app file on the restored data.
//!
//! [`find`] finds the keys that the data needs, [`FoundParts::prepare`] determines the steps, and
//! [`PreparedRestore::plan`] examines everything that would be changed and returns the
//! [`RestorePlan`]. [`PreparedRestore::restore`] carries it out after the user has confirmed. It
//! can be repeated at any time: what is already correct is kept. What a step does is decided by the
//! kinds of sources ([`crate::kind`]) and, for the application as a whole, in [`steps`].

mod alongside;
mod keys;
mod lacking;
mod parts;
mod plan;
mod report;
mod steps;
mod work;

use holdfast_engine::Observer;
use holdfast_repo::SnapshotInfo;

pub use crate::kind::step::{
    Effect, Hold, KeyOnMachine, KeysAtHand, KeysRequest, NextStep, Origin, PlanItem, Remark,
    RestoreContext, RestoreError, RestorePart, RestoreRequest, Verified,
};
pub use crate::kind::{EmitTo, emit_database};
pub use keys::{Era, KeysPlan, NeededKey};
pub use plan::RestorePlan;
pub use report::{RestoreAppReport, StepReport, StepState};

use crate::check::{CheckKind, CheckRule};
use crate::config::AppFile;
use crate::kind::step::{RestoreStep, StepScene};
use crate::kind::{Class, Move, into_steps};
use keys::RestoreKeys;

/// The parts and keys of a restore.
pub struct FoundParts<'a> {
    context: &'a RestoreContext<'a>,
    app: &'a AppFile,
    target: Option<&'a AppFile>,
    data: &'a SnapshotInfo,
    request: &'a RestoreRequest,
    parts: Vec<RestorePart<'a>>,
    keys: RestoreKeys,
    warnings: Vec<Remark>,
}

/// A restore with all its steps determined.
pub struct PreparedRestore<'a> {
    scene: StepScene<'a>,
    /// What the application consists of.
    app: &'a AppFile,
    /// The targets, and the commands around the restore: the same file, or another one.
    target: &'a AppFile,
    keys: Option<KeysPlan>,
    steps: Vec<Box<dyn RestoreStep + 'a>>,
    warnings: Vec<Remark>,
    /// What the snapshots lack of their sources.
    incomplete: Vec<String>,
}

/// Finds the parts and the keys of a restore of `data`. With `target`, the targets and the commands
/// around the restore are those of that file.
///
/// # Errors
/// [`RestoreError`]; nothing was changed.
pub fn find<'a>(
    app: &'a AppFile,
    target: Option<&'a AppFile>,
    data: &'a SnapshotInfo,
    request: &'a RestoreRequest,
    context: &'a RestoreContext<'a>,
) -> Result<FoundParts<'a>, RestoreError> {
    let (mut parts, mut warnings) = parts::parts(app, target, &request.only)?;
    if request.is_alongside() {
        alongside::databases_only(&mut parts, &request.only)?;
    }
    if target.is_some() {
        let origin = Origin { repository: context.data, snapshot: data };
        parts::refuse_live(&parts, app, origin, &context.connections)?;
    }
    // The data needs its keys, whether or not they are restored too.
    let (all, _) = parts::parts(app, target, &[])?;
    let mut keys = keys::find(context, data, &all, &request.keys, request.any_keys)?;
    warnings.append(&mut keys.warnings);
    Ok(FoundParts { context, app, target, data, request, parts, keys, warnings })
}

impl<'a> FoundParts<'a> {
    /// Determines the steps.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing was changed.
    pub fn prepare(&'a self) -> Result<PreparedRestore<'a>, RestoreError> {
        let scene = StepScene {
            context: self.context,
            request: self.request,
            data: self.data,
            keys: self.keys.snapshot.as_ref(),
            parts: self.parts.clone(),
        };
        let mut prepared = PreparedRestore {
            scene,
            app: self.app,
            target: self.target.unwrap_or(self.app),
            keys: self.keys.plan.clone(),
            steps: Vec::new(),
            warnings: self.warnings.clone(),
            incomplete: Vec::new(),
        };
        lacking::report(&mut prepared);
        let mut moves = prepared.moves()?;
        if self.request.is_alongside() {
            alongside::narrow(&mut moves, self.request)?;
            prepared.steps = into_steps(moves);
        } else {
            prepared.steps = steps::around(&prepared, into_steps(moves));
        }
        Ok(prepared)
    }
}

impl<'a> PreparedRestore<'a> {
    /// Examines the targets, and returns what would be done.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing was changed.
    pub fn plan(&self, observer: &dyn Observer) -> Result<RestorePlan, RestoreError> {
        plan::plan(self, observer)
    }

    /// What is to be restored. Keys come first, so that data is never there without them.
    fn moves(&mut self) -> Result<Vec<Move<'a>>, RestoreError> {
        let mut parts = self.scene.parts.clone();
        // Stable: within a rank, the order of the file.
        parts.sort_by_key(|part| match part.from.class {
            Class::Keys => None,
            Class::Data => Some(part.from.kind.restore_rank()),
        });
        let mut moves = Vec::new();
        for part in parts {
            let Some(origin) = self.scene.origin(part.from.class) else { continue };
            if part.record(&origin.snapshot.snapshot)?.is_none() {
                let message = format!(
                    "source {:?} is not restored: it is not in snapshot {}",
                    part.name(),
                    origin.snapshot.id.short()
                );
                self.warnings.push(message.into());
                continue;
            }
            moves.extend(part.to.kind.moves(&part, origin, &self.scene)?);
        }
        Ok(moves)
    }

    /// The checks whose sources are all restored.
    fn checks(&self) -> Vec<CheckRule> {
        let is_restored = |name: &str| self.scene.parts.iter().any(|part| part.name() == name);
        let checks = self.app.checks.iter().filter(|check| {
            let objects = match &check.kind {
                CheckKind::Objects { objects_in, .. } => is_restored(objects_in.as_str()),
                CheckKind::Value { .. } | CheckKind::SequenceRule(_) | CheckKind::ChainRule(_) => {
                    true
                }
            };
            objects && is_restored(check.source.as_str())
        });
        checks.cloned().collect()
    }
}
