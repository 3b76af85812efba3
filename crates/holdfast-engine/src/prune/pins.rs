//! Backups that a prune made start again: the next prunes condemn nothing until those are done, so
//! that no backup is overtaken forever, however often a prune runs.
//!
//! The wait for a host that does not return is limited, counting from when a prune with this cache
//! first saw its pin. This is only a courtesy: nothing is lost if a prune does not wait.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_format::WriterId;
use holdfast_repo::RepoError;
use serde::{Deserialize, Serialize};

use super::{Abandoned, Prune};

const NOTE: &str = "prune-pins";
/// Raised with every change of the note.
const VERSION: u32 = 1;
/// How long a pin is honoured, unless runs are abandoned sooner anyway.
const PATIENCE_SECONDS: u64 = 86_400;

/// A pin: the chain and the slot of its newest record.
pub(super) type Pin = (WriterId, u64);

/// When pins were first seen, in seconds since 1970.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PinNote {
    version: u32,
    seen: BTreeMap<String, i64>,
}

impl Prune<'_> {
    /// True if there is a pin to wait for; the report then names the hosts.
    pub(super) fn gives_way(&mut self) -> Result<bool, RepoError> {
        let pins: BTreeSet<Pin> = self.repository.history().pins().collect();
        self.pins_given_up = match self.options.abandoned {
            Some(abandoned) => self.given_up(&pins, abandoned)?,
            None => BTreeSet::new(),
        };
        let history = self.repository.history();
        let awaited = pins.difference(&self.pins_given_up);
        let host = |(writer, _): &Pin| history.host(writer).unwrap_or_default().to_owned();
        self.report.gave_way_to = awaited.map(host).collect();
        self.report.gave_way_to.dedup();
        drop(history);
        Ok(!self.report.gave_way_to.is_empty() && !self.ignores_pins())
    }

    /// True if there is no pin except abandoned ones.
    pub(super) fn may_condemn(&self, pins: impl Iterator<Item = Pin>) -> bool {
        let mut pins = pins;
        self.ignores_pins() || pins.all(|pin| self.pins_given_up.contains(&pin))
    }

    #[cfg_attr(not(test), allow(clippy::unused_self, reason = "a mutation"))]
    fn ignores_pins(&self) -> bool {
        #[cfg(test)]
        if self.mutation == super::PruneMutation::PinsAreIgnored {
            return true;
        }
        false
    }

    /// Pins that were first seen long enough ago, according to a note in the cache; all of them if
    /// there is no cache, because the wait would never end.
    fn given_up(
        &self,
        pins: &BTreeSet<Pin>,
        abandoned: Abandoned,
    ) -> Result<BTreeSet<Pin>, RepoError> {
        #[cfg(test)]
        if self.mutation == super::PruneMutation::PinsAreNeverGivenUp {
            return Ok(BTreeSet::new());
        }
        if self.repository.local_folder().is_none() {
            return Ok(pins.clone());
        }
        let index = self.repository.index();
        let note = index.note(NOTE)?.unwrap_or_default();
        let note: PinNote = serde_json::from_slice(&note).unwrap_or_default();
        let now = abandoned.now.as_second();
        let mut seen = BTreeMap::new();
        let mut given_up = BTreeSet::new();
        for pin @ (writer, slot) in pins {
            let key = format!("{}/{slot}", writer.to_hex());
            // A time in the future comes from a wrong clock.
            let before = note.seen.get(&key).copied().filter(|at| *at <= now);
            let first = before.unwrap_or(now);
            let waited = now.saturating_sub(first).unsigned_abs();
            if waited >= abandoned.after_seconds.min(PATIENCE_SECONDS) {
                given_up.insert(*pin);
            }
            seen.insert(key, first);
        }
        if seen != note.seen && !self.options.dry_run {
            let note = PinNote { version: VERSION, seen };
            index.set_note(NOTE, &serde_json::to_vec(&note).unwrap_or_default())?;
        }
        Ok(given_up)
    }
}
