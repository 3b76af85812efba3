//! One lost object of each kind - damaged, missing, or on a bad sector - and every command after
//! that.
//!
//! Everything that does not need the object works. A check reports it, and after following the
//! check's advice the repository is healthy, all other snapshots are intact, and a prune frees
//! space.

use std::fmt;
use std::sync::Arc;

use holdfast_backend::fault::FaultPlan;
use holdfast_backend::{Backend, FaultBackend, ObjectName};
use holdfast_engine::check::DamageFinding;
use holdfast_engine::forget::forget;
use holdfast_engine::prune::prune;
use holdfast_engine::repair::{
    RepairIndexOptions, RepairSnapshotsOptions, repair_index, repair_snapshots,
};
use holdfast_engine::{EngineError, Silent};
use holdfast_repo::RepoError;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};

use crate::script::{PRUNE, STEPS, Script, ScriptStep, check_all, text};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Flipped,
    Missing,
    Unreadable,
}

const LOSSES: [Loss; 3] = [Loss::Flipped, Loss::Missing, Loss::Unreadable];

/// What depends on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LostKind {
    /// There is a second copy, or it can be rebuilt.
    Spare,
    /// A record without a copy: nothing may be deleted.
    Record,
    /// A part of some snapshots.
    Pack,
}

struct Case {
    kind: LostKind,
    objects: Vec<String>,
    loss: Loss,
    /// The last record of its chain.
    is_end: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.objects.join(" and "), self.loss)
    }
}

impl Case {
    /// A copy of the storage with the objects lost.
    fn of(&self, script: &Script) -> (Script, Arc<dyn Backend>) {
        let script = script.fork();
        let mut plan = FaultPlan::none();
        for object in &self.objects {
            let name = ObjectName::new(object).unwrap();
            let mut bytes = script.storage.get(&name, u64::MAX).unwrap().to_vec();
            match self.loss {
                Loss::Unreadable => plan = plan.and_unreadable(object),
                Loss::Missing => script.storage.delete(&name).unwrap(),
                Loss::Flipped => {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 1;
                    script.storage.delete(&name).unwrap();
                    script.storage.put(&name, &[&bytes]).unwrap();
                }
            }
        }
        let storage = Arc::clone(&script.storage) as Arc<dyn Backend>;
        (script, Arc::new(FaultBackend::new(storage, plan)))
    }

    /// The second copy of a generation is not required: older versions did not write it.
    fn is_named(&self) -> bool {
        let is_copy = self.objects.iter().all(|it| it.starts_with("gen/") && it.ends_with(".b"));
        !(self.loss == Loss::Missing && is_copy)
    }
}

fn findings(script: &Script, backend: &Arc<dyn Backend>) -> Result<Vec<DamageFinding>, String> {
    let repository = script.open(backend).map_err(text)?;
    Ok(check_all(&repository).map_err(text)?.findings)
}

/// The snapshots that can be restored; an error if one yields wrong bytes.
fn whole(script: &Script, backend: &Arc<dyn Backend>) -> Result<usize, String> {
    let repository = script.open(backend).map_err(text)?;
    let mut count = 0;
    for id in script.promised() {
        match script.comes_back(&repository, &id) {
            Ok(()) => count += 1,
            Err(error) if error.starts_with("wrong") => return Err(error),
            Err(_) => {}
        }
    }
    Ok(count)
}

fn prune_all(script: &Script, backend: &Arc<dyn Backend>) -> Result<(), EngineError> {
    prune(&script.open(backend)?, &PRUNE, &Silent).map(drop)
}

/// Every command, run without regard to the loss.
fn commands(case: &Case, script: &Script) -> Result<(), String> {
    // A shorter chain looks like an older state: nothing that is stored reveals the difference.
    if case.is_end && case.kind == LostKind::Record && case.loss == Loss::Missing {
        return Ok(());
    }
    let (mut script, backend) = case.of(script);
    let all = script.promised().len();
    let found = findings(&script, &backend)?;
    let names = |object: &String| found.iter().any(|it| it.object.starts_with(object.as_str()));
    if case.is_named() && !case.objects.iter().any(names) {
        return Err(format!("check does not report it: {found:?}"));
    }
    let least = match case.kind {
        LostKind::Spare => all,
        LostKind::Record => 1,
        // All of them may share it.
        LostKind::Pack => 0,
    };
    let there = whole(&script, &backend)?;
    if there < least {
        return Err(format!("{there} of {all} snapshots come back"));
    }
    script.promise(&backend, 1).map_err(|error| format!("backup: {error}"))?;
    let before = whole(&script, &backend)?;
    // Identical data is found where it is listed: a lost pack is replaced only after a repair.
    if before <= there && case.kind != LostKind::Pack {
        return Err("the new snapshot does not come back".to_owned());
    }
    let repository = script.open(&backend).map_err(text)?;
    let oldest = repository.history().snapshots()[0].id;
    let was_whole =
        script.promised().contains(&oldest) && script.comes_back(&repository, &oldest).is_ok();
    script.give_up(&oldest);
    forget(&repository, &[oldest]).map_err(|error| format!("forget: {error}"))?;
    match prune_all(&script, &backend) {
        Ok(()) if case.kind == LostKind::Record => {
            return Err("a prune deleted something".to_owned());
        }
        Err(error) if case.kind == LostKind::Spare && !is_index(&error) => {
            return Err(format!("prune: {error}"));
        }
        Err(EngineError::Repo(RepoError::Backend(error))) => return Err(format!("prune: {error}")),
        _ => {}
    }
    match whole(&script, &backend)? + usize::from(was_whole) {
        after if after < before => Err(format!("{after} of {before} snapshots are left")),
        _ => Ok(()),
    }
}

