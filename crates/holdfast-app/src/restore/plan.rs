//! The plan of a restore, made before anything is changed.

use holdfast_engine::Observer;
use jiff::Timestamp;

use super::keys::KeysPlan;
use super::{PreparedRestore, RestoreError};
use crate::kind::step::{AgreedPaths, PlanItem, Planning, Remark};

/// What a restore will do.
#[derive(Debug, Clone, PartialEq)]
pub struct RestorePlan {
    /// The application.
    pub app: String,
    /// The snapshot of the data.
    pub snapshot: String,
    /// Its time.
    pub time: Timestamp,
    /// The keys, if the data needs any.
    pub keys: Option<KeysPlan>,
    /// The steps, in order.
    pub items: Vec<PlanItem>,
    /// Warnings.
    pub warnings: Vec<Remark>,
    /// What prevents the restore, with what allows it.
    pub refusals: Vec<Remark>,
    /// What was found at paths.
    pub(super) agreed: AgreedPaths,
}

impl RestorePlan {
    /// True if existing data is changed, so that the user must confirm it.
    pub fn needs_confirmation(&self) -> bool {
        self.items.iter().any(|item| item.effect.touches())
    }
}

/// Examines everything that a restore would change.
pub(super) fn plan(
    prepared: &PreparedRestore<'_>,
    observer: &dyn Observer,
) -> Result<RestorePlan, RestoreError> {
    let mut planning = Planning {
        scene: &prepared.scene,
        observer,
        items: Vec::new(),
        warnings: prepared.warnings.clone(),
        refusals: Vec::new(),
        agreed: AgreedPaths::default(),
    };
    for step in &prepared.steps {
        if observer.is_interrupted() {
            return Err(RestoreError::Interrupted);
        }
        step.plan(&mut planning)?;
    }
    let Planning { items, warnings, refusals, agreed, .. } = planning;
    Ok(RestorePlan {
        app: prepared.app.app.name.to_string(),
        snapshot: prepared.scene.data.id.to_hex(),
        time: prepared.scene.data.snapshot.time,
        keys: prepared.keys.clone(),
        items,
        warnings,
        refusals,
        agreed,
    })
}
