//! Half-written files in a repository's folder `tmp`, left by processes that did not finish.
//!
//! Files of processes that ended on this machine since its last boot are removed at once. Whether
//! processes on other machines, in other containers or from earlier boots still write cannot be
//! known here: like unfinished backups, their files are abandoned some time after a prune with this
//! cache first saw them. Correctness does not depend on that time: a file that is removed too early
//! is written again.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast_backend::Local;
use holdfast_repo::Repository;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::environment;
use crate::exit::CommandResult;

const NOTE: &str = "temporaries";

/// A file as first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sight {
    bytes: u64,
    /// In seconds since 1970.
    since: i64,
}

type Sights = BTreeMap<String, Sight>;

/// Decides about files that may still be being written.
struct Watch {
    before: Sights,
    now: i64,
    after_seconds: u64,
    seen: Sights,
}

impl Watch {
    /// True once a file has existed with its current size for the whole period. A time in the
    /// future comes from a wrong clock.
    fn is_given_up(&mut self, file: &str, bytes: u64) -> bool {
        let before = self.before.get(file).copied();
        let before = before.filter(|sight| sight.bytes == bytes && sight.since <= self.now);
        let sight = before.unwrap_or(Sight { bytes, since: self.now });
        let is_over = self.now.abs_diff(sight.since) >= self.after_seconds;
        if !is_over {
            self.seen.insert(file.to_owned(), sight);
        }
        is_over
    }
}

/// Removes files that are known to be left over, and abandoned ones. A failure only causes a
/// warning.
pub fn remove(context: &Context, repository: &Repository, after: Duration) {
    if let Err(error) = try_to_remove(context, repository, after) {
        context.output.warn(&format!("old temporary files are kept: {}", error.message));
    }
}

fn try_to_remove(context: &Context, repository: &Repository, after: Duration) -> CommandResult {
    let local = Local::open(context.location()?.path())?;
    let bytes = repository.index().note(NOTE)?.unwrap_or_default();
    let before: Sights = serde_json::from_slice(&bytes).unwrap_or_default();
    let now = environment::now().as_second();
    let mut watch = Watch { before, now, after_seconds: after.as_secs(), seen: Sights::new() };
    local.remove_temporaries(&mut |file, bytes| watch.is_given_up(file, bytes))?;
    if watch.seen != watch.before {
        let note = serde_json::to_vec(&watch.seen).unwrap_or_default();
        repository.index().set_note(NOTE, &note)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    #[test]
    fn a_file_of_another_machine_is_given_up_after_a_time_without_change() {
        let mut sights = Sights::new();
        let mut look = |day: i64, bytes: u64| {
            let before = std::mem::take(&mut sights);
            let after_seconds = 30 * DAY as u64;
            let mut watch = Watch { before, now: day * DAY, after_seconds, seen: Sights::new() };
            let is_given_up = watch.is_given_up("a", bytes);
            sights = watch.seen;
            is_given_up
        };
        assert!(!look(100, 5), "never at first sight, however old it is");
        assert!(!look(102, 5), "nor with a clock that is two days ahead");
        assert!(!look(129, 5));
        assert!(!look(131, 6), "it grew");
        assert!(!look(150, 6));
        assert!(!look(10, 6), "the clock went back");
        assert!(!look(39, 6));
        assert!(look(40, 6));
        assert!(!look(41, 6), "another file of that name starts over");
    }

    #[test]
    fn at_once_if_that_is_wanted() {
        let (before, seen) = (Sights::new(), Sights::new());
        let mut watch = Watch { before, now: 5, after_seconds: 0, seen };
        assert!(watch.is_given_up("a", 1));
    }
}
