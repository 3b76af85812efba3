//! Every effect, on every kind of operation that it applies to.

use std::time::Duration;

use super::*;
use crate::MemoryBackend;

fn name(text: &str) -> ObjectName {
    ObjectName::new(text).unwrap()
}

/// A memory that holds `old` = "0123456789", and a faulty view of it.
fn with(plan: FaultPlan) -> (Arc<MemoryBackend>, FaultBackend) {
    let memory = Arc::new(MemoryBackend::new());
    memory.put(&name("old"), &[b"0123456789"]).unwrap();
    (Arc::clone(&memory), FaultBackend::new(memory, plan))
}

/// Runs one operation of each kind and returns the outcomes.
fn each_kind(fault: &FaultBackend) -> Vec<(OperationKind, Result<(), BackendError>)> {
    vec![
        (OperationKind::Put, fault.put(&name("new"), &[b"ab", b"cd"])),
        (OperationKind::Get, fault.get(&name("old"), u64::MAX).map(drop)),
        (OperationKind::GetRange, fault.get_range(&name("old"), 2, 4).map(drop)),
        (OperationKind::Size, fault.size(&name("old")).map(drop)),
        (OperationKind::List, fault.list("").map(drop)),
        (OperationKind::Quarantine, fault.quarantine(&name("old"))),
        (OperationKind::Delete, fault.delete(&name("new"))),
    ]
}

#[test]
fn conforms_without_a_plan() {
    crate::conformance::run(&|| {
        Arc::new(FaultBackend::new(Arc::new(MemoryBackend::new()), FaultPlan::none()))
    });
}

#[test]
fn operations_are_logged() {
    let (_, fault) = with(FaultPlan::none());
    let kinds: Vec<OperationKind> = each_kind(&fault).into_iter().map(|(kind, _)| kind).collect();
    let log = fault.log();
    assert_eq!(log.iter().map(|operation| operation.kind).collect::<Vec<_>>(), kinds);
    assert_eq!(log[0], Operation { kind: OperationKind::Put, name: "new".to_owned() });
    assert_eq!(fault.operations(), 7);
}

#[test]
fn a_failure_hits_one_operation_of_any_kind_and_changes_nothing() {
    for number in 1..=7 {
        let (memory, fault) =
            with(FaultPlan::at(number, FaultEffect::Fail(FaultFailure::Permission)));
        for (index, (kind, outcome)) in (1..).zip(each_kind(&fault)) {
            let denied = matches!(outcome, Err(BackendError::PermissionDenied { .. }));
            assert_eq!(denied, index == number, "{kind:?}: {outcome:?}");
        }
        assert_eq!(memory.size(&name("old")).is_ok(), number == 6);
        assert_eq!(memory.size(&name("new")).is_ok(), number == 7);
    }
}

#[test]
fn kinds_are_counted_apart() {
    let (_, fault) =
        with(FaultPlan::at_kind(2, &[OperationKind::Size], FaultEffect::Fail(FaultFailure::Io)));
    fault.list("").unwrap();
    fault.size(&name("old")).unwrap();
    fault.list("").unwrap();
    assert!(matches!(fault.size(&name("old")), Err(BackendError::Io { .. })));
    fault.size(&name("old")).unwrap();
}

#[test]
fn after_a_crash_nothing_works() {
    for applied in [false, true] {
        for number in 1..=7 {
            let (memory, fault) = with(FaultPlan::at(number, FaultEffect::Crash { applied }));
            for (index, (kind, outcome)) in (1..).zip(each_kind(&fault)) {
                let crashed = matches!(outcome, Err(BackendError::Crashed));
                assert_eq!(crashed, index >= number, "{kind:?}: {outcome:?}");
            }
            assert!(fault.has_crashed());
            assert_eq!(fault.operations(), number);
            let done = |step: u64| step < number || (step == number && applied);
            assert_eq!(memory.size(&name("old")).is_err(), done(6));
            assert_eq!(memory.size(&name("new")).is_ok(), done(1) && !done(7));
        }
    }
}

#[test]
fn a_torn_put_leaves_a_beginning() {
    for (keep, left) in [(0, ""), (3, "abc"), (9, "abcd")] {
        let (memory, fault) = with(FaultPlan::at(1, FaultEffect::Tear { keep }));
        assert!(matches!(fault.put(&name("new"), &[b"ab", b"cd"]), Err(BackendError::Crashed)));
        assert_eq!(memory.get(&name("new"), u64::MAX).unwrap(), left);
        assert!(fault.has_crashed());
    }
    let (memory, fault) = with(FaultPlan::at(1, FaultEffect::Tear { keep: 1 }));
    assert!(matches!(fault.delete(&name("old")), Err(BackendError::Crashed)));
    memory.size(&name("old")).unwrap();
}

