//! The steps around the data: the application is stopped, its keys are compared, its checks run,
//! and it is started again.

mod application;
mod checks;
mod health;
mod keys;

use super::PreparedRestore;
use crate::kind::step::RestoreStep;
use application::{StartStep, StopStep};
use checks::ChecksStep;
use health::HealthStep;
use keys::KeysStep;

/// All steps of a restore, with those that restore data in their middle.
pub(super) fn around<'a>(
    prepared: &PreparedRestore<'a>,
    data: Vec<Box<dyn RestoreStep + 'a>>,
) -> Vec<Box<dyn RestoreStep + 'a>> {
    let (target, request) = (prepared.target, prepared.scene.request);
    let mut steps: Vec<Box<dyn RestoreStep + 'a>> = Vec::new();
    let stop = target.restore.stop.as_ref().filter(|_| !request.already_stopped);
    steps.extend(stop.map(|argv| Box::new(StopStep(argv)) as Box<dyn RestoreStep>));
    if prepared.scene.keys.is_none()
        && let Some(keys) = &prepared.keys
    {
        steps.push(Box::new(KeysStep { needed: keys.needed.clone() }));
    }
    steps.extend(data);
    let checks = prepared.checks();
    if !checks.is_empty() {
        steps.push(Box::new(ChecksStep { checks }));
    }
    let around = &target.restore;
    steps.extend(
        around.start.as_ref().map(|argv| Box::new(StartStep(argv)) as Box<dyn RestoreStep>),
    );
    let timeout = around.health_timeout;
    let health = around.health.as_ref().map(|url| HealthStep { url, timeout });
    steps.extend(health.map(|step| Box::new(step) as Box<dyn RestoreStep>));
    steps
}
