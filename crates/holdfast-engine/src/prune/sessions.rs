//! Which runs are over, and how long to wait for those that may be in progress.
//!
//! An unneeded pack may belong to a run that is about to commit. If its chain has continued since,
//! the run is over. If not, a note in the local cache says when a prune first saw its packs, and
//! after a time the run is abandoned. The note and the clock only decide whether a run is
//! disturbed: a run still in progress meets the fence and starts again, and nothing is deleted
//! without the fence.

use std::collections::BTreeMap;

use holdfast_format::WriterId;
use holdfast_repo::history::History;
use holdfast_repo::{RepoError, Repository};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Abandoned, Waiting};

const NOTE: &str = "prune-sessions";
/// Raised with every change of the note.
const VERSION: u32 = 1;

/// Runs that have made no snapshot, by chain and first slot, and when their packs were first seen,
/// in seconds since 1970.
type FirstSeen = BTreeMap<String, i64>;

#[derive(Debug, Default, Serialize, Deserialize)]
struct SessionNote {
    version: u32,
    seen: FirstSeen,
}

/// What a prune knows about runs.
pub(super) struct Sessions<'a> {
    history: &'a History,
    abandoned: Option<Abandoned>,
    /// What earlier prunes saw.
    before: FirstSeen,
    /// What this one sees.
    seen: FirstSeen,
    waiting: BTreeMap<WriterId, Waiting>,
}

impl<'a> Sessions<'a> {
    /// Reads what earlier prunes with this cache saw.
    pub fn new(
        repository: &Repository,
        history: &'a History,
        abandoned: Option<Abandoned>,
    ) -> Result<Self, RepoError> {
        let bytes = repository.index().note(NOTE)?.unwrap_or_default();
        let note: SessionNote = serde_json::from_slice(&bytes).unwrap_or_default();
        let before = if note.version == VERSION { note.seen } else { FirstSeen::new() };
        let (seen, waiting) = (FirstSeen::new(), BTreeMap::new());
        Ok(Self { history, abandoned, before, seen, waiting })
    }

    /// True if the run that made packs with this tag is over, or abandoned.
    pub fn is_over(&mut self, writer: &WriterId, start_slot: u64) -> bool {
        if self.history.is_decided(writer, start_slot) {
            return true;
        }
        let Some(Abandoned { after_seconds, now }) = self.abandoned else { return false };
        let first = self.first_seen(writer, start_slot, now);
        self.seen.insert(key(writer, start_slot), first);
        now.as_second().saturating_sub(first).unsigned_abs() >= after_seconds
    }

    /// Records a pack that is kept for a run that is not over.
    pub fn wait(&mut self, writer: &WriterId, start_slot: u64, bytes: u64) {
        let since = self.abandoned.and_then(|abandoned| {
            Timestamp::from_second(self.first_seen(writer, start_slot, abandoned.now)).ok()
        });
        let host = || self.history.host(writer).unwrap_or_default().to_owned();
        let waiting = self.waiting.entry(*writer).or_insert_with(|| Waiting {
            host: host(),
            packs: 0,
            bytes: 0,
            since,
        });
        waiting.packs += 1;
        waiting.bytes += bytes;
        waiting.since = waiting.since.min(since);
    }

    /// Leaves a note for the next prune, unless this one must change nothing, and reports what
    /// waits.
    pub fn finish(self, repository: &Repository, dry_run: bool) -> Result<Vec<Waiting>, RepoError> {
        if !dry_run && self.abandoned.is_some() && self.seen != self.before {
            let note = SessionNote { version: VERSION, seen: self.seen };
            repository.index().set_note(NOTE, &serde_json::to_vec(&note).unwrap_or_default())?;
        }
        Ok(self.waiting.into_values().collect())
    }

    /// A time in the future comes from a wrong clock: the wait starts now.
    fn first_seen(&self, writer: &WriterId, start_slot: u64, now: Timestamp) -> i64 {
        let now = now.as_second();
        self.before.get(&key(writer, start_slot)).copied().filter(|at| *at <= now).unwrap_or(now)
    }
}

fn key(writer: &WriterId, start_slot: u64) -> String {
    format!("{}/{start_slot}", writer.to_hex())
}