#[test]
fn a_lost_acknowledgement_takes_effect() {
    let (memory, fault) = with(FaultPlan::at(1, FaultEffect::LostAck));
    assert!(matches!(fault.put(&name("new"), &[b"ab"]), Err(BackendError::Io { .. })));
    assert_eq!(memory.get(&name("new"), u64::MAX).unwrap(), "ab");
    assert!(matches!(fault.put(&name("new"), &[b"ab"]), Err(BackendError::AlreadyExists { .. })));
    let (_, fault) = with(FaultPlan::at(1, FaultEffect::LostAck));
    assert!(matches!(fault.put(&name("old"), &[b"ab"]), Err(BackendError::AlreadyExists { .. })));
}

#[test]
fn what_was_not_synced_is_seen_until_the_power_is_cut() {
    let (memory, fault) = with(FaultPlan::at(1, FaultEffect::Unsynced));
    assert!(matches!(fault.put(&name("new"), &[b"ab"]), Err(BackendError::Io { .. })));
    assert_eq!(fault.get(&name("new"), u64::MAX).unwrap(), "ab");
    for again in [fault.put(&name("new"), &[b"ab"]), fault.put(&name("other"), &[b"ab"])] {
        assert!(matches!(again, Err(BackendError::Io { .. })), "{again:?}");
    }
    assert!(matches!(fault.delete(&name("old")), Err(BackendError::Io { .. })));
    fault.power_cut().unwrap();
    assert!(matches!(memory.get(&name("new"), u64::MAX), Err(BackendError::NotFound { .. })));
    assert_eq!(memory.list("").unwrap().len(), 1);
    fault.put(&name("new"), &[b"ab"]).unwrap();
}

#[test]
fn an_object_that_cannot_be_read_is_there() {
    let (_, fault) = with(FaultPlan::unreadable("old"));
    fault.put(&name("new"), &[b"ab"]).unwrap();
    for _ in 0..2 {
        assert!(fault.get(&name("old"), u64::MAX).unwrap_err().is_unreadable());
        assert!(fault.get_range(&name("old"), 0, 1).unwrap_err().is_unreadable());
        assert_eq!(fault.get(&name("new"), u64::MAX).unwrap(), "ab");
        assert_eq!(fault.size(&name("old")).unwrap(), 10);
    }
    fault.quarantine(&name("old")).unwrap();
    fault.put(&name("old"), &[b"ab"]).unwrap();
    assert_eq!(fault.get(&name("old"), u64::MAX).unwrap(), "ab", "it is written elsewhere");
}

#[test]
fn answers_are_cut_short_and_damaged() {
    let always = |effect| with(FaultPlan::none().and_from(1, &[], effect)).1;
    let fault = always(FaultEffect::ShortRead);
    assert_eq!(fault.get(&name("old"), u64::MAX).unwrap(), "01234");
    let short = fault.get_range(&name("old"), 2, 4);
    assert!(matches!(short, Err(BackendError::ShortRead { offset: 2, wanted: 4, got: 2, .. })));

    let fault = always(FaultEffect::FlipBit { at: 80 + 8 });
    assert_eq!(fault.get(&name("old"), u64::MAX).unwrap(), "0023456789");
    assert_eq!(fault.get_range(&name("old"), 2, 3).unwrap(), b"235");
    fault.put(&name("empty"), &[]).unwrap();
    assert_eq!(fault.get(&name("empty"), u64::MAX).unwrap(), "");
}

#[test]
fn a_full_disk_still_deletes() {
    let (memory, fault) = with(FaultPlan::full_from_put(2));
    fault.put(&name("a"), &[b"1"]).unwrap();
    for text in ["b", "c"] {
        assert!(matches!(fault.put(&name(text), &[b"1"]), Err(BackendError::NoSpace { .. })));
    }
    fault.delete(&name("a")).unwrap();
    fault.quarantine(&name("old")).unwrap();
    assert!(matches!(fault.put(&name("a"), &[b"1"]), Err(BackendError::NoSpace { .. })));
    assert_eq!(memory.list("").unwrap().len(), 1);
}

#[test]
fn the_first_of_two_faults_wins() {
    let fail = FaultEffect::Fail(FaultFailure::Io);
    let plan = FaultPlan::at(1, fail).and_from(1, &[], FaultEffect::Fail(FaultFailure::NoSpace));
    let (_, fault) = with(plan);
    assert!(matches!(fault.list(""), Err(BackendError::Io { .. })));
    assert!(matches!(fault.list(""), Err(BackendError::NoSpace { .. })));
}

#[test]
fn a_delayed_operation_works() {
    let (_, fault) = with(FaultPlan::at(1, FaultEffect::Delay(Duration::from_millis(1))));
    assert_eq!(fault.get(&name("old"), u64::MAX).unwrap(), "0123456789");
}
