//! The keys of this machine, if keys are not restored.

use crate::kind::step::{
    Effect, KeyOnMachine, Planning, RestoreError, RestoreStep, StepOutcome, StepRole, StepWork,
    Verified,
};
use crate::restore::NeededKey;

/// Compares the keys of this machine with those that the data needs.
pub(super) struct KeysStep {
    pub needed: Vec<NeededKey>,
}

impl RestoreStep for KeysStep {
    fn name(&self) -> String {
        "keys of this machine".to_owned()
    }

    fn role(&self) -> StepRole {
        StepRole::Other
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        let detail = "kept, and compared with those that the data needs";
        planning.push(self.name(), Effect::Check, detail);
        Ok(())
    }

    fn act(&self, _work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        let known = self.needed.iter().filter(|key| key.on_machine != KeyOnMachine::Unknown);
        let verified =
            known.map(|key| Verified::of_key(&key.path, key.on_machine == KeyOnMachine::Same));
        Ok(StepOutcome {
            message: "no keys were restored".to_owned(),
            verified: verified.collect(),
        })
    }
}