/// A prune requires every index object, and reports what to do.
fn is_index(error: &EngineError) -> bool {
    matches!(error, EngineError::IndexGap { .. })
}

/// The commands that a check recommends, in order.
fn way_out(case: &Case, script: &Script) -> Result<(), String> {
    let (mut script, backend) = case.of(script);
    let before = whole(&script, &backend)?;
    let options = RepairIndexOptions {
        read_all: true,
        packs: Vec::new(),
        write: WriteOptions::new(COMPRESSION_DEFAULT),
    };
    repair_index(&script.open(&backend).map_err(text)?, &options, &Silent).map_err(text)?;
    let newest = script.promise(&backend, 2)?;
    let options = RepairSnapshotsOptions {
        forget: true,
        dry_run: false,
        write: WriteOptions::new(COMPRESSION_DEFAULT),
    };
    repair_snapshots(&script.open(&backend).map_err(text)?, &options, &Silent).map_err(text)?;
    for _ in 0..2 {
        let found = findings(&script, &backend)?;
        if !found.is_empty() {
            return Err(format!("after the repairs: {found:?}"));
        }
        prune_all(&script, &backend).map_err(|error| format!("prune: {error}"))?;
    }
    let repository = script.open(&backend).map_err(text)?;
    script.comes_back(&repository, &newest)?;
    match whole(&script, &backend)? {
        after if after <= before => Err(format!("{after} snapshots are left of {before} and one")),
        _ => Ok(()),
    }
}

/// Runs the script to completion, with one more snapshot that another prune must not touch.
fn script() -> Script {
    let mut script = Script::new();
    script.run_to_end().unwrap();
    assert_eq!(STEPS[script.done - 1], ScriptStep::Check);
    script
}

fn cases(script: &Script) -> Vec<(LostKind, Vec<String>)> {
    let names = |folder: &str| -> Vec<String> {
        let listed = script.storage.list(folder).unwrap();
        listed.into_iter().map(|listed| listed.name.to_string()).collect()
    };
    let mut cases: Vec<(LostKind, Vec<String>)> = Vec::new();
    let spare = ["config".to_owned(), "config.b".to_owned()].into_iter();
    let spare = spare.chain(names("keys")).chain(names("index")).chain(names("gen"));
    cases.extend(spare.map(|name| (LostKind::Spare, vec![name])));
    let records = names("gen").into_iter().filter(|name| !name.ends_with(".b"));
    cases.extend(records.map(|name| (LostKind::Record, vec![name.clone(), format!("{name}.b")])));
    cases.extend(names("w").into_iter().map(|name| (LostKind::Record, vec![name])));
    cases.extend(names("packs").into_iter().map(|name| (LostKind::Pack, vec![name])));
    cases
}

fn for_each_case(test: fn(&Case, &Script) -> Result<(), String>) {
    let script = script();
    let all = cases(&script);
    let last = |folder: &str| {
        let names = all.iter().map(|(_, objects)| &objects[0]);
        names.filter(|name| name.starts_with(folder) && !name.ends_with(".b")).max().cloned()
    };
    let ends = [last("gen/"), last("w/")];
    let cases: Vec<Case> = all
        .iter()
        .flat_map(|(kind, objects)| {
            let is_end = ends.contains(&objects.first().cloned());
            LOSSES.map(|loss| Case { kind: *kind, objects: objects.clone(), loss, is_end })
        })
        .collect();
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| test(case, &script).err().map(|trouble| format!("{case}: {trouble}")))
        .collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

#[test]
fn every_command_works_that_can() {
    for_each_case(commands);
}

#[test]
fn what_check_says_to_do_leads_back() {
    for_each_case(way_out);
}
