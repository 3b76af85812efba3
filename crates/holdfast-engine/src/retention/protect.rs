//! What no rule removes: the newest snapshots that are as good as a backup can be.
//!
//! A snapshot that lacks something must not displace the last one that does not. In each series
//! (one host, the same paths) these are kept: the newest snapshot that is sound; for each source
//! the newest that has it complete, the newest that has all of its entries, and the newest that is
//! not shrunk; and the newest whose checks passed. A source that the newest snapshot of the series
//! does not have is no longer captured, and only rules decide on it.

use std::collections::HashMap;

use holdfast_format::ObjectId;
use jiff::Timestamp;

use super::candidate::Candidate;
use crate::completeness::{Grade, SourceQuality};

/// Why a snapshot is protected.
#[derive(Debug)]
pub(super) struct Protection {
    /// The reasons; never empty.
    pub reasons: Vec<String>,
    /// True if no snapshot of the series is newer.
    pub is_newest: bool,
}

/// The snapshots that are protected.
#[derive(Debug, Default)]
pub(super) struct Protected(HashMap<ObjectId, Protection>);

impl Protected {
    /// Finds them.
    pub fn of(snapshots: &[Candidate], now: Timestamp) -> Self {
        let mut found = HashMap::new();
        let mut snapshots: Vec<&Candidate> = snapshots.iter().filter(|it| !it.partial).collect();
        snapshots.sort_by(|one, other| one.newest_first(other));
        // A date in the future may be wrong: such a snapshot does not replace an earlier one.
        let (future, past): (Vec<_>, Vec<_>) = snapshots.into_iter().partition(|it| it.time > now);
        for snapshots in [future, past] {
            let mut all = HashMap::<_, Series<'_>>::new();
            for candidate in snapshots {
                let key = (&candidate.host, &candidate.paths);
                let series = all.entry(key).or_insert_with(|| Series::new(candidate));
                let is_newest = series.newest.id == candidate.id;
                let reasons = series.reasons(candidate);
                if !reasons.is_empty() {
                    found.insert(candidate.id, Protection { reasons, is_newest });
                }
            }
        }
        Self(found)
    }

    /// Why a snapshot is protected, if it is.
    pub fn get(&self, id: &ObjectId) -> Option<&Protection> {
        self.0.get(id)
    }
}

/// What is still to be found in a series.
struct Series<'a> {
    newest: &'a Candidate,
    wants_sound: bool,
    wants_checks: bool,
    sources: Vec<ProtectedSource<'a>>,
}

/// What is still to be found of a source.
struct ProtectedSource<'a> {
    name: &'a str,
    /// `None` for the only source.
    is_only: bool,
    wants: [bool; KINDS],
}

/// Kinds of captures to find: complete, with all entries, not shrunk.
const KINDS: usize = 3;

impl<'a> Series<'a> {
    fn new(newest: &'a Candidate) -> Self {
        let all = &newest.quality.sources;
        let is_only = all.len() == 1;
        let sources =
            all.iter().map(|it| ProtectedSource { name: &it.name, is_only, wants: [true; KINDS] });
        let wants_checks = newest.quality.checks.is_some();
        Self { newest, wants_sound: true, wants_checks, sources: sources.collect() }
    }

    /// Why a snapshot is protected. Must be called from the newest to the oldest.
    fn reasons(&mut self, candidate: &Candidate) -> Vec<String> {
        // A sound snapshot has every source complete.
        if !self.wants_sound && !self.wants_checks {
            return Vec::new();
        }
        let quality = &candidate.quality;
        let of = |name: &str| quality.sources.iter().find(|it| it.name == name);
        let mut reasons = Vec::new();
        for source in &mut self.sources {
            if let Some(found) = of(source.name) {
                source.take(found, &mut reasons);
            }
        }
        if self.wants_checks && quality.checks == Some(true) {
            self.wants_checks = false;
            reasons.push("last whose checks passed".to_owned());
        }
        let has_all = self.sources.iter().all(|source| of(source.name).is_some());
        if self.wants_sound && has_all && quality.is_sound() {
            self.wants_sound = false;
            // This implies all the others.
            reasons = vec!["last complete snapshot".to_owned()];
        }
        reasons
    }
}

impl ProtectedSource<'_> {
    fn take(&mut self, found: &SourceQuality, reasons: &mut Vec<String>) {
        if found.is_shrunk {
            return;
        }
        let of = if self.is_only { String::new() } else { format!(" of {}", self.name) };
        let kinds = [
            (found.grade == Grade::Complete, format!("last complete capture{of}")),
            (found.grade <= Grade::Changed, format!("last capture{of} with nothing missing")),
            (true, format!("last full-size capture{of}")),
        ];
        let mut is_told = false;
        for (wanted, (is_met, reason)) in self.wants.iter_mut().zip(kinds) {
            if *wanted && is_met {
                *wanted = false;
                // The best of them implies the others.
                if !std::mem::replace(&mut is_told, true) {
                    reasons.push(reason);
                }
            }
        }
    }
}
