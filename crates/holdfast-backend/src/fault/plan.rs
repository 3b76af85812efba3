//! What goes wrong, and when.

use std::time::Duration;

/// The methods of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
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

/// One operation that a caller asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which method.
    pub kind: Kind,
    /// The name of the object, or the prefix of a listing.
    pub name: String,
}

/// Which error a failing operation returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// `Error::Io` with `EIO`: a bad medium, a broken connection.
    Io,
    /// `Error::NoSpace` with `ENOSPC`.
    NoSpace,
    /// `Error::PermissionDenied` with `EACCES`.
    Permission,
}

/// What happens to an operation. One that makes no sense for its kind leaves it as it is, except
/// that a crash is always a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It fails and changes nothing.
    Fail(Failure),
    /// The process dies: this operation and every later one returns `Error::Crashed`.
    Crash {
        /// Whether the operation takes effect before.
        applied: bool,
    },
    /// For put: the process dies and leaves, under the final name, an object that is cut short.
    /// Storage that breaks the promise of `put` does this. Others: a crash before the operation.
    Tear {
        /// Length of what is left, in bytes; at most that of the object.
        keep: usize,
    },
    /// For put, delete and quarantine: it takes effect and fails with `EIO`; a second put then gets
    /// `AlreadyExists`. Others: `EIO`.
    LostAck,
    /// For get: the first half of the bytes, as if that were all. For `get_range`: `ShortRead`
    /// after the first half.
    ShortRead,
    /// For get and `get_range`: one bit of the answer is wrong.
    FlipBit {
        /// Number of the bit in the answer, from 0, taken modulo its length in bits.
        at: usize,
    },
    /// It takes that much longer.
    Delay(Duration),
}

/// What goes wrong with one or more operations.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Number of the first operation concerned, from 1, among those of `kinds`.
    first: u64,
    /// Whether the rule also holds for all operations after the first.
    lasting: bool,
    /// Empty for all.
    kinds: Vec<Kind>,
    effect: Effect,
    /// How many operations of `kinds` there have been.
    seen: u64,
}

/// A list of faults; where several meet on one operation, the first in the list wins.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    rules: Vec<Rule>,
}

impl Plan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Plan {
        Plan::default()
    }

    /// The operation with this number, from 1, has that effect.
    #[must_use]
    pub fn at(operation: u64, effect: Effect) -> Plan {
        Plan::none().and_at(operation, &[], effect)
    }

    /// Like [`Plan::at`], where only operations of these kinds count.
    #[must_use]
    pub fn at_kind(operation: u64, kinds: &[Kind], effect: Effect) -> Plan {
        Plan::none().and_at(operation, kinds, effect)
    }

    /// A full disk from the put with this number, from 1, on: every put fails with `NoSpace`, and
    /// all other operations work.
    #[must_use]
    pub fn full_from_put(number: u64) -> Plan {
        Plan::none().and_from(number, &[Kind::Put], Effect::Fail(Failure::NoSpace))
    }

    /// Adds a fault of one operation, counted among those of `kinds` (none for all).
    #[must_use]
    pub fn and_at(self, operation: u64, kinds: &[Kind], effect: Effect) -> Plan {
        self.and(operation, false, kinds, effect)
    }

    /// Adds a fault of this operation and all later ones of `kinds` (none for all).
    #[must_use]
    pub fn and_from(self, operation: u64, kinds: &[Kind], effect: Effect) -> Plan {
        self.and(operation, true, kinds, effect)
    }

    fn and(mut self, first: u64, lasting: bool, kinds: &[Kind], effect: Effect) -> Plan {
        self.rules.push(Rule { first, lasting, kinds: kinds.to_vec(), effect, seen: 0 });
        self
    }

    /// Counts an operation and says what happens to it.
    pub(super) fn next(&mut self, kind: Kind) -> Option<Effect> {
        // Every rule counts, also after one has matched.
        let matching: Vec<Effect> =
            self.rules.iter_mut().filter_map(|rule| rule.next(kind)).collect();
        matching.first().copied()
    }
}

impl Rule {
    fn next(&mut self, kind: Kind) -> Option<Effect> {
        if !self.kinds.is_empty() && !self.kinds.contains(&kind) {
            return None;
        }
        self.seen += 1;
        let concerned =
            if self.lasting { self.seen >= self.first } else { self.seen == self.first };
        concerned.then_some(self.effect)
    }
}
