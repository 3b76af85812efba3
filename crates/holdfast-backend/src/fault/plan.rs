//! What goes wrong, and when.

use std::time::Duration;

/// The methods of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// [`put`](crate::Backend::put)
    Put,
    /// [`get`](crate::Backend::get)
    Get,
    /// [`get_range`](crate::Backend::get_range)
    GetRange,
    /// [`size`](crate::Backend::size)
    Size,
    /// [`list`](crate::Backend::list)
    List,
    /// [`delete`](crate::Backend::delete)
    Delete,
    /// [`quarantine`](crate::Backend::quarantine)
    Quarantine,
}

impl OperationKind {
    /// Whether such an operation changes what is stored.
    pub(super) fn changes(self) -> bool {
        matches!(self, OperationKind::Put | OperationKind::Delete | OperationKind::Quarantine)
    }
}

/// One operation that a caller asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which method.
    pub kind: OperationKind,
    /// The name of the object, or the prefix of a listing.
    pub name: String,
}

/// Which error a failing operation returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultFailure {
    /// `Error::Io` with `EIO`: a bad medium, a broken connection.
    Io,
    /// `Error::NoSpace` with `ENOSPC`.
    NoSpace,
    /// `Error::PermissionDenied` with `EACCES`.
    Permission,
}

/// What happens to an operation. An effect that does not apply to its kind does nothing, except
/// that a crash is always a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultEffect {
    /// It fails and changes nothing.
    Fail(FaultFailure),
    /// The process dies: this operation and every later one returns `Error::Crashed`.
    Crash {
        /// Whether the operation takes effect first.
        applied: bool,
    },
    /// For put: the process dies and leaves a truncated object under the final name. Storage that
    /// breaks the promise of `put` does this. Others: a crash before the operation.
    Tear {
        /// Length of what is left, in bytes; at most that of the object.
        keep: usize,
    },
    /// For put, delete and quarantine: it takes effect and fails with `EIO`; a second put then gets
    /// `AlreadyExists`. Others: `EIO`.
    LostAck,
    /// For put: it takes effect temporarily and fails with `EIO`, as when the sync of a folder
    /// fails: the object is visible, no later change succeeds, and [`power_cut`] removes it.
    /// Others: `EIO`.
    ///
    /// [`power_cut`]: super::FaultBackend::power_cut
    Unsynced,
    /// For get: the first half of the bytes, as if that were all. For `get_range`: `ShortRead`
    /// after the first half.
    ShortRead,
    /// For get and `get_range`: one bit of the result is wrong.
    FlipBit {
        /// Number of the bit in the result, from 0, taken modulo its length in bits.
        at: usize,
    },
    /// It takes this much longer.
    Delay(Duration),
}

/// What goes wrong with one or more operations.
#[derive(Debug, Clone)]
pub(super) struct FaultRule {
    /// Number of the first operation concerned, from 1, among those of `kinds`.
    first: u64,
    /// Whether the rule also holds for all operations after the first.
    lasting: bool,
    /// Empty for all.
    kinds: Vec<OperationKind>,
    /// The object, if the rule is limited to one.
    object: Option<String>,
    effect: FaultEffect,
    /// Number of operations of `kinds` so far.
    seen: u64,
}

/// A list of faults; where several apply to one operation, the first in the list wins.
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    rules: Vec<FaultRule>,
}

impl FaultPlan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> FaultPlan {
        FaultPlan::default()
    }

    /// The operation with this number, from 1, has that effect.
    #[must_use]
    pub fn at(operation: u64, effect: FaultEffect) -> FaultPlan {
        FaultPlan::none().and_at(operation, &[], effect)
    }

    /// Like [`FaultPlan::at`], where only operations of these kinds count.
    #[must_use]
    pub fn at_kind(operation: u64, kinds: &[OperationKind], effect: FaultEffect) -> FaultPlan {
        FaultPlan::none().and_at(operation, kinds, effect)
    }

    /// A full disk starting at the put with this number, from 1: every put fails with `NoSpace`,
    /// and all other operations work.
    #[must_use]
    pub fn full_from_put(number: u64) -> FaultPlan {
        FaultPlan::none().and_from(
            number,
            &[OperationKind::Put],
            FaultEffect::Fail(FaultFailure::NoSpace),
        )
    }

    /// A medium that has this object but does not return it: reading it fails with `EIO`, until the
    /// object is deleted or moved aside.
    #[must_use]
    pub fn unreadable(object: &str) -> FaultPlan {
        FaultPlan::none().and_unreadable(object)
    }

    /// Adds an object that cannot be read.
    #[must_use]
    pub fn and_unreadable(mut self, object: &str) -> FaultPlan {
        self.rules.push(FaultRule {
            first: 1,
            lasting: true,
            kinds: vec![OperationKind::Get, OperationKind::GetRange],
            object: Some(object.to_owned()),
            effect: FaultEffect::Fail(FaultFailure::Io),
            seen: 0,
        });
        self
    }

    /// Adds a fault of one operation, counted among those of `kinds` (none for all).
    #[must_use]
    pub fn and_at(self, operation: u64, kinds: &[OperationKind], effect: FaultEffect) -> FaultPlan {
        self.and(operation, false, kinds, effect)
    }

    /// Adds a fault of this operation and all later ones of `kinds` (none for all).
    #[must_use]
    pub fn and_from(
        self,
        operation: u64,
        kinds: &[OperationKind],
        effect: FaultEffect,
    ) -> FaultPlan {
        self.and(operation, true, kinds, effect)
    }

    fn and(
        mut self,
        first: u64,
        lasting: bool,
        kinds: &[OperationKind],
        effect: FaultEffect,
    ) -> FaultPlan {
        let (kinds, object) = (kinds.to_vec(), None);
        self.rules.push(FaultRule { first, lasting, kinds, object, effect, seen: 0 });
        self
    }

    /// An object is gone, and its fault with it.
    pub(super) fn forget(&mut self, object: &str) {
        self.rules.retain(|rule| rule.object.as_deref() != Some(object));
    }

    /// Counts an operation and returns what happens to it.
    pub(super) fn next(&mut self, kind: OperationKind, name: &str) -> Option<FaultEffect> {
        // Every rule counts, even after one has matched.
        let matching: Vec<FaultEffect> =
            self.rules.iter_mut().filter_map(|rule| rule.next(kind, name)).collect();
        matching.first().copied()
    }
}

impl FaultRule {
    fn next(&mut self, kind: OperationKind, name: &str) -> Option<FaultEffect> {
        let is_kind = self.kinds.is_empty() || self.kinds.contains(&kind);
        if !is_kind || self.object.as_deref().is_some_and(|object| object != name) {
            return None;
        }
        self.seen += 1;
        let concerned =
            if self.lasting { self.seen >= self.first } else { self.seen == self.first };
        concerned.then_some(self.effect)
    }
}
