//! The restore of objects to a bucket.

use std::cell::Cell;

use holdfast_connect::bucket::SettingMoment;
use holdfast_connect::words::count;
use holdfast_engine::Observer;

use super::BucketSettings;
use super::objects::ObjectsMove;
use crate::kind::step::{
    Effect, Origin, Planning, RestoreError, RestorePart, RestoreStep, StepOutcome, StepRole,
    StepScene, StepWork, Verified,
};

/// The restore of one source of type `bucket`.
pub(super) struct ObjectsStep<'a> {
    part: RestorePart<'a>,
    from: &'a BucketSettings,
    to: &'a BucketSettings,
    origin: Origin<'a>,
    /// What the plan found.
    agreed: Cell<Option<BucketEffect>>,
}

/// What a plan found in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BucketEffect {
    /// It does not exist.
    Make,
    /// It has all objects.
    Keep,
    /// Some objects will be written.
    Change,
}

impl<'a> ObjectsStep<'a> {
    pub fn new(
        part: RestorePart<'a>,
        from: &'a BucketSettings,
        to: &'a BucketSettings,
        origin: Origin<'a>,
    ) -> Self {
        Self { part, from, to, origin, agreed: Cell::new(None) }
    }

    fn moved<'s>(&'s self, scene: &StepScene<'s>) -> Result<ObjectsMove<'s>, RestoreError> {
        ObjectsMove::new(&self.part, (self.from, self.to), self.origin, scene)
    }

    /// Adds to the plan what will be done with the bucket's own configuration.
    fn plan_configuration(moved: &ObjectsMove<'_>, is_there: bool, planning: &mut Planning<'_>) {
        let place = moved.place();
        if let Some(configuration) = moved.configuration() {
            let (effect, detail) = match (is_there, configuration.unlike()) {
                (false, unlike) => (Effect::Make, format!("sets {}", unlike.join(", "))),
                (true, unlike) if unlike.is_empty() => (Effect::Keep, "nothing to set".into()),
                (true, unlike) => (Effect::Change, format!("sets {}", unlike.join(", "))),
            };
            planning.push(format!("configuration of {place}"), effect, detail);
        }
        if moved.loses_locks() {
            planning.warn(format!(
                "locked objects of {place} are restored without their locks; locks = true in \
                 [source.restore] restores the locks"
            ));
        }
    }

    /// Refuses to change a bucket that has changed since the plan was made.
    fn check(
        &self,
        moved: &ObjectsMove<'_>,
        is_there: bool,
        observer: &dyn Observer,
    ) -> Result<(), RestoreError> {
        let before = match (self.agreed.get(), is_there) {
            (Some(BucketEffect::Make), true) => "did not exist",
            (Some(BucketEffect::Keep), true) if moved.is_complete(observer)? => return Ok(()),
            (Some(BucketEffect::Keep), _) => "had all objects",
            (Some(BucketEffect::Make | BucketEffect::Change), _) => return Ok(()),
            (None, _) => "was not examined",
        };
        Err(RestoreError::changed(format!(
            "{} {before} when the plan was made and has changed since; it was left unchanged",
            moved.place()
        )))
    }
}

impl RestoreStep for ObjectsStep<'_> {
    fn name(&self) -> String {
        format!("objects {}", self.part.name())
    }

    fn role(&self) -> StepRole {
        StepRole::Data
    }

    fn source(&self) -> Option<&str> {
        Some(self.part.name())
    }

    fn plan(&self, planning: &mut Planning<'_>) -> Result<(), RestoreError> {
        let moved = self.moved(planning.scene)?;
        let place = moved.place();
        let is_there = moved.is_there()?;
        Self::plan_configuration(&moved, is_there, planning);
        let (agreed, effect, detail) = match is_there {
            false => {
                let count = moved.count(planning.observer)?;
                let detail = format!("{place} does not exist; objects: {count}");
                (BucketEffect::Make, Effect::Make, detail)
            }
            true => {
                let report = moved.restore(true, planning.observer)?;
                let (written, all) = (report.files_restored, report.total_files);
                let what = match planning.request().only_missing {
                    true => "missing",
                    false => "missing or different",
                };
                match written {
                    0 => {
                        let all = count(all, "object", "objects");
                        let detail = format!("{place} already has them all: {all}");
                        (BucketEffect::Keep, Effect::Keep, detail)
                    }
                    _ => {
                        planning.agreed.use_found();
                        let detail = format!("{place}: {written} of {all} are {what}");
                        (BucketEffect::Change, Effect::Change, detail)
                    }
                }
            }
        };
        self.agreed.set(Some(agreed));
        planning.push(self.name(), effect, detail);
        Ok(())
    }

    fn act(&self, work: &mut StepWork<'_>) -> Result<StepOutcome, RestoreError> {
        let moved = self.moved(work.scene)?;
        let is_there = moved.is_there()?;
        self.check(&moved, is_there, work.observer)?;
        if !is_there {
            moved.make()?;
        }
        let mut configuration = moved.configuration();
        if let Some(configuration) = &mut configuration {
            configuration.give(SettingMoment::BeforeObjects);
        }
        let report = moved.restore(false, work.observer)?;
        let place = moved.place();
        if report.errors > 0 {
            let objects = count(report.errors, "object", "objects");
            let message = format!("{objects} of {place} could not be restored");
            let next = "fix the errors above, then run the same command again";
            return Err(RestoreError::refused(message).or(next));
        }
        if let Some(configuration) = &mut configuration {
            configuration.give(SettingMoment::AfterObjects);
        }
        let (all, written) = (report.total_files, report.files_restored);
        let all = count(all, "object", "objects");
        let made = if is_there { "" } else { ", which was created" };
        let message = format!("wrote {written} of {all} to {place}{made}");
        let judged = match work.request().only_missing {
            true => "not compared",
            false => "the same by size and checksum",
        };
        let read_back = format!(
            "{} read back; {} already existed, {judged}",
            count(report.files_verified, "object", "objects"),
            report.files_skipped
        );
        let name = format!("objects {}", self.part.name());
        let mut verified = vec![Verified::new(name, true, read_back)];
        verified.extend(configuration.map(|it| it.verified(&place)));
        Ok(StepOutcome { message, verified })
    }
}
