//! Storage that breaks its promise: a put leaves the beginning of an object under its final name.
//!
//! No backend of holdfast does this, but a machine that loses power can, if its disk lies about
//! completed writes. Everything acknowledged before must still be restored. A check reports the
//! torn object by name, and it causes errors only until it is repaired.

use std::sync::Arc;

use holdfast_backend::fault::{FaultEffect, FaultPlan, OperationKind};
use holdfast_backend::{Backend, FaultBackend, ObjectName};

use crate::script::{Script, check_all};

/// Runs the script until the n-th put, which is torn. `None` if there are fewer puts.
fn tear(script: &mut Script, put: u64, keep: usize) -> Option<ObjectName> {
    let plan = FaultPlan::at_kind(put, &[OperationKind::Put], FaultEffect::Tear { keep });
    let fault = Arc::new(FaultBackend::new(Arc::clone(&script.storage) as Arc<dyn Backend>, plan));
    let outcome = script.run(&(Arc::clone(&fault) as Arc<dyn Backend>));
    if outcome.is_ok() {
        return None;
    }
    let log = fault.log();
    let last = log.iter().rfind(|operation| operation.kind == OperationKind::Put).unwrap();
    Some(ObjectName::new(&last.name).unwrap())
}

/// Nothing acknowledged is affected; the torn object is reported if it causes an error.
fn survive(script: &mut Script, torn: &ObjectName, keep: usize) -> Result<(), String> {
    script.verify()?;
    let on_its_own = script.fork().run_to_end();
    if let Err(message) = &on_its_own
        && script.done > 0
        && !message.contains(torn.as_str())
    {
        return Err(format!("{torn} is not named: {message}"));
    }
    // A shorter object is complete.
    let is_cut = script.storage.size(torn).is_ok_and(|bytes| bytes == keep as u64);
    if is_cut && script.done > 0 && torn.as_str().starts_with("index/") {
        let report = check_all(&script.open_storage().map_err(|error| error.to_string())?);
        let findings = report.map_err(|error| error.to_string())?.findings;
        if !findings.iter().any(|finding| finding.object == torn.as_str()) {
            return Err(format!("check does not report {torn}: {findings:?}"));
        }
    }
    // The object was never acknowledged: removing it loses nothing, and everything works again.
    script.storage.delete(torn).map_err(|error| error.to_string())?;
    script.run_to_end()?;
    script.verify()
}

fn at_each_put(keep: usize) {
    let begin = Script::new();
    for put in 1.. {
        let mut script = begin.fork();
        let Some(torn) = tear(&mut script, put, keep) else { break };
        survive(&mut script, &torn, keep)
            .unwrap_or_else(|trouble| panic!("put {put} of {torn} torn after {keep}: {trouble}"));
    }
}

#[test]
fn a_put_that_leaves_nothing_but_a_name() {
    at_each_put(0);
}

#[test]
fn a_put_that_leaves_a_few_bytes() {
    at_each_put(64);
}

#[test]
fn a_put_that_leaves_one_block() {
    at_each_put(512);
}
