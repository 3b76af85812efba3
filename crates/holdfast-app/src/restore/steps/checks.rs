//! Running the checks of the app file on restored data.

use std::collections::BTreeMap;

use holdfast_engine::Observer;
use jiff::Timestamp;

use crate::check::{
    CheckEvaluation, CheckOutcome, CheckRule, CheckScene, OnFailure, Queries, RowNames,
    SharedMemory, pass,
};
use crate::kind::step::{
    Effect, Hold, Planning, RestoreError, RestorePart, RestoreStep, StepOutcome, StepRole,
    StepScene, StepWork, Verified,
};
use crate::settings::SourceName;
use holdfast_connect::words::count;

/// Runs all checks whose sources were restored.
pub(super) struct ChecksStep {
    pub checks: Vec<CheckRule>,
}

impl RestoreStep for ChecksStep {
    fn name(&self) -> String {
        "checks".to_owned()
    }

    fn role(&self) -> StepRole {
        StepRole::Other
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        let checks = count(self.checks.len() as u64, "check", "checks");
        planning.push(self.name(), Effect::Check, format!("runs {checks} on the restored data"));
        Ok(())
    }

    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        let reports = self.reports(work.scene, work.observer)?;
        let is_failure = |it: &&CheckOutcome| !it.passed && it.on_failure == OnFailure::Fail;
        if reports.iter().any(|report| is_failure(&report)) {
            work.hold = Some(Hold::CheckFailed);
        }
        let (all, failed) = (reports.len(), reports.iter().filter(|it| !it.passed).count());
        let message = match failed {
            0 => format!("{all} passed"),
            _ => format!("{failed} of {all} failed"),
        };
        let verified = reports.iter().map(|report| verified(report, work.scene)).collect();
        Ok(StepOutcome { message, verified })
    }
}

impl ChecksStep {
    fn reports(
        &self,
        scene: &StepScene<'_>,
        observer: &dyn Observer,
    ) -> Result<Vec<CheckOutcome>, RestoreError> {
        let refused = |error: crate::check::CheckError| RestoreError::refused(error.to_string());
        let restored = RestoredScene::open(scene, &self.checks)?;
        let mut run = CheckEvaluation::ask(&self.checks, &restored).map_err(refused)?;
        for name in run.sources() {
            let Some(part) = restored.part(&name) else { continue };
            let watch = run.watch(&name, part.from.kind.row_names());
            let failed = |error: std::io::Error| {
                RestoreError::refused(format!("source {:?} cannot be read: {error}", part.name()))
            };
            let connections = &scene.context.connections;
            let sources = part.to.kind.restored(&part.from.kind, connections).map_err(failed)?;
            for (source, name_of) in sources {
                pass(source, name_of, watch.references(), observer).map_err(failed)?;
            }
            if observer.is_interrupted() {
                return Err(RestoreError::Interrupted);
            }
            run.missing(&name);
        }
        Ok(run.judge())
    }
}

fn verified(report: &CheckOutcome, scene: &StepScene<'_>) -> Verified {
    let application = scene.data.snapshot.application.as_ref();
    let captured = application.and_then(|it| it.checks.iter().find(|it| it.name == report.name));
    let mut message = report.sentence();
    if !report.passed && captured.is_some_and(|it| !it.passed) {
        message.push_str(" (it also failed when the snapshot was made)");
    }
    Verified::new(format!("check {}", report.name), report.passed, message)
}

/// What checks see of a restore.
struct RestoredScene<'a> {
    scene: &'a StepScene<'a>,
    databases: BTreeMap<SourceName, Box<dyn Queries>>,
}

impl<'a> RestoredScene<'a> {
    /// Opens the databases that the checks query.
    fn open(scene: &'a StepScene<'a>, checks: &[CheckRule]) -> Result<Self, RestoreError> {
        let mut databases = BTreeMap::new();
        for part in &scene.parts {
            let is_queried = checks.iter().any(|check| check.source == part.from.name);
            let origin = scene.origin(part.from.class);
            let Some(origin) = origin.filter(|_| is_queried) else { continue };
            if let Some(queries) = part.to.kind.restored_queries(part, origin, scene)? {
                databases.insert(part.from.name.clone(), queries);
            }
        }
        Ok(Self { scene, databases })
    }

    fn part(&self, name: &SourceName) -> Option<&RestorePart<'a>> {
        self.scene.parts.iter().find(|part| part.from.name == *name)
    }
}

impl CheckScene for RestoredScene<'_> {
    fn queries(&self, source: &SourceName) -> Option<&dyn Queries> {
        self.databases.get(source).map(|queries| &**queries)
    }

    fn row_names(&self, source: &SourceName) -> Option<RowNames> {
        self.part(source)?.from.kind.row_names()
    }

    /// "Recent" is relative to the time of the capture.
    fn now(&self) -> Timestamp {
        self.scene.data.snapshot.time
    }

    fn run(&self) -> &str {
        self.scene.context.run
    }

    fn memory(&self) -> Option<&SharedMemory> {
        None
    }
}
